"""``yangcai verify``: one plain sentence, green or red, in Chinese and English; nothing but files is needed."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import msgspec
import typer

import auction
from auction.transcript.verify import NotGenuine, verify
from plumbing import texts

GENUINE, NOT_GENUINE, NO_FILE = 0, 1, 2
INSIDE = "transcript.jsonl"


def _content(path: Path) -> bytes:
    if not zipfile.is_zipfile(path):
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return archive.read(INSIDE)


def run(file: Path, receipt: Path | None, keys: list[str]) -> int:
    """Check ``file`` (and ``receipt`` against it) and say so; the exit code."""
    sentences = texts.load(sorted(Path(str(auction.__file__)).parent.glob("texts*.toml")))

    def say(key: str, colour: str | None = None, **params: Any) -> None:
        for lang in texts.LANGS:
            typer.secho(sentences.say(key, lang, **params), fg=colour)

    try:
        data, more = _content(file), receipt.read_bytes() if receipt else b""
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        typer.secho(str(error), err=True)
        return NO_FILE
    try:
        found = verify(data, keys, more)
    except NotGenuine as error:
        for lang in texts.LANGS:
            why = sentences.say(f"verify_bad.{error.code}", lang, at=error.at)
            typer.secho(sentences.say("verify.bad", lang, why=why), fg="red")
        return NOT_GENUINE
    facts = msgspec.structs.asdict(found)
    say("verify.good", "green")
    typer.echo(f"{found.number} {found.title}")
    say("verify.counted", **facts)
    if found.closed_terms:
        say("verify.closed_terms", **facts)
    if receipt:
        say("verify.receipts", **facts)
    if not found.trusted:
        say("verify.own_keys", **facts)
    return GENUINE
