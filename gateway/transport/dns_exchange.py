"""One question to the servers, by dnspython. Imported where names are looked up, and only there: it takes a tenth of a
second.

dnspython brings the wire format, the turn from one server to the next, from UDP to TCP, and the chains of aliases. Its
own sockets take answers of any length, and reading one of 64 KB stops every call for a quarter of a second; so sockets
and lengths are ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Final

import dns.asyncresolver
import dns.exception
import dns.message
import dns.name
import dns.nameserver
import dns.rdata
import dns.rdatatype
import dns.rdtypes.ANY.CNAME
import dns.rdtypes.IN.A
import dns.rdtypes.IN.AAAA
import dns.rdtypes.IN.NAPTR
import dns.rdtypes.IN.SRV
import dns.resolver

from gateway.interconnection.trunk_groups import Address
from gateway.signalling.dns_records import (
    MAX_RECORDS,
    Answer,
    IpAddress,
    Naptr,
    Question,
    Record,
    RecordType,
    Srv,
    canonical_name,
)

MAX_ANSWER_BYTES: Final = 4_096
"""A longer answer is refused unread. 64 SRV records take about two thousand."""
UDP_PAYLOAD_BYTES: Final = 1_232
"""What is offered as the longest datagram (RFC 9715): no longer one arrives in fragments, which are easily forged."""
MAX_STRAYS: Final = 16
"""Datagrams that are no answer to the question, after which the server is given up: somebody guesses."""
MAX_ALIASES: Final = 8
"""CNAME records followed from one answer to the next, beyond those that one answer holds."""


class AnswerRefused(OSError):
    """What a server sent is not taken. An OSError, since after one of these dnspython leaves the server alone."""


class DnsServers:
    """The servers that are asked, in their order."""

    def __init__(self, addresses: Sequence[Address], server_timeout_s: float, timeout_s: float) -> None:
        """Without `addresses`, those of /etc/resolv.conf.

        `server_timeout_s` is the patience with one server, `timeout_s` with all of them. Raises `NoServers`.
        """
        self._resolver: Final = dns.asyncresolver.Resolver(configure=False)
        self._resolver.nameservers = [BoundedServer(*address) for address in addresses or _of_the_system()]
        self._resolver.use_edns(0, 0, UDP_PAYLOAD_BYTES)
        self._resolver.timeout = server_timeout_s
        self._resolver.lifetime = self._timeout_s = timeout_s

    async def ask(self, question: Question) -> Answer:
        """The servers' answer; its TTL is theirs. Raises `dns.exception.DNSException`, OSError, TimeoutError."""
        name = dns.name.from_text(question.name)
        ttl_s: int | None = None
        async with asyncio.timeout(self._timeout_s):
            for _ in range(MAX_ALIASES):
                chain = await self._chain(name, question.type)
                ttl_s = chain.minimum_ttl if ttl_s is None else min(ttl_s, chain.minimum_ttl)
                if chain.answer is not None:
                    return Answer(_records_of(chain.answer), ttl_s)
                if chain.canonical_name == name:
                    return Answer((), ttl_s)
                name = chain.canonical_name
        raise AnswerRefused(f"more than {MAX_ALIASES} aliases, one behind the other")

    async def _chain(self, name: dns.name.Name, kind: RecordType) -> dns.message.ChainingResult:
        """One answer, as far as it leads."""
        try:
            found = await self._resolver.resolve(name, kind.value, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN as absent:
            response = absent.kwargs["responses"][name]
            if not isinstance(response, dns.message.QueryMessage):
                raise
            chain = response.resolve_chaining()
            return chain.__class__(name, None, chain.minimum_ttl, chain.cnames)
        return found.chaining_result


class NoServers(OSError):
    """It is not known whom to ask; the text says why, and what to do."""


def _of_the_system() -> list[Address]:
    try:
        servers = dns.resolver.Resolver().nameservers
    except dns.exception.DNSException as error:
        raise NoServers(f"no DNS server is known: {error}; name them in [dns] `servers`") from None
    return [(server, 53) for server in map(str, servers) if _is_address(server)]


def reason_of(error: Exception) -> str:
    """Why a question has no answer, for a person: each server once, with what came of it last."""
    if isinstance(error, dns.exception.DNSException):
        tried = error.kwargs.get("errors", ())
        told = {f"{_host_of(server)}:{port}": _outcome(what) for server, _, port, what, _ in tried}
        if told:
            return ", ".join(f"{server} {outcome}" for server, outcome in told.items())
    return _outcome(error)


def _outcome(what: object) -> str:
    if isinstance(what, dns.exception.Timeout | TimeoutError):
        return "did not answer in time"
    if isinstance(what, str):
        return f"answered {what}"
    if isinstance(what, OSError):
        return f"cannot be asked: {what.strerror or what}"
    return f"sent what cannot be used: {what}"


class BoundedServer(dns.nameserver.AddressAndPortNameserver):
    """A server, asked over sockets that take one answer, of bounded length."""

    def kind(self) -> str:
        return "DNS"

    async def async_query(
        self,
        request: dns.message.QueryMessage,
        timeout: float,  # noqa: ASYNC109 - the signature is the library's
        source: str | None,  # noqa: ARG002
        source_port: int,  # noqa: ARG002
        max_size: bool,
        backend: object,  # noqa: ARG002
        one_rr_per_rrset: bool = False,  # noqa: ARG002
        ignore_trailing: bool = False,  # noqa: ARG002
    ) -> dns.message.Message:
        """Ask over UDP, or TCP where `max_size`."""
        try:
            async with asyncio.timeout(timeout):
                return await (self._over_tcp(request) if max_size else self._over_udp(request))
        except TimeoutError:  # an OSError, after which dnspython would not ask the server again
            raise dns.exception.Timeout from None

    async def _over_udp(self, request: dns.message.QueryMessage) -> dns.message.Message:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[dns.message.Message] = loop.create_future()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Question(request, answer), remote_addr=(self.address, self.port)
        )  # connected: the kernel drops what another address sends
        try:
            transport.sendto(request.to_wire())
            return await answer
        finally:
            transport.close()

    async def _over_tcp(self, request: dns.message.QueryMessage) -> dns.message.Message:
        reader, writer = await asyncio.open_connection(self.address, self.port, limit=MAX_ANSWER_BYTES)
        try:
            writer.write(request.to_wire(prepend_length=True))
            length = int.from_bytes(await reader.readexactly(2), "big")
            if length > MAX_ANSWER_BYTES:
                raise AnswerRefused(f"an answer of {length} bytes is longer than {MAX_ANSWER_BYTES}")
            response = dns.message.from_wire(await reader.readexactly(length), raise_on_truncation=True)
        finally:
            writer.close()
        if not request.is_response(response):
            raise AnswerRefused("the answer is to another question")
        return response


class _Question(asyncio.DatagramProtocol):
    """Waits for the one datagram that answers a question."""

    def __init__(self, request: dns.message.QueryMessage, answer: asyncio.Future[dns.message.Message]) -> None:
        self._request: Final = request
        self._answer: Final = answer
        self._strays = 0

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 - the signature is asyncio's
        if self._answer.done():
            return
        if data[:2] != self._request.id.to_bytes(2, "big"):
            self._stray()
        elif len(data) > MAX_ANSWER_BYTES:
            self._fail(AnswerRefused(f"an answer of {len(data)} bytes is longer than {MAX_ANSWER_BYTES}"))
        else:
            self._read(data)

    def _read(self, data: bytes) -> None:
        try:
            response = dns.message.from_wire(data, raise_on_truncation=True)
        except dns.message.Truncated as cut:
            if self._request.is_response(cut.kwargs["message"]):
                self._fail(cut)  # dnspython asks again over TCP
            else:
                self._stray()
        except Exception:  # whatever the library says of bytes from outside, the true answer may still come
            self._stray()
        else:
            if self._request.is_response(response):
                self._answer.set_result(response)
            else:
                self._stray()

    def error_received(self, exc: Exception) -> None:
        self._fail(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionResetError("the socket was closed"))

    def _stray(self) -> None:
        self._strays += 1
        if self._strays > MAX_STRAYS:
            self._fail(AnswerRefused(f"more than {MAX_STRAYS} datagrams are no answer to the question"))

    def _fail(self, error: Exception) -> None:
        if not self._answer.done():
            self._answer.set_exception(error)


def _records_of(rdatas: Iterable[dns.rdata.Rdata]) -> tuple[Record, ...]:
    """The records that can be used, at most `MAX_RECORDS`, the preferred first where the type knows a preference."""
    records = [record for record in map(_record_of, rdatas) if record is not None]
    if not all(isinstance(record, IpAddress) for record in records):
        records.sort()
    return tuple(records[:MAX_RECORDS])


def _record_of(rdata: dns.rdata.Rdata) -> Record | None:
    """One record in our terms; None where a name in it is none."""
    if isinstance(rdata, dns.rdtypes.IN.A.A | dns.rdtypes.IN.AAAA.AAAA):
        return IpAddress(str(ip_address(rdata.address)))
    if isinstance(rdata, dns.rdtypes.IN.SRV.SRV):
        target = _name_of(rdata.target)
        return Srv(rdata.priority, rdata.weight, rdata.port, target) if target is not None else None
    if isinstance(rdata, dns.rdtypes.IN.NAPTR.NAPTR):
        replacement = _name_of(rdata.replacement)
        if replacement is None:
            return None
        flags, service, regexp = (
            text.decode("ascii", "replace") for text in (rdata.flags, rdata.service, rdata.regexp)
        )
        return Naptr(rdata.order, rdata.preference, flags, service, regexp, replacement)
    return None


def _name_of(name: dns.name.Name) -> str | None:
    """Empty for the root; None for what no host or service is called."""
    return "" if name == dns.name.root else canonical_name(name.to_text())


def _host_of(server: str) -> str:
    """The address out of the text that dnspython keeps of a server: ``DNS:127.0.0.1@53``."""
    return server.partition(":")[2].rpartition("@")[0]


def _is_address(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return False
