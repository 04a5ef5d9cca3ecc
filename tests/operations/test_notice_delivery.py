"""Notices on their way: into a folder and to a webhook that listens on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.notices import Delivery, DeliveryState, Notice, NoticeKind
from gateway.operations.notice_delivery import (
    Channel,
    FolderChannel,
    NotDelivered,
    NoticeDelivery,
    WebhookChannel,
    letter_of,
    webhook_url,
)

NOTICE = Notice(
    *("notice-17-abababababab", 1_900_000_000_000_000, NoticeKind.DISCONTINUED, "Riverbend (XH01)"),
    *("am@clearline.example", "Discontinuance for Flood VoIP (XV01)", "We discontinue.\nJournal: 17:ab", "L8"),
    *(Ocn("XV01"), 17, ("folder", "webhook")),
)
LETTER = """\
Notice: notice-17-abababababab
Date: 2030-03-17T17:46:40.000+00:00
From: Riverbend (XH01)
To: am@clearline.example
Subject: Discontinuance for Flood VoIP (XV01)
Clause: L8

We discontinue.
Journal: 17:ab
"""


async def test_a_folder_gets_one_file_of_a_notice_however_often_it_is_delivered(tmp_path: Path) -> None:
    channel = FolderChannel(tmp_path / "notices")
    await channel.deliver(NOTICE)
    await channel.deliver(NOTICE)
    (file,) = (tmp_path / "notices").iterdir()
    assert (file.name, file.read_text("utf-8")) == ("notice-17-abababababab.txt", LETTER)


async def test_a_folder_that_cannot_be_written_to_is_a_delivery_that_failed(tmp_path: Path) -> None:
    (tmp_path / "notices").write_text("a file in the way")
    with pytest.raises(NotDelivered, match="notices: File exists"):
        await FolderChannel(tmp_path / "notices").deliver(NOTICE)


def test_a_line_break_makes_no_second_field_in_the_head() -> None:
    forged = Notice(*("n", 0, NoticeKind.UNDONE, "a", "b\r\nTo: c", "s\n\nt", "x", "L8", Ocn("XV01"), 1, (), "d"))
    assert letter_of(forged).splitlines()[3:7] == ["To: b To: c", "Subject: s t", "Clause: L8", "Defect: d"]


class Hook:
    """A webhook's server: what it was sent, and what it answers."""

    def __init__(self, *answers: Callable[[], web.StreamResponse]) -> None:
        self.answers = list(answers)
        self.got: list[tuple[str | None, dict[str, object]]] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.got.append((request.headers.get("Idempotency-Key"), await request.json()))
        return self.answers.pop(0)() if self.answers else web.Response(status=204)


@asynccontextmanager
async def listening(hook: Hook) -> AsyncIterator[Hook]:
    app = web.Application()
    app.router.add_post("/notices", hook.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/notices"
    try:
        yield hook
    finally:
        await runner.cleanup()


async def test_a_webhook_gets_the_notice_as_json_with_its_id_as_idempotency_key() -> None:
    async with listening(Hook()) as hook:
        channel = WebhookChannel(hook.url)
        await channel.deliver(NOTICE)
        await channel.deliver(NOTICE)
        await channel.close()
    (key, document), again = hook.got
    assert again == (key, document)
    assert key == document["id"] == NOTICE.id
    assert document == {
        "id": NOTICE.id,
        "at": "2030-03-17T17:46:40.000+00:00",
        "kind": "discontinued",
        "sender": NOTICE.sender,
        "recipient": NOTICE.recipient,
        "subject": NOTICE.subject,
        "text": NOTICE.text,
        "clause": "L8",
        "ocn": "XV01",
        "step": 17,
        "defect": None,
    }


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda: web.Response(status=503, reason="Busy"), "503 Busy"),
        (lambda: web.Response(status=404), "404 Not Found"),
        (lambda: web.Response(status=307, headers={"Location": "/elsewhere"}), "307"),
        (lambda: web.Response(status=302, headers={"Location": "/notices"}), "302"),
    ],
)
async def test_any_answer_but_2xx_is_a_delivery_that_failed(
    answer: Callable[[], web.StreamResponse], said: str
) -> None:
    async with listening(Hook(answer)) as hook:
        channel = WebhookChannel(hook.url)
        with pytest.raises(NotDelivered, match=said):
            await channel.deliver(NOTICE)
        await channel.close()
    assert len(hook.got) == 1  # a redirection is not followed


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 500 \x1b[31mred\x07\r\nContent-Length: 0\r\n\r\n",
        b"\x1b[31m no HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"",
    ],
)
async def test_why_a_delivery_failed_is_plain_text_and_does_not_name_the_webhooks_address(answer: bytes) -> None:
    async def hostile(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(hostile, "127.0.0.1", 0)
    async with server:
        channel = WebhookChannel(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/secret-path")
        with pytest.raises(NotDelivered) as failed:
            await channel.deliver(NOTICE)
        await channel.close()
    said = str(failed.value)
    assert said.isprintable()
    assert "secret-path" not in said
    assert len(said) < 260


async def test_a_webhook_that_is_not_there_or_does_not_answer_is_a_delivery_that_failed() -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(writer)

    opened: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    channel = WebhookChannel(f"http://127.0.0.1:{port}/", timeout_s=0.2)
    with pytest.raises(NotDelivered):
        await channel.deliver(NOTICE)
    for writer in opened:
        writer.close()
    server.close()
    await server.wait_closed()
    with pytest.raises(NotDelivered, match="Cannot connect"):
        await channel.deliver(NOTICE)
    await channel.close()


@pytest.mark.parametrize(
    "url",
    ["https://hooks.example/x", "http://127.0.0.1:8080/x", "http://[::1]/x", "http://localhost:99/", "HTTPS://a/"],
)
def test_notices_go_encrypted_or_stay_on_this_machine(url: str) -> None:
    assert webhook_url(url) == url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://hooks.example/x", "in the clear; give an address with https"),
        ("http://192.0.2.1/", "in the clear"),
        ("http://127.0.0.1.example/", "in the clear"),
        ("ftp://hooks.example/", "give https://host/path"),
        ("https:///x", "give https://host/path"),
        ("https://[::1/x", "give https://host/path"),
        ("https://a:b/x", "give https://host/path"),
        ("hooks.example", "give https://host/path"),
        ("https://me:secret@hooks.example/", "holds a user or a password"),
    ],
)
def test_an_address_that_notices_may_not_go_to_is_refused_with_what_to_give(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        WebhookChannel(url)


class Script(Channel):
    """A channel that fails as often as it is told to."""

    def __init__(self, name: str, failures: int = 0) -> None:
        self._name = name
        self.failures = failures
        self.got: list[str] = []
        self.delivering = asyncio.Event()
        self.closed = False

    @property
    def name(self) -> str:
        return self._name

    async def deliver(self, notice: Notice) -> None:
        if self.failures:
            self.failures -= 1
            raise NotDelivered("not now")
        self.got.append(notice.id)
        self.delivering.set()

    async def close(self) -> None:
        self.closed = True


class Box:
    """An outbox in memory; what failed is due at once."""

    def __init__(self, *deliveries: Delivery) -> None:
        self.waiting = list(deliveries)
        self.said: list[str] = []
        self.emptied = asyncio.Event()
        self.failed = asyncio.Event()
        self.faults = 0
        self._loop = asyncio.get_running_loop()

    def due(self, channel: str, at_us: int) -> Sequence[Delivery]:
        if self.faults:
            self.faults -= 1
            self._loop.call_soon_threadsafe(self.failed.set)
            raise RuntimeError("the journal cannot be read")
        return [delivery for delivery in self.waiting if delivery.channel == channel and delivery.next_at_us <= at_us]

    def next_at_us(self, channel: str) -> int | None:
        return min((each.next_at_us for each in self.waiting if each.channel == channel), default=None)

    def delivered(self, delivery: Delivery, _at_us: int) -> None:
        self.waiting.remove(delivery)
        if not self.waiting:
            self._loop.call_soon_threadsafe(self.emptied.set)

    def not_delivered(self, _delivery: Delivery, _at_us: int, reason: str) -> DeliveryState:
        self.said.append(reason)
        return DeliveryState.PENDING


def on_its_way(channel: str, number: int = 18, next_at_us: int = 0) -> Delivery:
    return Delivery(NOTICE, number, channel, DeliveryState.PENDING, 0, next_at_us, "")


async def emptied(box: Box) -> None:
    async with asyncio.timeout(10):
        await box.emptied.wait()


async def test_each_notice_is_delivered_and_one_that_failed_is_tried_again() -> None:
    box = Box(on_its_way("a"), on_its_way("b"))
    first, second = Script("a"), Script("b", failures=2)
    delivery = NoticeDelivery(box, [first, second], lambda: 5)
    delivery.start()
    await emptied(box)
    await delivery.stop()
    assert (first.got, second.got, box.said) == ([NOTICE.id], [NOTICE.id], ["not now", "not now"])
    assert first.closed
    assert second.closed


async def test_a_channel_that_does_not_come_back_holds_no_other_up() -> None:
    class Stuck(Script):
        async def deliver(self, _notice: Notice) -> None:
            await asyncio.Event().wait()

    box, other = Box(on_its_way("a"), on_its_way("b")), Script("b")
    delivery = NoticeDelivery(box, [Stuck("a"), other], lambda: 5)
    delivery.start()
    async with asyncio.timeout(10):
        await other.delivering.wait()
    await delivery.stop()
    assert other.got == [NOTICE.id]


async def test_a_notice_that_is_put_in_later_is_delivered_when_the_delivery_is_woken() -> None:
    box, channel = Box(), Script("a")
    delivery = NoticeDelivery(box, [channel], lambda: 5)
    delivery.start()
    await asyncio.sleep(0)
    box.waiting.append(on_its_way("a"))
    delivery.wake()
    await emptied(box)
    await delivery.stop()
    assert channel.got == [NOTICE.id]


async def test_a_delivery_waits_until_it_is_due() -> None:
    now = 0
    box, channel = Box(on_its_way("a", next_at_us=50_000)), Script("a")
    delivery = NoticeDelivery(box, [channel], lambda: now)
    delivery.start()
    await asyncio.sleep(0)
    assert channel.got == []
    now = 50_000
    await emptied(box)
    await delivery.stop()


async def test_an_outbox_that_fails_does_not_end_the_delivering(caplog: pytest.LogCaptureFixture) -> None:
    box, channel = Box(on_its_way("a")), Script("a")
    box.faults = 1
    delivery = NoticeDelivery(box, [channel], lambda: 5)
    delivery.start()
    async with asyncio.timeout(10):
        await box.failed.wait()
    delivery.wake()
    await emptied(box)
    await delivery.stop()
    assert channel.got == [NOTICE.id]
    assert "not delivered by a for now" in caplog.text
