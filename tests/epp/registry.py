"""A registry around the library's decisions: one domain, a queue of messages for each registrar, and a clock that the test moves.

It keeps the case between two frames and does what a ruling says; it decides nothing itself but what any EPP server does.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from lxml import etree

from tests.epp.grammar import assert_valid
from tests.epp.operators import DELAY, MINUTE, Delegation, Servers, the_facts
from tests.epp.serving import Farewell
from tests.keyring import NOW
from tests.transfer_worlds import LOSING_SERVERS, ns_of
from zonekit import rdata as rd
from zonekit.ds import registry_ds
from zonekit.epp import facilitated, namespaces
from zonekit.epp.cases import Case, Message, Ruling
from zonekit.epp.domains import (
    AuthInfo,
    DomainInfo,
    DomainInfoData,
    DomainTransfer,
    DomainUpdate,
    NameServer,
    NameServers,
    NsForm,
    Status,
)
from zonekit.epp.frames import Command, Frame, Response, TransactionId
from zonekit.epp.keyrelay import KeyRelayCreate
from zonekit.epp.offers import Report
from zonekit.epp.parts import Part
from zonekit.epp.reading import read_frame
from zonekit.epp.results import ResultCode, result
from zonekit.epp.secdns import RegistryDs, SecDns, SecDnsUpdate
from zonekit.epp.sessions import Greeting, Hello, Login, Logout, MessageQueue, PollAcknowledge, PollRequest
from zonekit.epp.writing import write_frame
from zonekit.errors import FrameError
from zonekit.transfer.facts import Facts
from zonekit.transfer.receipts import Receipt
from zonekit.transfer.versions import Source
from zonekit.zones import RRset

LOSING: Final = "losing-rar"
GAINING: Final = "gaining-rar"
STRANGER: Final = "stranger-rar"
CODE: Final = AuthInfo(password="the registrant's code")
PASSWORD: Final = "of a registrar"
_DS_ADDED: Final = "ds-added"
_POLICY: Final = Part.of(
    etree.fromstring(
        f'<dcp xmlns="{namespaces.EPP}"><access><all/></access><statement><purpose><prov/></purpose>'
        "<recipient><ours/></recipient><retention><stated/></retention></statement></dcp>"
    )
)


@dataclass(frozen=True)
class Queued:
    """A message in a queue."""

    id: str
    at: datetime
    message: Message


@dataclass
class Registry:
    """The registry.

    Attributes:
        servers: what everybody serves.
        facts: what everybody knows before the transfer.
        now: its clock.
        domain: the domain as it has it.
        case: the case, as it keeps it.
        queues: by registrar, the messages that were not acknowledged.
        sessions: who is logged in.
        wire: every frame that came or went, oldest first.
    """

    servers: Servers = field(default_factory=Servers)
    facts: Facts = field(default_factory=the_facts)
    now: datetime = NOW
    domain: DomainInfoData = field(
        default_factory=lambda: DomainInfoData(
            name="example.nl",
            roid="EXAMPLE1-REP",
            sponsor=LOSING,
            statuses=(Status(value="ok"),),
            name_servers=NameServers(
                form=NsForm.HOST_OBJECTS, servers=tuple(NameServer(name=name) for name in LOSING_SERVERS)
            ),
            expires=NOW + timedelta(days=300),
            auth_info=CODE,
        )
    )
    case: Case | None = None
    queues: dict[str, list[Queued]] = field(default_factory=lambda: {LOSING: [], GAINING: [], STRANGER: []})
    sessions: set[str] = field(default_factory=set)
    wire: list[bytes] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    # ---- the wire ---------------------------------------------------------------------------------------------------

    @property
    def greeting(self) -> bytes:
        """What it says first."""
        greeting = Greeting(
            server="The registry of the tests",
            now=self.now,
            policy=_POLICY,
            objects=(namespaces.DOMAIN, namespaces.KEYRELAY),
            extensions=(namespaces.SECDNS, namespaces.TRANSFER),
        )
        return self._sent(greeting)

    def handle(self, client: str, octets: bytes) -> bytes:
        """Answer a frame, which has to be valid as every answer is."""
        self.wire.append(octets)
        try:
            frame = read_frame(octets)
        except FrameError as error:
            transaction = TransactionId(server=f"REGISTRY-{next(self._numbers):06}")
            results = (result(ResultCode.COMMAND_SYNTAX, error.problem),)
            return self._sent(Response(results=results, transaction=transaction))
        assert_valid(octets)
        if isinstance(frame, Hello):
            return self.greeting
        if not isinstance(frame, Command):
            transaction = TransactionId(server=f"REGISTRY-{next(self._numbers):06}")
            return self._sent(_plain(ResultCode.UNKNOWN_COMMAND, transaction))
        answer = self._sent(self._within_session(client, frame))
        return Farewell(answer) if isinstance(frame.action, Logout) else answer

    def _within_session(self, client: str, command: Command) -> Response:
        """Answer a command of one who is logged in under the name of its certificate."""
        transaction = TransactionId(server=f"REGISTRY-{next(self._numbers):06}", client=command.client_transaction)
        if isinstance(command.action, Login):
            if command.action.client != client or command.action.password != PASSWORD:
                return _plain(ResultCode.AUTHENTICATION, transaction)
            self.sessions.add(client)
        elif client not in self.sessions:
            return _plain(ResultCode.COMMAND_USE, transaction)
        return self.answer(client, command)

    def _sent(self, frame: Frame) -> bytes:
        octets = write_frame(frame)
        assert_valid(octets)
        self.wire.append(octets)
        return octets

    # ---- what its clients ask for -----------------------------------------------------------------------------------

    def answer(self, client: str, command: Command) -> Response:
        """The answer to a command."""
        transaction = TransactionId(server=f"REGISTRY-{next(self._numbers):06}", client=command.client_transaction)
        match command.action:
            case Login() | KeyRelayCreate() | DomainUpdate() | DomainTransfer():
                if isinstance(command.action, Login):
                    return _plain(ResultCode.COMPLETED, transaction)
                return self._carry_out(self._ruling(client, command)).response(transaction)
            case Logout():
                return _plain(ResultCode.ENDING_SESSION, transaction)
            case PollRequest():
                return self._polled(client, transaction)
            case PollAcknowledge(message_id=message_id):
                return self._acknowledged(client, message_id, transaction)
            case DomainInfo():
                return self._told(client, command.action, transaction)
            case _:
                return _plain(ResultCode.UNIMPLEMENTED_COMMAND, transaction)

    def _ruling(self, client: str, command: Command) -> Ruling:
        action = command.action
        if isinstance(action, KeyRelayCreate):
            return facilitated.take_offer(
                command,
                client=client,
                domain=self.domain if action.name == self.domain.name else None,
                sighting=self.servers.look(self.now),
                facts=self.facts,
                now=self.now,
                case=self.case,
            )
        if self.case is None:
            return Ruling(case=None, results=(result(ResultCode.OBJECT_MISSING, "there is no case of this domain"),))
        known = {"client": client, "domain": self.domain, "now": self.now}
        if isinstance(action, DomainTransfer):
            self.look()
            return facilitated.take_transfer(self.case, command, **known)
        kinds = {type(each) for each in command.extensions}
        if Receipt in kinds:
            return facilitated.take_receipt(self.case, command, **known)
        if Report in kinds:
            return facilitated.take_report(self.case, command, sighting=self.servers.look(self.now), **known)
        if SecDnsUpdate in kinds:
            self.look()
            return facilitated.take_removal(self.case, command, **known)
        return facilitated.take_auth_info(self.case, command, **known)

    def _polled(self, client: str, transaction: TransactionId) -> Response:
        queue = self.queues[client]
        if not queue:
            return _plain(ResultCode.NO_MESSAGES, transaction)
        first = queue[0]
        return first.message.response(transaction=transaction, message_id=first.id, queued=first.at, count=len(queue))

    def _acknowledged(self, client: str, message_id: str, transaction: TransactionId) -> Response:
        queue = self.queues[client]
        if not queue or queue[0].id != message_id:
            return _plain(ResultCode.OBJECT_MISSING, transaction)
        first = queue.pop(0)
        if self.case is not None:
            self._carry_out(facilitated.take_acknowledgement(self.case, first.message, client=client, now=self.now))
        left = MessageQueue(count=len(queue), message_id=queue[0].id if queue else first.id)
        return Response(results=(result(ResultCode.COMPLETED),), transaction=transaction, queue=left)

    def _told(self, client: str, action: DomainInfo, transaction: TransactionId) -> Response:
        if action.name != self.domain.name:
            return _plain(ResultCode.OBJECT_MISSING, transaction)
        told = self.domain if client == self.domain.sponsor else replace(self.domain, auth_info=None)
        ds = self.servers.delegation().ds
        records = tuple(RegistryDs(ds=each) for each in registry_ds(ds))
        return Response(
            results=(result(ResultCode.COMPLETED),),
            transaction=transaction,
            data=(told,),
            extensions=(SecDns(ds=records),),
        )

    # ---- what it does by itself -------------------------------------------------------------------------------------

    def look(self) -> None:
        """Ask every server."""
        if self.case is not None:
            self.case = facilitated.look(self.case, self.servers.look(self.now))

    def decide(self, decision: Callable[..., Ruling], **more: object) -> Ruling:
        """Take a step of its own, if the library lets it."""
        assert self.case is not None
        known = {"domain": self.domain, "now": self.now} | more
        return self._carry_out(decision(self.case, **known))

    def decide_by_sight(self, decision: Callable[..., Ruling]) -> Ruling:
        """Take a step of its own for which it looks at every server."""
        return self.decide(decision, sighting=self.servers.look(self.now))

    def _carry_out(self, ruling: Ruling) -> Ruling:
        """Keep the case, put the messages into the queues, and change what is to be changed."""
        self.case = ruling.case
        for message in ruling.messages:
            queued = Queued(id=f"message-{next(self._numbers)}", at=self.now, message=message)
            self.queues[message.client].append(queued)
        match ruling.change:
            case AuthInfo():
                self.domain = replace(self.domain, auth_info=ruling.change)
            case SecDnsUpdate():
                self._change_ds(ruling.change)
            case NameServers():
                self.domain = replace(self.domain, name_servers=ruling.change)
                ns = ns_of(tuple(each.name for each in ruling.change.servers))
                given = Delegation(self.servers.delegation().ds, ns)
                self.servers.give(Source.PARENT, given, self.now, "ns-changed", delay=DELAY + MINUTE)
        if ruling.case is not None:
            self.domain = replace(self.domain, sponsor=ruling.case.sponsor)
        return ruling

    def _change_ds(self, change: SecDnsUpdate) -> None:
        delegation = self.servers.delegation()
        rdatas = list(delegation.ds.rdatas)
        step_id = "losing-ds-removed"
        if change.remove is not None:
            rdatas = [each for each in rdatas if each not in {one.ds.rdata for one in change.remove.ds}]
        if change.add is not None:
            rdatas += [one.ds.rdata for one in change.add.ds]
            step_id = _DS_ADDED
        ds = RRset(owner=delegation.ds.owner, rdtype=rd.DS, ttl=delegation.ds.ttl, rdatas=tuple(rdatas))
        self.servers.give(Source.PARENT, Delegation(ds, delegation.ns), self.now, step_id, delay=DELAY + MINUTE)


def _plain(code: ResultCode, transaction: TransactionId) -> Response:
    return Response(results=(result(code),), transaction=transaction)
