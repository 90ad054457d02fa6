"""Ledger: what was read, priced and counted, kept across restarts (floor 2)."""
