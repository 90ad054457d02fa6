"""docs/report.md explains every key of the JSON reports."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass

import pytest

from claude_cost_exporter.report import ahead, focus, model, status
from docs.generate import ROOT

TEXT = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
KINDS = [
    kind
    for module in (model, ahead)
    for kind in vars(module).values()
    if is_dataclass(kind) and kind.__module__ == module.__name__
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_explained(kind):
    """Every field of the data is named in the table, as JSON names it."""
    named = set(re.findall(r"`([a-z0-9_]+)(?:\[\])?`", TEXT))
    assert {one.name for one in fields(kind)} - named == set()


@pytest.mark.parametrize("kind", [status.Status, status.BudgetStatus])
def test_every_figure_of_status_is_explained(kind):
    """Every key of `status --format=json` is named in its table."""
    named = set(re.findall(r"`([a-z0-9_]+)(?:\[\])?`", TEXT.partition("## `status`")[2]))
    assert set(kind._fields) - named == set()


def test_columns_of_focus_exist():
    """Every FOCUS column that is explained is written."""
    named = set(re.findall(r"`((?:x_)?[A-Z][A-Za-z]+)`", TEXT))
    assert len(named) > 20
    assert named <= set(focus.COLUMNS)
