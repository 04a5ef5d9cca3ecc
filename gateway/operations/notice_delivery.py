"""Delivers the notices of the outbox: into a folder, and to a webhook.

What fails is tried again by the outbox's clock. A notice can come twice (a gateway that is killed between the delivery
and its entry in the journal), so each delivery is such that the second changes nothing: the folder has one file of a
notice's id, the webhook gets the id as idempotency key.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import aiohttp

from gateway.durable import flush_folder
from gateway.interconnection.notices import Delivery, DeliveryState, Notice

WEBHOOK_TIMEOUT_S: Final = 10.0
RETRY_S: Final = 5.0
"""Pause after the outbox itself failed: the journal cannot be read or written."""
MOST_SHOWN: Final = 200
"""Characters of what a server or the system said that are kept as the reason."""

LOG = logging.getLogger("tollgate.notices")


class NotDelivered(Exception):
    """A delivery failed. The text says why."""


class Outbox(Protocol):
    """What is to be delivered (`gateway.records.outbox.Outbox`). Each of these blocks, and may raise."""

    def due(self, channel: str, at_us: int) -> Sequence[Delivery]: ...

    def next_at_us(self, channel: str) -> int | None: ...

    def delivered(self, delivery: Delivery, at_us: int) -> None: ...

    def not_delivered(self, delivery: Delivery, at_us: int, reason: str) -> DeliveryState: ...


class Channel(Protocol):
    """A way to deliver notices."""

    @property
    def name(self) -> str: ...

    async def deliver(self, notice: Notice) -> None:
        """Raises `NotDelivered`."""

    async def close(self) -> None: ...


class NoticeDelivery:
    """Delivers on each channel, one notice after the other, until it is stopped."""

    def __init__(self, outbox: Outbox, channels: Sequence[Channel], now_us: Callable[[], int]) -> None:
        """`now_us`: the gateway's clock, microseconds since the Unix epoch."""
        self._outbox: Final = outbox
        self._channels: Final = tuple(channels)
        self._now_us: Final = now_us
        self._woken: Final = {channel.name: asyncio.Event() for channel in channels}
        self._tasks: Final[list[asyncio.Task[None]]] = []

    def start(self) -> None:
        """Deliver from now on, in the running loop."""
        self._tasks.extend(asyncio.create_task(self._run(channel)) for channel in self._channels)

    def wake(self) -> None:
        """There may be new notices."""
        for woken in self._woken.values():
            woken.set()

    async def stop(self) -> None:
        """A delivery on its way is broken off, and made again at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for channel in self._channels:
            await channel.close()

    async def _run(self, channel: Channel) -> None:
        woken = self._woken[channel.name]
        while True:
            woken.clear()
            try:
                for delivery in await asyncio.to_thread(self._outbox.due, channel.name, self._now_us()):
                    await self._deliver(channel, delivery)
                next_us = await asyncio.to_thread(self._outbox.next_at_us, channel.name)
            except Exception:  # a journal that cannot be written must not end the delivering for good
                LOG.exception("notices are not delivered by %s for now", channel.name)
                next_us = self._now_us() + int(RETRY_S * 1e6)
            try:
                async with asyncio.timeout(None if next_us is None else max(next_us - self._now_us(), 0) / 1e6):
                    await woken.wait()
            except TimeoutError:
                pass

    async def _deliver(self, channel: Channel, delivery: Delivery) -> None:
        notice = delivery.notice
        try:
            await channel.deliver(notice)
        except NotDelivered as error:
            state = await asyncio.to_thread(self._outbox.not_delivered, delivery, self._now_us(), str(error))
            level = logging.ERROR if state is DeliveryState.FAILED else logging.WARNING
            LOG.log(
                level, "notice %s to %s by %s: %s: %s", notice.id, notice.recipient, channel.name, state.value, error
            )
            return
        await asyncio.to_thread(self._outbox.delivered, delivery, self._now_us())
        LOG.info("notice %s by %s: delivered to %s", notice.id, channel.name, notice.recipient)


class FolderChannel:
    """Writes each notice into a file of its id: a head as of a letter, an empty line, the text."""

    name: Final = "folder"

    def __init__(self, folder: Path) -> None:
        self._folder: Final = folder

    async def deliver(self, notice: Notice) -> None:
        try:
            await asyncio.to_thread(self._write, notice)
        except OSError as error:
            raise NotDelivered(f"{error.filename or self._folder}: {error.strerror or error}") from error

    async def close(self) -> None:
        """Nothing is open."""

    def _write(self, notice: Notice) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = self._folder / f".{notice.id}.unfinished"
        with aside.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(letter_of(notice))
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(self._folder / f"{notice.id}.txt")
        flush_folder(self._folder)


class WebhookChannel:
    """Posts each notice as JSON, with its id as idempotency key. Any answer 2xx is a delivery; no other is."""

    name: Final = "webhook"

    def __init__(self, url: str, timeout_s: float = WEBHOOK_TIMEOUT_S) -> None:
        """Raises ValueError, whose text says what to do, for an address that notices may not go to (`webhook_url`)."""
        self._url: Final = webhook_url(url)
        self._timeout: Final = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def deliver(self, notice: Notice) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar())
        headers = {"Idempotency-Key": notice.id}
        document = document_of(notice)
        try:
            async with self._session.post(self._url, json=document, headers=headers, allow_redirects=False) as answer:
                status, reason = answer.status, answer.reason or ""
        except aiohttp.ClientResponseError as error:
            raise NotDelivered(f"what came was no answer: {self._shown(error.message)}") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
            raise NotDelivered(self._shown(str(error)) or "no answer in time") from error
        if not 200 <= status < 300:
            raise NotDelivered(f"it was answered {status} {self._shown(reason)}".rstrip())

    def _shown(self, text: str) -> str:
        """What a server said, fit for a log. Whoever knows the path of a webhook's address may often post to it."""
        plain = " ".join(text.replace(self._url, "the webhook").split())[:MOST_SHOWN]
        return "".join(character if character.isprintable() else "?" for character in plain)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def webhook_url(text: str) -> str:
    """The address of a webhook: https, or http to this machine. Raises ValueError, whose text says what to do."""
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError as error:
        raise ValueError(f"{text[:80]!r} is no address of a webhook ({error}); give https://host/path") from error
    if url.username is not None or url.password is not None:
        raise ValueError("the address of the webhook holds a user or a password; give one without")
    if not host or url.scheme not in ("https", "http"):
        raise ValueError(f"{text[:80]!r} is no address of a webhook; give https://host/path")
    if url.scheme == "http" and not _is_loopback(host):
        raise ValueError(f"a notice would go to {host} in the clear; give an address with https")
    return text


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def document_of(notice: Notice) -> dict[str, Any]:
    """A notice as JSON carries it."""
    return {
        "id": notice.id,
        "at": _time(notice.at_us),
        "kind": notice.kind.value,
        "sender": notice.sender,
        "recipient": notice.recipient,
        "subject": notice.subject,
        "text": notice.text,
        "clause": notice.clause,
        "ocn": notice.about,
        "step": notice.step,
        "defect": notice.defect,
    }


def letter_of(notice: Notice) -> str:
    """A notice as people read it."""
    head = {
        "Notice": notice.id,
        "Date": _time(notice.at_us),
        "From": notice.sender,
        "To": notice.recipient,
        "Subject": notice.subject,
        "Clause": notice.clause,
    } | ({"Defect": notice.defect} if notice.defect is not None else {})
    lines = [f"{name}: {' '.join(value.split())}" for name, value in head.items()]
    return "\n".join([*lines, "", notice.text, ""])


def _time(at_us: int) -> str:
    """ISO 8601, UTC, to the millisecond."""
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="milliseconds")
