"""阳采 Yangcai: the door. It holds no product code: it puts the rooms first on ``sys.path`` and gives the version.

In a checkout the rooms lie beside this folder; in the wheel they lie in ``yangcai/rooms``. Their names are plain words
(``auction``, ``registries``), and other distributions use some of them: hence *first*.
"""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

_HERE = Path(__file__).resolve().parent
HOME = _HERE / "rooms" if (_HERE / "rooms").is_dir() else _HERE.parent
"""The folder that holds the rooms."""


def _rooms_first() -> None:
    home = str(HOME)
    if sys.path[:1] != [home]:
        sys.path[:] = [home, *(entry for entry in sys.path if entry != home)]


_rooms_first()


def version() -> str:
    """The installed version, or ``0+checkout`` when the door was never installed."""
    try:
        return metadata.version("yangcai")
    except metadata.PackageNotFoundError:
        return "0+checkout"
