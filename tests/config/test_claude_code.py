"""The claude_code block of an account."""

from __future__ import annotations

import pytest

from claude_cost_exporter.cli.wiring import SOURCE_TYPES
from claude_cost_exporter.config.load import load
from claude_cost_exporter.errors import ConfigError
from claude_cost_exporter.pricing.overrides import Override


def block(text):
    document = f"sources: [{{type: anthropic, account: acme, admin_key_env: KEY{text}}}]"
    return load(document, SOURCE_TYPES, Override).sources[0].claude_code


@pytest.mark.parametrize(
    ("text", "users", "most"),
    [
        ("", "hashed", 100),
        (", claude_code: {}", "hashed", 100),
        (", claude_code: {users: shown, max_users: 300}", "shown", 300),
        (", claude_code: {users: off}", "off", 100),
        (", claude_code: {users: 'off'}", "off", 100),
    ],
)
def test_users_are_hashed_unless_said_otherwise(text, users, most):
    """Names are shown by opt-in only; `off` is a word, although YAML takes it for false."""
    found = block(text)
    assert (found.users, found.max_users) == (users, most)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (", claude_code: {users: on}", r"sources\[0\]\.claude_code\.users"),
        (", claude_code: {users: false}", r"sources\[0\]\.claude_code\.users"),
        (", claude_code: {max_users: 0}", r"sources\[0\]\.claude_code\.max_users"),
        (", claude_code: {user: shown}", r"sources\[0\]\.claude_code\.user: unknown key.*users"),
        (", claude_code: shown", r"sources\[0\]\.claude_code"),
    ],
)
def test_mistakes_are_named(text, problem):
    """A mistake in the block is an error at start, with its path."""
    with pytest.raises(ConfigError, match=problem):
        block(text)
