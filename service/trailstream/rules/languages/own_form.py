"""What a rule of our own form says of itself, whatever the language of its body: id, title, severity and the rest."""

from __future__ import annotations

from typing import Any, TypeAlias

from trailstream.model.alert import RuleInfo, Severity
from trailstream.rules.documents import At
from trailstream.rules.languages import shaping
from trailstream.rules.rule import RuleSyntaxError

REQUIRED = ("id", "title", "severity")
OPTIONAL = ("description", "tags", "references", "tests", *shaping.KEYS)

DEFAULT_SEVERITY = Severity.MEDIUM
"""Of a rule that says none."""

Problems: TypeAlias = list[RuleSyntaxError]


def info_of(value: dict[str, Any], body: str, language: str, path: str, problems: Problems) -> RuleInfo:
    """Read what a rule says of itself; ``body`` is the key of the rest. What is wrong is added to ``problems``."""
    required = (*REQUIRED, body)
    known = (*required, *OPTIONAL)
    for name in value:
        if name not in known:
            problems.append(
                RuleSyntaxError(f'unknown key "{name}"', at=(name,), remedy=f"a rule has {', '.join(known)}")
            )
    for name in required:
        if name not in value:
            problems.append(RuleSyntaxError(f'the key "{name}" is missing', remedy=f"a rule has {', '.join(required)}"))
    return RuleInfo(
        id=_text(value, "id", problems),
        title=_text(value, "title", problems),
        severity=severity_of(value.get("severity", DEFAULT_SEVERITY.label), ("severity",), problems),
        language=language,
        path=path,
        description=_text(value, "description", problems),
        tags=_texts(value, "tags", problems),
        references=_texts(value, "references", problems),
        shaping=shaping.shaping_of(value, problems, title=_text(value, "title", [])),
    )


def _text(value: dict[str, Any], name: str, problems: Problems) -> str:
    if name not in value:
        return ""
    found = value[name]
    if name in REQUIRED and (not isinstance(found, str) or not found.strip()):
        problems.append(RuleSyntaxError(f'"{name}" must be text', at=(name,), remedy="put it in quotes"))
        return ""
    if not isinstance(found, str | None):
        problems.append(RuleSyntaxError(f'"{name}" must be text', at=(name,), remedy="put it in quotes"))
    return found if isinstance(found, str) else ""


def _texts(value: dict[str, Any], name: str, problems: Problems) -> tuple[str, ...]:
    found = value.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        problems.append(RuleSyntaxError(f'"{name}" must be a list of texts', at=(name,), remedy=f"{name}: [a, b]"))
        return ()
    return tuple(found)


def severity_of(found: Any, at: At, problems: Problems) -> Severity:
    """Return the severity of this name; what is none is a problem, and medium."""
    labels = {severity.label: severity for severity in Severity}
    if isinstance(found, str) and found.lower() in labels:
        return labels[found.lower()]
    problems.append(RuleSyntaxError(f'"{found}" is no severity', at=at, remedy=f"one of {', '.join(labels)}"))
    return DEFAULT_SEVERITY
