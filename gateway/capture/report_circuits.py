"""The circuits of a report: for machines, and in words."""

from __future__ import annotations

from typing import Any, Final

from gateway.capture.audit_result import AuditResult, CircuitCounts
from gateway.capture.calls import Place, address_text
from gateway.capture.cause_names import cause_name, cause_text, location_name
from gateway.capture.circuit_use import CircuitUse, Release
from gateway.codecs.ss7.variant import Variant

VARIANT_NAMES: Final = {Variant.ANSI: "ANSI T1.113", Variant.ITU: "ITU-T Q.763"}


def circuit_document(use: CircuitUse) -> dict[str, Any]:
    """A circuit and its use, of JSON types only."""
    circuit = use.circuit
    return {
        "variant": circuit.variant.value,
        "network_indicator": circuit.network_indicator,
        "opc": circuit.source[0],
        "dpc": circuit.destination[0],
        "cic": circuit.cic,
        "carried": [address_text(end) for end in use.carrier] if use.carrier is not None else None,
        "progressed": _place(use.progressed),
        "answered": _place(use.answered),
        "released": _release(use.release),
        "end": use.end.value,
        "ended": _place(use.ended),
        "dual_seizure": use.dual_seizure,
        "talked_us": use.talked_us,
    }


def circuits_summary(counts: CircuitCounts) -> dict[str, Any]:
    """How the calls on circuits went, of JSON types only."""
    return {
        "seized": counts.seized,
        "answered": counts.answered,
        "released": counts.released,
        "released_by_source": counts.released_by_source,
        "dual_seizures": counts.dual_seizures,
        "ends": dict(counts.ends.most_common()),
        "causes": {str(cause): count for cause, count in sorted(counts.causes.items())},
        "talked_us": counts.talked_us,
    }


def signalling_summary(result: AuditResult) -> dict[str, Any] | None:
    """How SS7 was read; None where there was none."""
    if not result.variants:
        return None
    return {
        "variants": {variant.value: count for variant, count in result.variants.items()},
        "told_by": _told_by(result),
        "one_direction": [way._asdict() for way in result.one_direction],
        "circuits": circuits_summary(result.circuits),
    }


def variants_text(result: AuditResult) -> str:
    """``5265 read as ITU-T Q.763, as the messages themselves show``; empty where there is no ISUP."""
    if not result.variants:
        return ""
    read = ", ".join(f"{count} read as {VARIANT_NAMES[variant]}" for variant, count in result.variants.most_common())
    return (
        f"{read}, {f'as --ss7 says{_otherwise(result)}' if result.variant_given else 'as the messages themselves show'}"
    )


def _told_by(result: AuditResult) -> str:
    return f"the option --ss7{_otherwise(result)}" if result.variant_given else "the messages themselves"


def _otherwise(result: AuditResult) -> str:
    if not result.told_otherwise:
        return ""
    links = ", ".join(result.told_otherwise)
    return f", and for what the gateway decides the links of the configuration, of which others are {links}"


def circuit_text(use: CircuitUse) -> str:
    """What became of a circuit's use, in words."""
    parts = []
    if use.answered is not None:
        parts.append(f"answered in frame {use.answered.frame}")
    elif use.progressed is not None:
        parts.append("not answered")
    if use.release is not None:
        release = use.release
        who = use.circuit.source[0] if release.by_source else use.circuit.destination[0]
        why = cause_text(release.cause) if release.cause is not None else "a cause that cannot be read"
        parts.append(f"released by {who} in frame {release.place.frame} with {why}")
    where = f" in frame {use.ended.frame}" if use.ended is not None else ""
    parts.append(f"{use.end.value}{where}")
    if use.talked_us is not None:
        parts.append(f"{use.talked_us / 1_000_000:.1f} s")
    return ", ".join(parts)


def circuits_lines(counts: CircuitCounts) -> list[tuple[str, str]]:
    """Lines of the summary, each with its name; none where no circuit was seized."""
    if not counts.seized:
        return []
    ends = ", ".join(f"{count} {end}" for end, count in counts.ends.most_common())
    by_other = counts.released - counts.released_by_source
    causes = ", ".join(
        f"{count} with cause {cause} ({cause_name(cause) or 'no name'})"
        for cause, count in counts.causes.most_common(8)
    )
    lines = [
        ("circuits", f"{counts.seized} seized, {counts.answered} answered; {ends}"),
        ("released", f"{counts.released_by_source} by who seized, {by_other} by the other end: {causes}"),
    ]
    return lines if counts.released else lines[:1]


def _place(place: Place | None) -> dict[str, Any] | None:
    return {"file": place.file, "frame": place.frame, "at_us": place.at_us} if place is not None else None


def _release(release: Release | None) -> dict[str, Any] | None:
    if release is None:
        return None
    cause = release.cause
    return {
        "file": release.place.file,
        "frame": release.place.frame,
        "at_us": release.place.at_us,
        "by": "source" if release.by_source else "destination",
        "cause": cause.value if cause is not None else None,
        "cause_name": cause_name(cause.value, cause.coding) or None if cause is not None else None,
        "coding": cause.coding if cause is not None else None,
        "location": location_name(cause.location) or cause.location if cause is not None else None,
    }
