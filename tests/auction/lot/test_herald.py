"""传令: what was written into lots is told here and elsewhere, the same bytes, in order, joined by lot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest_asyncio

from auction.lot.herald import Herald
from ledger.log import channel_of
from plumbing.pipe import Pipe
from plumbing.valkey import Channels, Valkey
from tests.support import eventually

ONE, OTHER = uuid4(), uuid4()


class Ears:
    """Who follows both lots, in this process and by their channels."""

    def __init__(self) -> None:
        self.here: list[tuple[UUID, bytes]] = []
        self.elsewhere: list[tuple[UUID, bytes]] = []

    async def listen(self, channels: Channels) -> None:
        for lot_id in (ONE, OTHER):

            async def hear(body: bytes, lot_id: UUID = lot_id) -> None:
                self.elsewhere.append((lot_id, body))

            await channels.listen(channel_of(lot_id), hear)


async def _all_heard(client: Valkey, names: list[str]) -> bool:
    return all(count for _, count in await client.pubsub_numsub(*names))


@pytest_asyncio.fixture
async def ears(valkey_url: str, valkey_client: Valkey) -> AsyncIterator[Ears]:
    channels, ears = Channels(valkey_url), Ears()
    await ears.listen(channels)
    names = [channel_of(lot_id) for lot_id in (ONE, OTHER)]
    await eventually(lambda: _all_heard(valkey_client, names))
    yield ears
    await channels.close()


async def test_the_events_of_a_lot_are_told_together_and_in_order(pipe: Pipe, ears: Ears) -> None:
    herald = Herald(pipe, lambda lot_id, events: ears.here.append((lot_id, events)))
    for lot_id, events in ((ONE, b'[{"n":1},{"n":2}]'), (OTHER, b'[{"n":1}]'), (ONE, b'[{"n":3}]')):
        herald.tell(lot_id, events)
    assert ears.here == []
    await eventually(lambda: len(ears.elsewhere) == 2)
    assert ears.here == ears.elsewhere == [(ONE, b'[{"n":1},{"n":2},{"n":3}]'), (OTHER, b'[{"n":1}]')]
    herald.tell(ONE, b'[{"n":4}]')
    await eventually(lambda: len(ears.elsewhere) == 3)
    assert ears.here[-1] == ears.elsewhere[-1] == (ONE, b'[{"n":4}]')


async def test_a_herald_that_closes_tells_what_waits_and_nothing_more(pipe: Pipe, ears: Ears) -> None:
    herald = Herald(pipe, lambda lot_id, events: ears.here.append((lot_id, events)))
    herald.tell(ONE, b'[{"n":1}]')
    herald.close()
    herald.tell(ONE, b'[{"n":2}]')
    await eventually(lambda: bool(ears.elsewhere))
    assert ears.here == ears.elsewhere == [(ONE, b'[{"n":1}]')]
