"""Views: pure functions from a snapshot to samples (floor 3)."""
