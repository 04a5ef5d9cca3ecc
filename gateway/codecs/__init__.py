"""Bytes to values and back, lossless. Imports nothing of ours."""
