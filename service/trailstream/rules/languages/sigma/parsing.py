"""A document -> pySigma's object, and what a rule says of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.filters import SigmaFilter
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RegexEngine, RegexPattern
from sigma.rule import SigmaRule

from trailstream.model.alert import RuleInfo, Severity
from trailstream.model.shaping import PLAIN, Shaping
from trailstream.rules import regex
from trailstream.rules.languages.shaping import KEYS, shaping_of
from trailstream.rules.languages.sigma import NAME
from trailstream.rules.languages.sigma.entries import Entry
from trailstream.rules.languages.sigma.faults import UNFIT, fault_of, metadata_key, misshapen
from trailstream.rules.languages.sigma.wording import reworded
from trailstream.rules.rule import RuleSyntaxError


class _BoundedRegexEngine(RegexEngine):
    """What pySigma compiles expressions with: RE2, silent and within our bounds."""

    def compile(self, pattern: str, flags: int = 0) -> RegexPattern:  # noqa: ARG002 -- what is kept is compiled again, with its flags
        expression: RegexPattern = regex.compiled(pattern)
        return expression

    @property
    def error(self) -> type[Exception]:
        return RuleSyntaxError


POLICY = SigmaPolicy(regex_engine=_BoundedRegexEngine())

_DEFAULT_SEVERITY = Severity.MEDIUM

SHAPING_KEY = "trailstream"
"""Of a rule's document: how its alerts are to be told."""

Parsed = TypeVar("Parsed", SigmaRule, SigmaCorrelationRule, SigmaFilter)


def rule_of(entry: Entry) -> SigmaRule | None:
    """Return the rule; None where it is broken, which is reported."""
    return _parsed(entry, lambda value: SigmaRule.from_dict(reworded(value, "detection"), True, policy=POLICY))


def filter_of(entry: Entry) -> SigmaFilter | None:
    """Return the filter; None where it is broken, which is reported."""
    return _parsed(entry, lambda value: SigmaFilter.from_dict(reworded(value, "filter"), True, policy=POLICY), "filter")


def correlation_of(entry: Entry) -> SigmaCorrelationRule | None:
    """Return the correlation; None where it is broken, which is reported."""
    return _parsed(entry, lambda value: SigmaCorrelationRule.from_dict(value, True, policy=POLICY), "correlation")


def _parsed(entry: Entry, build: Callable[[dict[str, Any]], Parsed], section: str = "detection") -> Parsed | None:
    """Build, and once more without the metadata that is not as Sigma has it: it decides nothing that is matched."""
    value = entry.value
    if value.get("id") is not None:
        value = {**value, "id": str(value["id"])}  # pySigma stumbles over a number
    try:
        found = build(value)
        forgiven = {key: error for error in found.errors if (key := metadata_key(error)) is not None}
        if forgiven:
            sound = {key: each for key, each in value.items() if key not in forgiven}
            found = build({**sound, "title": entry.fallback_id} if "title" in forgiven else sound)
            for key, reason in forgiven.items():
                entry.note(f'loaded, though its "{key}" is not as Sigma has it: {reason}')
    except RuleSyntaxError as error:
        entry.refuse(error)
    except SigmaError as error:
        entry.refuse(fault_of(error, section))
    except UNFIT as error:
        entry.refuse(misshapen(error, section))
    else:
        for each in found.errors:
            entry.refuse(fault_of(each, section))
        return None if found.errors else found
    return None


def info_of(entry: Entry, parsed: SigmaRule | SigmaCorrelationRule) -> RuleInfo:
    """Return what a rule or a correlation says of itself."""
    value = entry.value
    level = parsed.level.name if parsed.level is not None else _DEFAULT_SEVERITY.name
    return RuleInfo(
        id=id_of(entry),
        title=str(value.get("title") or entry.fallback_id),
        severity=Severity[level],
        language=NAME,
        path=entry.path,
        description=str(value.get("description") or ""),
        tags=_texts(value.get("tags")),
        references=_texts(value.get("references")),
        shaping=_shaping(entry, parsed.custom_attributes.get(SHAPING_KEY)),
    )


def _shaping(entry: Entry, asked: Any) -> Shaping:
    """Read what the rule, or a processing pipeline, says under a key of ours; what is wrong is reported."""
    if asked is None:
        return PLAIN
    problems: list[RuleSyntaxError] = []
    if not isinstance(asked, dict):
        problems.append(RuleSyntaxError(f'"{SHAPING_KEY}" must be a mapping', at=(SHAPING_KEY,)))
        asked = {}
    known = ("title", *KEYS, "tests")
    problems += [
        RuleSyntaxError(f'unknown key "{name}"', at=(SHAPING_KEY, name), remedy=f"known: {', '.join(known)}")
        for name in asked
        if name not in known
    ]
    title = asked.get("title")
    shaping = shaping_of(asked, problems, title=title if isinstance(title, str) else None, at=(SHAPING_KEY,))
    for problem in problems:
        entry.refuse(problem)
    return shaping


def id_of(entry: Entry) -> str:
    """Return the id of a rule: its own, or the path of its file."""
    written = entry.value.get("id")
    own = normal_id(str(written)) if isinstance(written, (str, int)) and str(written).strip() else entry.fallback_id
    if entry.inherits_id and "#" in entry.fallback_id:
        own += entry.fallback_id[entry.fallback_id.rindex("#") :]
    return own + entry.suffix


def normal_id(text: str) -> str:
    """Return an id as it is compared: that of a UUID does not hang on how it is written."""
    try:
        return str(UUID(text))
    except ValueError:
        return text.strip()


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(each) for each in value if each is not None) if isinstance(value, list) else ()
