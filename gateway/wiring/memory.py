"""How the interpreter looks after the memory of a long run."""

from __future__ import annotations

import gc


def tune_garbage_collection() -> None:
    """Have the collector look less often. Our objects are freed by reference counts; cycles are rare and small.

    At the default settings it looks after every dozen calls: through all transactions that linger for their timers, or
    through all calls of a capture so far.
    """
    gc.freeze()
    gc.set_threshold(200_000, 20, 50)


def leave_memory_to_the_system() -> None:
    """Have the interpreter end without a look at what is still in memory, which the system takes back at once.

    It looks through all of it, more than once, before it ends: seconds where many calls were up.
    """
    gc.freeze()
