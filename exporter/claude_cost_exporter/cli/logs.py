"""Log lines in logfmt or JSON on standard error."""

from __future__ import annotations

import logging
import sys

import structlog

LEVELS = {"debug": 10, "info": 20, "warn": 30, "error": 40}


def configure(level: str, style: str) -> None:
    """Set level (debug, info, warn, error) and format (logfmt, json) for the whole process.

    Every command does: structlog's own way prints the variables of a traceback, keys among them.
    """
    renderer = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.processors.LogfmtRenderer(key_order=["ts", "level", "msg"])
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", key="ts"),
            structlog.processors.EventRenamer("msg"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    for name in ("alembic", "httpx", "httpcore"):  # httpcore would log headers
        logging.getLogger(name).setLevel(logging.WARNING)
