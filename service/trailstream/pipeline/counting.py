"""What rules count over time: findings -> the windows that are to be told.

Everything that a finding adds is committed before anything is told, and before its delivery is done::

    visit      commit the sightings; what comes back holds those of everybody who returned before
    tell       note the windows that hold now; a kill between here ...
    send       ... and the alert's acceptance makes the delivery come again

Then the same records are seen again. Nothing is added by that, and a window that is noted already is told again by
whoever reads the record that brought it to light, under the same id.

A window that is told is a match, too, for the correlations that look at its own.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from trailstream.model.counting import MatchesJoined, SightingsCommitted, SightingsDropped, WindowTold
from trailstream.model.facts import Emit
from trailstream.model.finding import Finding
from trailstream.model.window import Group, Sighting, Window
from trailstream.pipeline.clusters import Cluster, Groups, TimedMatch, time_of
from trailstream.pipeline.firing import Firing
from trailstream.pipeline.ports import Judgement, Known, Visit, WindowStore
from trailstream.pipeline.thinning import Thinning
from trailstream.rules.correlation import Correlation
from trailstream.rules.rule import Rule
from trailstream.rules.windows import fixed_start, fixed_window, growing_windows, grows, most_sightings

VISITS_AT_ONCE = 16
"""So that what is read of their groups stays small."""
JUDGED_AT_ONCE = 100
JUDGEMENT_STEP_SECONDS = 60
"""Times of judgements are rounded up to it, so that many sightings share one."""
REMEMBERED_WINDOWS = 4
REMEMBERED_GROUPS = 10_000
"""Of which is known in memory that a window was told: what joins it costs no writing."""


@dataclass(frozen=True, slots=True)
class CountingSettings:
    """How long is waited for what belongs together."""

    lateness_seconds: float = 86_400
    """For how long after a window what was seen is kept, so that what comes late still meets it."""
    settle_seconds: float = 900
    """How long after its end, and after the last sighting in it, a window is judged that must be complete."""


_Found = tuple[Correlation, Group, Window]


class Counting:
    """Counts for one set of rules. What two deliveries bring is counted one after the other."""

    def __init__(
        self,
        rules: Sequence[Rule],
        correlations: Sequence[Correlation],
        *,
        store: WindowStore,
        settings: CountingSettings,
        emit: Emit,
        clock: Callable[[], float],
    ) -> None:
        """``clock`` gives Unix seconds."""
        self._groups = Groups(rules, correlations)
        self._by_id = {each.info.id: each for each in (*correlations, *self._groups.own.values())}
        self.silent = frozenset(rule.info.id for rule in rules if not rule.alerts)
        """The rules of which no match is an alert."""
        self.looked_at = frozenset({*self._groups.own, *self._groups.sources, *self.silent})
        """The rules whose matches are to be taken."""
        self.alone = self.looked_at - self.silent - self._groups.own.keys()
        """Those of them of which each match is an alert all the same."""
        self._store = store
        self._settings = settings
        self._emit = emit
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._told: OrderedDict[str, list[Window]] = OrderedDict()
        self._thinning = Thinning()

    @property
    def waits_for_ends(self) -> bool:
        """Whether there are windows that can be judged only when they have ended."""
        return not all(map(grows, self._by_id.values()))

    def can_count(self, finding: Finding) -> bool:
        """Say whether the record has a time that it can be counted at, and tell that it is not where it has none."""
        if (timed := time_of(finding) is not None) is False:
            self._emit(SightingsDropped(finding.match.rule.id, "untimed", 1))
        return timed

    async def take(self, findings: Iterable[Finding]) -> Sequence[Firing]:
        """Commit what these add; return what is to be told. Raises :class:`WindowsUnavailableError`."""
        matches = [match for finding in findings if (match := TimedMatch.of(finding)) is not None]
        async with self._one_at_a_time:
            return await self._counted(matches)

    async def judge(self, *, input_ended: bool = False) -> AsyncGenerator[Firing, None]:
        """Yield what is to be told of windows that have ended. Raises :class:`WindowsUnavailableError`.

        That a window was judged is noted when the next one is asked for: when what was yielded has been accepted.
        """
        now = math.inf if input_ended else self._clock()
        while due := await self._store.due(now=now, at_most=JUDGED_AT_ONCE):
            for judgement in due:
                async with self._one_at_a_time:
                    firings = await self._judged(judgement, now)
                for firing in firings:
                    yield firing
                await self._store.judged([judgement])

    async def _judged(self, judgement: Judgement, now: float) -> Sequence[Firing]:
        correlation = self._by_id.get(judgement.group.rule_id)
        if correlation is None or grows(correlation):
            return []  # the rules have changed since
        end = judgement.start + correlation.timespan_seconds
        visit = Visit(judgement.group, (), judgement.start, end, 0, most_sightings(correlation), now)
        (known,) = await self._store.visit([visit], now=self._clock())
        seen_at = max((sighting.seen_at for sighting in known.sightings), default=0.0)
        if max(end, seen_at) + self._settings.settle_seconds > now:
            return []  # something came meanwhile, and with it a later judgement
        window = fixed_window(correlation, judgement.start, known.sightings)
        if window is None:
            return []
        (stands,) = await self._tell([(correlation, judgement.group, window)])
        firing = Firing(correlation, judgement.group, stands)
        above = await self._counted(self._matches_above([firing]))
        return [*self._alerting([firing]), *above]

    async def _counted(self, matches: Sequence[TimedMatch]) -> Sequence[Firing]:
        """Count matches, then what of it is a match for a correlation above, level by level."""
        told: list[Firing] = []
        for _ in range(len(self._by_id)):  # the longest chain there can be
            if not matches:
                break
            firings = await self._level(matches)
            told += self._alerting(firings)
            matches = self._matches_above(firings)
        return told

    async def _level(self, matches: Iterable[TimedMatch]) -> Sequence[Firing]:
        clusters = [cluster for cluster in self._groups.clusters(matches) if self._adds_something(cluster)]
        firings: list[Firing] = []
        for start in range(0, len(clusters), VISITS_AT_ONCE):
            some = clusters[start : start + VISITS_AT_ONCE]
            now = self._clock()
            try:
                known = await self._store.visit([self._visit(cluster, now) for cluster in some], now=now)
            except BaseException:
                self._thinning = Thinning()  # what it takes for kept may not be
                raise
            self._say_committed(some, now)
            found = await self._found(some, known)
            stand = await self._tell(found)
            by_group: dict[str, list[Window]] = {}
            for (_, group, _), window in zip(found, stand, strict=True):
                by_group.setdefault(group.key, []).append(window)
            for cluster, what in zip(some, known, strict=True):
                windows = {window.start: window for window in (*what.windows, *by_group.get(cluster.group.key, ()))}
                firings += self._firings(cluster, windows.values())
        return firings

    async def _found(self, clusters: Sequence[Cluster], known: Sequence[Known]) -> list[_Found]:
        """Return the windows that hold now and were not told before."""
        found: list[_Found] = []
        for cluster, what in zip(clusters, known, strict=True):
            if not grows(cluster.correlation):
                continue
            also = [window for _, group, window in found if group.key == cluster.group.key]
            windows = growing_windows(
                cluster.correlation, what.sightings, (*what.windows, *also), cluster.matches.keys()
            )
            found += [(cluster.correlation, cluster.group, window) for window in windows]
            await asyncio.sleep(0)  # a group can be large, and others wait for their turn
        return found

    def _firings(self, cluster: Cluster, windows: Collection[Window]) -> list[Firing]:
        """Return those of the group's windows that one of these matches has to tell, now or once more."""
        if grows(cluster.correlation):
            self._remember(cluster.group, windows)
        firings = [
            Firing(cluster.correlation, cluster.group, window, cluster.matches[window.trigger].finding)
            for window in windows
            if window.trigger in cluster.matches
        ]
        self._say_joined(cluster, len(cluster.matches) - len(firings))
        return firings

    def _adds_something(self, cluster: Cluster) -> bool:
        """Leave out what need not be written, and say whether anything is left.

        That is what stands in a window that was told and did not bring it to light, and what a hot group needs no more.
        Only memory is asked: what it does not know is found out by the store.
        """
        windows = self._told.get(cluster.group.key, ())
        new = [sighting for sighting in cluster.sightings if not any(_joins(sighting, window) for window in windows)]
        cluster.sightings = self._thinning.kept(cluster.correlation, cluster.group, new)
        if dropped := len(new) - len(cluster.sightings):
            self._emit(SightingsDropped(cluster.correlation.info.id, "full", dropped))
        if not cluster.sightings:
            self._say_joined(cluster, len(cluster.matches))
        return bool(cluster.sightings)

    def _visit(self, cluster: Cluster, now: float) -> Visit:
        span = cluster.correlation.timespan_seconds
        times = [sighting.time for sighting in cluster.sightings]
        waits = not grows(cluster.correlation)
        return Visit(
            group=cluster.group,
            sightings=cluster.sightings,
            since=times[0] - span,
            until=times[-1] + span,
            span=span,
            at_most=0 if waits else most_sightings(cluster.correlation),
            keep_until=now + span + self._settings.lateness_seconds,
            judgements=list(dict.fromkeys(self._judgement(cluster, time, now) for time in times)) if waits else (),
        )

    def _judgement(self, cluster: Cluster, time: float, now: float) -> Judgement:
        start = fixed_start(cluster.correlation, time)
        at = max(start + cluster.correlation.timespan_seconds, now) + self._settings.settle_seconds
        return Judgement(math.ceil(at / JUDGEMENT_STEP_SECONDS) * JUDGEMENT_STEP_SECONDS, cluster.group, start)

    async def _tell(self, found: Sequence[_Found]) -> Sequence[Window]:
        if not found:
            return []
        longest = max(correlation.timespan_seconds for correlation, _, _ in found)
        stand = await self._store.tell(
            [(group, window) for _, group, window in found],
            keep_until=self._clock() + longest + self._settings.lateness_seconds,
        )
        for correlation, _, _ in found:
            self._emit(WindowTold(correlation.info.id))
        return stand

    def _alerting(self, firings: Iterable[Firing]) -> list[Firing]:
        return [firing for firing in firings if firing.correlation.alerts]

    def _matches_above(self, firings: Iterable[Firing]) -> list[TimedMatch]:
        return [
            TimedMatch(
                rule_id=firing.correlation.info.id,
                record=firing.record,
                record_id=firing.group.alert_id(firing.window.start),
                time=firing.window.met_at,
                finding=firing.finding,
            )
            for firing in firings
            if firing.correlation.info.id in self._groups.sources
        ]

    def _remember(self, group: Group, windows: Iterable[Window]) -> None:
        if latest := sorted(windows, key=lambda window: window.start)[-REMEMBERED_WINDOWS:]:
            self._told[group.key] = latest
            self._told.move_to_end(group.key)
            if len(self._told) > REMEMBERED_GROUPS:
                self._told.popitem(last=False)

    def _say_committed(self, clusters: Sequence[Cluster], now: float) -> None:
        times = [sighting.time for cluster in clusters for sighting in cluster.sightings]
        late = sum(now - time > self._settings.lateness_seconds for time in times)
        self._emit(SightingsCommitted(len(times), late))

    def _say_joined(self, cluster: Cluster, matches: int) -> None:
        if matches and cluster.correlation.info.id in self._groups.own:
            self._emit(MatchesJoined(cluster.correlation.info.id, matches))


def _joins(sighting: Sighting, window: Window) -> bool:
    """Say whether it stands in a window that was told, and that another has to tell if anybody."""
    return window.start <= sighting.time <= window.end and window.trigger != sighting.record_id
