"""The parts of ``docs/`` that are written by program; a test holds them to be current."""
