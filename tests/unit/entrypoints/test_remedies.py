from __future__ import annotations

import re

import pytest

from endpoint import ROOT
from trailstream.entrypoints.remedies import NO_REASON, REMEDIES, remedy_for
from trailstream.model import errors

PAGE = ROOT / "docs" / "dead-letters.md"

CODES = {
    error.code
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, errors.RetryableError | errors.PermanentError)
}


def test_there_is_a_remedy_for_every_code_and_for_nothing_else() -> None:
    assert set(REMEDIES) == CODES


@pytest.mark.parametrize("code", sorted(REMEDIES))
def test_the_page_says_of_every_code_what_the_command_says(code: str) -> None:
    remedy = REMEDIES[code]
    assert f"| `{code}` | {remedy.meaning} | {remedy.what_to_do} |" in PAGE.read_text().splitlines()


def test_the_page_names_no_code_that_does_not_exist() -> None:
    assert set(re.findall(r"^\| `([a-z0-9_]+)` \|", PAGE.read_text(), re.MULTILINE)) == CODES


def test_a_message_without_a_code_that_we_know_has_a_remedy_too() -> None:
    assert remedy_for(None) == remedy_for("from_another_version") == NO_REASON
