"""Log lines: JSON for machines, columns for people, and the same for what libraries log.

Each line is an object with ``timestamp`` (ISO 8601, UTC), ``level``, ``logger``, ``event`` (a fixed text) and the
facts as further keys. Every value went through :func:`trailstream.telemetry.harmless.harmless`.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal, TextIO, cast

import orjson
import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from trailstream.model.printable import printable
from trailstream.telemetry.harmless import MAX_ITEMS, harmless

LogFormat = Literal["json", "console"]
LogLevel = Literal["debug", "info", "warning", "error"]

_OURS = "trailstream"
"""The logger that our own lines name."""


def configure_logs(stream: TextIO, *, level: LogLevel = "info", form: LogFormat = "json") -> FilteringBoundLogger:
    """Send all logging of this process to the stream, one line each, and return the logger for our own lines.

    Libraries are heard from WARNING up, whatever the level: at DEBUG they would log signed requests. Raises nothing
    when a line cannot be written.
    """
    chain: list[Processor] = [
        structlog.processors.format_exc_info,
        structlog.processors.StackInfoRenderer(),
        _harmless_line,
        _columns(colors=stream.isatty()) if form == "console" else _json_line,
    ]
    lines = _Lines(stream)
    _hear_libraries(lines, chain)
    # Our own lines do not go through ``logging``, which costs as much as all else about a line.
    logger = structlog.wrap_logger(
        lines,
        processors=[_our_head_first, *chain],
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    return cast("FilteringBoundLogger", logger.bind())


def _hear_libraries(lines: _Lines, chain: list[Processor]) -> None:
    handler = _LibraryHandler(lines)
    handler.setFormatter(ProcessorFormatter(processors=[_library_head_first, *chain]))
    root = logging.getLogger()
    for former in root.handlers[:]:
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)


class _Lines:
    """Writes lines, each whole. One that cannot be written is lost: the stream is gone, and nowhere is left to say so.

    Its methods are those that structlog calls, by the line's level.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._writing = threading.Lock()

    def write(self, line: str) -> None:
        with self._writing, suppress(OSError, ValueError):
            self._stream.write(f"{line}\n")
            self._stream.flush()

    debug = info = warning = error = critical = write


class _LibraryHandler(logging.Handler):
    def __init__(self, lines: _Lines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001  # whatever a library got wrong; a traceback of many lines is no JSON
            text = "a log line could not be written"
            line = self.format(
                logging.LogRecord(record.name, logging.ERROR, record.pathname, record.lineno, text, (), None)
            )
        self._lines.write(line)


def _our_head_first(_: WrappedLogger, level: str, line: EventDict) -> EventDict:
    return _with_head(datetime.now(UTC), level, _OURS, line)


def _library_head_first(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    record: logging.LogRecord = line.pop("_record")
    del line["_from_structlog"]
    return _with_head(datetime.fromtimestamp(record.created, UTC), record.levelname.lower(), record.name, line)


def _with_head(moment: datetime, level: str, logger: str, line: EventDict) -> EventDict:
    head = {
        "timestamp": moment.isoformat(timespec="milliseconds"),
        "level": level,
        "logger": logger,
        "event": line["event"],
    }
    return {**head, **line, **head}


def _harmless_line(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    exception = line.pop("exception", None)
    safe = {name: harmless(value) for name, value in line.items()}
    if exception is not None:
        # The innermost frames are the last lines, and they are what is wanted of a long traceback.
        safe["exception"] = [printable(text) for text in str(exception).splitlines()[-MAX_ITEMS:]]
    return safe


def _json_line(_: WrappedLogger, __: str, line: EventDict) -> str:
    return orjson.dumps(line).decode()


def _columns(*, colors: bool) -> Processor:
    renderer = structlog.dev.ConsoleRenderer(
        colors=colors, sort_keys=False, exception_formatter=structlog.dev.plain_traceback
    )

    def render(logger: WrappedLogger, name: str, line: EventDict) -> str:
        if "exception" in line:
            line["exception"] = "\n".join(line["exception"])
        return renderer(logger, name, line)

    return render
