"""What a dishonest intermediate carrier does to a call's identity on the way: the things that clause L7 forbids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sim.call_plan import ANONYMOUS
from sim.sip_text import Field, SipText, parameter, uri_of

CALLING_FIELDS = (b"from", b"p-asserted-identity", b"remote-party-id")


@dataclass(frozen=True, slots=True)
class Tampering:
    """Alterations to a request that opens a call, on its way to the gateway. None and False: left alone.

    They are made in the order of the attributes. Only the named fields change; every other byte stays.
    """

    calling_number: str | None = None
    """Put in the place of the calling number in From and P-Asserted-Identity."""
    remove_calling_number: bool = False
    """From becomes anonymous, P-Asserted-Identity and Remote-Party-ID go."""
    asserted_number: str | None = None
    """Put into P-Asserted-Identity alone (added where there is none), so that it and From disagree."""
    called_number: str | None = None
    """Put in the place of the user part of the Request-URI; the parameters of the number go with it."""
    strip_privacy: bool = False
    strip_charge_number: bool = False
    charge_number: str | None = None
    """Put in the place of the number in P-Charge-Info, where there is one."""
    other: Callable[[SipText], SipText] | None = None
    """Any further alteration."""

    @property
    def honest(self) -> bool:
        return self == HONEST

    def apply(self, request: SipText) -> SipText:
        """The request as it goes on."""
        fields = request.fields
        if self.calling_number is not None:
            fields = tuple(_renumbered(f, self.calling_number) for f in fields)
        if self.remove_calling_number:
            fields = tuple(_nameless(f) for f in fields if f.name not in CALLING_FIELDS[1:])
        if self.asserted_number is not None:
            fields = _asserting(fields, self.asserted_number)
        if self.strip_privacy:
            fields = tuple(f for f in fields if f.name != b"privacy")
        if self.strip_charge_number:
            fields = tuple(f for f in fields if f.name != b"p-charge-info")
        if self.charge_number is not None:
            fields = tuple(_renumbered(f, self.charge_number, (b"p-charge-info",)) for f in fields)
        start_line = request.start_line
        if self.called_number is not None:
            start_line = _called(request, self.called_number)
        altered = SipText(start_line, fields, request.body)
        return altered if self.other is None else self.other(altered)


HONEST = Tampering()


def with_user(uri: bytes, user: str) -> bytes:
    """A URI with another user part; of a tel URI or a URN, a tel URI with that number."""
    if uri[:4].lower() == b"sip:":
        _, at, rest = uri[4:].rpartition(b"@")
        return b"sip:" + user.encode() + b"@" + (rest if at else uri[4:])
    return b"tel:" + user.encode()


def _renumbered(f: Field, number: str, names: tuple[bytes, ...] = CALLING_FIELDS) -> Field:
    if f.name not in names:
        return f
    uri = uri_of(f.value)
    return _with_value(f, f.value.replace(uri, with_user(uri, number), 1))


def _nameless(f: Field) -> Field:
    if f.name != b"from":
        return f
    tag = parameter(f.value, b"tag")
    return _with_value(f, ANONYMOUS.encode() + (b";tag=" + tag if tag else b""))


def _asserting(fields: tuple[Field, ...], number: str) -> tuple[Field, ...]:
    name = b"p-asserted-identity"
    if any(f.name == name for f in fields):
        return tuple(_renumbered(f, number) if f.name == name else f for f in fields)
    value = b"<tel:" + number.encode() + b">"
    added = Field(name, value, b"P-Asserted-Identity: " + value)
    after = next(at for at, f in enumerate(fields) if f.name == b"from") + 1
    return (*fields[:after], added, *fields[after:])


def _called(request: SipText, number: str) -> bytes:
    uri = request.request_uri
    return request.start_line.replace(uri, with_user(uri, number), 1)


def _with_value(f: Field, value: bytes) -> Field:
    head = f.raw.partition(b":")[0]
    return Field(f.name, value, head + b": " + value)
