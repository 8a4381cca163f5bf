"""``trailstream rules``: tools for the people who write rules, one module each."""

from __future__ import annotations

import argparse

from trailstream.entrypoints.rules.bench import add_bench
from trailstream.entrypoints.rules.check import add_check
from trailstream.entrypoints.rules.explain import add_explain
from trailstream.entrypoints.rules.list_ import add_list
from trailstream.entrypoints.rules.test import add_test
from trailstream.entrypoints.rules.try_ import add_try


def add_rules(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the tools to the command line."""
    rules = commands.add_parser("rules", help="tools for the people who write rules")
    tools = rules.add_subparsers(required=True, metavar="TOOL")
    for add in (add_check, add_list, add_try, add_explain, add_test, add_bench):
        add(tools)
