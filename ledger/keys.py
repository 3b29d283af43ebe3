"""The signing keys of the transcript 存证密钥: one file, a seed a line in base64, readable for us only.

The last line signs; those before it have signed. A key is rotated by adding a line, and never taken out.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from ledger.note import Signer, packed, unpacked

SEED_BYTES = 32


class KeyFileError(Exception):
    """The key file cannot be used; the sentence says why."""


def load(path: Path) -> list[Signer]:
    """The keys of ``path``, oldest first; the file is made with one key when there is none. Any process may do so.

    Raises ``KeyFileError`` for a file that others may read, or that holds no proper key.
    """
    if not path.exists():
        _create(path)
    if path.stat().st_mode & 0o077:
        raise KeyFileError(f"{path}: others may read the signing key; chmod 600 it")
    seeds = [unpacked(line.strip()) for line in path.read_text(encoding="ascii", errors="replace").split()]
    if not seeds or any(len(seed) != SEED_BYTES for seed in seeds):
        raise KeyFileError(f"{path}: every line must be the base64 of {SEED_BYTES} bytes")
    return [Signer(seed) for seed in seeds]


def rotate(path: Path) -> Signer:
    """Add a new key; it signs from the next start on. The file stands whole at every moment."""
    load(path)
    _replace(path, path.read_text(encoding="ascii").rstrip("\n") + "\n" + _seed())
    return load(path)[-1]


def _seed() -> str:
    return packed(secrets.token_bytes(SEED_BYTES)) + "\n"


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    ours = _written(path, _seed())
    with suppress(FileExistsError):  # another process was quicker: its key stands
        os.link(ours, path)
    ours.unlink()


def _replace(path: Path, text: str) -> None:
    _written(path, text).replace(path)


def _written(path: Path, text: str) -> Path:
    """``text`` safe on disk beside ``path``."""
    ours = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(ours, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return ours
