"""The rules and correlations of a directory, and which of them a reference means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sigma.correlations import SigmaCorrelationRule
from sigma.rule import SigmaRule

from trailstream.model.alert import RuleInfo
from trailstream.rules.condition import Condition
from trailstream.rules.languages.sigma.entries import Entry
from trailstream.rules.languages.sigma.parsing import id_of, normal_id
from trailstream.rules.rule import RuleSyntaxError

MAX_NAMED = 5
"""Files named where a name is not one rule's."""


@dataclass(slots=True, eq=False)
class Member:
    """A rule or a correlation, and what became of it."""

    entry: Entry
    parsed: SigmaRule | SigmaCorrelationRule | None = None
    """Of a correlation that is neither broken nor passed over; of a rule only where somebody asks."""
    info: RuleInfo | None = None
    """None until it is known to be evaluated."""
    condition: Condition | None = None
    """Of a rule that is evaluated."""
    broken: bool = False

    @property
    def rule_id(self) -> str:
        """The id by which matches of it are known."""
        return id_of(self.entry)

    @property
    def name(self) -> str:
        """How people know it."""
        return str(self.entry.value.get("title") or self.entry.fallback_id)


class Members:
    """Finds a rule or a correlation by its id or its name, or else by its title, as Suzaku's correlations have it."""

    def __init__(self, members: Iterable[Member]) -> None:
        """Take everyone; what stands in another's parts is found by that one alone."""
        everyone = list(members)
        self._by_entry = {id(member.entry): member for member in everyone}
        self._by_id: dict[str, list[Member]] = {}
        self._by_name: dict[str, list[Member]] = {}
        self._by_title: dict[str, list[Member]] = {}
        hidden = {id(part) for member in everyone for part in member.entry.parts.values()}
        for member in everyone:
            if id(member.entry) in hidden:
                continue
            value = member.entry.value
            if isinstance(value.get("id"), (str, int)):
                self._by_id.setdefault(normal_id(str(value["id"])), []).append(member)
            if isinstance(value.get("name"), str):
                self._by_name.setdefault(value["name"], []).append(member)
            if isinstance(value.get("title"), str):
                self._by_title.setdefault(value["title"].strip(), []).append(member)

    def find(self, reference: str, user: Entry) -> Member:
        """Return what an entry's reference means: in its own file first. Raises :class:`RuleSyntaxError`."""
        if reference in user.parts:
            return self._by_entry[id(user.parts[reference])]
        found = self._by_id.get(normal_id(reference)) or self._by_name.get(reference)
        found = found or self._by_title.get(reference.strip()) or []
        near = [member for member in found if member.entry.path == user.path] or found
        same = [member for member in near if member.entry.value == near[0].entry.value]
        if not near:
            remedy = "mend the name, or name the directory that holds the rule too"
            raise RuleSyntaxError(f'refers to "{reference}", and no rule has that id, name or title', remedy=remedy)
        if len(same) < len(near):
            paths = ", ".join(sorted({member.entry.path for member in near})[:MAX_NAMED])
            raise RuleSyntaxError(
                f'refers to "{reference}", which is more than one rule: {paths}', remedy="refer to it by its id"
            )
        return near[0]
