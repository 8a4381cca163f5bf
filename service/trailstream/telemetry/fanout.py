"""One fact, several listeners."""

from __future__ import annotations

from collections.abc import Callable

from trailstream.model.facts import Fact

Listener = Callable[[Fact], None]


class Fanout:
    """An ``Emit`` that tells every listener. One that raises breaks neither the flow nor the others."""

    def __init__(self, *listeners: Listener, on_failure: Callable[[Listener, Exception], None]) -> None:
        """``on_failure`` hears of each listener's first failure only: a broken one would fail on every fact."""
        self._listeners = listeners
        self._on_failure = on_failure
        self._failed: set[Listener] = set()

    def __call__(self, fact: Fact) -> None:
        """Tell them all."""
        for listener in self._listeners:
            try:
                listener(fact)
            except Exception as error:  # noqa: BLE001  # whatever telemetry gets wrong, the work goes on
                self._report(listener, error)

    def _report(self, listener: Listener, error: Exception) -> None:
        if listener not in self._failed:
            self._failed.add(listener)
            self._on_failure(listener, error)
