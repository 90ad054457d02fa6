"""Prices: what a token costs, on which day, and why (floor 1)."""
