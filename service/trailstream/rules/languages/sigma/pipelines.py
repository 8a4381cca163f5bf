"""Processing pipelines, in pySigma's own format: what an operator changes in all rules before they are compiled.

Rules are data, and so are pipelines. Of pySigma's transformations those are allowed that change a rule by what stands
in the pipeline itself; none that reads a file, asks a server, runs a command or calls a function. What is done to the
text of a query after the rules have become one (``postprocessing``, ``finalizers``: templates among them) has nothing
to be done to here, and is passed over. How far a pipeline may make a rule grow is bounded after each step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
from sigma.processing.transformations.base import PreprocessingTransformation
from sigma.rule import SigmaRule

from trailstream.rules import regex
from trailstream.rules.documents import At
from trailstream.rules.languages.sigma import NAME, PIPELINE_KEYS
from trailstream.rules.languages.sigma.entries import Entry
from trailstream.rules.languages.sigma.faults import UNFIT
from trailstream.rules.languages.sigma.placeholders import items_of, texts_of
from trailstream.rules.languages.sigma.processing import Processing
from trailstream.rules.languages.sigma.wording import bounded
from trailstream.rules.rule import RuleSyntaxError

ALLOWED = frozenset(
    [
        "add_condition",
        "add_field",
        "case",
        "change_logsource",
        "convert_type",
        "detection_item_failure",
        "drop_detection_item",
        "extract_fields",
        "field_name_mapping",
        "field_name_prefix",
        "field_name_prefix_mapping",
        "field_name_suffix",
        "hashes_fields",
        "map_string",
        "nest",
        "regex",
        "remove_field",
        "replace_string",
        "rule_failure",
        "set_custom_attribute",
        "set_field",
        "set_state",
        "set_value",
        "strict_field_mapping_failure",
        "value_placeholders",
        "wildcard_placeholders",
    ]
)
"""pySigma's transformations that change a rule by what stands in the pipeline."""

REFUSED = {
    "file_placeholders": "it reads a file",
    "http_placeholders": "it asks a server",
    "command_placeholders": "it runs a command",
    "query_expression_placeholders": "it writes the text of a query, and there is none here",
    "field_name_transform": "it calls a function, and a pipeline is data",
}
"""The others, and why."""

MAX_ITEMS = 1000
MAX_PARAMETER_CHARACTERS = 1024
MAX_ALTERNATIVES = 16
"""Names that one name may become, and texts that one text may."""
MAX_VALUES = 20_000
MAX_CHARACTERS = 1024 * 1024
"""What a rule may hold before and after each step of a pipeline."""
MAX_SQUARES = 8_000_000
"""Of the lengths of its texts, all together, where something is replaced in them: pySigma's time grows with those."""


def joined(entries: Iterable[Entry]) -> Processing:
    """Read pipelines and join them by priority, and then by path; what is wrong is reported."""
    found = [each for entry in entries if (each := _read(entry)) is not None]
    found.sort(key=lambda one: one.priority)
    variables = {name: values for one in found for name, values in one.variables.items()}
    return Processing(
        ProcessingPipeline(items=[item for one in found for item in one.items], vars=variables),
        {name: texts for name, values in variables.items() if (texts := texts_of(values))},
        any(one.changes_sources for one in found),
    )


@dataclass(frozen=True, slots=True)
class _Pipeline:
    """What one document says."""

    priority: float
    variables: dict[str, Any]
    items: Sequence[ProcessingItem]
    changes_sources: bool
    """Whether a rule for other logs may become one for CloudTrail."""


def _read(entry: Entry) -> _Pipeline | None:
    """Read a pipeline; None where it is broken or for another system, which is reported."""
    value = entry.value
    backends = value.get("allowed_backends")
    if backends and NAME not in backends and "trailstream" not in backends:
        entry.passed_over(f"a processing pipeline for {', '.join(map(str, backends))}")
        return None
    try:
        return _pipeline(entry, value)
    except RuleSyntaxError as error:
        entry.refuse(error)
    except (SigmaError, *UNFIT) as error:
        entry.refuse(RuleSyntaxError(f"not a processing pipeline: {error}", at=("transformations",)))
    return None


def _pipeline(entry: Entry, value: dict[str, Any]) -> _Pipeline:
    for key in value:
        if key not in PIPELINE_KEYS:
            raise RuleSyntaxError(
                f'unknown key "{key}"', at=(key,), remedy=f"a pipeline has {', '.join(PIPELINE_KEYS)}"
            )
    descriptions, variables = value.get("transformations") or [], value.get("vars") or {}
    if not isinstance(descriptions, list) or not isinstance(variables, dict):
        raise RuleSyntaxError("transformations are a list, and vars are names with values")
    priority = value.get("priority", 0)
    if not isinstance(priority, (int, float)):
        raise RuleSyntaxError("the priority must be a number", at=("priority",))
    if sum(1 for _ in _mappings(descriptions)) > MAX_ITEMS:
        raise RuleSyntaxError(f"more than {MAX_ITEMS} transformations and conditions", at=("transformations",))
    items = [*_items(descriptions, ("transformations",)), ProcessingItem(_WithinBounds(replaces=False))]
    if value.get("postprocessing") or value.get("finalizers"):
        entry.note("its postprocessing and finalizers write the text of a query: there is none here to write")
    entry.note(f"a processing pipeline: {len(descriptions)} transformations for all Sigma rules")
    changes = any(each.get("type") == "change_logsource" for each in _mappings(descriptions))
    return _Pipeline(priority, variables, items, changes)


def _items(descriptions: Sequence[Any], at: At) -> Iterator[ProcessingItem]:
    """Yield what the descriptions say, each after a look at how large the rule has become."""
    for position, description in enumerate(descriptions):
        here = (*at, position)
        if not isinstance(description, dict):
            raise RuleSyntaxError("a transformation is a mapping", at=here)
        kind = description.get("type")
        if kind not in ALLOWED:
            reason = REFUSED.get(str(kind))
            what = f'"{kind}" is not allowed: {reason}' if reason else f'"{kind}" is no transformation'
            raise RuleSyntaxError(
                what, at=(*here, "type") if "type" in description else here, remedy="see docs/rules.md"
            )
        said = description
        if kind == "nest":
            said = {**description, "items": list(_items(description.get("items") or [], (*here, "items")))}
        _check(description, here)
        yield ProcessingItem(_WithinBounds(replaces=kind == "replace_string"))
        try:
            yield ProcessingItem.from_dict(said)
        except (SigmaError, *UNFIT) as error:
            raise RuleSyntaxError(str(error), at=here) from None


def _check(description: dict[str, Any], at: At) -> None:
    """Raise :class:`RuleSyntaxError` for what pySigma takes for granted, or what a rule could grow by without end."""
    for key in ("mapping", "conditions"):
        if not isinstance(description.get(key, {}), dict):
            raise RuleSyntaxError(f'"{key}" must be a mapping', at=(*at, key))
    mapping = description.get("mapping", {})
    if any(isinstance(each, list) and len(each) > MAX_ALTERNATIVES for each in mapping.values()):
        raise RuleSyntaxError(f"one name becomes more than {MAX_ALTERNATIVES}", at=(*at, "mapping"))
    for part in _mappings([{key: each for key, each in description.items() if key != "items"}]):
        _check_texts(part, at)


def _check_texts(part: dict[str, Any], at: At) -> None:
    for key, each in part.items():
        if not isinstance(each, str):
            continue
        if len(each) > MAX_PARAMETER_CHARACTERS:
            raise RuleSyntaxError(f'"{key}" has more than {MAX_PARAMETER_CHARACTERS} characters', at=at)
        if key in ("regex", "pattern"):
            _compile(each, at)
        if key.endswith("_cond_expr"):
            bounded(each, at)
    if part.get("mode") == "re":
        for each in part.get("fields") or ():
            _compile(str(each), at)


def _compile(pattern: str, at: At) -> None:
    try:
        regex.compiled(pattern)
    except RuleSyntaxError as error:
        raise RuleSyntaxError(error.what, at=at, remedy=error.remedy) from None


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            yield one
            pending.extend(one.values())
        elif isinstance(one, list):
            pending.extend(one)


@dataclass
class _WithinBounds(PreprocessingTransformation):
    """Refuses a rule that has become too large for the next step."""

    replaces: bool

    def apply(self, rule: SigmaRule | SigmaCorrelationRule) -> None:
        if not isinstance(rule, SigmaRule):
            return
        values = characters = squares = 0
        for item in items_of(rule):
            lengths = [len(item.field or ""), *(len(str(each)) for each in item.value)]
            values += len(lengths)
            characters += sum(lengths)
            squares += sum(length * length for length in lengths) if self.replaces else 0
            if values > MAX_VALUES or characters > MAX_CHARACTERS or squares > MAX_SQUARES:
                raise RuleSyntaxError(
                    "too large for processing pipelines: too many values, or too long", at=("detection",)
                )
