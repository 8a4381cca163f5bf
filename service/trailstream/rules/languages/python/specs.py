"""What the YAML beside a module says: of a rule, of its tests, of a data model. Panther's keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, TypeAlias

from trailstream.model.alert import RuleInfo, Severity
from trailstream.model.shaping import DEFAULT_PERIOD_SECONDS, Shaping
from trailstream.rules.code import CLOUDTRAIL, ModelField, ModelStep
from trailstream.rules.rule import NotEvaluatedError, RuleSyntaxError
from trailstream.rules.rule_test import RuleTest

NAME = "python"

KIND = "AnalysisType"

Spec: TypeAlias = Mapping[str, Any]

SEVERITIES = {
    "info": Severity.INFORMATIONAL,
    "informational": Severity.INFORMATIONAL,
    "low": Severity.LOW,
    "medium": Severity.MEDIUM,
    "high": Severity.HIGH,
    "critical": Severity.CRITICAL,
}
"""Panther's words, which say Info."""


def for_cloudtrail(spec: Spec) -> None:
    """Raise :class:`NotEvaluatedError` where a rule or a data model is switched off, or for other logs."""
    if spec.get("Enabled") is False:
        raise NotEvaluatedError("Enabled is false")
    if CLOUDTRAIL not in logs_of(spec):
        raise NotEvaluatedError(f"for other logs: {', '.join(logs_of(spec))}")


def logs_of(spec: Spec) -> Sequence[str]:
    """Return the logs that a rule or a data model is for."""
    log_types = spec.get("LogTypes")
    return [str(each) for each in log_types] if isinstance(log_types, list) else [CLOUDTRAIL]


def info_of(spec: Spec, path: str, problems: list[RuleSyntaxError]) -> RuleInfo:
    """Return what a rule says of itself. What is wrong is added to ``problems``."""
    rule_id = _text(spec, "RuleID", problems)
    if not rule_id.strip():
        problems.append(RuleSyntaxError('the key "RuleID" is missing', remedy="give the rule an id of its own"))
    title = _text(spec, "DisplayName", problems) or rule_id
    reference = _text(spec, "Reference", problems).strip()
    return RuleInfo(
        id=rule_id,
        title=title,
        severity=_severity(spec, problems),
        language=NAME,
        path=path,
        description=_text(spec, "Description", problems),
        tags=(*_texts(spec.get("Tags")), *_attack_tags(spec.get("Reports"))),
        references=(reference,) if reference else (),
        shaping=_shaping(spec, problems),
    )


def info_without_spec(path: str, docstring: str, *, shaped: bool) -> RuleInfo:
    """Return what is known of a module that nothing describes: it is called by its path."""
    rule_id = str(PurePosixPath(path).with_suffix(""))
    first, _, rest = docstring.partition("\n")
    return RuleInfo(
        id=rule_id,
        title=first.strip() or rule_id,
        severity=Severity.MEDIUM,
        language=NAME,
        path=path,
        description=rest.strip(),
        shaping=Shaping(period_seconds=DEFAULT_PERIOD_SECONDS if shaped else None),
    )


def _severity(spec: Spec, problems: list[RuleSyntaxError]) -> Severity:
    found = spec.get("Severity")
    if found is None:
        return Severity.MEDIUM
    if isinstance(found, str) and found.lower() in SEVERITIES:
        return SEVERITIES[found.lower()]
    remedy = "one of Info, Low, Medium, High, Critical"
    problems.append(RuleSyntaxError(f'"{found}" is no severity', at=("Severity",), remedy=remedy))
    return Severity.MEDIUM


def _shaping(spec: Spec, problems: list[RuleSyntaxError]) -> Shaping:
    minutes = _count(spec, "DedupPeriodMinutes", problems)
    return Shaping(
        period_seconds=DEFAULT_PERIOD_SECONDS if minutes is None else minutes * 60,
        threshold=_count(spec, "Threshold", problems) or 1,
        runbook=_text(spec, "Runbook", problems),
    )


def _count(spec: Spec, key: str, problems: list[RuleSyntaxError]) -> int | None:
    found = spec.get(key)
    if found is None:
        return None
    if not isinstance(found, int) or isinstance(found, bool):
        problems.append(RuleSyntaxError(f'"{key}" must be a whole number', at=(key,)))
        return None
    return found if found > 0 else None


def _text(spec: Spec, key: str, problems: list[RuleSyntaxError]) -> str:
    found = spec.get(key)
    if found is None:
        return ""
    if isinstance(found, (dict, list)):
        problems.append(RuleSyntaxError(f'"{key}" must be text', at=(key,), remedy="put it in quotes"))
        return ""
    return str(found)


def _texts(found: Any) -> tuple[str, ...]:
    return tuple(map(str, found)) if isinstance(found, list) else ()


_ATTACK_ID = re.compile(r"TA\d{4}|T\d{4}(?:\.\d{3})?")


def _attack_tags(reports: Any) -> Iterator[str]:
    """Yield what a rule reports of MITRE ATT&CK as tags in the way of Sigma: ``attack.t1078``."""
    found = reports.get("MITRE ATT&CK") if isinstance(reports, dict) else None
    seen: dict[str, None] = {}
    for text in _texts(found):
        seen.update((f"attack.{each.lower()}", None) for each in _ATTACK_ID.findall(text))
    yield from seen


def filters_of(spec: Spec) -> Iterator[Any]:
    """Yield the conditions of its InlineFilters; most rules have an empty list of them."""
    filters = spec.get("InlineFilters")
    for each in filters if isinstance(filters, list) else ():
        conditions = each["All"] if isinstance(each, dict) and each.keys() == {"All"} else [each]
        yield from conditions if isinstance(conditions, list) else filter(None, [conditions])


def tests_of(spec: Spec, notes: list[str]) -> Iterator[RuleTest]:
    """Yield the tests of a rule. What is no test is noted."""
    tests = spec.get("Tests") or []
    if not isinstance(tests, list):
        notes.append(f"{spec.get('RuleID')}: Tests is no list, and none of it is run")
        return
    for number, test in enumerate(tests, 1):
        record, mocks = _record_of(test), _mocks_of(test)
        if record is None:
            missing = "no Log that is an object"
        elif not isinstance(test.get("ExpectedResult"), bool):
            missing = "no ExpectedResult that is true or false"
        elif mocks is None:
            missing = "Mocks that are no list of objectName and returnValue"
        else:
            yield RuleTest(str(test.get("Name", number)), record, test["ExpectedResult"], mocks)
            continue
        notes.append(f"{spec.get('RuleID')}: test {number} has {missing}, and is not run")


def _mocks_of(test: Any) -> dict[str, Any] | None:
    """Return what a test wants functions to return, by their names; None where that is not to be understood."""
    mocks = (test.get("Mocks") if isinstance(test, dict) else None) or []
    if not isinstance(mocks, list):
        return None
    if not all(isinstance(mock, dict) and mock.keys() >= {"objectName", "returnValue"} for mock in mocks):
        return None
    return {str(mock["objectName"]): mock["returnValue"] for mock in mocks}


def _record_of(test: Any) -> dict[str, Any] | None:
    """Return the record of a test, which may be written as a text of JSON."""
    record = test.get("Log") if isinstance(test, dict) else None
    if isinstance(record, str):
        try:
            record = json.loads(record)
        except ValueError:
            return None
    return record if isinstance(record, dict) else None


def model_fields(spec: Spec, notes: list[str]) -> Iterator[ModelField]:
    """Yield the fields of a data model that are understood."""
    mappings = spec.get("Mappings")
    for mapping in mappings if isinstance(mappings, list) else ():
        said = mapping if isinstance(mapping, dict) else {}
        name, path, method = (said.get(key) for key in ("Name", "Path", "Method"))
        if isinstance(name, str) and isinstance(method, str):
            yield ModelField(name, function=method)
        elif isinstance(name, str) and isinstance(path, str) and (steps := steps_of(path)):
            yield ModelField(name, steps)
        else:
            notes.append(f"this mapping is not understood, so that udm gives the default: {mapping}")


_STEP = re.compile(
    r"""\.?(?:(?P<name>[A-Za-z_][\w-]*)|["'](?P<quoted>[^"']+)["']|\[(?P<position>\d+)\]|\[(?P<every>\*)\]"""
    r"""|\[["'](?P<key>[^"']+)["']\])"""
)


def steps_of(path: str) -> tuple[ModelStep, ...]:
    """Return the steps of a JSONPath of names, positions and ``[*]``; none where it says anything else."""
    steps: list[ModelStep] = []
    at = 1 if path.startswith("$") else 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            return ()
        at = found.end()
        step = found.lastgroup or ""
        steps.append(None if step == "every" else int(found[step]) if step == "position" else found[step])
    return tuple(steps)
