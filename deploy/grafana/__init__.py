"""Grafana dashboards, written by program: python -m deploy.grafana."""
