"""Prometheus exporter for what Claude costs."""

__version__ = "0.1.0"
