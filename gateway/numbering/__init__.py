"""Telephone numbers, LERG tables and their indexes, portability, rate centres and V&H miles. Pure."""
