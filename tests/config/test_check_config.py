"""`check-config` as a command: what it prints, what it warns of, and its exit code."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from claude_cost_exporter.cli import app
from tests.config.bad import GOOD, KEY


def check(path, **environment):
    return CliRunner().invoke(app, ["check-config", f"--config.file={path}"], env=environment)


def test_the_command_prints_the_problems(tmp_path):
    """One line each on standard output, without decoration, and exit code 2."""
    path = tmp_path / "config.yml"
    path.write_text(GOOD + "a: 1\nb: 2\n", encoding="utf-8")

    result = check(path)

    assert result.exit_code == 2
    assert [line.split(": ")[0] for line in result.stdout.splitlines()] == [
        "a",
        "b",
        "sources[0].admin_key_env",
    ]


def test_the_command_says_when_all_is_well(tmp_path):
    """The accounts are named, warnings go to standard error, and the exit code is 0."""
    key, path = tmp_path / "key", tmp_path / "config.yml"
    key.write_text(KEY, encoding="utf-8")
    key.chmod(0o640)
    second = f"{{type: anthropic, account: beta, admin_key_file: {key}}}"
    path.write_text(GOOD.rstrip("]\n") + f", {second}]", encoding="utf-8")

    result = check(path, KEY=KEY)

    assert result.exit_code == 0
    assert result.stdout == "ok: 2 account(s): acme, beta\n"
    assert result.stderr == (
        f"warning: account beta: admin_key_file {key} can be read by other users of this machine "
        "(mode 0640); chmod 600 it\n"
    )


def test_a_key_for_applications_is_warned_of(tmp_path):
    """What a workspace key begins with is said, and no more of it; Admin keys pass in silence."""
    path = tmp_path / "config.yml"
    path.write_text(GOOD, encoding="utf-8")

    ordinary, admin = check(path, KEY="sk-ant-api03-canary-0123456789"), check(path, KEY=KEY)

    assert (ordinary.exit_code, admin.exit_code, admin.stderr) == (0, 0, "")
    assert ordinary.stderr == (
        "warning: account acme: its key starts with sk-ant-api; an Admin key starts with "
        "sk-ant-admin\n"
    )


@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [
        ("missing.yml", None, "No such file or directory"),
        ("latin1.yml", b"time_zone: \xe4", "not UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, content, cause):
    """The sentence has the option, the path and the reason."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)

    result = check(path)

    assert result.exit_code == 2
    assert result.stdout == f"--config.file={path}: {cause}\n"
