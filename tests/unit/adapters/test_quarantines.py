from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from fake_queue import FakeClock, FakeQueue
from trailstream.adapters.batches import MAX_BATCH_BYTES
from trailstream.adapters.quarantines.entries import entry_json, entry_name, reason_name
from trailstream.adapters.quarantines.file import FileQuarantine
from trailstream.adapters.quarantines.nothing import NoQuarantine
from trailstream.adapters.quarantines.sqs import SqsQuarantine
from trailstream.model.errors import QuarantineUnavailableError
from trailstream.pipeline.ports import SetAside

ENTRY = SetAside("delivery", "message-1", "corrupt_gzip", "why", "body", receive_count=3, at=1.5)


def sqs_quarantine() -> tuple[SqsQuarantine, FakeQueue]:
    queue = FakeQueue(FakeClock(), max_receive_count=None)
    return SqsQuarantine(queue=queue, inlet=queue, wait_seconds=0), queue


def files_in(directory: Path) -> list[Path]:
    return list(directory.iterdir())


@pytest.mark.parametrize("message_id", ["../../etc/passwd", "", "a/b", "x" * 65, "é", "\x00", "a.b", "lone \ud800"])
def test_an_id_that_could_lead_elsewhere_is_named_by_its_digest(message_id: str) -> None:
    entry, other = replace(ENTRY, message_id=message_id), replace(ENTRY, message_id=message_id + "1")
    name = entry_name(entry)
    assert name == entry_name(entry) == reason_name(message_id) != entry_name(other)
    assert name.removeprefix("delivery-").isalnum()
    assert len(name) <= 80


async def test_a_file_is_for_its_owner_alone_and_nothing_unfinished_stays(tmp_path: Path) -> None:
    quarantine = FileQuarantine(directory=tmp_path)
    for _ in range(2):
        await quarantine.put(ENTRY)
    (path,) = files_in(tmp_path)
    assert path.name == "delivery-message-1.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["detail"] == "why"


async def test_a_file_that_is_no_entry_of_ours_is_passed_over(tmp_path: Path) -> None:
    quarantine = FileQuarantine(directory=tmp_path)
    for text in ("", "{", "[]", "{}", '"x"', '{"kind": "delivery", "more": 1}'):
        (tmp_path / "delivery-message-1.json").write_text(text)
        assert await quarantine.reasons(["message-1"]) == {}


async def test_an_unfinished_file_is_taken_away_when_the_entry_cannot_be_put_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "delivery-message-1.json").mkdir()
    with pytest.raises(QuarantineUnavailableError):
        await FileQuarantine(directory=tmp_path).put(ENTRY)
    assert [path.name for path in files_in(tmp_path)] == ["delivery-message-1.json"]


@pytest.mark.parametrize("character", ["x", "é", "\N{CRAB}", "\x01", '"'])
@pytest.mark.parametrize("count", [200_000, 1_000_000])
async def test_what_a_queue_would_not_take_is_shortened_and_says_so(character: str, count: int) -> None:
    quarantine, _ = sqs_quarantine()
    await quarantine.put(replace(ENTRY, body=character * count, detail=character * count))
    kept = (await quarantine.reasons(["message-1"]))["message-1"]
    assert len(entry_json(kept)) <= MAX_BATCH_BYTES
    for text in (kept.body, kept.detail):
        beginning, note = text.split("\n") if "\n" in text else (text, "")
        assert set(beginning) == {character}
        assert len(beginning) == count or note == f"[{count - len(beginning)} more characters are not kept here]"
    assert len(json.dumps(kept.detail)) > 30_000


async def test_a_body_that_fits_is_kept_whole_whatever_its_characters_take() -> None:
    quarantine, _ = sqs_quarantine()
    whole = replace(ENTRY, body="é" * 30_000)
    await quarantine.put(whole)
    assert (await quarantine.reasons(["message-1"]))["message-1"] == whole


async def test_a_reason_that_the_queue_refuses_is_an_error_and_not_lost_in_silence() -> None:
    quarantine, queue = sqs_quarantine()
    queue.refused_puts["delivery-message-1-3"] = "InvalidMessageContents"
    with pytest.raises(QuarantineUnavailableError, match="InvalidMessageContents"):
        await quarantine.put(ENTRY)


async def test_what_else_is_on_the_queue_is_passed_over_and_stays() -> None:
    quarantine, queue = sqs_quarantine()
    ids = [queue.send("something else"), queue.send("[]")]
    assert await quarantine.reasons(["message-1"]) == {}
    assert queue.waiting == ids


async def test_without_a_quarantine_nothing_is_known() -> None:
    quarantine = NoQuarantine()
    await quarantine.put(ENTRY)
    assert await quarantine.reasons(["message-1"]) == {}
