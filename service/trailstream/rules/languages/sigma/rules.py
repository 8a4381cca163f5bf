"""A rule as pySigma read it -> what it asks of a record."""

from __future__ import annotations

from typing import Any

from sigma.rule import SigmaRule

from trailstream.rules.condition import Condition, one_of
from trailstream.rules.languages.sigma.cycles import untie
from trailstream.rules.languages.sigma.tree import condition_of
from trailstream.rules.rule import NotEvaluatedError


def compiled(rule: SigmaRule) -> Condition:
    """Return what the rule asks.

    Raises :class:`NotEvaluatedError` for one that is not for CloudTrail or has a placeholder that nobody filled, and as
    pySigma does.
    """
    source = rule.logsource
    for_cloudtrail(source.product, source.service, source.category)
    return one_of([_condition(parsed.parsed) for parsed in rule.detection.parsed_condition])


def _condition(tree: Any) -> Condition:
    try:
        return condition_of(tree)
    finally:
        untie(tree)


def for_cloudtrail(product: Any, service: Any, category: Any) -> None:
    """Raise :class:`NotEvaluatedError` where a rule is for the logs of something else."""
    said = {"product": product, "service": service, "category": category}
    names = {key: None if each is None else str(each).lower() for key, each in said.items()}
    is_ours = names["product"] in (None, "aws", "cloudtrail") and names["service"] in (None, "cloudtrail")
    # Another category alone says nothing of CloudTrail: process_creation and webserver are other systems' logs.
    if not is_ours or not {"aws", "cloudtrail"} & set(names.values()):
        raise NotEvaluatedError(
            f"for another log source: {', '.join(f'{key} {each}' for key, each in said.items() if each)}"
        )
