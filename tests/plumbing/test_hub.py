"""Fan-out: in slices, in order, once to each, and nothing to who came later or left."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable

from plumbing.hub import SLICE, Delivery, Fan, Renew
from plumbing.sockets.frames import Frame, framed
from tests.support import eventually


class Listener:
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    def stream(self, key: Hashable, frame: Frame, renew: Renew) -> None:
        self.got.append(frame.text)

    def forget(self, key: Hashable) -> None: ...


def crowd(number: int) -> dict[Listener, int]:
    return {Listener(): 0 for _ in range(number)}


def whole(reader: object) -> bytes:
    return b"whole"


async def test_whatever_else_waits_comes_between_the_slices() -> None:
    readers, between = crowd(10 * SLICE), list[int]()

    def something_else() -> None:
        between.append(sum(bool(reader.got) for reader in readers))
        if between[-1] < len(readers):
            asyncio.get_running_loop().call_soon(something_else)

    delivery = Delivery("lot", framed(b"1"), 1, readers, whole)
    asyncio.get_running_loop().call_soon(something_else)
    Fan().spread([delivery])
    assert sum(bool(reader.got) for reader in readers) == SLICE, "the first slice goes at once"
    await eventually(lambda: delivery.done)
    assert between == [SLICE * i for i in range(1, 11)]


async def test_every_reader_gets_every_frame_once_and_in_order() -> None:
    fan, readers, few = Fan(), crowd(3 * SLICE + 5), crowd(3)
    first, second, third = (
        Delivery("lot", framed(b"%d" % k), k, group, whole) for k, group in ((1, readers), (1, few), (2, readers))
    )
    fan.spread([first, second])
    fan.spread([third])
    await eventually(lambda: third.done)
    assert {tuple(reader.got) for reader in readers} == {(b"1", b"2")}
    assert {tuple(reader.got) for reader in few} == {(b"1",)}


async def test_who_left_or_was_given_the_whole_meanwhile_is_passed_over() -> None:
    readers = crowd(3 * SLICE)
    gone, anew = list(readers)[-2:]
    delivery = Delivery("lot", framed(b"1"), 1, readers, whole)
    Fan().spread([delivery])
    del readers[gone]
    readers[anew] = 1
    readers[late := Listener()] = 1
    await eventually(lambda: delivery.done)
    assert gone.got == anew.got == late.got == []
    assert all(reader.got == [b"1"] for reader in readers if reader not in (anew, late))


async def test_a_reader_that_breaks_takes_nobody_with_it() -> None:
    class Broken(Listener):
        def stream(self, key: Hashable, frame: Frame, renew: Renew) -> None:
            raise ValueError("broken")

    readers: dict[Listener, int] = {Broken(): 0, **crowd(SLICE)}
    delivery = Delivery("lot", framed(b"1"), 1, readers, whole)
    Fan().spread([delivery])
    await eventually(lambda: delivery.done)
    assert sum(bool(reader.got) for reader in readers) == SLICE
