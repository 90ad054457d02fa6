"""Rendering: the same bytes as prometheus_client, whatever the labels and values are."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client import exposition as text_exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.openmetrics import exposition as openmetrics_exposition

from claude_cost_exporter.catalogue import BY_NAME, CATALOGUE, Kind
from claude_cost_exporter.metrics.exposition import Format, Renderer, RenderError
from claude_cost_exporter.metrics.self_metrics import SelfMetrics
from claude_cost_exporter.samples import Sample

HOSTILE = ('"', "\\", "\n", '\\"', "\\n", "%", "%b", "{}", ",", "}", " ", "é", "🜛", "\u202e", "")
UP = "llm_source_up"
COST = "llm_cost_usd_total"
COST_LABELS = ("anthropic", "acme", "w", "m", "standard", "standard", "tokens", "input")

text = st.one_of(
    st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
)
counts = st.floats(min_value=0, allow_nan=False)


def samples_of(metric):
    """Samples of one family with different labels each."""
    labels = st.tuples(*[text] * len(metric.labels))
    value = counts if metric.kind is Kind.COUNTER else st.floats()
    return st.dictionaries(labels, value, max_size=4).map(
        lambda found: [Sample(metric.name, of, value) for of, value in found.items()]
    )


class Stock:
    """The same samples through prometheus_client's own classes."""

    def __init__(self, samples, own):
        self.samples, self.own = samples, own

    def collect(self):
        for metric in CATALOGUE:
            counts = metric.kind is Kind.COUNTER
            kind = CounterMetricFamily if counts else GaugeMetricFamily
            family = kind(metric.name, metric.help, labels=metric.labels)
            for name, labels, value in self.samples:
                if name == metric.name:
                    family.add_metric(labels, value)
            yield family
        yield from self.own.collect()


def registry():
    """Something small in the place of the exporter's own metrics."""
    registry = CollectorRegistry()
    Gauge("own", "Of the exporter's own.", registry=registry).set(3)
    return registry


def assert_stock(exposition, samples, own):
    stock = Stock(samples, own)
    for escaping in ("underscores", "allow-utf-8", "values"):  # text 0.0.4 is 1.0.0 underscored
        expected = text_exposition.generate_latest(stock, escaping)
        assert exposition.body(Format.TEXT_1_0_0).plain == expected
    assert exposition.body(Format.TEXT_0_0_4).plain == text_exposition.generate_latest(stock)
    expected = openmetrics_exposition.generate_latest(stock, version="1.0.0")
    assert exposition.body(Format.OPENMETRICS).plain == expected


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_every_family_is_rendered_as_prometheus_client_does(metric):
    """Text 0.0.4, text 1.0.0 and OpenMetrics are prometheus_client's, for any labels and values."""
    own = registry()

    @given(samples_of(metric))
    def check(samples):
        assert_stock(Renderer(own).render(samples), samples, own)

    check()


def test_all_families_together_are_rendered_as_prometheus_client_does():
    """A full exposition, in whatever order views yield it, is prometheus_client's too."""
    own = registry()
    samples = [
        Sample(metric.name, tuple(f"{label} {n}\n" for label in metric.labels), n * 1.5e9)
        for n in range(3)
        for metric in reversed(CATALOGUE)
        if n == 0 or metric.labels
    ]
    assert_stock(Renderer(own).render(samples), samples, own)


MEMBERS = st.sampled_from(["a", "b", "c"])
CHANGES = st.lists(st.dictionaries(MEMBERS, st.sampled_from([0.0, 1.0, 2.0]), max_size=3))


@given(CHANGES)
def test_what_was_rendered_before_leaves_no_trace(steps):
    """A renderer that has seen other samples renders what a new one would."""
    used = Renderer(registry())
    for step in steps:
        samples = [Sample(UP, ("anthropic", "acme", source), up) for source, up in step.items()]
        rendered, fresh = used.render(samples), Renderer(registry()).render(samples)
        for form in Format:
            assert rendered.body(form).plain == fresh.body(form).plain
            assert rendered.body(form).compressed == fresh.body(form).compressed


@given(st.lists(samples_of(BY_NAME[COST]), max_size=2))
def test_the_compressed_body_is_one_gzip_file_of_the_plain_body(batches):
    """Any gzip reader gets the plain bytes, from a single member with nothing behind it."""
    renderer = Renderer(SelfMetrics().registry)
    exposition = renderer.render(batches[-1] if batches else [])
    for form in Format:
        body = exposition.body(form)
        reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        assert reader.decompress(body.compressed) == body.plain == gzip.decompress(body.compressed)
        assert reader.eof
        assert reader.unused_data == b""


def test_what_does_not_change_is_not_made_again():
    """Blocks of unchanged families are the same objects; only the changed family has a new one."""
    renderer = Renderer(registry())
    cost = Sample(COST, COST_LABELS, 1)
    first = renderer.render([cost, Sample(UP, ("anthropic", "acme", "usage"), 1)])
    second = renderer.render([cost, Sample(UP, ("anthropic", "acme", "usage"), 0)])
    before = {id(part) for part in first.text.parts(compressed=True)}
    new = [part for part in second.text.parts(compressed=True) if id(part) not in before]
    assert len(new) == 3  # the family, the exporter's own metrics, the end with the checksum


def test_formats_share_their_sample_lines():
    """Text and OpenMetrics hold the lines once in memory, plain and compressed."""
    rendered = Renderer(registry()).render([Sample(COST, COST_LABELS, 1)])
    for compressed in (True, False):
        text_parts = {id(part) for part in rendered.text.parts(compressed=compressed)}
        both = [
            part
            for part in rendered.openmetrics.parts(compressed=compressed)
            if id(part) in text_parts
        ]
        assert len(both) >= len(CATALOGUE)


def test_no_created_series_are_rendered():
    """`_created` samples would double the series; neither format has any."""
    metrics = SelfMetrics()
    metrics.poll_finished("acme", "usage", 1.0, "parse")
    metrics.request_finished("acme", "usage", "200", 1.0)
    exposition = Renderer(metrics.registry).render([Sample(COST, COST_LABELS, 1)])
    for form in Format:
        assert b"claude_cost_exporter_polls_total" in exposition.body(form).plain
        assert b"_created" not in exposition.body(form).plain


@pytest.mark.parametrize("simulated", [True, False])
def test_simulated_data_are_marked(simulated):
    """Dashboards can tell the demo from an account that costs money."""
    metrics = SelfMetrics(simulated=simulated)
    exposition = Renderer(metrics.registry).render([])
    line = f"\nclaude_cost_exporter_simulated {float(simulated)}\n".encode()
    for form in Format:
        assert line in exposition.body(form).plain


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        ([Sample("llm_nonsense", (), 1)], "llm_nonsense is not in the catalogue"),
        (
            [Sample(UP, ("one", "two"), 1)],
            f"llm_source_up has the 3 labels {BY_NAME[UP].labels}, a sample has 2: ('one', 'two')",
        ),
        (
            [Sample(UP, ("anthropic", "acme", "usage"), n) for n in (1, 0)],
            "llm_source_up: two samples have the labels ('anthropic', 'acme', 'usage')",
        ),
        (
            [Sample(COST, COST_LABELS, -1)],
            f"llm_cost_usd_total: a counter cannot be -1 (labels {COST_LABELS})",
        ),
        (
            [Sample(COST, COST_LABELS, float("nan"))],
            f"llm_cost_usd_total: a counter cannot be nan (labels {COST_LABELS})",
        ),
    ],
    ids=["unknown", "labels", "twice", "negative", "nan"],
)
def test_a_broken_contract_is_an_error_that_names_the_metric(samples, sentence):
    """Samples that the catalogue does not allow are refused, and leave no trace."""
    renderer = Renderer(registry())
    good = [Sample(COST, COST_LABELS, 1), Sample(UP, ("anthropic", "acme", "usage"), 1)]
    renderer.render(good)
    with pytest.raises(RenderError) as raised:
        renderer.render(samples)
    assert str(raised.value) == sentence
    assert_stock(renderer.render(good), good, registry())
