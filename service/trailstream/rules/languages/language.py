"""What the loader asks of a rule language. A language is one entry in the table of this package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from trailstream.rules.correlation import Correlation
from trailstream.rules.documents import Document
from trailstream.rules.rule import Rule, RuleSyntaxError


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A rule file as it was read, not yet understood."""

    path: str
    """Relative to the rules directory."""
    documents: Sequence[Document]
    """At least one."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a language makes of a file: rules, what is wrong with it, and what is worth knowing."""

    rules: list[Rule] = field(default_factory=list)
    correlations: list[Correlation] = field(default_factory=list)
    problems: list[RuleSyntaxError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_part: bool = False
    """Whether it is rightly no rule: a part of others, such as the code of a rule that another file describes."""


@dataclass(frozen=True, slots=True)
class Language:
    """A rule language."""

    name: str
    claims: Callable[[RuleFile], bool]
    """Says of a file, by its keys or the suffix of its name, whether it is written in this language."""
    compile: Callable[[Sequence[RuleFile]], Sequence[Compiled]]
    """Compiles all files that it claimed, which may speak of each other, to one result each, in order.

    Never raises for what stands in them.
    """
    suffix: str = ""
    """What the names of files end in that are read for it alone: the one document of each is its text."""
    reads_text: Callable[[str], bool] = lambda _text: False
    """Says of a file's text that it is a rule as it stands, neither YAML nor JSON: its one document is that text."""
    has_part_in: Callable[[RuleFile], bool] = lambda _file: False
    """Says of a file that another language claimed whether rules of this one stand in it too: a template has both."""
    is_of_project: Callable[[RuleFile], bool] = lambda _file: False
    """Says of a file that it is part of a project, in which files of any kind lie about that are no rules."""


def one_by_one(compile_file: Callable[[RuleFile], Compiled]) -> Callable[[Sequence[RuleFile]], Sequence[Compiled]]:
    """Return how a language compiles files of which none speaks of another."""
    return lambda files: [compile_file(file) for file in files]
