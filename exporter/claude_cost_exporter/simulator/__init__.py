"""Simulator: a faithful fake of the Admin API (floor 2)."""
