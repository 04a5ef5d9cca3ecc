"""Whether the journal is what was written, looked at when a gateway starts: faults are said, and hold nobody up."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Final

from gateway.records.database import DatabaseFileError
from gateway.records.journal_verification import verify_journal

LOG = logging.getLogger("tollgate")

SHOWN_FAULTS: Final = 20


class JournalCheck:
    """Belongs to the gateway's loop; the reading is done beside it."""

    def __init__(self, file: Path) -> None:
        self._file: Final = file
        self.faults: tuple[str, ...] = ()
        """What is wrong with it; empty where nothing is, or nobody has looked yet."""

    async def look(self) -> None:
        """Compare every entry with its hash. The gateway goes on meanwhile, and after: 911 must not wait for it."""
        try:
            found = await asyncio.to_thread(verify_journal, self._file)
        except DatabaseFileError as error:
            self.faults = (str(error),)
        else:
            self.faults = found.faults
            LOG.info("journal: %d entries, head %s", found.count, found.head)
        for fault in self.faults[:SHOWN_FAULTS]:
            LOG.error("the journal is not as it was written: %s: %s", self._file, fault)
        if self.faults:
            LOG.error(
                "%d fault%s in %s: somebody or something changed it; compare it with a copy, and see that every "
                "provider stands as it should (tollgate journal verify, tollgate status)",
                *(len(self.faults), "s" if len(self.faults) != 1 else "", self._file),
            )
