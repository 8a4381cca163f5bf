"""What a way found, small enough to compare: how many alerts, and a digest of their ids in any order."""

from __future__ import annotations

from dataclasses import dataclass

MODULUS = 2**128


@dataclass(slots=True)
class Found:
    """A set with multiplicity of (rule id, record id), of which an alert's id is the SHA-256.

    The digest is the sum of the ids: it does not depend on their order, and those of parts can be added.
    """

    alerts: int = 0
    total: int = 0

    def add(self, alert_id: str) -> None:
        self.alerts += 1
        self.total = (self.total + int(alert_id, 16)) % MODULUS

    def include(self, other: Found) -> None:
        self.alerts += other.alerts
        self.total = (self.total + other.total) % MODULUS

    def __str__(self) -> str:
        return f"{self.alerts}:{self.total:032x}"

    @classmethod
    def parse(cls, text: str) -> Found:
        alerts, _, total = text.partition(":")
        return cls(int(alerts), int(total, 16))
