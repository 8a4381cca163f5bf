"""Rules on records as the worker runs them, each answer held against the evaluator without a gate.

Every tool for rules asks through here, so that none can be right where the worker is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from trailstream.decode.cloudtrail.batches import RawBatch, batch_of_one
from trailstream.decode.json_text import encode_record
from trailstream.model.limits import ReadLimits
from trailstream.model.record import Batch, Record
from trailstream.rules.rule import Rule
from trailstream.rules.ruleset import Matched, Ruleset


class DisagreementError(Exception):
    """A gate held back a record that its rule matches, or let through as certain one that it does not."""

    def __init__(self, rule_ids: Sequence[str], record: Record) -> None:
        """``rule_ids`` are the rules on which gate and evaluator disagree about the record."""
        named = ", ".join(rule_ids)
        super().__init__(
            f"gate and evaluator disagree: {named}\nThis is a bug of trailstream, and may lose alerts. Please report "
            f"it with the rule and this record:\n{encode_record(record).decode('utf-8', 'replace')}"
        )
        self.rule_ids = tuple(rule_ids)
        self.record = record


class VerifiedRules:
    """Rules whose gates are verified on each record that they are matched with."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._gated = Ruleset(rules)
        self._ungated = Ruleset(rules, gated=False)

    def match(self, record: Record) -> Matched:
        """Return what the worker finds in the record as CloudTrail writes it. Raises :class:`DisagreementError`."""
        found = self._gated.match(_as_cut(record, self._gated.head_type))
        expected = self._ungated.match(batch_of_one(record, self._ungated.head_type))
        for matched in (found, self._gated.match(batch_of_one(record, self._gated.head_type))):
            failed = {rule_id for rule_id, _ in expected.failures + matched.failures}
            if differing := (_settled(matched) ^ _settled(expected)) - failed:
                raise DisagreementError(sorted(differing), record)
        return found


def _as_cut(record: Record, head_type: type[msgspec.Struct]) -> Batch:
    """Make the batch that the fast reader makes of the record as CloudTrail writes it."""
    raw = encode_record(record)
    head = msgspec.json.decode(raw, type=head_type)
    return RawBatch(0, [head], [(0, b"[%b]" % raw)], plain=False, max_depth=ReadLimits().max_depth)


def _settled(matched: Matched) -> set[str]:
    return {match.rule.id for match in matched.matches}
