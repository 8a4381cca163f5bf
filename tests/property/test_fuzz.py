"""The fuzzer, for as long as a test may take: inputs of fixed seeds, and every input that once broke something."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fuzz.__main__ import TARGETS
from fuzz.search import CASE_SECONDS, case_of, finding_in, kept_cases, shrunk
from fuzz.target import Target, demand

CASES = 150
KEPT = [
    pytest.param(target, path, id=f"{target.name}-{path.stem}")
    for target in TARGETS.values()
    for path in kept_cases(target)
]
each_target = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


@each_target
@pytest.mark.parametrize("seed", [1, 2])
def test_no_promise_is_broken_by_the_inputs_of_a_seed(target: Target, seed: int) -> None:
    for number in range(CASES):
        finding = finding_in(target, case_of(target, seed, number))
        assert finding is None, f"make fuzz SEED={seed} ARGS='--target {target.name} --cases {number + 1}'\n{finding}"


@pytest.mark.parametrize(("target", "path"), KEPT)
def test_no_promise_is_broken_by_what_once_broke_one(target: Target, path: Path) -> None:
    assert finding_in(target, path.read_bytes()) is None


@each_target
def test_a_seed_and_a_number_always_make_the_same_input(target: Target) -> None:
    assert [case_of(target, 7, number) for number in range(20)] == [case_of(target, 7, number) for number in range(20)]
    assert len({case_of(target, 7, number) for number in range(20)}) > 10


def refuses_x(case: bytes) -> None:
    demand(b"x" not in case, "an x", repr(case))


def fails(case: bytes) -> None:
    raise LookupError(case)


def spins(_: bytes) -> None:
    until = time.thread_time() + CASE_SECONDS + 0.1
    while time.thread_time() < until:
        pass


@pytest.mark.parametrize(
    ("check", "symptom"), [(refuses_x, "an x"), (fails, "raises LookupError"), (spins, "takes too long")]
)
def test_a_finding_is_a_broken_demand_any_other_error_or_too_much_time(
    check: Callable[[bytes], None], symptom: str
) -> None:
    finding = finding_in(Target("t", lambda _: b"", check), b"x")
    assert finding is not None
    assert finding.symptom == symptom


def test_a_finding_is_made_small() -> None:
    target = Target("t", lambda _: b"", refuses_x)
    assert shrunk(target, b"abc" * 50 + b"x" + b"def" * 50, "an x") == b"x"
