"""Calls between SIPp and SIPp, with proxies in both positions and the gateway in the middle."""
