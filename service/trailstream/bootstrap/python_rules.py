"""The judge of rules that are Python code, made from its settings; and how a tool runs such a rule."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from trailstream.adapters.python_rules.judge import CodeRun, JudgeSettings, PythonJudge
from trailstream.adapters.python_rules.process import Surroundings
from trailstream.config import environment_for_rules
from trailstream.config.settings import PythonRulesSettings
from trailstream.model.facts import Emit
from trailstream.model.record import Record
from trailstream.rules.loading import LoadedRules
from trailstream.rules.rule import Note, Rule

__all__ = ["CodeRun", "CodeRunner", "open_code_runner", "open_judge", "permitted"]

_DEFAULTS = PythonRulesSettings()


def permitted(loaded: LoadedRules, settings: PythonRulesSettings, *, from_directory: bool) -> LoadedRules:
    """Return the rules without those of code where the operator lets no code run that came this way; each is a note."""
    if settings.run == "always" or (settings.run == "from-directory" and from_directory):
        return loaded
    remedy = f"it is Python code, and rules.python.run is {settings.run}"
    notes = [Note(rule.info.path, f"not evaluated: {remedy}") for rule in loaded.rules if rule.code is not None]
    rules = [rule for rule in loaded.rules if rule.code is None]
    return replace(loaded, rules=rules, notes=[*loaded.notes, *notes])


@asynccontextmanager
async def open_judge(
    rules: Sequence[Rule], root: Path | None, *, settings: PythonRulesSettings = _DEFAULTS, emit: Emit
) -> AsyncIterator[PythonJudge | None]:
    """Start the process that rules of code run in, while the block runs; None where none of the rules is code.

    ``root`` is the rules directory, if it is on disk. Raises :class:`RulesUnavailableError`.
    """
    if not any(rule.code is not None for rule in rules):
        yield None
        return
    judge = PythonJudge(
        rules,
        root=_directory(root),
        settings=JudgeSettings(
            batch_seconds=settings.batch_seconds,
            load_seconds=settings.load_seconds,
            failures=settings.max_failures,
            failure_period_seconds=settings.failure_period_seconds,
        ),
        surroundings=Surroundings(environment_for_rules(), settings.memory_bytes),
        emit=emit,
        clock=time.monotonic,
    )
    async with judge:
        yield judge


def _directory(root: Path | None) -> str:
    if root is None:
        return ""
    return str((root if root.is_dir() else root.parent).resolve())


class CodeRunner:
    """Rules that are code, to be run on one record after another by a program that has no event loop."""

    def __init__(self, runner: asyncio.Runner, judge: PythonJudge) -> None:
        self._runner = runner
        self._judge = judge

    def run(self, rule_id: str, record: Record, mocks: Mapping[str, Any] | None = None) -> CodeRun:
        """Run a rule on a record, by itself: its gate is not asked, and nothing is kept from the record before.

        ``mocks`` are what functions of its module return for this once, by their names there
        (:attr:`~trailstream.rules.rule_test.RuleTest.mocks`). What the rule does wrong is in what is returned. Raises
        :class:`KeyError` for a rule that is not code.
        """
        return self._runner.run(self._judge.run(rule_id, record, mocks))

    def costs_seconds(self) -> Mapping[str, float]:
        """Return what each rule has cost in its process so far, by its id."""
        return self._judge.costs_seconds()


@contextmanager
def open_code_runner(rules: Sequence[Rule], root: Path) -> Iterator[CodeRunner | None]:
    """Start the process that rules of code run in, for a tool; None where none of the rules is code.

    It is the worker's own process and protocol, with the worker's default limits.
    """
    with asyncio.Runner() as runner:
        opened = open_judge(rules, root, emit=lambda _fact: None)
        judge = runner.run(opened.__aenter__())
        try:
            yield None if judge is None else CodeRunner(runner, judge)
        finally:
            runner.run(opened.__aexit__(None, None, None))
