"""Injected faults, the same for both servers.

A server names each request and lets the faults decide what becomes of it::

    call = Call(request, "sendMessage", chat_id=555)
    return await server.faults.around(call, lambda: server.process(call))

A test says what is to go wrong with the next requests whose name fits::

    server.faults.fail("sendMessage", status=429, retry_after=2)
    server.faults.fail("send", status=500, times=3, after_processing=True)
    server.faults.html("sendMessage")                      # a proxy's 502 page
    fault = server.faults.hang("/v2/origin/custom/*/typing")   # until fault.release()
    server.faults.reset(chat_id=555, after_processing=True)    # done, but never answered
    server.faults.drip("sendMessage", seconds=5)           # an answer that does not end
    server.fail_with(500, 503)                             # the next two answers

What to match is the beginning of a name, with ``*`` for anything; nothing matches every request.
A name is what the server gives to `Call`: a method of the Bot API, a path of Kommo's. The oldest
fault that matches is used first, one request per ``times`` (None: until `clear` or `remove`).
"""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from aiohttp import web

Json: TypeAlias = dict[str, Any]
ErrorBody: TypeAlias = Callable[[int, float | None], Json]
Process: TypeAlias = Callable[[], Awaitable[web.StreamResponse]]

HTML_PAGE: Final = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    "<body><center><h1>502 Bad Gateway</h1></center></body>\r\n</html>\r\n"
)
DRIP_S: Final = 0.02
NEVER_LINGER: Final = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Call:
    """One request as the faults see it."""

    request: web.Request
    name: str
    chat_id: int | str | None = None
    fields: Json = field(default_factory=dict)


@dataclass(eq=False)
class Fault:
    """Something that goes wrong with the requests it matches.

    Args:
        answer: what is answered instead; None resets the connection.
        seconds: how long to wait before that; None with ``hangs`` waits for `release`.
        drips: whether an answer begins and goes on byte by byte, for ``seconds``.
        after_processing: whether the request is carried out first and only its answer is lost.
        times: how many requests it hits; None for all.
        hits: how many it has hit so far.
    """

    pattern: str = "*"
    answer: Callable[[], web.Response] | None = None
    hangs: bool = False
    drips: bool = False
    seconds: float | None = None
    after_processing: bool = False
    times: int | None = 1
    chat_id: int | str | None = None
    where: Callable[[Call], bool] | None = None
    hits: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def matches(self, call: Call) -> bool:
        """Whether this call goes wrong."""
        return (
            fnmatchcase(call.name.lower(), self.pattern)
            and (self.chat_id is None or str(self.chat_id) == str(call.chat_id))
            and (self.where is None or self.where(call))
        )

    @property
    def is_used_up(self) -> bool:
        """Whether it has hit as often as it should."""
        return self.times is not None and self.hits >= self.times

    def release(self) -> None:
        """Let the requests that hang go on: they are carried out and answered."""
        self.released.set()


def default_body(status: int, retry_after_s: float | None) -> Json:
    """A plain JSON error."""
    return {"status": status, "title": HTTPStatus(status).phrase}


def abort(request: web.Request) -> web.Response:
    """Reset the connection of a request; the answer returned goes nowhere."""
    transport = request.transport
    if transport is not None:
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NEVER_LINGER)
        transport.abort()
    return web.Response(status=HTTPStatus.BAD_GATEWAY)


# Over the limit of lines: each way to fail is a few keywords and its reason, side by side.
class Faults:
    """The faults of one server, oldest first."""

    def __init__(self, error_body: ErrorBody = default_body) -> None:
        self._error_body = error_body
        self._faults: list[Fault] = []
        self._stopping = asyncio.Event()

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults)

    def add(self, fault: Fault) -> Fault:
        """Let a fault hit from now on."""
        self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """Take one fault away; what hangs because of it goes on."""
        fault.release()
        if fault in self._faults:
            self._faults.remove(fault)

    def clear(self) -> None:
        """Take all faults away; what hangs goes on."""
        for fault in list(self._faults):
            self.remove(fault)

    def stop(self) -> None:
        """End everything that hangs, because the server stops."""
        self._stopping.set()

    # Over the limit of arguments: a test names the two or three that it means, by keyword.
    def fail(
        self,
        what: str = "",
        *,
        status: int = 500,
        body: Json | str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        times: int | None = 1,
        after_processing: bool = False,
        retry_after: float | None = None,
        chat_id: int | str | None = None,
        where: Callable[[Call], bool] | None = None,
    ) -> Fault:
        """Answer with a status; with ``retry_after`` also say when to come back.

        A body that is a text or bytes goes out as it is, as a page; anything else as JSON.
        """
        content = self._error_body(status, retry_after) if body is None else body
        told = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
        kind = "text/html" if isinstance(content, str | bytes) else "application/json"
        given = {"Content-Type": kind, **told, **(headers or {})}

        def answer() -> web.Response:
            text = content if isinstance(content, str | bytes) else json.dumps(content)
            raw = text.encode() if isinstance(text, str) else text
            return web.Response(status=status, body=raw, headers=given)

        return self.add(
            Fault(
                pattern_of(what),
                answer,
                times=times,
                after_processing=after_processing,
                chat_id=chat_id,
                where=where,
            )
        )

    def fail_with(self, *statuses: int, what: str = "") -> None:
        """Give the next answers these statuses, one each."""
        for status in statuses:
            self.fail(what, status=status)

    def html(
        self,
        what: str = "",
        *,
        status: int = 502,
        times: int | None = 1,
        after_processing: bool = False,
        chat_id: int | str | None = None,
    ) -> Fault:
        """Answer with a page in HTML, as a proxy in between does."""
        return self.fail(
            what,
            status=status,
            body=HTML_PAGE,
            times=times,
            after_processing=after_processing,
            chat_id=chat_id,
        )

    def hang(
        self,
        what: str = "",
        *,
        seconds: float | None = None,
        times: int | None = 1,
        after_processing: bool = False,
        chat_id: int | str | None = None,
        where: Callable[[Call], bool] | None = None,
    ) -> Fault:
        """Hold a request back for some seconds, or until `Fault.release`; then it goes on."""
        return self.add(
            Fault(
                pattern_of(what),
                hangs=True,
                seconds=seconds,
                times=times,
                after_processing=after_processing,
                chat_id=chat_id,
                where=where,
            )
        )

    def drip(
        self,
        what: str = "",
        *,
        seconds: float | None = None,
        times: int | None = 1,
        after_processing: bool = False,
        chat_id: int | str | None = None,
        where: Callable[[Call], bool] | None = None,
    ) -> Fault:
        """Answer byte by byte, for some seconds or until `Fault.release`; it never ends well."""
        return self.add(
            Fault(
                pattern_of(what),
                drips=True,
                seconds=seconds,
                times=times,
                after_processing=after_processing,
                chat_id=chat_id,
                where=where,
            )
        )

    def reset(
        self,
        what: str = "",
        *,
        times: int | None = 1,
        after_processing: bool = False,
        chat_id: int | str | None = None,
        where: Callable[[Call], bool] | None = None,
    ) -> Fault:
        """Reset the connection, before or after the request is carried out."""
        return self.add(
            Fault(
                pattern_of(what),
                times=times,
                after_processing=after_processing,
                chat_id=chat_id,
                where=where,
            )
        )

    async def around(self, call: Call, process: Process) -> web.StreamResponse:
        """Carry a request out, unless something is to go wrong with it."""
        fault = self._take(call)
        if fault is None:
            return await process()
        if fault.hangs:
            return await self._hold(fault, call, process)
        if fault.after_processing:
            await process()
        if fault.drips:
            return await self._drip(fault, call)
        return fault.answer() if fault.answer else abort(call.request)

    async def _hold(self, fault: Fault, call: Call, process: Process) -> web.StreamResponse:
        answer = await process() if fault.after_processing else None
        if await self._wait(fault):
            return abort(call.request)
        return await process() if answer is None else answer

    async def _drip(self, fault: Fault, call: Call) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(call.request)
        waiting = asyncio.ensure_future(self._wait(fault))
        try:
            while not waiting.done():
                await response.write(b" ")
                await asyncio.wait([waiting], timeout=DRIP_S)
        except ConnectionError:
            waiting.cancel()
        return abort(call.request)

    async def _wait(self, fault: Fault) -> bool:
        """Wait until a fault lets go; true if it is the server's stop that ends it."""
        waiting = [asyncio.ensure_future(e.wait()) for e in (fault.released, self._stopping)]
        try:
            await asyncio.wait(waiting, timeout=fault.seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        return self._stopping.is_set()

    def _take(self, call: Call) -> Fault | None:
        for fault in self._faults:
            if fault.matches(call):
                fault.hits += 1
                if fault.is_used_up:
                    self._faults.remove(fault)
                return fault
        return None


def pattern_of(what: str) -> str:
    """The pattern for the beginning of a name."""
    return what.lower() + "*"
