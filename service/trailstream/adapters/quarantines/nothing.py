"""No quarantine: reasons are in the log and in the metrics, and the messages in the dead-letter queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trailstream.pipeline.ports import SetAside


class NoQuarantine:
    """Keeps nothing; see :class:`trailstream.pipeline.ports.Quarantine`."""

    async def put(self, entry: SetAside) -> None:
        """Keep nothing."""

    async def reasons(self, message_ids: Sequence[str]) -> Mapping[str, SetAside]:  # noqa: ARG002 - the port's
        """Know of nothing."""
        return {}
