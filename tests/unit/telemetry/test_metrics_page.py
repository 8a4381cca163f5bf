from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trailstream.telemetry.catalogue import CATALOGUE, CODES, LAG_BUCKETS, LAG_STAGES, RELOADS, SKIP_REASONS, STAGES

if TYPE_CHECKING:
    from .conftest import Scraped

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
ROW = re.compile(r"^\| `(?P<name>\w+)` \| (?P<kind>\w+) \| (?P<labels>[^|]*) \| (?P<meaning>[^|]+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def exported(scraped: Scraped) -> Mapping[str, tuple[str, frozenset[str]]]:
    suffix = {"counter": "_total", "info": "_info"}
    return {
        family.name + suffix.get(family.type, ""): (
            family.type,
            frozenset(label for sample in family.samples for label in sample.labels) - {"le"},
        )
        for family in scraped.registry.collect()
    }


def test_the_page_lists_every_metric_with_its_type_and_labels_and_no_other(page: str, scraped: Scraped) -> None:
    listed = {
        row["name"]: (row["kind"], frozenset(re.findall(r"`(\w+)`", row["labels"]))) for row in ROW.finditer(page)
    }
    assert listed == exported(scraped)


def test_the_page_says_of_each_metric_what_the_scrape_says(page: str) -> None:
    listed = {row["name"]: row["meaning"] for row in ROW.finditer(page)}
    assert {metric.name: metric.help for metric in CATALOGUE}.items() <= listed.items()


@pytest.mark.parametrize(
    ("label", "values"),
    [
        ("code", CODES),
        ("reason", SKIP_REASONS),
        ("stage` of errors", STAGES),
        ("stage` of lag", LAG_STAGES),
        ("reload", RELOADS),
    ],
)
def test_the_page_lists_every_value_of_a_closed_label(page: str, label: str, values: tuple[str, ...]) -> None:
    (row,) = [line for line in page.splitlines() if line.startswith(f"| `{label}")]
    assert re.findall(r"`(\w+)`", row.split("|")[2]) == list(values)


def test_the_page_lists_the_buckets_that_an_objective_can_use(page: str) -> None:
    assert ", ".join(f"{bound:g}" for bound in LAG_BUCKETS) in page


def test_every_query_of_the_page_names_only_metrics_that_exist(page: str, scraped: Scraped) -> None:
    queries = re.findall(r"```promql\n(.*?)```", page, re.DOTALL)
    named = {name for query in queries for name in re.findall(r"\btrailstream_\w+", query)}
    known = {
        name + suffix
        for name, (kind, _) in exported(scraped).items()
        for suffix in (("_bucket", "_count", "_sum") if kind == "histogram" else ("",))
    }
    assert queries
    assert named <= known
