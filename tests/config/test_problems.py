"""The problems of a configuration: all at once, each with its YAML path, and never a key."""

from __future__ import annotations

import os

import pytest

from claude_cost_exporter.cli.wiring import load_config
from claude_cost_exporter.errors import ConfigError
from tests.config.bad import DOCUMENTS, GOOD, KEY, PROBLEMS, override, source


@pytest.fixture
def problems(tmp_path):
    """Return a function that gives the problems of a text, with KEY in the environment."""

    def find(text):
        path = tmp_path / "config.yml"
        path.write_text(text, encoding="utf-8")
        found = []
        try:
            load_config(path, {"KEY": KEY})
        except ConfigError as error:
            found = error.problems
        assert "canary" not in "".join(found)
        return found

    return find


@pytest.mark.parametrize(
    "good",
    [
        GOOD,
        source('base_url: "http://127.0.0.1:1", poll_interval: 5s'),
        source("history: 0d"),
        override("factor: 0.9, account: acme, from: 2026-01-01"),
    ],
)
def test_a_good_configuration_has_no_problem(problems, good):
    """What the rest of these tests spoils is right before."""
    assert problems(good) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [pytest.param(text, sentence, id=name) for name, text, sentence in DOCUMENTS],
)
def test_what_is_no_configuration_at_all(problems, text, sentence):
    """The one sentence says what was found and, where it can, in which line."""
    (problem,) = problems(text)

    assert problem.startswith(sentence)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [pytest.param(text, sentence, id=name) for name, text, sentence in PROBLEMS],
)
def test_one_problem_is_one_sentence(problems, text, sentence):
    """It begins with the YAML path, shows what was found, and says what to write."""
    (problem,) = problems(text)

    assert problem.startswith(sentence)


def test_all_problems_come_at_once(problems):
    """Problems of every kind and block are found in one go, none of them hides another."""
    text = """
time_zon: UTC
week_start: mon
scrape_interval: 5
ledger: {url: x.db, path: y}
sources:
  - {type: anthropic, poll_intervall: 5s, base_url: "http://x.example", admin_key_env: NOT_SET}
  - {type: anthropic, account: acme, admin_key_file: /no/such/key, poll_interval: 5s}
  - {type: anthropic, account: acme, admin_key_command: [no-such-program]}
  - {type: openai}
prices:
  overrides:
    - {account: acne, factor: 0.9, modell: x}
    - {factor: 0.5, model: claude-zero}
"""
    assert sorted(problem.split(": ")[0] for problem in problems(text)) == [
        "ledger.path",
        "ledger.url",
        "prices.overrides[0].account",
        "prices.overrides[0].modell",
        "prices.overrides[1]",
        "scrape_interval",
        "sources[0].account",
        "sources[0].admin_key_env",
        "sources[0].base_url",
        "sources[0].poll_intervall",
        "sources[1].admin_key_file",
        "sources[1].poll_interval",
        "sources[2].account",
        "sources[2].admin_key_command",
        "sources[3].type",
        "time_zon",
        "week_start",
    ]


def test_a_problem_does_not_hide_others_of_its_block(problems):
    """Each block is checked as far as it can be, whatever is wrong with it already."""
    text = """
time_zone: UTC
time_zone: CET
week_start: monday
sources:
  - {type: anthropic, account: acme, admin_key_env: KEY, poll_interval: 30s,
     base_url: "http://api.anthropic.com", account: acme}
  - {type: antropic, account: acme, admin_key_env: NOT_SET, history: 1}
  - {polling: 1}
week_start: sunday
prices:
  overrides:
    - {account: nobody, factor: 0.9, usd_per_million: -1, from: 2026-02-01, to: 2026-01-01}
    - {factor: half, from: 2026-02-01, to: 2026-01-01}
"""
    assert sorted(problem.split(": ")[0] for problem in problems(text)) == [
        "line 10, column 1",
        "line 3, column 1",
        "line 7, column 44",
        "prices.overrides[0]",
        "prices.overrides[0]",
        "prices.overrides[0]",
        "prices.overrides[0]",
        "prices.overrides[0].account",
        "prices.overrides[1]",
        "prices.overrides[1].factor",
        "sources[0].base_url",
        "sources[0].poll_interval",
        "sources[1].account",
        "sources[1].admin_key_env",
        "sources[1].history",
        "sources[1].type",
        "sources[2].account",
        "sources[2].admin_key_file",
        "sources[2].polling",
        "sources[2].type",
    ]


def test_an_account_has_one_name(problems):
    """Two accounts of one name: both places are named."""
    text = GOOD.rstrip("]\n") + ", {type: anthropic, account: acme, admin_key_env: KEY}]"

    (problem,) = problems(text)

    assert problem.startswith("sources[1].account: acme is the account of sources[0] already")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (source(f"admin_key_file: {KEY}"), "sources[0].admin_key_file"),
        (source(f"admin_key: {KEY}"), "sources[0].admin_key"),
        (source(f"admin_key_command: [echo, {KEY}]"), "sources[0].admin_key_command[1]"),
        (source(f"{KEY}: x"), "sources[0].sk-ant-***"),
        (GOOD + f"ledger: 'x{KEY}'", "ledger"),
        (GOOD + f"series_cap: [[{KEY}]]", "series_cap[0][0]"),
        (GOOD + f"time_zone: {KEY}", "time_zone"),
        (source(f"base_url: 'https://{KEY}'"), "sources[0].base_url"),
        (override(f"factor: 0.5, model: {KEY}"), "prices.overrides[0].model"),
        (GOOD + f"zzz: &a [{KEY}, *a]", "zzz[0]"),
    ],
)  # fmt: skip
def test_a_key_in_the_file_is_refused_and_not_repeated(problems, text, path):
    """A plain key is a problem wherever it stands, and no sentence shows it."""
    first = problems(text)[0]

    assert first.startswith(f"{path}: a key stands here in plain text; put it in a file")
    assert "replace the key" in first


@pytest.mark.parametrize("text", [f"{KEY}: 1\n{KEY}: 2\n", f"x: !{KEY} 1", f"x: *{KEY}", f"{KEY}"])
def test_a_key_in_a_broken_file_is_not_repeated(problems, text):
    """What is not even YAML may hold a key all the same."""
    assert "sk-ant-***" in problems(text)[0]


@pytest.mark.parametrize("url", ["https://user:hunter2@example.com", "postgresql://u:hunter2@h/db"])
def test_a_password_in_a_url_is_not_repeated(problems, url):
    """URLs with passwords are refused without being shown."""
    text = source(f"base_url: '{url}'") + f"ledger: {{url: '{url}'}}\n"

    found = problems(text)

    assert [problem.split(": ")[0] for problem in found] == ["ledger.url", "sources[0].base_url"]
    assert "hunter2" not in "".join(found)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (None, "cannot read the key from admin_key_file {}: No such file or directory"),
        (b"", "admin_key_file {} is empty"),
        (b" \n", "admin_key_file {} is empty"),
        (b"two canary-words", "admin_key_file {} holds more than a key: character 4 of 16"),
        (b"canary\x07bell", "admin_key_file {} holds more than a key: character 7 of 11"),
        ("canary-käy".encode(), "admin_key_file {} holds more than a key: character 9 of 10"),
        (b"canary", "admin_key_file {} holds 6 characters; keys are longer"),
        (b"\xff\xfecanary", "cannot read the key from admin_key_file {}: UnicodeDecodeError"),
    ],
)
def test_a_key_file_must_hold_a_key(problems, tmp_path, content, cause):
    """A missing, empty or wrong file is a problem of the key that names it."""
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)

    found = problems(source(start=f"type: anthropic, account: acme, admin_key_file: {path}"))

    (problem,) = found
    assert problem.startswith(f"sources[0].admin_key_file: {cause.format(path)}")


def test_a_folder_is_no_key_file(problems, tmp_path):
    """The system's own reason is in the sentence."""
    found = problems(source(start=f"type: anthropic, account: acme, admin_key_file: {tmp_path}"))

    (problem,) = found
    assert problem.endswith(f"cannot read the key from admin_key_file {tmp_path}: Is a directory")


def test_a_pipe_is_left_for_the_run(problems, tmp_path):
    """A pipe gives its key once: checking it would take it away."""
    os.mkfifo(tmp_path / "pipe")
    start = f"type: anthropic, account: acme, admin_key_file: {tmp_path}/pipe"

    assert problems(source(start=start)) == []


def test_a_command_is_looked_for_and_not_run(problems, tmp_path):
    """A program that is not there is a problem; one that is there is not started."""
    program = tmp_path / "key-program"
    start = f"type: anthropic, account: acme, admin_key_command: [{program}, {tmp_path}/ran]"
    missing = problems(source(start=start))
    program.write_text('#!/bin/sh\ntouch "$1"\n', encoding="utf-8")
    program.chmod(0o700)

    assert missing == [f"sources[0].admin_key_command: there is no program {program}"]
    assert problems(source(start=start)) == []
    assert not (tmp_path / "ran").exists()
