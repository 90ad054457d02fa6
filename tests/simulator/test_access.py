"""Keys, versions and headers of every answer."""

import pytest

from claude_cost_exporter.simulator import Request, Switches

VERSION = {"anthropic-version": "2023-06-01"}


def key(value):
    """Return headers with a key."""
    return {**VERSION, "x-api-key": value}


def test_missing_key(steady):
    """Without a key the answer is 401."""
    assert steady.refused("me", headers=VERSION, status=401)["type"] == "authentication_error"


def test_wrong_key(steady):
    """With something that is no key the answer is 401."""
    error = steady.refused("me", headers=key("hunter2"), status=401)
    assert error == {"type": "authentication_error", "message": "invalid x-api-key"}


def test_workspace_key(steady):
    """An ordinary API key is known but may not read: 403."""
    error = steady.refused("me", headers=key("sk-ant-api03-x"), status=403)
    assert error["type"] == "permission_error"


def test_configured_key(asker):
    """When one key is configured, other admin keys are refused."""
    asking = asker(switches=Switches(admin_key="sk-ant-admin01-only-this"))
    asking.get("me", headers=key("sk-ant-admin01-only-this"))
    asking.refused("me", headers=key("sk-ant-admin01-other"), status=401)


def test_other_kinds_of_keys(asker):
    """Which kinds of keys may read is a switch."""
    asking = asker(switches=Switches(key_kinds=("sk-ant-admin", "sk-ant-svc")))
    asking.get("me", headers=key("sk-ant-svc01-x"))


def test_bearer_token(asker):
    """A bearer token is accepted, unless the switch is off."""
    headers = {**VERSION, "authorization": "Bearer abc"}
    asker().get("me", headers=headers)
    asker().refused("me", headers={**VERSION, "authorization": "Basic abc"}, status=401)
    asker(switches=Switches(bearer=False)).refused("me", headers=headers, status=401)


def test_version_is_required(steady):
    """Without anthropic-version the answer is 400, with an unknown one too."""
    error = steady.refused("me", headers={"x-api-key": "sk-ant-admin01-x"})
    assert error["message"] == "anthropic-version: header is required"
    steady.refused("me", headers={**key("sk-ant-admin01-x"), "anthropic-version": "2020-01-01"})


@pytest.mark.parametrize("path", ["/", "/v1/messages", "/v1/organizations/workspaces/"])
def test_unknown_paths(steady, path):
    """Everything else is 404."""
    assert steady.refused(path, status=404)["type"] == "not_found_error"


def test_other_methods(steady):
    """Nothing can be written."""
    assert steady.send("me", method="POST").status == 405


def test_headers_of_an_answer(steady):
    """Answers carry the simulator's time and a request id of their own."""
    one, two = steady.send("me"), steady.send("me")
    assert one.header("Date") == "Tue, 24 Nov 2026 14:23:30 GMT"
    assert one.header("content-type") == "application/json"
    assert one.header("request-id").startswith("req_01")
    assert one.header("request-id") != two.header("request-id")


def test_clock_skew(asker):
    """With the switch the provider's clock is ahead of the machine's."""
    ahead = asker(switches=Switches(clock_skew_seconds=7200.0)).send("me")
    assert ahead.header("date") == "Tue, 24 Nov 2026 16:23:30 GMT"


def test_the_key_is_nowhere(steady):
    """Neither the request log nor a repr shows the key."""
    secret = "sk-ant-admin01-canary"
    steady.get("me", headers=key(secret))
    request = Request.parse("GET", "/v1/organizations/me?limit=1", key(secret))
    assert secret not in repr(list(steady.simulator.requests.entries))
    assert secret not in repr(request)
    assert request.query == (("limit", "1"),)
