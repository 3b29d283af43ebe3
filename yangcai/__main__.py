"""``python -m yangcai``."""

from __future__ import annotations

import sys


def main() -> int:
    """A server process skips the command line's libraries: it starts in a third of the time."""
    if sys.argv[1:2] in (["worker"], ["spare"]):
        import yangcai
        from server import worker

        return worker.main(sys.argv[2:])
    if sys.argv[1:2] == ["notary"]:
        import yangcai
        from server import notarial

        return notarial.main(sys.argv[2:])
    if sys.argv[1:2] == ["demo-life"]:
        import asyncio

        import yangcai  # noqa: F401
        from server.demo import life

        asyncio.run(life.main(sys.argv[2], int(sys.argv[3])))
        return 0
    from yangcai import cli

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
