"""Facts about rules -> log lines: a part of :class:`~trailstream.telemetry.log_facts.LogFacts`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from structlog.typing import FilteringBoundLogger

from trailstream.model.facts import RuleFailed
from trailstream.model.judging import EvaluationsSkipped, RuleDisabled, RuleProcessLost, RuleRaised
from trailstream.model.reloading import RulesExchanged, RulesRefused, RulesUnchanged, RulesUnread

MAX_TRACEBACK_LINES = 60


class LogRules:
    """Writes a line for each fact about rules that is worth one."""

    def __init__(self, logger: FilteringBoundLogger) -> None:
        self._logger = logger
        self._failures_by_rule: dict[str, int] = {}
        self.arms: dict[type, Callable[[Any], None]] = {
            RuleFailed: self._rule_failed,
            RuleRaised: self._rule_raised,
            RuleDisabled: self._rule_disabled,
            RuleProcessLost: self._rule_process_lost,
            EvaluationsSkipped: self._evaluations_skipped,
            RulesExchanged: self._rules_exchanged,
            RulesRefused: self._rules_refused,
            RulesUnchanged: self._rules_unchanged,
            RulesUnread: self._rules_unread,
        }

    def _rule_failed(self, fact: RuleFailed) -> None:
        before = self._failures_by_rule.get(fact.rule_id, 0)
        failures = self._failures_by_rule[fact.rule_id] = before + fact.times
        # A broken rule fails on every candidate; the metric counts them, and a line comes at 1, 10, 100, ...
        if not before or len(str(failures)) > len(str(before)):
            self._logger.log(logging.ERROR, "rule failed", rule=fact.rule_id, detail=fact.detail, failures=failures)

    def _rule_raised(self, fact: RuleRaised) -> None:
        lines = fact.traceback.splitlines()
        detail, told = lines[-1] if lines else "", lines[-MAX_TRACEBACK_LINES:]
        self._logger.log(logging.ERROR, "rule raised", rule=fact.rule_id, detail=detail, traceback=told)

    def _rule_disabled(self, fact: RuleDisabled) -> None:
        self._logger.log(logging.ERROR, "rule disabled", rule=fact.rule_id, detail=fact.why)

    def _rule_process_lost(self, fact: RuleProcessLost) -> None:
        self._logger.log(logging.WARNING, "process of the rules lost", rule=fact.rule_id, detail=fact.how)

    def _evaluations_skipped(self, fact: EvaluationsSkipped) -> None:
        self._logger.log(
            logging.WARNING,
            "evaluations skipped",
            rule=fact.rule_id,
            reason=fact.reason,
            object=fact.object,
            records=list(fact.record_ids),
        )

    def _rules_exchanged(self, fact: RulesExchanged) -> None:
        self._logger.log(
            logging.ERROR if fact.problems else logging.INFO,
            "rules exchanged",
            digest=fact.digest,
            rules=len(fact.rules),
            notes=list(fact.notes),
            skipped=[str(problem) for problem in fact.problems],
            duration_seconds=round(fact.seconds, 3),
        )

    def _rules_refused(self, fact: RulesRefused) -> None:
        problems = [str(problem) for problem in fact.problems]
        self._logger.log(logging.ERROR, "rules refused", digest=fact.digest, in_force=fact.in_force, problems=problems)

    def _rules_unchanged(self, fact: RulesUnchanged) -> None:
        self._logger.log(logging.INFO, "rules unchanged", digest=fact.digest)

    def _rules_unread(self, fact: RulesUnread) -> None:
        self._logger.log(logging.WARNING, "rules not read", place=fact.place, detail=fact.detail)
