"""Label values from closed sets, so that nobody who can write to the queue or the bucket can mint a series."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import product

from trailstream.model.alert import RuleInfo
from trailstream.pipeline.breaker import dependencies
from trailstream.telemetry.catalogue import CODES, OTHER, READERS, SKIP_REASONS, STAGES, Metric

_ACCOUNT_ID = re.compile(r"[0-9]{12}")


class Labels:
    """Turns what a fact says into a label value, or :data:`OTHER` where it is in no closed set."""

    def __init__(
        self, *, accounts: Sequence[str], max_other_accounts: int, rules: Sequence[RuleInfo], sinks: Sequence[str]
    ) -> None:
        """``accounts`` always have a name of their own; so have the first ``max_other_accounts`` that appear."""
        self._accounts = set(accounts)
        self._max_accounts = len(self._accounts) + max_other_accounts
        self._configured: dict[str, tuple[str, ...]] = {
            "account": tuple(dict.fromkeys(accounts)),
            "dependency": dependencies(dict.fromkeys(sinks)),
            "sink": tuple(dict.fromkeys(sinks)),
        }
        self.follow(rules)

    def follow(self, rules: Sequence[RuleInfo]) -> None:
        """Know these rules from now on, and no others."""
        self._severities = {rule.id: rule.severity.label for rule in rules}
        self._configured["language"] = tuple(dict.fromkeys(rule.language for rule in rules))
        self._configured["rule"] = tuple(self._severities)

    def account(self, account: str | None) -> str:
        """Return the account itself where it is one and there is room for it."""
        if account in self._accounts:
            return account
        if account is None or len(self._accounts) >= self._max_accounts or not _ACCOUNT_ID.fullmatch(account):
            return OTHER
        self._accounts.add(account)
        return account

    def rule(self, rule_id: str) -> str:
        """Return the id of a loaded rule."""
        return rule_id if rule_id in self._severities else OTHER

    def severity(self, rule_id: str) -> str:
        """Return the severity of a loaded rule."""
        return self._severities.get(rule_id, OTHER)

    def sink(self, name: str) -> str:
        """Return the name of a configured sink."""
        return _one_of(name, self._configured["sink"])

    def dependency(self, name: str) -> str:
        """Return the name of something that deliveries need, and that has a breaker."""
        return _one_of(name, self._configured["dependency"])

    def reader(self, name: str) -> str:
        """Return the name of a reader."""
        return _one_of(name, READERS)

    def stage(self, stage: str) -> str:
        """Return a stage of the flow."""
        return _one_of(stage, STAGES)

    def code(self, code: str) -> str:
        """Return the code of an error of the hierarchy."""
        return _one_of(code, CODES)

    def reason(self, reason: str) -> str:
        """Return a reason to skip."""
        return _one_of(reason, SKIP_REASONS)

    def known(self, metric: Metric) -> Iterable[tuple[str, ...]]:
        """Give the combinations of label values of this metric that are expected, before anything happens."""
        if tuple(metric.labels) == ("rule", "severity"):
            return self._severities.items()
        return metric.seeds or product(*(values or self._configured[name] for name, values in metric.labels.items()))


def _one_of(value: str, closed: Sequence[str]) -> str:
    return value if value in closed else OTHER
