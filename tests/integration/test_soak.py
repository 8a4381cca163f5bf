"""A moment of the soak, so that it cannot rot: its source feeds the worker, and its books are right."""

from __future__ import annotations

from pathlib import Path

from soak.objects import MATCHING_OBJECTS
from soak.source import running_source
from soak.vitals import Vitals
from soak.worker import running_worker

MESSAGES = 200


def test_the_worker_works_off_what_the_source_sends_and_every_alert_is_counted_once(tmp_path: Path) -> None:
    with running_source() as source, running_worker(tmp_path, source.url) as (pid, metrics_url):
        before = source.judge()
        source.steer(at_once=MESSAGES)
        sent = source.judge()
        source.until_settled()
        source.steer(per_second=50)
        vitals = Vitals.of(pid, metrics_url)
        source.steer(per_second=0)
        source.until_settled()
        after = source.judge()
    assert before == {"due": 0, "lost": 0, "unforeseen": 0, "repeated": 0}
    assert sent["due"] == MESSAGES / MATCHING_OBJECTS
    assert sent["lost"] > 0, "books that miss nothing at this moment never would"
    assert after["due"] >= sent["due"]
    assert (after["lost"], after["unforeseen"], after["repeated"]) == (0, 0, 0)
    assert vitals.rss_mb > 0
