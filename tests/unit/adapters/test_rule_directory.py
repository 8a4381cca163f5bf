"""A directory of rules shows when it has changed, however it is written to."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from trailstream.adapters.rule_directory import RuleDirectory


def rewritten(root: Path) -> None:
    (root / "a.yaml").write_text("other")


def rewritten_in_the_same_size_and_second(root: Path) -> None:
    before = (root / "a.yaml").stat()
    (root / "a.yaml").write_text("two")
    os.utime(root / "a.yaml", ns=(before.st_atime_ns, before.st_mtime_ns + 1))


def replaced_as_editors_do(root: Path) -> None:
    before = (root / "a.yaml").stat()
    (root / "a.yaml~").write_text("two")
    os.utime(root / "a.yaml~", ns=(before.st_atime_ns, before.st_mtime_ns))
    (root / "a.yaml~").rename(root / "a.yaml")


def added(root: Path) -> None:
    (root / "below").mkdir()
    (root / "below" / "new.yaml").write_text("new")


def removed(root: Path) -> None:
    (root / "a.yaml").unlink()


def renamed(root: Path) -> None:
    (root / "a.yaml").rename(root / "b.yaml")


@pytest.mark.parametrize(
    "change",
    [rewritten, rewritten_in_the_same_size_and_second, replaced_as_editors_do, added, removed, renamed],
    ids=lambda change: change.__name__,
)
async def test_every_way_to_change_a_directory_shows(change: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("one")
    place = RuleDirectory(tmp_path)
    before = await place.fingerprint()
    assert await place.fingerprint() == before
    change(tmp_path)
    assert await place.fingerprint() != before


async def test_what_is_no_rule_file_shows_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("one")
    place = RuleDirectory(tmp_path)
    before = await place.fingerprint()
    for name in ("README.md", ".a.yaml.swp", "a.yaml~"):
        (tmp_path / name).write_text("x")
    assert await place.fingerprint() == before


async def test_a_config_map_that_is_swapped_shows(tmp_path: Path) -> None:
    root = tmp_path / "mounted"
    root.mkdir()
    for number, text in ((1, "one"), (2, "two")):
        (root / f"..{number}").mkdir()
        (root / f"..{number}" / "a.yaml").write_text(text)
    (root / "..data").symlink_to("..1")
    (root / "a.yaml").symlink_to("..data/a.yaml")
    place = RuleDirectory(root)
    before, texts = await place.fingerprint(), await place.read()
    (root / "..data_tmp").symlink_to("..2")
    (root / "..data_tmp").rename(root / "..data")
    assert await place.fingerprint() != before
    assert texts.files == [("a.yaml", "one")]
    assert (await place.read()).files == [("a.yaml", "two")]


async def test_a_file_that_cannot_be_looked_at_shows_and_breaks_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("one")
    place = RuleDirectory(tmp_path)
    before = await place.fingerprint()
    (tmp_path / "dangling.yaml").symlink_to("nowhere")
    assert await place.fingerprint() != before


async def test_one_file_is_a_place_too(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("one")
    (tmp_path / "b.yaml").write_text("two")
    place = RuleDirectory(tmp_path / "a.yaml")
    before = await place.fingerprint()
    (tmp_path / "b.yaml").write_text("three")
    assert await place.fingerprint() == before
    (tmp_path / "a.yaml").write_text("three")
    assert await place.fingerprint() != before
    assert (await place.read()).files == [("a.yaml", "three")]


async def test_the_digest_is_of_what_is_written_and_not_of_when(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("one")
    place = RuleDirectory(tmp_path)
    before = (await place.read()).digest
    os.utime(tmp_path / "a.yaml")
    assert (await place.read()).digest == before
    (tmp_path / "a.yaml").rename(tmp_path / "b.yaml")
    assert (await place.read()).digest != before
