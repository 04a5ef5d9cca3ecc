"""A configuration as it is written, for the rules that hold its values against one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from gateway.interconnection.carriers import CarrierKind
from gateway.operations.toml_lines import KeyPath

_KINDS = frozenset(kind.value for kind in CarrierKind)


class Contradiction(NamedTuple):
    key: KeyPath
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A configuration as written: sections and tables by key, nothing validated but the containers."""

    sections: Mapping[str, Mapping[str, Any]]
    carriers: tuple[Mapping[str, Any], ...]
    kinds: Mapping[str, str]
    """OCN -> kind of the first carrier that has it, empty where its kind is not legible."""
    links: tuple[Mapping[str, Any], ...]
    trunk_groups: tuple[Mapping[str, Any], ...]
    folder: Path
    """Paths in the file are relative to it."""
    check_names: frozenset[str]

    @classmethod
    def of(cls, data: Mapping[str, Any], folder: Path, check_names: frozenset[str]) -> Draft:
        carriers = _tables(data.get("carriers"))
        return cls(
            sections={key: value for key, value in data.items() if isinstance(value, Mapping)},
            carriers=carriers,
            kinds={ocn: kind_of(carrier) for carrier in reversed(carriers) if (ocn := text_of(carrier, "ocn"))},
            links=_tables(data.get("links")),
            trunk_groups=_tables(data.get("trunk_groups")),
            folder=folder,
            check_names=check_names,
        )

    def setting(self, section: str, key: str) -> str | None:
        return text_of(self.sections.get(section, {}), key)


def _tables(value: object) -> tuple[Mapping[str, Any], ...]:
    elements = value if isinstance(value, list) else []
    return tuple(element if isinstance(element, Mapping) else {} for element in elements)


def text_of(table: Mapping[str, Any], key: str) -> str | None:
    value = table.get(key)
    return value if isinstance(value, str) and value else None


def kind_of(carrier: Mapping[str, Any]) -> str:
    kind = text_of(carrier, "kind")
    return kind if kind is not None and kind in _KINDS else ""
