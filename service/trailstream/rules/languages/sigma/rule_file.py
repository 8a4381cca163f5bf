"""Files of Sigma rules: what each document is, what a rule says of itself, and why one is not evaluated."""

from __future__ import annotations

import copy
from typing import Any

from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RegexEngine, RegexPattern
from sigma.rule import SigmaRule

from trailstream.model.alert import RuleInfo, Severity
from trailstream.rules import regex
from trailstream.rules.condition import Condition, one_of
from trailstream.rules.languages.language import Compiled, RuleFile
from trailstream.rules.languages.sigma import NAME
from trailstream.rules.languages.sigma.tree import condition_of
from trailstream.rules.rule import NotEvaluatedError, Rule, RuleSyntaxError

MAX_CONDITION_CHARACTERS = 4096
MAX_CONDITION_DEPTH = 20
"""Parentheses within parentheses."""


class _BoundedRegexEngine(RegexEngine):
    """What pySigma compiles expressions with: RE2, silent and within our bounds."""

    def compile(self, pattern: str, flags: int = 0) -> RegexPattern:  # noqa: ARG002 -- what is kept is compiled again, with its flags
        expression: RegexPattern = regex.compiled(pattern)
        return expression

    @property
    def error(self) -> type[Exception]:
        return RuleSyntaxError


_POLICY = SigmaPolicy(regex_engine=_BoundedRegexEngine())

_DEFAULT_SEVERITY = Severity.MEDIUM


def compile_file(file: RuleFile) -> Compiled:
    """Compile every rule of the file; a document that is not for us is a note with the reason."""
    result = Compiled()
    try:
        documents = _evaluable(file)
        collection = SigmaCollection.from_dicts(
            documents, collect_errors=True, resolve_references=False, policy=_POLICY
        )
    except SigmaError as error:
        result.problems.append(_problem(error))
        return result
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        # pySigma takes the shape of a rule for granted in places.
        result.problems.append(RuleSyntaxError(f"not the shape of a Sigma rule: {error!r}"))
        return result
    if collection.filters:
        result.notes.append("not evaluated: Sigma filters are not supported yet")
    for position, rule in enumerate(collection.rules):
        _compile_rule(rule, file.path, position, result)
    if not collection.rules and collection.errors:
        result.problems.extend(map(_problem, collection.errors))
    return result


def _evaluable(file: RuleFile) -> list[Any]:
    """Return the documents that pySigma should see, with what it would misread taken out."""
    documents = []
    for document in file.documents:
        value = copy.deepcopy(document.value)
        if value is None:
            continue
        if not isinstance(value, dict):
            raise SigmaError("a Sigma rule is a mapping")
        detection = value.get("detection")
        if isinstance(detection, dict):
            # pySigma takes ``timeframe`` for a detection; it belongs to the aggregations that correlations replaced.
            detection.pop("timeframe", None)
        documents.append(value)
    return documents


def _compile_rule(rule: SigmaRule | SigmaCorrelationRule, path: str, position: int, result: Compiled) -> None:
    if rule.errors:
        result.problems.extend(map(_problem, rule.errors))
        return
    if isinstance(rule, SigmaCorrelationRule):
        result.notes.append("not evaluated: needs correlation")
        return
    try:
        _for_cloudtrail(rule)
        result.rules.append(Rule(_info(rule, path, position), _condition(rule)))
    except NotEvaluatedError as reason:
        result.notes.append(f"not evaluated: {reason}")
    except RuleSyntaxError as error:
        result.problems.append(
            error if error.at else RuleSyntaxError(error.what, at=("detection",), remedy=error.remedy)
        )
    except SigmaError as error:
        result.problems.append(_problem(error))
    except RecursionError:
        result.problems.append(RuleSyntaxError("nested too deep", at=("detection",)))


def _for_cloudtrail(rule: SigmaRule) -> None:
    source = rule.logsource
    # A category alone says nothing of CloudTrail: process_creation and webserver are other systems' logs.
    if (source.product, source.service) not in (("aws", "cloudtrail"), ("aws", None), (None, "cloudtrail")):
        said = ", ".join(
            f"{name} {part}"
            for name, part in (("product", source.product), ("service", source.service), ("category", source.category))
            if part
        )
        raise NotEvaluatedError(f"for another log source: {said}")


def _condition(rule: SigmaRule) -> Condition:
    for text in rule.detection.condition:
        _check(text)
    return one_of([condition_of(parsed.parsed) for parsed in rule.detection.parsed_condition])


def _check(condition: str) -> None:
    at = ("detection", "condition")
    if not isinstance(condition, str):
        raise RuleSyntaxError("a condition must be text", at=at)
    if "|" in condition:
        raise NotEvaluatedError(f"needs correlation: {condition}")
    if len(condition) > MAX_CONDITION_CHARACTERS or _nesting(condition) > MAX_CONDITION_DEPTH:
        raise RuleSyntaxError("the condition is too long or nested too deep", at=at)


def _nesting(condition: str) -> int:
    depth = deepest = 0
    for character in condition:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return deepest


def _info(rule: SigmaRule, path: str, position: int) -> RuleInfo:
    fallback = path if position == 0 else f"{path}#{position + 1}"
    level = rule.level.name if rule.level is not None else _DEFAULT_SEVERITY.name
    return RuleInfo(
        id=str(rule.id) if rule.id is not None else fallback,
        title=str(rule.title or fallback),
        severity=Severity[level],
        language=NAME,
        path=path,
        description=str(rule.description or ""),
        tags=tuple(map(str, rule.tags)),
        references=tuple(map(str, rule.references)),
    )


_PLACES = {
    "SigmaConditionError": ("detection", "condition"),
    "SigmaLogsourceError": ("logsource",),
    "SigmaIdentifierError": ("id",),
    "SigmaTagError": ("tags",),
}
_KEYS = ("title", "level", "status", "date", "modified", "references", "description", "author", "related", "fields")


def _problem(error: SigmaError) -> RuleSyntaxError:
    kind = type(error).__name__
    key = kind.removeprefix("Sigma").removesuffix("Error").lower()
    at = _PLACES.get(kind, (key,) if key in _KEYS else ("detection",))
    if isinstance(error.__cause__, RuleSyntaxError):
        return RuleSyntaxError(error.__cause__.what, at=at, remedy=error.__cause__.remedy)
    return RuleSyntaxError(str(error) or kind, at=at)
