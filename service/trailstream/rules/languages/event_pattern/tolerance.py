"""What people write in patterns that EventBridge refuses, and that has one obvious meaning.

Such a pattern was never active on AWS, so its author has not been told. It is read as meant, and said so in a note;
:func:`~trailstream.rules.languages.event_pattern.pattern.compile_pattern` refuses it as AWS does.
"""

from __future__ import annotations

from typing import Any

from trailstream.rules.documents import At
from trailstream.rules.languages.event_pattern.addresses import alone
from trailstream.rules.languages.event_pattern.operators import OPERATORS


def tolerate(pattern: Any) -> tuple[Any, list[str]]:
    """Return the pattern as EventBridge would take it, and a note for each thing that was read as meant."""
    notes: list[str] = []
    return _object(pattern, (), notes) if isinstance(pattern, dict) else pattern, notes


def _object(pattern: dict[str, Any], at: At, notes: list[str]) -> dict[str, Any]:
    return {name: _below(name, value, (*at, name), notes) for name, value in pattern.items()}


def _below(name: str, value: Any, at: At, notes: list[str]) -> Any:
    if isinstance(value, dict):
        return _object(value, at, notes)
    if not isinstance(value, list):
        return value
    if name == "$or":
        return [_object(one, at, notes) if isinstance(one, dict) else one for one in value]
    return [read for one in value for read in _expression(one, at, notes)]


def _expression(value: Any, at: At, notes: list[str]) -> list[Any]:
    """Return what one alternative means: itself, or several."""
    if not isinstance(value, dict):
        return [value]
    if len(value) > 1 and all(name in OPERATORS for name in value):
        notes.append(f"{_dotted(at)}: EventBridge allows one operator in an object; read as one alternative for each")
        return [{name: argument} for name, argument in value.items()]
    match value:
        case {"contains": str(text)} if len(value) == 1 and text:
            notes.append(f'{_dotted(at)}: EventBridge has no "contains"; read as the wildcard *{text}*')
            escaped = text.replace("\\", "\\\\").replace("*", "\\*")
            return [{"wildcard": f"*{escaped}*"}]
        case {"cidr": str(block)} if len(value) == 1 and (address := alone(block)) is not None:
            notes.append(f"{_dotted(at)}: EventBridge takes no block of one address; read as the address {address}")
            return [address]
        case {"anything": list(values)} if len(value) == 1 and values:
            notes.append(f'{_dotted(at)}: EventBridge has no "anything"; read as any of its values')
            return values
    return [value]


def _dotted(at: At) -> str:
    return ".".join(map(str, at))
