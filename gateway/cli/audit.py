"""`tollgate audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.faults import Exit, configuration_of, fail, with_faults_said


def audit(
    captures: Annotated[
        list[Path],
        # readable=False: no check of typer's, which would end the command; the audit names what it cannot read
        typer.Argument(help="Captures to audit: pcap or pcapng.", readable=False),
    ],
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Judge the calls as the gateway of this configuration would.")
    ] = None,
    output: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
    ss7: Annotated[
        str, typer.Option("--ss7", help="How SS7 is read: ansi, itu, or auto, as its own messages show.")
    ] = "auto",
) -> None:
    """Find the calls in captures and judge them: exit 0 if all is clean, 1 if a call breaks a clause."""
    from gateway.codecs.ss7.variant import Variant
    from gateway.wiring.audit import audit_captures

    if output not in ("table", "json"):
        fail(Exit.USAGE, f"--format {output}: there is no such format; use table or json")
    variants = {"auto": None, **{variant.value: variant for variant in Variant}}
    if ss7 not in variants:
        fail(Exit.USAGE, f"--ss7 {ss7}: there is no such variant; use {', '.join(variants)}")
    configuration = configuration_of(config) if config is not None else None
    code: list[int] = []
    with_faults_said(lambda: code.append(audit_captures(captures, configuration, output, variants[ss7])))
    raise typer.Exit(code[0])
