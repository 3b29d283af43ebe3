"""The supervisor of everything: opens the listening socket, starts the engines, changes the schema once, keeps N
server processes alive, and stops all in order on Ctrl-C or SIGTERM.

The socket stays open here, so that a browser's connection waits in its queue while a killed process is replaced.
SIGHUP replaces them one by one, by those of another release if one is asked for (``server.release``).
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from pathlib import Path

import msgspec

from plumbing import logs, metrics
from plumbing.clock import elapsed_s
from plumbing.engines import EngineFailed, Places, PostgresEngine, Supervisor, ValkeyEngine
from plumbing.engines.process import tail
from plumbing.engines.supervisor import Engine
from server.release import Desk, Release
from server.settings import LISTEN_BACKLOG, Mode, Settings, to_environ, with_secret
from server.spare import Spare

AT_ONCE_S = 2.0  # a process that lived longer is replaced without waiting
BACKOFF_MAX_S = 5.0
READY_MAX_S = 60.0

log = logs.get(__name__)
Say = Callable[[str], None]


class StartRefused(Exception):
    """The product cannot start; the text is for the operator."""


def listen(host: str, port: int) -> socket.socket:
    """The listening socket. Raises ``StartRefused`` when the port is taken or may not be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except (OSError, OverflowError) as error:
        sock.close()
        number = getattr(error, "errno", None)
        why = {
            errno.EADDRINUSE: f"Port {port} on {host} is taken by another program. Choose another: --port {port + 1}",
            errno.EACCES: f"Port {port} needs the rights of root. Choose one from 1024 up: --port 8000",
        }.get(number or 0, f"Cannot listen on {host} port {port}: {error}")
        raise StartRefused(why) from None
    sock.listen(LISTEN_BACKLOG)
    return sock


class Worker:
    """One server process and its replacement when it ends; ``release`` is the tree it runs."""

    command = "worker"

    def __init__(
        self, number: int, sock: socket.socket, environ: dict[str, str], log_file: Path | None, release: Release
    ) -> None:
        self.name, self.sock, self.environ, self.log_file, self.release = str(number), sock, environ, log_file, release
        self.process: asyncio.subprocess.Process | None = None
        self.ready = asyncio.Event()
        self.spare: Spare[Worker] | None = None
        self._go_fd = -1

    @property
    def lives(self) -> bool:
        """Whether there is a process that has not ended."""
        return self.process is not None and self.process.returncode is None

    def _steps_in(self) -> bool:
        """Whether the spare process has taken this place."""
        one = self.spare.take(self.release) if self.spare else None
        if one is None:
            return False
        self.process, self.ready, self._go_fd = one.process, one.ready, one._go_fd
        self.go()
        return True

    async def start(self, *, held: bool = False) -> None:
        """Start the process; ``ready`` is set when it takes requests. A ``held`` one loads its code and waits."""
        if not held and self._steps_in():
            return
        read_fd, write_fd = os.pipe()
        go_fd, self._go_fd = os.pipe()
        loop = asyncio.get_running_loop()
        output = self.log_file.open("ab") if self.log_file else None
        try:
            self.process = await self.release.start(
                self.command, str(self.sock.fileno()), str(write_fd), str(go_fd), str(os.getpid()),
                environ=self.environ, pass_fds=(self.sock.fileno(), write_fd, go_fd), stdout=output, stderr=output,
            )  # fmt: skip
        finally:
            os.close(write_fd)
            os.close(go_fd)
            if output:
                output.close()

        def told() -> None:
            loop.remove_reader(read_fd)
            if os.read(read_fd, 1):
                self.ready.set()
            os.close(read_fd)

        loop.add_reader(read_fd, told)
        if not held:
            self.go()

    def go(self) -> None:
        """Let a held process begin to serve."""
        if self._go_fd >= 0:
            with suppress(BrokenPipeError):
                os.write(self._go_fd, b"1")
            os.close(self._go_fd)
            self._go_fd = -1

    async def is_ready(self) -> bool:
        """Wait until it takes requests; False when it ended before, or does not come to it."""
        assert self.process is not None
        ready, ended = asyncio.create_task(self.ready.wait()), asyncio.create_task(self.process.wait())
        done, pending = await asyncio.wait((ready, ended), timeout=READY_MAX_S, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        return ready in done

    async def keep(self) -> None:
        """Replace the process whenever it ends: at once if it had lived, else ever slower."""
        wait_s = 0.05
        while True:
            assert self.process is not None
            began_s = elapsed_s()
            code = await self.process.wait()
            log.warning("worker.ended", worker=self.name, pid=self.process.pid, code=code)
            metrics.forget_process(self.environ, self.process.pid)
            if elapsed_s() - began_s < AT_ONCE_S:
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, BACKOFF_MAX_S)
            else:
                wait_s = 0.05
            self.ready.clear()
            await self.start()

    async def stop(self, grace_s: float) -> None:
        """Ask it to finish, then end it."""
        if self._go_fd >= 0:
            os.close(self._go_fd)
            self._go_fd = -1
        if self.process is None or self.process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            self.process.terminate()
        try:
            async with asyncio.timeout(grace_s + 2):
                await self.process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()


class Beside(Worker):
    """A process that serves nobody, and is replaced like the others: the notary, the life of the demonstration."""

    def __init__(
        self, sock: socket.socket, environ: dict[str, str], log_file: Path | None, release: Release, *command: str
    ) -> None:
        super().__init__(0, sock, environ, log_file, release)
        self.name, self.words = command[0], command

    async def start(self, *, held: bool = False) -> None:
        """Start the process; nobody waits for it."""
        self.ready.set()
        output = self.log_file.open("ab") if self.log_file else None
        try:
            self.process = await self.release.start(
                *self.words, str(os.getpid()), environ=self.environ, stdout=output, stderr=output
            )
        finally:
            if output:
                output.close()


class Everything:
    """Engines and server processes of one installation."""

    def __init__(self, settings: Settings, say: Say) -> None:
        self.settings = with_secret(settings)
        self.say = say
        self.engines: Supervisor | None = None
        self.workers: list[Worker] = []
        self.spare = Spare(self._one_more)
        self.desk = Desk(Path(settings.data_dir))
        self._tasks: list[asyncio.Task[None]] = []
        self._rolling: asyncio.Task[None] | None = None
        self._sparing: asyncio.Task[None] | None = None

    async def start(self) -> str:
        """Start all of it and return the address. Raises ``StartRefused`` or ``EngineFailed``."""
        self.sock = listen(self.settings.host, self.settings.port)
        self._claim_engines()
        environ = {**self._environ(), **metrics.prepare(self.metrics_folder)}
        release = Release.ours()
        self.workers = [
            Worker(number, self.sock, environ, self.log_file, release) for number in range(1, self.settings.workers + 1)
        ]
        for worker in self.workers:  # they load their code while the engines start
            await worker.start(held=True)
        starting = asyncio.create_task(self._start_engines())
        await asyncio.sleep(0)
        from server import preparing  # loads the clients, while the engines come up

        await starting
        await preparing.prepare(self.settings)
        for worker in self.workers:
            worker.go()
        await self._all_ready()
        beside = [Beside(self.sock, environ, self.log_file, release, "notary")]
        if self.settings.mode is Mode.DEMO:
            beside.append(Beside(self.sock, environ, self.log_file, release, "demo-life", self.address))
        for process in beside:
            await process.start()
        for worker in self.workers:
            worker.spare = self.spare
        self.workers += beside
        self._tasks = [asyncio.create_task(worker.keep(), name=f"keep-{worker.name}") for worker in self.workers]
        self._sparing = asyncio.create_task(self.spare.run(), name="spare")
        self.desk.open(self.settings.valkey_url, self.settings.postgres_url)
        return self.address

    def _one_more(self) -> Worker:
        """A process like the first one, in no place yet."""
        first = self.workers[0]
        one = Worker(0, self.sock, first.environ, self.log_file, first.release)
        one.command = "spare"
        return one

    def roll_soon(self) -> None:
        """Begin to replace the server processes, unless that is under way or there are none yet."""
        if self._tasks and (self._rolling is None or self._rolling.done()):
            self._rolling = asyncio.create_task(self._roll(), name="roll")

    async def _roll(self) -> None:
        release = self.desk.asked()
        log.warning("roll.begun", folder=release.folder)
        try:
            said = await release.migrate(self.workers[0].environ, self.settings.postgres_url) or await self._change(
                release
            )
        except OSError as error:
            said = str(error)
        log.warning("roll.ended", why=said or "done")
        self.desk.answer(said)

    async def _change(self, release: Release) -> str:
        """Replace one process after another; each takes requests before the one in its place is told to finish.

        Sockets of the old one are closed with 1012: they come back. The first that does not become ready is the end of
        it, and leaves the rest as they were; what was wrong, or "".
        """
        for place, old in enumerate(self.workers):
            new = copy(old)
            new.release, new.ready = release, asyncio.Event()
            await new.start()
            if not await new.is_ready():
                await new.stop(0)
                return (
                    f"a new server process did not come to take requests; {place} of {len(self.workers)} are replaced"
                )
            self._tasks[place].cancel()
            self.workers[place] = new
            self._tasks[place] = asyncio.create_task(new.keep(), name=f"keep-{new.name}")
            await old.stop(self.settings.shutdown_grace_s)
            assert old.process is not None
            metrics.forget_process(old.environ, old.process.pid)
        return ""

    @property
    def log_file(self) -> Path | None:
        """Where the server processes write: in the demo a file, so that the terminal stays readable."""
        if self.settings.mode is not Mode.DEMO:
            return None
        path = Path(self.settings.data_dir) / "log" / "server.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def metrics_folder(self) -> Path:
        """Where the server processes count together (``plumbing.metrics``)."""
        return Path(self.settings.data_dir) / "metrics"

    @property
    def address(self) -> str:
        """Where the site is."""
        host, port = self.sock.getsockname()[:2]
        shown = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host  # noqa: S104
        return f"http://{shown}:{port}"

    def _environ(self) -> dict[str, str]:
        return {**os.environ, **to_environ(self.settings)}

    async def _start_engines(self) -> None:
        if self.engines is not None:
            await self.engines.start()

    def _claim_engines(self) -> None:
        """Lay hold of the data folder for the embedded servers whose address is not given; note their addresses."""
        settings = self.settings
        wanted: list[Engine] = []
        if not (settings.valkey_url and settings.postgres_url):
            places = Places(Path(settings.data_dir))
            if not settings.valkey_url:
                wanted.append(ValkeyEngine(places, settings.valkey_memory_max))
            if not settings.postgres_url:
                wanted.append(PostgresEngine(places))
            engines = Supervisor(places, wanted)
            engines.claim()
            self.engines = engines
        found = {f"{engine.name}_url": engine.url for engine in wanted}
        self.settings = msgspec.structs.replace(settings, **found)

    async def _all_ready(self) -> None:
        """Wait until every process takes requests; one that ends before is a fault of the start."""
        for worker in self.workers:
            if not await worker.is_ready():
                said = f"end of {self.log_file}:\n{tail(self.log_file)}" if self.log_file else "see the lines above"
                raise StartRefused(f"A server process ended while starting; {said}")

    async def stop(self) -> None:
        """Stop the server processes, then the engines, then give the port back."""
        self.desk.close()
        tasks = [*self._tasks, *filter(None, (self._rolling, self._sparing))]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        grace_s = self.settings.shutdown_grace_s
        await asyncio.gather(self.spare.stop(), *(worker.stop(grace_s) for worker in self.workers))
        if self.engines is not None:
            await self.engines.stop()
        shutil.rmtree(self.metrics_folder, ignore_errors=True)
        if hasattr(self, "sock"):
            self.sock.close()


async def run(settings: Settings, say: Say, on_ready: Callable[[str, Settings], None]) -> int:
    """Run until asked to stop; 0 after an orderly stop, 1 when the start was refused (said through ``say``)."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    everything = Everything(settings, say)

    def hung_up() -> None:
        """Somebody asks for new processes; or, in a demonstration, the terminal is gone."""
        if settings.mode is Mode.DEMO and not everything.desk.is_asked:
            stop.set()
        else:
            everything.roll_soon()

    loop.add_signal_handler(signal.SIGHUP, hung_up)
    starting = asyncio.create_task(everything.start())
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((starting, stopped), return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            on_ready(starting.result(), everything.settings)
            await stopped
        else:
            starting.cancel()
            with suppress(asyncio.CancelledError):
                await starting
        return 0
    except (StartRefused, EngineFailed) as error:
        say(str(error))
        return 1
    finally:
        stopped.cancel()
        await everything.stop()
