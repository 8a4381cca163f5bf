"""pySigma's errors as ours: what is wrong, and at which key."""

from __future__ import annotations

from sigma.exceptions import SigmaError

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
    return RuleSyntaxError(str(error) or type(error).__name__, at=at)


def misshapen(error: Exception, among: str = "detection") -> RuleSyntaxError:
    """Return what is wrong where pySigma stumbled."""
    if isinstance(error, RecursionError):
        return RuleSyntaxError("nested too deep", at=(among,))
    return RuleSyntaxError(f"not the shape of a Sigma {among}: {error!r}", at=(among,))
