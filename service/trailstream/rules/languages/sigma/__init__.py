"""Sigma rules, parsed by pySigma and evaluated here."""

from __future__ import annotations

from trailstream.rules.languages.language import Compiled, RuleFile

NAME = "sigma"


def claims(file: RuleFile) -> bool:
    """Claim a file with a document that has a detection, a correlation or a log source."""
    return any(
        isinstance(document.value, dict)
        and not document.value.keys().isdisjoint(("detection", "correlation", "logsource"))
        for document in file.documents
    )


def compile_file(file: RuleFile) -> Compiled:
    """Compile the rules of a file."""
    from trailstream.rules.languages.sigma import rule_file  # noqa: PLC0415 -- pySigma costs 0.3 s: import it if asked

    return rule_file.compile_file(file)
