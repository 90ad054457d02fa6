"""Reports: the ledger's views as text, for people and for programs (floor 4)."""
