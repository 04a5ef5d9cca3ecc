"""Sans-I/O state machines: SIP transactions and the proxy. Pure: bytes and the time in, actions out."""
