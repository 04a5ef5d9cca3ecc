"""tgrp and trunk-context (RFC 4904), read and written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playbook import CALLEE, CALLER, GROUPS, Playbook, decided, reply, request, sends

from gateway.codecs.sip import SipMessage, parse_uri
from gateway.signalling.trunk_parameters import trunk_of, with_trunk


@pytest.mark.parametrize(
    ("uri", "trunk"),
    [
        (b"sip:+16305550100;tgrp=TG-1;trunk-context=example.com@h;user=phone", (b"TG-1", b"example.com")),
        (b"tel:+16305550100;TGRP=a/b;npdi;Trunk-Context=+1630", (b"a/b", b"+1630")),
        (b"sip:+16305550100;tgrp=TG-1@h", None),  # section 5: one without the other is none
        (b"sip:+16305550100;trunk-context=example.com@h", None),
        (b"sip:+16305550100;tgrp=a;tgrp=b;trunk-context=example.com@h", None),
        (b"sip:+16305550100;tgrp=;trunk-context=example.com@h", None),
        (b"sip:+16305550100@h;tgrp=TG-1;trunk-context=example.com", None),  # they are the number's, not the URI's
        (b"sip:+16305550100@h", None),
        (b"sip:+16305550100;tgrp=" + b"x" * 200 + b";trunk-context=h@h", None),
    ],
)
def test_a_trunk_group_is_named_by_both_parameters_of_the_number(uri: bytes, trunk: tuple[bytes, bytes] | None) -> None:
    found = trunk_of(parse_uri(uri))
    assert (None if found is None else (found.label, found.context)) == trunk


OWN = b";tgrp=T1;trunk-context=host.example"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"sip:+16305550100@h:5060;user=phone", b"sip:+16305550100" + OWN + b"@h:5060;user=phone"),
        (b"sip:+16305550100;npdi;rn=+13145550000@h", b"sip:+16305550100;npdi;rn=+13145550000" + OWN + b"@h"),
        (b"sip:+16305550100;tgrp=X;npdi;trunk-context=y@h", b"sip:+16305550100;npdi" + OWN + b"@h"),
        (b"tel:+16305550100;Trunk-Context=y;TGRP=X", b"tel:+16305550100" + OWN),
        (b"sip:+16305550100;tgrpx=1@h", b"sip:+16305550100;tgrpx=1" + OWN + b"@h"),
        (b"sip:alice@h", b"sip:alice@h"),
        (b"sip:h", b"sip:h"),
        (b"sip:+16305550100:secret@h", b"sip:+16305550100:secret@h"),
        (b"urn:service:sos", b"urn:service:sos"),
    ],
)
def test_the_request_uri_names_the_trunk_group_that_was_decided_and_no_other(before: bytes, after: bytes) -> None:
    assert with_trunk(before, b"T1", b"host.example") == after


def test_a_call_leaves_with_the_trunk_group_of_its_settings_and_else_as_it_came() -> None:
    groups = (GROUPS[0], replace(GROUPS[1], tgrp="T1", trunk_context="host.example"))
    lines = (
        b"Route: <sip:192.0.2.1:5060;lr>",
        b"Contact: <sip:+13145550100;tgrp=IN;trunk-context=p.example@192.0.2.10>",
    )
    uri = "sip:+16365550199;tgrp=MINE;trunk-context=p.example@192.0.2.20"
    with Playbook(groups=groups) as play:
        play >> request("INVITE", *lines, uri=uri) << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        invite = SipMessage(play.sent)
        assert invite.request_uri == b"sip:+16365550199" + OWN + b"@192.0.2.20"
        assert lines[1] in invite.data.split(b"\r\n")  # Contact is the sender's own address and stays
        assert lines[0] not in invite.data.split(b"\r\n")
        play >> reply(play.sent, 100)
        play >> request("CANCEL", uri=uri) << sends("200", CALLER) << sends("CANCEL", CALLEE)
        assert SipMessage(play.sent).request_uri == invite.request_uri
    with Playbook() as play:
        play >> request("INVITE", *lines, uri=uri) << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        assert SipMessage(play.sent).request_uri == uri.encode()


def test_where_a_call_came_in_is_noted_and_attributes_nothing() -> None:
    contact = b"<sip:+13145550100;tgrp=IN;trunk-context=p.example@192.0.2.10>"
    with Playbook() as play:
        play >> request("INVITE", b"Contact: " + contact) << decided() << sends("100", CALLER)
        assert play.call is not None
        trunk = play.call.attempt.trunk
        assert trunk is not None
        assert (trunk.field, trunk.raw) == ("Contact", contact)
        play << sends("INVITE", CALLEE)
        assert play.sent.count(contact) == 1
