"""Attacks on the gateway, each with what must be found of it and what the innocent must not feel (L8)."""
