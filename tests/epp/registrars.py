"""Both registrars around the library's decisions, each with a progress of its own, over any connection to the registry.

A connection is what takes a command and gives the response: the registry itself, or the wire to it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from tests.epp.operators import DELAY, GAINING, LONG, LOSING, Servers
from tests.epp.registry import CODE, Registry
from tests.epp.registry import GAINING as GAINING_CLIENT
from tests.transfer_worlds import GAINING_KEYS, LOSING_KEYS, LOW
from zonekit import rdata as rd
from zonekit.apex import merge_dnskeys, withdraw_dnskeys
from zonekit.dnskeys import dnskeys_of, parse_dnskeys
from zonekit.epp import gaining, losing
from zonekit.epp.domains import AuthInfo, DomainTransferData, NsForm
from zonekit.epp.frames import Command, Data, Response
from zonekit.epp.keyrelay import KeyRelayData
from zonekit.epp.offers import AuthInfoNotice, AuthInfoRequest, NsNotice, Offer, RemovalNotice
from zonekit.epp.progress import Progress
from zonekit.epp.results import ResultCode
from zonekit.epp.sessions import PollAcknowledge, PollRequest
from zonekit.transfer.plan import plan_transfer
from zonekit.transfer.sightings import THERE_IS_NONE
from zonekit.transfer.steps import Flow
from zonekit.transfer.versions import Source
from zonekit.zones import Zone

HANDED_OUT: Final = AuthInfo(password="handed out by the losing side")


@dataclass
class Registrar:
    """A registrar, with the operator that it speaks for.

    Attributes:
        client: its identifier.
        registry: for its clock and what everybody serves; what it says goes over ``send``.
        send: takes a command, gives the response.
        progress: what it knows.
        heard: every message that it took, the last one last.
    """

    client: str
    registry: Registry
    send: Callable[[Command], Response]
    progress: Progress
    heard: list[Response] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def servers(self) -> Servers:
        """What everybody serves."""
        return self.registry.servers

    def transaction(self) -> str:
        """An identifier for the next command."""
        return f"{self.client}-{next(self._numbers):04}"

    def look(self) -> None:
        """Ask every server."""
        self.progress = self.progress.seen(self.servers.look(self.registry.now), by=self.client)

    def poll(self) -> Response | None:
        """Take the oldest message and acknowledge it; None where there is none."""
        response = self.send(Command(action=PollRequest(), client_transaction=self.transaction()))
        if response.results[0].known is ResultCode.NO_MESSAGES:
            return None
        assert response.queue is not None and response.results[0].known is ResultCode.ACK_TO_DEQUEUE
        for data in response.data:
            self.progress = self.progress.heard(data, gaining=GAINING_CLIENT, at=self.registry.now)
        self.heard.append(response)
        acknowledge = PollAcknowledge(message_id=response.queue.message_id)
        done = self.send(Command(action=acknowledge, client_transaction=self.transaction()))
        assert done.is_success
        return response

    def poll_all(self) -> None:
        """Take every message."""
        while self.poll() is not None:
            pass

    def told(self, kind: type[Data]) -> Data:
        """The last thing of a kind that the registry told."""
        return next(data for response in reversed(self.heard) for data in response.data if isinstance(data, kind))


def registrar(client: str, registry: Registry, send: Callable[[Command], Response]) -> Registrar:
    """A registrar with a plan of its own."""
    plan = plan_transfer(registry.facts, flow=Flow.REGISTRY_FACILITATED, start=registry.now)
    return Registrar(client, registry, send, Progress(plan=plan))


# ---- the losing side ------------------------------------------------------------------------------------------------


def relayed(side: Registrar) -> tuple[KeyRelayData, Offer]:
    """The keys and the offer that the losing side was told."""
    response = next(each for each in reversed(side.heard) if isinstance(each.data[0], KeyRelayData))
    return losing.offer_in(response)


def receipt(side: Registrar) -> Command:
    """The answer of the losing side to the relayed keys."""
    now = side.registry.now
    return losing.answer_relay(
        side.servers.zone(Source.LOSING),
        relayed(side)[0],
        by="the losing operator",
        now=now,
        publish_at=now + timedelta(hours=1),
        facts=side.registry.facts,
        client_transaction=side.transaction(),
    )


def merge(side: Registrar) -> None:
    """Publish the relayed keys, and lower the TTLs."""
    merged = losing.merge_offer(
        side.servers.zone(Source.LOSING), *relayed(side), signers=LOSING_KEYS, validity=LONG, now=side.registry.now
    )
    side.servers.give(Source.LOSING, merged, side.registry.now, "losing-merged", "ttls-lowered")


def report(side: Registrar) -> Command:
    """The report of the losing side."""
    done = side.servers.changes[Source.LOSING][-1][1]
    return losing.make_report(
        side.servers.zone(Source.LOSING),
        *relayed(side),
        merged=done,
        lowered=done,
        now=side.registry.now,
        client_transaction=side.transaction(),
    )


def auth_info(side: Registrar) -> Command:
    """The authinfo code that the registry asked for."""
    request = side.told(AuthInfoRequest)
    assert isinstance(request, AuthInfoRequest)
    return losing.give_auth_info(
        side.progress,
        relayed(side)[0],
        request,
        HANDED_OUT,
        now=side.registry.now,
        client_transaction=side.transaction(),
    )


def follow_ns(side: Registrar) -> None:
    """Change the apex NS RRset of the losing zone."""
    notice = side.told(NsNotice)
    assert isinstance(notice, NsNotice)
    now = side.registry.now
    changed = losing.follow_ns(
        side.progress, side.servers.zone(Source.LOSING), notice, signers=LOSING_KEYS, validity=LONG, now=now
    )
    side.servers.give(Source.LOSING, changed, now, "losing-ns-changed")


def approval(side: Registrar) -> Command:
    """The approval of the transfer that is asked for."""
    pending = side.told(DomainTransferData)
    assert isinstance(pending, DomainTransferData)
    return losing.approve_transfer(
        side.progress, relayed(side)[0], pending, now=side.registry.now, client_transaction=side.transaction()
    )


# ---- the gaining side -----------------------------------------------------------------------------------------------


def offer(side: Registrar, code: AuthInfo = CODE, zone: Zone = GAINING) -> Command:
    """The offer of the gaining side."""
    return gaining.make_offer(
        zone,
        LOSING,
        auth_info=code,
        form=NsForm.HOST_OBJECTS,
        ttl=LOW,
        now=side.registry.now,
        client_transaction=side.transaction(),
    )


def merge_and_serve(side: Registrar) -> None:
    """Publish the losing keys in the gaining zone, and load it on all its servers."""
    now = side.registry.now
    keys = dnskeys_of(LOSING.apex_rrset(rd.DNSKEY))
    merged = merge_dnskeys(GAINING, keys, signers=GAINING_KEYS, validity=LONG)
    side.servers.give(Source.GAINING, merged, now, "gaining-merged", "gaining-serves")


def request(side: Registrar) -> Command:
    """The request for the transfer."""
    notice = side.told(AuthInfoNotice)
    assert isinstance(notice, AuthInfoNotice)
    return gaining.request_transfer(side.progress, notice, now=side.registry.now, client_transaction=side.transaction())


def removal(side: Registrar) -> Command:
    """The removal of the losing DS."""
    notice = side.told(RemovalNotice)
    assert isinstance(notice, RemovalNotice)
    return gaining.remove_losing_ds(
        side.progress,
        notice,
        zone=side.servers.zone(Source.GAINING),
        parent_ds=side.servers.delegation().ds,
        now=side.registry.now,
        client_transaction=side.transaction(),
    )


def withdraw(side: Registrar) -> None:
    """Withdraw the losing keys from the gaining zone."""
    leaving = parse_dnskeys(LOSING_KEYS)
    left = withdraw_dnskeys(side.servers.zone(Source.GAINING), leaving, signers=GAINING_KEYS, validity=LONG)
    side.servers.give(Source.GAINING, left, side.registry.now, "losing-keys-withdrawn")


def stop(side: Registrar) -> None:
    """Stop answering for the zone."""
    side.servers.give(Source.LOSING, THERE_IS_NONE, side.registry.now, "losing-stopped", delay=DELAY)
