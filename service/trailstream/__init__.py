"""trailstream: know within seconds when an API call that matters is made in any of your AWS accounts."""

__version__ = "0.1.0"
