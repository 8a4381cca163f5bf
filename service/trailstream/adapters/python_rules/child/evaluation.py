"""One rule on one event: whether it matches, and what its other functions say of the match."""

from __future__ import annotations

import importlib
import json
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType, NoneType
from typing import Any

from trailstream.adapters.python_rules.child.containers import plain
from trailstream.adapters.python_rules.child.event import PantherEvent
from trailstream.adapters.python_rules.frames import Answer, Said

MAX_TEXT_CHARACTERS = 1000
MAX_CONTEXT_CHARACTERS = 200 * 1024
MAX_DESTINATIONS = 10
"""Panther's limits; what is longer is cut."""
CUT = "... (truncated)"
MAX_TRACEBACK_CHARACTERS = 4096
_NOT_THEIRS = (str(Path(__file__).parent), str(Path(importlib.__file__).parent), "<frozen importlib")
"""Where the files are that call a rule, or import it."""

SEVERITIES = frozenset(["INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"])
DEFAULT = "DEFAULT"


def evaluate(module: ModuleType, event: PantherEvent) -> Answer:
    """Ask a rule of an event. What it raises, the end of the process included, is part of the answer.

    What a function returns is used as far as it can be; that Panther would not take it is a complaint.
    """
    complaints: list[str] = []
    try:
        found = module.rule(event)
        matched = bool(found)
    except BaseException as error:  # noqa: BLE001 -- whatever a rule does is its own affair
        return Answer(error=told(error))
    if not isinstance(found, bool):
        complaints.append(_unlike("rule", found, (bool,)))
    return Answer(matched, said=_said(module, event, complaints) if matched else None, complaints=complaints)


def _unlike(name: str, found: Any, kinds: Sequence[type]) -> str:
    return f"{name}() returned {type(found).__name__}, expected {' or '.join(kind.__name__ for kind in kinds)}"


def _said(module: ModuleType, event: PantherEvent, complaints: list[str]) -> Said:
    def ask(name: str, read: Callable[[Any], Any], *kinds: type, nothing: Any = None) -> Any:
        function = getattr(module, name, None)
        if function is None:
            return None
        try:
            found = function(event)
            if not isinstance(found, kinds):
                complaints.append(_unlike(name, found, kinds))
            said = read(found)
        except BaseException as error:  # noqa: BLE001 -- the match is worth an alert whatever describes it does
            complaints.append(f"{name}(): {told(error)}")
            said = None
        return nothing if said is None else said

    return Said(
        title=ask("title", _text, str),
        severity=ask("severity", _severity, str),
        description=ask("description", _text, str),
        reference=ask("reference", _text, str),
        runbook=ask("runbook", _text, str),
        dedup=ask("dedup", _text, str, nothing=""),
        destinations=ask("destinations", _destinations, list, NoneType),
        context=ask("alert_context", _context, Mapping),
    )


def _text(found: Any) -> str | None:
    """Return the text; None where it is empty, for what the rule says of itself is told then."""
    if found is None or not (text := str(found)):
        return None
    return text if len(text) <= MAX_TEXT_CHARACTERS else text[: MAX_TEXT_CHARACTERS - len(CUT)] + CUT


def _severity(found: Any) -> str | None:
    severity = str(found).upper()
    if severity == DEFAULT:
        return None
    if severity not in SEVERITIES:
        raise ValueError(f"{found!r} is no severity")
    return severity


def _destinations(found: Any) -> list[str] | None:
    if found is None or isinstance(found, str):
        return None
    return [str(each)[:MAX_TEXT_CHARACTERS] for each in list(found)[:MAX_DESTINATIONS]]


def _context(found: Any) -> bytes | None:
    if found is None:
        return None
    text = json.dumps(found, default=_plain, ensure_ascii=False, allow_nan=False, skipkeys=True)
    if len(text) > MAX_CONTEXT_CHARACTERS:
        text = json.dumps({"_error": f"the context has {len(text)} characters, more than {MAX_CONTEXT_CHARACTERS}"})
    return text.encode("utf-8", "replace")


def _plain(value: Any) -> Any:
    try:
        return plain(value)
    except TypeError:
        return str(value)


def told(error: BaseException) -> str:
    """Return the traceback of what a rule raised, from its own first frame on."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_NOT_THEIRS):
        frames = frames.tb_next
    text = "".join(traceback.format_exception(type(error), error, frames))
    return text if len(text) <= MAX_TRACEBACK_CHARACTERS else "... " + text[-MAX_TRACEBACK_CHARACTERS:]
