"""Sigma rules, parsed by pySigma and evaluated here."""

from __future__ import annotations

from collections.abc import Sequence

from trailstream.rules.languages.language import Compiled, RuleFile

NAME = "sigma"

_KEYS = ("detection", "correlation", "logsource")
_OF_PIPELINES = ("transformations", "postprocessing", "finalizers", "vars")
PLACEHOLDERS = "placeholders"


def claims(file: RuleFile) -> bool:
    """Claim a file with a rule, a correlation, a filter, a processing pipeline or lists for placeholders."""
    return any(
        isinstance(document.value, dict)
        and (
            not document.value.keys().isdisjoint((*_KEYS, *_OF_PIPELINES, PLACEHOLDERS))
            or isinstance(document.value.get("filter"), dict)
        )
        for document in file.documents
    )


def is_pipeline(value: dict[str, object]) -> bool:
    """Say whether a document is a processing pipeline."""
    return value.keys().isdisjoint(_KEYS) and not value.keys().isdisjoint(_OF_PIPELINES)


def compile_files(files: Sequence[RuleFile]) -> Sequence[Compiled]:
    """Compile all Sigma files together: correlations, filters and pipelines speak of rules in other files."""
    if not files:
        return []
    from trailstream.rules.languages.sigma import compiling  # noqa: PLC0415 -- pySigma costs 0.3 s: import it if asked

    return compiling.compile_files(files)
