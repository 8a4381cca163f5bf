"""docs/rules.md says what the program can list."""

from __future__ import annotations

from pathlib import Path

import pytest
from sigma.modifiers import modifier_mapping

from trailstream.model.alert import Severity
from trailstream.rules.correlation import Kind
from trailstream.rules.languages import LANGUAGES, own_form
from trailstream.rules.languages.event_pattern.operators import OPERATORS
from trailstream.rules.languages.event_pattern.rule_file import BODY
from trailstream.rules.languages.event_pattern.whole_event import DETAIL_TYPES, ENVELOPE
from trailstream.rules.languages.sigma.pipelines import ALLOWED, REFUSED
from trailstream.rules.loading import SUFFIXES

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "rules.md").read_text("utf-8")

LISTED = [
    *(f'"{operator}"' for operator in OPERATORS),
    *(f"`{modifier}`" for modifier in modifier_mapping),
    *(f"`{kind.value}`" for kind in Kind),
    *(f"`{transformation}`" for transformation in (*ALLOWED, *REFUSED)),
    *(f"`{detail_type}`" for detail_type in DETAIL_TYPES.values()),
    *(f"`{name}`" for name in ENVELOPE),
    *(f"`{severity.label}`" for severity in Severity),
    *(f"`{language.name}`" for language in LANGUAGES),
    *(f"`{suffix}`" for suffix in SUFFIXES),
    *(f"{key}:" for key in (*own_form.REQUIRED, BODY, *own_form.OPTIONAL)),
]


@pytest.mark.parametrize("name", sorted(set(LISTED)))
def test_the_page_names(name: str) -> None:
    assert name in PAGE
