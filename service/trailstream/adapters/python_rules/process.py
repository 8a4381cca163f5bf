"""The child process that rules run in: started, asked, and killed where it does not answer in time."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from tempfile import TemporaryFile
from time import perf_counter_ns

from trailstream.adapters.python_rules import frames
from trailstream.adapters.python_rules.frames import LENGTH, NOTHING, Note, Reply, Request

END_SECONDS = 2
"""How long the child may take to end by itself."""
MAX_REPLY_BYTES = 64 * 1024 * 1024


def _memory_file() -> int:
    """Open a file that has no name, so that a read-only filesystem does for it where there is one in memory."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("trailstream-rules")
    with TemporaryFile() as file:
        return os.dup(file.fileno())


class ProcessLostError(Exception):
    """The child overran or died amid a request."""

    def __init__(self, how: str, rule: int | None) -> None:
        """``rule`` is the number of the rule that is to blame, as far as that is known."""
        super().__init__(how)
        self.how = how
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the child is given besides the rules."""

    environment: Mapping[str, str]
    """All of its environment."""
    memory_bytes: int | None
    """What it may map; None for no limit."""


class RuleProcess:
    """One child. It begins with :meth:`start`, and is of no more use once it was lost."""

    def __init__(self, process: asyncio.subprocess.Process, note: Note, note_fd: int) -> None:
        self._process = process
        self._note = note
        self._note_fd = note_fd

    @classmethod
    async def start(cls, rules: int, surroundings: Surroundings) -> RuleProcess:
        """Start a child for so many rules. Raises :class:`OSError` where there can be none."""
        note_fd = _memory_file()
        try:
            os.ftruncate(note_fd, Note.size(rules))
            note = Note(note_fd, rules)
            note.rest()
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                "trailstream.adapters.python_rules.child",
                *map(str, (note_fd, rules, os.getpid(), surroundings.memory_bytes or 0)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={**surroundings.environment, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
                pass_fds=(note_fd,),
                # What a terminal sends to us all is for us to pass on.
                start_new_session=True,
            )
        except BaseException:
            os.close(note_fd)
            raise
        return cls(process, note, note_fd)

    def costs_ns(self) -> Sequence[int]:
        """Return what each rule has cost in this child so far, in nanoseconds."""
        return self._note.costs_ns()

    async def exchange(self, request: Request, *, budget_seconds: float) -> Reply:
        """Send a request and return its reply. Raises :class:`ProcessLostError`; the child is gone then.

        A cancelled exchange ends the child too: its reply would be taken for that to the next request.
        """
        before_ns = self._note.costs_ns()
        try:
            async with asyncio.timeout(budget_seconds):
                return await self._exchange(request)
        except TimeoutError:
            blamed = self._costliest(before_ns, at_least_ns=int(budget_seconds * 1e9 / 2))
            how = f"was at it when {budget_seconds:g} s had passed"
        except (asyncio.IncompleteReadError, OSError, ValueError) as error:
            running, _, _ = self._note.running()
            blamed = None if running == NOTHING else running
            await self._ended()
            how = f"ended the process ({self._last_words() or error})"
        except asyncio.CancelledError:
            self._kill()
            self._release()
            raise
        await self.close(at_once=True)
        raise ProcessLostError(how, blamed)

    async def _exchange(self, request: Request) -> Reply:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise ValueError("a child without pipes")
        body = frames.encode(request)
        stdin.writelines([LENGTH.pack(len(body)), body])
        await stdin.drain()
        (length,) = LENGTH.unpack(await stdout.readexactly(LENGTH.size))
        if length > MAX_REPLY_BYTES:
            raise ValueError(f"its reply has {length} bytes")
        reply: Reply = frames.decode_reply(await stdout.readexactly(length))
        return reply

    def _costliest(self, before_ns: Sequence[int], *, at_least_ns: int) -> int | None:
        """Return the rule that took most of the time since then, the one that is running included.

        None where all rules together took less: then something else held the child up, or us.
        """
        spent = [now - before for now, before in zip(self._note.costs_ns(), before_ns, strict=True)]
        running, _, since_ns = self._note.running()
        if running != NOTHING:
            spent[running] += perf_counter_ns() - since_ns
        return max(range(len(spent)), key=spent.__getitem__) if sum(spent) >= at_least_ns else None

    async def _ended(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await self._process.wait()

    def _last_words(self) -> str:
        code = self._process.returncode
        if code is None:
            return ""
        return f"exit {code}" if code >= 0 else signal.Signals(-code).name

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

    async def close(self, *, at_once: bool = False) -> None:
        """End the child: it leaves when nobody asks any more, or is killed."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if not at_once:
            await self._ended()
        if self._process.returncode is None:
            self._kill()
            await self._process.wait()
        self._release()

    def _release(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._note.close()
        os.close(self._note_fd)
