"""The `tollgate` command: every subcommand in the order in which its help lists them.

Each imports what it needs when it runs, so that `tollgate --help` is quick.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from gateway import VERSION
from gateway.cli import steps
from gateway.cli.audit import audit
from gateway.cli.detect import detect
from gateway.cli.faults import Exit
from gateway.cli.journal import journal
from gateway.cli.running import check_config, lab, reload, run
from gateway.cli.status import status
from gateway.native import OFFER

STEP_EXITS = (
    "Exit 0: the step is taken. 1: the gateway refuses it. 2: the command or the configuration is wrong, or no gateway "
    "answers."
)

app = typer.Typer(
    name="tollgate",
    help="Decides telephone calls against an interconnection agreement: live on SIP, or read from a capture.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"tollgate {VERSION} ({OFFER.words()})")
        raise typer.Exit(int(Exit.CLEAN))


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Decides telephone calls against an interconnection agreement: live on SIP, or read from a capture."""


app.command()(run)
app.command("check-config")(check_config)
app.command()(audit)
app.command()(detect)
app.command()(status)
for step in (
    steps.throttle,
    steps.release,
    steps.discontinue,
    steps.remediate,
    steps.restore,
    steps.cutover,
    steps.undo,
    steps.approve,
    steps.dismiss,
    steps.block,
):
    app.command(epilog=STEP_EXITS)(step)
app.add_typer(journal, name="journal")
app.command()(reload)
app.command()(lab)


def main() -> None:
    """Entry point of the `tollgate` command."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(int(Exit.CLEAN))
    except Exception as error:  # a fault of ours: say so in one line, and where to see more
        import os
        import traceback

        if os.environ.get("TOLLGATE_TRACEBACK"):
            traceback.print_exc()
        typer.echo(
            f"internal error: {type(error).__name__}: {error}; please report it, with the output of the same command "
            "run with TOLLGATE_TRACEBACK=1",
            err=True,
        )
        sys.exit(int(Exit.INTERNAL))
