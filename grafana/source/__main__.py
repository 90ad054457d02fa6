"""Write every dashboard to grafana/dashboards."""

from __future__ import annotations

from pathlib import Path

from grafana.source.board import as_json
from grafana.source.boards import BOARDS

FOLDER = Path(__file__).parent.parent / "dashboards"

for build in BOARDS:
    board = build()
    (FOLDER / f"{board.uid}.json").write_text(as_json(board), encoding="utf-8")
