"""What files that deploy things to AWS have in common: names, ids made of them, and values that only a deployment says.

Such files are CloudFormation templates (SAM's and CDK's too), Terraform's JSON (configuration, state and plan), the
Serverless Framework's, answers of the AWS CLI, and lists and mappings that people made of what stands in those.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeAlias

from trailstream.model.alert import RuleInfo, Severity
from trailstream.rules.documents import At
from trailstream.rules.languages import own_form
from trailstream.rules.languages.own_form import Problems

NAME_KEYS = ("filterName", "FilterName", "filter_name", "name", "Name")

EVENT_PATTERN_KEYS = frozenset(["EventPattern", "eventPattern", "event_pattern"])
"""Keys whose value is an event pattern, wherever they stand."""

FILTER_PATTERN_KEYS = frozenset(["filter_pattern", "filterPattern", "FilterPattern", "pattern"])
"""Keys whose value is a filter pattern. ``pattern`` is so common that it alone tells neither kind from the other."""

_TITLE_KEYS = ("title", "alarm_name", "AlarmName")
_DESCRIPTION_KEYS = ("description", "Description", "alarm_description", "AlarmDescription")

_ELSEWHERE = frozenset(["Parameters", "variable", "requestParameters", "responseElements", "$or"])
"""What a template is told, which counts where it is used; what a call is told and answers; and parts of a pattern."""

SAID = frozenset([*own_form.REQUIRED, *own_form.OPTIONAL, *_TITLE_KEYS, *_DESCRIPTION_KEYS])
"""Keys of what a rule says of itself, where they are no names of rules."""

_NAMING = frozenset(["Resources", "functions"])
"""Keys below which each key is a name that somebody gave, as it is below a type of Terraform's."""

_OF_RESOURCES = frozenset(["Properties", "instances", "root_module"])
"""Keys below which each key is AWS's or Terraform's, as it is below a type of Terraform's and a name."""

_CONTAINERS = frozenset(
    [
        *("Properties", "Events", "Rules", "metricFilters"),
        *("values", "attributes", "instances", "resources"),
        *("events", "eventBridge", "cloudwatchEvent"),
    ]
)
"""Keys that name the shape of a file, and not what is in it."""

Defaults: TypeAlias = dict[str, str | list[str]]


def defaults_of(document: Any) -> Defaults:
    """Return the defaults of a template's parameters: what stands for them where nobody says otherwise."""
    parameters = document.get("Parameters") if isinstance(document, dict) else None
    if not isinstance(parameters, dict):
        return {}
    return {
        name: default.split(",") if parameter.get("Type") in ("CommaDelimitedList", "List<String>") else default
        for name, parameter in parameters.items()
        if isinstance(parameter, dict) and isinstance(default := parameter.get("Default"), str)
    }


def deployed(document: Any) -> tuple[Any, At]:
    """Return the part of a document that says what is there once all is deployed, and where it stands: mostly all.

    ``terraform show -json`` tells of a plan also what was there before, each change and the configuration, unevaluated;
    of both plan and state, the outputs (https://developer.hashicorp.com/terraform/internals/json-format).
    """
    match document:
        case {"planned_values": dict(values)}:
            return values.get("root_module"), ("planned_values", "root_module")
        case {"format_version": str(), "values": dict(values)}:
            return values.get("root_module"), ("values", "root_module")
        case _:
            return document, ()


def attributes_of(value: dict[str, Any], at: At, kind: str, key: str) -> tuple[dict[str, Any], At]:
    """Return what ``terraform show -json`` says of a resource of this type, and where; anything else as it is.

    What a plan does not know yet it leaves out: at ``key`` that is a variable here, as in a configuration. A resource
    without a name has that of its block.
    """
    match value:
        case {"type": str(found), "name": str(name), "values": dict(values)} if found == kind:
            return {"name": name, key: f"${{{kind}.{name}.{key}}}"} | values, (*at, "values")
        case _:
            return value, at


def is_deposed(value: dict[str, Any]) -> bool:
    """Say whether Terraform's state tells of an object that was replaced, and is still to be deleted."""
    return "deposed" in value or "deposed_key" in value


def is_name(at: At) -> bool:
    """Say whether the key that a place ends in is the name of a resource or a function, whatever else it could mean."""
    *_, block, kind, _ = ("", "", "", *(key for key in at if isinstance(key, str)))
    return kind in _NAMING or (block == "resource" and kind.startswith("aws_"))


def is_of_resource(at: At) -> bool:
    """Say whether a place is in what a file says of one resource, where no key is the name of a pattern."""
    return any(key in _OF_RESOURCES or is_name(at[:end]) for end, key in enumerate(at))


def is_rule(owner: dict[str, Any]) -> bool:
    """Say whether a mapping is a rule, which has its pattern under one of these keys."""
    return any(key in owner for key in (*EVENT_PATTERN_KEYS, *FILTER_PATTERN_KEYS))


def is_elsewhere(owner: dict[str, Any], key: str, value: Any) -> bool:
    """Say whether no pattern of an entry of a mapping counts: it is told or answered, or what a rule says of itself."""
    return key in _ELSEWHERE or (key in SAID and not isinstance(value, dict) and is_rule(owner))


def ends_in_lists(value: Any) -> bool:
    """Say whether nothing but lists stands at the ends of an object's branches."""
    return isinstance(value, list) or (
        isinstance(value, dict) and value != {} and all(map(ends_in_lists, value.values()))
    )


class UnsaidError(Exception):
    """The document does not say the value: it is put together when a template is deployed."""


def is_function(value: Any) -> bool:
    """Say whether a value is one of CloudFormation's functions."""
    match value:
        case {"Ref": str()} if len(value) == 1:
            return True
        case dict() if len(value) == 1:
            return any(name.startswith("Fn::") for name in value)
        case _:
            return False


def said(value: Any, defaults: Defaults) -> Any:
    """Return the value with CloudFormation's functions applied. Raises :class:`UnsaidError`."""
    match value:
        case dict() if is_function(value):
            return _result(value, defaults)
        case dict():
            return {key: said(inner, defaults) for key, inner in value.items()}
        case list():
            return [said(inner, defaults) for inner in value]
        case str() if "${" in value:  # a variable, of Terraform or of the Serverless Framework
            raise UnsaidError
        case _:
            return value


def _result(function: dict[str, Any], defaults: Defaults) -> Any:
    match function:
        case {"Ref": name} if name in defaults:
            return defaults[name]
        case {"Fn::Sub": str(text)}:
            return _PLACEHOLDER.sub(lambda found: _substitute(found, defaults), text)
        case {"Fn::Join": [str(glue), [*parts]]}:
            texts = [said(part, defaults) for part in parts]
            if all(isinstance(text, str) for text in texts):
                return glue.join(texts)
    raise UnsaidError


_PLACEHOLDER = re.compile(r"\$\{(!?)([^}]*)\}")


def _substitute(found: re.Match[str], defaults: Defaults) -> str:
    escaped, name = found.groups()
    if escaped:
        return f"${{{name}}}"
    default = defaults.get(name)
    if not isinstance(default, str):
        raise UnsaidError
    return default


def name_of(owner: dict[str, Any], at: At) -> str:
    """Return the nearest name of what stands at a place: what its mapping says, or a key around it; else nothing."""
    return next((owner[key] for key in NAME_KEYS if _is_name(owner.get(key))), "") or enclosing(at[:-1])


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != "" and "${" not in value


def enclosing(at: At) -> str:
    """Return the nearest key around a place that is a name."""
    return next((key for key in reversed(at) if isinstance(key, str) and key not in _CONTAINERS), "")


def says_that_there_is_nothing(document: Any) -> bool:
    """Say whether AWS answered that there is no rule, or Terraform's plan or state holds no resource at all."""
    match document:
        case {"Rules": []} | {"metricFilters": []} | {"version": 4, "resources": []}:
            return True
        case {"format_version": _}:
            held = document.get("planned_values") or document.get("values")
            return not held or (isinstance(held, dict) and held.get("root_module") == {})
        case _:
            return False


@dataclass(frozen=True, slots=True)
class Naming:
    """Says what the rules of one file are called, of which several may have one name, or one rule stand there twice."""

    language: str
    path: str
    taken: dict[str, Any]
    """What each id says."""

    def info_of(self, owner: dict[str, Any], name: str, at: At, content: Any, problems: Problems) -> RuleInfo | None:
        """Return what a rule says of itself in the mapping around it; None where the same was there before.

        Of several regions or log groups, an answer of AWS says one thing several times. ``at`` is where the mapping is.
        """
        rule_id = _text(owner, ("id",)) or self._free_id(name, content)
        if self.taken.get(rule_id) == content:
            return None
        self.taken[rule_id] = content
        return RuleInfo(
            id=rule_id,
            title=_text(owner, _TITLE_KEYS) or name or self.path,
            severity=_severity(owner, at, problems),
            language=self.language,
            path=self.path,
            description=_text(owner, _DESCRIPTION_KEYS),
            tags=_texts(owner, "tags"),
            references=_texts(owner, "references"),
        )

    def _free_id(self, name: str, content: Any) -> str:
        """Return the id made of path and name; of two rules with one name, the second has a number."""
        first = f"{self.path}#{name}" if name else self.path
        rule_id, number = first, 1
        while self.taken.get(rule_id, content) != content:
            number += 1
            rule_id = f"{first}#{number}"
        return rule_id


def _text(owner: dict[str, Any], keys: tuple[str, ...]) -> str:
    return next((text for key in keys if isinstance(text := _as_written(owner.get(key)), str) and text.strip()), "")


def _as_written(value: Any) -> Any:
    """Return the text of a value that names parameters of its template, with their names in it."""
    return value.get("Fn::Sub") if is_function(value) else value


def _texts(owner: dict[str, Any], key: str) -> tuple[str, ...]:
    found = owner.get(key)
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()


def _severity(owner: dict[str, Any], at: At, problems: Problems) -> Severity:
    if "severity" not in owner:
        return own_form.DEFAULT_SEVERITY
    return own_form.severity_of(owner["severity"], (*at, "severity"), problems)
