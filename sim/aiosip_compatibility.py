"""aiosip 0.2.0 on today's Python: the one file that knows what it needs.

aiosip was written for Python 3.6 and is no longer maintained. Kept of it: `Application` (dialogs, routes by method),
`Dialog` (callbacks, transactions by CSeq), `Contact` and `Uri`. Mended here, each where it says so:

- its import needs `collections.MutableMapping` and `asyncio.coroutine`, which Python 3.10 and 3.11 took away;
- it binds a second socket on the same port for every peer, and forgets dialogs that nobody else holds;
- its parser loses header fields, so a message reaches it through `sim.sip_text`;
- it writes header fields in an order of its own, so a message is written by the caller and aiosip's count is kept;
- it takes a 183 for a final response, and answers every request with 200 at once;
- it gives the ACK of a 2xx, and a BYE, the wrong CSeq.
"""

# ruff: noqa: ARG002 - the overrides keep aiosip's parameters, whether they need them or not

from __future__ import annotations

import asyncio
import collections
import collections.abc
import inspect
import socket
import time
import types
import warnings
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from multidict import CIMultiDict

from sim.sip_text import Address, Field, SipText, host_port, read

T1_S = 0.5
"""RFC 3261 section 17.1.1.1: the round-trip estimate; an unanswered request is sent again after it, then at twice."""
MAX_RESENDS = 6
"""T1 doubled six times: the last copy goes out within the 32 s of timer B."""
LINGER_S = 2.0
"""How long a finished dialog still answers what is sent again."""
RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024


def _coroutine(function: Callable[..., Any]) -> Callable[..., Any]:
    """What `asyncio.coroutine` was: a function that isn't a generator becomes an async one."""
    if inspect.isgeneratorfunction(function):
        return types.coroutine(function)

    async def call(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        return await result if inspect.isawaitable(result) else result

    return call


@contextmanager
def _names_of_python_3_6() -> Iterator[None]:
    """Lend the names that aiosip imports, and take them back. Its invalid escapes in patterns warn nobody."""
    lent = [
        (module, name, value)
        for module, name, value in (
            (collections, "MutableMapping", collections.abc.MutableMapping),
            (asyncio, "coroutine", _coroutine),
        )
        if not hasattr(module, name)
    ]
    for module, name, value in lent:
        setattr(module, name, value)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for module, name, _ in lent:
            delattr(module, name)


with _names_of_python_3_6():
    import aiosip
    from aiosip.contact import Contact
    from aiosip.message import Request, Response
    from aiosip.uri import Uri

__all__ = ["T1_S", "Contact", "Request", "Response", "SipApplication", "SipDialog", "Uri", "contact_of"]


class Tap(Protocol):
    """Sees every datagram that a socket of the cast sends or receives."""

    def sent(self, source: Address, destination: Address, payload: bytes) -> None: ...

    def received(self, source: Address, destination: Address, payload: bytes) -> None: ...


class PlannedHeaders(CIMultiDict[str]):
    """Header fields for aiosip's accounts; `wire` is what goes out, byte for byte."""

    wire: bytes = b""


def contact_of(value: str) -> Contact:
    """aiosip's Contact for a From, To or Contact value.

    aiosip's patterns know no URN and no parameter without a value: for those the Contact has the user ``unread`` and
    no more; the message itself keeps its own bytes.
    """
    try:
        return Contact.from_header(value)
    except (ValueError, AttributeError, TypeError):
        return Contact.from_header("<sip:unread@invalid>")


_UNREAD = contact_of("<sip:unread@invalid>")
"""aiosip takes From, To and Contact of every message apart, a third of its time; only a dialog's INVITE needs it."""


def _to_aiosip(message: SipText, source: Address) -> Any:
    """The message as aiosip's Request or Response, with our reading of it as `.sip` and the packet's `.source`."""
    headers: CIMultiDict[str] = CIMultiDict()
    for f in message.fields:
        headers.add(f.name.decode("utf-8", "surrogateescape").title(), f.value.decode("utf-8", "surrogateescape"))
    opens_dialog = message.is_request and message.method == b"INVITE"
    details = {
        f"{name.lower()}_details": contact_of(headers[name]) if opens_dialog else _UNREAD
        for name in ("From", "To", "Contact")
        if name in headers
    }
    if message.is_request:
        made = Request(method=message.method.decode("ascii", "replace"), headers=headers, **details)
    else:
        made = Response(message.status, message.phrase, headers=headers, **details)
    made.sip, made.source = message, source
    return made


class _Endpoint(aiosip.UDP):  # type: ignore[misc]  # aiosip publishes no types
    """The agent's one socket."""

    def __init__(self, app: SipApplication, loop: asyncio.AbstractEventLoop, tap: Tap | None) -> None:
        super().__init__(app=app, loop=loop)
        self.tap = tap
        self.address: Address = ("", 0)
        self.unreadable = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.address = transport.get_extra_info("sockname")[:2]
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        source: Address = (addr[0], addr[1])
        if self.tap is not None:
            self.tap.received(source, self.address, data)
        message = read(data)
        if message is None:
            self.unreadable += 1
            return
        self.app.dispatch(aiosip.UDP, _to_aiosip(message, source), source)

    def send(self, data: bytes, target: Address) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        if self.tap is not None:
            self.tap.sent(self.address, target, data)
        self.transport.sendto(data, target)


class SipApplication(aiosip.Application):  # type: ignore[misc]  # aiosip publishes no types
    """aiosip's Application on one socket, with strong references to its dialogs and tasks."""

    def __init__(self, *, loop: asyncio.AbstractEventLoop, tap: Tap | None = None) -> None:
        super().__init__(loop=loop)
        self._dialogs: dict[str, SipDialog] = {}
        self._endpoint: _Endpoint | None = None
        self._tap = tap
        self.tasks: set[asyncio.Task[None]] = set()
        self.silent = False
        """Whatever comes is dropped, as if nobody were there."""
        self.replies_to_strangers: dict[str, tuple[int, str]] = {
            "OPTIONS": (200, "OK"),
            "BYE": (481, "Call/Transaction Does Not Exist"),
            "CANCEL": (481, "Call/Transaction Does Not Exist"),
        }

    async def listen(self, host: str, port: int) -> Address:
        """Bind the socket (port 0: one that the system chooses) and say where it is. Raises OSError if it's taken."""
        _, endpoint = await self.loop.create_datagram_endpoint(
            lambda: _Endpoint(self, self.loop, self._tap), local_addr=(host, port)
        )
        self._endpoint = endpoint
        return self.address

    @property
    def endpoint(self) -> _Endpoint:
        if self._endpoint is None:
            raise RuntimeError("the agent has no socket: call start() first")
        return self._endpoint

    @property
    def address(self) -> Address:
        return self.endpoint.address

    async def create_connection(self, protocol: Any, local_addr: Any, remote_addr: Any, mode: str = "") -> _Endpoint:
        """aiosip opens a socket for each peer; here every dialog has the agent's one."""
        return self.endpoint

    def send_message(self, protocol: Any, local_addr: Any, remote_addr: Address, msg: Any) -> None:
        self.endpoint.send(msg.headers.wire, remote_addr)

    def dispatch(self, protocol: Any, msg: Any, addr: Address) -> None:
        """Give the message to its dialog; a request of no dialog starts one where its method has a route."""
        if self.silent:
            return
        dialog = self._dialogs.get(msg.headers["Call-Id"])
        if dialog is not None:
            dialog.receive_message(msg)
            return
        if isinstance(msg, Response):
            return
        route = self.router.routes.get(msg.method)
        if route is not None:
            self.spawn(route(self._adopt(msg, addr), msg))
        elif msg.method in self.replies_to_strangers:
            status, phrase = self.replies_to_strangers[msg.method]
            self.endpoint.send(write_reply(msg.sip, status, phrase, to_tag="stranger"), addr)

    def _adopt(self, msg: Any, addr: Address) -> SipDialog:
        """The dialog of an incoming request. Replies go to the packet's source, not to what Contact says."""
        dialog = SipDialog(
            app=self,
            from_uri="<sip:local@invalid>",
            to_uri="<sip:remote@invalid>",
            call_id=msg.headers["Call-Id"],
            protocol=self.endpoint,
            local_addr=self.address,
            remote_addr=addr,
            loop=self.loop,
        )
        dialog.from_details, dialog.to_details = msg.to_details, msg.from_details
        self._dialogs[dialog.call_id] = dialog
        return dialog

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def forget(self, dialog: SipDialog) -> None:
        self._dialogs.pop(dialog.call_id, None)

    async def stop_dialog(self, dialog: SipDialog) -> None:
        """aiosip's own looks the Call-ID up in a place where it isn't."""
        self.forget(dialog)

    async def close(self) -> None:
        """Cancel what is under way and close the socket."""
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for dialog in list(self._dialogs.values()):
            dialog.drop()
        if self._endpoint is not None and self._endpoint.transport is not None:
            self._endpoint.transport.close()


class SipDialog(aiosip.dialog.Dialog):  # type: ignore[misc]  # aiosip publishes no types
    """aiosip's Dialog with one CSeq for all methods, provisional responses kept, and retransmission over UDP."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cseq_number = 0
        self.progress = asyncio.Event()
        self.provisional: list[SipText] = []
        self.rang_at: float | None = None
        """When the first response of 180 or above came, on the monotonic clock."""
        self.on_final_again: Callable[[], None] | None = None
        self._replies: dict[tuple[str, int], tuple[bytes, Address]] = {}
        self._timers: dict[tuple[str, int], asyncio.TimerHandle] = {}

    def request(self, method: str, uri: str, fields: Sequence[Field], body: bytes = b"") -> asyncio.Future[Any] | None:
        """Send a request exactly as given; its CSeq is among `fields`. The future is its final response, None for ACK.

        It is sent again as RFC 3261 section 17.1 says until it is answered. aiosip counts a CSeq for each method; its
        count is set to ours first.
        """
        message = SipText(f"{method} {uri} SIP/2.0".encode("utf-8", "surrogateescape"), tuple(fields), body)
        headers = PlannedHeaders((f.name.decode(), f.value.decode("utf-8", "surrogateescape")) for f in fields)
        headers.wire = bytes(message)
        number = int((message.first(b"cseq") or b"0").partition(b" ")[0])
        self.cseqs[method] = number - 1
        future: asyncio.Future[Any] | None = self.send_message(method, headers=headers)
        if future is not None:
            self._resend_later((method, number), headers.wire, T1_S, MAX_RESENDS)
        return future

    def reply(self, request: SipText, status: int, phrase: str, extra: Sequence[Field] = (), body: bytes = b"") -> None:
        """Answer a request; our tag is put on To (100 has none). Kept, for when the request is sent again."""
        tag = None if status == 100 else self.local_tag
        wire = write_reply(request, status, phrase, to_tag=tag, extra=extra, body=body)
        headers = PlannedHeaders((("Via", "kept"), ("From", "kept"), ("To", "kept"), ("Call-ID", self.call_id)))
        headers.wire = wire
        number = int((request.first(b"cseq") or b"0").partition(b" ")[0])
        self._replies[request.method.decode(), number] = (wire, self.remote_addr)
        self.send_reply(status, phrase, headers=headers)

    @property
    def local_tag(self) -> str:
        self.from_details.add_tag()
        return str(self.from_details["params"]["tag"])

    def receive_message(self, msg: Any) -> None:
        """aiosip's own ends the transaction on a 183 and answers every request 200."""
        if isinstance(msg, Response):
            self._receive_response(msg)
            return
        kept = self._replies.get((msg.method, msg.cseq))
        if kept is not None and msg.method != "ACK":
            self.endpoint_send(*kept)
            return
        for callback in self.callbacks[msg.method]:
            callback["callable"](self, msg, *callback["args"], **callback["kwargs"])

    def _receive_response(self, msg: Any) -> None:
        key = (msg.method, msg.cseq)
        if msg.status_code < 200:
            if msg.method == "INVITE":
                self._stop_resending(key)
                self.provisional.append(msg.sip)
                if self.rang_at is None and msg.status_code >= 180:
                    self.rang_at = time.monotonic()
                self.progress.set()
            return
        self._stop_resending(key)
        request = self._msgs[msg.method].pop(msg.cseq, None)
        if request is not None and not request.future.done():
            request.future.set_result(msg)
        elif msg.method == "INVITE" and self.on_final_again is not None:
            self.on_final_again()

    def endpoint_send(self, wire: bytes, target: Address) -> None:
        self.app.endpoint.send(wire, target)

    def _resend_later(self, key: tuple[str, int], wire: bytes, delay_s: float, left: int) -> None:
        self._stop_resending(key)
        if left:
            self._timers[key] = self.loop.call_later(delay_s, self._resend, key, wire, delay_s, left)

    def _resend(self, key: tuple[str, int], wire: bytes, delay_s: float, left: int) -> None:
        self.endpoint_send(wire, self.remote_addr)
        self._resend_later(key, wire, delay_s * 2, left - 1)

    def _stop_resending(self, key: tuple[str, int]) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        """Over, but what is sent again is still answered for a while."""
        for key in list(self._timers):
            self._stop_resending(key)
        self.loop.call_later(LINGER_S, self.drop)

    def drop(self) -> None:
        for key in list(self._timers):
            self._stop_resending(key)
        self.app.forget(self)


def write_reply(
    request: SipText, status: int, phrase: str, *, to_tag: str | None, extra: Sequence[Field] = (), body: bytes = b""
) -> bytes:
    """A response as RFC 3261 section 8.2.6 builds it: Via, From, To, Call-ID, CSeq and Record-Route of the request."""
    copied: list[Field] = []
    for f in request.fields:
        if f.name in (b"via", b"from", b"call-id", b"cseq") or (f.name == b"record-route" and status != 100):
            copied.append(f)
        elif f.name == b"to":
            tagged = to_tag is None or b";tag=" in f.value.rpartition(b">")[2]
            copied.append(f if tagged else Field(f.name, f.value, f.raw + f";tag={to_tag}".encode()))
    length = Field(b"content-length", b"", b"Content-Length: %d" % len(body))
    return bytes(SipText(f"SIP/2.0 {status} {phrase}".encode(), (*copied, *extra, length), body))


def contact_field(user: str, address: Address) -> Field:
    value = f"<sip:{user}@{host_port(address)}>"
    return Field(b"contact", value.encode(), f"Contact: {value}".encode())
