"""The child's side of the conversation: rules imported, asked and tried."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from time import perf_counter_ns
from types import ModuleType
from typing import Any

import orjson

from trailstream.adapters.python_rules.child import imports, offered, store
from trailstream.adapters.python_rules.child.evaluation import evaluate, told
from trailstream.adapters.python_rules.child.event import Model, PantherEvent, event_of
from trailstream.adapters.python_rules.frames import (
    Answer,
    Answers,
    Ask,
    Load,
    Loaded,
    Note,
    Reply,
    Request,
    Try,
)
from trailstream.rules.code import CLOUDTRAIL, RULE_PACKAGE, DataModel, module_name

MAX_OUTPUT_CHARACTERS = 16 * 1024


class Runner:
    """Runs rules, and notes which."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._modules: dict[int, ModuleType] = {}
        self._models: Mapping[str, DataModel] = {}

    def answer(self, request: Request) -> Reply:
        """Do what is asked. Nothing that a rule raises passes."""
        match request:
            case Load():
                return self._load(request)
            case Ask():
                return self._ask(request)
            case Try():
                return self._try(request)

    def _load(self, request: Load) -> Loaded:
        offered.install()
        imports.install(request.root, request.sources, request.modules, request.missing)
        failures: dict[int, str] = {}
        for number, path in enumerate(request.rules):
            if path is not None:
                self._note.begin(number, 0, perf_counter_ns())
                try:
                    self._modules[number] = _import(path)
                except BaseException as error:  # noqa: BLE001 -- whatever a rule does is its own affair
                    failures[number] = told(error)
                self._note.end(number, 0)
        self._models = request.models
        self._model_for(CLOUDTRAIL)
        return Loaded(failures)

    def _ask(self, request: Ask) -> Answers:
        answers: list[Answer] = []
        note = self._note
        now = datetime.now(UTC)
        model = self._model_for(CLOUDTRAIL)
        for place, asked in enumerate(request.asked):
            event = event_of(orjson.loads(asked.record), asked.record_id, model, now=now)
            store.at_time_of(event.event_time_epoch)
            for rule in asked.rules:
                began_ns = perf_counter_ns()
                note.begin(rule, place, began_ns)
                answers.append(evaluate(self._modules[rule], event))
                note.end(rule, perf_counter_ns() - began_ns)
        return Answers(answers)

    def _try(self, request: Try) -> Answers:
        module = self._modules[request.rule]
        store.forget_all()
        output = io.StringIO()
        self._note.begin(request.rule, 0, perf_counter_ns())
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            try:
                with _mocked(module, request.mocks):
                    answer = evaluate(module, self._tried(orjson.loads(request.record)))
            except AttributeError as error:
                answer = Answer(error=told(error))
        self._note.end(request.rule, 0)
        answer.output = output.getvalue()[:MAX_OUTPUT_CHARACTERS]
        return Answers([answer])

    def _tried(self, record: dict[str, Any]) -> PantherEvent:
        """Make the event of a test, which may say that it is of another log."""
        model = self._model_for(str(record.get("p_log_type", CLOUDTRAIL)))
        event = event_of(record, str(record.get("eventID", "")), model, now=datetime.now(UTC))
        store.at_time_of(event.event_time_epoch)
        return event

    @cache  # noqa: B019 -- there is one, as long as the process lives
    def _model_for(self, logs: str) -> Model | None:
        return _model_of(self._models[logs]) if logs in self._models else None


def _import(path: str) -> ModuleType:
    return import_module(f"{RULE_PACKAGE}.{module_name(path)}")


def _mocked(module: ModuleType, mocks: dict[str, Any]) -> contextlib.AbstractContextManager[Any]:
    """Put functions that return what a test wants in the place of the module's own, for a while."""
    if not mocks:
        return contextlib.nullcontext()
    from unittest.mock import MagicMock, patch  # noqa: PLC0415 -- for tests alone, and it costs a worker's start

    return patch.multiple(module, **{name: MagicMock(return_value=value) for name, value in mocks.items()})


def _model_of(model: DataModel) -> Model:
    """Return the data model with its functions; without those of a module that cannot be imported."""
    functions: dict[str, Any] = {}
    if model.path:
        with contextlib.suppress(BaseException):
            module = _import(model.path)
            functions = {each.name: getattr(module, each.function, None) for each in model.fields if each.function}
    return Model(
        {each.name: each.steps for each in model.fields if each.steps},
        {name: function for name, function in functions.items() if callable(function)},
    )
