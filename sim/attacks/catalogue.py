"""The catalogue of attacks: one row each.

The attacker is Bluestem Voice, whose blocks are in `BLUESTEM`; most rows come on the trunk group, and from the address,
on which the innocent calls come too. Rates stay where a switch written in Python keeps up: what the gateway itself can
take is measured by `make bench-flood`.
"""

from __future__ import annotations

from typing import Final

from sim.attacks.attack import Attack, Found, Holds, Stand
from sim.attacks.messages import Kind, Numbering
from sim.cast import PROVIDERS

_OCN: Final = PROVIDERS["bluestem"].ocn
BLUESTEM: Final = Numbering(("13142063", "13142087", "16366792", "16362661"))
WENTZVILLE: Final = Numbering(("16363271", "16363272", "16363321"))
COLUMBIA: Final = Numbering(("15732560", "15732561"))
TROY: Final = Numbering(("16362900", "16362901"))
OF_EVERYONE: Final = Numbering(
    (
        *("13142061", "13142063", "13142062", "16366791"),
        *("13142060", "13142084", "13142087", "15732685"),
    ),
    first=100,
    size=900,
)
"""Blocks of two providers and of the partner itself, in turn: every call claims to be somebody else's."""
OF_NO_PROVIDER: Final = Numbering(("13142040", "13142041", "13142200"))
"""Codes of carriers that have nothing to do with the partner."""

_PROVIDER: Final = f"provider {_OCN}"
_SOURCE: Final = "source 127.0.0.1"

ATTACKS: Final = (
    Attack(
        "INVITE flood, honest numbers",
        *(340, 150, BLUESTEM, WENTZVILLE),
        found=(Found("invite_flood", _PROVIDER, "throttle"),),
        held_by=(Holds.OCN, Holds.GATE),
    ),
    Attack(
        "INVITE flood, honest numbers, throttled automatically",
        *(600, 150, BLUESTEM, WENTZVILLE),
        automatic=("throttle",),
        found=(Found("invite_flood", _PROVIDER, "throttle"),),
        held_by=(Holds.OCN, Holds.THROTTLE, Holds.GATE),
    ),
    Attack(
        "INVITE flood, another provider's number with every call, on a limited trunk group",
        *(560, 250, OF_EVERYONE, COLUMBIA),
        over="RB-CLMA",
        spoofed=True,
        found=(Found("invite_flood", "trunk group RB-CLMA"),),
        held_by=(Holds.GROUP, Holds.GATE),
    ),
    Attack(
        "INVITE flood, another provider's number with every call, from a limited source",
        *(560, 250, OF_EVERYONE, TROY),
        over="RB-TDM",
        spoofed=True,
        found=(Found("invite_flood", "trunk group RB-TDM"),),
        held_by=(Holds.SOURCE, Holds.GATE),
    ),
    Attack(
        "INVITE flood, numbers of no provider",
        *(340, 150, OF_NO_PROVIDER, COLUMBIA),
        over="RB-CLMA",
        found=(Found("invite_flood", "trunk group RB-CLMA"),),
        held_by=(Holds.CHECKS, Holds.GATE),
    ),
    Attack(
        "INVITE flood from 200 ports of a member's host",
        *(340, 150, OF_EVERYONE, WENTZVILLE),
        stand=Stand.STRANGERS,
        ports=200,
        found=(Found("stranger_flood", _SOURCE),),
        held_by=(Holds.CHECKS, Holds.GATE),
    ),
    Attack(
        "IAM flood on circuits",
        *(220, 100, BLUESTEM, WENTZVILLE),
        stand=Stand.CIRCUITS,
        over="RB7-WNV",
        found=(Found("invite_flood", _PROVIDER, "throttle"),),
        held_by=(Holds.OCN,),
    ),
    Attack(
        "REGISTER flood",
        *(320, 150, BLUESTEM, WENTZVILLE),
        kind=Kind.REGISTER,
        found=(Found("register_flood", _SOURCE),),
        held_by=(Holds.ANSWERED, Holds.GATE),
    ),
    Attack(
        "OPTIONS flood",
        *(320, 150, BLUESTEM, WENTZVILLE),
        kind=Kind.OPTIONS,
        found=(Found("options_flood", _SOURCE),),
        held_by=(Holds.ANSWERED, Holds.GATE),
    ),
    Attack(
        "Flood of malformed datagrams",
        *(320, 150, BLUESTEM, WENTZVILLE),
        kind=Kind.MALFORMED,
        found=(Found("malformed_datagrams", _SOURCE),),
        held_by=(Holds.ANSWERED, Holds.GATE),
    ),
    Attack(
        "One INVITE sent again a thousand times",
        *(1_000, 450, BLUESTEM, WENTZVILLE),
        kind=Kind.REPEATED_CALL,
        found=(Found("retransmission_storm", _SOURCE),),
        held_by=(Holds.ABSORBED,),
    ),
    Attack(
        "Flood of BYEs for calls that are not there",
        *(320, 150, BLUESTEM, WENTZVILLE),
        kind=Kind.BYE,
        found=(Found("stray_messages", _SOURCE),),
        held_by=(Holds.ANSWERED, Holds.GATE),
    ),
    Attack(
        "Flood of CANCELs for calls that are not there",
        *(320, 150, BLUESTEM, WENTZVILLE),
        kind=Kind.CANCEL,
        found=(Found("stray_messages", _SOURCE),),
        held_by=(Holds.ANSWERED, Holds.GATE),
    ),
    Attack(
        "Flood of ACKs for calls that are not there",
        *(320, 150, BLUESTEM, WENTZVILLE),
        kind=Kind.ACK,
        found=(Found("stray_messages", _SOURCE),),
        held_by=(Holds.DROPPED,),
    ),
    Attack(
        "Flood of responses to nothing",
        *(320, 150, BLUESTEM, WENTZVILLE),
        kind=Kind.RESPONSE,
        stand=Stand.STRANGERS,
        ports=20,
        found=(Found("stray_messages", _SOURCE),),
        held_by=(Holds.DROPPED,),
    ),
    Attack(
        "Flood of emergency calls",
        *(130, 60, BLUESTEM, "911"),
        served=True,
        found=(Found("emergency_flood", "trunk group RB-WNV"),),
        held_by=(Holds.NOTHING,),
    ),
    Attack(
        "Calls that are over as soon as they are answered",
        *(60, 18, BLUESTEM, WENTZVILLE),
        hold_s=0.05,
        found=(Found("short_calls", _PROVIDER, "throttle"),),
        held_by=(Holds.NOTHING,),
    ),
    Attack(
        "Calls that hardly anyone answers",
        *(45, 18, BLUESTEM, WENTZVILLE),
        hold_s=0.6,
        answered_of=5,
        found=(Found("asr_acd", _PROVIDER, "throttle"),),
        held_by=(Holds.NOTHING,),
    ),
    Attack(
        "One calling number for every call",
        *(45, 18, Numbering(("13142063",), 0), WENTZVILLE),
        hold_s=0.6,
        found=(Found("calling_share", "calling number 3142063000", "throttle"),),
        held_by=(Holds.NOTHING,),
    ),
    Attack(
        "Calling numbers in sequence",
        *(45, 18, Numbering(("13142063",), 1), WENTZVILLE),
        hold_s=0.6,
        found=(Found("sequential_calling", _PROVIDER, "throttle"),),
        held_by=(Holds.NOTHING,),
    ),
    Attack(
        "Called numbers in sequence",
        *(45, 18, BLUESTEM, Numbering(("16363271",), 1)),
        hold_s=0.6,
        found=(Found("sequential_called", _PROVIDER, "throttle"),),
        held_by=(Holds.NOTHING,),
    ),
    Attack(
        "Calls that nobody ends",
        *(200, 40, BLUESTEM, WENTZVILLE),
        hold_s=None,
        found=(Found("calls_in_progress", _PROVIDER, "throttle"),),
        held_by=(Holds.OCN,),
    ),
)
