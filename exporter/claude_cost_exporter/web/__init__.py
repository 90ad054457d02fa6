"""Web: /metrics, health and the status page (floor 5)."""
