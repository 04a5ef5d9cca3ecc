"""From an INVITE to the facts of a call: every field that carries them, and where it stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote_to_bytes

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import NameAddr, SipMessage, Uri, headers, parse_name_addr, parse_uri, split_list
from gateway.codecs.sip.headers import Header
from gateway.interconnection.trunk_groups import Hop, TrunkGroup
from gateway.numbering.telephone_number import Nature, TelephoneNumber, parse_number
from gateway.policy.attribution import FindProvider
from gateway.policy.call_attempt import CallAttempt, NumberFact, OcnSource, TextFact, number_fact
from gateway.signalling.isup_body import add_isup_body
from gateway.signalling.requests import hops_left
from gateway.signalling.trunk_parameters import names_trunk

MAX_VALUES: Final = 32
"""More values than this in one header field are not read: no honest call is diverted or asserted so often. The line of
the first one beyond is kept from there on, as a value that cannot be read."""


def attempt_of(
    invite: SipMessage,
    *,
    at_us: int,
    source: Hop,
    ingress: TrunkGroup | None,
    find_provider: FindProvider,
    emergency_numbers: frozenset[str],
) -> CallAttempt:
    """The call that an INVITE attempts.

    `emergency_numbers` are canonical digits that are emergency calls beside ``urn:service:sos``. Raises `Malformed`
    where From, To or the Request-URI cannot be read; a From or To does not stop an emergency call (L10), which then
    is taken to carry no number there.
    """
    called = read_uri(invite.request_uri)
    emergency = is_emergency(called.uri, called.number, emergency_numbers)
    from_fact, from_address, from_uri = _address_fact(invite, headers.FROM, lenient=emergency)
    to_fact, _, _ = _address_fact(invite, headers.TO, lenient=emergency)
    identities = _addresses(invite, headers.P_ASSERTED_IDENTITY, {from_address.uri: from_uri})
    # Whichever field carries the calling number carries its parameters.
    bearer = next((uri for _, uri in identities if uri is not None and uri.number is not None), from_uri)
    attempt = CallAttempt(
        at_us,
        invite.required(headers.CALL_ID).decode("utf-8", "replace"),
        source,
        ingress,
        None,
        OcnSource.NONE,
        number_fact("Request-URI", called.number, invite.request_uri, len(invite.method) + 1),
        from_fact,
        to_fact,
        tuple(fact for fact, _ in identities),
    )
    if invite.has_any(_SELDOM):
        _add_seldom(attempt, invite)
    if from_address.display_name:
        attempt.display_name = _display_name(from_fact, from_address)
    attempt.routing_number = called.routing_number
    attempt.npdi = called.npdi
    attempt.calling_routing_number = bearer.routing_number
    if bearer.originating_line is not None:
        attempt.originating_line = _parameter_fact(attempt.calling, *bearer.originating_line)
    if bearer.category is not None:
        attempt.calling_party_category = _parameter_fact(attempt.calling, b"cpc", bearer.category)
    contact = invite.value(headers.CONTACT)
    if contact is not None and b"=" in contact and names_trunk(contact):
        span = invite.spans(headers.CONTACT)[0]
        attempt.trunk = TextFact("Contact", invite.data[span[0] : span[1]], span[0])
    attempt.emergency = emergency
    attempt.hops = _hops(invite)
    if called.carrier is not None:
        attempt.carrier = _carrier(attempt.called, called.carrier)
    content_type = invite.value(headers.CONTENT_TYPE)
    if content_type is not None and content_type != _SESSION_DESCRIPTION:
        add_isup_body(attempt, invite, content_type, emergency_numbers)
    attempt.provider, attempt.provider_source = find_provider(
        attempt.calling.number, attempt.calling_routing_number, at_us
    )
    return attempt


_TELEPHONE_PARAMETER: Final = re.compile(rb";[ \t]*(?:rn|npdi|isup-oli|oli|cpc|cic)(?![A-Za-z0-9-])", re.IGNORECASE)


_USUAL: Final = b";user=phone"
_RN: Final = re.compile(rb";[ \t]*rn[ \t]*=[ \t]*([^;]*)", re.IGNORECASE)


class TelephoneUri:
    """A URI, and what it says of a telephone number."""

    __slots__ = ("carrier", "category", "npdi", "number", "originating_line", "routing_number", "uri")

    def __init__(
        self,
        uri: Uri,
        number: TelephoneNumber | None,
        routing_number: TelephoneNumber | None = None,
        npdi: bool = False,
        originating_line: tuple[bytes, bytes] | None = None,
        category: bytes | None = None,
        carrier: bytes | None = None,
    ) -> None:
        self.uri: Final = uri
        self.number: Final = number
        self.routing_number: Final = routing_number
        """rn (RFC 4694)."""
        self.npdi: Final = npdi
        """RFC 4694."""
        self.originating_line: Final = originating_line
        """Name and value of isup-oli or oli."""
        self.category: Final = category
        """cpc."""
        self.carrier: Final = carrier
        """cic (RFC 4694)."""


NONE_KNOWN: Final[Mapping[bytes, TelephoneUri]] = MappingProxyType({})


def read_uri(raw: bytes) -> TelephoneUri:
    """Read a URI for the telephone number in it. Raises `Malformed`.

    That includes parameters of the number that could be read in two ways (RFC 3966 section 3, RFC 4694 section 3): two
    values of rn, an rn that is no number, a parameter of which the name is spelt with escapes.
    """
    uri = parse_uri(raw)
    number = number_of(uri)
    parameters = uri.user_parameters + uri.parameters
    if b"%" in parameters and _TELEPHONE_PARAMETER.search(unquote_to_bytes(parameters)):
        # Whoever undoes escapes before taking the number apart reads another number than who does not.
        if len(_TELEPHONE_PARAMETER.findall(unquote_to_bytes(parameters))) != len(
            _TELEPHONE_PARAMETER.findall(parameters)
        ):
            raise Malformed("the name of a telephone number's parameter is spelt with escapes")
        uri = uri._replace(
            user_parameters=unquote_to_bytes(uri.user_parameters), parameters=unquote_to_bytes(uri.parameters)
        )
    if not parameters or parameters == _USUAL or not _TELEPHONE_PARAMETER.search(parameters):
        return TelephoneUri(uri, number)
    if len(set(_RN.findall(uri.user_parameters + uri.parameters))) > 1:
        raise Malformed("the URI has two values of rn")  # RFC 3966 section 3; whoever comes next may take the other
    lines = ((name, uri.telephone_parameter(name)) for name in (b"isup-oli", b"oli"))
    return TelephoneUri(
        uri,
        number,
        _routing_number(uri, number),
        uri.telephone_parameter(b"npdi") is not None,
        next(((name, value) for name, value in lines if value is not None), None),
        uri.telephone_parameter(b"cpc"),
        uri.telephone_parameter(b"cic"),
    )


_SESSION_DESCRIPTION: Final = b"application/sdp"
"""The body of nearly every INVITE: it says nothing of the call's parties."""


def _hops(invite: SipMessage) -> int | None:
    """Max-Forwards; None where it cannot be read, which stops no call here."""
    try:
        return hops_left(invite)
    except Malformed:
        return None


def _carrier(called: NumberFact, value: bytes) -> TextFact:
    """cic (RFC 4694 section 4): a carrier's code, as a global one behind the country's."""
    fact = _parameter_fact(called, b"cic", value)
    code = value.decode("ascii", "replace").replace("-", "").replace(".", "")
    return fact._replace(value=code.removeprefix("+1"))


_SELDOM: Final = (headers.P_CHARGE_INFO, headers.DIVERSION, headers.HISTORY_INFO, headers.IDENTITY, headers.PRIVACY)


def _add_seldom(attempt: CallAttempt, invite: SipMessage) -> None:
    attempt.charge = number_facts(invite, headers.P_CHARGE_INFO)
    attempt.diversions = number_facts(invite, headers.DIVERSION)
    attempt.history = number_facts(invite, headers.HISTORY_INFO)
    identities = invite.spans(headers.IDENTITY)
    if identities:
        attempt.identities = tuple(
            TextFact("Identity", invite.data[start:end], start) for start, end in identities[:MAX_VALUES]
        )
    privacy = invite.spans(headers.PRIVACY)
    if privacy:
        attempt.privacy = tuple(
            TextFact("Privacy", invite.data[start:end], start) for start, end in privacy[:MAX_VALUES]
        )


def _display_name(fact: NumberFact, address: NameAddr) -> TextFact:
    """The name as it stands before the address, without its quotes but with its escapes; its value without those."""
    name = fact.raw[: address.uri_offset - 1].strip()
    if name.startswith(b'"'):
        name = name[1:-1]
    said = address.display_name.decode("utf-8", "replace") if b"\\" in name else ""
    return TextFact(fact.field, name, fact.offset + fact.raw.find(name), said)


def _parameter_fact(fact: NumberFact, name: bytes, value: bytes) -> TextFact:
    """A parameter of the calling number's URI, where it stands: its value may well occur in the number too."""
    match = re.search(rb";[ \t]*" + name + rb"[ \t]*=", fact.raw, re.IGNORECASE)
    start = match.end() if match is not None else 0
    return TextFact(fact.field, value, fact.offset + max(fact.raw.find(value, start), 0))


def number_facts(message: SipMessage, header: Header) -> tuple[NumberFact, ...]:
    """Every address of a header field as a number fact. One that cannot be read is kept, without a number."""
    return tuple(fact for fact, _ in _addresses(message, header))


def _addresses(
    message: SipMessage, header: Header, known: Mapping[bytes, TelephoneUri] = NONE_KNOWN
) -> list[tuple[NumberFact, TelephoneUri | None]]:
    """Every address of a header field, and what its URI says; None where it cannot be read.

    `known` are URIs that were read already: an honest call asserts the identity that From has.
    """
    found: list[tuple[NumberFact, TelephoneUri | None]] = []
    for span in message.spans(header):
        line = message.data[span[0] : span[1]]
        for start, end in ((0, len(line)),) if line and b"," not in line else split_list(line):
            if len(found) == MAX_VALUES:
                found.append((number_fact(header.name, None, line[start:], span[0] + start), None))
                return found
            raw = line[start:end]
            uri: TelephoneUri | None = None
            try:
                address = parse_name_addr(raw).uri
                uri = known.get(address) or read_uri(address)
            except Malformed:
                pass  # the field is there and says nothing
            number = uri.number if uri is not None else None
            found.append((number_fact(header.name, number, raw, span[0] + start), uri))
    return found


def _address_fact(message: SipMessage, header: Header, *, lenient: bool) -> tuple[NumberFact, NameAddr, TelephoneUri]:
    span = message.span(header)
    if span is None:
        raise Malformed(f"the {header.name} header field is missing", message.head_end)
    raw = message.data[span[0] : span[1]]
    try:
        address = parse_name_addr(raw)
        if address.display_name and not raw.startswith(b'"') and not _TOKENS.fullmatch(address.display_name):
            raise Malformed("a display name that is not made of tokens stands without quotes")
        uri = read_uri(address.uri)
    except Malformed as fault:
        if lenient:
            return number_fact(header.name, None, raw, span[0]), _NO_ADDRESS, _NO_URI
        raise Malformed(f"{header.name}: {fault.what}", span[0] + fault.offset) from None
    return number_fact(header.name, uri.number, raw, span[0]), address, uri


_TOKENS: Final = re.compile(rb"[A-Za-z0-9.!%*_+`'~ \t\r\n-]+")
"""What a display name may be made of where it is not quoted (RFC 3261 section 25.1). A proxy must not pass on any other
(RFC 4475 section 3.1.2.15): a comma or a semicolon in it is the end of the address to the next one to read it."""

_NO_ADDRESS: Final = NameAddr(b"", b"", 0, b"")
_NO_URI: Final = TelephoneUri(Uri(b"", b"", b"", b"", 0, b""), None)


def number_of(uri: Uri) -> TelephoneNumber | None:
    """The telephone number that a URI carries, or None."""
    try:
        user = uri.user.decode("ascii")
    except UnicodeDecodeError:
        return None
    if uri.scheme not in (b"tel", b"sip", b"sips"):
        return None
    number = parse_number(user)
    if uri.scheme == b"tel" and number is not None and number.nature is not Nature.SERVICE:
        context = uri.telephone_parameter(b"phone-context")
        if context is not None and context.startswith(b"+") and not user.startswith("+"):
            # RFC 3966 section 5.1.5: the context and the local number may make a global one, but 911 in +1 stays 911.
            whole = parse_number(context.decode("ascii", "replace") + user)
            if whole is not None and whole.is_nanp:
                return whole
    return number


def _routing_number(uri: Uri, called: TelephoneNumber | None) -> TelephoneNumber | None:
    """rn (RFC 4694 section 4): a global number, or a local one in the context that rn-context names."""
    value = uri.telephone_parameter(b"rn")
    if value is None:
        return None
    text = value.decode("ascii", "replace")
    context = uri.telephone_parameter(b"rn-context")
    if context is not None and context.startswith(b"+") and not text.startswith("+"):
        text = context.decode("ascii", "replace") + text
    number = parse_number(text)
    if number is None and (called is None or called.nature is not Nature.SERVICE):  # no rn stops a call to 911
        raise Malformed("rn is no number")
    return number


_DIALLED: Final = re.compile(r"(?:\*[0-9]{2})?([0-9]+)#?")
"""What a caller may dial around a number: a vertical service code before it (``*67``, ``*82``), the end of dialling."""


def is_emergency(uri: Uri, number: TelephoneNumber | None, emergency_numbers: frozenset[str]) -> bool:
    """Whether the called URI is an emergency call.

    That is ``urn:service:sos`` and its kinds (RFC 5031), ``sip:sos@`` in their place, or one of the given numbers, also
    as it was dialled: ``911#``, ``*67911``. In doubt it is one: a call that nobody may refuse (L10).
    """
    if uri.scheme == b"urn":
        service = uri.user.lower()
        return service == b"service:sos" or service.startswith(b"service:sos.")
    if number is not None:
        if number.digits in emergency_numbers:
            return True
        return not number.is_nanp and number.digits.removeprefix("1") in emergency_numbers
    user = uri.user.lower()
    if user == b"sos" or user.startswith(b"sos."):
        return uri.scheme in (b"sip", b"sips")
    dialled = _DIALLED.fullmatch(user.decode("ascii", "replace"))
    return dialled is not None and dialled[1].removeprefix("1") in emergency_numbers
