"""Counts that are given on the command line."""

from __future__ import annotations

import argparse


def at_least_one(text: str) -> int:
    """Read a whole number from 1 on. Raises :class:`argparse.ArgumentTypeError`."""
    if not text.isdecimal() or (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
