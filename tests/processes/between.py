"""What stands between members: for each ordered pair a proxy that delays, swallows, repeats, cuts.

It moves bytes of TLS and can read none of them. Bytes swallowed or repeated are therefore noticed
by whoever receives what follows, and end the connection: frames on their way are lost, and the
sender dials again. So a fault here is what a broken network is, and never a liar.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from pathlib import Path
from types import TracebackType
from typing import Final

__all__ = ["Between"]

CHUNK: Final = 65_536  # bytes


class _Way:
    """One ordered pair: who dials it, where it leads, and what is wrong with it."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.fault = ""  # "", "delay", "swallow", "repeat", "closed"
        self.met = 0  # chunks that a fault touched, and connections that were refused or cut
        self.open: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.fault == "closed":
            self.met += 1
            writer.close()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.close()
            return
        both = {writer, far_writer}
        self.open |= both
        there = asyncio.ensure_future(self._move(reader, far_writer))
        back = asyncio.ensure_future(self._move(far_reader, writer))
        try:
            # Cancelled only at the end: Python 3.11 would report each such connection as an error.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            there.cancel()
            back.cancel()
            self.open -= both
            for one in both:
                one.close()

    async def _move(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK):
                fault = self.fault
                self.met += fault != ""
                if fault == "delay":
                    await asyncio.sleep(0.2)  # the fault itself: later than a round of votes
                elif fault == "swallow":
                    continue
                writer.write(chunk * 2 if fault == "repeat" else chunk)
                await writer.drain()

    def cut(self) -> None:
        for one in self.open:
            one.transport.abort()


class Between:
    """Proxies for all ordered pairs of founded members, in a thread; use in a `with`.

    The members' own files are changed to dial the proxies: to be made before members start.
    """

    def __init__(self, folders: dict[str, Path]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="between")
        self._servers: list[asyncio.Server] = []
        self.ways: dict[tuple[str, str], _Way] = {}
        self._folders = folders

    def __enter__(self) -> Between:
        self._thread.start()
        for one, folder in self._folders.items():
            file = folder / "member.json"
            told = json.loads(file.read_text())
            for peer, address in told["peers"].items():
                host, _, port = address.rpartition(":")
                way = self.ways[one, peer] = _Way((host, int(port)))
                told["peers"][peer] = f"127.0.0.1:{self._listen(way)}"
            file.write_text(json.dumps(told))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _listen(self, way: _Way) -> int:
        starting = asyncio.start_server(way.serve, "127.0.0.1", 0)
        server = asyncio.run_coroutine_threadsafe(starting, self._loop).result(20)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        for way in self.ways.values():
            way.cut()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    def fault(self, pair: tuple[str, str], fault: str) -> None:
        """Give a pair a fault from now on; "" heals it. Closing also cuts what is open."""

        def change() -> None:
            way = self.ways[pair]
            way.fault = fault
            if fault == "closed":
                way.cut()

        self._loop.call_soon_threadsafe(change)

    def heal(self) -> None:
        """All pairs are sound again."""
        for pair in self.ways:
            self.fault(pair, "")

    @property
    def met(self) -> int:
        """How much traffic faults have touched so far."""
        return sum(way.met for way in self.ways.values())
