"""Sigma rules, parsed by pySigma and evaluated here."""

from __future__ import annotations

from collections.abc import Sequence

from trailstream.rules.languages.language import Compiled, RuleFile

NAME = "sigma"

PLACEHOLDERS = "placeholders"

PIPELINE_KEYS = ("name", "priority", "vars", "transformations", "postprocessing", "finalizers", "allowed_backends")

_RULE_KEYS = ("detection", "correlation", "logsource")


def claims(file: RuleFile) -> bool:
    """Claim a file with a rule, a correlation, a filter, a processing pipeline or lists for placeholders."""
    return any(isinstance(document.value, dict) and _is_ours(document.value) for document in file.documents)


def _is_ours(value: dict[str, object]) -> bool:
    if PLACEHOLDERS in value or not value.keys().isdisjoint(_RULE_KEYS) or is_unwrapped(value):
        return True
    return is_pipeline(value) or isinstance(value.get("filter"), dict)


def is_unwrapped(value: dict[str, object]) -> bool:
    """Say whether a document has what belongs below ``correlation`` at its top."""
    return value.keys().isdisjoint(_RULE_KEYS) and {"type", "rules", "timespan"} <= value.keys()


def is_pipeline(value: dict[str, object]) -> bool:
    """Say whether a document is a processing pipeline."""
    if not value.keys().isdisjoint(_RULE_KEYS):
        return False
    says_steps = not value.keys().isdisjoint(("transformations", "postprocessing", "finalizers"))
    return says_steps or ("vars" in value and value.keys() <= set(PIPELINE_KEYS))


def compile_files(files: Sequence[RuleFile]) -> Sequence[Compiled]:
    """Compile all Sigma files together: correlations, filters and pipelines speak of rules in other files."""
    if not files:
        return []
    from trailstream.rules.languages.sigma import compiling  # noqa: PLC0415 -- pySigma costs 0.3 s: import it if asked

    return compiling.compile_files(files)
