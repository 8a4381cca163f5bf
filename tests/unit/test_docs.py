"""The pages of docs/: reachable, linked to what is there, and naming only commands, options and rules that exist."""

from __future__ import annotations

import pytest
from deploy.pages.parts import PARTS, Part


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_what_programs_write_is_current(part: Part) -> None:
    text = part.page.read_text(encoding="utf-8")
    assert part.put_into(text) == text, f"{part.page.name} is not current: make docs"


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match=PARTS[0].page.name):
        PARTS[0].put_into("# A page\n")
