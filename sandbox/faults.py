"""Failures on demand, the same for both servers.

A server puts `faults.middleware` first in its application and says with `name_of(request)` what a request is
called (a Bot API method, a path of the Chats API). Tests then say what goes wrong:

    server.faults.fail("sendMessage", status=502, html=True, times=3)
    server.faults.fail(kind="reset", after_processing=True)
    server.faults.fail_with(500, 503)      # the next answers
    server.faults.is_down = True           # connections are closed at once
    server.faults.latency_s = 0.1
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

from sandbox.http import Handler, reset

HTML = "<html><head><title>{status}</title></head><body>Bad Gateway</body></html>"

AnswerBody = Callable[[int, float | None], dict[str, object]]


@dataclass
class Fault:
    """One thing that goes wrong, a number of times.

    Args:
        kind: an answer with a status, no answer at all, or a connection that is closed.
        prefix: what the name of a request begins with; empty for every request.
        times: how often.
        after_processing: whether the request is carried out before it goes wrong.
        retry_after: seconds that a 429 asks for.
        hang_s: how long a hang lasts; None until `Faults.release`.
        matches: tells by the request whether it is meant.
    """

    kind: Literal["status", "hang", "reset"] = "status"
    prefix: str = ""
    status: int = 500
    html: bool = False
    body: dict[str, object] | None = None
    times: int = 1
    after_processing: bool = False
    retry_after: float | None = None
    hang_s: float | None = None
    matches: Callable[[web.Request], bool] | None = None


@dataclass
class Faults:
    """What goes wrong with a server."""

    name_of: Callable[[web.Request], str]
    answer_body: AnswerBody
    is_down: bool = False
    latency_s: float = 0.0
    pending: list[Fault] = field(default_factory=list)
    happened: list[str] = field(default_factory=list)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def fail(self, prefix: str = "", **how: object) -> Fault:
        """Let the next matching requests fail; see `Fault` for how."""
        fault = Fault(prefix=prefix, **how)  # type: ignore[arg-type] - the dataclass says what there is
        self.pending.append(fault)
        if fault.kind == "hang":
            self._released.clear()
        return fault

    def fail_with(self, *statuses: int) -> None:
        """Give the next answers these statuses."""
        for status in statuses:
            self.fail(status=status)

    def release(self) -> None:
        """Let all that hangs go on."""
        self._released.set()

    def clear(self) -> None:
        """Let everything work again."""
        self.pending.clear()
        self.is_down, self.latency_s = False, 0.0
        self.release()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request go wrong, if something says so."""
        if request.path.startswith("/sandbox/"):
            return await handler(request)
        if self.is_down:
            return reset(request)
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        fault = self._next(request) if self.pending else None
        if fault is None:
            return await handler(request)
        self.happened.append(f"{fault.kind} {self.name_of(request)}")
        if fault.after_processing:
            await handler(request)
        return await self._go_wrong(fault, request, handler)

    def _next(self, request: web.Request) -> Fault | None:
        name = self.name_of(request)
        for fault in self.pending:
            if name.startswith(fault.prefix) and (not fault.matches or fault.matches(request)):
                fault.times -= 1
                if fault.times <= 0:
                    self.pending.remove(fault)
                return fault
        return None

    async def _go_wrong(
        self, fault: Fault, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        if fault.kind == "reset":
            return reset(request)
        if fault.kind == "hang":
            try:
                await asyncio.wait_for(self._released.wait(), fault.hang_s)
            except TimeoutError:
                pass
            return reset(request) if fault.after_processing else await handler(request)
        headers = {"Retry-After": str(int(fault.retry_after))} if fault.retry_after else None
        if fault.html:
            text = HTML.format(status=fault.status)
            return web.Response(
                status=fault.status, text=text, content_type="text/html", headers=headers
            )
        body = fault.body or self.answer_body(fault.status, fault.retry_after)
        return web.json_response(body, status=fault.status, headers=headers)
