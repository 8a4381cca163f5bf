from __future__ import annotations

import re
from pathlib import Path

import pytest

from trailstream.config import WorkerSettings, load_settings
from trailstream.rules.loading import load

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def block(language: str) -> str:
    found = re.search(rf"^( *)```{language}\n(.*?)^ *```", README, re.DOTALL | re.MULTILINE)
    assert found is not None
    return re.sub(rf"^{found[1]}", "", found[2], flags=re.MULTILINE)


def test_the_configuration_in_the_readme_is_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "trailstream.toml"
    path.write_text(block("toml"))
    assert load_settings(WorkerSettings, path).sinks.sns is not None


def test_the_rule_in_the_readme_is_sound() -> None:
    loaded = load([("rule.yaml", block("yaml"))])
    assert [rule.info.id for rule in loaded.rules] == ["sns-topic-created"]
    assert not loaded.problems


@pytest.mark.parametrize("path", sorted({*re.findall(r"\]\((?!http)([^)#]+)\)", README)}))
def test_what_the_readme_points_at_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("target", sorted({*re.findall(r"`?\bmake ([a-z-]+)", README)}))
def test_the_make_targets_in_the_readme_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
