"""`tollgate detect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.faults import Exit, configuration_of, fail, with_faults_said


def detect(
    captures: Annotated[
        list[Path],
        # readable=False: no check of typer's, which would end the command; the report names what it cannot read
        typer.Argument(help="Captures to run the detectors on: pcap or pcapng.", readable=False),
    ],
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="See the calls as the gateway of this configuration would, by its limits."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Another threshold, DETECTOR.SETTING=VALUE: short_calls.share_percent=25."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One document for machines in place of a table.")] = False,
    ss7: Annotated[
        str, typer.Option("--ss7", help="How SS7 is read: ansi, itu, or auto, as its own messages show.")
    ] = "auto",
) -> None:
    """Say what the detectors of denial of service would have raised on captures.

    Exit 1 if anything, 0 if nothing, 3 where not all could be read or nothing was sent to the configuration's gateway.
    """
    from gateway.codecs.ss7.variant import Variant
    from gateway.operations.detector_settings import SettingRefused
    from gateway.wiring.detect import detect_captures

    variants = {"auto": None, **{variant.value: variant for variant in Variant}}
    if ss7 not in variants:
        fail(Exit.USAGE, f"--ss7 {ss7}: there is no such variant; use {', '.join(variants)}")
    configuration = configuration_of(config) if config is not None else None
    code: list[int] = []

    def run() -> None:
        code.append(detect_captures(captures, configuration, settings or (), json=json, variant=variants[ss7]))

    try:
        with_faults_said(run)
    except SettingRefused as error:
        fail(Exit.USAGE, f"--set {error}")
    raise typer.Exit(code[0])
