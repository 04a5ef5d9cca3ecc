"""The words that SIPp's scenarios are made of: what one side of a call sends, expects, waits for and writes down.

A scenario is one file for all kinds of calls: SIPp plays one in a process, and the kinds shall meet on one wire. Each
kind is a branch of it, chosen by the call's own header field `KIND_FIELD`. Messages follow RFC 3261 to the letter where
a proxy reads them: branches, tags, Route, the Request-URI of a dialog.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from xml.sax.saxutils import quoteattr

KIND_FIELD: Final = "X-Interop"
RETRANSMIT_MS: Final = 500
"""T1 of RFC 3261: SIPp repeats what it sent after this long, over UDP."""
SDP: Final = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 40000 RTP/AVP 0
a=rtpmap:0 PCMU/8000"""


def _written(words: str) -> str:
    """A line in this side's log: the Call-ID, its own milliseconds, and these words."""
    return f"<action><log message={quoteattr(f'[call_id] [clock_tick] {words}')}/></action>" if words else ""


def pause(milliseconds: int) -> str:
    return f'<pause milliseconds="{milliseconds}"/>'


def jump(label: str) -> str:
    return f'<nop next="{label}"/>'


def label(name: str) -> str:
    return f'<label id="{name}"/>'


def message(lines: Iterable[str], body: str = "", **attributes: object) -> str:
    """A ``send``. `lines` are the header, without Content-Length, which SIPp counts."""
    written = "".join(f" {name}={quoteattr(str(value))}" for name, value in attributes.items())
    kind = ("Content-Type: application/sdp",) if body else ()
    text = "\n".join((*lines, *kind, f"Content-Length: {'[len]' if body else '0'}", "", body))
    return f"<send{written}><![CDATA[\n{text}\n]]></send>"


def expect_response(status: int, note: str = "", **attributes: object) -> str:
    """A ``recv``. `note`: what is written down when it comes; in a step of its own that could miss what comes next."""
    written = "".join(f" {name}={quoteattr(str(value))}" for name, value in attributes.items())
    return f'<recv response="{status}"{written}>{_written(note)}</recv>'


def expect_request(method: str, note: str = "", actions: str = "", **attributes: object) -> str:
    """As above, for a request."""
    written = "".join(f" {name}={quoteattr(str(value))}" for name, value in attributes.items())
    return f'<recv request="{method}"{written}>{actions}{_written(note)}</recv>'


def branches(side: str, kinds: Mapping[str, Iterable[str]], *, opening: Iterable[str], linger_ms: int) -> str:
    """A whole scenario: `opening`, which sets the variable ``kind``, then the steps of the call's own kind.

    A call that is over answers for `linger_ms` what is repeated.
    """
    tests = "".join(
        f'<ereg regexp="^ *{kind}$" search_in="var" variable="kind" check_it="false" assign_to="is_{kind}"/>'
        for kind in kinds
    )
    parts = [*opening, f"<nop><action>{tests}</action></nop>"]
    parts += [f'<nop next="{kind}" test="is_{kind}"/>' for kind in kinds]
    parts.append('<nop><action><error message="[call_id] is of no kind that this scenario knows"/></action></nop>')
    for kind, steps in kinds.items():
        parts += [label(kind), *steps, jump("over")]
    parts += [label("over"), f'<timewait milliseconds="{linger_ms}"/>']
    lines = "\n".join(parts)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="{side}">\n{lines}\n</scenario>\n'
