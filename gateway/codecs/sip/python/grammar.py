"""Pieces of the SIP grammar (RFC 3261 section 25.1): Via, name-addr, SIP and tel URIs, lists.

Every function takes bytes and answers with offsets or slices of them, so that what was read can be shown in the very
bytes that carried it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

from gateway.codecs.malformed import Malformed

LONGEST_URI: Final = 1_024
"""A longer URI is malformed."""
LONGEST_VALUE: Final = 4_096
"""A longer Via line, and a longer name-addr with its parameters, is malformed: nobody's calls need one."""

_VIA: Final = re.compile(
    rb"SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*([\w-]+)[ \t]+"
    rb"(\[[0-9A-Fa-f:.]+\]|[^\s:;,\[\]<>\"]+)(?:[ \t]*:[ \t]*([0-9]{1,5}))?[ \t]*"
    rb"((?:;(?![ \t]*+(?:;|\Z))[^,;\"]*+(?:\"(?:[^\"\\]|\\.)*+\")?+[ \t]*+)*+)\Z",
    re.DOTALL,
)  # possessive throughout: a Via of semicolons and an open quote must not be tried in every possible way
_PLAIN_VIA: Final = re.compile(rb"SIP/2\.0/(\w+) ([^\s:;,\[\]<>\"]+)(?::([0-9]{1,5}))?((?:;[^\s,;\"<>]+)*)")
_USUAL_VIA: Final = re.compile(rb"SIP/2\.0/([A-Z]+) ([A-Za-z0-9.-]+)(?::([0-9]{1,4}))?;branch=([^\s,;\"<>=]+)(;rport)?")
_URI: Final = re.compile(
    rb"(sips?):(?:([^@\s<>\"]*)@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?((?:;[^?;@\s<>\"]*)*)(?:\?[^@\s<>\"]*)?\Z",
    re.IGNORECASE,
)
_USUAL_URI: Final = re.compile(rb"sip:(\+?[A-Za-z0-9]+)@([A-Za-z0-9.-]+)(?::([0-9]{1,4}))?((?:;[A-Za-z0-9=.-]+)*)")
_ESCAPED: Final = re.compile(rb"\\(.)", re.DOTALL)
_QUOTED: Final = re.compile(rb"\"(?:[^\"\\]++|\\.)*+\"", re.DOTALL)
_OPEN_QUOTED: Final = rb"\"(?:[^\"\\]++|\\.?)*+(?:\"|\Z)"
_PARAMETER: Final = re.compile(rb"(?:[^;\"]++|" + _OPEN_QUOTED + rb")++", re.DOTALL)
_ELEMENT: Final = re.compile(
    rb"(?:[^,\"<]++|" + _OPEN_QUOTED + rb"|<(?:[^>\"]++|" + _OPEN_QUOTED + rb")*+(?:>|\Z))*+", re.DOTALL
)
_USUAL_TAGGED: Final = re.compile(rb"(?:\"[^\"\\<>]*+\"[ \t]*+|[^\"<>]*+)<[^\"<>]*+>(?:;tag=([^;\"<>\s]*+))?")


_WHITE: Final = b" \t\r\n"


class Via(NamedTuple):
    """One Via value (RFC 3261 section 20.42)."""

    transport: bytes
    host: bytes
    port: int
    branch: bytes
    """Empty where there is none (an RFC 2543 element)."""
    rport: bool
    """The sender asks for its port to be filled in (RFC 3581)."""
    end: int
    """Where the value ends in the bytes that were parsed."""

    @property
    def sent_by(self) -> bytes:
        return b"%s:%d" % (self.host, self.port)


def parse_via(value: bytes) -> Via:
    """The first Via of a header value, which may list several."""
    if len(value) > LONGEST_VALUE:
        raise Malformed(f"Via is longer than {LONGEST_VALUE} bytes", LONGEST_VALUE)
    usual = _USUAL_VIA.fullmatch(value)
    if usual is not None:
        transport, host, port, branch, rport = usual.groups()
        return Via(transport, host, int(port) if port else 5060, branch, rport is not None, len(value))
    match = _PLAIN_VIA.match(value)
    if match is None or (match.end() != len(value) and value[match.end()] != 44):
        first = next(split_list(value), None)
        if first is None:
            raise Malformed("Via is empty")
        match = _VIA.match(value[first[0] : first[1]])
        if match is None:
            raise Malformed("Via is not 'SIP/2.0/transport host:port;parameters'")
        end = first[1]
    else:
        end = match.end()
    transport, host, port, parameters = match.groups()
    branch, rport = b"", False
    for parameter in split_parameters(parameters):
        if parameter.startswith(b"branch="):
            branch = parameter[7:].strip()
        elif parameter == b"rport":
            rport = True
        elif parameter:
            name, _, text = parameter.partition(b"=")
            name = name.strip().lower()
            if name == b"branch":
                branch = text.strip()
            elif name == b"rport":
                rport = not text.strip()
    number = int(port) if port else 5060
    if number > 65_535:
        raise Malformed("the port in Via is over 65535")
    return Via(transport, host, number, branch, rport, end)


def split_list(value: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of each element of a comma-separated list, commas in quotes and angle brackets left alone."""
    start = 0
    if b"," in value:
        length = len(value)
        while (end := _ELEMENT.match(value, start).end()) < length:  # type: ignore[union-attr]  # it matches nothing, too
            yield _trimmed(value, start, end)
            start = end + 1
    if start < len(value):
        yield _trimmed(value, start, len(value))


def _trimmed(value: bytes, start: int, end: int) -> tuple[int, int]:
    piece = value[start:end].lstrip(_WHITE)
    start = end - len(piece)
    return start, start + len(piece.rstrip(_WHITE))


class NameAddr(NamedTuple):
    """A name-addr or addr-spec (RFC 3261 section 20.10)."""

    display_name: bytes
    """Without its quotes; empty where there is none."""
    uri: bytes
    uri_offset: int
    """Where the URI starts in the bytes that were parsed."""
    parameters: bytes
    """Header parameters behind the address, with their semicolons."""

    @property
    def tag(self) -> bytes:
        """The tag parameter; empty where there is none."""
        return parameter_of(self.parameters, b"tag") or b""


def parse_name_addr(value: bytes) -> NameAddr:
    """Take apart ``"Name" <uri>;parameters`` or ``uri;parameters``.

    In the form without brackets, parameters belong to the header field, not to the URI (RFC 3261 section 20).
    """
    if len(value) > LONGEST_VALUE:
        raise Malformed(f"the address is longer than {LONGEST_VALUE} bytes", LONGEST_VALUE)
    opening = value.find(b"<")
    if value.startswith(b'"'):
        closing = _closing_quote(value)
        name = _ESCAPED.sub(rb"\1", value[1:closing])
        opening = value.find(b"<", closing)
        if opening < 0 or value[closing + 1 : opening].strip():
            raise Malformed("a quoted display name is not followed by an address in angle brackets", closing)
    elif opening >= 0:
        name = value[:opening].strip()
        if b'"' in name:
            raise Malformed("a quote stands inside a display name", value.find(b'"'))
    else:
        uri, separator, parameters = value.partition(b";")
        return NameAddr(b"", uri.rstrip(), 0, separator + parameters)
    end = value.find(b">", opening)
    if end < 0:
        raise Malformed("an angle bracket is not closed", opening)
    parameters = value[end + 1 :].strip()
    if parameters and not parameters.startswith(b";"):
        raise Malformed("something other than parameters follows the address", end + 1)
    return NameAddr(name, value[opening + 1 : end], opening + 1, parameters)


def _closing_quote(value: bytes) -> int:
    quoted = _QUOTED.match(value)
    if quoted is None:
        raise Malformed("a quoted string is not closed", 0)
    return quoted.end() - 1


def parameter_of(parameters: bytes, name: bytes) -> bytes | None:
    """The value of one parameter in ``;a=1;b``: empty for a flag, None where it is absent. Names ignore case."""
    for parameter in split_parameters(parameters):
        key, _, text = parameter.partition(b"=")
        if key.strip().lower() == name:
            return text.strip().strip(b'"')
    return None


def tag_of(value: bytes) -> bytes:
    """The tag parameter of a From or To value, as `parse_name_addr` reads it; empty where there is none."""
    usual = _USUAL_TAGGED.fullmatch(value)
    return (usual[1] or b"") if usual is not None else parse_name_addr(value).tag


def split_parameters(parameters: bytes) -> list[bytes]:
    """The pieces between semicolons; those inside quotes separate nothing."""
    if b'"' not in parameters:
        return parameters.split(b";")
    return _PARAMETER.findall(parameters)


class Uri(NamedTuple):
    """A SIP, SIPS, tel or other URI."""

    scheme: bytes
    """In lower case."""
    user: bytes
    """User part without its parameters and password, escapes undone; the subscriber of a tel URI."""
    user_parameters: bytes
    """Parameters of the telephone number, with their semicolons: ``;npdi;rn=+1...`` (RFC 4694, RFC 3966)."""
    host: bytes
    """Empty for a tel URI."""
    port: int
    """0 where none is given."""
    parameters: bytes
    """URI parameters behind the host, with their semicolons."""

    def telephone_parameter(self, name: bytes) -> bytes | None:
        """A parameter of the telephone number, wherever gateways put it: in the user part, or behind the host."""
        value = parameter_of(self.user_parameters, name) if self.user_parameters else None
        if value is None and self.parameters:
            value = parameter_of(self.parameters, name)
        return value


def parse_uri(raw: bytes) -> Uri:
    """Take a URI apart. Raises `Malformed` for a sip URI that is none; unknown schemes keep all in `user`."""
    if len(raw) > LONGEST_URI:
        raise Malformed(f"the URI is longer than {LONGEST_URI} bytes")
    usual = _USUAL_URI.fullmatch(raw)
    if usual is not None:
        user, host, port, parameters = usual.groups()
        return Uri(b"sip", user, b"", host, int(port) if port else 0, parameters)
    if raw[:4].lower() in (b"sip:", b"sips"):
        match = _URI.match(raw)
        if match is None:
            raise Malformed("the SIP URI is not 'sip:user@host:port;parameters'")
        scheme, userinfo, host, port, parameters = match.groups()
        user, separator, user_parameters = (userinfo or b"").partition(b";")
        if b":" in user:
            user = user.partition(b":")[0]
        if b"%" in user:
            user = unquote_to_bytes(user)
        number = int(port) if port else 0
        if number > 65_535:
            raise Malformed("the port of a SIP URI is over 65535")
        return Uri(scheme.lower(), user, separator + user_parameters, host, number, parameters)
    scheme, colon, rest = raw.partition(b":")
    if not colon or not scheme.isalpha():
        raise Malformed("the URI has no scheme")
    if scheme.lower() == b"tel":
        subscriber, separator, parameters = rest.partition(b";")
        return Uri(b"tel", subscriber, separator + parameters, b"", 0, b"")
    return Uri(scheme.lower(), rest, b"", b"", 0, b"")
