"""Python files and the YAML beside them -> rules that a judge decides, and the library that they lean on."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from trailstream.model.alert import RuleInfo
from trailstream.rules.code import CLOUDTRAIL, NO_MODEL, DataModel, Library, RuleCode
from trailstream.rules.condition import Condition
from trailstream.rules.gate import gate_of
from trailstream.rules.languages.event_pattern.pattern import compile_pattern
from trailstream.rules.languages.language import Compiled, RuleFile
from trailstream.rules.languages.python import specs
from trailstream.rules.languages.python.library import missing_from, modules_of, needed_by, passed_over_by, reached_from
from trailstream.rules.languages.python.logic import both
from trailstream.rules.languages.python.modules import Names
from trailstream.rules.languages.python.necessity import needed_to_match
from trailstream.rules.languages.python.sources import Source, parse
from trailstream.rules.languages.python.specs import KIND, Spec
from trailstream.rules.rule import NotEvaluatedError, Rule, RuleSyntaxError
from trailstream.rules.rule_test import RuleTest

NAME = specs.NAME
SUFFIX = ".py"

MICROSECONDS = "15 to 80"
"""What a record costs, in both processes together, that is put before a rule which soon says no, as measured: the less,
the more such records an object holds."""

GATE = "Gate"
"""The key under which an author may say, as an event pattern, what every match of a rule has."""
MATCHER = "rule"
"""The function that says whether an event matches."""

_OTHER_KINDS = {
    "correlation_rule": "a correlation of Panther's; write it as a Sigma correlation",
    "lookup_table": "a lookup table",
    "pack": "a list of rules for Panther's console",
    "policy": "a policy, which is about resources and not about events",
    "saved_query": "a query for a data lake",
    "scheduled_prompt": "a prompt for Panther's console",
    "scheduled_query": "a query for a data lake",
    "scheduled_rule": "a rule on the results of a query, not on events",
}


def claims(file: RuleFile) -> bool:
    """Claim a Python file, and a file that says its AnalysisType."""
    return file.path.lower().endswith(SUFFIX) or is_described(file)


def is_described(file: RuleFile) -> bool:
    """Say whether a file says its AnalysisType."""
    return any(isinstance(document.value, dict) and KIND in document.value for document in file.documents)


@dataclass(frozen=True, slots=True)
class _Described:
    """A rule, before it is known what else there is."""

    info: RuleInfo
    path: str
    """Of its code."""
    at: str
    """The file that says it."""
    tests: tuple[RuleTest, ...] = ()
    alerts: bool = True
    declared: Any = None
    """The event pattern that the author says every match has, if any."""


@dataclass(slots=True)
class _Set:
    """All files of the language, on their way."""

    results: dict[str, Compiled]
    sources: dict[str, Source] = field(default_factory=dict)
    broken: dict[str, RuleSyntaxError] = field(default_factory=dict)
    """Why a Python file cannot be read; told only where something needs it."""
    helpers: dict[str, str] = field(default_factory=dict)
    """The path of each file that says that it is a helper, by the name that it gives itself."""
    rules: list[_Described] = field(default_factory=list)
    models: dict[str, DataModel] = field(default_factory=dict)
    """By the logs that they are for."""
    spoken_for: set[str] = field(default_factory=set)
    """Python files that some YAML describes."""


def compile_files(files: Sequence[RuleFile]) -> Sequence[Compiled]:
    """Compile all files of a directory together: helpers, data models and rules speak of each other."""
    result = _Set({file.path: Compiled() for file in files})
    bases: dict[str, tuple[Spec, str]] = {}
    described = [file for file in files if not _read_code(file, result)]
    for file in described:
        for document in file.documents:
            if isinstance(document.value, dict) and isinstance(rule_id := document.value.get("RuleID"), str):
                bases.setdefault(rule_id, (document.value, file.path))
    for file in described:
        for document in file.documents:
            _read_spec(document.value, file.path, bases, result)
    for path, source in result.sources.items():
        if path not in result.spoken_for and source.defines(MATCHER):
            info = specs.info_without_spec(path, source.docstring, shaped=source.defines("dedup"))
            result.rules.append(_Described(info, path, path))
    _add_rules(result)
    return [result.results[file.path] for file in files]


def _read_code(file: RuleFile, result: _Set) -> bool:
    text = file.documents[0].value
    if not file.path.lower().endswith(SUFFIX):
        return False
    result.results[file.path] = Compiled(is_part=True)
    try:
        result.sources[file.path] = parse(file.path, text)
    except RuleSyntaxError as error:
        result.broken[file.path] = error
    return True


def _read_spec(spec: Any, path: str, bases: dict[str, tuple[Spec, str]], result: _Set) -> None:
    if not isinstance(spec, dict) or KIND not in spec:
        return
    kind = str(spec[KIND]).lower()
    code_path = _code_path(spec, path)
    result.spoken_for.add(code_path)
    readers: dict[str, Callable[[], None]] = {
        "rule": lambda: _read_rule(spec, path, bases, result),
        "global": lambda: _read_helper(spec, code_path, path, result),
        "datamodel": lambda: _read_model(spec, code_path, path, result),
    }
    if kind not in readers:
        result.results[path].notes.append(f"not evaluated: {_OTHER_KINDS.get(kind, f'{KIND} is {kind}')}")
        return
    try:
        readers[kind]()
    except NotEvaluatedError as reason:
        result.results[path].notes.append(f"not evaluated: {reason}")
    except RuleSyntaxError as error:
        result.results[path].problems.append(error)


def _code_path(spec: Spec, path: str) -> str:
    """Return the path of the module that a YAML file is about: the one it names, else the one called like it."""
    name = spec.get("Filename")
    if isinstance(name, str) and name:
        return posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
    return str(PurePosixPath(path).with_suffix(SUFFIX))


def _read_rule(spec: Spec, path: str, bases: dict[str, tuple[Spec, str]], result: _Set) -> None:
    code_path = _code_path(spec, path)
    if "BaseDetection" in spec:
        base_id = str(spec["BaseDetection"])
        if base_id not in bases:
            raise NotEvaluatedError(f"what it derives from is not here: {base_id}")
        base, base_path = bases[base_id]
        code_path, spec = _code_path(base, base_path), {**base, **spec}
    specs.for_cloudtrail(spec)
    if "Detection" in spec and "Filename" not in spec:
        raise NotEvaluatedError("its detection is written in YAML, not in Python")
    problems: list[RuleSyntaxError] = []
    info = specs.info_of(spec, path, problems)
    if code_path not in result.sources and code_path not in result.broken:
        problems.append(RuleSyntaxError(f"{code_path} is not there", at=("Filename",), remedy="name the rule's module"))
    if any(specs.filters_of(spec)):
        result.results[path].notes.append(f"{info.id}: its InlineFilters are not applied: it may match more")
    result.results[path].problems.extend(problems)
    if not problems:
        tests = tuple(specs.tests_of(spec, result.results[path].notes))
        alerts = spec.get("CreateAlert") is not False
        result.rules.append(_Described(info, code_path, path, tests, alerts, spec.get(GATE)))


def _read_helper(spec: Spec, code_path: str, path: str, result: _Set) -> None:
    name = spec.get("GlobalID")
    result.results[path] = Compiled(is_part=True)
    if code_path in result.sources:
        result.helpers[name if isinstance(name, str) else result.sources[code_path].stem] = code_path


def _read_model(spec: Spec, code_path: str, path: str, result: _Set) -> None:
    notes: list[str] = []
    fields = tuple(specs.model_fields(spec, notes))
    model = DataModel(code_path if code_path in result.sources else "", fields)
    if spec.get("Enabled") is not False:
        for logs in specs.logs_of(spec):
            if logs != CLOUDTRAIL:
                result.models.setdefault(logs, model)
    specs.for_cloudtrail(spec)
    result.results[path] = Compiled(is_part=True, notes=notes)
    if CLOUDTRAIL in result.models:
        raise NotEvaluatedError("another data model for CloudTrail comes before it")
    if any(each.function for each in fields) and not model.path:
        raise RuleSyntaxError(f"{code_path} is not there", at=("Filename",), remedy="name the model's module")
    result.models[CLOUDTRAIL] = model


def _add_rules(result: _Set) -> None:
    modules = modules_of(result.sources, result.helpers, frozenset(rule.path for rule in result.rules))
    used = (*(rule.path for rule in result.rules), *(model.path for model in result.models.values()))
    needed = frozenset(path for start in used for path in needed_by(start, result.sources, modules))
    missing = {path: missing_from(result.sources[path], modules) for path in sorted(needed)}
    for path, names in missing.items():
        if names:
            result.results[path].notes.append(f"not installed: {', '.join(sorted(names))}; what calls that will fail")
    for path in sorted(needed):
        result.results[path].notes.extend(passed_over_by(result.sources[path], result.sources, modules))
    texts = {path: source.text for path, source in result.sources.items()}
    library = Library(texts, modules, result.models, frozenset().union(*missing.values()))
    may_run = {path: result.sources[path] for path in reached_from(used, result.sources, modules)}
    known = Names(may_run, modules, result.models.get(CLOUDTRAIL, NO_MODEL))
    for rule in result.rules:
        try:
            _add_rule(rule, library, known, result)
        except RuleSyntaxError as error:
            result.results[rule.at].problems.append(error)


def _add_rule(rule: _Described, library: Library, names: Names, result: _Set) -> None:
    if rule.path in result.broken:
        result.results[rule.at] = replace(result.results[rule.at], is_part=True)
        told = result.results[rule.path].problems
        if result.broken[rule.path] not in told:
            told.append(result.broken[rule.path])
        return
    if not result.sources[rule.path].defines(MATCHER):
        raise RuleSyntaxError(f"{rule.path} has no function named {MATCHER}", remedy=f"def {MATCHER}(event): ...")
    condition = _condition(rule, names)
    code = RuleCode(library, rule.path, declares_gate=rule.declared is not None)
    compiled = result.results[rule.at]
    compiled.rules.append(Rule(rule.info, condition, alerts=rule.alerts, code=code, tests=rule.tests))
    if result.sources[rule.path].defines("unique") and rule.info.shaping.threshold > 1:
        compiled.notes.append(f"{rule.info.id}: unique() is not asked: its threshold counts matches")
    if gate_of(condition) is None:
        costs = f"sees every record, which costs {MICROSECONDS} µs of CPU each"
        compiled.notes.append(f"{rule.info.id}: {costs}; say under {GATE}: what its matches have")


def _condition(rule: _Described, names: Names) -> Condition:
    """Return what a record must have for the rule to be asked: what its code needs, and what its author says."""
    found = needed_to_match(rule.path, names)
    return found if rule.declared is None else both(found, compile_pattern(rule.declared, at=(GATE,)))
