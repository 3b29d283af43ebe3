"""``python -m loadtests.crash``."""

from __future__ import annotations

import sys

from loadtests.crash.command import main

if __name__ == "__main__":
    sys.exit(main())
