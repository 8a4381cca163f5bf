"""``python -m trailstream.adapters.python_rules.child NOTE_FD RULES PARENT_PID MEMORY_BYTES``."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import signal
import sys
from typing import BinaryIO

from trailstream.adapters.python_rules.child.runner import Runner
from trailstream.adapters.python_rules.frames import Note, decode_request, read_frame, write_frame

PR_SET_PDEATHSIG = 1


def main(note_fd: int, rules: int, parent_pid: int, memory_bytes: int) -> None:
    """Answer requests until there are no more."""
    _die_with(parent_pid)
    if memory_bytes:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    requests, replies = _take_pipes()
    runner = Runner(Note(note_fd, rules))
    gc.freeze()
    while (frame := read_frame(requests)) is not None:
        write_frame(replies, runner.answer(decode_request(frame)))


def _die_with(parent_pid: int) -> None:
    """Be killed when the worker is, even amid a rule that never ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        sys.exit("the worker has gone")


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the pipes for ourselves: what rules read and print is nobody's."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)
    return requests, replies


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
