"""The exporter as a program: its ledger, its memory and its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.source.links import HEALTH, RECONCILIATION
from grafana.source.look import A_MINUTE, BYTES, COUNT, above
from grafana.source.panels import About, Query, trend
from grafana.source.promql import pick, rate, total
from grafana.source.tables import Column, Key, rows

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import table, timeseries


SELECTED = 'account=~"$account"'


def own(name: str, *matchers: str) -> str:
    """Return a selector of what the exporter says about itself."""
    return pick(f"claude_cost_exporter_{name}", SELECTED, *matchers)


def ledger_and_memory() -> list[timeseries.Panel]:
    """Return what the exporter stores and holds."""
    written = About(
        "Ledger rows written, per minute",
        "New or changed rows. Nothing for hours with traffic going on means that usage is not "
        "read.",
        RECONCILIATION,
        8,
    )
    size = About(
        "Size of the ledger",
        "Grows with the number of models, keys and workspaces in use. Mind the disk.",
        HEALTH,
        8,
    )
    memory = About(
        "Memory of the exporter",
        "Resident memory. It depends on the number of series; a steady climb is a defect, please "
        "report it.",
        HEALTH,
        8,
    )
    rows_written = f"{total(rate(own('rows_upserted_total')), 'source')} * 60"
    resident = (
        "process_resident_memory_bytes and on (instance, job) claude_cost_exporter_build_info"
    )
    return [
        trend(written, COUNT, Query(rows_written, "{{source}}")),
        trend(size, BYTES, Query("max(claude_cost_exporter_ledger_size_bytes)", "ledger")),
        trend(memory, BYTES, Query(resident, "{{instance}}"), steps=above(512 * 2**20)),
    ]


def limits() -> list[table.Panel | timeseries.Panel]:
    """Return what is beyond what this version knows or keeps apart."""
    unknown = About(
        "Fields that this version does not know",
        "The provider has added something. Nothing is lost, but a newer exporter may read it.",
        HEALTH,
        8,
    )
    other = About(
        "Series beyond the cap, by family",
        "Which family is too large. Raise series_cap, or accept that the rest is other.",
        HEALTH,
        8,
    )
    polls = About(
        "Polls, per minute",
        "Good and bad. It should be flat: gaps are restarts or a machine that slept.",
        HEALTH,
        8,
    )
    fields = "sum by (source, field) (max without (instance, job) (claude_cost_exporter_"
    fields += "unknown_fields_total))"
    families = "max by (family) (claude_cost_exporter_series_dropped_total)"
    return [
        rows(
            unknown,
            {"source": Key("Source"), "field": Key("Field")},
            Column("Seen", fields, COUNT, above(1)),
            empty="every field is known",
        ),
        rows(
            other,
            {"family": Key("Family")},
            Column("Label sets", families, COUNT, above(1)),
            empty="no family is at its cap",
        ),
        trend(
            polls,
            A_MINUTE,
            Query(f"{total(rate(own('polls_total')), 'source')} * 60", "{{source}}"),
        ),
    ]
