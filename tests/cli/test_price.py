"""The `price` command, as a person and a script use it."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from claude_cost_exporter.cli import price
from claude_cost_exporter.errors import ExporterError

ROW = {
    "date": "2026-11-22",
    "account_id": None,
    "api_key_id": "apikey_1",
    "workspace_id": None,
    "model": "claude-opus-5",
    "service_tier": "batch",
    "context_window": "0-200k",
    "inference_geo": "us",
    "speed": None,
    "uncached_input_tokens": 1_000_000,
    "cache_read_input_tokens": 200_000,
    "cache_creation": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 2000},
    "output_tokens": 3,
    "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 9},
}
"""In the report's own shape. Opus 5, half in a batch, 1.1 in the United States:
2.75 + 0.055 + 0.0034375 + 0.011 + 0.00004125 + 0.02 USD."""


@pytest.fixture
def run(tmp_path):
    """Return a function that prices lines and gives the command's result."""
    app = typer.Typer()
    app.command("price")(price.command)

    def priced(*lines, stdin=False):
        text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
        path = tmp_path / "rows.jsonl"
        path.write_text(text, encoding="utf-8")
        given = "-" if stdin else str(path)
        return CliRunner().invoke(app, ["--input", given], input=text if stdin else None)

    return priced


def answers(result):
    """Return the printed lines as objects."""
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("stdin", [False, True])
def test_a_row_of_the_usage_report_is_priced_exactly(run, stdin):
    """All fields of the report are understood, from a file and from standard input."""
    result = run(ROW, stdin=stdin)

    assert result.exit_code == 0
    assert answers(result) == [
        {
            "cost_usd": "2.83947875",
            "reason": None,
            "components": {
                "input": "2.75",
                "output": "0.00004125",
                "cache_read": "0.055",
                "cache_write_5m": "0.0034375",
                "cache_write_1h": "0.011",
                "web_search": "0.02",
            },
        }
    ]
    assert result.stderr == ""


def test_missing_fields_are_the_ordinary_case(run):
    """Date and model suffice beside the tokens; null dimensions are like missing ones."""
    row = {"date": "2026-11-22", "model": "claude-opus-5", "output_tokens": 40}
    nulls = dict.fromkeys(["service_tier", "context_window", "inference_geo", "speed"])

    result = run(row, {**row, **nulls}, {**row, "cache_creation": None, "server_tool_use": None})

    assert [answer["cost_usd"] for answer in answers(result)] == ["0.001"] * 3


def test_no_price_is_null_with_a_reason(run):
    """What cannot be priced prints null, never 0, and the exit code stays 0."""
    result = run({**ROW, "model": "claude-opus-6"}, {**ROW, "service_tier": "priority"})

    assert result.exit_code == 0
    assert answers(result) == [
        {"cost_usd": None, "reason": "unknown_model", "components": {"web_search": "0.02"}},
        {"cost_usd": None, "reason": "priority_tier", "components": {"web_search": "0.02"}},
    ]


def test_the_prompt_length_decides_the_band(run):
    """Without it the lower band is printed, and the reason says that it is a lower bound."""
    haiku = {"date": "2026-11-22", "model": "claude-haiku-5-5", "output_tokens": 1_000_000}

    result = run(haiku, {**haiku, "prompt_tokens": 100_000}, {**haiku, "prompt_tokens": 100_001})

    assert [(a["cost_usd"], a["reason"]) for a in answers(result)] == [
        ("0.5", "lower_bound"),
        ("0.5", None),
        ("2.5", None),
    ]


def test_the_prompt_length_decides_the_context_window_too(run):
    """A window that is not given follows from the prompt; one that contradicts it has no price."""
    sonnet = {"date": "2026-03-01", "model": "claude-sonnet-4-5", "output_tokens": 1_000_000}
    long = {**sonnet, "prompt_tokens": 200_001}

    result = run(sonnet, long, {**long, "context_window": "0-200k"})

    assert [(a["cost_usd"], a["reason"]) for a in answers(result)] == [
        ("15", None),
        ("22.5", None),
        (None, "context_window_conflict"),
    ]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ({**ROW, "output_tokens": -3}, "$.output_tokens is -3. Expected `int` >= 0"),
        ({**ROW, "output_tokens": 1.5}, "$.output_tokens is 1.5. Expected `int`, got `float`"),
        ({**ROW, "output_tokens": True}, "$.output_tokens is true. Expected `int`, got `bool`"),
        ({**ROW, "output_tokens": "7"}, '$.output_tokens is "7". Expected `int`, got `str`'),
        ({**ROW, "output_tokens": None}, "$.output_tokens is null. Expected `int`"),
        ({**ROW, "output_tokens": 10**30}, "$.output_tokens is 1"),
        ({**ROW, "prompt_tokens": -1}, "$.prompt_tokens is -1. Expected `int` >= 0"),
        (
            {**ROW, "cache_creation": {"ephemeral_1h_input_tokens": -7}},
            "$.cache_creation.ephemeral_1h_input_tokens is -7. Expected `int` >= 0",
        ),
        ({**ROW, "cache_creation": 5}, "$.cache_creation is 5. Expected `object | null`"),
        ({**ROW, "date": "22.11.2026"}, '$.date is "22.11.2026"'),
        ({**ROW, "model": ""}, '$.model is "". Expected `str` of length >= 1'),
        ({"date": "2026-11-22"}, "missing required field `model`"),
        ({"model": "claude-opus-5"}, "missing required field `date`"),
        ([1, 2], "$ is [1,2]. Expected `object`, got `array`"),
        ("{", "this is not JSON"),
        ('{"output_tokens": NaN}', "this is not JSON"),
        ({**ROW, "input_tokens": 5}, "$.input_tokens is not a field of the usage report"),
        ({**ROW, "cache_creation_input_tokens": 5}, "$.cache_creation_input_tokens is not a field"),
        ({**ROW, "cache_creation": {"ephemeral_2h_input_tokens": 1}}, "ephemeral_2h_input_tokens"),
        (
            {**ROW, "server_tool_use": {"code_requests": 1}},
            "$.server_tool_use.code_requests is not",
        ),
    ],
)
def test_a_bad_line_ends_the_command_after_the_rows_before_it(run, line, sentence):
    """The sentence names file, line, path and value; earlier rows are printed, later ones not."""
    result = run(ROW, "", line, ROW)

    assert result.exit_code == 1
    assert isinstance(result.exception, ExporterError)
    assert "rows.jsonl, line 3: " in str(result.exception)
    assert sentence in str(result.exception)
    assert len(answers(result)) == 1


def test_a_field_without_influence_is_named_once_it_is_ignored(run):
    """A field that nobody knows is reported, because it may be a typing error."""
    result = run({**ROW, "sped": "fast"})

    assert result.exit_code == 0
    assert "rows.jsonl, line 1: $.sped is not a field of the usage report" in result.stderr


def test_an_empty_file_is_noted(run):
    """Nothing to price is no error, and is not silent either."""
    result = run("", "  ")

    assert (result.exit_code, result.stdout) == (0, "")
    assert "rows.jsonl holds no rows" in result.stderr


def test_a_file_that_cannot_be_opened_is_an_error():
    """The sentence names the option, the path and the system's reason."""
    app = typer.Typer()
    app.command("price")(price.command)

    result = CliRunner().invoke(app, ["--input", "/no/such/rows.jsonl"])

    assert result.exit_code == 1
    assert (
        str(result.exception)
        == "--input /no/such/rows.jsonl cannot be opened: No such file or directory"
    )


def test_the_help_shows_an_example_that_works(run):
    """The example of `--help` prices to the figure that stands below it."""
    help_text = price.command.__doc__
    row = help_text.split("echo '")[1].split("'")[0]
    shown = json.loads(help_text.split("that are 0):")[1].split("\n\n")[0].strip())

    result = run(row)

    assert answers(result)[0]["cost_usd"] == shown["cost_usd"]
