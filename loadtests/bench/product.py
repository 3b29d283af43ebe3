"""The product as its users start it, in a data folder of its own: ``yangcai up`` without simulated suppliers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from loadtests.bench import gauges, wire
from loadtests.bench.helpers import CHECKOUT, environment

LOGIN, PASSWORD = "buyer", "yangcai-demo"
START_MAX_S, STOP_MAX_S, ANSWER_MAX_S = 120.0, 40.0, 120.0
LOG_TAIL_CHARS = 3_000
TICKETS_PER_CALL = 400
MEMORY_SHARE = 2  # Valkey gets at most half of the RAM
now_s = time.perf_counter


class ProductError(Exception):
    """The product did not start, answered what it should not, or is gone."""


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Visitor:
    """One logged-in purchaser. A connection a request: between two of them the server would hang up."""

    def __init__(self, port: int) -> None:
        self.host, self.port = "127.0.0.1", port
        self.origin = f"http://127.0.0.1:{port}"
        self.cookie = ""

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer. Raises ``ProductError`` for a problem."""
        headers = {"Accept": "application/json", "Origin": self.origin, "Content-Type": "application/json"}
        headers |= {"Cookie": self.cookie} if self.cookie else {}
        http = HTTPConnection(self.host, self.port, timeout=ANSWER_MAX_S)
        try:
            http.request(method, path, None if body is None else json.dumps(body), headers)
            answer = http.getresponse()
            content = answer.read()
        except (OSError, HTTPException) as error:
            raise ProductError(f"{method} {path}: {type(error).__name__}: {error}") from error
        finally:
            http.close()
        if answer.status >= 400:
            raise ProductError(f"{method} {path}: {answer.status} {content[:300].decode('utf-8', 'replace')}")
        given = [each for text in answer.headers.get_all("Set-Cookie") or [] for each in SimpleCookie(text).items()]
        if given:
            self.cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in given)
        return json.loads(content) if content else None

    def log_in(self) -> None:
        """As the demo's purchaser."""
        self.ask("POST", "/api/session", {"login": LOGIN, "password": PASSWORD})

    def by_cookie(self) -> str:
        """The upgrade request of a host's socket."""
        return wire.upgrade(f"{self.host}:{self.port}", "/ws", origin=self.origin, cookie=self.cookie).decode()

    def by_ticket(self, auction: str, names: list[str]) -> list[str]:
        """The upgrade requests of bidders' sockets, good for 30 seconds."""
        heads = []
        for start in range(0, len(names), TICKETS_PER_CALL):
            part = names[start : start + TICKETS_PER_CALL]
            body = {"auction_id": auction, "names": part}
            tickets = self.ask("POST", "/api/practice/tickets", body)["tickets"]
            heads += [
                wire.upgrade(f"{self.host}:{self.port}", f"/ws?ticket={tickets[name]}", origin=self.origin).decode()
                for name in part
            ]
        return heads


class Product:
    """A running product; ``environ`` is given to it beside its own settings."""

    def __init__(self, folder: Path, workers: int = 1, environ: Mapping[str, str] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="run-", dir=folder))
        self.folder.chmod(0o755)  # as root the engines run as another user, who must get through
        self.workers, self.port, self.environ = workers, free_port(), dict(environ or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The supervisor's id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> float:
        """Start it and wait until it says that all is well; how long that took, in seconds."""
        memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (1 << 20) // MEMORY_SHARE
        own = {
            "YANGCAI_DATA_DIR": str(self.folder / "data"), "YANGCAI_SIMULATE": "no",
            "YANGCAI_VALKEY_MEMORY_MAX": f"{min(4096, memory_mb)}mb",
        }  # fmt: skip
        command = [sys.executable, "-m", "yangcai", "up", "--port", str(self.port), "--workers", str(self.workers)]
        with (self.folder / "output.log").open("ab") as out:
            began = now_s()
            self._process = subprocess.Popen(
                command,
                stdout=out,
                stderr=out,
                env={**environment(), **own, **self.environ},
                cwd=str(CHECKOUT),
                start_new_session=True,
            )
        while not self._well():
            if self._process.poll() is not None or now_s() - began > START_MAX_S:
                raise ProductError(f"the product did not start:\n{self.said()}")
            time.sleep(0.005)
        return now_s() - began

    def _well(self) -> bool:
        http = HTTPConnection("127.0.0.1", self.port, timeout=START_MAX_S)
        try:
            http.request("GET", "/healthz")
            return http.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            http.close()

    def said(self) -> str:
        """The end of what it wrote."""
        logs = [self.folder / "output.log", *sorted((self.folder / "data" / "log").glob("*.log"))]
        return "\n".join(f"{path.name}: {path.read_text(errors='replace')[-LOG_TAIL_CHARS:]}" for path in logs)

    def visitor(self) -> Visitor:
        """A logged-in purchaser."""
        visitor = Visitor(self.port)
        visitor.log_in()
        return visitor

    def _with(self, *marks: str) -> list[int]:
        return gauges.found(self.pid, *marks)

    def servers(self) -> list[int]:
        """The processes that answer."""
        return self._with("yangcai worker")

    def notary(self) -> list[int]:
        """The process that signs transcripts."""
        return self._with("yangcai notary")

    def valkey(self) -> int:
        """The live store's process."""
        found = self._with("valkey", "unixsocket:")
        if not found:
            raise ProductError("the embedded Valkey is not to be found among the product's processes")
        return found[0]

    def valkey_socket(self) -> str:
        """Where it listens: Valkey shows that in its command line."""
        return gauges.command_line(self.valkey()).partition("unixsocket:")[2].split()[0]

    def stop(self) -> None:
        """As Ctrl-C does."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def remove(self) -> None:
        """Stop it and take its data away."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
