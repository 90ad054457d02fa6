"""`python -m claude_cost_exporter` is the same as the `claude-cost-exporter` command."""

from claude_cost_exporter.cli import main

if __name__ == "__main__":
    main()
