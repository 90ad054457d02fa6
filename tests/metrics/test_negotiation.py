"""What scrapers and browsers ask for, and what they get."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_cost_exporter.metrics.exposition import Format
from claude_cost_exporter.metrics.negotiation import accepts_gzip, choose_format

TEXT, TEXT_1, OPENMETRICS = Format.TEXT_0_0_4, Format.TEXT_1_0_0, Format.OPENMETRICS

ACCEPTS = {
    # what these programs were seen to send
    "Prometheus 2.42": (
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
            "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
        ),
        OPENMETRICS,
    ),
    "Prometheus 3.5": (
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/"
            "openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
            "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
        ),
        OPENMETRICS,
    ),
    "Prometheus 3 with native histograms": (
        (
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding="
            "delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
            "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;"
            "escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
        ),
        OPENMETRICS,
    ),
    "scrape_protocols: [PrometheusText1.0.0]": (
        "text/plain;version=1.0.0;escaping=underscores;q=0.2,*/*;q=0.1",
        TEXT_1,
    ),
    "scrape_protocols: [PrometheusText0.0.4]": ("text/plain;version=0.0.4;q=0.2,*/*;q=0.1", TEXT),
    "curl": ("*/*", TEXT),
    "Firefox": ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT),
    "nothing": ("", TEXT),
    # what could be sent
    "the higher weight wins": ("application/openmetrics-text;q=0.1,text/plain;q=0.9", TEXT),
    "of equal weights the first wins": ("text/plain,application/openmetrics-text", TEXT),
    "no version": ("application/openmetrics-text", OPENMETRICS),
    "an old version only": ("application/openmetrics-text; version=0.0.1", TEXT),
    "a future version": ("application/openmetrics-text; version=2.0.0, text/plain;q=0.1", TEXT),
    "capitals and spaces": (" Application/OpenMetrics-Text ; Version=1.0.0 ; Q=1 ", OPENMETRICS),
    "quotes": ('text/plain; version="1.0.0"', TEXT_1),
    "refused with q=0": ("application/openmetrics-text;q=0", TEXT),
    "a weight that is none": ("application/openmetrics-text;q=high,text/plain;q=0.1", TEXT),
    "not a number": ("application/openmetrics-text;q=nan", TEXT),
    "a parameter without a value": ("text/plain;version;q", TEXT),
    "broken": (";;,,=;q==,/", TEXT),
}


@pytest.mark.parametrize(("accept", "expected"), ACCEPTS.values(), ids=ACCEPTS.keys())
def test_format_is_what_was_asked_for(accept, expected):
    """The acceptable format with the highest weight is chosen, text 0.0.4 in doubt."""
    assert choose_format(accept) is expected


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("deflate;q=1, gzip;q=0.5", True),
        ("*", True),
        ("GZIP", True),
        ("", False),
        ("identity", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("gzip;q=", False),
        (";,;q", False),
    ],
)
def test_gzip_is_sent_to_those_who_accept_it(accept_encoding, expected):
    """A gzip body goes to clients that say they read it, and to nobody else."""
    assert accepts_gzip(accept_encoding) is expected


@given(st.text())
def test_any_header_is_understood_somehow(header):
    """No header makes the negotiation fail."""
    assert choose_format(header) in Format
    assert accepts_gzip(header) in (True, False)


def test_content_types_say_what_is_sent():
    """Each Content-Type is one that Prometheus knows; names need no escaping in any of them."""
    assert [form.value for form in Format] == [
        "text/plain; version=0.0.4; charset=utf-8",
        "text/plain; version=1.0.0; charset=utf-8; escaping=underscores",
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
    ]
