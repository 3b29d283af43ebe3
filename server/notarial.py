"""公证进程: the one process of an installation that signs the transcripts of running lots and the audit trail.

It serves nobody: beside the serving processes, so that no bid waits for a hash and no two of them do the same work.
Killed, it is replaced; what it had not written, the next one writes. Several hosts on one database share the work by
its locks.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from functools import partial

import uvloop

from accounts.audit.chain import Chain
from auction.transcript.notary import Notary
from ledger import keys
from plumbing import logs, postgres
from plumbing.clock import Clock
from plumbing.cluster.client import connect, pipe_to
from plumbing.engines.launch import die_with_parent
from plumbing.faults import ever, until_there
from server.settings import Settings, load, site_name, transcript_keys
from server.transcripts import Transcripts

LOOK_EVERY_S = 1.0
CONNECTIONS_MAX = 2


async def run(settings: Settings) -> None:
    """Write and sign until cancelled."""
    client = connect(settings.valkey_url, settings.valkey_copies_min)
    pipe = pipe_to(client)
    pool = await until_there(
        "postgres",
        lambda: postgres.open_pool(settings.postgres_url, application_name="notary", size_max=CONNECTIONS_MAX),
    )
    signers, site = keys.load(transcript_keys(settings)), site_name(settings)
    transcripts = Transcripts(client, pipe, pool, Notary(signers, site), Clock())
    chain = Chain(signers, site)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(ever("transcripts", transcripts.look, LOOK_EVERY_S))
            group.create_task(ever("audit chain", partial(chain.look, pool), LOOK_EVERY_S))
    finally:
        await pipe.close()
        await client.aclose()
        await pool.close()


async def _until_told(settings: Settings) -> None:
    work = asyncio.create_task(run(settings))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
    with suppress(asyncio.CancelledError):
        await work


def main(args: list[str]) -> int:
    """``notary PARENT_PID``: settings from the environment; runs until told to stop."""
    die_with_parent(signal.SIGTERM, int(args[0]))
    settings = load()
    logs.configure(str(settings.log_level))
    uvloop.run(_until_told(settings))
    return 0
