"""What goes wrong with a cluster while it is bid in: masters die, stand still, are cut off; replicas fall silent."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import cast

from loadtests.cluster.nodes import Node
from loadtests.cluster.stand import ClusterStand
from loadtests.cluster.wires import Namespaces
from loadtests.crash.breaking import now_s
from loadtests.crash.checker import doubled, faults, lost, ranking
from loadtests.crash.history import Record
from loadtests.crash.lots import LONG_MS, Hall, a_hall
from loadtests.crash.rounds import Brought, Scenario, brought
from loadtests.crash.spoilt import unnoticed
from loadtests.crash.stand import Stand, eventually

AGAIN_MAX_S, NOTICED_MAX_S, ELECTED_MAX_S, BACK_MAX_S = 5.0, 7.0, 15.0, 40.0  # a kill; a silence
UNLINKED_S, RUN_S, LET_IN_MAX_S = 1.5, 1.0, 110.0
LATER = -1.0  # a share that comes to one round
STOP, GO, KILL = signal.SIGSTOP, signal.SIGCONT, signal.SIGKILL


class Scene:
    """A hall under way on a cluster, and the master of its lot."""

    def __init__(self, stand: ClusterStand, hall: Hall, dice: random.Random, master: Node) -> None:
        self.stand, self.hall, self.dice, self.master = stand, hall, dice, master

    @property
    def cluster_wires(self) -> Namespaces:
        """The wires, where they can be cut."""
        assert isinstance(self.stand.cluster.wires, Namespaces)
        return self.stand.cluster.wires

    async def elected(self) -> None:
        """Wait until the lot has another master."""

        async def another() -> bool:
            now = await self.stand.master_of(self.hall.lots[0].lot_id)
            return now is not self.master

        await eventually(another, ELECTED_MAX_S, "another master is elected")

    async def reckoned(self, again_s: float, note: str = "", *, most_s: float = AGAIN_MAX_S) -> Brought:
        """The round's sums; the checker must find every spoilt version of what it has just passed."""
        self.hall.in_time("everyone bid again", again_s, most_s)
        lots, more = await self.hall.reckon(), []
        for one in lots:
            if not one.faults and one.counts[0] > 1:
                more += [
                    f"the checker did not notice {name}" for name in unnoticed(one.history, one.record, self.dice)[1]
                ]
        return brought(lots, again_s, note, more)

    async def _again_or_held(self, moment_s: float) -> bool:
        """Whether everyone has bid since, or the lot is held because signed positions are missing."""
        return self.hall.have_bid_since(moment_s) or bool(await self.stand.contradiction(self.hall.lots[0].lot_id))

    async def _ended_or_held(self, stopping: asyncio.Task[None]) -> bool:
        return stopping.done() or bool(await self.stand.contradiction(self.hall.lots[0].lot_id))

    async def _stop_or_held(self) -> None:
        """Let every bid come to its answer; in a lot that is held meanwhile none comes any more."""
        stopping = asyncio.create_task(self.hall.stop())
        await eventually(partial(self._ended_or_held, stopping), BACK_MAX_S, "the bidding ends, or the lot is held")
        if not stopping.done():
            stopping.cancel()
        with suppress(asyncio.CancelledError):
            await stopping

    async def seen_live(self, moment_s: float) -> Brought:
        """For a control: the checker, on what the cluster holds at the end, must miss acknowledged bids."""
        await eventually(partial(self._again_or_held, moment_s), BACK_MAX_S, "everyone bids again, or the lot is held")
        await self._stop_or_held()
        lot = self.hall.lots[0]
        log = await self.stand.live_log(lot.lot_id)
        record = Record(log, 1, len(log), ranking(log), None, None, by_host=True)
        found = [fault for fault in faults(lot.history, record) if fault.startswith("acknowledged and lost")]
        acked = len({ask.bid for ask in lot.history.taken()})
        note = f"found: {lost(lot.history, record)} lost, {doubled(record)} doubled"
        return Brought([] if found else ["replicas were not waited for, and nothing was missed"], acked, note=note)


@asynccontextmanager
async def _under_way(stand: Stand, dice: random.Random) -> AsyncIterator[Scene]:
    """A long lot, and one that closes by itself about when things go wrong."""
    on = cast(ClusterStand, stand)
    async with a_hall(stand, dice, (LONG_MS, dice.randint(1_500, 5_000))) as hall:
        await hall.warm()
        scene = Scene(on, hall, dice, await on.master_of(hall.lots[0].lot_id))
        await asyncio.sleep(dice.random())
        yield scene


async def kill_master(stand: Stand, dice: random.Random) -> Brought:
    """The master of the lot is killed and stays away."""
    async with _under_way(stand, dice) as scene:
        moment_s = now_s()
        scene.master.signal(KILL)
        again_s = await scene.hall.all_bid_since(moment_s, BACK_MAX_S)
        return await scene.reckoned(again_s)


async def restart_master(stand: Stand, dice: random.Random) -> Brought:
    """The master is killed and at once started again, as a service manager does."""
    async with _under_way(stand, dice) as scene:
        moment_s = now_s()
        scene.master.signal(KILL)
        scene.master.start()
        return await scene.reckoned(await scene.hall.all_bid_since(moment_s, BACK_MAX_S))


async def pause_master(stand: Stand, dice: random.Random) -> Brought:
    """The master stands still until another is elected, and then believes that nothing has happened."""
    async with _under_way(stand, dice) as scene:
        moment_s = now_s()
        scene.master.signal(STOP)
        try:
            again_s = await scene.hall.all_bid_since(moment_s, BACK_MAX_S)
            await asyncio.sleep(dice.random())
        finally:
            scene.master.signal(GO)
        await scene.hall.all_bid_since(now_s() + RUN_S, BACK_MAX_S)
        return await scene.reckoned(again_s, most_s=NOTICED_MAX_S)


async def cut_master_off(stand: Stand, dice: random.Random) -> Brought:
    """The master loses all other nodes, and is still reached by every server process; then the cut is mended."""
    async with _under_way(stand, dice) as scene:
        with _cut(scene):
            moment_s = now_s()
            await scene.elected()
            again_s = await scene.hall.all_bid_since(moment_s, BACK_MAX_S)
            await asyncio.sleep(dice.random())
        await scene.hall.all_bid_since(now_s() + RUN_S, BACK_MAX_S)
        return await scene.reckoned(again_s, most_s=NOTICED_MAX_S)


@contextmanager
def _cut(scene: Scene) -> Iterator[None]:
    wires, host = scene.cluster_wires, scene.master.place.host
    wires.cut(host)
    try:
        yield
    finally:
        wires.mend(host)


async def kill_replica(stand: Stand, dice: random.Random) -> Brought:
    """One replica of the lot's shard is killed."""
    async with _under_way(stand, dice) as scene:
        replicas = await scene.stand.cluster.replicas_of(scene.master)
        moment_s = now_s()
        dice.choice(replicas).signal(KILL)
        again_s = await scene.hall.all_bid_since(moment_s, BACK_MAX_S)
        return await scene.reckoned(again_s)


async def let_in(stand: Stand, dice: random.Random) -> Brought:
    """A replica is killed, done without, started, and let in again; then the master dies."""
    async with _under_way(stand, dice) as scene:
        replica = dice.choice(await scene.stand.cluster.replicas_of(scene.master))
        replica.signal(KILL)
        await scene.hall.all_bid_since(now_s() + RUN_S, BACK_MAX_S)
        replica.start()
        began_s = now_s()
        await eventually(partial(_may_win, scene, replica), LET_IN_MAX_S, "the replica is a full member")
        note, moment_s = f"a full member after {now_s() - began_s:.0f} s", now_s()
        scene.master.signal(KILL)
        return await scene.reckoned(await scene.hall.all_bid_since(moment_s, BACK_MAX_S), note)


async def _may_win(scene: Scene, replica: Node) -> bool:
    """Whether all nodes know a replica again, and it stands for election."""
    barred = await replica.ask("CONFIG", "GET", "cluster-replica-no-failover")
    return b"no" in (barred or {}).values() and await scene.stand.cluster.whole()


async def unlink(stand: Stand, dice: random.Random) -> Brought:
    """The replicas lose their master's stream while bids go on; then it is killed, and they are all that is left."""
    async with _under_way(stand, dice) as scene:
        await _unlinked(scene)
        again_s = await scene.hall.all_bid_since(now_s(), BACK_MAX_S)
        return await scene.reckoned(again_s)


async def _unlinked(scene: Scene) -> None:
    """The replicas may not log in at their master for ``UNLINKED_S``; then it is killed."""
    replicas = await scene.stand.cluster.replicas_of(scene.master)
    for replica in replicas:
        await replica.ask("CONFIG", "SET", "primaryuser", "nobody", "primaryauth", "nothing")
    await scene.master.ask("CLIENT", "KILL", "TYPE", "replica")
    await asyncio.sleep(UNLINKED_S)
    scene.master.signal(KILL)
    for replica in replicas:
        await replica.ask("CONFIG", "SET", "primaryuser", "", "primaryauth", "")


async def kill_worker(stand: Stand, dice: random.Random) -> Brought:
    """One of two server processes."""
    async with _under_way(stand, dice) as scene:
        moment_s = now_s()
        stand.kill("worker")
        return await scene.reckoned(await scene.hall.all_bid_since(moment_s, BACK_MAX_S))


async def unlink_unwaited(stand: Stand, dice: random.Random) -> Brought:
    """The control: the same, with replicas not waited for."""
    async with _under_way(stand, dice) as scene:
        await _unlinked(scene)
        await scene.elected()
        return await scene.seen_live(now_s())


async def cut_unwaited(stand: Stand, dice: random.Random) -> Brought:
    """The control: a master is cut off from its replicas, which nobody waits for."""
    async with _under_way(stand, dice) as scene:
        with _cut(scene):
            await scene.elected()
            await asyncio.sleep(RUN_S)
        return await scene.seen_live(now_s() + RUN_S)


def scenarios() -> list[Scenario]:
    """Every scenario, with its share of the rounds asked for."""
    every = [
        Scenario("master", "a master: kill -9, and it stays away", kill_master, 0.3),
        Scenario("again", "a master: kill -9, and started again at once", restart_master, 0.1),
        Scenario("pause", "a master stands still, and wakes when another is elected", pause_master, 0.2),
        Scenario("cut", "a master cut off from all nodes, not from us", cut_master_off, 0.3, machine=True),
        Scenario("replica", "a replica: kill -9", kill_replica, 0.1),
        Scenario("back", "a replica: kill -9, and let in again; then the master: kill -9", let_in, LATER),
        Scenario("unlink", "a master's replicas lose its stream, then it: kill -9", unlink, 0.1),
        Scenario("process", "one of two server processes: kill -9", kill_worker, 0.1),
        Scenario("unwaited", "the stream lost, then the master killed; replicas not waited for", unlink_unwaited, 0.05,
                 control=True),
        Scenario("cutoff", "the master cut off; replicas not waited for", cut_unwaited, 0.05, control=True,
                 machine=True),
    ]  # fmt: skip
    return [one._replace(cluster=True, workers=2) for one in every]
