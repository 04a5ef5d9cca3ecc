"""The gateway's own side of SIP: how it names itself, knows its own name again, and answers for itself."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from gateway.codecs.sip import SipMessage, Uri, headers, response_to, tag_of
from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.policy.verdict import Finding

OWN_COOKIE: Final = b"z9hG4bKtg"
"""How our branches start."""
LONGEST_TEXT: Final = 160
"""Characters of what a Reason says to people; the rest is left out."""
_UDP: Final = Transport.UDP


class Listener:
    """One address at which the gateway takes SIP, as it is written into messages."""

    def __init__(self, hop: Hop) -> None:
        """`hop`: transport, host and port under which peers reach us."""
        host = f"[{hop.host}]" if ":" in hop.host else hop.host  # RFC 3261 section 25.1, IPv6reference
        sent_by = f"{host}:{hop.port}".encode()
        self.sent_by: Final = sent_by
        parameters = b";lr" if hop.transport is _UDP else b";transport=%s;lr" % hop.transport.encode()
        self.hop: Final = hop
        self.via: Final = b"Via: SIP/2.0/%s %s;branch=" % (hop.transport.upper().encode(), sent_by)
        """A Via line of ours, up to its branch."""
        self.route: Final = b"<sip:" + sent_by + parameters + b">"
        self.secure_route: Final = b"<sips:" + sent_by + b";lr>"
        self.record_route: Final = b"\r\nRecord-Route: " + self.route + b"\r\n"
        self.secure_record_route: Final = b"\r\nRecord-Route: " + self.secure_route + b"\r\n"
        self.host_and_port: Final = (host.encode(), hop.port)


class OwnSide:
    """What the proxy writes of itself into messages, and what it recognises as its own in them."""

    def __init__(self, listeners: Sequence[Hop], secret: bytes) -> None:
        """`listeners`: at least one, and at most one for a transport and IP version.

        `secret` is random for each run, at most 32 letters and digits: branches and tags come from it.
        """
        self._listeners: Final = {(hop.transport, ":" in hop.host): Listener(hop) for hop in listeners}
        self._first: Final = next(iter(self._listeners.values()))
        self._only: Final = len(self._listeners) == 1
        own = [route for listener in self._listeners.values() for route in (listener.route, listener.secure_route)]
        self.routes: Final = frozenset(own)
        """Our entries in Record-Route and Route."""
        self.uris: Final = frozenset(route[1:-1] for route in own)
        """The URIs in them, which a strict router puts into the Request-URI."""
        self._hosts_and_ports: Final = frozenset(listener.host_and_port for listener in self._listeners.values())
        self._hops: Final = frozenset(hop[:3] for hop in listeners)
        self._branch_seed: Final = blake2b(key=secret, digest_size=64)
        self._tag_seed: Final = blake2b(key=secret, digest_size=8, person=b"To tag")
        self._branches = 0
        self._unguessable: list[bytes] = []
        """What the next branches end with: one reckoning serves eight."""

    def towards(self, hop: Hop) -> Listener:
        """The listener from which that peer is reached."""
        if self._only:
            return self._first
        return self._listeners.get((hop.transport, ":" in hop.host), self._first)

    def new_branch(self) -> bytes:
        # Who was sent one branch must not know the next: responses to others' calls could be forged with it.
        self._branches += 1
        if not self._unguessable:
            keyed = self._branch_seed.copy()
            keyed.update(b"%x" % self._branches)
            drawn = keyed.hexdigest().encode()
            self._unguessable = [drawn[start : start + 16] for start in range(0, 128, 16)]
        return b"%s%x.%s" % (OWN_COOKIE, self._branches, self._unguessable.pop())

    def owns(self, uri: Uri) -> bool:
        """Whether a URI of a Route is ours."""
        return (uri.host, uri.port or (5061 if uri.scheme == b"sips" else 5060)) in self._hosts_and_ports

    def can_reach(self, hop: Hop) -> bool:
        """Whether there is a listener of that transport and IP version, and the hop is not ourselves."""
        return (hop.transport, ":" in hop.host) in self._listeners and hop[:3] not in self._hops

    @staticmethod
    def record_route(inside: Listener, outside: Listener, *, secure: bool) -> bytes:
        """What follows the branch so that requests of the dialog come back to us: line end and Record-Route lines.

        Where a call enters (`inside`) and leaves (`outside`) by different listeners, each side is given the one that it
        can reach (RFC 5658 section 3); the one above is for the called side. `secure`: the Request-URI is a sips URI
        (RFC 3261 section 16.6 step 4).
        """
        if secure:
            lines = outside.secure_record_route
            return lines if outside is inside else lines + inside.secure_record_route[2:]
        return outside.record_route if outside is inside else outside.record_route + inside.record_route[2:]

    def answer(self, request: SipMessage, status: int, phrase: str, via: bytes | None, extra: bytes = b"") -> bytes:
        tag = b"" if status == 100 else self._tag_for(request)
        return response_to(request, status, phrase, to_tag=tag, via=via, extra=extra)

    def has_answered(self, request: SipMessage) -> bool:
        """Whether a request carries the To tag of an answer of ours: as the ACK does for one that left no state."""
        tag = tag_of(request.required(headers.TO))
        return tag.startswith(b"tg") and tag == self._tag_for(request)

    def _tag_for(self, request: SipMessage) -> bytes:
        """A To tag of ours: the same for the same request, so that no state is needed to give it twice. Who was given
        some must not know others: an ACK is told by it from a forged one, which a checksum would not do.
        """
        keyed = self._tag_seed.copy()
        keyed.update(request.required(headers.CALL_ID))
        return b"tg" + keyed.hexdigest().encode()


def reason_header(finding: Finding) -> bytes:
    """Why, for machines (RFC 3326): the Q.850 cause, and the check and clause behind the refusal."""
    if finding.refusal is None:
        return b""
    return reason_line(finding.refusal.cause, f"{finding.verdict.value} {finding.check} {finding.clause}")


def reason_line(cause: int, text: str) -> bytes:
    """A Reason line with a Q.850 cause and a text in one quoted string (RFC 3326 section 2, RFC 3261 section 25.1)."""
    if not text.isprintable() or '"' in text or "\\" in text or len(text) > LONGEST_TEXT:
        shown = "".join(character if character.isprintable() else " " for character in text[:LONGEST_TEXT])
        text = shown.replace("\\", "\\\\").replace('"', '\\"')
    return f'Reason: Q.850;cause={cause};text="{text}"\r\n'.encode("ascii", "replace")
