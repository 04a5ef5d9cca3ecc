"""The Privacy header's value (RFC 3323 section 4.2, RFC 3325 section 9.3, RFC 7044 section 10.1)."""

from __future__ import annotations

from functools import lru_cache

MAX_VALUES = 16
"""Values read from one header; six are defined."""


@lru_cache(maxsize=256)
def privacy_values(raw: bytes) -> frozenset[str]:
    """The priv-values of a Privacy header, in lower case: ``id``, ``user``, ``header``, ``session``, ``none`` ...

    Commas are taken for semicolons, as in the older drafts that some switches still follow. Never raises: bytes that
    are no token come back as an odd value, which means nothing to anyone.
    """
    values = raw[:512].decode("ascii", "replace").lower().replace(",", ";").split(";", MAX_VALUES)[:MAX_VALUES]
    return frozenset(value.strip() for value in values if value.strip())
