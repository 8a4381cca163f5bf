from __future__ import annotations

import asyncio
import io
import json
import os
import threading
from typing import Any, BinaryIO

import pytest

from samples import an_alert
from trailstream.adapters.sinks.stdout import StdoutSink
from trailstream.model.errors import SinkUnavailableError


class FillingDisk(io.RawIOBase):
    """Takes so many bytes, then is full until it is emptied."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.content = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        if self.room == 0:
            raise OSError(28, "No space left on device")
        taken = bytes(data)[: self.room]
        self.room -= len(taken)
        self.content += taken
        return len(taken)


async def test_a_full_disk_is_for_a_later_try_and_half_a_line_spoils_no_other() -> None:
    disk = FillingDisk(room=10)
    with io.BufferedWriter(disk, buffer_size=16) as stream:
        sink = StdoutSink(stream=stream)
        (error,) = await sink.send([an_alert(1)])
        assert isinstance(error, SinkUnavailableError)
        disk.room = 1_000_000
        assert await sink.send([an_alert(1), an_alert(2)]) == [None, None]
    torn, *lines = [line for line in disk.content.split(b"\n") if line]
    assert len(torn) < len(lines[0])
    assert [json.loads(line)["alert_id"] for line in lines[-2:]] == [an_alert(1).id, an_alert(2).id]


async def test_a_reader_that_has_gone_is_for_a_later_try() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb", buffering=0) as raw:
        stream = io.BufferedWriter(raw)
        results = await StdoutSink(stream=stream).send([an_alert(1), an_alert(2)])
        assert [type(error) for error in results] == [SinkUnavailableError] * 2
        with pytest.raises(BrokenPipeError):
            stream.close()


async def test_a_closed_stream_is_for_a_later_try() -> None:
    stream = io.BytesIO()
    stream.close()
    (error,) = await StdoutSink(stream=stream).send([an_alert()])
    assert isinstance(error, SinkUnavailableError)


async def test_a_slow_reader_does_not_hold_the_event_loop_and_lines_stay_whole() -> None:
    reader, writer = os.pipe()
    alerts = [an_alert(number) for number in range(400)]
    begin = threading.Event()
    with os.fdopen(writer, "wb") as stream, os.fdopen(reader, "rb") as source:
        reading = asyncio.create_task(asyncio.to_thread(read_lines, source, 400, begin))
        sink = StdoutSink(stream=stream)
        sends = [asyncio.create_task(sink.send(alerts[i : i + 100])) for i in range(0, 400, 100)]
        for _ in range(20):
            await asyncio.sleep(0.001)
        the_loop_turned_while_the_pipe_was_full = not all(send.done() for send in sends)
        begin.set()
        await asyncio.gather(*sends)
        assert {json.loads(line)["alert_id"] for line in await reading} == {alert.id for alert in alerts}
        assert the_loop_turned_while_the_pipe_was_full


async def test_what_is_tried_again_while_a_reader_has_stopped_reading_is_not_written_at_every_try() -> None:
    reader, writer = os.pipe()
    await asyncio.to_thread(os.write, writer, b"x" * 65536)  # what a pipe holds
    with os.fdopen(writer, "wb") as stream, os.fdopen(reader, "rb") as source:
        sink = StdoutSink(stream=stream)
        for _ in range(4):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(sink.send([an_alert(1)]), 0.02)
        await asyncio.to_thread(source.read, 65536)
        assert await sink.send([an_alert(2)]) == [None]
        written = [await asyncio.to_thread(source.readline) for _ in range(2)]
    assert [json.loads(line)["alert_id"] for line in written] == [an_alert(1).id, an_alert(2).id]


def read_lines(source: BinaryIO, count: int, begin: threading.Event) -> list[bytes]:
    begin.wait(timeout=2)
    return [source.readline() for _ in range(count)]
