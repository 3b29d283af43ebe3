"""The files for running it for real agree with what the server asks. They are parsed here, not run."""

from __future__ import annotations

import configparser
import os
import re
from itertools import pairwise

import msgspec
import pytest
import yaml

from plumbing.engines.checks import VALKEY_REQUIRED
from server.settings import Settings, SettingsError, load, variable
from tests.support import ROOT

DEPLOY = ROOT / "deploy"
KNOWN = {variable(field.name) for field in msgspec.structs.fields(Settings)}


def test_the_compose_file_gives_valkey_every_option_that_the_server_asks_for() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    options = dict(pairwise(services["valkey"]["command"]))
    assert {name: options["--" + name] for name in VALKEY_REQUIRED} == VALKEY_REQUIRED
    assert options["--maxmemory"] != "0"
    assert set(services["yangcai"]["environment"]) <= KNOWN
    assert set(services["yangcai"]["depends_on"]) == {"valkey", "postgres"}


def test_the_compose_file_says_that_it_was_not_run() -> None:
    assert "NOT RUN HERE" in (DEPLOY / "compose.yaml").read_text(encoding="utf-8").splitlines()[0]


def test_the_valkey_configuration_meets_what_the_server_asks_for() -> None:
    lines = (DEPLOY / "valkey.conf").read_text(encoding="utf-8").splitlines()
    found = dict(line.split(" ", 1) for line in lines if line and not line.startswith("#"))
    assert {name: found[name].strip('"') for name in VALKEY_REQUIRED} == VALKEY_REQUIRED
    assert found["maxmemory"] != "0"


def test_the_example_environment_is_refused_until_its_empty_lines_are_filled_in() -> None:
    lines = (DEPLOY / "environment.example").read_text(encoding="utf-8").splitlines()
    environ = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    with pytest.raises(SettingsError) as refused:
        load(environ, mode="production")
    assert {fault.split(":")[0] for fault in refused.value.faults} == {name for name in environ if not environ[name]}


def test_the_systemd_unit_starts_serve_and_names_files_that_are_documented() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "yangcai.service", encoding="utf-8")
    assert unit["Service"]["ExecStart"].endswith("/dev serve")
    assert unit["Service"]["EnvironmentFile"] in (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def test_the_watchmans_unit_runs_as_somebody_else_in_a_folder_of_his_own() -> None:
    units = [configparser.ConfigParser(interpolation=None, strict=False) for _ in range(2)]
    for unit, name in zip(units, ("yangcai", "yangcai-watchman"), strict=True):
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read(DEPLOY / f"{name}.service", encoding="utf-8")
    service, his = (unit["Service"] for unit in units)
    assert his["User"] != service["User"]
    assert his["StateDirectory"] != service["StateDirectory"]
    assert his["ExecStart"].endswith("yangcai watchman run --folder /var/lib/watchman")


def test_operations_name_only_settings_and_files_that_exist() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert set(re.findall(r"YANGCAI_\w+", text)) <= KNOWN
    assert all((ROOT / name).exists() for name in re.findall(r"\]\(\.\./([\w./-]+)\)", text))
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
