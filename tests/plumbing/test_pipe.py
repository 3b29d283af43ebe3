"""The pipelined connection: answers meet their questions, whatever happens to the server or to who asked."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from plumbing import pipe as pipes
from plumbing import valkey
from plumbing.engines import Places, ValkeyEngine
from plumbing.pipe import Pipe, ValkeySilent
from plumbing.valkey import RedisError, Valkey, ValkeyGone
from tests.support import eventually, free_port


@pytest_asyncio.fixture(scope="module")
async def engine(short_tmp: Path) -> ValkeyEngine:
    """A Valkey that nobody starts again by himself."""
    return ValkeyEngine(Places(short_tmp / "pipe"))


async def test_every_question_gets_its_own_answer(pipe: Pipe) -> None:
    key = f"test:{uuid4()}"
    counts = [pipe.ask("INCR", key) for _ in range(1_000)]
    echoes = [pipe.ask("ECHO", f"第{i}个") for i in range(1_000)]
    assert await asyncio.gather(*counts) == list(range(1, 1_001))
    assert [(await echo).decode() for echo in echoes] == [f"第{i}个" for i in range(1_000)]
    assert await pipe.ask_all([]) == []
    assert await pipe.ask_all([("ECHO", b"a" * size) for size in (0, 1, 300_000)]) == [b"", b"a", b"a" * 300_000]


async def test_an_error_is_raised_as_the_client_raises_it_and_spoils_no_other_answer(
    pipe: Pipe, valkey_client: Valkey
) -> None:
    wrong = [("INCR",), ("EVALSHA", "f" * 40, 0), ("FCALL", "nothing", 0)]
    before, asked, after = pipe.ask("PING"), [pipe.ask(*command) for command in wrong], pipe.ask("PING")
    assert (await before, await after) == (b"PONG", b"PONG")
    for future, command in zip(asked, wrong, strict=True):
        with pytest.raises(RedisError) as theirs:
            await valkey_client.execute_command(*command)
        with pytest.raises(type(theirs.value)) as ours:
            await future
        assert str(ours.value) == str(theirs.value)
        with pytest.raises(type(theirs.value)):
            await pipe.ask_all([("PING",), command, ("PING",)])


async def test_who_asked_may_go_away_and_the_others_still_get_theirs(pipe: Pipe) -> None:
    first, gone, last = pipe.ask("ECHO", "1"), pipe.ask("ECHO", "2"), pipe.ask("ECHO", "3")
    gone.cancel()
    pipe.tell("ECHO", "4")
    fifth = pipe.ask("ECHO", "5")
    assert (await first, await last, await fifth) == (b"1", b"3", b"5")


async def test_too_many_questions_at_once_are_refused(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipes, "PENDING_MAX", 10)
    asked = [pipe.ask("PING") for _ in range(11)]
    with pytest.raises(ValkeyGone):
        await asked[10]
    assert await asyncio.gather(*asked[:10]) == [b"PONG"] * 10
    assert await pipe.ask("PING") == b"PONG"


async def test_with_a_killed_server_the_answer_is_unknown_and_nothing_is_asked_twice(engine: ValkeyEngine) -> None:
    child = await engine.start()
    await eventually(engine.ready)
    client = valkey.connect(engine.url)
    pipe = Pipe(client)
    assert await pipe.ask("INCR", "n") == 1
    os.kill(child.pid, signal.SIGSTOP)
    asked = [pipe.ask("INCR", "n"), pipe.ask("INCR", "n")]
    await asyncio.sleep(0)  # one turn of the loop: the commands leave
    os.kill(child.pid, signal.SIGKILL)
    for future in asked:
        with pytest.raises(ValkeyGone):
            await future
    await child.wait()
    with pytest.raises((ValkeyGone, OSError)):
        await pipe.ask("INCR", "n")
    child = await engine.start()
    await eventually(engine.ready)
    assert await pipe.ask("INCR", "n") == 2
    await pipe.close()
    await client.aclose()
    await child.stop()


async def test_a_server_that_hangs_is_given_up_in_time_and_asked_again_when_it_is_back(engine: ValkeyEngine) -> None:
    child = await engine.start()
    await eventually(engine.ready)
    client = valkey.connect(engine.url)
    pipe = Pipe(client, timeout_s=0.3)
    assert await pipe.ask("PING") == b"PONG"
    os.kill(child.pid, signal.SIGSTOP)
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    one, two = pipe.ask("PING"), pipe.ask("PING")
    with pytest.raises(ValkeySilent):
        await one
    with pytest.raises(ValkeySilent):
        await two
    assert 0.2 < loop.time() - began_s < 2
    os.kill(child.pid, signal.SIGCONT)
    assert await pipe.ask("PING") == b"PONG"
    await pipe.close()
    with pytest.raises(ValkeyGone):
        await closed_while_asked(pipe)
    await client.aclose()
    await child.stop()


async def closed_while_asked(pipe: Pipe) -> None:
    """A question that is under way while the pipe is closed."""
    asked = pipe.ask("PING")
    await pipe.close()
    await asked


async def test_passwords_and_databases_in_the_address_are_heeded(engine: ValkeyEngine) -> None:
    child = await engine.start()
    await eventually(engine.ready)
    admin, port = valkey.connect(engine.url), free_port()
    await admin.config_set("port", port)
    await admin.execute_command("ACL", "SETUSER", "yang", "on", ">s3cret", "~*", "+@all")
    for address, name in ((f"redis://yang:s3cret@127.0.0.1:{port}/3", b"yang"), (f"{engine.url}?db=3", b"default")):
        client = valkey.connect(address)
        pipe = Pipe(client)
        assert await pipe.ask("ACL", "WHOAMI") == name
        assert b" db=3 " in await pipe.ask("CLIENT", "INFO")
        await pipe.close()
        await client.aclose()
    stranger = valkey.connect(f"redis://yang:wrong@127.0.0.1:{port}")
    pipe = Pipe(stranger)
    with pytest.raises(RedisError, match="invalid username"):
        await pipe.ask("PING")
    await pipe.close()
    await stranger.aclose()
    await admin.aclose()
    await child.stop()
