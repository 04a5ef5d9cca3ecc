"""A gateway with listeners of every kind: calls come over one transport and leave over another."""

from __future__ import annotations

import asyncio
import re
import resource
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
import trustme
from small_gateway import HOST_NUMBER, LOOPBACK, PROVIDER_NUMBER, Calls, Exchange

from gateway.interconnection.trunk_groups import Hop, Member, Transport
from gateway.operations.configuration import TlsSettings
from gateway.policy.verdict import Outcome
from gateway.wiring.listeners import OTHER_FILES, allow_files
from gateway.wiring.live import running

TCP, TLS, UDP = Transport.TCP, Transport.TLS, Transport.UDP
LIMIT_S: Final = 10.0


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    """With what a gateway needs of it, in files."""
    made = trustme.CA()
    own = made.issue_cert("gateway.example", LOOPBACK)
    own.cert_chain_pems[0].write_to_path(tmp_path / "own.pem")
    own.private_key_pem.write_to_path(tmp_path / "own.key")
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    return made


class StreamSwitch:
    """A switch that takes connections and makes them, and speaks plainly on each."""

    def __init__(self, transport: Transport, client: ssl.SSLContext | None, server: ssl.SSLContext | None) -> None:
        self.transport: Final = transport
        self._client: Final = client
        self._server: Final = server
        self._came: Final[asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]] = asyncio.Queue()
        self.writers: Final[list[asyncio.StreamWriter]] = []
        self.port = 0

    async def start(self) -> None:
        self.listening = await asyncio.start_server(self._take, LOOPBACK, 0, ssl=self._server)
        self.port = self.listening.sockets[0].getsockname()[1]

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        self._came.put_nowait((reader, writer))

    async def connect(self, gateway: Hop) -> None:
        secured = {"ssl": self._client, "server_hostname": "gateway.example"} if self._client is not None else {}
        self.reader, self.writer = await asyncio.open_connection(*gateway.address, **secured)
        self.writers.append(self.writer)

    async def accept(self) -> None:
        async with asyncio.timeout(LIMIT_S):
            self.reader, self.writer = await self._came.get()

    async def receive(self, start: str) -> str:
        async with asyncio.timeout(LIMIT_S):
            while True:
                text = (await self.reader.readuntil(b"\r\n\r\n")).decode()
                if not text.startswith("SIP/2.0 100"):
                    assert text.startswith(start), text
                    return text

    def send(self, method: str, call_id: str, gateway: Hop, *, to_tag: str = "", cseq: int = 1) -> None:
        branch = f"z9hG4bK{cseq}{call_id}" + ("" if method in ("INVITE", "ACK") else method)
        parameter = f";transport={self.transport.value}"
        lines = (
            f"{method} sip:{HOST_NUMBER}@{LOOPBACK}:{gateway.port}{parameter} SIP/2.0",
            f"Via: SIP/2.0/{self.transport.upper()} {LOOPBACK}:{self.port};branch={branch}",
            "Max-Forwards: 70",
            f"From: <sip:{PROVIDER_NUMBER}@{LOOPBACK}>;tag=a",
            f"To: <sip:{HOST_NUMBER}@{LOOPBACK}>{to_tag and f';tag={to_tag}'}",
            f"Call-ID: {call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:{LOOPBACK}:{self.port}{parameter}>",
            "Content-Length: 0",
        )
        self.writer.write("\r\n".join((*lines, "", "")).encode())

    def answer(self, request: str, status: str) -> None:
        copied = re.findall(r"^(?:Via|From|Call-ID|CSeq|Record-Route): .*(?=\r)", request, re.MULTILINE)
        to = re.findall(r"^To: [^;\r]*", request, re.MULTILINE)[0]
        lines = (f"SIP/2.0 {status}", *copied, f"{to};tag=b", "Content-Length: 0", "", "")
        self.writer.write("\r\n".join(lines).encode())

    async def close(self) -> None:
        self.listening.close()
        for writer in self.writers:
            writer.close()
            try:
                async with asyncio.timeout(LIMIT_S):
                    await writer.wait_closed()
            except (ConnectionError, ssl.SSLError):
                pass


def switch_of(transport: Transport, authority: trustme.CA, name: str) -> StreamSwitch:
    if transport is TCP:
        return StreamSwitch(TCP, None, None)
    contexts = []
    for protocol in (ssl.PROTOCOL_TLS_CLIENT, ssl.PROTOCOL_TLS_SERVER):
        context = ssl.SSLContext(protocol)
        authority.configure_trust(context)
        authority.issue_cert(name).configure_cert(context)
        context.verify_mode = ssl.CERT_REQUIRED
        contexts.append(context)
    return StreamSwitch(TLS, *contexts)


@pytest.mark.parametrize(("in_by", "out_by"), [(TCP, TCP), (TLS, TLS), (TCP, TLS), (TLS, TCP)])
async def test_a_call_comes_over_one_connection_and_leaves_over_another(
    tmp_path: Path, authority: trustme.CA, in_by: Transport, out_by: Transport
) -> None:
    exchange = Exchange(tmp_path)
    partner, host = switch_of(in_by, authority, "partner.example"), switch_of(out_by, authority, "host.example")
    await partner.start()
    await host.start()
    shared, dedicated, egress = exchange.configuration.trunk_groups
    certificate_of = {TCP: None, TLS: "partner.example"}
    configuration = replace(
        exchange.configuration,
        listen=(Hop(LOOPBACK, 0), Hop(LOOPBACK, 0, TCP), Hop(LOOPBACK, 0, TLS)),
        record_route_hosts=(LOOPBACK,) * 3,
        tls=TlsSettings(tmp_path / "own.pem", tmp_path / "own.key", tmp_path / "ca.pem"),
        trunk_groups=(
            replace(shared, members=(Member(Hop(LOOPBACK, partner.port, in_by)),), certificate=certificate_of[in_by]),
            dedicated,
            replace(
                egress,
                members=(Member(Hop(LOOPBACK, host.port, out_by)),),
                certificate="host.example" if out_by is TLS else None,
            ),
        ),
    )
    calls = Calls()
    async with running(configuration, observers=[calls]) as gateway:
        here = {hop.transport: hop for hop in gateway.listeners}
        assert gateway.status()["sip"] == [str(hop) for hop in gateway.listeners]
        await partner.connect(here[in_by])
        partner.send("INVITE", "one", here[in_by])
        await host.accept()
        invite = await host.receive("INVITE ")
        assert f"Via: SIP/2.0/{out_by.upper()} {LOOPBACK}:{here[out_by].port};" in invite
        host.answer(invite, "180 Ringing")
        await partner.receive("SIP/2.0 180 ")
        host.answer(invite, "200 OK")
        await partner.receive("SIP/2.0 200 ")
        partner.send("ACK", "one", here[in_by], to_tag="b")
        await host.receive("ACK ")
        partner.send("BYE", "one", here[in_by], to_tag="b", cseq=2)
        host.answer(await host.receive("BYE "), "200 OK")
        await partner.receive("SIP/2.0 200 ")
        call = await calls.over("one")
        assert call.decision.outcome is Outcome.ADMIT
        assert call.attempt.ingress is not None
        assert call.attempt.ingress.name == "shared"
        metrics = (await gateway.metrics.render()).decode()
        assert f'tollgate_connections_opened_total{{direction="in",transport="{in_by}"}} 1.0' in metrics
        assert 'tollgate_connections{direction="out"} 1.0' in metrics
    await partner.close()
    await host.close()
    exchange.close()


def test_the_process_may_open_a_file_for_each_connection_as_far_as_it_is_let(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    exchange = Exchange(tmp_path)
    exchange.close()
    bounds = replace(exchange.configuration.connections, max_accepted=200)
    streams = replace(exchange.configuration, listen=(Hop(LOOPBACK, 0, TCP),), connections=bounds)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        allow_files(exchange.configuration)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 256
        allow_files(streams)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 400 + OTHER_FILES
        assert caplog.messages == []
        beyond = replace(bounds, max_accepted=before[1])
        allow_files(replace(streams, connections=beyond))
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == before[1]
        assert "lower connections.max_accepted" in caplog.text
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
