"""Settings: every one documented, every fault named by its variable, no weak secret in production."""

from __future__ import annotations

import re

import msgspec
import pytest

from server.settings import Mode, Settings, SettingsError, load, to_environ, variable, weak_secret, with_secret
from tests.support import ROOT

GOOD_SECRET = "f3b1c05d9e7a4826b0c1d2e3f4a59687"
PRODUCTION = {
    "YANGCAI_MODE": "production",
    "YANGCAI_SECRET_KEY": GOOD_SECRET,
    "YANGCAI_PUBLIC_ORIGIN": "https://bids.example.gov.cn",
    "YANGCAI_VALKEY_URL": "redis://10.0.0.2:6379/0",
    "YANGCAI_POSTGRES_URL": "postgresql://yangcai@10.0.0.3/yangcai",
}


def faults_of(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load(environ)
    return refused.value.faults


def test_without_any_variable_the_demonstration_runs_on_the_loopback() -> None:
    settings = load({})
    assert (settings.mode, settings.host, settings.port, settings.workers) == (Mode.DEMO, "127.0.0.1", 8000, 1)


def test_the_command_line_goes_before_the_environment() -> None:
    assert load({"YANGCAI_PORT": "9000", "YANGCAI_WORKERS": "3"}, port=9100, workers=None).port == 9100


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("YANGCAI_PORT", "eighty"),
        ("YANGCAI_PORT", "70000"),
        ("YANGCAI_PORT", "８０"),
        ("YANGCAI_WORKERS", "0"),
        ("YANGCAI_WORKERS", "-1"),
        ("YANGCAI_WORKERS", "1e9"),
        ("YANGCAI_MODE", "live"),
        ("YANGCAI_LOG_LEVEL", "loud"),
        ("YANGCAI_EMBEDDED_ENGINES", "maybe"),
        ("YANGCAI_VALKEY_MEMORY_MAX", "lots"),
        ("YANGCAI_VALKEY_URL", "http://valkey"),
        ("YANGCAI_POSTGRES_URL", "mysql://db"),
        ("YANGCAI_PUBLIC_ORIGIN", "https://host/path"),
        ("YANGCAI_PROT", "8000"),
    ],
)
def test_what_cannot_be_used_is_refused_by_the_name_of_its_variable(name: str, text: str) -> None:
    (fault,) = faults_of({name: text})
    assert fault.startswith(name + ":")


def test_all_faults_are_told_at_once() -> None:
    assert len(faults_of({"YANGCAI_PORT": "x", "YANGCAI_WORKERS": "y", "YANGCAI_COLOUR": "red"})) == 3


def test_production_with_everything_it_needs_starts() -> None:
    assert load(PRODUCTION).mode is Mode.PRODUCTION


@pytest.mark.parametrize("name", [name for name in PRODUCTION if name != "YANGCAI_MODE"])
def test_production_names_what_is_missing(name: str) -> None:
    (fault,) = faults_of({key: value for key, value in PRODUCTION.items() if key != name})
    assert fault.startswith(f"{name}: is missing")


@pytest.mark.parametrize(
    "secret",
    [
        "secret",
        "changeme",
        "a" * 40,
        "0123456789" * 2,
        "change-me-change-me-change-me-1234567",
        "your-secret-goes-here-0123456789abcdef",
    ],
)
def test_production_refuses_default_and_weak_secrets(secret: str) -> None:
    assert weak_secret(secret)
    (fault,) = faults_of({**PRODUCTION, "YANGCAI_SECRET_KEY": secret})
    assert fault.startswith("YANGCAI_SECRET_KEY: is a default or too weak")
    assert secret not in fault


def test_a_small_unit_may_allow_the_embedded_servers_in_so_many_words() -> None:
    short = {key: value for key, value in PRODUCTION.items() if not key.endswith("_URL")}
    assert load({**short, "YANGCAI_EMBEDDED_ENGINES": "yes"}).embedded_engines


def test_the_demo_makes_its_secret_once_and_keeps_it_to_itself(tmp_path: object) -> None:
    first = with_secret(load({}, data_dir=tmp_path))
    assert first.secret_key == with_secret(load({}, data_dir=tmp_path)).secret_key
    assert not weak_secret(first.secret_key)
    assert (ROOT.__class__(str(tmp_path)) / "secret").stat().st_mode & 0o077 == 0


def test_settings_handed_to_a_process_arrive_as_they_were() -> None:
    settings = load(PRODUCTION, workers=3, simulate="no")
    assert load(to_environ(settings)) == settings


def test_every_setting_is_documented_with_its_default_and_nothing_else_is() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(YANGCAI_\w+)` \| `?([^|`]*?)`? \|", text, re.MULTILINE))
    fields = {variable(field.name): field.default for field in msgspec.structs.fields(Settings)}
    told = {True: "yes", False: "no"}
    assert rows == {
        name: str(told.get(value, value) if isinstance(value, bool) else value) for name, value in fields.items()
    }
