"""Rules that are code: where it stands, and what it may lean on. Nothing here, or in any of ``rules``, runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TypeAlias

RULE_PACKAGE = "trailstream_rules"
"""The package below which every file is imported by its path, whatever else its name may mean."""

CLOUDTRAIL = "AWS.CloudTrail"
"""What the logs are called that we read, among all that rules may be for."""

OFFERED = frozenset(["panther_core", "panther_detection_helpers"])
"""Modules that rules may import although they are not installed: their child process brings what stands for them."""

ModelStep: TypeAlias = str | int | None
"""A field by its name, an element by its position, or None for every element."""


@dataclass(frozen=True, slots=True)
class ModelField:
    """How ``event.udm(name)`` is answered: by the value at a path, or by a function of the model's module."""

    name: str
    steps: tuple[ModelStep, ...] = ()
    function: str = ""


@dataclass(frozen=True, slots=True)
class DataModel:
    """The names that rules use for fields whatever the log is called, and what they mean in CloudTrail."""

    path: str
    """The file of its functions; empty where it has none."""
    fields: tuple[ModelField, ...]


NO_MODEL = DataModel("", ())


@dataclass(frozen=True, slots=True, eq=False)
class Library:
    """All the code of a rules directory: what any of its rules may import."""

    sources: Mapping[str, str]
    """The text of each file, by its path relative to the rules directory."""
    modules: Mapping[str, str]
    """The path of each file, by every name that it is imported under: its own, its path, and what a file says."""
    models: Mapping[str, DataModel] = field(default_factory=dict)
    """By the logs that they are for; of others than CloudTrail only tests have events."""
    missing: frozenset[str] = frozenset()
    """Modules that the code imports and that are not installed; they fail when they are used, not before."""


@dataclass(frozen=True, slots=True)
class RuleCode:
    """The module of one rule."""

    library: Library = field(repr=False)
    """The same for all rules that were loaded together."""
    path: str
    """Of the file with the function ``rule``, among the library's."""
    declares_gate: bool = False
    """Whether its author says what its matches have, beyond what is seen in the code."""


def module_name(path: str) -> str:
    """Return the name that a file is imported under from the rules directory."""
    stem = PurePosixPath(path).with_suffix("")
    return ".".join(stem.parent.parts if stem.name == "__init__" else stem.parts)
