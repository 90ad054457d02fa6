"""`report` while the exporter runs: the numbers of /metrics as a table, JSON and a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from claude_cost_exporter.report.build import DIMENSIONS
from docs.generate import ROOT
from tests.support.reports import PLANS, START, WHO, Commands, Scraped, loaded
from tests.support.simulated import Simulated

README = (ROOT / "README.md").read_text(encoding="utf-8")
EVERYTHING = f"--by={','.join(DIMENSIONS)}"


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """An organisation with fifty days of history; its exporter is still running."""
    running = loaded(tmp_path_factory.mktemp("ledger"), more=PLANS)
    yield running
    running.close()


@pytest.fixture
def run(simulated, tmp_path, monkeypatch):
    """Run a command and return what it printed."""
    return Commands(simulated, tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def scraped(simulated):
    """Find a value on /metrics."""
    return Scraped(simulated)


FAMILIES = {
    "model": ("llm_model_spend_usd", "model"),
    "workspace": ("llm_workspace_spend_usd", "workspace_id"),
    "api_key": ("llm_api_key_spend_usd", "api_key_id"),
    "token_type": ("llm_token_type_spend_usd", "token_type"),
}


@pytest.mark.parametrize(
    ("period", "window"),
    [("day", "today"), ("week", "week_to_date"), ("month", "month_to_date")],
)
def test_json_has_the_spend_of_metrics(run, scraped, period, window):
    """Spend in total and by every dimension is what /metrics shows at the same moment."""
    report = json.loads(run("report", "--format=json", f"--period={period}", EVERYTHING))
    (account,) = report["accounts"]
    for kind, key in (("metered", "metered_usd"), ("subscription", "subscription_usd")):
        shown = scraped("llm_spend_usd", **WHO, kind=kind, window=window)
        assert account[key] == pytest.approx(shown, abs=1e-9)
    for kind, (family, label) in FAMILIES.items():
        members = report["by"][kind]
        assert members
        for one in members:
            shown = scraped(family, **WHO, **{label: one["id"]}, window=window)
            assert one["spend_usd"] == pytest.approx(shown, abs=1e-9)
        total = sum(one["spend_usd"] for one in members)
        assert total == pytest.approx(scraped.sum(family, **WHO, window=window), rel=1e-12)


def test_json_has_forecast_budgets_and_credit_of_metrics(run, scraped):
    """What is ahead is what /metrics shows: forecasts, budgets with their levels, credit."""
    report = json.loads(run("report", "--format=json"))
    forecasts = {
        (one["account"], one["horizon"], one["method"]): one for one in report["forecasts"]
    }
    assert len(forecasts) == 8
    for (account, horizon, method), one in forecasts.items():
        family = "llm_forecast_spend_usd" if account else "llm_total_forecast_spend_usd"
        labels = (WHO if account else {}) | {"horizon": horizon, "method": method}
        for estimate in ("p10", "p50", "p90"):
            assert one[f"{estimate}_usd"] == scraped(family, **labels, estimate=estimate)
    assert {one["budget"]: one["level"] for one in report["budgets"]} == {
        "everything": "", "research": "warn", "daily": "soft"
    }  # fmt: skip
    for one in report["budgets"]:
        labels = {key: one[key] for key in ("budget", "scope_type", "scope", "period")}
        assert one["spent_usd"] == scraped("llm_budget_spent_usd", **labels)
        assert one["p50_usd"] == scraped("llm_budget_forecast_usd", **labels, estimate="p50")
    (credit,) = report["credit"]
    assert credit["balance_usd"] == scraped("llm_credit_balance_usd", **WHO)
    (plan,) = report["subscriptions"]
    assert plan["usd_per_month"] == 300


def test_tokens_are_those_that_the_organisation_used(run, simulated):
    """Tokens and cache hits of today are the simulator's truth, by each dimension and in total."""
    report = json.loads(run("report", "--format=json", "--period=day", EVERYTHING))
    (account,) = report["accounts"]
    tokens = account["tokens"]
    types = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
    prompt = sum(tokens[name] for name in types if name != "output")
    assert tokens["cache_hit_ratio"] == pytest.approx(tokens["cache_read"] / prompt)
    for members in report["by"].values():
        for name in types:
            assert sum(one["tokens"][name] for one in members) == tokens[name]
    at = simulated.clock.now()
    midnight, tomorrow = (START.replace(day=day, hour=0, minute=0) for day in (18, 19))
    truth = simulated.simulator.truth(midnight, tomorrow, as_of=at, visible=True)
    assert tokens["total"] == truth.tokens


def test_the_table_fits_and_has_no_colours_where_there_is_no_terminal(run):
    """Every line has at most 80 columns and no escape code; names and figures are whole."""
    shown = run("report", EVERYTHING, COLUMNS="80")
    assert max(map(len, shown.splitlines())) <= 80
    assert "\x1b" not in shown
    assert "\u2026" not in shown
    for word in ("claude-opus-5-5", "Production", "support-bot", "cache_write_1h", "team, sim"):
        assert word in shown
    assert re.search(r"research, month +\$1,0\d\d +\$1,100 +\u2588+\u2591* +9\d%", shown)
    assert re.search(r"this month +\$[\d,]+ +\$[\d,]+ to \$[\d,]+", shown)


def test_the_readme_shows_what_is_printed(run):
    """The example of the README is the output for this organisation, line by line."""
    (example,) = re.findall(
        r"^claude-cost-exporter report$\n```\n\n```text\n(.*?)```", README, re.DOTALL | re.MULTILINE
    )
    shown = run("report", COLUMNS="80")
    assert example.splitlines() == [line.rstrip() for line in shown.splitlines()]


def test_the_spreadsheet_adds_up(run, scraped):
    """Every row has exact decimals and ISO days, and the members add up to the metered spend."""
    text = run("report", "--format=csv", EVERYTHING)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["by"] for row in rows} == set(DIMENSIONS)
    for row in rows:
        assert (row["first_day"], row["last_day"]) == ("2026-11-01", "2026-11-18")
        assert re.fullmatch(r"\d+\.\d{9}", row["spend_usd"])
    models = sum(float(row["spend_usd"]) for row in rows if row["by"] == "model")
    shown = scraped("llm_spend_usd", **WHO, kind="metered", window="month_to_date")
    assert models == pytest.approx(shown, abs=1e-6)


def test_the_first_two_months_are_the_forecasts_of_metrics(run, scraped):
    """`forecast` begins with this month and the next as /metrics shows them, fees apart."""
    months = json.loads(run("forecast", "--format=json", "--months=14"))["months"]
    for account in ("", "sim"):
        ahead = [one for one in months if one["account"] == account]
        assert [one["month"] for one in ahead][:3] == ["2026-11-01", "2026-12-01", "2027-01-01"]
        assert len(ahead) == 14
        family = "llm_forecast_spend_usd" if account else "llm_total_forecast_spend_usd"
        for horizon, one in zip(("month_end", "next_month"), ahead, strict=False):
            labels = (WHO if account else {}) | {"horizon": horizon, "method": "weekday_ewma"}
            for estimate in ("p10", "p50", "p90"):
                shown = scraped(family, **labels, estimate=estimate)
                assert one[f"{estimate}_usd"] == pytest.approx(shown, rel=1e-12)
                fees = one[f"{estimate}_usd"] - one[f"metered_{estimate}_usd"]
                assert fees == pytest.approx(one["fixed_fees_usd"]) == pytest.approx(300)


def test_the_months_ahead_open_in_a_spreadsheet_and_fit_into_a_terminal(run):
    """Rows of CSV are accounts and months; the table adds the months up."""
    rows = list(csv.DictReader(io.StringIO(run("forecast", "--months=12", "--format=csv"))))
    assert [row["account"] for row in rows] == [""] * 12 + ["sim"] * 12
    assert {row["history_days"] for row in rows} == {"49"}
    rows = rows[12:]
    shown = run("forecast", COLUMNS="80")
    assert max(map(len, shown.splitlines())) <= 80
    total = sum(float(row["p50_usd"]) for row in rows)
    assert re.search(rf"12 months .* \${total:,.0f}\n", shown)


def test_a_period_that_is_not_read_has_no_spend(tmp_path, monkeypatch):
    """While history is being loaded the month says so, and today is there."""
    running = Simulated(tmp_path, history="0d", start=START)
    running.poll()
    run = Commands(running, tmp_path, monkeypatch, more="")
    report = json.loads(run("report", "--format=json"))
    assert report["accounts"][0]["metered_usd"] is None
    assert "loading" in run("report")
    ahead = json.loads(run("forecast", "--format=json"))["months"]
    assert {one["metered_p50_usd"] for one in ahead} == {None}
    assert re.search(r"2026-11 +- +- +\$0.00 +-", run("forecast"))
    running.close()


def test_tokens_without_a_price_are_told(tmp_path, monkeypatch):
    """A model that no list has is shown with its tokens and no spend, and a line says so."""
    running = loaded(tmp_path, "unknown_model", history="2d")
    running.wait(hours=34)
    running.poll()
    run = Commands(running, tmp_path, monkeypatch, more="")
    report = json.loads(run("report", "--period=day", "--format=json"))
    unpriced = [one for one in report["by"]["model"] if one["spend_usd"] is None]
    assert sum(one["tokens"]["total"] for one in unpriced) == report["unpriced_tokens"] > 0
    assert "tokens have no price: their cost is missing." in run("report", "--period=day")
    running.close()


def test_what_cannot_be_reported_is_a_sentence(run, simulated, tmp_path, monkeypatch):
    """An unknown dimension, another time zone and a missing ledger are told apart."""
    assert "'modell' is none of model, workspace" in run("report", "--by=modell", code=2)
    elsewhere = Commands(simulated, tmp_path, monkeypatch, more="time_zone: Asia/Tokyo")
    assert "the ledger's days are days in UTC" in elsewhere("report", code=1)
    (tmp_path / "config.yml").write_text(
        "sources: [{type: anthropic, account: a, admin_key_env: X}]\n"
        f"ledger: {{url: 'sqlite:///{tmp_path}/none.db'}}"
    )
    assert "there is no ledger" in run("report", code=1)


def test_a_month_that_is_over_is_reported_as_it_ended(run, scraped):
    """Last month is the last_month of /metrics, in every format, without what was ahead."""
    report = json.loads(run("report", "--month=2026-10", "--format=json", EVERYTHING))
    assert report["period"] == {
        "name": "month", "first": "2026-10-01", "end": "2026-11-01", "is_over": True
    }  # fmt: skip
    (account,) = report["accounts"]
    for kind, key in (("metered", "metered_usd"), ("subscription", "subscription_usd")):
        shown = scraped("llm_spend_usd", **WHO, kind=kind, window="last_month")
        assert account[key] == pytest.approx(shown, abs=1e-9)
    assert not report["forecasts"] + report["budgets"] + report["credit"]
    rows = list(csv.DictReader(io.StringIO(run("report", "--month=2026-10", "--format=csv"))))
    models = sum(float(row["spend_usd"]) for row in rows if row["by"] == "model")
    assert models == pytest.approx(account["metered_usd"], abs=1e-6)
    focus = csv.DictReader(io.StringIO(run("report", "--month=2026-10", "--format=focus")))
    days = {row["ChargePeriodStart"][:10] for row in focus}
    assert (min(days), max(days)) == ("2026-10-01", "2026-10-31")
    assert run("report", "--month=2026-10").startswith("Month: 2026-10-01 to 2026-10-31, UTC ")


def test_a_month_that_was_not_read_as_a_whole_says_so(run):
    """Of a month in which the history begins no spend is told, but from when on it is known."""
    shown = run("report", "--month=2026-09")
    assert "not all of this month has been read; usage is known from 09-29 " in shown
    assert re.search(r"sim +unknown", shown)
    report = json.loads(run("report", "--month=2026-09", "--format=json"))
    assert report["accounts"][0]["metered_usd"] is None
    assert report["accounts"][0]["known_from"].startswith("2026-09-29T")


def test_the_month_that_runs_can_be_named(run):
    """This month is what is reported without it."""
    assert run("report", "--month=2026-11") == run("report")


@pytest.mark.parametrize(
    ("month", "said"),
    [("2026-12", "2026-12 has not begun"), ("11/2026", "is not a month"), ("", "is not a month")],
)
def test_what_is_no_month_to_report_is_refused(run, month, said):
    """The future, and what is written otherwise, end with a sentence and code 2."""
    assert said in run("report", f"--month={month}", code=2)
