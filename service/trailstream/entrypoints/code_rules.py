"""What a tool says of rules that are code and go wrong: on standard error, while it goes on."""

from __future__ import annotations

import sys

from trailstream.model.facts import Fact
from trailstream.model.judging import EvaluationsSkipped, RuleDisabled, RuleRaised
from trailstream.model.printable import printable


def tell_of_code(fact: Fact) -> None:
    """Say what happened to a rule; of everything else, nothing."""
    match fact:
        case RuleRaised(rule_id, traceback):
            _say(f"rule {rule_id} raised:", *traceback.splitlines())
        case RuleDisabled(rule_id, why):
            _say(f"rule {rule_id} is not run any more:", *why.splitlines())
        case EvaluationsSkipped(rule_id, reason, origin, record_ids):
            _say(f"rule {rule_id} ({reason}) says nothing of {', '.join(record_ids)} in {origin}")


def _say(*lines: str) -> None:
    for line in lines:
        print(printable(line), file=sys.stderr)
