"""What Linux says of a running process: CPU time and memory."""

from __future__ import annotations

import os
import re
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used so far, in user and kernel mode, in all its threads."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS_PER_SECOND


class PeakMemory:
    """The most that a process holds in RAM from now on, over what it holds now."""

    def __init__(self, pid: int | None = None) -> None:
        """Forget the process' peak so far; that of start-up is not of interest. No pid means this process."""
        self._directory = Path("/proc") / ("self" if pid is None else str(pid))
        (self._directory / "clear_refs").write_text("5")
        self._idle = self._kilobytes("VmRSS")

    @property
    def over_idle_mb(self) -> float:
        return (self._kilobytes("VmHWM") - self._idle) / 1000

    def _kilobytes(self, name: str) -> float:
        found = re.search(rf"{name}:\s+(\d+) kB", (self._directory / "status").read_text())
        assert found is not None
        return int(found[1]) * 1.024
