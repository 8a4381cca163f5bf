"""The quarantine as a directory: one JSON file for each entry."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from trailstream.adapters.quarantines.entries import entry_json, entry_name, read_entry, reason_name, reasons_among
from trailstream.model.errors import QuarantineUnavailableError
from trailstream.pipeline.ports import SetAside


class FileQuarantine:
    """Keeps entries in a directory; see :class:`trailstream.pipeline.ports.Quarantine`.

    An entry is there whole or not at all, also when the power fails, and only its owner may read it. The disk is
    waited for in a thread.
    """

    def __init__(self, *, directory: Path) -> None:
        """``directory`` is made with the first entry, and its parents with it."""
        self._directory = directory

    async def put(self, entry: SetAside) -> None:
        """See :class:`trailstream.pipeline.ports.Quarantine`."""
        await asyncio.to_thread(self._write, self._path(entry_name(entry)), entry_json(entry))

    async def reasons(self, message_ids: Sequence[str]) -> Mapping[str, SetAside]:
        """See :class:`trailstream.pipeline.ports.Quarantine`."""
        return await asyncio.to_thread(self._read, message_ids)

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.json"

    def _write(self, path: Path, text: str) -> None:
        with self._translated():
            self._directory.mkdir(parents=True, exist_ok=True)
            descriptor, unfinished = tempfile.mkstemp(dir=self._directory, prefix=f".{path.stem}-")
            try:
                with os.fdopen(descriptor, "w", encoding="ascii") as file:
                    file.write(f"{text}\n")
                    file.flush()
                    os.fsync(file.fileno())
                Path(unfinished).replace(path)
            except OSError:
                Path(unfinished).unlink(missing_ok=True)
                raise

    def _read(self, message_ids: Sequence[str]) -> Mapping[str, SetAside]:
        paths = [self._path(reason_name(message_id)) for message_id in message_ids]
        with self._translated():
            return reasons_among(map(_entry_at, paths), message_ids)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise QuarantineUnavailableError(f"{self._directory}: {error.strerror or error}") from error


def _entry_at(path: Path) -> SetAside | None:
    try:
        return read_entry(path.read_bytes())
    except FileNotFoundError:
        return None
