"""Where an embedded server's files lie, and as whom it runs.

Postgres refuses to run as root; as root both servers run as ``nobody``. Then every folder above their files must be
passable for ``nobody``: where it is not (a checkout under ``/root``), the files lie under ``/var/lib/yangcai`` instead,
and the binaries are copied there. Nobody's rights are never widened for it.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from plumbing.engines.faults import EngineFailed

SOCKET_PATH_BYTES_MAX = 85  # of 107; Postgres appends ``/.s.PGSQL.5432.lock``
ROOT_HOME = Path("/var/lib/yangcai")
PASS, READ_AND_RUN = 0o001, 0o005


def passable(path: Path) -> bool:
    """Whether any user may pass through every folder from the root to ``path``."""
    return all(folder.stat().st_mode & PASS for folder in (path, *path.parents) if folder.is_dir())


class Places:
    """The folders of the engines of one data folder, and the user they belong to."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.resolve()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.uid, self.gid = -1, -1
        self.home = self.data_dir
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self.uid, self.gid = nobody.pw_uid, nobody.pw_gid
            if not passable(self.data_dir):
                self.home = ROOT_HOME / hashlib.sha256(bytes(self.data_dir)).hexdigest()[:12]
                self.home.mkdir(parents=True, exist_ok=True)
        self.logs = self.data_dir / "log"
        self.logs.mkdir(exist_ok=True)
        self.run = self._run_folder()

    def folder(self, path: Path) -> Path:
        """Make ``path`` a folder of the engines' user that nobody else may enter."""
        path.mkdir(parents=True, exist_ok=True)
        self.give(path)
        path.chmod(0o700)
        return path

    def give(self, path: Path) -> None:
        """Hand ``path`` to the engines' user."""
        if self.uid >= 0:
            os.chown(path, self.uid, self.gid)

    def _run_folder(self) -> Path:
        """The folder of the sockets. A socket's path is short by law of the kernel; a long one moves to /tmp."""
        wanted = self.home / "run"
        if len(bytes(wanted)) <= SOCKET_PATH_BYTES_MAX:
            return self.folder(wanted)
        note = self.data_dir / "run.path"
        if note.exists():
            with suppress(OSError):
                shutil.rmtree(note.read_text(encoding="utf-8").strip())
        path = Path(tempfile.mkdtemp(prefix="yangcai-"))
        note.write_text(str(path), encoding="utf-8")
        return self.folder(path)

    def runnable(self, program: Path, root: Path, parts: list[str], copy_name: str) -> Path:
        """``program``, where the engines' user may run it: in its place, or in a copy of the ``parts`` of ``root``.

        ``copy_name`` carries the version, so that an update is copied anew. Raises ``EngineFailed``.
        """
        if not program.exists():
            raise EngineFailed(f"{program} is missing: the package is incomplete, run ./dev up again")
        if self.uid < 0 or (passable(program.parent) and program.stat().st_mode & READ_AND_RUN == READ_AND_RUN):
            return program
        copy = self.home / "bin" / copy_name
        if not copy.exists():
            half = copy.with_name(copy.name + ".half")
            shutil.rmtree(half, ignore_errors=True)
            for part in parts:
                shutil.copytree(root / part, half / part, symlinks=True)
            half.rename(copy)
        return copy / program.relative_to(root)

    def clean(self) -> None:
        """Remove what a stopped server leaves behind outside the data folder."""
        if self.run.parent != self.home:
            shutil.rmtree(self.run, ignore_errors=True)
            (self.data_dir / "run.path").unlink(missing_ok=True)
