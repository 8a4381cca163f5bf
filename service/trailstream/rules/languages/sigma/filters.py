"""Sigma filters: exclusions that stand apart from the rules that they narrow."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sigma.correlations import SigmaRuleReference
from sigma.filters import SigmaFilter
from sigma.rule import SigmaRule

from trailstream.rules.languages.sigma.entries import Entry
from trailstream.rules.languages.sigma.members import Member
from trailstream.rules.languages.sigma.parsing import filter_of, normal_id
from trailstream.rules.rule import RuleSyntaxError

MAX_FILTERS = 256
"""In a directory: each is compiled once more for every rule that it narrows."""

_WORDS = frozenset(["not", "and", "or", "all", "any", "of", "1"])


@dataclass(slots=True)
class Filter:
    """A filter, and how many rules it narrows."""

    entry: Entry
    parsed: SigmaFilter
    narrowed: int = 0

    def tell(self, everyone: Iterable[Member]) -> None:
        """Say what came of it."""
        missing = [reference for reference in self._references() if not any(_is(reference, one) for one in everyone)]
        for reference in missing:
            self.entry.note(f'this filter names "{reference}", and no rule has that id or name')
        rules = {0: "no rule", 1: "one rule"}.get(self.narrowed, f"{self.narrowed} rules")
        self.entry.note(f"a filter: narrows {rules}")

    def is_for(self, member: Member, rule: SigmaRule) -> bool:
        """Say whether it narrows this rule."""
        if rule.logsource not in self.parsed.logsource:
            return False
        named = self._references()
        return not named or any(_is(reference, member) for reference in named)

    def _references(self) -> list[str]:
        """Return which rules it names; none where it is for any."""
        rules = self.parsed.filter.rules
        return [str(each.reference) for each in rules if isinstance(each, SigmaRuleReference)]


def filters_of(entries: Iterable[Entry]) -> list[Filter]:
    """Read the filters; what is wrong is reported."""
    filters: list[Filter] = []
    for entry in entries:
        if not entry.is_filter or (parsed := filter_of(entry)) is None:
            continue
        if len(filters) == MAX_FILTERS:
            entry.refuse(RuleSyntaxError(f"more than {MAX_FILTERS} filters", remedy="name several values in one"))
            break
        filters.append(Filter(entry, parsed))
    return filters


def narrow(member: Member, rule: SigmaRule, filters: Sequence[Filter]) -> None:
    """Let the rule match only what its filters let pass: pySigma nests one for each, this joins them all."""
    wanted = []
    for number, each in enumerate(filters):
        if each.is_for(member, rule):
            each.narrowed += 1
            prefix = f"_filter{number}_"
            for name, detection in each.parsed.filter.detections.items():
                rule.detection.detections[prefix + name] = copy.deepcopy(detection)
            wanted.append(f"({_renamed(each.parsed.filter.condition[0], prefix)})")
    if wanted:
        rule.detection.condition = [" and ".join((f"({one})", *wanted)) for one in rule.detection.condition]
        rule.detection.__post_init__()


def _renamed(condition: str, prefix: str) -> str:
    def renamed(found: re.Match[str]) -> str:
        if found[0] in _WORDS:
            return found[0]
        return f"{prefix}*" if found[0] == "them" else prefix + found[0]

    return re.sub(r"[\w*-]+", renamed, condition)


def _is(reference: str, member: Member) -> bool:
    value = member.entry.value
    named = value.get("name")
    return normal_id(reference) == normal_id(str(value.get("id", ""))) or (named is not None and reference == named)
