"""The SS7 side of the gateway, free of I/O: M3UA associations, circuits, the exchange, interworking with SIP."""
