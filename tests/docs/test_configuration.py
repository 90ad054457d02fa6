"""Configuration model, example and documentation say the same, in every direction."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from claude_cost_exporter.cli import COMMANDS, app
from claude_cost_exporter.cli.wiring import SOURCE_TYPES
from claude_cost_exporter.config.convert import convert
from claude_cost_exporter.config.documents import read_yaml
from claude_cost_exporter.config.load import load
from claude_cost_exporter.config.model import Config
from claude_cost_exporter.config.settings import is_block, settings
from claude_cost_exporter.pricing.overrides import Override
from docs.generate import EXAMPLE, ROOT, blocks

TEXT = (ROOT / EXAMPLE).read_text(encoding="utf-8")
PAGE = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
COMMAND_LINE = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")
KEY_LINE = re.compile(r"^[ #]*(?:- )?([a-z0-9_]+):(?: \S|$)", re.MULTILINE)
BLOCKS = list(blocks(Config))
SETTINGS = [(path, block, one) for path, block in BLOCKS for one in settings(block)]


def loaded(text):
    return load(text, SOURCE_TYPES, Override)


def fenced(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_example_is_what_holds_without_it():
    """It loads, and everything in it but the accounts is the default."""
    example = loaded(TEXT)

    assert example.config == Config(sources=example.config.sources)
    assert [source.account for source in example.sources] == ["acme"]
    assert example.overrides == []


def test_the_example_has_every_key_and_no_other():
    """Each key of the model stands in the example once, and the model knows each key there."""
    assert sorted(KEY_LINE.findall(TEXT)) == sorted(one.name for _, _, one in SETTINGS)


def test_what_the_example_comments_out_can_be_set():
    """With every line of the example in force, only contradictions are left to complain about."""
    lines = re.sub(r"^( *)# (?=[ ]*(?:- )?[a-z0-9_]+:(?: \S|$))", r"\1", TEXT, flags=re.MULTILINE)
    text = re.sub(r"^( {0,2}\w+): \[\]$", r"\1:", lines, flags=re.MULTILINE)
    everything = read_yaml(text).data

    assert set(everything["sources"][0]) == set(SOURCE_TYPES["anthropic"].__struct_fields__)
    assert len(everything["prices"]["overrides"][0]) == len(Override.__struct_fields__)
    top = convert(everything, Config, "")
    source = convert(everything["sources"][0], SOURCE_TYPES["anthropic"], "sources[0]")
    assert (top.problems, source.problems) == ([], [])
    assert len(top.items) == 4
    assert [item.problems for item in top.items.values() if item.problems] == []


@pytest.mark.parametrize(
    ("block", "setting"),
    [pytest.param(block, one, id=f"{path}.{one.name}") for path, block, one in SETTINGS],
)
def test_every_setting_is_explained(block, setting):
    """It has a meaning that is a sentence, and an example that is accepted."""
    assert re.fullmatch(r"[A-Z0-9].*\.", setting.meaning)
    if not is_block(setting.kind):
        assert setting.example is not None
        assert setting.name not in convert({setting.name: setting.example}, block, "").failed


def test_the_configurations_of_the_page_load():
    """Each YAML block of docs/configuration.md is a good configuration."""
    found = fenced(PAGE, "yaml")

    assert len(found) == 3
    assert all(loaded(text).sources for text in found)


def test_the_problems_of_the_page_are_real(tmp_path):
    """What docs/configuration.md shows of check-config is what it prints."""
    path = tmp_path / "config.yml"
    path.write_text(
        "timezone: UTC\nsources:\n"
        "  - {type: anthropic, account: acme, admin_key_env: KEY, poll_interval: 30s}\n"
        "  - {type: anthropic, account: acme, admin_key_env: KEY}\n",
        encoding="utf-8",
    )
    key = {"KEY": "sk-ant-admin01-of-a-test"}
    (shown,) = fenced(PAGE, "text")

    printed = CliRunner().invoke(app, ["check-config", f"--config.file={path}"], env=key).stdout

    assert shown.partition("\n")[2] == printed


@pytest.mark.parametrize("name", [name.replace("_", "-") for name in COMMANDS])
def test_every_command_tells_its_exit_codes(name):
    """`--help` ends with them, and docs/command-line.md has them in its table."""
    result = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})

    codes = re.search(r"Exit codes: 0 .*?, (?:1|2) .*?\.", result.stdout)
    (row,) = re.findall(rf"^\| \[`{name}`\]\(#{name}\) .*$", COMMAND_LINE, re.MULTILINE)
    assert codes is not None
    assert row.replace("**", "").endswith(f"| {codes[0].removeprefix('Exit codes: ')[:-1]} |")


def test_a_bare_call_shows_the_commands():
    """Without a command the program lists them all and says what to try first."""
    result = CliRunner().invoke(app, [], env={"COLUMNS": "200", "NO_COLOR": "1"})

    assert result.exit_code == 2
    assert "Try `claude-cost-exporter demo`: it needs no key." in result.output
    assert [name for name in COMMANDS if f" {name.replace('_', '-')} " not in result.output] == []


def test_no_option_takes_a_key():
    """A key on the command line could be read by every user of the machine."""
    assert re.findall(r"--[\w.-]*(?:key|token|secret|password)[\w.-]*", COMMAND_LINE) == []


@pytest.mark.parametrize("text", [PAGE, COMMAND_LINE])
def test_links_of_the_pages_lead_somewhere(text):
    """Every relative link is a file, every link inside the page a heading."""
    links = re.findall(r"\]\(([^):]+)\)", text)
    headings = {f"#{h.strip('`').lower()}" for h in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}

    assert links
    assert [
        link
        for link in links
        if not (link in headings if link.startswith("#") else (ROOT / "docs" / link).exists())
    ] == []
