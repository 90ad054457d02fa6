"""SIGTERM and Ctrl-C as an event that servers wait for."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Event


@contextmanager
def stopped_by_signals(stop: Event) -> Iterator[None]:
    """Set `stop` at SIGTERM and Ctrl-C, instead of ending the program."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
