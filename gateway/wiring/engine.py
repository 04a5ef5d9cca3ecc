"""The engine of a configuration: the same for a live gateway and for an audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.interconnection.discontinuance import Cutover, CutoverBook
from gateway.numbering.csv_rows import RowFault
from gateway.numbering.lerg import LergGuide
from gateway.numbering.portability import PortedNumbers
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

    `cutovers` are the steps of the operator so far. Raises `TableUnreadable` where a table is missing.
    """
    guide, faults = read_lerg_folder(configuration.lerg_folder)
    ported = None
    if configuration.ported_file is not None:
        ported, ported_faults = read_ported_numbers(configuration.ported_file)
        faults += ported_faults
    return _policy(guide, ported, configuration, cutovers, faults)


def policy_without_configuration() -> Policy:
    """The engine for a capture of which nothing is known: what a message says of itself is judged, the rest is not."""
    return _policy(None, None, None, (), ())


def _policy(
    guide: LergGuide | None,
    ported: PortedNumbers | None,
    configuration: Configuration | None,
    cutovers: Sequence[Cutover],
    faults: tuple[RowFault, ...],
) -> Policy:
    book = CutoverBook(cutovers)
    carriers = configuration.carriers if configuration is not None else None
    checks = all_checks(
        guide=guide,
        ported=ported,
        carriers=carriers,
        cutovers=book,
        gateway_numbers=configuration.gateway_numbers if configuration is not None else (),
    )
    limiter = next(check for check in checks if isinstance(check, RateLimitOfProvider))
    router = Router(
        configuration.trunk_groups if configuration is not None else (),
        guide=guide,
        ported=ported,
        cutovers=book,
        emergency_trunk_group=configuration.emergency_trunk_group if configuration is not None else None,
    )
    engine = Engine(checks, (limiter,), router)
    return Policy(engine, checks, limiter, ProviderFinder(guide, ported, carriers), guide, book, faults)
