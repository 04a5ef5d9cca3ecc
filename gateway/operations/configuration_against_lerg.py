"""What a configuration says against the LERG tables that it names: faults that no file shows on its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gateway.numbering.lerg import LergGuide
from gateway.operations.configuration import Configuration
from gateway.operations.configuration_faults import ConfigurationFault
from gateway.operations.toml_lines import key_text, line_of, locate_keys


def unknown_switches(file: Path, configuration: Configuration, guide: LergGuide) -> Iterator[ConfigurationFault]:
    """Switches that LERG 7 does not have: every call over such a trunk group would be refused (L9, L1.4).

    `file` is the configuration's, as it was given. Raises OSError where it cannot be read any more.
    """
    lines = locate_keys(file.read_text("utf-8"))
    for place, group in enumerate(configuration.trunk_groups):
        for key, clli in (("switch", group.switch), ("home_switch", group.home_switch)):
            if clli is not None and guide.switch(clli) is None:
                path = ("trunk_groups", place, key)
                reason = f"{clli} is in no row of LERG 7"
                yield ConfigurationFault(str(file), line_of(path, lines), key_text(path), reason, "correct the CLLI")
