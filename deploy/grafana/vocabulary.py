"""What the three dashboards are made of: panels that say their unit, their thresholds and their runbooks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

PROMETHEUS = Path(__file__).resolve().parents[1] / "prometheus" / "prometheus.yaml"

DATASOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
COLUMNS = 24
GRAPH_HEIGHT, STAT_HEIGHT = 8, 4

_Panel = TypeVar("_Panel", stat.Panel, table.Panel, timeseries.Panel)

Colour = Literal["green", "yellow", "red", "blue", "text"]


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel, and how its series are called."""

    expression: str
    legend: str = "__auto"


@dataclass(frozen=True, slots=True)
class Step:
    """From this value on, this colour."""

    value: float | None
    colour: Colour


def above(yellow: float | None, red: float | None = None) -> Sequence[Step]:
    """Return thresholds for what is worse the higher it is."""
    steps = [Step(None, "green")]
    steps += [Step(yellow, "yellow")] if yellow is not None else []
    return [*steps, Step(red, "red")] if red is not None else steps


PLAIN: Sequence[Step] = (Step(None, "text"),)
"""Of what is neither good nor bad."""


@dataclass(frozen=True, slots=True)
class PanelText:
    """What every kind of panel says about itself."""

    title: str
    description: str
    unit: str
    """One of Grafana's unit ids."""
    steps: Sequence[Step] = PLAIN
    alerts: Sequence[str] = ()
    """The alerting rules that speak of the same; each is a link to its runbook."""


def single(text: PanelText, expression: str, *, width: int = 4, words: dict[str, str] | None = None) -> stat.Panel:
    """Return one number, now, with its course behind it. ``words`` are shown instead of single values."""
    panel = stat.Panel().height(STAT_HEIGHT).span(width).color_mode(common.BigValueColorMode.BACKGROUND)
    panel = panel.reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
    if words:
        options = {
            value: models.ValueMappingResult(text=word, index=at) for at, (value, word) in enumerate(words.items())
        }
        panel = panel.mappings([models.ValueMap(options=options)])
    return _described(panel, text).with_target(_target(Query(expression), 0))


def graph(text: PanelText, *queries: Query, width: int = 8, stacked: bool = False) -> timeseries.Panel:
    """Return the course of some series."""
    legend = (
        common_builders.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(show_legend=True)
    )
    tooltip = (
        common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
    )
    panel = timeseries.Panel().height(GRAPH_HEIGHT).span(width).legend(legend).tooltip(tooltip).min(0)
    panel = panel.line_width(1).fill_opacity(30 if stacked else 8).show_points(common.VisibilityMode.NEVER)
    if stacked:
        panel = panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL))
    if len(text.steps) > 1:
        style = common_builders.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        panel = panel.thresholds_style(style)
    return _described(panel, text).targets([_target(query, at) for at, query in enumerate(queries)])


def ranking(text: PanelText, expression: str, *, width: int = 8, value: str = "Value") -> table.Panel:
    """Return a table of what a query gives now, the highest first; its column of values is called ``value``."""
    renamed = {"excludeByName": {"Time": True}, "renameByName": {"Value": value}}
    cells = models.DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-text"})
    panel = table.Panel().height(GRAPH_HEIGHT).span(width).align(common.FieldTextAlignment.AUTO).inspect(inspect=False)
    panel = panel.sort_by([common_builders.TableSortByFieldState().display_name(value).desc(desc=True)])
    panel = panel.with_transformation(models.DataTransformerConfig(id_val="organize", options=renamed))
    panel = panel.override_by_name(value, [cells])
    target = _target(Query(expression), 0).instant().format(PromQueryFormat.TABLE)
    return _described(panel, text).with_target(target)


def row(title: str) -> builders.Row:
    """Return what stands above a group of panels."""
    return builders.Row(title)


def chosen(name: str, label: str, query: str, *, every: str = ".*") -> builders.QueryVariable:
    """Return a variable of which one or several values can be chosen; at first all, which ``every`` matches."""
    return (
        builders.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query(query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(every)
        .current(models.VariableOption(selected=True, text="All", value="$__all"))
    )


def dashboard(uid: str, title: str, description: str, *variables: Any) -> builders.Dashboard:
    """Return an empty dashboard that knows its deployments, its runbooks and the others of its kind."""
    every = "trailstream.*"
    jobs = chosen("job", "Deployment", f'label_values(trailstream_build_info{{job=~"{every}"}}, job)', every=every)
    return (
        builders.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["trailstream"])
        .timezone("browser")
        .time("now-6h", "now")
        .refresh("30s")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .variables(
            [
                builders.DatasourceVariable("datasource").label("Prometheus").type("prometheus"),
                builders.ConstantVariable("runbooks").value(f"{_documentation()}/alerts.md"),
                jobs,
                *variables,
            ]
        )
        .annotation(_firing_alerts())
        .link(
            builders.DashboardLink("trailstream")
            .type(models.DashboardLinkType.DASHBOARDS)
            .tags(["trailstream"])
            .as_dropdown(as_dropdown=False)
            .include_vars(include_vars=True)
            .keep_time(keep_time=True)
        )
    )


def _firing_alerts() -> builders.AnnotationQuery:
    firing = 'ALERTS{alertname=~"Trailstream.+", alertstate="firing", job=~"$job"}'
    return (
        builders.AnnotationQuery()
        .name("Alerts")
        .datasource(DATASOURCE)
        .enable(enable=True)
        .icon_color("red")
        .expr(firing)
    )


def _target(query: Query, at: int) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expression).legend_format(query.legend).ref_id(chr(ord("A") + at))
    return target.datasource(DATASOURCE)


def _described(panel: _Panel, text: PanelText) -> _Panel:
    steps = [models.Threshold(value=step.value, color=step.colour) for step in text.steps]
    links: list[Builder[models.DashboardLink]] = [
        builders.DashboardLink(f"Runbook: {alert}")
        .type(models.DashboardLinkType.LINK)
        .url(f"${{runbooks}}#{alert.lower()}")
        .target_blank(target_blank=True)
        for alert in text.alerts
    ]
    return (
        panel.title(text.title)
        .description(text.description)
        .unit(text.unit)
        .thresholds(builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps))
        .links(links)
        .datasource(DATASOURCE)
    )


def _documentation() -> str:
    """Return where docs/ is served: what the alerts link to, said once for both, in Prometheus's external labels."""
    (url,) = re.findall(r"^    runbooks: (\S+)$", PROMETHEUS.read_text("utf-8"), re.MULTILINE)
    return str(url)
