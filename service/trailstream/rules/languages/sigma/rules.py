"""A rule as pySigma read it -> what it asks of a record."""

from __future__ import annotations

from typing import Any

from sigma.rule import SigmaRule

from trailstream.rules.condition import Condition, one_of
from trailstream.rules.languages.sigma.tree import condition_of
from trailstream.rules.rule import NotEvaluatedError

_OURS = (("aws", "cloudtrail"), ("aws", None), (None, "cloudtrail"))
"""A category alone says nothing of CloudTrail: process_creation and webserver are other systems' logs."""


def compiled(rule: SigmaRule) -> Condition:
    """Return what the rule asks.

    Raises :class:`NotEvaluatedError` for one that is not for CloudTrail or has a placeholder that nobody filled, and as
    pySigma does.
    """
    source = rule.logsource
    for_cloudtrail(source.product, source.service, source.category)
    return one_of([condition_of(parsed.parsed) for parsed in rule.detection.parsed_condition])


def for_cloudtrail(product: Any, service: Any, category: Any) -> None:
    """Raise :class:`NotEvaluatedError` where a rule is for the logs of something else."""
    if tuple(each.lower() if isinstance(each, str) else each for each in (product, service)) not in _OURS:
        parts = (("product", product), ("service", service), ("category", category))
        said = ", ".join(f"{name} {part}" for name, part in parts if part)
        raise NotEvaluatedError(f"for another log source: {said}")
