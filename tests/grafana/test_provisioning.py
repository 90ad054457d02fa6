"""Grafana finds its data sources and dashboards where the files say they are."""

from __future__ import annotations

import pytest
import yaml

from tests.support.dashboards import FOLDER, ROOT

PROVISIONING = ROOT / "grafana" / "provisioning"
PROMETHEUS = yaml.safe_load((ROOT / "prometheus/prometheus.yml").read_text(encoding="utf-8"))


def read(folder):
    (path,) = (PROVISIONING / folder).glob("*.yml")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def sources():
    """The data sources by type."""
    return {one["type"]: one for one in read("datasources")["datasources"]}


def test_the_data_sources_have_fixed_names(sources):
    """The uids are what links and alerts rely on, and Prometheus is what opens first."""
    assert {one["uid"] for one in sources.values()} == {"prometheus", "alertmanager"}
    assert sources["prometheus"]["isDefault"]
    assert all(one["access"] == "proxy" for one in sources.values())


def test_grafana_knows_how_often_is_scraped(sources):
    """Its rate interval comes from this; a wrong one leaves gaps or hides peaks."""
    assert (
        sources["prometheus"]["jsonData"]["timeInterval"] == PROMETHEUS["global"]["scrape_interval"]
    )
    assert sources["prometheus"]["jsonData"]["httpMethod"] == "POST"


def test_the_alertmanager_is_prometheus_own(sources):
    """Silences are shown as those of a Prometheus Alertmanager."""
    assert sources["alertmanager"]["jsonData"]["implementation"] == "prometheus"


def test_dashboards_are_read_only_and_come_from_one_folder():
    """What is edited in Grafana would be lost; deleting is done in the repository."""
    (provider,) = read("dashboards")["providers"]

    assert provider["type"] == "file"
    assert provider["allowUiUpdates"] is False
    assert provider["disableDeletion"] is True
    assert provider["options"]["path"] == "/etc/grafana/dashboards"
    assert provider["options"]["foldersFromFilesStructure"] is False


def test_the_home_dashboard_exists():
    """The file that the comment tells to open first is one of the dashboards."""
    text = (PROVISIONING / "dashboards/claude-cost.yml").read_text(encoding="utf-8")

    assert "/etc/grafana/dashboards/llm-cost-overview.json" in text
    assert (FOLDER / "llm-cost-overview.json").is_file()


def test_files_are_of_the_first_api_version():
    """The only one that Grafana reads from files."""
    assert [read(folder)["apiVersion"] for folder in ("datasources", "dashboards")] == [1, 1]
