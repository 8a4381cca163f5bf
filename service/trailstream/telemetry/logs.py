"""Log lines: JSON for machines, columns for people, and the same for what libraries log.

Each line is an object with ``timestamp`` (ISO 8601, UTC), ``level``, ``logger``, ``event`` (a fixed text) and the
facts as further keys. Everything in it went through :func:`trailstream.telemetry.harmless.harmless`.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Literal, TextIO, cast

import orjson
import structlog
from structlog.stdlib import BoundLogger, ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from trailstream.model.printable import printable
from trailstream.telemetry.harmless import MAX_ITEMS, harmless

LogFormat = Literal["json", "console", "auto"]
LogLevel = Literal["debug", "info", "warning", "error"]

_ROOT = "trailstream"


def configure_logs(stream: TextIO, *, level: LogLevel = "info", form: LogFormat = "auto") -> BoundLogger:
    """Send all logging of this process to the stream, one line each, and return the logger for our own lines.

    ``auto`` is ``console`` on a terminal and ``json`` elsewhere. Libraries are heard from WARNING up, whatever the
    level: at DEBUG they would log signed requests. Raises nothing when a line cannot be written.
    """
    for_people = form == "console" or (form == "auto" and stream.isatty())
    handler = _LineHandler(stream)
    handler.setFormatter(_formatter(_columns(colors=stream.isatty()) if for_people else _json_line))
    root = logging.getLogger()
    for former in root.handlers[:]:
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    ours = logging.getLogger(_ROOT)
    ours.setLevel(level.upper())
    return cast(
        "BoundLogger",
        structlog.wrap_logger(
            ours,
            processors=[structlog.stdlib.filter_by_level, ProcessorFormatter.wrap_for_formatter],
            wrapper_class=BoundLogger,
        ),
    )


class _LineHandler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the name is logging's
        # A library that formats its message wrongly must not put a traceback of many lines into a stream of JSON.
        lost = logging.LogRecord(
            record.name, logging.ERROR, record.pathname, record.lineno, "a log line could not be written", (), None
        )
        try:
            self.stream.write(self.format(lost) + self.terminator)
            self.flush()
        except (OSError, ValueError):
            return  # The stream itself is gone: there is nowhere left to say so.


def _formatter(render: Processor) -> ProcessorFormatter:
    # Everything happens in the formatter, so that our lines and those of libraries take one way.
    chain: list[Processor] = [
        _facts_first,
        structlog.processors.format_exc_info,
        structlog.processors.StackInfoRenderer(),
        _harmless_line,
        render,
    ]
    return ProcessorFormatter(processors=chain)


def _facts_first(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    record: logging.LogRecord = line.pop("_record")
    del line["_from_structlog"]
    head = {
        "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": line.pop("event", ""),
    }
    return {**head, **{name: value for name, value in line.items() if name not in head}}


def _harmless_line(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    exception = line.pop("exception", None)
    safe = {printable(str(name)): harmless(value) for name, value in line.items()}
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
