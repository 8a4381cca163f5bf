"""When to try again: pure, so that every wait can be tested as a table."""

from __future__ import annotations

import zlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double from ``first_seconds`` up to ``longest_seconds``."""

    first_seconds: float
    longest_seconds: float

    def seconds(self, attempt: int, *, of: str = "") -> float:
        """Return how long to wait after this attempt (counted from 1).

        What failed together must not come back together: ``of`` names the thing that waits, and its digest shortens
        the wait by up to a half, the same for the same name.
        """
        spread = zlib.crc32(of.encode("utf-8", "replace")) / 2**32 if of else 0.0
        return self._whole(attempt) * (1 - spread / 2)

    def jittered(self, attempt: int, chance: float) -> float:
        """Return the share ``chance`` (a random number from 0 to 1) of the whole wait: what AWS calls full jitter."""
        return self._whole(attempt) * chance

    def _whole(self, attempt: int) -> float:
        # Beyond 2**32 the doubling has long met any limit; the float would overflow later.
        return min(self.longest_seconds, self.first_seconds * 2.0 ** min(max(attempt - 1, 0), 32))
