"""docs/guarantees.md promises nothing that no test tries to break."""

from __future__ import annotations

import ast
import re

import pytest

from chaos.faults import every_fault
from endpoint import ROOT

PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
PROMISED, _, _ = PAGE.partition("## What is not promised")
TESTS = sorted(set(re.findall(r"`(tests/[^`]+)`", PAGE)))
FAULTS = sorted(set(re.findall(r"chaos\s+`([^`]+)`", PAGE)))


@pytest.mark.parametrize("name", TESTS)
def test_every_test_that_the_page_names_is_there(name: str) -> None:
    path, _, function = name.partition("::")
    module = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = {node.name for node in module.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert function in functions


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_that_the_page_names_is_tried(name: str) -> None:
    assert name in {fault.name for fault in every_fault()}


def test_every_promise_names_what_holds_it() -> None:
    promises = re.findall(r"^- (.+?)(?=^- |^#|^$)", PROMISED, re.MULTILINE | re.DOTALL)
    assert len(promises) > 30
    unheld = [promise for promise in promises if "*Held by*" not in promise]
    assert unheld == []
