"""What is done to every rule before it is compiled: placeholders are filled, and processing pipelines applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError, SigmaTransformationError
from sigma.rule import SigmaRule

from trailstream.rules.languages.sigma.entries import Entry
from trailstream.rules.languages.sigma.faults import UNFIT
from trailstream.rules.languages.sigma.placeholders import Lists, fill, lists_of, unfilled
from trailstream.rules.rule import NotEvaluatedError, RuleSyntaxError

if TYPE_CHECKING:
    from sigma.processing.pipeline import ProcessingPipeline


@dataclass(slots=True)
class Processing:
    """What all pipelines do together, and what placeholders stand for."""

    pipeline: ProcessingPipeline | None = None
    lists: Lists = field(default_factory=dict)
    changes_sources: bool = False
    """Whether a rule for other logs may become one for CloudTrail."""

    def apply(self, parsed: SigmaRule | SigmaCorrelationRule) -> None:
        """Change a rule in place.

        Raises :class:`NotEvaluatedError` where a pipeline says that the rule is not to be used or a placeholder is
        left, and :class:`RuleSyntaxError` for what cannot be done.
        """
        try:
            if isinstance(parsed, SigmaRule):
                fill(parsed, self.lists)
            if self.pipeline is not None:
                self.pipeline.apply(parsed)
        except SigmaTransformationError as error:
            raise NotEvaluatedError(f"a processing pipeline refuses it: {error}") from None
        except (SigmaError, *UNFIT) as error:
            _raise_for_unfilled(parsed)
            raise RuleSyntaxError(f"a processing pipeline fails on it: {error}", at=("detection",)) from None
        _raise_for_unfilled(parsed)


def _raise_for_unfilled(parsed: SigmaRule | SigmaCorrelationRule) -> None:
    if isinstance(parsed, SigmaRule) and (names := unfilled(parsed)):
        raise NotEvaluatedError(f"placeholder not filled: {', '.join(f'%{name}%' for name in names)}")


def processing_of(entries: Sequence[Entry]) -> Processing:
    """Read all pipelines, by priority and then by path, and all lists for placeholders; what is wrong is reported."""
    found = Processing()
    described = [entry for entry in entries if entry.is_pipeline]
    if described:
        from trailstream.rules.languages.sigma import pipelines  # noqa: PLC0415 -- it costs 0.1 s: import it if asked

        found = pipelines.joined(described)
    listed: Lists = {}
    for entry in entries:
        if entry.is_placeholders:
            for name, texts in lists_of(entry).items():
                listed.setdefault(name, []).extend(texts)
    found.lists |= listed
    return found
