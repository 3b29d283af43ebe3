"""Processes beside the bench: started, asked in JSON lines, ended with us."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent.parent
ANSWER_MAX_S = 300.0


class HelperError(Exception):
    """A helper process could not do what it was asked; the text says why."""


def environment() -> dict[str, str]:
    """Ours, so that a new process finds this room, and no other setting of the product.

    It may keep the code it has compiled, as an installed one has it: else every start would compile everything anew.
    """
    passed = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    clean = {name: value for name, value in passed.items() if not name.startswith("YANGCAI_")}
    kept = {name: os.environ[name] for name in ("YANGCAI_VALKEY_BIN", "YANGCAI_POSTGRES_BIN") if name in os.environ}
    path = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH", "")]))
    return {**clean, **kept, "PYTHONPATH": path}


class Helper:
    """One process of ``module``."""

    def __init__(self, module: str, *arguments: str) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", module, str(theirs.fileno()), *arguments]
        self._process = subprocess.Popen(
            command, pass_fds=(theirs.fileno(),), env=environment(), start_new_session=True
        )
        theirs.close()
        ours.settimeout(ANSWER_MAX_S)
        self._pipe = ours
        self._stream = ours.makefile("rwb")
        self.pid = self._process.pid

    def tell(self, do: str, **order: Any) -> None:
        """Give an order; its answer must be heard before the next."""
        self._stream.write(json.dumps({"do": do, **order}).encode() + b"\n")
        self._stream.flush()

    def hear(self) -> dict[str, Any]:
        """The answer to the last order. Raises ``HelperError``."""
        try:
            line = self._stream.readline()
        except OSError as error:
            raise HelperError(f"no answer: {error}") from error
        told: dict[str, Any] = json.loads(line or b'{"error": "the process ended"}')
        if "error" in told:
            raise HelperError(str(told["error"]))
        return told

    def ask(self, do: str, **order: Any) -> dict[str, Any]:
        """Give an order and wait for its answer."""
        self.tell(do, **order)
        return self.hear()

    def end(self) -> None:
        """Hang up; the process ends at that."""
        self._stream.close()
        self._pipe.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
