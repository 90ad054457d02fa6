"""`price`: what usage rows cost at list prices, exactly."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from claude_cost_exporter.errors import ExporterError

if TYPE_CHECKING:
    from collections.abc import Iterator

InputOption = Annotated[
    Path,
    typer.Option(
        "--input",
        metavar="ROWS.jsonl",
        help="File with one JSON object per line; - is standard input.",
    ),
]


def command(rows: InputOption) -> None:
    """Print what usage rows cost at list prices, to the last decimal.

    A row is a JSON object on one line: `date`, the UTC day whose prices hold,
    `model`, and the fields of the Admin API's usage report:

      uncached_input_tokens, output_tokens, cache_read_input_tokens,
      cache_creation: {ephemeral_5m_input_tokens, ephemeral_1h_input_tokens},
      server_tool_use: {web_search_requests},
      service_tier, context_window, inference_geo, speed

    Missing counts are 0; missing dimensions are standard, 0-200k, global and
    standard. A row may sum up many requests. For a single one, give its prompt
    length as `prompt_tokens`: some prices depend on it.

    Example:
      echo '{"date":"2026-11-22","model":"claude-opus-5","output_tokens":900}' |
        claude-cost-exporter price --input -

    Each row gives one line (here without the components that are 0):
      {"cost_usd":"0.0225","reason":null,"components":{"output":"0.0225"}}

    Without a price, cost_usd is null, never 0, and reason says why. Beside a
    cost, the reason lower_bound says that long prompts would cost more. A line
    that cannot be read ends the command, after the rows before it have been
    printed.

    Exit codes: 0 every row was read, 1 a line or the file cannot be read, 2 wrong command line.
    """
    from claude_cost_exporter.cli.logs import configure
    from claude_cost_exporter.pricing.book import PriceBook
    from claude_cost_exporter.pricing.rows import price_lines

    configure("warn", "logfmt")
    book = PriceBook.packaged()
    with _opened(rows) as (name, lines):
        for line in price_lines(book, name, lines, warn=_warn):
            typer.echo(line)


def _warn(sentence: str) -> None:
    typer.echo(f"warning: {sentence}", err=True)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[str, BinaryIO]]:
    """Open a file or standard input, with its name for messages."""
    if str(path) == "-":
        yield "standard input", sys.stdin.buffer
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise ExporterError(f"--input {path} cannot be opened: {error.strerror}") from error
    with file:
        yield str(path), file
