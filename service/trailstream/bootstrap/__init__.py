"""The only place that knows everybody: it makes the parts, gives each what it asks for, and closes what was opened."""
