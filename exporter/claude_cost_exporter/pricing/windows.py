"""The context windows of the usage report, as bounds on the prompt of each request (floor 1)."""

from __future__ import annotations

SHORT_CONTEXT = "0-200k"
LONG_CONTEXT = "200k-1M"
SHORT_CONTEXT_TOKENS = 200_000
"""The longest prompt of a short context: input, cache reads and cache writes together."""

UNKNOWN = ""


def window_of(context_window: str, prompt_tokens: int | None) -> str:
    """Return the context window as far as it is known, else `UNKNOWN`.

    An aggregated row has no prompt length: its token count says nothing about its requests.
    """
    if context_window not in (UNKNOWN, "unknown"):
        return context_window
    if prompt_tokens is None:
        return UNKNOWN
    return SHORT_CONTEXT if prompt_tokens <= SHORT_CONTEXT_TOKENS else LONG_CONTEXT


def is_above(limit: int, context_window: str, prompt_tokens: int | None) -> bool | None:
    """Tell whether the prompt of each request is longer than `limit`; None: that is not known."""
    if prompt_tokens is not None:
        return prompt_tokens > limit
    if context_window == LONG_CONTEXT and limit <= SHORT_CONTEXT_TOKENS:
        return True
    if context_window == SHORT_CONTEXT and limit >= SHORT_CONTEXT_TOKENS:
        return False
    return None
