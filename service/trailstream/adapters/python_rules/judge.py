"""What decides whether rules of Python code match: asked in batches, in one child process, whatever the rules do.

A rule that overruns the time of a batch, or ends the process, is not run again until the rules are loaded anew, and the
batch is asked again without it. One that raises is told of with its traceback, once in a period, and is not run again
if it does so too often. What was not evaluated is told of, with the object and the records.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeAlias

import orjson

from trailstream.adapters.python_rules.failures import Failures
from trailstream.adapters.python_rules.frames import (
    Answer,
    Answers,
    Ask,
    Asked,
    Load,
    Loaded,
    Reply,
    Request,
    Said,
    Try,
)
from trailstream.adapters.python_rules.process import ProcessLostError, RuleProcess, Surroundings
from trailstream.decode.json_text import encode_record
from trailstream.model.alert import Match, Severity
from trailstream.model.errors import RulesUnavailableError
from trailstream.model.facts import Emit
from trailstream.model.finding import Remarks
from trailstream.model.judging import EvaluationsSkipped, RuleDisabled, RuleProcessLost, RuleRaised, SkipReason
from trailstream.model.record import Record, record_id
from trailstream.pipeline.retry import Backoff
from trailstream.rules.rule import Rule

ATTEMPTS = 3
"""How often in a row a child may be lost, if none of the rules is to blame, before time has to pass."""
RESTARTS = Backoff(first_seconds=1, longest_seconds=60)
"""How much."""


@dataclass(frozen=True, slots=True)
class JudgeSettings:
    """What rules are allowed."""

    batch_seconds: float
    """How long the child may take for one batch."""
    load_seconds: float
    """How long it may take to import all rules."""
    failures: int
    """How often a rule may raise within a period."""
    failure_period_seconds: float


@dataclass(frozen=True, slots=True)
class CodeRun:
    """What came of running one rule on one record, by itself."""

    matched: bool
    error: str
    """The traceback, where the rule raised or could not be run."""
    remarks: Remarks
    complaints: Sequence[str]
    """What went wrong in the functions that describe a match, and which returned what Panther does not take."""
    output: str
    """What it printed."""


class PythonJudge:
    """Decides for the rules that have code. An async context manager: the child lives while the block runs."""

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        root: str,
        settings: JudgeSettings,
        surroundings: Surroundings,
        emit: Emit,
        clock: Callable[[], float],
    ) -> None:
        """Take rules that were loaded together, of which one at least has code.

        ``root`` is where the rules directory is, empty where it is not on disk; ``clock`` gives seconds.
        """
        codes = {rule.info.id: rule.code for rule in rules if rule.code is not None}
        self._ids = list(codes)
        self._codes = list(codes.values())
        self._numbers = {rule_id: number for number, rule_id in enumerate(self._ids)}
        self._root = root
        self._settings = settings
        self._surroundings = surroundings
        self._emit = emit
        self._failures = Failures(settings.failures, settings.failure_period_seconds, clock)
        self._disabled: dict[int, str] = {}
        """Why each rule that is not run any more is not."""
        self._process: RuleProcess | None = None
        self._losses = 0
        self._not_before = float("-inf")
        self._clock = clock
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Start the child, so that what cannot be imported is known at once. Raises :class:`RulesUnavailableError`."""
        await self._exchange(lambda: None)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the child."""
        if self._process is not None:
            process, self._process = self._process, None
            await process.close()

    async def verdicts(self, matches: Sequence[Match], *, origin: str | None) -> Sequence[Remarks | None]:
        """Say of each match what its rule says of it; None where it does not match, or was not evaluated.

        Raises :class:`RulesUnavailableError` where no child can be had: nobody knows then.
        """
        asked = [(self._numbers[match.rule.id], match, record_id(match.record)) for match in matches]
        places: list[int] = []

        def request() -> Ask | None:
            places[:] = [place for place, (number, _, _) in enumerate(asked) if number not in self._disabled]
            return _ask([asked[place] for place in places])

        reply = await self._exchange(request)
        found = reply.answers if isinstance(reply, Answers) else []
        answers = dict(zip(places, found, strict=True))
        self._tell(asked, answers, origin)
        return [_remarks_of(answers.get(place)) for place in range(len(asked))]

    async def run(self, rule_id: str, record: Record, mocks: Mapping[str, Any] | None = None) -> CodeRun:
        """Run one rule on one record by itself, with functions replaced as a test wants it.

        Nothing is emitted but what ends a rule. Raises :class:`KeyError` for a rule that is not code.
        """
        number = self._numbers[rule_id]
        wanted = Try(number, encode_record(record), dict(mocks or {}))
        reply = await self._exchange(lambda: None if number in self._disabled else wanted)
        if not isinstance(reply, Answers):
            why = f"{rule_id} cannot be run: {self._disabled[number]}"
            return CodeRun(matched=False, error=why, remarks=Remarks(), complaints=(), output="")
        answer = reply.answers[0]
        remarks = _remarks_of(answer) or Remarks()
        return CodeRun(answer.matched, answer.error, remarks, answer.complaints, answer.output)

    def costs_seconds(self) -> Mapping[str, float]:
        """Return what each rule has cost in the child that runs now, by its id."""
        costs = self._process.costs_ns() if self._process is not None else [0] * len(self._ids)
        return {rule_id: cost / 1e9 for rule_id, cost in zip(self._ids, costs, strict=True)}

    async def _exchange(self, request: Callable[[], Request | None]) -> Reply | None:
        """Get the reply to a request, which is made anew whenever a rule had to be given up."""
        async with self._turn:
            while True:
                if self._clock() < self._not_before:
                    raise RulesUnavailableError("the rules' process was lost, and is started again in a while")
                try:
                    process = await self._running()
                    wanted = request()
                    if wanted is None:
                        return None
                    reply = await process.exchange(wanted, budget_seconds=self._settings.batch_seconds)
                except asyncio.CancelledError:
                    self._process = None
                    raise
                except (ProcessLostError, OSError) as error:
                    self._process = None
                    blamed = error.rule if isinstance(error, ProcessLostError) else None
                    self._emit(RuleProcessLost(str(error), None if blamed is None else self._ids[blamed]))
                    if blamed is not None and blamed not in self._disabled:
                        self._disable(blamed, str(error))
                    else:
                        self._lost(error)
                else:
                    self._losses = 0
                    return reply

    def _lost(self, error: Exception) -> None:
        """Count that the child was lost through no rule's fault, and let time pass if that happens again and again."""
        self._losses += 1
        if self._losses >= ATTEMPTS:
            self._not_before = self._clock() + RESTARTS.seconds(self._losses - ATTEMPTS + 1)
            raise RulesUnavailableError(f"the rules' process is lost again and again: {error}") from error

    async def _running(self) -> RuleProcess:
        """Return the child, with all rules imported that can be."""
        if self._process is None:
            process = await RuleProcess.start(len(self._ids), self._surroundings)
            reply = await process.exchange(self._load(), budget_seconds=self._settings.load_seconds)
            self._process = process
            if isinstance(reply, Loaded):
                for number, failure in reply.failures.items():
                    self._disable(number, f"cannot be imported: {failure}")
        return self._process

    def _load(self) -> Load:
        library = self._codes[0].library
        return Load(
            root=self._root,
            sources=dict(library.sources),
            modules=dict(library.modules),
            missing=sorted(library.missing),
            models=dict(library.models),
            rules=[None if number in self._disabled else code.path for number, code in enumerate(self._codes)],
        )

    def _disable(self, number: int, why: str) -> None:
        if number not in self._disabled:
            self._disabled[number] = why
            self._emit(RuleDisabled(self._ids[number], why))

    def _tell(self, asked: Sequence[_Asked], answers: Mapping[int, Answer], origin: str | None) -> None:
        skipped: dict[tuple[int, SkipReason], list[str]] = defaultdict(list)
        for place, (number, _, of_record) in enumerate(asked):
            answer = answers.get(place)
            if answer is None:
                skipped[number, "disabled"].append(of_record)
            elif answer.error:
                skipped[number, "raised"].append(of_record)
                self._raised(number, answer.error)
            for complaint in answer.complaints if answer is not None and answer.matched else ():
                self._complained(number, complaint)
        for (number, reason), record_ids in skipped.items():
            self._emit(EvaluationsSkipped(self._ids[number], reason, origin, tuple(record_ids)))

    def _raised(self, number: int, error: str) -> None:
        self._complained(number, error)
        if self._failures.too_many(number):
            self._disable(number, f"raised {self._settings.failures} times")

    def _complained(self, number: int, error: str) -> None:
        if self._failures.is_news(number):
            self._emit(RuleRaised(self._ids[number], error))


_Asked: TypeAlias = tuple[int, Match, str]
"""A rule's number, what it is asked about, and the id of the record."""


def _ask(asked: Sequence[_Asked]) -> Ask | None:
    """Make the request, in which a record stands once for all rules that come one after another with it."""
    request: list[Asked] = []
    last: Record | None = None
    for number, match, of_record in asked:
        if match.record is not last:
            last = match.record
            raw = match.raw if match.raw is not None else encode_record(match.record)
            request.append(Asked(raw, of_record, []))
        request[-1].rules.append(number)
    return Ask(request) if request else None


_SEVERITIES = {"INFO": Severity.INFORMATIONAL} | {severity.name: severity for severity in Severity}


def _remarks_of(answer: Answer | None) -> Remarks | None:
    if answer is None or not answer.matched:
        return None
    said = answer.said or Said()
    return Remarks(
        title=said.title,
        severity=_SEVERITIES.get(said.severity or ""),
        description=said.description,
        reference=said.reference,
        runbook=said.runbook,
        dedup=said.dedup,
        destinations=None if said.destinations is None else tuple(said.destinations),
        context=_context(said.context),
    )


def _context(text: bytes | None) -> Mapping[str, Any] | None:
    if text is None:
        return None
    found = orjson.loads(text)
    return found if isinstance(found, dict) else {"context": found}
