"""What `probe` asks, and what its JSON report answers."""

from __future__ import annotations

import json

QUESTIONS = [
    "organisation",
    "workspaces",
    "default workspace",
    "API keys",
    "usage by speed",
    "usage by price",
    "usage by workspace and key",
    "open hour at 1h",
    "usage by minute",
    "bill from analytics",
    "Claude Code",
    "spend limits",
    "rate limits",
    "month to date",
]


def accounts(result):
    """Return the accounts of a JSON report."""
    return json.loads(result.stdout)["accounts"]


def verdicts(result):
    """Return the verdict of every question about the only account."""
    (account,) = accounts(result)
    return {finding["question"]: finding["verdict"] for finding in account["findings"]}


def found(result, question):
    """Return one finding about the only account."""
    (account,) = accounts(result)
    return next(one for one in account["findings"] if one["question"] == question)
