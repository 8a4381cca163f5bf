"""Rules that are Python code, as detection engineers write them for Panther: read and looked at here, never run."""
