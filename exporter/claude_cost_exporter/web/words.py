"""What all parts of the page say in the same way (floor 5)."""

NOTHING = "–"  # noqa: RUF001 - a dash is meant
"""In the place of a figure that is not known."""
