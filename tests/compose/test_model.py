"""docker-compose.yml as Compose reads it: hardened, pinned, on this machine only, and in step."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from claude_cost_exporter import __version__
from claude_cost_exporter.cli.wiring import load_config
from tests.support.composed import COMPOSE_FILE, ROOT, compose

STARTED_ONCE = {"history"}
OWN = {"exporter", "simulator", "history"}
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def model(**environment):
    """Return everything that Compose would start."""
    done = compose("--profile", "demo", "config", "--format=json", **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def services():
    """The services of the demo, by name."""
    return model()["services"]


def read(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def binds(service):
    return [one for one in service.get("volumes", []) if one["type"] == "bind"]


def test_the_simulator_is_part_of_the_demo_only():
    """Without the profile nothing pretends to be the Admin API."""
    named = compose("config", "--services").stdout.split()

    assert set(named) == {"exporter", "history", "prometheus", "alertmanager", "grafana"}


def test_nobody_is_root_and_nobody_can_become_it(services):
    """A user of its own, no capability, no new privileges, nothing to write to but volumes."""
    for name, one in services.items():
        assert re.fullmatch(r"[1-9]\d*:\d+", one["user"]), name
        assert one["read_only"] is True, name
        assert one["cap_drop"] == ["ALL"], name
        assert one["security_opt"] == ["no-new-privileges:true"], name
        assert one["tmpfs"] == ["/tmp"], name
        assert not {"privileged", "cap_add", "devices", "pid", "ipc"} & set(one), name


def test_what_keeps_running_is_asked_for_its_health(services):
    """A service that is started once ends instead, and is waited for."""
    asked = {name for name, one in services.items() if one.get("healthcheck", {}).get("test")}

    assert asked == set(services) - STARTED_ONCE
    assert services["history"]["restart"] == "no"
    waited = services["prometheus"]["depends_on"]["history"]["condition"]
    assert waited == "service_completed_successfully"


def test_everything_waits_for_the_exporter(services):
    """Without a healthy exporter nothing else starts, and so nothing pretends to run."""

    def waits(name):
        needed = services[name].get("depends_on", {})
        healthy = needed.get("exporter", {}).get("condition") == "service_healthy"
        return healthy or any(waits(other) for other in needed)

    others = set(services) - {"exporter", "simulator"}
    assert {name for name in others if waits(name)} == others


def test_images_are_pinned(services):
    """Every image has an exact version, and the exporter's is this one."""
    for name, one in services.items():
        assert re.search(r":v?\d+\.\d+\.\d+$", one["image"]), name
        if name in OWN:
            assert one["image"].endswith(f":{__version__}"), name
    bases = re.findall(r"^FROM (\S+:\S+)", DOCKERFILE, re.MULTILINE)
    assert {base for base in bases if "prometheus" in base} == {services["prometheus"]["image"]}
    assert len(set(bases)) == 2


def test_ports_are_open_on_this_machine_only(services):
    """Unless BIND_ADDRESS says otherwise, for all of them."""
    ports = [port for one in services.values() for port in one.get("ports", [])]
    elsewhere = model(BIND_ADDRESS="192.0.2.1")["services"]

    assert {port["target"] for port in ports} == {9853, 9090, 9093, 3000}
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}
    moved = [port["host_ip"] for one in elsewhere.values() for port in one.get("ports", [])]
    assert moved == ["192.0.2.1"] * len(ports)


def test_links_lead_where_others_find_it(services):
    """To this machine, unless told where the services are found."""

    def links(of):
        grafana = {of["grafana"]["environment"]["GF_SERVER_ROOT_URL"],
                   of["prometheus"]["environment"]["GRAFANA_URL"]}  # fmt: skip
        commands = [*of["prometheus"]["command"], *of["alertmanager"]["command"]]
        return grafana | {one.partition("=")[2] for one in commands if "external-url" in one}

    names = {"PROMETHEUS_URL": "9090", "ALERTMANAGER_URL": "9093", "GRAFANA_URL": "3000"}
    given = {name: f"https://costs.example.com:{port}" for name, port in names.items()}

    assert links(services) == {f"http://localhost:{port}" for port in names.values()}
    assert links(model(**given)["services"]) == set(given.values())


def test_runbooks_are_where_the_shipped_configuration_has_them_or_where_told(services):
    """The same example as in prometheus.yml, unless RUNBOOKS_URL is given."""
    shipped = read("prometheus/prometheus.yml")["global"]["external_labels"]["runbooks_url"]
    moved = model(RUNBOOKS_URL="https://wiki.example.com/costs")["services"]["prometheus"]

    assert services["prometheus"]["environment"]["RUNBOOKS_URL"] == shipped
    assert moved["environment"]["RUNBOOKS_URL"] == "https://wiki.example.com/costs"


def test_the_past_can_be_shorter_or_longer(services):
    """HISTORY_DAYS is what `backfill` is told."""
    assert "--days=35" in services["history"]["command"]
    assert "--days=90" in model(HISTORY_DAYS="90")["services"]["history"]["command"]


def test_what_is_mounted_exists_and_cannot_be_written(services):
    """Docker would make a folder in the place of a file that is missing."""
    for name, one in services.items():
        for bind in binds(one):
            assert Path(bind["source"]).exists(), f"{name}: {bind['source']}"
            assert bind["read_only"] is True, f"{name}: {bind['source']}"


def test_secrets_are_files():
    """No secret is in the environment; one that is not given is an empty file."""
    secrets = model()["secrets"]
    given = model(ANTHROPIC_ADMIN_KEY_FILE="/somewhere/key")

    assert all(Path(one["file"]).read_bytes() == b"" for one in secrets.values())
    assert given["secrets"]["anthropic_admin_key"]["file"] == "/somewhere/key"
    for name, one in given["services"].items():
        mentioned = json.dumps(one.get("environment") or {})
        assert "sk-ant" not in mentioned, name
        assert "PASSWORD" not in mentioned, name


def test_it_comes_back_by_itself_only_with_a_key(services):
    """What lacks a key would say so again and again; a demo ends with the machine."""
    with_key = model(ANTHROPIC_ADMIN_KEY_FILE="/somewhere/key")["services"]

    assert {one.get("restart", "no") for one in services.values()} == {"no"}
    for name in set(with_key) - STARTED_ONCE:
        assert with_key[name]["restart"] == "unless-stopped"


def test_grafana_has_no_admin_and_asks_nobody(services):
    """No admin is ever made, so none has the usual password; visitors may only look."""
    settings = services["grafana"]["environment"]

    assert settings["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert settings["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert settings["GF_AUTH_BASIC_ENABLED"] == "false"
    assert settings["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"
    assert settings["GF_PLUGINS_PREINSTALL_AUTO_UPDATE"] == "false"


def test_grafana_finds_what_it_is_told_of(services):
    """Data sources are services and their ports; the first dashboard is mounted."""
    grafana = services["grafana"]
    mounted = {bind["target"]: Path(bind["source"]) for bind in binds(grafana)}
    (sources,) = (mounted["/etc/grafana/provisioning"] / "datasources").glob("*.yml")
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]

    for source in yaml.safe_load(sources.read_text(encoding="utf-8"))["datasources"]:
        host, _, port = source["url"].removeprefix("http://").partition(":")
        assert int(port) in {one["target"] for one in services[host]["ports"]}, source["name"]
    assert (mounted["/etc/grafana/dashboards"] / Path(home).name).is_file()


def test_prometheus_has_the_shipped_configuration(services):
    """Only places differ; `make compose/prometheus.yml` writes it anew."""
    shipped = (ROOT / "prometheus/prometheus.yml").read_text(encoding="utf-8")
    named = shipped.replace('"localhost:9853"', '"exporter:9853"')
    named = named.replace('"localhost:9093"', '"alertmanager:9093"')
    named = named.replace(
        "Write both addresses here, and nowhere else.", "Both are variables of docker-compose.yml."
    )
    for name in ("grafana_url", "runbooks_url"):
        named = re.sub(rf"^( +{name}: ).*$", rf"\1${{{name.upper()}}}", named, flags=re.MULTILINE)
    first, _, rest = (ROOT / "compose/prometheus.yml").read_text(encoding="utf-8").partition("\n")

    assert first.startswith("# ")
    assert rest == named
    for block in yaml.safe_load(rest)["scrape_configs"]:
        ((target,),) = (one["targets"] for one in block["static_configs"])
        assert target.partition(":")[0] in {*services, "localhost"}
    assert '"localhost:9090"' in rest, "Prometheus scrapes itself"


def test_history_has_the_labels_of_live_samples(services):
    """With other labels the past would be another exporter's."""
    (block,) = (
        one
        for one in read("compose/prometheus.yml")["scrape_configs"]
        if one["job_name"] == "claude-cost-exporter"
    )
    ((target,),) = (one["targets"] for one in block["static_configs"])

    assert f"--job={block['job_name']}" in services["history"]["command"]
    assert f"--instance={target}" in services["history"]["command"]


@pytest.mark.parametrize("name", ["live", "demo"])
def test_the_exporters_configurations_are_right(name):
    """Each is checked as `serve` does, and says how often Prometheus scrapes."""
    path = ROOT / "compose" / f"{name}.yml"
    config = load_config(path, {}, keys=False).config

    interval = read("prometheus/prometheus.yml")["global"]["scrape_interval"]
    assert f"{config.scrape_interval.total_seconds():.0f}s" == interval


def test_the_demo_reads_the_simulator(services):
    """The simulator listens where the demo's only account is, on an interface of both."""
    (account,) = read("compose/demo.yml")["sources"]
    place = account["base_url"].removeprefix("http://")

    assert services["simulator"]["network_mode"] == "service:exporter"
    assert f"--listen={place}" in services["simulator"]["command"]


def test_alertmanager_has_its_secrets_where_it_looks(services):
    """Both channels of alertmanager.yml read the files that Compose mounts."""
    text = (ROOT / "alerting/alertmanager.yml").read_text(encoding="utf-8")
    looked_for = set(re.findall(r"_file: (/\S+)", text))

    assert {one["target"] for one in services["alertmanager"]["secrets"]} == looked_for


def test_the_image_gets_what_it_copies_and_nothing_else():
    """Each source of a COPY is let in by .dockerignore, which lets in nothing more."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)

    assert {name for line in copies for name in line.split()} == let_in
    assert "*" in lines
    assert all((ROOT / name).exists() for name in let_in)


def test_a_mistake_is_found(tmp_path):
    """Compose refuses a key that it does not know, so these tests would see one."""
    wrong = tmp_path / "docker-compose.yml"
    text = COMPOSE_FILE.read_text(encoding="utf-8")
    wrong.write_text(text.replace("read_only: true", "read_onyl: true"), encoding="utf-8")

    done = compose("config", file=wrong)

    assert done.returncode != 0
    assert "read_onyl" in done.stderr
