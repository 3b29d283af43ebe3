"""设置: every setting of the product, in one typed place, read from environment variables ``YANGCAI_*``.

``docs/settings.md`` is written for operators; a test holds it to this file.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from plumbing.outbound import networks

PREFIX = "YANGCAI_"
SECRET_CHARS_MIN = 32
KNOWN_SECRETS = frozenset({"secret", "changeme", "change-me", "password", "yangcai", "demo"})
WORKERS_MAX, COPIES_MAX = 64, 10
_CLUSTER = re.compile(r"valkey-clusters?://([^@/]*@)?[^@/,]+:\d+(,[^@/,]+:\d+)*/?")
_LIKE_A_PLACEHOLDER = re.compile(r"change.?me|your.?secret|example|placeholder|(.)\1{15}", re.IGNORECASE)


LISTEN_BACKLOG = 65_535
"""Connections that may wait in the kernel while a process comes back; it holds at most net.core.somaxconn of them."""


class Mode(StrEnum):
    """How the product runs: as a demonstration with made-up data, or for real."""

    DEMO = "demo"
    PRODUCTION = "production"


class LogLevel(StrEnum):
    """From which level on lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


TOKEN_CHARS_MIN = 24


class SettingsError(ValueError):
    """Settings that cannot be used: one sentence each, naming the variable."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("These settings cannot be used:\n" + "\n".join(f"  - {fault}" for fault in faults))
        self.faults = faults


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings with their defaults. The variable of ``port`` is ``YANGCAI_PORT``, and so on."""

    mode: Mode = Mode.DEMO
    """``demo`` makes up organisations and auctions; ``production`` refuses to start on missing secrets."""
    host: str = "127.0.0.1"
    """The address to listen on. Leave it on the loopback and put a proxy with TLS in front."""
    port: int = 8000
    """The TCP port to listen on, 0 to 65535; 0 takes a free one and prints it."""
    workers: int = 1
    """Server processes, 1 to 64. Any of them takes any bid. One per core is a good start."""
    data_dir: str = ".data"
    """The folder of embedded servers, logs, files and the demo's secret."""
    valkey_url: str = ""
    """An existing Valkey of version 9 or newer (``redis://``, ``rediss://``, ``unix://``), or a cluster
    (``valkey-cluster://host:port,host:port``). Empty: the embedded one."""
    valkey_copies_min: int = 2
    """With a cluster: on how many servers a bid is on disk at least before it is acknowledged, 0 to 10."""
    postgres_url: str = ""
    """An existing Postgres of version 18 or newer (``postgresql://``). Empty: the embedded one."""
    embedded_engines: bool = False
    """In production, allow the embedded servers: for one small machine only."""
    valkey_memory_max: str = "1gb"
    """The memory the embedded Valkey may use (``maxmemory``), a number with ``mb`` or ``gb``."""
    public_origin: str = ""
    """What people type to reach the site, like ``https://yangcai.example.gov.cn``. Demo: may be empty."""
    secret_key: str = ""
    """At least 32 characters of chance; keys are derived from it. Demo: made once and kept in the data folder."""
    secret_key_before: str = ""
    """The secret key until it was changed: what was encrypted under it is still read, and written anew when used."""
    oidc_issuer: str = ""
    """The identity provider (OpenID Connect) people may sign in with: its issuer, ``https://...``. Empty: none."""
    oidc_client_id: str = ""
    """By which name the provider knows us."""
    oidc_client_secret: str = ""
    """What we show the provider to prove that it is us."""
    oidc_name: str = "统一身份认证"
    """What people call the provider; it stands on the login page."""
    transcript_key_file: str = ""
    """The file of the transcript's signing keys, made when missing. Empty: ``transcript.keys`` in the data folder."""
    live_keys_kept_h: int = 24
    """Hours after settlement before a lot's keys leave Valkey, once its copy in Postgres is verified, 0 to 8760."""
    log_level: LogLevel = LogLevel.INFO
    """``debug``, ``info``, ``warning`` or ``error``."""
    postgres_connections_max: int = 8
    """Connections to Postgres per server process, 2 to 100."""
    sockets_per_address_max: int = 2000
    """Live sockets that one address may hold open in one server process, 0 to 1000000; 0: any number."""
    shutdown_grace_s: int = 10
    """How long a stopping process lets its requests finish, in seconds, 0 to 300."""
    smtp_url: str = ""
    """The mail server for reminders: ``smtps://user:password@host``, ``smtp+starttls://…`` or, in one's own network,
    ``smtp://host:25``. Empty: nobody is reminded by e-mail."""
    mail_from: str = ""
    """Who reminders come from, like ``阳采 <no-reply@yangcai.example.gov.cn>``. Needed with ``smtp_url``."""
    webhook_networks: str = ""
    """Private networks that webhooks may be sent to, like ``10.8.0.0/16``, with commas. Empty: none."""
    registers_url: str = ""
    """The gateway that outside registers of firms are asked by, ``https://…``; ``none``: no register is asked;
    ``simulated``: made-up ones (demo only). Empty: in the demo ``simulated``, else ``none``."""
    registers_token: str = ""
    """What we show the gateway (bearer). Needed with its address."""
    metrics_token: str = ""
    """The bearer token for ``/metrics``, 24 characters or more. Empty: only operators who signed in read it."""
    simulate: bool = True
    """Demo only: simulated suppliers bid in the running auction."""


def variable(field: str) -> str:
    """The environment variable of a field."""
    return PREFIX + field.upper()


def load(environ: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Read the settings from ``environ`` (the process's); ``given`` (the command line) goes before.

    Raises ``SettingsError`` that names every variable at fault: unknown, unreadable, out of bounds, or missing.
    """
    environ = os.environ if environ is None else environ
    known = {field.encode_name: field for field in msgspec.structs.fields(Settings)}
    values: dict[str, Any] = {}
    faults: list[str] = []
    for name, text in environ.items():
        field = name.removeprefix(PREFIX).lower()
        if not name.startswith(PREFIX) or name in NOT_SETTINGS or text == "":
            continue
        if field not in known:
            faults.append(f"{name}: there is no such setting (see docs/settings.md)")
            continue
        values[field] = _read(name, text.strip(), known[field].type, faults)
    for field, value in given.items():
        if value is not None:
            values[field] = _read(variable(field), str(value), known[field].type, faults)
    values = {name: value for name, value in values.items() if value is not None}
    if faults:
        raise SettingsError(faults)
    settings = Settings(**values)
    if faults := _faults(settings):
        raise SettingsError(faults)
    return settings


NOT_SETTINGS = frozenset({"YANGCAI_VALKEY_BIN", "YANGCAI_POSTGRES_BIN"})
"""Read elsewhere: other programs for the embedded servers."""


def _read(name: str, text: str, kind: Any, faults: list[str]) -> Any:
    """One value of type ``kind``; what does not fit is noted in ``faults``."""
    try:
        if kind is bool:
            return {"1": True, "yes": True, "true": True, "0": False, "no": False, "false": False}[text.lower()]
        return msgspec.convert(text, kind, strict=False)
    except KeyError:
        faults.append(f"{name}: yes or no is wanted, found {text!r}")
    except msgspec.ValidationError:
        wanted = " or ".join(kind) if isinstance(kind, type) and issubclass(kind, StrEnum) else "a whole number"
        faults.append(f"{name}: {wanted} is wanted, found {text!r}")
    return None


def _faults(settings: Settings) -> list[str]:
    faults = [*_bounds(settings), *_addresses(settings)]
    if settings.mode is Mode.PRODUCTION:
        faults += _production(settings)
    return faults


def _bounds(settings: Settings) -> list[str]:
    bounds = {
        "port": (0, 65_535), "workers": (1, WORKERS_MAX), "postgres_connections_max": (2, 100),
        "sockets_per_address_max": (0, 1_000_000), "shutdown_grace_s": (0, 300), "live_keys_kept_h": (0, 8_760),
        "valkey_copies_min": (0, COPIES_MAX),
    }  # fmt: skip
    faults = [
        f"{variable(name)}: {low} to {high} is allowed, found {getattr(settings, name)}"
        for name, (low, high) in bounds.items()
        if not low <= getattr(settings, name) <= high
    ]
    if not re.fullmatch(r"[1-9]\d*(mb|gb)", settings.valkey_memory_max):
        faults.append(f"YANGCAI_VALKEY_MEMORY_MAX: like 512mb or 2gb is wanted, found {settings.valkey_memory_max!r}")
    if settings.metrics_token and len(settings.metrics_token) < TOKEN_CHARS_MIN:
        faults.append(f"YANGCAI_METRICS_TOKEN: at least {TOKEN_CHARS_MIN} characters are wanted, or none")
    return faults


def _addresses(settings: Settings) -> list[str]:
    faults = []
    one = settings.valkey_url.startswith(("redis://", "rediss://", "unix://"))
    if settings.valkey_url and not one and not _CLUSTER.fullmatch(settings.valkey_url):
        faults.append("YANGCAI_VALKEY_URL: must begin with redis://, rediss:// or unix://, or name a cluster")
    if settings.postgres_url and not settings.postgres_url.startswith(("postgresql://", "postgres://")):
        faults.append("YANGCAI_POSTGRES_URL: must begin with postgresql://")
    faults += _outward(settings)
    if settings.public_origin:
        parts = urlsplit(settings.public_origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query or parts.username:
            faults.append("YANGCAI_PUBLIC_ORIGIN: like https://host is wanted, without a path")
    return faults + _provider(settings)


def _provider(settings: Settings) -> list[str]:
    if not settings.oidc_issuer:
        return []
    parts, demo = urlsplit(settings.oidc_issuer), settings.mode is Mode.DEMO
    here = demo and parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1")
    faults = []
    if not (parts.scheme == "https" or here) or not parts.netloc or parts.query or parts.fragment:
        faults.append("YANGCAI_OIDC_ISSUER: like https://id.example.gov.cn is wanted")
    return faults + [
        f"{variable(name)}: is missing; the identity provider knows it"
        for name in ("oidc_client_id", "oidc_client_secret")
        if not getattr(settings, name)
    ]


def _outward(settings: Settings) -> list[str]:
    """What leaves the house."""
    faults = []
    if settings.smtp_url and not settings.smtp_url.startswith(("smtp://", "smtps://", "smtp+starttls://")):
        faults.append("YANGCAI_SMTP_URL: must begin with smtps://, smtp+starttls:// or smtp://")
    if settings.smtp_url and "@" not in settings.mail_from:
        faults.append("YANGCAI_MAIL_FROM: is missing; who reminders come from, like no-reply@host")
    if settings.registers_url not in ("", "none", "simulated"):
        parts = urlsplit(settings.registers_url)
        here = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1")
        if not (parts.scheme == "https" or here) or not parts.netloc or parts.query or parts.fragment:
            faults.append("YANGCAI_REGISTERS_URL: like https://data.example.gov.cn/registers is wanted, or none")
        if not settings.registers_token:
            faults.append("YANGCAI_REGISTERS_TOKEN: is missing; the gateway knows us by it")
    try:
        networks(settings.webhook_networks)
    except ValueError as error:
        faults.append(f"YANGCAI_WEBHOOK_NETWORKS: {error}")
    return faults


def _production(settings: Settings) -> list[str]:
    """What a real service must not start without."""
    faults = []
    if settings.registers_url == "simulated":
        faults.append("YANGCAI_REGISTERS_URL: simulated registers are for the demonstration alone")
    if not settings.valkey_copies_min:
        faults.append("YANGCAI_VALKEY_COPIES_MIN: 0 loses acknowledged bids at a failover; 1 or more is wanted")
    if not settings.secret_key:
        make = "python3 -c 'import secrets; print(secrets.token_hex(32))'"
        faults.append(f"YANGCAI_SECRET_KEY: is missing; make one with: {make}")
    elif weak_secret(settings.secret_key):
        faults.append(f"YANGCAI_SECRET_KEY: is a default or too weak; at least {SECRET_CHARS_MIN} characters of chance")
    if not settings.public_origin:
        faults.append("YANGCAI_PUBLIC_ORIGIN: is missing; what people type to reach the site, like https://host")
    if not settings.embedded_engines:
        faults += [
            f"{variable(name)}: is missing; give a server, or allow the embedded ones with YANGCAI_EMBEDDED_ENGINES=yes"
            for name in ("valkey_url", "postgres_url")
            if not getattr(settings, name)
        ]
    return faults


def weak_secret(secret: str) -> bool:
    """Whether a secret is too short, well known, or shaped like something nobody ever replaced."""
    return (
        len(secret) < SECRET_CHARS_MIN
        or secret.lower() in KNOWN_SECRETS
        or len(set(secret)) < 10
        or bool(_LIKE_A_PLACEHOLDER.search(secret))
    )


def with_secret(settings: Settings) -> Settings:
    """Demo without a secret: make one, kept readable for us only in the data folder."""
    if settings.secret_key:
        return settings
    path = Path(settings.data_dir) / "secret"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32), encoding="utf-8")
    return msgspec.structs.replace(settings, secret_key=path.read_text(encoding="utf-8"))


def transcript_keys(settings: Settings) -> Path:
    """Where the signing keys of the transcript lie."""
    return Path(settings.transcript_key_file or Path(settings.data_dir) / "transcript.keys")


def site_name(settings: Settings) -> str:
    """The name under which transcripts are signed: the host that people type."""
    return urlsplit(settings.public_origin).netloc or "yangcai.localhost"


def to_environ(settings: Settings) -> dict[str, str]:
    """The settings as environment variables, for the server processes."""
    values = msgspec.structs.asdict(settings)
    return {
        variable(name): "yes" if value is True else "no" if value is False else str(value)
        for name, value in values.items()
    }
