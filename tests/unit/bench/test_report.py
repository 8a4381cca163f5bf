"""What was measured is shown whole, and written between the markers of the page and nowhere else."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from bench.figures import Goal, Row, Section, spread
from bench.report import BEGIN, END, PAGE, Conditions, show, write_json, write_page

CONDITIONS = Conditions("2026-07-03", "abc1234", "a machine", 3, quick=False, source="records")
SECTION = Section(
    "Bulk",
    [
        Row("ours", {"CPU s": spread([1.0])}),
        Row("zcat | wc -c", {"CPU s": spread([3.0]), "CPU ratio": spread([3.0])}, [Goal("CPU ratio", "at least", 2)]),
        Row("Node", {}, absent="not installed here"),
    ],
    ["A note."],
)


def test_results_replace_what_stands_between_the_markers(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"# Before\n\n{BEGIN}\nold figures\n{END}\n\nAfter.\n")

    write_page(page, CONDITIONS, [SECTION])

    before, _, rest = page.read_text().partition(BEGIN)
    results, _, after = rest.partition(END)
    assert (before, after) == ("# Before\n\n", "\n\nAfter.\n")
    assert "old figures" not in results
    assert "| zcat \\| wc -c | 3.00 | 3.00 ✓ ≥ 2 |" in results.splitlines()
    assert "| Node | not installed here |  |" in results.splitlines()
    assert "commit abc1234" in results


def test_a_page_without_markers_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("# Before\n")

    with pytest.raises(ValueError, match="no results between"):
        write_page(page, CONDITIONS, [SECTION])

    assert page.read_text() == "# Before\n"


def test_the_committed_page_has_a_place_for_results() -> None:
    text = PAGE.read_text()

    assert text.index(BEGIN) < text.index(END)


def test_the_terminal_shows_every_figure_and_whether_its_goal_is_reached() -> None:
    screen = io.StringIO()

    show(SECTION, Console(file=screen, width=120))

    for shown in ("Bulk", "zcat | wc -c", "3.00 ✓ ≥ 2", "not installed here", "A note."):
        assert shown in screen.getvalue()


def test_the_json_file_holds_every_round(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    write_json(path, CONDITIONS, [SECTION])

    written = json.loads(path.read_text())
    assert written["conditions"]["commit"] == "abc1234"
    assert written["sections"][0]["rows"][1]["figures"]["CPU ratio"] == {"values": [3.0]}
