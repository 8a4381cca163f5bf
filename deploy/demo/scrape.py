"""What the worker says of itself at ``/metrics``, read as a scraper reads it."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


class Scrape:
    """All samples of one moment."""

    def __init__(self, text: str) -> None:
        """Parse Prometheus' text format."""
        self._samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of the samples of that name with these labels; 0 where there is none."""
        return sum(sample.value for sample in self._samples if _is(sample, name, labels))

    def mean(self, histogram: str, **labels: str) -> float | None:
        """Return the mean of what a histogram saw; None where it saw nothing."""
        count = self.total(f"{histogram}_count", **labels)
        return self.total(f"{histogram}_sum", **labels) / count if count else None

    def within(self, histogram: str, share: float, **labels: str) -> str:
        """Return the smallest bucket bound that holds this share of what a histogram saw: ``0.25``, or ``+Inf``."""
        count = self.total(f"{histogram}_count", **labels)
        buckets = (each for each in self._samples if _is(each, f"{histogram}_bucket", labels))
        ordered = sorted(buckets, key=lambda bucket: float(bucket.labels["le"]))
        return next((each.labels["le"] for each in ordered if each.value >= share * count), "+Inf")


async def scrape(session: aiohttp.ClientSession, url: str) -> Scrape:
    """Fetch and parse the page. Raises :class:`aiohttp.ClientError` or :class:`TimeoutError`."""
    async with session.get(url) as response:
        response.raise_for_status()
        return Scrape(await response.text())


def _is(sample: Sample, name: str, labels: Mapping[str, str]) -> bool:
    return sample.name == name and labels.items() <= sample.labels.items()
