"""The ``./dev`` script: every verb documented, standard library only, locks pinned by hash and free of hosts."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT

LOCKS = sorted(ROOT.glob("requirements*.lock"))
HELP = subprocess.run([sys.executable, ROOT / "dev", "help"], capture_output=True, text=True, check=True).stdout


def verbs() -> list[str]:
    source = (ROOT / "dev").read_text(encoding="utf-8")
    found = re.search(r"for verb in \(([\w, ]+)\)", source)
    assert found
    return found[1].split(", ")


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_is_in_the_help(verb: str) -> None:
    assert re.search(rf"^  {verb}\b.*  \S", HELP, re.MULTILINE)


def test_the_script_uses_the_standard_library_only() -> None:
    tree = ast.parse((ROOT / "dev").read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_a_wrong_verb_is_refused_in_words() -> None:
    done = subprocess.run([sys.executable, ROOT / "dev", "upp"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "there is no verb 'upp'" in done.stderr


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_every_package_by_hash_and_names_no_host(lock: object) -> None:
    text = (ROOT / str(lock)).read_text(encoding="utf-8")
    assert "://" not in text
    packages = [block for block in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE) if "==" in block]
    assert packages
    assert all("--hash=sha256:" in block for block in packages)


def test_all_locks_agree_on_every_version() -> None:
    pins: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, version in re.findall(r"^([a-z0-9-]+)==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE):
            pins.setdefault(name, set()).add(version)
    assert not {name: found for name, found in pins.items() if len(found) > 1}


def dev() -> Any:
    loader = SourceFileLoader("dev", str(ROOT / "dev"))
    spec = spec_from_loader("dev", loader)
    assert spec
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def a_python(folder: Path, says: str) -> Path:
    """A program of Python's name."""
    folder.mkdir()
    program = folder / "python{}.{}".format(*sys.version_info[:2])
    program.write_text(f"#!/bin/sh\n{says}\n")
    program.chmod(0o755)
    return program


def test_the_quickest_build_of_the_same_python_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = a_python(tmp_path / "quick", "echo /opt/quick; echo 0.000001")
    slow = a_python(tmp_path / "slow", "echo /opt/slow; echo 100.0")
    broken = a_python(tmp_path / "broken", "echo nothing at all; exit 1")
    script = dev()
    monkeypatch.setenv("PATH", f"{broken.parent}:{slow.parent}:{quick.parent}")
    assert script.quickest() == "/opt/quick"
    monkeypatch.setattr(script, "pace", lambda python: (100.0, "/opt/slow") if str(slow) in python else (1.0, python))
    assert script.quickest() == os.path.realpath(sys.executable), "a gain of nothing changes nothing"


def test_another_version_and_a_virtual_environment_are_not_taken(tmp_path: Path) -> None:
    script = dev()
    seconds, program = script.pace(os.path.realpath(sys.executable))
    assert 0 < seconds < 5
    assert Path(program).exists()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "v")], check=True)
    assert script.pace(str(tmp_path / "v" / "bin" / "python"))[0] == float("inf")
    script.PACE = script.PACE.replace("({}, {})", "({}, {} + 1)")
    assert script.pace(os.path.realpath(sys.executable))[0] == float("inf")
