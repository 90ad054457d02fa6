"""Rows ruled by hand: every model, date, modifier, stacking and trap, with what they cost."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from claude_cost_exporter.pricing.rows import CacheCreation, Row, ServerToolUse

STAIR = (1, 2, 3, 4, 5)
"""Millions of input, output, cache read, 5-minute and 1-hour writes: no two may be mixed up.

With Opus 5 at 5, 25, 0.50, 6.25 and 10 USD that is 5 + 50 + 1.50 + 25 + 50 = 131.50.
"""
INPUT, OUTPUT, READ, WRITE_5M, WRITE_1H = (
    (1, 0, 0, 0, 0),
    (0, 1, 0, 0, 0),
    (0, 0, 1, 0, 0),
    (0, 0, 0, 1, 0),
    (0, 0, 0, 0, 1),
)


class Case(NamedTuple):
    """A row, and what a person says it costs: a decimal, or the reason for no price."""

    day: str
    model: str
    expected: str
    millions: tuple[float, float, float, float, float] = STAIR
    tier: str = "standard"
    window: str = "0-200k"
    geo: str = "global"
    speed: str = "standard"
    prompt: int | None = None
    searches: int = 0

    def row(self) -> Row:
        """Return the case as the `price` command would read it."""
        i, o, r, w5, w1 = (round(m * 1_000_000) for m in self.millions)
        return Row(
            date=date.fromisoformat(self.day),
            model=self.model,
            service_tier=self.tier,
            context_window=self.window,
            inference_geo=self.geo,
            speed=self.speed,
            prompt_tokens=self.prompt,
            uncached_input_tokens=i,
            output_tokens=o,
            cache_read_input_tokens=r,
            cache_creation=CacheCreation(w5, w1),
            server_tool_use=ServerToolUse(self.searches),
        )


NOW = "2026-11-22"
LONG = "200k-1M"

LIST = [
    Case(NOW, "claude-fable-5-2", "208.6"),  # 8 + 80 + 0.60 + 40 + 80
    Case(NOW, "claude-mythos-5-2", "208.6"),
    Case(NOW, "claude-fable-5-1", "260.75"),  # 10 + 100 + 0.75 + 50 + 100
    Case(NOW, "claude-mythos-5-1", "260.75"),
    Case(NOW, "claude-fable-5", "263"),  # 10 + 100 + 3 + 50 + 100
    Case(NOW, "claude-mythos-5", "263"),
    Case(NOW, "claude-opus-5-5", "104.6"),  # 4 + 40 + 0.60 + 20 + 40
    Case(NOW, "claude-opus-5", "131.5"),  # 5 + 50 + 1.50 + 25 + 50
    Case(NOW, "claude-opus-4-8", "131.5"),
    Case(NOW, "claude-opus-4-7", "131.5"),
    Case(NOW, "claude-opus-4-6", "131.5"),
    Case(NOW, "claude-opus-4-5-20251101", "131.5"),
    Case("2026-08-01", "claude-opus-4-1-20250805", "394.5"),  # 15 + 150 + 4.50 + 75 + 150
    Case("2026-06-01", "claude-opus-4-20250514", "394.5"),
    Case(NOW, "claude-sonnet-5-5", "52.3"),  # 2 + 20 + 0.30 + 10 + 20
    Case(NOW, "claude-sonnet-5", "52.6"),  # 2 + 20 + 0.60 + 10 + 20
    Case(NOW, "claude-sonnet-4-6", "78.9"),  # 3 + 30 + 0.90 + 15 + 30
    Case(NOW, "claude-sonnet-4-5-20250929", "78.9"),
    Case("2026-06-01", "claude-sonnet-4-20250514", "78.9"),
    Case("2026-02-01", "claude-3-7-sonnet-20250219", "78.9"),
    Case("2025-10-01", "claude-3-5-sonnet-20241022", "78.9"),
    Case("2025-10-01", "claude-3-5-sonnet-20240620", "78.9"),
    Case(NOW, "claude-haiku-5-5", "2.63", prompt=50_000),  # 0.10 + 1 + 0.03 + 0.50 + 1
    Case(NOW, "claude-haiku-4-5-20251001", "26.3"),  # 1 + 10 + 0.30 + 5 + 10
    Case("2026-02-01", "claude-3-5-haiku-20241022", "21.04"),  # 0.80 + 8 + 0.24 + 4 + 8
    Case("2026-04-01", "claude-3-haiku-20240307", "6.54"),  # 0.25 + 2.50 + 0.09 + 1.20 + 2.50
    Case("2025-12-01", "claude-3-opus-20240229", "394.5"),
]

ONE_TYPE = [
    Case(NOW, "claude-opus-5-5", "4", INPUT),
    Case(NOW, "claude-opus-5-5", "20", OUTPUT),
    Case(NOW, "claude-opus-5-5", "0.2", READ),  # 0.05 of the input rate
    Case(NOW, "claude-opus-5-5", "5", WRITE_5M),
    Case(NOW, "claude-opus-5-5", "8", WRITE_1H),
    Case(NOW, "claude-fable-5-2", "0.2", READ),  # 0.025 of it
    Case(NOW, "claude-fable-5-1", "0.25", READ),  # 0.025 of it
    Case(NOW, "claude-fable-5", "1", READ),  # 0.1 of it; a prefix of claude-fable-5-1
    Case(NOW, "claude-opus-5", "0.5", READ),  # a prefix of claude-opus-5-5
    Case(NOW, "claude-sonnet-5", "0.2", READ),  # a prefix of claude-sonnet-5-5
    Case(NOW, "claude-opus-4-5", "5", INPUT),  # not 15
    Case(NOW, "claude-opus-4-5", "25", OUTPUT),  # not 75
    Case(NOW, "claude-haiku-4-5", "1", INPUT),  # not 0.80
    Case(NOW, "claude-haiku-4-5", "5", OUTPUT),  # not 4
    Case("2026-04-01", "claude-3-haiku-20240307", "0.3", WRITE_5M),  # not 1.25 x 0.25
    Case("2026-04-01", "claude-3-haiku-20240307", "0.03", READ),  # not 0.1 x 0.25
]

DATES = [
    Case("2026-10-06", "claude-sonnet-5-5", "0.2", READ),
    Case("2026-10-07", "claude-sonnet-5-5", "0.1", READ),
    Case("2026-10-06", "claude-sonnet-5-5", "52.6"),
    Case("2026-09-01", "claude-sonnet-5", "52.6"),  # the rise to 3/15 was cancelled
    Case("2025-11-24", "claude-opus-4-5", "131.5"),
    Case("2025-11-23", "claude-opus-4-5", "before_first_price"),
    Case("2026-11-08", "claude-fable-5-2", "before_first_price"),
    Case("2026-11-09", "claude-fable-5-2", "208.6"),
    Case("2026-08-06", "claude-opus-4-1", "394.5"),  # retired: the last price stands
    Case("2027-02-01", "claude-opus-5", "131.5"),
]

BATCH_AND_GEO = [
    Case(NOW, "claude-opus-5", "65.75", tier="batch"),  # 131.50 / 2
    Case(NOW, "claude-opus-5", "5", WRITE_1H, tier="batch"),  # 1-hour writes are halved too
    Case(NOW, "claude-opus-5", "0.25", READ, tier="batch"),
    Case(NOW, "claude-haiku-4-5", "13.15", tier="batch"),
    Case("2026-04-01", "claude-3-haiku-20240307", "3.27", tier="batch"),
    Case(NOW, "claude-opus-5", "144.65", geo="us"),  # 131.50 x 1.1
    Case(NOW, "claude-opus-5", "0.55", READ, geo="us"),  # cache reads as well
    Case(NOW, "claude-sonnet-4-6", "86.79", geo="us"),  # 78.90 x 1.1
    Case(NOW, "claude-opus-5", "72.325", tier="batch", geo="us"),  # 131.50 x 0.5 x 1.1
    Case(NOW, "claude-opus-5", "131.5", geo="not_available"),
    Case(NOW, "claude-haiku-4-5", "26.3", geo="not_available"),
    Case(NOW, "claude-haiku-4-5", "26.3", geo="us"),  # before 4.6: the price does not change
    Case("2026-01-10", "claude-sonnet-4-5", "78.9", geo="us"),
]

FAST = [
    Case(NOW, "claude-opus-5", "263", speed="fast"),  # 131.50 x 2
    Case(NOW, "claude-opus-5", "1", READ, speed="fast"),  # cache reads as well
    Case(NOW, "claude-opus-5", "20", WRITE_1H, speed="fast"),
    Case(NOW, "claude-opus-5", "289.3", speed="fast", geo="us"),  # x 1.1
    Case(NOW, "claude-opus-5", "263", speed="fast", window=LONG),
    Case(NOW, "claude-opus-5-5", "209.2", speed="fast"),  # 104.60 x 2
    Case(NOW, "claude-fable-5-2", "417.2", speed="fast"),  # 208.60 x 2
    Case(NOW, "claude-mythos-5-2", "458.92", speed="fast", geo="us"),  # 208.60 x 2 x 1.1
    Case(NOW, "claude-opus-4-8", "263", speed="fast"),
    Case("2026-11-30", "claude-opus-4-8", "263", speed="fast"),  # its last day
    Case("2026-12-01", "claude-opus-4-8", "fast_not_offered", speed="fast"),
    Case("2026-02-07", "claude-opus-4-6", "789", speed="fast"),  # 131.50 x 6: 30/150
    Case("2026-06-28", "claude-opus-4-6", "789", speed="fast"),
    Case("2026-06-29", "claude-opus-4-6", "131.5", speed="fast"),  # billed as standard since
    Case(NOW, "claude-opus-4-6", "131.5", speed="fast"),
    Case("2026-02-06", "claude-opus-4-6", "fast_not_offered", speed="fast"),
    Case("2026-05-12", "claude-opus-4-7", "789", speed="fast"),
    Case("2026-07-24", "claude-opus-4-7", "789", speed="fast"),  # its last day
    Case("2026-07-25", "claude-opus-4-7", "fast_not_offered", speed="fast"),
    Case("2026-05-11", "claude-opus-4-7", "fast_not_offered", speed="fast"),
    Case(NOW, "claude-sonnet-5-5", "fast_not_offered", speed="fast"),
    Case(NOW, "claude-fable-5-1", "fast_not_offered", speed="fast"),
    Case(NOW, "claude-opus-5", "fast_with_batch", speed="fast", tier="batch"),
    Case(NOW, "claude-opus-5", "unknown_speed", speed=""),
]

FIRST_DAYS = [
    Case("2026-05-28", "claude-opus-4-8", "263", speed="fast"),
    Case("2026-07-24", "claude-opus-5", "263", speed="fast"),
    Case("2026-09-22", "claude-opus-5-5", "209.2", speed="fast"),
    Case("2026-11-09", "claude-fable-5-2", "417.2", speed="fast"),
    Case("2026-02-05", "claude-opus-4-6", "144.65", geo="us"),
    Case("2026-09-28", "claude-sonnet-5-5", "57.86", geo="us"),  # 52.60 x 1.1
    Case("2025-05-22", "claude-sonnet-4-0", "142.8", window=LONG),
    Case("2025-09-29", "claude-sonnet-4-5", "142.8", window=LONG),
]

LONG_CONTEXT = [
    Case("2026-03-12", "claude-sonnet-4-6", "142.8", window=LONG),
    # Input, reads and writes x 2, output x 1.5: 2 x (5 + 1.50 + 25 + 50) + 1.5 x 50 = 238.
    Case("2026-02-05", "claude-opus-4-6", "238", window=LONG),
    Case("2026-03-12", "claude-opus-4-6", "238", window=LONG),
    Case("2026-03-13", "claude-opus-4-6", "131.5", window=LONG),
    Case("2026-03-12", "claude-opus-4-6", "131.5"),
    Case("2026-03-12", "claude-opus-4-6", "37.5", OUTPUT, window=LONG),
    Case("2026-03-12", "claude-opus-4-6", "1", READ, window=LONG),
    Case("2026-03-12", "claude-opus-4-6", "261.8", window=LONG, geo="us"),  # 238 x 1.1
    Case("2026-03-12", "claude-opus-4-6", "130.9", window=LONG, geo="us", tier="batch"),
    # 2 x (3 + 0.90 + 15 + 30) + 1.5 x 30 = 142.80.
    Case("2026-02-17", "claude-sonnet-4-6", "142.8", window=LONG),
    Case("2026-03-13", "claude-sonnet-4-6", "78.9", window=LONG),
    Case("2026-03-20", "claude-sonnet-4-5", "142.8", window=LONG),
    Case("2026-04-30", "claude-sonnet-4-5", "142.8", window=LONG),
    Case("2026-05-01", "claude-sonnet-4-5", "long_context_not_offered", window=LONG),
    Case("2026-04-30", "claude-sonnet-4-20250514", "142.8", window=LONG),
    Case("2026-04-30", "claude-sonnet-4-20250514", "71.4", window=LONG, tier="batch"),
    # The prompt of a single request decides where the window is not given.
    Case("2026-03-20", "claude-sonnet-4-5", "78.9", window="", prompt=200_000),
    Case("2026-03-20", "claude-sonnet-4-5", "142.8", window="", prompt=200_001),
    Case("2026-03-20", "claude-sonnet-4-5", "context_window_conflict", prompt=200_001),
    # Fast and long: listed at 60/225 until 2026-02-21, flat 30/150 from then on.
    Case("2026-02-21", "claude-opus-4-6", "1428", window=LONG, speed="fast"),  # 238 x 6
    Case("2026-02-22", "claude-opus-4-6", "789", window=LONG, speed="fast"),
    Case("2026-02-22", "claude-opus-4-6", "150", OUTPUT, window=LONG, speed="fast"),
    Case(NOW, "claude-opus-5-5", "104.6", window=LONG),
    Case(NOW, "claude-fable-5-2", "208.6", window=LONG),
    Case(NOW, "claude-haiku-4-5", "long_context_not_offered", window=LONG),
]

HAIKU_BANDS = [
    Case(NOW, "claude-haiku-5-5", "2.63", prompt=100_000),
    Case(NOW, "claude-haiku-5-5", "13.15", prompt=100_001),  # five times everything
    Case(NOW, "claude-haiku-5-5", "2.5", OUTPUT, prompt=100_001),  # output included
    Case(NOW, "claude-haiku-5-5", "1.315", prompt=100_000, tier="batch"),
    Case(NOW, "claude-haiku-5-5", "6.575", prompt=100_001, tier="batch"),
    Case(NOW, "claude-haiku-5-5", "14.465", prompt=100_001, geo="us"),  # 13.15 x 1.1
    Case(NOW, "claude-haiku-5-5", "7.2325", prompt=100_001, geo="us", tier="batch"),
    Case(NOW, "claude-haiku-5-5", "13.15", window=LONG),  # more than 200k is more than 100k
    Case(NOW, "claude-haiku-5-5", "2.63"),  # a sum of many requests: the lower band
    Case(NOW, "claude-haiku-5-5", "26.3", (10, 20, 30, 40, 50)),  # however large the sum is
    Case("2026-10-06", "claude-haiku-5-5", "before_first_price", prompt=1),
]

UNPRICED = [
    Case(NOW, "claude-opus-6", "unknown_model"),
    Case(NOW, "claude-fable-5-3", "unknown_model"),
    Case(NOW, "claude-fable", "unknown_model"),
    Case(NOW, "claude-opus-4-8-20260528", "unknown_model"),  # no such id was ever published
    Case(NOW, "claude-haiku-4-5-20260101", "unknown_model"),
    Case(NOW, "gpt-5", "unknown_model"),
    Case(NOW, "claude-mythos-preview", "no_published_price"),
    Case(NOW, "claude-opus-5", "priority_tier", tier="priority"),
    Case(NOW, "claude-opus-5", "priority_tier", tier="priority_on_demand"),
    Case(NOW, "claude-opus-5", "flex_tier", tier="flex"),
    Case(NOW, "claude-opus-5", "flex_tier", tier="flex_discount"),
    Case(NOW, "claude-opus-5", "unknown_tier", tier="turbo"),
    Case(NOW, "claude-opus-5", "unknown_tier", tier=""),
    Case(NOW, "claude-opus-5", "unknown_geo", geo="eu"),
    Case(NOW, "claude-opus-5", "unknown_speed", speed="ludicrous"),
    Case(NOW, "claude-opus-5", "unknown_context_window", window="1M-2M"),
]

IDS = [
    Case(NOW, "claude-opus-4-8[1m]", "131.5"),
    Case(NOW, "anthropic/claude-opus-4-8", "131.5"),
    Case(NOW, "us.anthropic.claude-opus-4-5-20251101-v1:0", "131.5"),
    Case(NOW, "publishers/anthropic/models/claude-haiku-4-5@20251001", "26.3"),
    Case("2026-06-01", "claude-sonnet-4@20250514", "78.9"),
    Case("2026-06-01", "claude-sonnet-4-0", "78.9"),
    Case("2026-06-01", "claude-opus-4-0", "394.5"),
    Case(NOW, "claude-opus-4-6@default", "131.5"),
]

SEARCHES = [
    Case(NOW, "claude-opus-5", "131.57", searches=7),  # 0.01 each
    Case(NOW, "claude-opus-5", "289.37", searches=7, geo="us", speed="fast"),  # never multiplied
    Case(NOW, "claude-opus-5", "65.82", searches=7, tier="batch"),
    Case(NOW, "claude-opus-5", "10", (0, 0, 0, 0, 0), searches=1000),
]

SMALL = [
    Case(NOW, "claude-haiku-5-5", "0.0000001", (0.000001, 0, 0, 0, 0), prompt=1),
    # 1 token x 0.01 USD per million / 2 x 1.1
    Case(
        NOW,
        "claude-haiku-5-5",
        "0.0000000055",
        (0, 0, 0.000001, 0, 0),
        tier="batch",
        geo="us",
        prompt=1,
    ),
    # 1,234 x 5 + 567 x 25 + 89,012 x 0.50 + 345 x 6.25 + 678 x 10, per million:
    # 0.00617 + 0.014175 + 0.044506 + 0.00215625 + 0.00678
    Case(NOW, "claude-opus-5", "0.07378725", (0.001234, 0.000567, 0.089012, 0.000345, 0.000678)),
    Case(NOW, "claude-opus-5", "0", (0, 0, 0, 0, 0)),
]

CASES = [
    *LIST,
    *ONE_TYPE,
    *DATES,
    *BATCH_AND_GEO,
    *FAST,
    *FIRST_DAYS,
    *LONG_CONTEXT,
    *HAIKU_BANDS,
    *UNPRICED,
    *IDS,
    *SEARCHES,
    *SMALL,
]
