"""pySigma's errors as ours: what is wrong, and at which key."""

from __future__ import annotations

import re

from sigma.exceptions import SigmaError
from sigma.modifiers import reverse_modifier_mapping
from sigma.rule import SigmaLevel

from trailstream.rules.rule import RuleSyntaxError

METADATA = frozenset(
    [
        "title",
        "id",
        "name",
        "taxonomy",
        "related",
        "status",
        "description",
        "license",
        "references",
        "tags",
        "author",
        "date",
        "modified",
        "fields",
        "falsepositives",
        "scope",
    ]
)
"""What a rule says of itself, of which nothing that it matches depends."""

UNFIT = (AttributeError, KeyError, TypeError, ValueError, IndexError, NotImplementedError, RecursionError)
"""What pySigma raises where it takes the shape of a document for granted."""

_UNFIT_VALUE = re.compile(r"Modifier (\w+) incompatible to value type of ")

_PLACES = {
    "SigmaConditionError": ("detection", "condition"),
    "SigmaLogsourceError": ("logsource",),
    "SigmaIdentifierError": ("id",),
    "SigmaTagError": ("tags",),
    "SigmaLevelError": ("level",),
    "SigmaCorrelationTypeError": ("correlation", "type"),
    "SigmaCorrelationConditionError": ("correlation", "condition"),
    "SigmaTimespanError": ("correlation", "timespan"),
    "SigmaCorrelationRuleError": ("correlation",),
    "SigmaFilterConditionError": ("filter", "condition"),
    "SigmaFilterRuleReferenceError": ("filter", "rules"),
    "SigmaFilterError": ("filter",),
}

_REMEDIES = {
    "SigmaModifierError": "docs/rules.md lists the modifiers",
    "SigmaLevelError": f"one of {', '.join(level.name.lower() for level in SigmaLevel)}",
    "SigmaCorrelationTypeError": "docs/rules.md lists the types",
    "SigmaCorrelationConditionError": "such as {gte: 3}; docs/rules.md has the others",
    "SigmaTimespanError": "a number and its unit, such as 30s, 5m, 1h or 7d",
}


def metadata_key(error: SigmaError) -> str | None:
    """Return the key of the metadata that an error is about; None where it is about more than that."""
    if str(error).startswith("Sigma tag"):
        return "tags"
    if str(error).startswith("Sigma rule name"):
        return "name"
    kind = type(error).__name__
    key = {"SigmaIdentifierError": "id", "SigmaTagError": "tags"}.get(
        kind, kind.removeprefix("Sigma").removesuffix("Error").lower()
    )
    return key if key in METADATA else None


def fault_of(error: SigmaError, among: str = "detection") -> RuleSyntaxError:
    """Return what is wrong; ``among`` is the key that it is below where pySigma says none."""
    at = _PLACES.get(type(error).__name__, (among,))
    if isinstance(error.__cause__, RuleSyntaxError):
        return RuleSyntaxError(error.__cause__.what, at=at, remedy=error.__cause__.remedy)
    return RuleSyntaxError(_said(error), at=at, remedy=_REMEDIES.get(type(error).__name__, ""))


def _said(error: SigmaError) -> str:
    """Return what pySigma says, without the insides of its objects."""
    text = str(error) or type(error).__name__
    unfit = _UNFIT_VALUE.match(text)
    name = reverse_modifier_mapping.get(unfit[1]) if unfit else None
    return text if name is None else f'the modifier "{name}" does not take a value of this kind'


def misshapen(error: Exception, among: str = "detection") -> RuleSyntaxError:
    """Return what is wrong where pySigma stumbled."""
    if isinstance(error, RecursionError):
        return RuleSyntaxError("nested too deep", at=(among,))
    return RuleSyntaxError(f"not the shape of a Sigma {among}: {error!r}", at=(among,))
