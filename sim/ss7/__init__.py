"""Simulated SS7: an end office and a tandem on ISUP over M3UA. The other end, with call control of its own."""
