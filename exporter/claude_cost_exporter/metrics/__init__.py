"""Metrics: samples to exposition text (floor 4)."""
