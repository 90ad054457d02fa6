"""Tests that are named after what they show: a number of a list."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parent.parent


def functions(*, without=""):
    """Return every test function of the project, or those outside a folder of tests."""
    return [
        node
        for path in sorted(TESTS.rglob("test_*.py"))
        if not without or TESTS / without not in path.parents
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


def numbers(letter, nodes):
    """Return the numbers after which tests are named: `test_t7_...` has 7."""
    names = (re.match(rf"test_{letter}0*(\d+)_", node.name) for node in nodes)
    return {int(name[1]) for name in names if name}


def claims(letter, nodes):
    """Return by name the numbers with which docstrings begin, and those of the name."""
    found = defaultdict(tuple)
    for node in nodes:
        said = (ast.get_docstring(node) or "").split(":")[0]
        if claimed := set(re.findall(rf"\b{letter.upper()}(\d+)\b", said)):
            found[node.name] = claimed, {str(one) for one in numbers(letter, [node])}
    return found
