"""What the nodes hang on: the loopback, or network namespaces whose wires can be cut (root only)."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from loadtests.bench.product import free_port

NAME, FIRST = "yc", 11
_RUNS = itertools.count()


class Wires(Protocol):
    """Where nodes lie, and who of them can reach whom."""

    def place(self, number: int) -> tuple[str, int]:
        """Address and port of a node."""

    def prefix(self, host: str) -> list[str]:
        """What stands before the command that starts the node there."""

    def close(self) -> None:
        """Take everything away."""


class Loopback:
    """All on 127.0.0.1; nothing can be cut."""

    def place(self, number: int) -> tuple[str, int]:
        """A free port. Valkey's bus takes the one 10,000 above, which must exist."""
        while (port := free_port()) > 55_000:
            pass
        return "127.0.0.1", port

    def prefix(self, host: str) -> list[str]:
        """Nothing."""
        return []

    def close(self) -> None:
        """Nothing."""


def able() -> bool:
    """Whether this user may make network namespaces here."""
    if os.geteuid() or not shutil.which("ip"):
        return False
    probe = f"{NAME}{os.getpid()}x-probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False).returncode == 0
    if made:
        subprocess.run(["ip", "netns", "del", probe], capture_output=True, check=False)
    return made


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, check=False, text=True)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")


class Namespaces:
    """A namespace for each node, a bridge between them; this machine reaches every node whatever is cut."""

    def __init__(self) -> None:
        self._run, self._hosts = f"{NAME}{os.getpid()}x{next(_RUNS)}", list[str]()
        self._net = f"10.{207 + os.getpid() % 40}.{os.getpid() // 40 % 200 + 1}"
        _remove_leftovers()
        _ip("link", "add", self._run, "type", "bridge")
        _ip("addr", "add", f"{self._net}.1/24", "dev", self._run)
        _ip("link", "set", self._run, "up")

    def _name(self, host: str) -> str:
        return f"{self._run}-{host.rpartition('.')[2]}"

    def place(self, number: int) -> tuple[str, int]:
        """An address of its own."""
        host = f"{self._net}.{FIRST + number}"
        name, ours = self._name(host), f"{self._run}v{number}"
        _ip("netns", "add", name)
        _ip("link", "add", ours, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "set", ours, "master", self._run, "up")
        _ip("-n", name, "addr", "add", f"{host}/24", "dev", "eth0")
        _ip("-n", name, "link", "set", "eth0", "up")
        _ip("-n", name, "link", "set", "lo", "up")
        self._hosts.append(host)
        return host, 7000

    def prefix(self, host: str) -> list[str]:
        """Run in the node's namespace."""
        return ["ip", "netns", "exec", self._name(host)]

    def cut(self, host: str) -> None:
        """Nothing passes between this node and the others, in either direction; we reach it still."""
        for other in self._hosts:
            if other != host:
                _ip("-n", self._name(host), "route", "add", "blackhole", f"{other}/32")

    def mend(self, host: str) -> None:
        """Undo ``cut``."""
        for other in self._hosts:
            if other != host:
                _ip("-n", self._name(host), "route", "del", "blackhole", f"{other}/32")

    def close(self) -> None:
        """Take namespaces and bridge away."""
        for host in self._hosts:
            _ip("netns", "del", self._name(host))
        _ip("link", "del", self._run)


def _remove_leftovers() -> None:
    """Take away what runs that were killed have left."""
    for kind, command in (("netns", ["netns", "list"]), ("link", ["-br", "link", "show", "type", "bridge"])):
        listed = subprocess.run(["ip", *command], capture_output=True, check=False, text=True).stdout
        for name in (line.split()[0] for line in listed.splitlines()):
            found = re.fullmatch(rf"{NAME}(\d+)x.*", name)
            if found and not Path(f"/proc/{found[1]}").exists():
                with suppress(OSError):
                    _ip(kind, "del", name)
