"""SIP over TCP and TLS: a listening socket, the connections that it takes, and those that the gateway makes."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any, Final

from gateway.interconnection.trunk_groups import Address, Hop, Transport
from gateway.signalling.call import Send
from gateway.transport.connection import Connection
from gateway.transport.connections import Closing, ConnectionTable, Refusal
from gateway.transport.endpoint import SipEndpoint
from gateway.transport.listening import cannot_listen
from gateway.transport.tls import TlsContexts

ACCEPTED_PER_TURN: Final = 16
"""Connections taken before the loop gets its turn."""
BACKLOG: Final = 512
"""Connections that the kernel holds for us until we take them."""
PAUSE_S: Final = 0.5
"""Without accepting, where the process is out of files: they do not come back sooner by asking in a circle."""
CLOSING_S: Final = 1.0
"""For peers to read what was written to them before the gateway stops."""
_OUT_OF_FILES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

LOG = logging.getLogger("tollgate.transport")


class StreamCarrier:
    """Connections of one transport and IP version."""

    def __init__(
        self,
        endpoint: SipEndpoint,
        sock: socket.socket,
        table: ConnectionTable,
        tls: TlsContexts | None = None,
        names: Mapping[Address, str] | None = None,
    ) -> None:
        """`sock` is of `open_listener`; `tls` makes it SIP over TLS.

        `names` says by the address of a peer which name its certificate must carry, where that is not its IP address.
        """
        self._endpoint: Final = endpoint
        self._socket: Final = sock
        self._table: Final = table
        self._tls: Final = tls
        self._names: Final = names if names is not None else {}
        self._loop: Final = asyncio.get_running_loop()
        self._numbered: Final[dict[int, Connection]] = {}
        self._made: Final[dict[Address, Connection]] = {}
        """Connections of ours, up or on their way, by where they lead."""
        self._tasks: Final[set[asyncio.Task[None]]] = set()
        """Handshakes and attempts that are under way."""
        self._emptied: asyncio.Event | None = None
        self._pause: asyncio.TimerHandle | None = None
        self.transport: Final = Transport.TCP if tls is None else Transport.TLS
        host, port = sock.getsockname()[:2]
        self.local: Final = Hop(host, port, self.transport)

    def start(self) -> None:
        self._loop.add_reader(self._socket.fileno(), self._acceptable)

    def send(self, messages: list[Send]) -> list[Send]:
        """Send each on the connection that it names, while that is up, else on one to its address, made if need be.

        A connection that was accepted carries no requests of ours unless they name it (RFC 5923 section 5).
        """
        unsent: list[Send] = []
        for message in messages:
            target = message.target
            connection = self._numbered.get(target.connection) if target.connection else None
            if connection is None or not connection.usable:
                connection = self._made.get(target.address)
                if connection is None or not connection.reusable:
                    connection = self._connect(target)
            if connection is None or not connection.send(message):
                unsent.append(message)
        return unsent

    def close(self) -> None:
        self._stop_accepting()
        self._socket.close()
        for task in self._tasks:
            task.cancel()
        for connection in [*self._numbered.values()]:
            connection.close(Closing.STOPPED)

    async def wait_closed(self) -> None:
        """Until attempts are given up, and what was written is out, or its reader had `CLOSING_S` for it."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._numbered:
            self._emptied = asyncio.Event()
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSING_S):
                    await self._emptied.wait()
        for connection in [*self._numbered.values()]:
            connection.abort(Closing.STOPPED)
        await asyncio.sleep(0)  # for the loop to say that they are gone

    # -- connections that are accepted --------------------------------------------------------------------------------

    def _acceptable(self) -> None:
        for _ in range(ACCEPTED_PER_TURN):
            try:
                sock, address = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _OUT_OF_FILES:
                    self._hold_off(error)
                    return
                continue  # it was gone before it was taken
            host, port = address[:2]
            refusal = self._table.admit(host, handshake=self._tls is not None)
            if refusal is None:
                hop = Hop(host, port, self.transport, self._table.number())
                self._run(self._greet(sock, hop))
            else:
                LOG.debug("a connection from %s was not taken: %s", host, refusal)
                sock.close()

    def _hold_off(self, error: OSError) -> None:
        self._table.refused[Refusal.OUT_OF_FILES] += 1
        LOG.warning("no connections are taken on %s for %g s: %s", self.local, PAUSE_S, error.strerror)
        self._loop.remove_reader(self._socket.fileno())
        self._pause = self._loop.call_later(PAUSE_S, self.start)

    def _stop_accepting(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())

    async def _greet(self, sock: socket.socket, hop: Hop) -> None:
        """Give an accepted socket its connection, after the handshake where there is one."""
        connection = Connection(self._endpoint, self._table, hop, self.local, self._forget, accepted=True)
        self._numbered[hop.connection] = connection
        secured: dict[str, Any] = {}
        if self._tls is not None:
            secured["ssl"] = self._tls.server
        try:
            async with asyncio.timeout(self._table.limits.handshake_s):
                await self._loop.connect_accepted_socket(lambda: connection, sock, **secured)
        except OSError as error:
            level = logging.INFO if self._table.known(hop.host) else logging.DEBUG  # strangers do not fill the log
            LOG.log(level, "%s: the handshake failed: %s", hop, str(error) or "it took too long")
            connection.failed(Closing.HANDSHAKE)
        except asyncio.CancelledError:
            connection.failed(Closing.STOPPED)
            raise
        finally:
            if secured:
                self._table.shaken(hop.host)

    # -- connections of our own ---------------------------------------------------------------------------------------

    def _connect(self, target: Hop) -> Connection | None:
        if self._socket.fileno() < 0 or self._table.make() is not None:
            return None
        hop = Hop(target.host, target.port, self.transport, self._table.number())
        expected = frozenset[str]()
        if self._tls is not None and self._tls.verify_peers:
            expected = frozenset({self._names.get(target.address, target.host)})
        connection = Connection(
            self._endpoint, self._table, hop, self.local, self._forget, accepted=False, expected=expected
        )
        self._numbered[hop.connection] = self._made[target.address] = connection
        self._run(self._reach(connection))
        return connection

    async def _reach(self, connection: Connection) -> None:
        hop = connection.hop
        secured: dict[str, Any] = {}
        if self._tls is not None:
            secured = {"ssl": self._tls.client, "server_hostname": self._names.get(hop.address, hop.host)}
        host = self.local.host
        if host not in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound: peers know us by the address we listen on
            secured["local_addr"] = (host, 0)
        try:
            async with asyncio.timeout(self._table.limits.connect_s):
                await self._loop.create_connection(lambda: connection, hop.host, hop.port, **secured)
        except ssl.SSLError as error:
            LOG.warning("%s: the handshake failed: %s", hop, error)
            connection.failed(Closing.HANDSHAKE)
        except (OSError, OverflowError) as error:
            LOG.info("%s cannot be reached: %s", hop, error or "no answer")
            connection.failed(Closing.UNREACHED)
        except asyncio.CancelledError:
            connection.failed(Closing.STOPPED)
            raise

    # -- both ---------------------------------------------------------------------------------------------------------

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _forget(self, connection: Connection) -> None:
        hop = connection.hop
        self._numbered.pop(hop.connection, None)
        if connection.accepted:
            self._table.release(hop.host)
        else:
            self._table.unmake()
            if self._made.get(hop.address) is connection:
                del self._made[hop.address]
        if self._emptied is not None and not self._numbered:
            self._emptied.set()


def open_listener(host: str, port: int, transport: Transport) -> socket.socket:
    """A bound, listening, non-blocking socket; port 0 lets the kernel choose.

    Raises OSError, whose text names the address.
    """
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if ":" in host:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # IPv4 has a listener of its own, or none
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise cannot_listen(str(Hop(host, port, transport)), "SIP", error) from error
    return sock
