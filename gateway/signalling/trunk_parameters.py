"""Trunk groups in telephone numbers: tgrp and trunk-context (RFC 4904).

In a Contact they say on which trunk group the sender got the call, in a Request-URI on which one the next gateway shall
send it out. They are what the sender says of itself: a fact to record, and no evidence of whose call it is.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import Uri, parse_name_addr, parse_uri
from gateway.numbering.telephone_number import parse_number

LONGEST: Final = 128
"""Bytes of a label or context that are read."""

_LABEL: Final = re.compile(rb";[ \t]*tgrp[ \t]*=[ \t]*([^;]*)", re.IGNORECASE)
_CONTEXT: Final = re.compile(rb";[ \t]*trunk-context[ \t]*=[ \t]*([^;]*)", re.IGNORECASE)
_EITHER: Final = re.compile(rb";[ \t]*(?:tgrp|trunk-context)[ \t]*(?:=[^;]*)?(?=;|\Z)", re.IGNORECASE)


class Trunk:
    """A trunk group as a URI names it."""

    __slots__ = ("context", "label")

    def __init__(self, label: bytes, context: bytes) -> None:
        self.label: Final = label
        self.context: Final = context
        """A domain name, or a global number that starts with ``+``: where the label means something."""


def trunk_of(uri: Uri) -> Trunk | None:
    """The trunk group that a URI names; None where it names none, or not both parameters, once each (section 5)."""
    parameters = uri.user_parameters
    if not parameters:
        return None
    labels, contexts = _LABEL.findall(parameters), _CONTEXT.findall(parameters)
    if len(labels) != 1 or len(contexts) != 1:
        return None
    label, context = labels[0].strip(), contexts[0].strip()
    return Trunk(label, context) if 0 < len(label) <= LONGEST and 0 < len(context) <= LONGEST else None


def names_trunk(contact: bytes) -> bool:
    """Whether a Contact names a trunk group."""
    if b"tgrp" not in contact.lower():
        return False
    try:
        return trunk_of(parse_uri(parse_name_addr(contact).uri)) is not None
    except Malformed:  # it says nothing then
        return False


def with_trunk(request_uri: bytes, label: bytes, context: bytes) -> bytes:
    """A Request-URI that names this trunk group in place of any other (section 6).

    The parameters are those of a telephone number, so a URI that carries none is given back as it is.
    """
    scheme, colon, rest = request_uri.partition(b":")
    own = b";tgrp=%s;trunk-context=%s" % (label, context)
    if scheme.lower() == b"tel":
        return scheme + colon + _EITHER.sub(b"", rest) + own if _is_number(rest) else request_uri
    user, at, host = rest.rpartition(b"@")
    if scheme.lower() not in (b"sip", b"sips") or not at or not _is_number(user):
        return request_uri
    return scheme + colon + _EITHER.sub(b"", user) + own + at + host


def _is_number(user: bytes) -> bool:
    if b":" in user:  # a password, behind which nothing may stand
        return False
    return parse_number(user.partition(b";")[0].decode("ascii", "replace")) is not None
