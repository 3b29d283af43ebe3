"""``python -m loadtests.replay FOLDER``."""

from __future__ import annotations

import sys

from loadtests.replay.command import main

sys.exit(main())
