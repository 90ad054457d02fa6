"""The routes over real sockets: what each path and method answers."""

from __future__ import annotations

import gzip

import pytest

from claude_cost_exporter.metrics.exposition import Format
from claude_cost_exporter.web.connections import Limits
from tests.support.served import publish


@pytest.mark.parametrize("form", Format)
def test_metrics_are_answered_as_asked(served, small, form):
    """Each format comes with its Content-Type and length, plain and compressed."""
    accept = {"accept": form.value}
    status, headers, body = served.ask(headers=accept)
    assert (status, headers["content-type"]) == (200, form.value)
    assert body == small.exposition.body(form).plain
    assert int(headers["content-length"]) == len(body)
    assert headers["vary"] == "accept, accept-encoding"
    status, headers, packed = served.ask(headers=accept | {"accept-encoding": "gzip"})
    assert (status, headers["content-encoding"]) == (200, "gzip")
    assert int(headers["content-length"]) == len(packed)
    assert gzip.decompress(packed) == body


def test_several_header_lines_are_one_list(served):
    """Accept may be sent in several lines; all of them count."""
    client = served.connect(
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n"
        b"Accept: application/openmetrics-text\r\n\r\n"
    )
    answer = client.makefile("rb").read()
    client.close()
    assert b"content-type: application/openmetrics-text" in answer


def test_a_large_body_arrives_whole(serving, large):
    """Thousands of slices arrive in order: 17 MB are what was rendered."""
    served = serving(large)
    assert served.ask()[2] == large.exposition.text.plain
    packed = served.ask(headers={"accept-encoding": "gzip"})[2]
    assert packed == large.exposition.text.compressed


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready"])
def test_head_answers_like_get_without_a_body(served, path):
    """HEAD has status and headers of GET, the length included, and no body."""
    status, headers, body = served.ask("HEAD", path)
    _, of_get, page = served.ask("GET", path)
    assert (status, body) == (200, b"")
    assert headers["content-length"] == of_get["content-length"] == str(len(page))
    assert headers["content-type"] == of_get["content-type"]


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_not_allowed(served, path, method):
    """Nothing can be changed here: 405, with what is allowed instead."""
    status, headers, _ = served.ask(method, path)
    assert status == 405
    assert set(headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize("path", ["/nope", "/metrics/", "/metrics/x", "//", "/-/", "/%00", "/?x=/"])
def test_unknown_paths_are_not_found(served, small, path):
    """Only the paths that exist answer with something; a query changes nothing."""
    status, headers, body = served.ask(path=path)
    if path == "/?x=/":
        assert (status, body) == (200, small.status_page)
    else:
        assert status == 404
        assert body.endswith(b"there are /, /metrics, /-/healthy, /-/ready\n")
        assert headers["content-type"] == "text/plain; charset=utf-8"


def test_health_needs_no_data(serving):
    """Before anything was rendered the process is healthy, not ready, and has no metrics."""
    served = serving(None)
    assert served.ask(path="/-/healthy")[::2] == (200, b"healthy\n")
    assert served.ask(path="/-/ready")[0] == 503
    assert served.ask(path="/metrics")[0] == 503
    assert served.ask(path="/")[0] == 503


def test_readiness_follows_the_publication(serving):
    """Not ready until the publication says so."""
    served = serving(publish(ready=False))
    status, _, body = served.ask(path="/-/ready")
    assert (status, body) == (503, b"waiting for the first attempt of every source\n")
    served.publication = publish(ready=True)
    assert served.ask(path="/-/ready")[::2] == (200, b"ready\n")


def test_the_status_page_runs_no_scripts(served, small):
    """The browser is told to run and to load nothing, whatever a name may contain."""
    _, headers, body = served.ask(path="/")
    assert body == small.status_page
    assert headers["content-type"] == "text/html; charset=utf-8"
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert headers["content-security-policy"] == policy
    assert headers["x-content-type-options"] == "nosniff"


def test_a_connection_serves_many_scrapes(served):
    """A scraper may keep its connection between scrapes that are a minute apart."""
    client = served.connect()
    answers = client.makefile("rb")
    for _ in range(3):
        client.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answers.readline() == b"HTTP/1.1 200 OK\r\n"
        while answers.readline() != b"\r\n":
            pass
        assert answers.readline() == b"healthy\n"
    client.close()
    assert Limits().idle_seconds > 60


def test_a_defect_is_answered_and_logged(serving, capsys):
    """When answering fails the client gets a 500, and the log the reason."""
    served = serving("not a publication")
    status, _, body = served.ask()
    assert (status, body) == (500, b"the exporter failed to answer; its log says why\n")
    logged = "".join(capsys.readouterr())
    assert "request failed" in logged
    assert "'str' object has no attribute 'exposition'" in logged
