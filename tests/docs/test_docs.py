"""What is documented is what the code does."""

from __future__ import annotations

import pytest

from docs.generate import PAGES, ROOT, generated


@pytest.mark.parametrize("page", PAGES)
def test_generated_parts_are_current(page):
    """The generated tables equal what the code would generate now (`make docs`)."""
    assert (ROOT / page).read_text(encoding="utf-8") == generated(page)
