"""The kinds of panels, all of which can be drawn without a Grafana server."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

from grafana_foundation_sdk.builders import bargauge, common, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import text as words
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.text import TextMode

from grafana.source.links import to_panel
from grafana.source.look import NEUTRAL, PLAIN, WHEN, Steps, Unit, thresholds
from grafana.source.variables import SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MINUTELY = "1m"
SMALL, TITLE, FIGURE, MEDIUM, LARGE = 12, 14, 16, 20, 26
"""Pixels. Fixed sizes: a line of figures is read as one, and cents are not cut off."""
SEVERAL = 3

Panel = stat.Panel | timeseries.Panel | bargauge.Panel | table.Panel | words.Panel
Valued = stat.Panel | timeseries.Panel | bargauge.Panel | table.Panel


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked, and how its answer is called and written where it differs."""

    expr: str
    legend: str = ""
    unit: Unit | None = None
    steps: Steps | None = None
    mappings: Sequence[model.ValueMapping] = ()
    step: str = ""
    """The least distance of two points."""


def hourly(expr: str, legend: str = "") -> Query:
    """Return what is drawn from counters by the ledger's own grain, an hour.

    Four times this step is the rate interval.
    """
    return Query(expr, legend, step="15m")


def moving_day(expr: str, legend: str = "") -> Query:
    """Return what is drawn from counters as the sum of the day before each point.

    Four times this step is the rate interval, so nights and mornings do not hide the trend.
    """
    return Query(expr, legend, step="6h")


@dataclass(frozen=True, slots=True)
class About:
    """What every panel has: a title, what to do with it, where there is more, and its size."""

    title: str
    description: str
    more: str
    width: int = 12


def target(query: Query, ref_id: str, *, instant: bool = False) -> Any:  # noqa: ANN401 - the builders of the SDK are not typed alike
    """Return a question as a target of a panel."""
    built = prometheus.Dataquery().ref_id(ref_id).datasource(SOURCE).expr(query.expr)
    built = built.legend_format(query.legend or "__auto")
    built = built.instant() if instant else built.range()
    return built.interval(query.step) if query.step else built


def value(name: str, content: object) -> model.DynamicConfigValue:
    """Return one property of an override."""
    return model.DynamicConfigValue(name, content)


def written(unit: Unit, steps: Steps | None) -> list[model.DynamicConfigValue]:
    """Return the properties by which numbers are written."""
    properties = [value("unit", unit.name)]
    if unit.decimals is not None:
        properties.append(value("decimals", unit.decimals))
    if steps is not None:
        listed = [{"value": value, "color": color} for value, color in steps]
        properties.append(value("thresholds", {"mode": "absolute", "steps": listed}))
    return properties


def _overrides(query: Query, unit: Unit) -> list[model.DynamicConfigValue]:
    properties = written(query.unit or unit, query.steps) if query.unit or query.steps else []
    if query.mappings:
        properties.append(value("mappings", [one.to_json() for one in query.mappings]))
    return properties


def dressed(panel: Any, about: About, unit: Unit, steps: Steps, empty: str) -> None:  # noqa: ANN401
    """Give a panel what every one has."""
    panel.title(about.title).description(about.description).span(about.width).datasource(SOURCE)
    panel.unit(unit.name).thresholds(thresholds(steps)).interval(MINUTELY)
    panel.links([to_panel(about.more)])
    if unit.decimals is not None:
        panel.decimals(unit.decimals)
    if empty:
        panel.no_value(empty)


def _ask(panel: Any, queries: Iterable[Query], unit: Unit, **how: Any) -> None:  # noqa: ANN401
    for ref_id, query in zip(ascii_uppercase, queries, strict=False):
        panel.with_target(target(query, ref_id, **how))
        if properties := _overrides(query, unit):
            panel.override_by_query(ref_id, properties)


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False).fields("")


def figures(
    about: About,
    unit: Unit,
    *queries: Query,
    steps: Steps = NEUTRAL,
    empty: str = "not known yet",
    loud: bool = False,
) -> stat.Panel:
    """Return one or several numbers of now, side by side."""
    panel = stat.Panel()
    dressed(panel, about, unit, steps, empty)
    _ask(panel, queries, unit, instant=True)
    sentences = any(query.unit is WHEN for query in queries)
    size = MEDIUM if sentences or len(queries) >= SEVERAL else LARGE
    named = len(queries) > 1 or bool(queries[0].legend)
    mode = shapes.BigValueTextMode.VALUE_AND_NAME if named else shapes.BigValueTextMode.VALUE
    color = shapes.BigValueColorMode.BACKGROUND if loud else shapes.BigValueColorMode.VALUE
    return (
        panel.graph_mode(shapes.BigValueGraphMode.NONE)
        .color_mode(color)
        .text_mode(mode)
        .wide_layout(wide_layout=False)
        .text(common.VizTextDisplayOptions().title_size(SMALL).value_size(size))
        .justify_mode(shapes.BigValueJustifyMode.AUTO)
        .orientation(shapes.VizOrientation.AUTO)
        .reduce_options(_last())
    )


def trend(
    about: About,
    unit: Unit,
    *queries: Query,
    stacked: bool = False,
    steps: Steps = NEUTRAL,
    empty: str = "nothing in this time range",
) -> timeseries.Panel:
    """Return lines or stacked areas over time."""
    panel = timeseries.Panel()
    dressed(panel, about, unit, steps, empty)
    _ask(panel, queries, unit)
    if steps is not NEUTRAL:
        style = common.GraphThresholdsStyleConfig().mode(shapes.GraphThresholdsStyleMode.DASHED)
        panel.thresholds_style(style)
    mode = shapes.StackingMode.NORMAL if stacked else shapes.StackingMode.NONE
    return (
        panel.stacking(common.StackingConfig().mode(mode).group("A"))
        .draw_style(shapes.GraphDrawStyle.LINE)
        .line_width(1 if stacked else 2)
        .fill_opacity(60 if stacked else 0)
        .show_points(shapes.VisibilityMode.AUTO)
        .span_nulls(span_nulls=False)
        .axis_soft_min(0)
        .color_scheme(build.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC))
        .legend(_legend())
        .tooltip(_tooltip())
    )


def filled(panel: timeseries.Panel, upper: str, lower: str) -> timeseries.Panel:
    """Fill the band between two lines of a trend, which are known by their legends."""
    gray = value("color", {"mode": "fixed", "fixedColor": PLAIN})
    fill = [value("custom.fillBelowTo", lower), value("custom.fillOpacity", 15)]
    panel.override_by_name(upper, [gray, *fill, value("custom.lineWidth", 0)])
    return panel.override_by_name(lower, [gray, value("custom.lineWidth", 1)])


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .display_mode(shapes.LegendDisplayMode.LIST)
        .placement(shapes.LegendPlacement.BOTTOM)
        .show_legend(show_legend=True)
        .calcs([])
    )


def _tooltip() -> common.VizTooltipOptions:
    return (
        common.VizTooltipOptions()
        .mode(shapes.TooltipDisplayMode.MULTI)
        .sort(shapes.SortOrder.DESCENDING)
    )


def bars(
    about: About,
    unit: Unit,
    *queries: Query,
    steps: Steps = NEUTRAL,
    empty: str = "nothing yet",
    full: float | None = None,
) -> bargauge.Panel:
    """Return one horizontal bar for each series of now; `full` is where a bar ends at least."""
    panel = bargauge.Panel()
    dressed(panel, about, unit, steps, empty)
    _ask(panel, queries, unit, instant=True)
    panel.min(0)
    if full is not None:
        panel.max(full)
    if steps is NEUTRAL:
        blue = build.FieldColor().mode(model.FieldColorModeId.FIXED).fixed_color("blue")
        panel.color_scheme(blue)
    return (
        panel.orientation(shapes.VizOrientation.HORIZONTAL)
        .display_mode(shapes.BarGaugeDisplayMode.BASIC)
        .value_mode(shapes.BarGaugeValueMode.COLOR)
        .show_unfilled(show_unfilled=True)
        .text(common.VizTextDisplayOptions().title_size(TITLE).value_size(FIGURE))
        .reduce_options(_last())
    )


def note(title: str, description: str, content: str, width: int = 24) -> words.Panel:
    """Return a text that explains what stands beside it."""
    panel = words.Panel().title(title).description(description).span(width)
    return panel.mode(TextMode.MARKDOWN).content(content)
