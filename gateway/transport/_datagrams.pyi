from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.call import Send
from gateway.transport.datagrams import MakePeer

class Datagrams:
    """The datagrams of a non-blocking UDP socket, many to a system call."""

    def __init__(self, fd: int, ipv6: bool, peer: MakePeer) -> None: ...
    def receive(self, at_us: int, /) -> list[tuple[bytes, Hop, int]]: ...
    def send(self, messages: list[Send], /) -> list[int]: ...
