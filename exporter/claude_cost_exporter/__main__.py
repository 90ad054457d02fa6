"""The program: `python -m claude_cost_exporter` is the same as `claude-cost-exporter`."""

import sys


def main() -> None:
    """Run the command line; of `status`, which a bar runs every few seconds, only what it needs."""
    if sys.argv[1:2] == ["status"]:
        from claude_cost_exporter.report.bar import quick  # noqa: PLC0415 - only for `status`

        if (code := quick(sys.argv[2:])) is not None:
            sys.exit(code)
    from claude_cost_exporter.cli import main as whole  # noqa: PLC0415 - after what is quick

    whole()


if __name__ == "__main__":
    main()
