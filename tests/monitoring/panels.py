"""The committed dashboards, as far as a Prometheus can answer them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .hurry import ROOT, hurried

DASHBOARDS = ROOT / "deploy" / "grafana" / "dashboards"
NAMES = ("operators", "accounts", "detections")


@dataclass(frozen=True, slots=True)
class PanelQuery:
    """One query of one panel."""

    dashboard: str
    panel: str
    ref: str
    expression: str
    """With Grafana's variables in it."""

    def __str__(self) -> str:
        return f"{self.dashboard} / {self.panel} / {self.ref}"


def dashboard(name: str) -> Mapping[str, Any]:
    """Return a committed dashboard."""
    board: Mapping[str, Any] = json.loads((DASHBOARDS / f"{name}.json").read_text("utf-8"))
    return board


def panels(name: str) -> Sequence[Mapping[str, Any]]:
    """Return the panels of a dashboard, without what stands above a group of them."""
    return [panel for panel in dashboard(name)["panels"] if panel["type"] != "row"]


def queries() -> Iterator[PanelQuery]:
    """Yield every query of every panel."""
    for name in NAMES:
        for panel in panels(name):
            for target in panel["targets"]:
                yield PanelQuery(name, panel["title"], target["refId"], target["expr"])


def answerable(query: PanelQuery, *, rate_interval: str, whole_range: str, job: str | None = None) -> str:
    """Return a query as Grafana would send it, with everything chosen or one deployment; text boxes are as they are."""
    expression = query.expression.replace("$__rate_interval", rate_interval).replace("$__range", whole_range)
    for variable in dashboard(query.dashboard)["templating"]["list"]:
        chosen = variable["allValue"] if variable["type"] == "query" else variable["query"]
        chosen = job if job and variable["name"] == "job" else chosen
        expression = re.sub(rf"\${variable['name']}\b", chosen, expression)
    return expression


def answerable_in_a_hurry(query: PanelQuery, *, whole_range: str, job: str | None = None) -> str:
    """Return the same for a Prometheus that lives sixty times as fast."""
    return hurried(answerable(query, rate_interval="10s", whole_range=whole_range, job=job))
