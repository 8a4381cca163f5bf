"""The reference of the command line tells of every command, argument and option, in the parser's own words."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import pytest
from deploy.pages.command_line import reference

from trailstream.entrypoints.cli import make_parser

TEXT = reference()


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from parsers(each)


LEAVES = [each for each in parsers(make_parser()) if each.get_default("command") is not None]
ARGUMENTS = [
    (parser, action)
    for parser in LEAVES
    for action in parser._actions
    if not isinstance(action, argparse._HelpAction)
]  # fmt: skip


def section(parser: argparse.ArgumentParser) -> str:
    _, _, rest = TEXT.partition(f"## `{parser.prog}`\n")
    return rest.partition("\n## ")[0]


def test_every_command_has_a_section_that_describes_it() -> None:
    assert TEXT.count("## `") == len(LEAVES) >= 6
    for parser in LEAVES:
        assert parser.description
        assert parser.description in section(parser)


@pytest.mark.parametrize(
    ("parser", "action"), ARGUMENTS, ids=[f"{parser.prog} {action.dest}" for parser, action in ARGUMENTS]
)
def test_every_argument_is_explained(parser: argparse.ArgumentParser, action: argparse.Action) -> None:
    assert action.help
    name = action.option_strings[0] if action.option_strings else action.metavar
    rows = [line for line in section(parser).splitlines() if line.startswith(f"| `{name}")]
    assert len(rows) == 1
    assert action.help in rows[0]


@pytest.mark.parametrize(
    "usage",
    [
        "trailstream worker [--config FILE]",
        "trailstream scan PATH ... --rules DIR [--skip-broken]",
        "trailstream rules check DIR",
        "trailstream dlq redrive (--all | --code CODE | --message-id ID) [--limit N] [--dry-run]",
    ],
)
def test_the_usage_tells_what_is_required_and_what_excludes_what(usage: str) -> None:
    assert f"```text\n{usage}" in TEXT


def test_a_default_is_told_once() -> None:
    assert "look at N messages (default: 100) |" in TEXT
    assert "how records are read (default: auto) |" in TEXT
    assert "(default: None)" not in TEXT
    assert "(default: False)" not in TEXT
