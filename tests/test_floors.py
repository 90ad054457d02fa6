"""The rules that keep the code small and its floors apart, checked on every file."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "exporter" / "claude_cost_exporter"

MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_A_FUNCTION = 40

# Written so that no pattern matches its own text.
REGISTRY_HOST = (
    r"pypi[.]org|pythonho[s]ted|npmjs[.]|deb[.]debian|archive[.]ubuntu|proxy[.]golang|repo1[.]maven"
)
MACHINE_PATH = r"(?<![\w.])/(?:wor[k]|far[m]|roo[t])/"

CHANGING_METHODS = {
    *("add", "append", "appendleft", "clear", "discard", "extend"),
    *("insert", "pop", "popitem", "remove", "setdefault", "update"),
}
INSTRUMENTS = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum", "CollectorRegistry"}


@pytest.fixture(scope="module")
def package():
    """The text of every file of the package, by its path in the repository."""
    files = sorted(PACKAGE.rglob("*.py"))
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in files}


def functions(text):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]


def length(function):
    """Count the lines of a function from `def` to its end, the docstring not counted."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        lines -= docstring.end_lineno - docstring.lineno + 1
    return lines


def changes(tree):
    """Yield the name of each object that the code changes in place, and the line."""
    for node in ast.walk(tree):
        changed = None
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            changed = node.value
        elif isinstance(node, ast.AugAssign):
            changed = node.target
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            changed = node.func.value if node.func.attr in CHANGING_METHODS else None
        if isinstance(changed, ast.Name):
            yield changed.id, node.lineno


def module_state(text):
    """Yield what is wrong with a module's constants: one that changes, or an instrument."""
    tree = ast.parse(text)
    assigned = [node for node in tree.body if isinstance(node, (ast.Assign, ast.AnnAssign))]
    targets = [node.targets if isinstance(node, ast.Assign) else [node.target] for node in assigned]
    constants = {target.id for group in targets for target in group if isinstance(target, ast.Name)}
    for name, line in changes(tree):
        if name in constants and name.isupper():
            yield f"{name} changes in line {line}"
    for node in assigned:
        if isinstance(node.value, ast.Call):
            made = ast.unparse(node.value.func).rpartition(".")[2]
            if made in INSTRUMENTS:
                yield f"{made} in line {node.lineno}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield f"global in line {node.lineno}"


def lint_imports(root):
    """Check the contracts of a tree."""
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "exporter")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_floors_are_kept():
    """Every import points downwards, and foreign libraries stay behind their one file."""
    checked = lint_imports(ROOT)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_new_module_is_in_every_contract(tmp_path):
    """A module that was just added has no floor yet, and may import no foreign library."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(PACKAGE, tmp_path / "exporter" / PACKAGE.name)
    stray = "import httpx\nimport prometheus_client\nimport tenacity\n"
    (tmp_path / "exporter" / PACKAGE.name / "stray.py").write_text(stray)
    checked = lint_imports(tmp_path)

    assert checked.returncode != 0
    assert "KEPT" not in checked.stdout
    for found in ("httpx", "prometheus_client", "tenacity"):
        assert f"stray -> {found} " in checked.stdout


def test_files_are_short(package):
    """A file of the package can be read in one sitting."""
    lines = {
        name: len(text.splitlines())
        for name, text in package.items()
        if "/migrations/versions/" not in name  # generated: a schema, not a thought
    }

    assert lines
    assert {name: count for name, count in lines.items() if count > MOST_LINES_OF_A_FILE} == {}


@pytest.mark.parametrize("folder", ["grafana/source", "scripts", "benchmarks", "tests"])
def test_files_beside_the_package_are_short(folder):
    """What makes dashboards, checks, measures and tests is written like the package."""
    paths = sorted((ROOT / folder).rglob("*.py"))
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in paths
    }

    assert lines
    assert {name: count for name, count in lines.items() if count > MOST_LINES_OF_A_FILE} == {}


def test_functions_are_short(package):
    """A function of the package fits on a screen."""
    long = {
        f"{name}:{node.lineno} {node.name}": length(node)
        for name, text in package.items()
        if "/migrations/versions/" not in name  # generated: a schema, not a thought
        for node in functions(text)
        if length(node) > MOST_LINES_OF_A_FUNCTION
    }

    assert long == {}


def test_no_state_lives_in_modules(package):
    """Instances hold state: a constant of a module never changes, and is no instrument."""
    assert [
        f"{name}: {what}" for name, text in package.items() for what in module_state(text)
    ] == []


@pytest.mark.parametrize(
    "text",
    [
        "SEEN = {}\ndef f(x):\n    SEEN[x] = 1\n",
        "SEEN = []\ndef f(x):\n    SEEN.append(x)\n",
        "COUNT = 0\ndef f():\n    global COUNT\n    COUNT += 1\n",
        "requests = prometheus_client.Counter('requests', 'Requests.')\n",
    ],
)
def test_state_in_a_module_is_noticed(text):
    """The check of module state sees each way of keeping some."""
    assert list(module_state(text)) != []


def test_no_provider_is_special_outside_sources(package):
    """What differs between providers is in their sources; nobody else asks which one it is."""
    asking = re.compile(r"\bif .*\bprovider\b *(==|!=|in) ")

    assert [
        name for name, text in package.items() if "/sources/" not in name and asking.search(text)
    ] == []


def test_tests_say_what_they_show():
    """Every test has a docstring whose first line is a sentence."""
    silent = [
        f"{path.relative_to(ROOT)} {node.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in functions(path.read_text(encoding="utf-8"))
        if node.name.startswith("test_")
        and not (ast.get_docstring(node) or "").split("\n")[0].endswith(".")
    ]

    assert silent == []


def test_no_foreign_host_or_machine_path_is_tracked():
    """No tracked file names a package registry's host or a folder of somebody's machine."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    tracked = [name for name in listed.stdout.decode().split("\0") if (ROOT / name).is_file()]
    forbidden = re.compile(f"{REGISTRY_HOST}|{MACHINE_PATH}")

    assert tracked
    assert [
        f"{name}: {match[0]}"
        for name in tracked
        for match in forbidden.finditer((ROOT / name).read_text("utf-8", errors="replace"))
    ] == []


def test_locked_versions_cover_every_dependency():
    """constraints.txt has one exact version of everything that pyproject.toml asks for."""

    def plain(requirement):
        return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = project["dependencies"] + project["optional-dependencies"]["dev"]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    locked = [line for line in lines if not line.startswith("#")]

    assert [line for line in locked if not re.fullmatch(r"[\w.-]+==[\w.+]+", line)] == []
    assert {plain(one) for one in asked} - {plain(one) for one in locked} == set()
