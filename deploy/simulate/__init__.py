"""What a fleet of trailstream needs, costs and keeps up with, worked out from numbers that are named in one place."""
