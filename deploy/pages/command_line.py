"""The reference of the command line, from its own parsers."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

from trailstream.entrypoints.cli import make_parser

HELP = "-h"
_POSITIONAL: dict[int | str | None, str] = {"?": "[{}]", "*": "[{} ...]", "+": "{} ..."}


def reference() -> str:
    """Return every command with its description, arguments and options, in Markdown."""
    return "\n".join(line for parser in _commands(make_parser()) for line in _command(parser)).rstrip()


def _commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    groups = [action for action in _arguments(parser) if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001 - argparse has no public name for it
    if not groups:
        yield parser
    for group in groups:
        for each in group.choices.values():
            yield from _commands(each)


def _arguments(parser: argparse.ArgumentParser) -> Sequence[argparse.Action]:
    return [each for each in parser._actions if HELP not in each.option_strings]  # noqa: SLF001 - argparse has no public list


def _command(parser: argparse.ArgumentParser) -> Iterator[str]:
    arguments = _arguments(parser)
    usage = " ".join([parser.prog, *(_usage(parser, each) for each in arguments)])
    yield f"## `{parser.prog}`\n"
    yield f"```text\n{usage}\n```\n"
    if parser.description:
        yield f"{parser.description}\n"
    if arguments:
        yield "| argument | what it is |"
        yield "|---|---|"
        yield from (f"| `{_name(each)}` | {_meaning(each)} |" for each in arguments)
        yield ""


def _usage(parser: argparse.ArgumentParser, argument: argparse.Action) -> str:
    if not argument.option_strings:
        return _POSITIONAL.get(argument.nargs, "{}").format(_name(argument))
    if argument.required:
        return _name(argument)
    exclusive = [group._group_actions for group in parser._mutually_exclusive_groups if group.required]  # noqa: SLF001 - as above
    group = next((group for group in exclusive if argument in group), None)
    if group is None:
        return f"[{_name(argument)}]"
    if argument is not group[0]:
        return f"| {_name(argument)}" + (")" if argument is group[-1] else "")
    return f"({_name(argument)}"


def _name(argument: argparse.Action) -> str:
    value = "{" + ",".join(map(str, argument.choices)) + "}" if argument.choices else argument.metavar
    if not argument.option_strings:
        return str(value or argument.dest)
    return argument.option_strings[0] + (f" {value}" if argument.nargs != 0 and value else "")


def _meaning(argument: argparse.Action) -> str:
    facts = [argument.help or ""]
    if argument.required and argument.option_strings:
        facts.append("(required)")
    default = argument.default
    if default not in (None, False, argparse.SUPPRESS) and "default" not in facts[0]:
        facts.append(f"(default: {default})")
    return " ".join(filter(None, facts))
