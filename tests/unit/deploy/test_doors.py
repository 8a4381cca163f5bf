"""The comparison of the doors: held to what was measured and to the templates, and right in what can be known."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from deploy.simulate.capacity import ORGANIZATIONS, plan
from deploy.simulate.doors import (
    LARGEST_BATCH,
    LOADS,
    Function,
    crossing,
    event_seconds,
    function_costs,
    objects_an_event,
    worker_costs,
)
from deploy.simulate.inputs import Inputs

from endpoint import ROOT
from templates.stacks import LAMBDA_FROM_QUEUE, read_template

INPUTS, FUNCTION = Inputs(), Function()


def test_an_event_costs_no_less_than_was_measured() -> None:
    results = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    found = re.search(r"^\| with the example rules \|(?:[^|]*\|){4} ([\d.]+)", results, re.MULTILINE)
    assert found is not None
    assert float(found[1]) / 1000 <= FUNCTION.event_cpu_seconds < 2 * float(found[1]) / 1000


def test_the_function_is_the_template_s() -> None:
    template = read_template(LAMBDA_FROM_QUEUE)
    parameters = template["Parameters"]
    assert parameters["MemoryMegabytes"]["Default"] == FUNCTION.memory_megabytes
    assert parameters["BatchWindowSeconds"]["Default"] == FUNCTION.window_seconds
    assert template["Resources"]["Messages"]["Properties"]["BatchSize"] == LARGEST_BATCH


def test_the_worker_costs_what_the_capacity_page_says_and_its_metrics() -> None:
    for load, organization in zip(LOADS[-len(ORGANIZATIONS) :], ORGANIZATIONS, strict=True):
        costs = worker_costs(load, INPUTS, FUNCTION)
        assert costs.total - costs.parts["metrics"] == pytest.approx(plan(organization, INPUTS).cost)


def test_messages_are_gathered_up_to_the_batch_and_never_fewer_than_one() -> None:
    assert objects_an_event(0.0, FUNCTION) == 1
    assert objects_an_event(1e6, FUNCTION) == LARGEST_BATCH
    assert objects_an_event(100.0, replace(FUNCTION, window_seconds=0)) == 1


def test_more_memory_shortens_an_event_up_to_one_vcpu_and_no_further() -> None:
    seconds = [event_seconds(10, INPUTS, replace(FUNCTION, memory_megabytes=each)) for each in (512, 1769, 3008)]
    assert seconds[0] > seconds[1] == seconds[2]


def test_a_function_that_has_nothing_to_do_still_polls_and_keeps_its_metrics() -> None:
    costs = function_costs(0, INPUTS, FUNCTION)
    assert costs.parts["computing"] == costs.parts["S3"] == 0
    polls = 730 * 3600 / 20 * 5
    assert costs.parts["SQS"] == pytest.approx(polls * 0.40 / 1e6)
    assert costs.parts["metrics"] == pytest.approx(FUNCTION.metrics * 0.30)


def test_the_worker_is_the_cheaper_from_the_crossing_on_and_not_before() -> None:
    found = crossing(INPUTS, FUNCTION)
    assert worker_costs(found, INPUTS, FUNCTION).total < function_costs(found, INPUTS, FUNCTION).total
    assert worker_costs(found - 1, INPUTS, FUNCTION).total >= function_costs(found - 1, INPUTS, FUNCTION).total


def test_the_function_is_cheaper_everywhere_before_the_crossing_and_nowhere_by_much_after_it() -> None:
    found = crossing(INPUTS, FUNCTION)
    for load in range(1, LOADS[-1], 97):
        worker, function = worker_costs(load, INPUTS, FUNCTION).total, function_costs(load, INPUTS, FUNCTION).total
        assert function <= worker if load < found else worker < 1.01 * function
