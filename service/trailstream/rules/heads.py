"""The head of a record: a Struct that holds the few fields that gates look at, and nothing else.

A nested field (``userIdentity.type``) is read through a Struct of its own; the same name written with the dot in it
(``{"userIdentity.type": ...}``) is read too, since the evaluator reaches it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from trailstream.rules.condition import Path

ReadHead: TypeAlias = Callable[[Any], Any]

LONGEST_PLAIN_TEXT = 1024

ANYTHING: Any = object()
"""What is read where the head cannot tell the value: it may be any."""


def head_type(paths: Iterable[Path]) -> type[msgspec.Struct]:
    """Return the Struct that holds the values at these paths, each of one or two names."""
    below: dict[str, list[str]] = {}
    whole: set[str] = set()
    for path in paths:
        if len(path) == 1:
            whole.add(path[0])
        else:
            below.setdefault(path[0], []).append(path[1])
            whole.add(".".join(path))
    fields: dict[str, Any] = dict.fromkeys(sorted(whole - below.keys()), Any)
    for name, inner in sorted(below.items()):
        struct = _struct("Nested", dict.fromkeys(sorted(set(inner)), Any))
        fields[name] = struct | list[Any] | str | int | float | bool | None | UnsetType
    return _struct("Head", fields)


def characters_of_plain(head: msgspec.Struct) -> int | None:
    """Return how many characters are in a head of short texts, nulls and nothing; None if it holds anything else.

    Plain heads alike in value are alike in kind: in Python ``1``, ``1.0`` and ``True`` are one key of a dictionary,
    and not one value of a record.
    """
    characters = 0
    for value in msgspec.structs.astuple(head):
        if value.__class__ is str and len(value) <= LONGEST_PLAIN_TEXT:
            characters += len(value)
        elif isinstance(value, msgspec.Struct):
            inner = characters_of_plain(value)
            if inner is None:
                return None
            characters += inner
        elif not (value is None or value is UNSET):
            return None
    return characters


def _struct(name: str, types: dict[str, Any]) -> type[msgspec.Struct]:
    # Field names of records need not be names in Python: the attributes are numbered.
    attributes = {f"field_{number}": key for number, key in enumerate(types)}
    return msgspec.defstruct(
        name,
        [(attribute, types[key], msgspec.field(default=UNSET)) for attribute, key in attributes.items()],
        rename=attributes,
        gc=False,
        frozen=True,
    )


def reader(struct: type[msgspec.Struct], path: Path) -> ReadHead:
    """Return a function that reads the value at a path from a head: UNSET where the record has none."""
    attributes = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    if len(path) == 1:
        return attrgetter(attributes[path[0]].name)
    outer, dotted = attributes[path[0]], attributes[".".join(path)].name
    nested = next(one for one in outer.type.__args__ if isinstance(one, type) and issubclass(one, msgspec.Struct))
    inner = {field.encode_name: field.name for field in msgspec.structs.fields(nested)}[path[1]]
    return _nested(outer.name, nested, inner, dotted)


def _nested(outer: str, nested: type[msgspec.Struct], inner: str, dotted: str) -> ReadHead:
    both, value = attrgetter(outer, dotted), attrgetter(inner)

    def read(head: Any) -> Any:
        parent, joined = both(head)
        if joined is not UNSET:
            return ANYTHING
        if parent.__class__ is nested:
            return value(parent)
        return ANYTHING if parent.__class__ is list else UNSET

    return read
