"""Tollgate: a SIP/SS7 signalling-compliance gateway simulator."""
