"""Sockets, the clock and timers."""
