"""A real EPP client as a peer: epptools, from PyPI, with which a registrar's own program in Python sends the frames."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from tests.epp import registrars
from tests.epp.registry import GAINING, LOSING, PASSWORD, Registry
from tests.epp.serving import LOOPBACK, SECONDS, EppServer, serving
from tests.epp.stages import Course
from tests.peers import REQUIRED
from zonekit.epp.domains import DomainTransfer, TransferOperation
from zonekit.epp.frames import Command, Response
from zonekit.epp.notices import KeyRelayNotice, notice_of, relayed_keys
from zonekit.epp.reading import read_frame
from zonekit.epp.sessions import PollAcknowledge, PollRequest
from zonekit.epp.writing import write_frame

Exchange: TypeAlias = Callable[[Command], Response]

ACKNOWLEDGED: Final = 1000
NOTHING_QUEUED: Final = 1300
QUEUED: Final = 1301
NO_TRANSFER: Final = 2303


@contextlib.contextmanager
def session(server: EppServer, client: str) -> Iterator[Exchange]:
    """What epptools does with a command, as this client between a login and a logout; without it the test is skipped."""
    if os.environ.get(REQUIRED) != "1":
        pytest.importorskip("epptools", reason="it is in the dependency group test")
    epptools = importlib.import_module("epptools")
    config = epptools.Config(
        host=LOOPBACK,
        port=server.port,
        clid=client,
        password=PASSWORD,
        connect_timeout=SECONDS,
        read_timeout=SECONDS,
        ca_file=str(server.certificates.authority),
        client_cert=str(server.certificates.of(client)),
    )
    sender = epptools.Client(config)
    sender.throw_on_failure(False)  # a refusal is an answer too

    def exchange(command: Command) -> Response:
        answer = read_frame(sender.request(write_frame(command).decode()).raw)
        assert isinstance(answer, Response)
        return answer

    with contextlib.ExitStack() as stack:
        stack.callback(sender.disconnect)
        sender.connect()
        sender.login()
        yield exchange
        assert sender.logout().code() == 1500


def codes(answer: Response) -> list[int]:
    return [each.code for each in answer.results]


def test_it_carries_an_offer_the_relayed_keys_and_the_receipt(tmp_path: Path) -> None:
    registry = Registry()
    course = Course.begun(registry)
    with serving(registry.handle, registry.greeting, clients=(LOSING, GAINING), directory=tmp_path) as server:
        with session(server, GAINING) as exchange:
            assert codes(exchange(registrars.offer(course.gaining))) == [ACKNOWLEDGED]
        with session(server, LOSING) as exchange:
            polled = exchange(Command(action=PollRequest()))
            assert codes(polled) == [QUEUED] and polled.queue is not None
            notice = notice_of(polled)
            assert isinstance(notice, KeyRelayNotice) and registry.case is not None
            assert relayed_keys(notice.data) == tuple(registry.case.offered_keys)
            course.losing.heard.append(polled)
            acknowledge = Command(action=PollAcknowledge(message_id=polled.queue.message_id))
            assert codes(exchange(acknowledge)) == [ACKNOWLEDGED]
            assert codes(exchange(Command(action=PollRequest()))) == [NOTHING_QUEUED]
            assert codes(exchange(registrars.receipt(course.losing))) == [ACKNOWLEDGED]
        with session(server, GAINING) as exchange:
            told = exchange(Command(action=PollRequest()))
    assert registry.case is not None and told.data == (registry.case.receipt,)


def test_it_hands_on_a_refusal_as_it_came(tmp_path: Path) -> None:
    registry = Registry()
    approve = Command(
        action=DomainTransfer(operation=TransferOperation.APPROVE, name="example.nl"), client_transaction="NO-OFFER-1"
    )
    with (
        serving(registry.handle, registry.greeting, clients=(GAINING,), directory=tmp_path) as server,
        session(server, GAINING) as exchange,
    ):
        refused = exchange(approve)
    assert codes(refused) == [NO_TRANSFER]
    assert refused.transaction.client == approve.client_transaction
