"""Replays simulated organisations through the forecasts and the anomaly bands."""
