"""The case of a domain in the registry-facilitated flow, as the registry keeps it between two frames, and what it rules.

All of it is immutable: a ruling has the case as it is from then on, for the registry to keep in its own database, together with
what is answered, what goes to whose queue of messages, and what is to be changed in the registry.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, TypeAlias

from zonekit.dnskeys import Dnskey
from zonekit.ds import DsData
from zonekit.epp import checks
from zonekit.epp.checks import check_fields
from zonekit.epp.domains import AUTH_INFO, AuthInfo, DomainTransferData, NameServers, TransferStatus
from zonekit.epp.frames import Data, Response, ResponseExtension, TransactionId
from zonekit.epp.keyrelay import KeyRelayData
from zonekit.epp.notices import relayed_keys
from zonekit.epp.offers import Offer, Report, WaitNotice
from zonekit.epp.progress import Progress
from zonekit.epp.results import Result, ResultCode, result
from zonekit.epp.secdns import SecDnsUpdate
from zonekit.epp.sessions import MessageQueue
from zonekit.errors import EppError
from zonekit.names import order_key, parse_origin
from zonekit.transfer import values
from zonekit.transfer.receipts import Receipt
from zonekit.transfer.steps import Flow
from zonekit.transfer.values import Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message for the queue of a registrar.

    Attributes:
        client: the registrar.
        text: what it says, for people.
        data: what it tells.
        extensions: what goes along with that.

    Raises:
        EppError: a field is none that EPP can carry.
    """

    client: str
    text: str
    data: Data
    extensions: tuple[ResponseExtension, ...] = ()

    def __post_init__(self) -> None:
        check_fields(_MESSAGE, self, "a message")

    def response(self, *, transaction: TransactionId, message_id: str, queued: datetime, count: int) -> Response:
        """Return the answer to a poll that hands it out.

        Args:
            transaction: the identifiers of the poll.
            message_id: the identifier of the message.
            queued: when it was put into the queue.
            count: how many messages are in the queue, this one among them.

        Raises:
            EppError: one of them is none that EPP can carry.
            TimeError: ``queued`` is naive.
        """
        return Response(
            results=(result(ResultCode.ACK_TO_DEQUEUE),),
            transaction=transaction,
            queue=MessageQueue(count=count, message_id=message_id, queued=queued, text=self.text),
            data=(self.data,),
            extensions=self.extensions,
        )


_MESSAGE: Final = Fields(
    needed={
        "client": checks.client_id,
        "text": checks.token(1, 255),
        "data": values.a(object),
        "extensions": values.tuple_of(values.a(object)),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A transfer that the registry facilitates, as far as it has come.

    Attributes:
        relay: the keys that were relayed, of which domain, by whom and to whom.
        offer: what went along with them.
        losing_ds: the DS records that the parent had before, and those of losing keys that joined with the gaining ones.
        progress: the plan of the registry, with what it has seen and was told.
        receipt: what the losing side answered; None before.
        report: what it said it has done; None before.
        wait: what was announced to both; None before.
        takers: who has taken the announcement of the wait.
        auth_info: the code that the losing registrar gave; None before. It is in no repr and no message.
        transfer: how far the transfer of the sponsorship has come; None before it was asked for.

    Raises:
        EppError: the plan or what was told is of another domain or flow, the two registrars are one, the transfer is of others, a
            third took an announcement or nothing was announced, or a field has the wrong type.
    """

    relay: KeyRelayData
    offer: Offer
    losing_ds: tuple[DsData, ...]
    progress: Progress
    receipt: Receipt | None = None
    report: Report | None = None
    wait: WaitNotice | None = None
    takers: frozenset[str] = frozenset()
    auth_info: AuthInfo | None = field(default=None, repr=False)
    transfer: DomainTransferData | None = None

    def __post_init__(self) -> None:
        check_fields(_CASE, self, "a case")
        plan = self.progress.plan
        if plan.flow is not Flow.REGISTRY_FACILITATED or plan.facts.domain.lower() != self.name:
            raise EppError(
                f"{self.name}: the plan is of {plan.facts.domain} by {plan.flow.value}",
                remedy=f"plan {self.name} by {Flow.REGISTRY_FACILITATED.value}",
            )
        if self.losing == self.gaining:
            raise EppError(f"{self.name}: {self.losing} is the losing and the gaining registrar", remedy="name two")
        self._check_domains()
        self._check_parties()

    def _check_domains(self) -> None:
        told = {
            "the receipt": None if self.receipt is None else self.receipt.domain,
            "the report": None if self.report is None else self.report.name,
            "the wait": None if self.wait is None else self.wait.name,
            "the transfer": None if self.transfer is None else self.transfer.name,
        }
        for what, name in told.items():
            if name is not None and order_key(parse_origin(name)) != order_key(parse_origin(self.name)):
                raise EppError(f"{self.name}: {what} is of {name}", remedy=f"give that of {self.name}")

    def _check_parties(self) -> None:
        transfer = self.transfer
        if transfer is not None and (transfer.actor, transfer.requester) != self.registrars:
            raise EppError(
                f"{self.name}: the transfer is from {transfer.actor} to {transfer.requester}",
                remedy=f"give that from {self.losing} to {self.gaining}",
            )
        if not self.takers <= set(self.registrars if self.wait is not None else ()):
            raise EppError(
                f"{self.name}: {', '.join(sorted(self.takers))} took the announcement of the wait",
                remedy="leave out who is no registrar of this case, and all where no wait is announced",
            )

    @property
    def name(self) -> str:
        """The domain."""
        return self.relay.name

    @property
    def losing(self) -> str:
        """The registrar that sponsors it until it is transferred."""
        return self.relay.actor

    @property
    def gaining(self) -> str:
        """The registrar that made the offer."""
        return self.relay.requester

    @property
    def registrars(self) -> tuple[str, str]:
        """The losing registrar and the gaining one."""
        return (self.losing, self.gaining)

    @property
    def sponsor(self) -> str:
        """The registrar of the domain as it is now."""
        return self.gaining if self.transfer is not None and self.transfer.status.is_approved else self.losing

    @property
    def is_refused(self) -> bool:
        """Whether the losing side refused a key, which ends the case."""
        return self.receipt is not None and bool(self.receipt.refused)

    @property
    def is_over(self) -> bool:
        """Whether the registry has nothing more to do in it: keys were refused, or the losing DS is gone."""
        return self.is_refused or "losing-ds-removed" in self.progress.plan.events

    @property
    def is_pending(self) -> bool:
        """Whether the transfer of the sponsorship was asked for and is not answered."""
        return self.transfer is not None and self.transfer.status is TransferStatus.PENDING

    @property
    def offered_keys(self) -> tuple[Dnskey, ...]:
        """The relayed keys as DNSKEYs."""
        return relayed_keys(self.relay)

    def with_progress(self, progress: Progress) -> Case:
        """Return it with another progress."""
        return replace(self, progress=progress)


_CASE: Final = Fields(
    needed={
        "relay": values.a(KeyRelayData),
        "offer": values.a(Offer),
        "losing_ds": values.tuple_of(values.a(DsData)),
        "progress": values.a(Progress),
        "takers": values.set_of(checks.client_id),
    },
    optional={
        "receipt": values.a(Receipt),
        "report": values.a(Report),
        "wait": values.a(WaitNotice),
        "auth_info": AUTH_INFO,
        "transfer": values.a(DomainTransferData),
    },
)

Change: TypeAlias = SecDnsUpdate | NameServers | AuthInfo
"""What a registry is to change of a domain: its DS records, its name servers all together, or its authinfo code. Whose it is,
:attr:`Case.sponsor` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What the registry decides on a command, or by itself.

    Attributes:
        case: the case from now on; None where an offer was refused and there is none.
        results: how a command ended: one success, or every reason why it is refused.
        data: what the answer tells.
        messages: what goes to the queues of the registrars.
        change: what is to be changed in the registry; None where nothing is.
    """

    case: Case | None
    results: tuple[Result, ...] = (result(ResultCode.COMPLETED),)
    data: tuple[Data, ...] = ()
    messages: tuple[Message, ...] = ()
    change: Change | None = None

    @property
    def is_success(self) -> bool:
        """Whether it was not refused."""
        return self.results[0].is_success

    def response(self, transaction: TransactionId) -> Response:
        """Return the answer to the command.

        Raises:
            EppError: it has no result.
        """
        return Response(results=self.results, transaction=transaction, data=self.data)


def refusals(code: ResultCode, reasons: Iterable[str]) -> tuple[Result, ...]:
    """Return a refusal for each reason.

    Raises:
        EppError: a reason has a character that EPP cannot carry.
    """
    return tuple(result(code, reason) for reason in reasons)
