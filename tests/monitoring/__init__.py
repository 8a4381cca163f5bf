"""The alerting rules and the dashboards: checked, unit-tested, and provoked in real workers."""
