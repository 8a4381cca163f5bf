"""Rules that are Python code, run in a process of their own: ``judge`` is our side, ``child`` is theirs."""
