"""Start a program that dies with its parent: ``python launch.py SIGNAL UID GID PARENT PROGRAM ARGS...``.

A file of its own because the work must happen between fork and exec, and running Python there is not safe in a
process with threads. Uses the standard library only. UID -1 keeps the user.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15


def die_with_parent(signal_number: int, parent_pid: int) -> None:
    """Have the kernel send ``signal_number`` to this process when its parent ends (Linux; nothing elsewhere)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        if os.getppid() != parent_pid:  # it ended before we asked
            sys.exit(3)


def name_this(name: str) -> None:
    """Show this process as ``name``, of at most 15 letters, in lists of processes (Linux; nothing elsewhere)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode(), 0, 0, 0)


def main(args: list[str]) -> None:
    """Change the user, bind our life to the parent's, become the program. Changing the user undoes the binding."""
    signal_number, uid, gid, parent_pid = (int(arg) for arg in args[:4])
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    die_with_parent(signal_number, parent_pid)
    os.execv(args[4], args[4:])


if __name__ == "__main__":
    main(sys.argv[1:])
