"""SIP messages (RFC 3261) read lazily and changed only where the proxy must."""
