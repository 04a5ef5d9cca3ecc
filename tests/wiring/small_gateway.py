"""A small configuration on ports of the system's choice, and the switches around the gateway that it makes."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientSession

from gateway.interconnection.trunk_groups import Address
from gateway.operations.configuration import Configuration, load_configuration
from gateway.signalling.call import Call
from gateway.wiring.live import Gateway

LOOPBACK: Final = "127.0.0.1"
PROVIDER_NUMBER, OTHER_PROVIDER_NUMBER, UNCONFIRMED_NUMBER = "+13145550100", "+13145551100", "+13145552100"
HOST_NUMBER, OUTSIDE_NUMBER = "+16365550199", "+18165550100"

_TABLES: Final = {
    "lerg1": ("ocn,ocn_name,ocn_state,category,overall_ocn", "9740,HOST,MO,ILEC,9740"),
    "lerg6": (
        "lata,status,eff_date_mmddyy,npa,nxx,block_id,ssc,ocn,loc_state,rc_abbre,switch,sha_indicator",
        "520,,010190,314,555,0,,901A,MO,ST LOUIS,STLSMO09DS1,00",
        "520,,010190,314,555,1,,902B,MO,ST LOUIS,STLSMO09DS1,00",
        "520,,010190,314,555,2,,904D,MO,ST LOUIS,STLSMO09DS1,00",
        "520,,010190,636,555,A,,9740,MO,WENTZVILLE,WNVLMOXADS0,00",
        "524,,010190,816,555,A,,903C,MO,KANSASCITY,KSCYMO05DS0,00",
    ),
    "lerg7": (
        "lata,switch,ocn,v,h,city,state,f_end_office,f_host,f_remote,f_local_tandem,f_intralata_tandem",
        "520,WNVLMOXADS0,9740,6807,3482,Wentzville,MO,X,,,,",
        "520,STLSMO09DS1,7001,6807,3482,Saint Louis,MO,X,,,,",
        "524,KSCYMO05DS0,903C,7027,4203,Kansas City,MO,X,,,,",
    ),
    "lerg7sha": ("switch,sha_indicator,t_local_tdm,t_intralata_tdm,host",),
    "lerg8": ("lata,rc_state,rc_abbre,rc_full_name,major_v,major_h", "520,MO,ST LOUIS,Saint Louis,6807,3482"),
    "lerg12": ("lata,lrn,switch,ocn,rc_abbre,rc_state,sha_indicator",),
}

_CONFIGURATION: Final = """\
[gateway]
listen = "127.0.0.1:0"
state_folder = "state"

[operations]
listen = "127.0.0.1:0"

[numbering]
lerg = "lerg"

[agreement]
name = "Amendment"
effective = 2005-10-17

[[carriers]]
ocn = "9740"
name = "Host"
kind = "host"

[[carriers]]
ocn = "7001"
name = "Partner"
kind = "partner"
amendment = true

[[carriers]]
ocn = "901A"
name = "Provider"
kind = "provider"
partner = "7001"
numbering_agreement = true
confirmed = 2006-01-15T00:00:00Z
limit = {{ sustained_per_s = 1000, burst = 1000, in_progress = 100 }}

[[carriers]]
ocn = "902B"
name = "Other provider"
kind = "provider"
partner = "7001"
numbering_agreement = true
confirmed = 2006-01-15T00:00:00Z

[[carriers]]
ocn = "904D"
name = "Unconfirmed"
kind = "provider"
partner = "7001"

[[trunk_groups]]
name = "shared"
side = "partner"
carrier = "7001"
switch = "WNVLMOXADS0"
home_switch = "STLSMO09DS1"
members = ["{partner}"]

[[trunk_groups]]
name = "dedicated"
side = "partner"
carrier = "7001"
switch = "WNVLMOXADS0"
home_switch = "STLSMO09DS1"
members = ["{dedicated}"]
dedicated = true

[[trunk_groups]]
name = "host"
side = "host"
carrier = "9740"
switch = "WNVLMOXADS0"
members = ["{host}"]
"""


class Switch:
    """One side of calls, on a socket of its own: says each message plainly, and waits for what comes."""

    def __init__(self) -> None:
        self.socket: Final = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((LOOPBACK, 0))
        self.socket.setblocking(False)
        self.address: Final[Address] = self.socket.getsockname()

    async def receive(self, start: str) -> str:
        """The next message but 100 Trying. It must start like this, and one that never comes fails the test."""
        async with asyncio.timeout(10):
            while True:
                text = (await asyncio.get_running_loop().sock_recv(self.socket, 65_535)).decode()
                if not text.startswith("SIP/2.0 100"):
                    assert text.startswith(start), text
                    return text

    def send(
        self,
        method: str,
        gateway: Address,
        call_id: str,
        *,
        calling: str = PROVIDER_NUMBER,
        called: str = HOST_NUMBER,
        to_tag: str = "",
        cseq: int = 1,
    ) -> None:
        """A request. An ACK has the branch of its INVITE."""
        branch = f"z9hG4bK{cseq}{call_id}" + ("" if method in ("INVITE", "ACK") else method)
        lines = (
            f"{method} sip:{called}@{LOOPBACK}:{gateway[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP {LOOPBACK}:{self.address[1]};branch={branch}",
            "Max-Forwards: 70",
            f"From: <sip:{calling}@{LOOPBACK}>;tag=a",
            f"To: <sip:{called}@{LOOPBACK}>{to_tag and f';tag={to_tag}'}",
            f"Call-ID: {call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:{LOOPBACK}:{self.address[1]}>",
            "Content-Length: 0",
        )
        self.socket.sendto("\r\n".join((*lines, "", "")).encode(), gateway)

    def answer(self, request: str, status: str, gateway: Address) -> None:
        """A response to a request, with the To tag ``b``."""
        copied = re.findall(r"^(?:Via|From|Call-ID|CSeq|Record-Route): .*(?=\r)", request, re.MULTILINE)
        to = re.findall(r"^To: [^;\r]*", request, re.MULTILINE)[0]
        lines = (f"SIP/2.0 {status}", *copied, f"{to};tag=b", "Content-Length: 0", "", "")
        self.socket.sendto("\r\n".join(lines).encode(), gateway)


class Exchange:
    """A partner's switch on its shared and its dedicated trunk group, the host's switch, and the gateway's files."""

    def __init__(self, folder: Path, more: str = "") -> None:
        """`more` is configuration that comes behind the rest."""
        (folder / "lerg").mkdir()
        for name, lines in _TABLES.items():
            (folder / "lerg" / f"{name}.csv").write_text("\n".join(lines) + "\n")
        self.partner, self.dedicated, self.host = Switch(), Switch(), Switch()
        ends = {"partner": self.partner, "dedicated": self.dedicated, "host": self.host}
        members = {name: f"{LOOPBACK}:{end.address[1]}" for name, end in ends.items()}
        file = folder / "tollgate.toml"
        file.write_text(_CONFIGURATION.format(**members) + more)
        self.configuration: Final[Configuration] = load_configuration(file)

    def close(self) -> None:
        for end in (self.partner, self.dedicated, self.host):
            end.socket.close()

    async def set_up(
        self,
        gateway: Address,
        call_id: str,
        *,
        calling: str = PROVIDER_NUMBER,
        called: str = HOST_NUMBER,
        over: Switch | None = None,
    ) -> None:
        """A call from the partner that the host answers."""
        caller = over or self.partner
        caller.send("INVITE", gateway, call_id, calling=calling, called=called)
        invite = await self.host.receive("INVITE ")
        self.host.answer(invite, "180 Ringing", gateway)
        await caller.receive("SIP/2.0 180 ")
        self.host.answer(invite, "200 OK", gateway)
        await caller.receive("SIP/2.0 200 ")
        caller.send("ACK", gateway, call_id, calling=calling, called=called, to_tag="b", cseq=1)
        await self.host.receive("ACK ")

    async def hang_up(self, gateway: Address, call_id: str) -> None:
        """The caller ends a call of `set_up`."""
        self.partner.send("BYE", gateway, call_id, to_tag="b", cseq=2)
        self.host.answer(await self.host.receive("BYE "), "200 OK", gateway)
        await self.partner.receive("SIP/2.0 200 ")

    async def refused(
        self,
        gateway: Address,
        call_id: str,
        *,
        calling: str = PROVIDER_NUMBER,
        called: str = HOST_NUMBER,
        over: Switch | None = None,
    ) -> str:
        """The final answer to a call from the partner that does not reach the host."""
        caller = over or self.partner
        caller.send("INVITE", gateway, call_id, calling=calling, called=called)
        answer = await caller.receive("SIP/2.0 ")
        tag = re.findall(r"^To: [^;\r]*;tag=(\S+)\r", answer, re.MULTILINE)[0]
        caller.send("ACK", gateway, call_id, calling=calling, called=called, to_tag=tag)
        return answer


async def post(
    gateway: Gateway, route: str, fields: dict[str, Any], *, token: str | None = None, key: str | None = None
) -> tuple[int, dict[str, Any]]:
    """Take a step over HTTP; ``who`` and ``why`` are said for it."""
    host, port = gateway.operations_address
    headers = {"Authorization": f"Bearer {gateway.api_token() if token is None else token}"}
    if key is not None:
        headers["Idempotency-Key"] = key
    body = {"who": "operator", "why": "flood", **fields}
    url = f"http://{host}:{port}{route}"
    async with ClientSession() as session, session.post(url, json=body, headers=headers) as answer:
        return answer.status, await answer.json()


class Calls:
    """Observes calls: waits for the end of one by its Call-ID."""

    def __init__(self) -> None:
        self._ended: Final[dict[str, asyncio.Future[Call]]] = {}

    def decided(self, call: Call) -> None: ...

    def progressed(self, call: Call) -> None: ...

    def ended(self, call: Call) -> None:
        self._of(call.attempt.call_id).set_result(call)

    async def over(self, call_id: str) -> Call:
        async with asyncio.timeout(10):
            return await self._of(call_id)

    def _of(self, call_id: str) -> asyncio.Future[Call]:
        return self._ended.setdefault(call_id, asyncio.get_running_loop().create_future())
