"""Sources: one file per provider API (floor 2)."""
