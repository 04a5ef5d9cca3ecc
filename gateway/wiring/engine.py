"""The engine of a configuration: the same for a live gateway and for an audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.interconnection.discontinuance import Cutover, CutoverBook
from gateway.numbering.csv_rows import RowFault
from gateway.numbering.lerg import LergGuide
from gateway.operations.configuration import Configuration
from gateway.operations.lerg_folder import read_lerg_folder, read_ported_numbers
from gateway.policy.attribution import ProviderFinder
from gateway.policy.check import Check
from gateway.policy.checks import all_checks
from gateway.policy.checks.rate_limit import RateLimitOfProvider
from gateway.policy.engine import Engine
from gateway.policy.routing import Router


@dataclass(frozen=True, slots=True)
class Policy:
    """The engine of one configuration, and what it rests on."""

    engine: Engine
    checks: tuple[Check, ...]
    limiter: RateLimitOfProvider
    find_provider: ProviderFinder
    guide: LergGuide | None
    cutovers: CutoverBook
    row_faults: tuple[RowFault, ...]
    """Rows of the LERG and portability tables that could not be used."""


def policy_of(configuration: Configuration, cutovers: Sequence[Cutover]) -> Policy:
    """The engine that decides a gateway's calls, live or read from a capture.

    `cutovers` are the steps of the operator so far. Raises `LergFault` or `TableUnreadable` where a table is missing.
    """
    guide, faults = read_lerg_folder(configuration.lerg_folder)
    ported = None
    if configuration.ported_file is not None:
        ported, ported_faults = read_ported_numbers(configuration.ported_file)
        faults += ported_faults
    book = CutoverBook(cutovers)
    checks = all_checks(
        guide=guide,
        ported=ported,
        carriers=configuration.carriers,
        cutovers=book,
        gateway_numbers=configuration.gateway_numbers,
    )
    limiter = next(check for check in checks if isinstance(check, RateLimitOfProvider))
    router = Router(
        configuration.trunk_groups,
        guide=guide,
        ported=ported,
        cutovers=book,
        emergency_trunk_group=configuration.emergency_trunk_group,
    )
    engine = Engine(checks, (limiter,), router)
    return Policy(engine, checks, limiter, ProviderFinder(guide, ported, configuration.carriers), guide, book, faults)


def policy_without_configuration() -> Policy:
    """The engine for a capture of which nothing is known: what a message says of itself is judged, the rest is not."""
    book = CutoverBook()
    checks = all_checks()
    limiter = next(check for check in checks if isinstance(check, RateLimitOfProvider))
    engine = Engine(checks, (limiter,), Router((), guide=None, ported=None, cutovers=book))
    return Policy(engine, checks, limiter, ProviderFinder(None, None), None, book, ())
