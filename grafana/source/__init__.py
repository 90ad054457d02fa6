"""The Grafana dashboards as Python: one file for each, and the pieces that they share.

`python -m grafana.source` (or `make dashboards`) writes them to grafana/dashboards.
"""
