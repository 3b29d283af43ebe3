"""What the kernel knows: CPU seconds of processes, memory, and how much of the machine was used by strangers.

Strangers are counted in user time and steal only: the kernel's own work for us (network, disk) is charged to nobody.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


class Stat(NamedTuple):
    """CPU seconds of one process with its threads; ``ended_*`` of children already waited for."""

    parent: int
    user: float
    system: float
    ended_user: float


def stat(pid: int) -> Stat | None:
    """What /proc says of the process; None when it is gone."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    user, system, ended = (int(fields[place]) / TICKS_PER_S for place in (11, 12, 13))
    return Stat(int(fields[1]), user, system, ended)


def cpu_s(*pids: int) -> float:
    """CPU seconds, user and system, of the processes with their threads; those that are gone count nothing.

    From schedstat, in nanoseconds; where the kernel has none, from stat, in hundredths of a second.
    """
    try:
        tasks = [path for pid in pids for path in (PROC / str(pid) / "task").glob("*/schedstat")]
        spent = sum(int(path.read_text().split()[0]) for path in tasks) / 1e9
    except OSError:
        spent = 0.0
    found = [one for pid in pids if (one := stat(pid))] if not spent else []
    return spent or sum(one.user + one.system for one in found)


def tree(root: int) -> dict[int, Stat]:
    """The process and all its descendants."""
    every = {int(path.name): one for path in PROC.glob("[0-9]*") if (one := stat(int(path.name)))}
    inside = {root}
    grown = True
    while grown:
        more = {pid for pid, one in every.items() if one.parent in inside} - inside
        inside |= more
        grown = bool(more)
    return {pid: every[pid] for pid in inside if pid in every}


def found(root: int, *marks: str) -> list[int]:
    """Those of the tree whose command line and name have all ``marks``: a spare that serves is known by its name."""
    told = {pid: f"{command_line(pid)} {name_of(pid)}" for pid in tree(root)}
    return sorted(pid for pid, line in told.items() if all(mark in line for mark in marks))


def name_of(pid: int) -> str:
    """The name under which a process is listed; empty when it is gone."""
    try:
        return (PROC / str(pid) / "comm").read_text(errors="replace").strip()
    except OSError:
        return ""


def command_line(pid: int) -> str:
    """The command line of a process; empty when it is gone."""
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return ""


def private_kb(pid: int) -> int:
    """Memory of the process that is its own and in RAM (RssAnon), in KB."""
    for line in (PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    return 0


class Reading(NamedTuple):
    """A moment: wall clock, user and stolen seconds of the whole machine, user seconds of our processes."""

    at: float
    user: float
    stolen: float
    ours: float


def reading(root: int) -> Reading:
    """The machine now; ours are ``root`` and its descendants, those that ended included."""
    first = (PROC / "stat").read_text().split("\n", 1)[0].split()[1:]
    numbers = [int(one) / TICKS_PER_S for one in first]
    ours = sum(one.user + one.ended_user for one in tree(root).values())
    return Reading(monotonic(), numbers[0] + numbers[1], numbers[7], ours)


def foreign_share(before: Reading, after: Reading, cores: int) -> float:
    """The share 0..1 of the machine that strangers took (or the host stole) between two readings."""
    wall = max(after.at - before.at, 1e-9)
    strangers = (after.user - before.user) - (after.ours - before.ours)
    return min(1.0, max(0.0, strangers + after.stolen - before.stolen) / (wall * cores))


def machine(folder: Path) -> dict[str, Any]:
    """On what this was measured: the things without which a figure says little."""
    cpus = Path("/proc/cpuinfo").read_text(errors="replace") if Path("/proc/cpuinfo").exists() else ""
    model = next((line.partition(":")[2].strip() for line in cpus.splitlines() if line.startswith("model name")), "")
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    inside = [mount for mount in mounts if folder.is_relative_to(mount[1])]
    return {
        "cpu": model, "cores": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version(),
        "file_system": max(inside, key=lambda mount: len(mount[1]))[2] if inside else "", "load": os.getloadavg()[0],
    }  # fmt: skip
