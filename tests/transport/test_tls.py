"""SIP over TLS, on real sockets, with authorities made for the test."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
import trustme
from peers import LOOPBACK
from stream_peers import FarEnd, gateway_side, request, response, soon, switch

from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.signalling.call import Send
from gateway.transport.connections import Closing, Refusal, StreamLimits
from gateway.transport.tls import TlsContexts, TlsFiles, names_in

TLS: Final = Transport.TLS
LONG_AGO: Final = datetime(2001, 1, 1, tzinfo=UTC)


@dataclass
class Authority:
    """Signs certificates, and writes them where a gateway reads them."""

    folder: Path
    ca: trustme.CA

    def files(self, *names: str, verify: bool = True) -> TlsFiles:
        issued = self.ca.issue_cert(*names)
        certificate, key, authorities = (self.folder / name for name in ("own.pem", "own.key", "ca.pem"))
        certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        key.write_bytes(issued.private_key_pem.bytes())
        self.ca.cert_pem.write_to_path(authorities)
        return TlsFiles(certificate, key, authorities if verify else None)

    def contexts(self, *, verify: bool = True) -> TlsContexts:
        return TlsContexts(self.files("gateway.example", LOOPBACK, verify=verify))

    def switch(self, *names: str, server: bool = False, not_after: datetime | None = None) -> ssl.SSLContext:
        """What a switch shows and whom it believes; without a name it shows nothing."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        if names:
            self.ca.issue_cert(*names, not_after=not_after).configure_cert(context)
        self.ca.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, trustme.CA())


async def test_both_sides_show_their_certificates_and_a_request_is_answered(authority: Authority) -> None:
    async with gateway_side(lambda _data, source: [Send(response(), source)], tls=authority.contexts()) as gateway:
        caller = await FarEnd.to(gateway.address, authority.switch("Switch.example", LOOPBACK))
        caller.send(request())
        assert await caller.receive() == response()
        hop, names = await soon(gateway.proxy.up.get())
        assert hop == Hop(*caller.address, TLS, hop.connection)
        assert names == {"switch.example", LOOPBACK}
        assert (await gateway.message()) == (request(), hop)
        await caller.close()
        assert await soon(gateway.proxy.gone.get()) == hop


@pytest.mark.parametrize(
    ("shown", "names"),
    [
        (("switch.example",), {"switch.example"}),
        ((LOOPBACK,), {}),
    ],
)
async def test_a_switch_is_reached_that_shows_its_name_or_its_address(
    authority: Authority, shown: tuple[str, ...], names: Any
) -> None:
    async with switch(context=authority.switch(*shown, server=True)) as callee:
        target = callee.hop._replace(transport=TLS)
        expected = dict.fromkeys([target.address], *names) if names else None
        async with gateway_side(tls=authority.contexts(), names=expected) as gateway:
            for number in range(2):
                gateway.send(request(number), target)
            there = await callee.connection()
            assert [await there.receive() for _ in range(2)] == [request(0), request(1)]
            presented = there.writer.get_extra_info("peercert")
            assert names_in(presented) == {"gateway.example", LOOPBACK}


@pytest.mark.parametrize("shown", [("other.example",), ("other.example", "10.0.0.1"), ("*.example",)])
@pytest.mark.parametrize("expected", ["switch.example", None])
async def test_a_switch_that_shows_another_name_gets_nothing(
    authority: Authority, shown: tuple[str, ...], expected: str | None
) -> None:
    async with switch(context=authority.switch(*shown, server=True)) as callee:
        target = callee.hop._replace(transport=TLS)
        names = {target.address: expected} if expected is not None else None
        async with gateway_side(tls=authority.contexts(), names=names) as gateway:
            gateway.send(request(), target)
            assert await soon(gateway.proxy.lost.get()) == Send(request(), target)
            assert gateway.table.closed[Closing.CERTIFICATE] == 1
            assert gateway.proxy.up.empty()
            for end in callee.ends:  # the handshake may have ended at the far end as well, or not
                assert await end.rest() == b""


async def test_a_switch_of_another_authority_or_out_of_date_gets_nothing(authority: Authority) -> None:
    others = [
        Authority(authority.folder, trustme.CA()).switch(LOOPBACK, server=True),
        authority.switch(LOOPBACK, server=True, not_after=LONG_AGO),
    ]
    async with gateway_side(tls=authority.contexts()) as gateway:
        for context in others:
            async with switch(context=context) as callee:
                target = callee.hop._replace(transport=TLS)
                gateway.send(request(), target)
                assert await soon(gateway.proxy.lost.get()) == Send(request(), target)
        assert gateway.table.closed[Closing.HANDSHAKE] == 2


@pytest.mark.parametrize("who", ["another authority", "out of date", "no certificate", "old TLS"])
async def test_a_caller_that_cannot_be_verified_gets_in_no_word(authority: Authority, who: str) -> None:
    contexts = {
        "another authority": Authority(authority.folder, trustme.CA()).switch("switch.example"),
        "out of date": authority.switch("switch.example", not_after=LONG_AGO),
        "no certificate": authority.switch(),
        "old TLS": authority.switch("switch.example"),
    }
    context = contexts[who]
    authority.ca.configure_trust(context)
    if who == "old TLS":
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="deprecated"):
            context.minimum_version = ssl.TLSVersion.TLSv1
        with pytest.warns(DeprecationWarning, match="deprecated"):
            context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with gateway_side(tls=authority.contexts()) as gateway:
        try:
            caller = await FarEnd.to(gateway.address, context)
        except (ssl.SSLError, ConnectionError):
            pass  # told during the handshake, as up to TLS 1.2
        else:
            caller.send(request())
            assert await caller.rest() == b""
            await caller.close()
        await until(lambda: gateway.table.closed[Closing.HANDSHAKE] == 1)
        assert gateway.proxy.received.empty()
        assert gateway.proxy.up.empty()
        assert gateway.table.accepted == gateway.table.handshakes == 0


async def test_where_nobody_is_verified_a_caller_has_no_names(authority: Authority) -> None:
    tls = authority.contexts(verify=False)
    async with gateway_side(lambda _data, source: [Send(response(), source)], tls=tls) as gateway:
        caller = await FarEnd.to(gateway.address, authority.switch("switch.example"))
        caller.send(request())
        assert await caller.receive() == response()
        assert (await soon(gateway.proxy.up.get()))[1] == frozenset()
        await caller.close()


@pytest.mark.parametrize("data", [request(), b"\r\n\r\n", bytes(1_000)])
async def test_plain_bytes_on_a_port_for_tls_close_the_connection(authority: Authority, data: bytes) -> None:
    async with gateway_side(tls=authority.contexts()) as gateway:
        caller = await FarEnd.to(gateway.address)
        caller.send(data)
        await caller.rest()
        await until(lambda: gateway.table.closed[Closing.HANDSHAKE] == 1)
        assert gateway.proxy.received.empty()
        await caller.close()


async def test_a_handshake_that_does_not_go_on_is_given_up_and_bounded(authority: Authority) -> None:
    limits = StreamLimits(handshake_s=0.3, handshakes=3)
    async with gateway_side(tls=authority.contexts(), limits=limits) as gateway:
        silent = [await FarEnd.to(gateway.address) for _ in range(5)]
        for end in silent:
            assert await end.rest() == b""
            await end.close()
        assert gateway.table.refused[Refusal.HANDSHAKES] == 2
        assert gateway.table.closed[Closing.HANDSHAKE] == 3
        assert gateway.table.accepted == gateway.table.handshakes == 0


async def test_handshakes_of_strangers_do_not_keep_the_switches_out(authority: Authority) -> None:
    limits = StreamLimits(handshakes=16)
    async with gateway_side(
        lambda _data, source: [Send(response(), source)],
        tls=authority.contexts(),
        limits=limits,
        known=lambda host: host == "127.0.0.2",
        host="0.0.0.0",  # noqa: S104
    ) as gateway:
        listening = ("127.0.0.1", gateway.address[1])
        silent = [await FarEnd.to(listening) for _ in range(16)]
        assert await silent[2].rest() == b""
        await until(lambda: gateway.table.refused[Refusal.STRANGERS] == 14)
        assert gateway.table.handshakes == 2
        sock = socket.create_connection(listening, source_address=("127.0.0.2", 0))
        context = authority.switch("switch.example")
        known = FarEnd(*await soon(asyncio.open_connection(sock=sock, ssl=context, server_hostname="gateway.example")))
        known.send(request())
        assert await known.receive() == response()
        for end in (*silent, known):
            await end.close()


@pytest.mark.parametrize("known", [True, False])
async def test_a_failed_handshake_is_told_of_a_switch_and_does_not_fill_the_log_for_strangers(
    authority: Authority, known: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tollgate.transport")
    limits = StreamLimits(handshake_s=0.1)
    async with gateway_side(tls=authority.contexts(), limits=limits, known=lambda _host: known) as gateway:
        silent = await FarEnd.to(gateway.address)
        assert await silent.rest() == b""
        await silent.close()
    told = [record.getMessage() for record in caplog.records if "handshake" in record.getMessage()]
    assert [text.rpartition(": ")[2] for text in told] == (["it took too long"] if known else [])


async def test_large_messages_and_many_go_through_tls_whole(authority: Authority) -> None:
    def echo(data: bytes, source: Hop) -> list[Send]:
        return [Send(data, source)]

    async with gateway_side(echo, tls=authority.contexts()) as gateway:
        caller = await FarEnd.to(gateway.address, authority.switch("switch.example"))
        stream = b"".join(request(number, body=bytes(number * 500)) for number in range(100))
        caller.send(stream)
        assert await soon(caller.reader.readexactly(len(stream))) == stream
        await caller.close()


async def until(true: Any) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - a counter, which nothing announces
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((), set()),
        ((("DNS", "Switch.Example."),), {"switch.example"}),
        ((("DNS", "*.example"),), set()),
        ((("URI", "sip:switch.example"), ("DNS", "host.example")), {"switch.example"}),
        ((("URI", "SIP:Switch.example:5061;transport=tls"),), {"switch.example"}),
        ((("URI", "sip:someone@switch.example"), ("DNS", "host.example")), {"host.example"}),
        ((("URI", "sips:switch.example"), ("URI", "https://switch.example")), set()),
        ((("URI", "sip:"), ("URI", "sip:\xff")), set()),
        ((("IP Address", "127.0.0.1"), ("IP Address", "0:0:0:0:0:0:0:1\n")), {"127.0.0.1", "::1"}),
        ((("IP Address", "<invalid>"), ("email", "a@b"), ("DirName", ())), set()),
        (tuple(("DNS", f"{number}.example") for number in range(1_000)), {f"{n}.example" for n in range(64)}),
    ],
)
def test_a_certificate_stands_for_the_domains_and_addresses_that_it_names(names: Any, expected: set[str]) -> None:
    assert names_in({"subjectAltName": names, "subject": ((("commonName", "cn.example"),),)}) == expected
