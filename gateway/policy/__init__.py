"""The decision on one call: attempt in, decision out. Pure: no I/O, no clock, no randomness."""
