"""The carrier partner's switch: a stateless SIP proxy between its providers and the gateway (RFC 3261 section 16.11).

It has one socket towards the providers (`access`) and one for each of its trunk groups, so that the gateway tells a
trunk group by its address. A request goes on with the switch's Via and Record-Route on top and one hop less; all else
stays byte for byte, unless the partner is told to tamper. A request that opens no call, and every later one, takes the
trunk group that its Route names; so a call stays on its group while a cut-over moves the new ones.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from gateway.numbering.telephone_number import parse_number
from sim.aiosip_compatibility import RECEIVE_BUFFER_BYTES, Tap, write_reply
from sim.sip_text import Address, Field, SipText, address_of, host_port, parameter, read, split_list, uri_of, via_target
from sim.tampering import HONEST, Tampering

ACCESS = "access"
"""Name of the side towards the providers."""


@dataclass(frozen=True, slots=True)
class TrunkPort:
    """One trunk group as the partner's switch has it: a local UDP port, and the gateway's end."""

    group: str
    gateway: Address
    port: int = 0


class _Leg(NamedTuple):
    """Where a request goes on: out of which socket, to whom."""

    side: str
    target: Address


class _Side(asyncio.DatagramProtocol):
    """One socket of the switch."""

    def __init__(self, switch: PartnerSwitch, name: str, tap: Tap | None) -> None:
        self.switch, self.name, self.tap = switch, name, tap
        self.transport: asyncio.DatagramTransport | None = None
        self.address: Address = ("", 0)

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.address = transport.get_extra_info("sockname")[:2]
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        source: Address = (addr[0], addr[1])
        if self.tap is not None:
            self.tap.received(source, self.address, data)
        self.switch.relay(self, data, source)

    def send(self, data: bytes, target: Address) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        if self.tap is not None:
            self.tap.sent(self.address, target, data)
        self.transport.sendto(data, target)


class PartnerSwitch:
    """The partner's switch. Start it, say whom it serves, and tell it to tamper, or to move a provider, at any time."""

    def __init__(self, name: str = "partner", *, tap: Tap | None = None) -> None:
        self.name = name
        self.tampering: Tampering = HONEST
        self.tampering_by_provider: dict[str, Tampering] = {}
        self.dropped: Counter[str] = Counter()
        """Datagrams that went nowhere, by reason."""
        self._tap = tap
        self._sides: dict[str, _Side] = {}
        self._gateways: dict[str, Address] = {}
        self._groups: dict[str, str] = {}
        self._providers: dict[Address, str] = {}
        self._numbers: dict[str, Address] = {}

    async def start(self, trunks: Sequence[TrunkPort], host: str = "127.0.0.1", access_port: int = 0) -> Address:
        """Bind the access socket and one for each trunk group; the access address is returned.

        Raises OSError where a port is taken, ValueError for two trunk groups of one name.
        """
        await self._open(ACCESS, host, access_port)
        for trunk in trunks:
            if trunk.group in self._sides:
                raise ValueError(f"trunk group {trunk.group} is there twice, or has the name of the access side")
            await self._open(trunk.group, host, trunk.port)
            self._gateways[trunk.group] = trunk.gateway
        return self.access

    async def _open(self, name: str, host: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        _, side = await loop.create_datagram_endpoint(lambda: _Side(self, name, self._tap), local_addr=(host, port))
        self._sides[name] = side

    async def close(self) -> None:
        for side in self._sides.values():
            if side.transport is not None:
                side.transport.close()

    @property
    def access(self) -> Address:
        """Where the providers send."""
        return self._sides[ACCESS].address

    def trunk(self, group: str) -> Address:
        """The partner's end of a trunk group, whose packets the gateway takes for that group's."""
        return self._sides[group].address

    def aim(self, group: str, gateway: Address) -> None:
        """The gateway's end of a trunk group is at another address now."""
        self._gateways[group] = gateway

    def serve(self, provider: str, group: str, addresses: Iterable[Address], numbers: Iterable[str] = ()) -> None:
        """Take a provider's calls, from these addresses, onto a trunk group.

        Calls for `numbers` (prefixes in E.164 digits: ``1314555``) from the gateway go to the first of the addresses.
        """
        addresses = tuple(addresses)
        self.move(provider, group)
        self._providers.update(dict.fromkeys(addresses, provider))
        self._numbers.update(dict.fromkeys(numbers, addresses[0]))

    def move(self, provider: str, group: str) -> None:
        """Send a provider's new calls over another trunk group. Calls that are up stay on theirs."""
        if group not in self._gateways:
            raise ValueError(f"{self.name} has no trunk group {group}; it has {', '.join(sorted(self._gateways))}")
        self._groups[provider] = group

    # Relaying

    def relay(self, side: _Side, data: bytes, source: Address) -> None:
        """One datagram, from the socket it came on to the one it leaves by."""
        message = read(data)
        if message is None:
            self._relay_unreadable(side, data, source)
        elif message.is_request:
            self._relay_request(side, message, source)
        else:
            self._relay_response(side, message)

    def _relay_unreadable(self, side: _Side, data: bytes, source: Address) -> None:
        """What isn't SIP goes on as it is, to the gateway only: its trunks bring whatever the partner lets through."""
        provider = self._providers.get(source)
        if side.name == ACCESS and provider is not None:
            group = self._groups[provider]
            self._sides[group].send(data, self._gateways[group])
        else:
            self.dropped["unreadable"] += 1

    def _relay_request(self, side: _Side, request: SipText, source: Address) -> None:
        hops = request.first(b"max-forwards")
        if hops is not None and hops.isdigit() and int(hops) == 0:
            self._answer(side, request, source, 483, "Too Many Hops")
            return
        named, request = self._take_own_route(request)
        leg = self._leg(side, request, source, named)
        if leg is None:
            self.dropped["no route"] += 1
            self._answer(side, request, source, 404, "Not Found")
            return
        if side.name == ACCESS and named is None and _opens_a_call(request):
            provider = self._providers.get(source, "")
            request = self.tampering_by_provider.get(provider, self.tampering).apply(request)
        out = self._sides[leg.side]
        out.send(self._forwarded(side, out, request), leg.target)

    def _leg(self, side: _Side, request: SipText, source: Address, named: str | None) -> _Leg | None:
        if side.name != ACCESS:
            target = _next_route(request) or (
                address_of(request.request_uri) if named is not None else self._home_of(request.request_uri)
            )
            return None if target is None else _Leg(ACCESS, target)
        group = named or self._groups.get(self._providers.get(source, ""))
        return None if group is None else _Leg(group, self._gateways[group])

    def _home_of(self, uri: bytes) -> Address | None:
        """The provider of a called number: the longest prefix that is served."""
        user = uri.partition(b":")[2].partition(b"@")[0].partition(b";")[0]
        number = parse_number(user.decode("ascii", "replace"))
        if number is None:
            return None
        digits = f"1{number.digits}" if number.is_nanp else number.digits
        prefixes = (digits[:length] for length in range(len(digits), 0, -1))
        return next((self._numbers[prefix] for prefix in prefixes if prefix in self._numbers), None)

    def _take_own_route(self, request: SipText) -> tuple[str | None, SipText]:
        """Take our own entry off the Route, and say which trunk group it names."""
        for at, f in enumerate(request.fields):
            if f.name == b"route":
                first, *others = split_list(f.value)
                named = self._side_at(address_of(uri_of(first)))
                if named is None:
                    return None, request
                rest = (Field(f.name, b", ".join(others), b"Route: " + b", ".join(others)),) if others else ()
                fields = (*request.fields[:at], *rest, *request.fields[at + 1 :])
                return named, SipText(request.start_line, fields, request.body)
        return None, request

    def _side_at(self, address: Address | None) -> str | None:
        return next((name for name, side in self._sides.items() if name != ACCESS and side.address == address), None)

    def _forwarded(self, came: _Side, leaves: _Side, request: SipText) -> bytes:
        index = list(self._sides).index(came.name)
        via = f"Via: SIP/2.0/UDP {host_port(leaves.address)};branch={_branch(request)}.{index}".encode()
        added = [Field(b"via", b"", via)]
        if _opens_a_call(request) and request.method == b"INVITE":
            trunk = leaves if came.name == ACCESS else came
            added.append(Field(b"record-route", b"", f"Record-Route: <sip:{host_port(trunk.address)};lr>".encode()))
        fields = [_one_hop_less(f) if f.name == b"max-forwards" else f for f in request.fields]
        return bytes(SipText(request.start_line, (*added, *fields), request.body))

    def _relay_response(self, side: _Side, response: SipText) -> None:
        """Off with our Via; its branch says which socket the request came on (RFC 3261 16.11, 18.2.2)."""
        vias = response.values(b"via")
        index = (parameter(vias[0], b"branch") or b"").rpartition(b".")[2]
        target = via_target(vias[1]) if len(vias) > 1 else None
        if via_target(vias[0]) != side.address or target is None or index not in _indexes(len(self._sides)):
            self.dropped["response not through us"] += 1
            return
        out = list(self._sides.values())[int(index)]
        out.send(bytes(_without_top_via(response)), target)

    def _answer(self, side: _Side, request: SipText, source: Address, status: int, phrase: str) -> None:
        if request.method != b"ACK":
            side.send(write_reply(request, status, phrase, to_tag=_branch(request)[7:23]), source)


def _branch(request: SipText) -> str:
    """The same for a request and what is sent again, cancelled or acknowledged with it (RFC 3261 section 16.11)."""
    via = request.values(b"via")[0]
    branch = parameter(via, b"branch") or b""
    seed = [via.partition(b";")[0], branch]
    if not branch.startswith(b"z9hG4bK"):
        seed += [request.first(name) or b"" for name in (b"call-id", b"from")]
        seed.append((request.first(b"cseq") or b"").partition(b" ")[0])
    return "z9hG4bK" + hashlib.blake2b(b"\0".join(seed), digest_size=12).hexdigest()


def _opens_a_call(request: SipText) -> bool:
    """An INVITE outside a dialog, or the CANCEL or ACK that goes with it hop by hop."""
    if request.method == b"INVITE":
        return parameter(request.first(b"to") or b"", b"tag") is None
    return request.method == b"CANCEL" or (request.method == b"ACK" and request.first(b"route") is None)


def _next_route(request: SipText) -> Address | None:
    routes = request.values(b"route")
    return address_of(uri_of(routes[0])) if routes else None


def _one_hop_less(f: Field) -> Field:
    if not f.value.isdigit():
        return f
    hops = b"%d" % max(int(f.value) - 1, 0)
    return Field(f.name, hops, f.raw.partition(b":")[0] + b": " + hops)


def _without_top_via(response: SipText) -> SipText:
    at = next(at for at, f in enumerate(response.fields) if f.name == b"via")
    others = b", ".join(split_list(response.fields[at].value)[1:])
    rest = (Field(b"via", others, b"Via: " + others),) if others else ()
    return SipText(response.start_line, (*response.fields[:at], *rest, *response.fields[at + 1 :]), response.body)


def _indexes(count: int) -> set[bytes]:
    return {b"%d" % index for index in range(count)}
