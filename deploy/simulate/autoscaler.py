"""Application Auto Scaling as far as it matters here: target tracking of the backlog per task of an ECS service."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scaling:
    """The policy of the service, and what AWS does around it."""

    least_tasks: int
    most_tasks: int
    target_backlog: float
    """Messages that wait, for each task."""
    scale_out_cooldown_seconds: int = 60
    scale_in_cooldown_seconds: int = 300
    start_seconds: int = 60
    """From the decision to a task that takes messages."""
    metric_delay_seconds: int = 60
    """From the end of a minute to its value in CloudWatch."""
    minutes_to_scale_out: int = 3
    minutes_to_scale_in: int = 15
    """How long the alarms that target tracking makes must be beyond the target before they act."""
    scale_in_below: float = 0.9
    """The share of the target under which the alarm for scaling in is."""
    most_taken_away: float = 0.5
    """AWS scales in "more gradually", and does not say how: here by no more than this share at a time."""


class Autoscaler:
    """Is shown the metric once a minute, and says how many tasks there ought to be."""

    def __init__(self, scaling: Scaling) -> None:
        """Start with the least number of tasks."""
        self._scaling = scaling
        self._recent: deque[float] = deque(maxlen=max(scaling.minutes_to_scale_out, scaling.minutes_to_scale_in))
        self._acted_at = -math.inf
        self.desired = scaling.least_tasks

    def observe(self, backlog_per_task: float, now: float) -> int:
        """Take a minute's value at ``now``, in seconds; return the desired number of tasks."""
        self._recent.append(backlog_per_task)
        if self._all(self._scaling.minutes_to_scale_out, above=True):
            self._move(self._wanted(backlog_per_task), now, self._scaling.scale_out_cooldown_seconds)
        elif self._all(self._scaling.minutes_to_scale_in, above=False):
            kept = math.ceil(self.desired * (1 - self._scaling.most_taken_away))
            self._move(max(kept, self._wanted(backlog_per_task)), now, self._scaling.scale_in_cooldown_seconds)
        return self.desired

    def _wanted(self, backlog_per_task: float) -> int:
        return math.ceil(self.desired * backlog_per_task / self._scaling.target_backlog)

    def _all(self, minutes: int, *, above: bool) -> bool:
        last = list(self._recent)[-minutes:]
        low = self._scaling.scale_in_below * self._scaling.target_backlog
        beyond = [each > self._scaling.target_backlog if above else each < low for each in last]
        return len(last) == minutes and all(beyond)

    def _move(self, tasks: int, now: float, cooldown_seconds: float) -> None:
        bounded = max(self._scaling.least_tasks, min(self._scaling.most_tasks, tasks))
        if bounded != self.desired and now - self._acted_at >= cooldown_seconds:
            self.desired, self._acted_at = bounded, now
