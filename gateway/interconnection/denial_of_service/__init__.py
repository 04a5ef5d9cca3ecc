"""Denial of service on a partner's trunks: what is done about a provider, step by step (L8)."""

from gateway.interconnection.denial_of_service.book import StandingBook
from gateway.interconnection.denial_of_service.standing import NORMAL, Standing, Step, standing_after
from gateway.interconnection.denial_of_service.states import TRANSITIONS, Scope, State, StepKind

__all__ = ["NORMAL", "TRANSITIONS", "Scope", "Standing", "StandingBook", "State", "Step", "StepKind", "standing_after"]
