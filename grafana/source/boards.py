"""Every dashboard that is shipped, in the order of its questions: general first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.source import (
    claude_code,
    claude_code_otel,
    forecast,
    health,
    models,
    overview,
    reconciliation,
    workspaces,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from grafana_foundation_sdk.models.dashboard import Dashboard

BOARDS: tuple[Callable[[], Dashboard], ...] = (
    overview.build,
    models.build,
    workspaces.build,
    forecast.build,
    reconciliation.build,
    claude_code.build,
    claude_code_otel.build,
    health.build,
)
