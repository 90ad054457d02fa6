"""Tables: labels with links first, then numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

from grafana_foundation_sdk.builders import common, table
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana.source.look import NEUTRAL, TEXT, Steps, Unit
from grafana.source.panels import About, Query, dressed, target, value, written

if TYPE_CHECKING:
    from collections.abc import Sequence

SLIM, NARROW, WIDE = 70, 80, 160
"""Pixels. Tables of a dozen columns fit without scrolling, and bars are long enough to compare."""
IDLE = ("Account", "Id")
"""Columns of labels that tell little and must not take room from names."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers in a table."""

    title: str
    expr: str
    unit: Unit
    steps: Steps = NEUTRAL
    bar: bool = False
    """Drawn as a bar: for the column by which the table is sorted."""


@dataclass(frozen=True, slots=True)
class Key:
    """A column of labels in a table, with links to what is said about one row elsewhere."""

    title: str
    links: tuple[dict[str, Any], ...] = field(default=())


def rows(
    about: About,
    keys: dict[str, Key],
    *columns: Column,
    sort: str = "",
    empty: str = "nothing yet",
) -> table.Panel:
    """Return a table: labels first, one column for each query; every other label is left out."""
    panel = table.Panel()
    dressed(panel, about, TEXT, NEUTRAL, empty)
    for ref_id, column in zip(ascii_uppercase, columns, strict=False):
        query = Query(column.expr)
        panel.with_target(
            target(query, ref_id, instant=True).format(PromQueryFormat.TABLE).legend_format("")
        )
        panel.override_by_name(column.title, _cells(column))
    for key in keys.values():
        panel.override_by_name(key.title, _label(key))
    for transformation in _shape(keys, columns):
        panel.with_transformation(transformation)
    panel.min_width(NARROW)
    by = sort or columns[0].title
    return panel.sort_by([common.TableSortByFieldState().display_name(by).desc(desc=True)])


def _label(key: Key) -> list[model.DynamicConfigValue]:
    """Write a column of labels."""
    properties = [value("noValue", "-")]
    if key.links:
        properties.append(value("links", list(key.links)))
    if key.title in IDLE:
        properties.append(value("custom.width", SLIM))
    return properties


def _cells(column: Column) -> list[model.DynamicConfigValue]:
    """Write a column; what is empty in one row must not say why the whole table would be."""
    properties = [*written(column.unit, column.steps), value("noValue", "-")]
    if column.bar:
        cell = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
        blue = value("color", {"mode": "fixed", "fixedColor": "blue"})
        scale = [
            value("min", 0),
            value("fieldMinMax", content=True),
            value("custom.width", WIDE),
        ]
        return [*properties, value("custom.cellOptions", cell), blue, *scale]
    cell = {"type": "color-text" if column.steps is not NEUTRAL else "auto"}
    return [*properties, value("custom.cellOptions", cell)]


def _shape(keys: dict[str, Key], columns: Sequence[Column]) -> list[model.DataTransformerConfig]:
    """Join the answers by their labels, then name and order the columns and drop all others."""
    values = {
        f"Value #{ref}": one.title for ref, one in zip(ascii_uppercase, columns, strict=False)
    }
    if len(columns) == 1:  # Grafana leaves out the letter when there is only one answer.
        values = {"Value": columns[0].title}
    names = {**{label: key.title for label, key in keys.items()}, **values}
    order = {name: place for place, name in enumerate(names)}
    kept = {"include": {"names": list(names)}}
    organized = {"renameByName": names, "indexByName": order, "excludeByName": {}}
    return [
        model.DataTransformerConfig("merge", options={}),
        model.DataTransformerConfig("filterFieldsByName", options=kept),
        model.DataTransformerConfig("organize", options=organized),
    ]
