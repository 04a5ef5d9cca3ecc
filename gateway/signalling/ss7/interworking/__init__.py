"""A SIP user agent between the exchange and the proxy: calls between SIP and ISUP (RFC 3398, Q.1912.5)."""
