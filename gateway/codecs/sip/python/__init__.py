"""The SIP codec in Python: what it does, in full. The one in C does the same faster."""
