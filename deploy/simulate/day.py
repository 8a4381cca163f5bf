"""A day of a fleet, second by second: what arrives waits in a queue, and the tasks that run take from its front.

SQS keeps no order, so a single message may wait longer than is shown here, and another shorter; the mean is the same.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .autoscaler import Autoscaler, Scaling
from .load import MINUTE

HOUR = 3600


@dataclass(slots=True)
class Span:
    """What an hour, or a whole day, came to."""

    arrived: int = 0
    busiest_second: int = 0
    least_tasks: int = 0
    most_tasks: int = 0
    task_seconds: int = 0
    most_waiting: int = 0
    waits: Counter[int] = field(default_factory=Counter)
    """Of the objects that arrived in it: how many waited for how many seconds."""

    @property
    def taken(self) -> int:
        """How many of its objects were taken in the end."""
        return self.waits.total()

    def wait_seconds(self, share: float) -> int:
        """Return the wait that this share of the objects does not exceed."""
        seen, wanted = 0, share * self.taken
        for seconds in sorted(self.waits):
            seen += self.waits[seconds]
            if seen >= wanted:
                return seconds
        return 0


@dataclass(slots=True)
class _Fleet:
    """The tasks that run, and those that are on their way."""

    running: int
    start_seconds: int
    starting: deque[tuple[int, int]] = field(default_factory=deque)
    """When how many of them will run."""

    def settle(self, desired: int, now: int) -> None:
        """Start what is missing. What is too much stops: first what has not started yet."""
        missing = desired - self.running - sum(count for _, count in self.starting)
        if missing > 0:
            self.starting.append((now + self.start_seconds, missing))
        while missing < 0 and self.starting:
            when, count = self.starting.pop()
            missing += count
            if missing > 0:
                self.starting.append((when, missing))
        self.running += min(0, missing)

    def arrive(self, now: int) -> None:
        while self.starting and self.starting[0][0] <= now:
            self.running += self.starting.popleft()[1]


@dataclass(slots=True)
class _Backlog:
    """What waits, by the second in which it arrived."""

    waiting: deque[tuple[int, int]] = field(default_factory=deque)
    size: int = 0

    def add(self, second: int, count: int) -> None:
        if count:
            self.waiting.append((second, count))
            self.size += count

    def take(self, most: int) -> Iterator[tuple[int, int]]:
        """Take up to so many from the front; yield how many of which second."""
        while most and self.waiting:
            second, count = self.waiting.popleft()
            taken = min(most, count)
            if taken < count:
                self.waiting.appendleft((second, count - taken))
            most -= taken
            self.size -= taken
            yield second, taken


def run(arrivals: Sequence[int], *, objects_a_task_second: int, scaling: Scaling) -> Sequence[Span]:
    """Return the hours of the day. What still waits at its end is taken in the seconds after it.

    ``objects_a_task_second`` is at least 1, and so is ``scaling.least_tasks``: else it would wait for ever.
    """
    hours = [Span(least_tasks=scaling.most_tasks) for _ in range(-(-len(arrivals) // HOUR))]
    scaler, fleet, backlog = Autoscaler(scaling), _Fleet(scaling.least_tasks, scaling.start_seconds), _Backlog()
    published: deque[tuple[int, float]] = deque()
    now = 0
    while now < len(arrivals) or backlog.size:
        fleet.arrive(now)
        if now < len(arrivals):
            backlog.add(now, arrivals[now])
        if now % MINUTE == 0:
            published.append((now + scaling.metric_delay_seconds, backlog.size / fleet.running))
        while published and published[0][0] <= now:
            fleet.settle(scaler.observe(published.popleft()[1], now), now)
        if now < len(arrivals):
            _note(hours[now // HOUR], arrivals[now], fleet.running, backlog.size)
        for second, count in backlog.take(fleet.running * objects_a_task_second):
            hours[second // HOUR].waits[now - second] += count
        now += 1
    return hours


def _note(hour: Span, arrived: int, tasks: int, waiting: int) -> None:
    hour.arrived += arrived
    hour.busiest_second = max(hour.busiest_second, arrived)
    hour.least_tasks = min(hour.least_tasks, tasks)
    hour.most_tasks = max(hour.most_tasks, tasks)
    hour.task_seconds += tasks
    hour.most_waiting = max(hour.most_waiting, waiting)


def whole(hours: Sequence[Span]) -> Span:
    """Return the day that these hours make."""
    return Span(
        arrived=sum(hour.arrived for hour in hours),
        busiest_second=max(hour.busiest_second for hour in hours),
        least_tasks=min(hour.least_tasks for hour in hours),
        most_tasks=max(hour.most_tasks for hour in hours),
        task_seconds=sum(hour.task_seconds for hour in hours),
        most_waiting=max(hour.most_waiting for hour in hours),
        waits=sum((hour.waits for hour in hours), Counter()),
    )
