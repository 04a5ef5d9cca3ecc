"""A request inside a dialog goes where it says only where it says an address: a name would have to be looked up, and
the loop that looks it up handles no other call meanwhile.
"""

from __future__ import annotations

import pytest
from playbook import (
    CALLEE,
    CALLEE_TAGGED,
    OURSELVES,
    Playbook,
    answered,
    in_dialog,
    request,
    sends,
    settings_with,
)

from gateway.interconnection.trunk_groups import Hop


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("198.51.100.7", Hop("198.51.100.7", 5060)),
        ("198.51.100.7:5070", Hop("198.51.100.7", 5070)),
        ("[2001:db8::7]:5070", Hop("2001:db8::7", 5070)),
        ("host.example.com", CALLEE),
        ("999.1.1.1", CALLEE),
        ("256.0.0.1", CALLEE),
        ("010.0.0.1", CALLEE),
        ("1.2.3.4.5", CALLEE),
        ("[cafe.de]", CALLEE),
        ("[198.51.100.7]", CALLEE),
        ("[2001:db8::7::]", CALLEE),
    ],
)
@pytest.mark.parametrize("by_route", [False, True])
def test_only_an_address_is_a_target(host: str, target: Hop, by_route: bool) -> None:
    play = Playbook(settings_with(listeners=(OURSELVES, Hop("2001:db8::1", 5060))))
    answered(play, b"Contact: <sip:x@198.51.100.7>, <sip:x@198.51.100.7:5070>, <sip:x@[2001:db8::7]:5070>")
    bye = (
        in_dialog("BYE", f"Route: <sip:{host};lr>".encode())
        if by_route
        else request("BYE", uri=f"sip:{host}", branch="2", cseq="2 BYE", to=CALLEE_TAGGED)
    )
    play >> bye << sends("BYE", target)
