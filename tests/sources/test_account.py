"""An account's block in the configuration, and where its key comes from."""

from __future__ import annotations

import sys
from datetime import timedelta

import pytest

from claude_cost_exporter.errors import UnauthorizedError
from claude_cost_exporter.sources import anthropic_config
from claude_cost_exporter.sources.anthropic import AnthropicConfig, read_key
from claude_cost_exporter.sources.secrets import Secret
from tests.support.api import KEY


def block(**settings):
    return AnthropicConfig(**{"type": "anthropic", "account": "acme", **settings})


def printing(text, status=0):
    """Return a command that prints `text` to both outputs and ends with `status`."""
    code = f"import sys; print({text!r}); print({text!r}, file=sys.stderr); sys.exit({status})"
    return [sys.executable, "-c", code]


def refusal(environment=None, **settings):
    with pytest.raises(UnauthorizedError) as caught:
        read_key(block(**settings), environment or {})
    return str(caught.value)


def test_a_key_is_read_from_a_file(tmp_path):
    """The file holds the key and nothing else; white space around it does not matter."""
    (tmp_path / "key").write_text(f"  {KEY}\n")
    assert read_key(block(admin_key_file=str(tmp_path / "key")), {}).reveal() == KEY


def test_a_key_is_read_from_the_environment():
    """The setting names the variable."""
    assert read_key(block(admin_key_env="NAME"), {"NAME": KEY}).reveal() == KEY


def test_a_key_is_read_from_a_command():
    """What the command prints to its standard output is the key."""
    assert read_key(block(admin_key_command=printing(KEY)), {}).reveal() == KEY


def test_a_missing_file_is_named(tmp_path):
    """The error says which account, which file, and what is wrong with it."""
    said = refusal(admin_key_file=str(tmp_path / "none"))
    assert said == (
        f"account acme: cannot read the key from admin_key_file {tmp_path}/none: "
        "No such file or directory"
    )


def test_an_impossible_file_name_is_an_error_of_the_setting():
    """A name that no file can have is no crash."""
    assert "cannot read the key from admin_key_file" in refusal(admin_key_file="a\0b")


def test_a_variable_that_is_not_set_is_named():
    """The error names the variable and says whether it is empty, as after a failed $(cat ...)."""
    variable = "account acme: environment variable NAME"
    assert refusal(admin_key_env="NAME") == f"{variable} is not set"
    assert refusal({"NAME": ""}, admin_key_env="NAME") == f"{variable} is empty"


def test_a_failing_command_is_named_without_what_it_printed():
    """The error has the command's name and exit code, and nothing that it printed."""
    said = refusal(admin_key_command=printing(KEY, status=3))
    assert said.endswith("it failed with exit code 3")
    assert KEY not in said


def test_a_slow_command_is_given_up(monkeypatch):
    """A command that hangs, after having printed the key or not, is ended."""
    monkeypatch.setattr(anthropic_config, "COMMAND_SECONDS", 0.2)
    code = f"import time; print({KEY!r}, flush=True); time.sleep(60)"
    said = refusal(admin_key_command=[sys.executable, "-c", code])
    assert said.endswith("it took longer than 0.2 s")
    assert KEY not in said


ODD = {
    "two words": f"{KEY} {KEY}",
    "a comment": f"# the key\n{KEY}",
    "a control character": f"{KEY}\x00",
    "an escape": f"{KEY[:20]}\x1b{KEY[20:]}",
    "a byte order mark": f"\ufeff{KEY}",
    "a typographic dash": KEY.replace("-", "\u2013"),
    "quotes": f'"{KEY}"',
    "a header": f"{KEY}\r\nx-evil: 1",
}


@pytest.mark.parametrize("text", ODD.values(), ids=list(ODD))
def test_a_key_of_odd_characters_is_refused_before_any_request(text):
    """What cannot be a key never reaches a header; the error shows where, not what it is."""
    said = refusal({"NAME": text}, admin_key_env="NAME")
    assert "environment variable NAME holds more than a key: character " in said
    assert not any(KEY[at : at + 12] in said for at in range(len(KEY) - 11))


def test_a_key_that_is_too_short_is_refused():
    """A word of a few letters is a mistake, and masking it would spoil every answer."""
    said = refusal({"NAME": "1"}, admin_key_env="NAME")
    assert said == "account acme: environment variable NAME holds 1 characters; keys are longer"


def test_a_secret_shows_itself_to_nobody():
    """Neither repr, str, format nor pickle give the value away."""
    secret = Secret(KEY)
    assert {repr(secret), str(secret), f"{secret}"} == {"Secret(***)"}
    assert KEY not in repr([secret, {"key": secret}])
    with pytest.raises(TypeError, match="a Secret is not pickled"):
        secret.__reduce__()


def test_no_part_of_a_secret_is_printable():
    """Text is shown without the key, and without any longer piece of its secret part."""
    secret = Secret(KEY)
    part = KEY.removeprefix("sk-ant-admin01-")
    for text in (KEY, part, part[5:25], f"a{part[:15]}b{part[-15:]}c", KEY * 50):
        shown = secret.printable(text)
        assert "***" in shown
        assert not any(part[at : at + 12] in shown for at in range(len(part) - 11))
    assert secret.printable("use sk-ant-admin01-... keys") == "use sk-ant-admin01-... keys"


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:1", "https://api.example.test/x"],
)
def test_a_good_base_url_is_accepted(url):
    """Plain http is for loopback, https for all hosts."""
    assert list(block(admin_key_env="K", base_url=url).problems()) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.test",
        "http://127.0.0.1.example.test",
        "http://10.0.0.1",
        "http://0.0.0.0:1",
        "ftp://localhost",
        "HTTP://EXAMPLE.TEST",
    ],
)
def test_plain_http_is_refused_for_other_hosts(url):
    """A key is not sent in clear to a host that is not this machine."""
    ((keys, sentence),) = block(admin_key_env="K", base_url=url).problems()
    assert keys == ("base_url",)
    assert sentence.startswith(f"{url} is not https; a key goes unencrypted to this machine only")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "api.example.test",
        "https://[bad",
        "https://host:99999",
        "https://host:0",
        "https://user:pass@host",
        "http://127.0.0.1@example.test",
        "https://host?a=b",
        "https://host#x",
        "https://a b",
        "https://a\x00b",
    ],
)
def test_a_base_url_of_another_form_is_refused(url):
    """What is no URL, or has a user, a query or a fragment, is a problem of the setting."""
    ((keys, sentence),) = block(admin_key_env="K", base_url=url).problems()
    assert keys == ("base_url",)
    assert " is not https://HOST[:PORT][/PATH]" in sentence
    assert "pass" not in sentence.replace("a URL with a password", "")


def test_polling_faster_than_allowed_is_for_loopback_only():
    """Anthropic allows one poll a minute; a simulator may be asked faster."""
    fast = timedelta(seconds=5)
    ((keys, sentence),) = block(admin_key_env="K", poll_interval=fast).problems()
    assert keys[0] == "poll_interval"
    assert sentence.startswith("5s is less than 60s")
    local = block(admin_key_env="K", poll_interval=fast, base_url="http://localhost:1")
    assert list(local.problems()) == []


@pytest.mark.parametrize(
    ("settings", "key", "words"),
    [
        ({}, "admin_key_file", "is needed; none is given"),
        (
            {"admin_key_env": "A", "admin_key_file": "b"},
            "admin_key_file",
            "these are given: admin_key_file, admin_key_env",
        ),
        ({"admin_key_command": []}, "admin_key_file", "is needed; none is given"),
        ({"admin_key_env": "A", "account": "a b"}, "account", "'a b' is not"),
        ({"admin_key_env": "A", "account": "a\n"}, "account", "'a\\n' is not"),
        ({"admin_key_env": "A", "history": timedelta(days=-1)}, "history", "not between 0d and"),
    ],
)
def test_what_is_wrong_with_a_block_is_said(settings, key, words):
    """Each problem has the setting that it is about."""
    ((keys, sentence),) = block(**settings).problems()
    assert keys[0] == key
    assert words in sentence
