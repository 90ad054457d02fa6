"""The README's commands, files and queries exist and are right."""

from __future__ import annotations

import re
import subprocess
import sys

import promql_parser
import pytest
import yaml

from claude_cost_exporter.catalogue import BY_NAME
from claude_cost_exporter.cli.wiring import SOURCE_TYPES
from claude_cost_exporter.config.load import load
from claude_cost_exporter.metrics.self_metrics import SELF_METRICS, SERIES_DROPPED
from claude_cost_exporter.pricing.overrides import Override
from docs.generate import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
METRIC = re.compile(r"\b(?:llm|claude_cost_exporter)_[a-z0-9_]+\b")
OWN = {spec.full_name for spec in (*SELF_METRICS, SERIES_DROPPED)}


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def test_make_targets_exist():
    """Every `make` target that the README names is in the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"\bmake ([a-z-]+)", TEXT))
    assert named >= {"demo", "test"}
    assert named <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def test_commands_and_flags_exist():
    """Every command line in the README is one that the program understands."""
    calls = set(re.findall(r"claude-cost-exporter ([a-z-]+)((?: --[a-z.]+=\S+)*)", TEXT))
    assert {name for name, _ in calls} >= {"probe", "serve", "check-config"}
    for name, flags in calls:
        command = [sys.executable, "-m", "claude_cost_exporter", name, "--help"]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for flag in re.findall(r"--[a-z.]+", flags):
            assert flag in shown


@pytest.mark.parametrize("text", [b for b in blocks("yaml") if "sources:" in b])
def test_configurations_load(text):
    """Every configuration in the README passes the checks of check-config."""
    assert load(text, SOURCE_TYPES, Override).sources


def test_the_scrape_configuration_names_the_default_port():
    """The scrape configuration is YAML and names the port that `serve` listens on."""
    (text,) = (block for block in blocks("yaml") if "scrape_configs" in block)
    (job,) = yaml.safe_load(text)["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["localhost:9853"]}]


@pytest.mark.parametrize("query", blocks("promql"))
def test_queries_parse(query):
    """Every query in the README is PromQL."""
    assert promql_parser.parse(query) is not None


def test_metrics_exist():
    """Every metric that the README names is one that the exporter has."""
    assert set(METRIC.findall(TEXT)) - {"claude_cost_exporter_"} <= set(BY_NAME) | OWN


def test_linked_files_exist():
    """Every relative link leads to a file."""
    links = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
