"""The engine of a configuration: the same for a live gateway and for an audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.interconnection.blocking import BlockingBook
from gateway.interconnection.denial_of_service import StandingBook
from gateway.interconnection.operator_steps import Steps
from gateway.numbering.csv_rows import RowFault
from gateway.numbering.lerg import LergGuide
from gateway.numbering.portability import PortedNumbers
from gateway.operations.lerg_folder import read_lerg_folder, read_ported_numbers
from gateway.policy.attribution import ProviderFinder
from gateway.policy.check import Check
from gateway.policy.checks import all_checks
from gateway.policy.checks.rate_limit import DEFAULT_THROTTLE, RateLimits
from gateway.policy.engine import Engine
from gateway.policy.routing import Router

if TYPE_CHECKING:
    from gateway.operations.configuration import Configuration


class Tables(NamedTuple):
    """What is known of numbers: one edition of LERG, and of the ported numbers."""

    guide: LergGuide | None
    ported: PortedNumbers | None
    row_faults: tuple[RowFault, ...]
    """Rows that could not be used."""


def read_tables(configuration: Configuration) -> Tables:
    """The tables that a configuration names. Raises `TableUnreadable` where one is missing."""
    guide, faults = read_lerg_folder(configuration.lerg_folder)
    if configuration.ported_file is None:
        return Tables(guide, None, faults)
    ported, ported_faults = read_ported_numbers(configuration.ported_file)
    return Tables(guide, ported, faults + ported_faults)


class Policy:
    """The engine of one configuration, and what it rests on."""

    def __init__(self, configuration: Configuration | None, tables: Tables, steps: Steps) -> None:
        self._configuration: Final = configuration
        self.carriers: Final = configuration.carriers if configuration is not None else None
        carriers = self.carriers
        self.standings: Final = StandingBook(carriers, steps.standings)
        self.blockings: Final = BlockingBook(steps.blockings)
        trunk_groups = configuration.trunk_groups if configuration is not None else ()
        throttle = configuration.denial_of_service.throttle if configuration is not None else DEFAULT_THROTTLE
        self.limiter: Final = RateLimits(carriers, trunk_groups, self.standings, throttle)
        self.tables = tables
        router = self.router_by(self.standings)
        self.checks = self._checks(router)
        self.engine: Final = Engine(self.checks, (self.limiter,), router)
        self.find_provider: Final = ProviderFinder(tables.guide, tables.ported, carriers)

    def adopt(self, tables: Tables) -> None:
        """Decide by these tables from the next call on. Quotas, calls in progress and standings stay as they are."""
        self.tables = tables
        router = self.router_by(self.standings)
        self.checks = self._checks(router)
        self.engine.change(self.checks, (self.limiter,), router)
        self.find_provider.change(tables.guide, tables.ported)

    def _checks(self, router: Router) -> tuple[Check, ...]:
        configuration = self._configuration
        return all_checks(
            limiter=self.limiter,
            guide=self.tables.guide,
            ported=self.tables.ported,
            carriers=configuration.carriers if configuration is not None else None,
            standings=self.standings,
            router=router,
            gateway_numbers=configuration.gateway_numbers if configuration is not None else (),
        )

    def router_by(self, standings: StandingBook) -> Router:
        """Finds the ways that calls take where providers stand so."""
        configuration = self._configuration
        return Router(
            configuration.trunk_groups if configuration is not None else (),
            guide=self.tables.guide,
            ported=self.tables.ported,
            standings=standings,
            emergency_trunk_group=configuration.emergency_trunk_group if configuration is not None else None,
        )


def policy_of(configuration: Configuration, steps: Steps) -> Policy:
    """The engine that decides a gateway's calls, live or read from a capture.

    `steps` are those of the operator so far. Raises `TableUnreadable` where a table is missing.
    """
    return Policy(configuration, read_tables(configuration), steps)


def policy_without_configuration() -> Policy:
    """The engine for a capture of which nothing is known: what a message says of itself is judged, the rest is not."""
    return Policy(None, Tables(None, None, ()), Steps())
