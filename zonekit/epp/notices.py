"""What a message of the registry's queue is about: keys that were relayed, a transfer, an action that was pending.

A registrar asks for the oldest message with :class:`~zonekit.epp.sessions.PollRequest`, and takes it out of the queue with
:class:`~zonekit.epp.sessions.PollAcknowledge` when what it says is safely kept (RFC 5730 section 2.9.2.3).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from zonekit.dnskeys import Dnskey
from zonekit.epp.domains import DomainTransferData, PendingActionData, TransferStatus
from zonekit.epp.frames import Data, Response
from zonekit.epp.keyrelay import KeyRelayCreate, KeyRelayData
from zonekit.epp.offers import Announcement, AuthInfoNotice, AuthInfoRequest, NsNotice, RemovalNotice, WaitNotice
from zonekit.epp.parts import Part
from zonekit.epp.results import ResultCode
from zonekit.errors import EppError, WrongOwner
from zonekit.names import name_text, order_key, parse_origin
from zonekit.transfer.receipts import Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class NoMessage:
    """There is no message in the queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRelayNotice:
    """Keys that another registrar relayed (RFC 8063 section 3.1.2). See :func:`relayed_keys`.

    Attributes:
        response: the answer that it came in.
        data: the keys.
    """

    response: Response
    data: KeyRelayData

    @property
    def domain(self) -> str:
        """The domain that the keys are of."""
        return self.data.name


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferNotice:
    """How far a transfer of the sponsorship has come (RFC 5731 section 3.1.3).

    Attributes:
        response: the answer that it came in.
        data: it.
    """

    response: Response
    data: DomainTransferData

    @property
    def domain(self) -> str:
        """The domain that is transferred."""
        return self.data.name

    @property
    def status(self) -> TransferStatus:
        """How far it has come."""
        return self.data.status

    @property
    def until(self) -> datetime | None:
        """Until when the losing registrar may answer, where it is pending: the registry acts by itself then; else None."""
        return self.data.acted if self.status is TransferStatus.PENDING else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingActionNotice:
    """How a command ended that the registry carried out later (RFC 5731 section 3.3).

    Attributes:
        response: the answer that it came in.
        data: it.
    """

    response: Response
    data: PendingActionData

    @property
    def domain(self) -> str:
        """The domain that the command was about."""
        return self.data.name


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptNotice:
    """What became of the keys that were relayed, where the registry carries the transfer.

    Attributes:
        response: the answer that it came in.
        data: the losing side's receipt.
    """

    response: Response
    data: Receipt

    @property
    def domain(self) -> str:
        """The domain that the keys are of."""
        return self.data.domain


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementNotice:
    """What the registry tells of itself, where it carries the transfer. See :mod:`zonekit.epp.offers`.

    Attributes:
        response: the answer that it came in.
        data: it.
    """

    response: Response
    data: Announcement

    @property
    def domain(self) -> str:
        """The domain that is transferred."""
        return self.data.name


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownNotice:
    """A message about anything else.

    Attributes:
        response: the answer that it came in, with everything as it came.
    """

    response: Response


Notice: TypeAlias = (
    NoMessage
    | KeyRelayNotice
    | TransferNotice
    | PendingActionNotice
    | ReceiptNotice
    | AnnouncementNotice
    | UnknownNotice
)
"""What a message of the queue is about."""

_RULE: Final = "RFC 5730 section 2.9.2.3"


def notice_of(response: Response) -> Notice:
    """Return what the answer to a request for messages is about.

    What zonekit has no value for beside what it has is in ``response`` of the notice.

    Raises:
        EppError: the request failed.
    """
    result = response.results[0]
    if not response.is_success:
        raise EppError(
            f"the request for messages failed with {result.code}: {result.message}",
            remedy="see to its cause and ask again; the message stays in the queue",
            rule=_RULE,
        )
    if result.known is ResultCode.NO_MESSAGES:
        return NoMessage()
    known = [each for each in response.data if not isinstance(each, Part)]
    return _typed(known[0], response) if len(known) == 1 else UnknownNotice(response=response)


def _typed(data: Data, response: Response) -> Notice:
    match data:
        case KeyRelayData():
            return KeyRelayNotice(response=response, data=data)
        case DomainTransferData():
            return TransferNotice(response=response, data=data)
        case PendingActionData():
            return PendingActionNotice(response=response, data=data)
        case Receipt():
            return ReceiptNotice(response=response, data=data)
        case WaitNotice() | AuthInfoRequest() | AuthInfoNotice() | NsNotice() | RemovalNotice():
            return AnnouncementNotice(response=response, data=data)
        case _:
            return UnknownNotice(response=response)


def relayed_keys(data: KeyRelayData | KeyRelayCreate, *, expected: str | None = None) -> tuple[Dnskey, ...]:
    """Return keys that were relayed, for :func:`zonekit.dnskeys.check_intake`, which every foreign key goes through.

    Each is there that was relayed, in the same order: one that is there twice or collides is for the intake to refuse.

    Args:
        data: what was relayed.
        expected: the domain that keys are expected for; None for any.

    Raises:
        WrongOwner: they are for another domain.
        DomainNameError: ``expected`` is no domain name.
    """
    owner = parse_origin(data.name)
    if expected is not None and order_key(parse_origin(expected)) != order_key(owner):
        raise WrongOwner(
            f"keys of it were relayed where those of {name_text(parse_origin(expected))} are expected",
            owner=data.name,
            remedy="take them into the zone that they are of, or have the right ones relayed",
            rule="RFC 8063 section 3.2.1",
        )
    return tuple(
        Dnskey(
            owner=owner,
            flags=each.key.flags,
            protocol=each.key.protocol,
            algorithm=each.key.alg,
            public_key=base64.b64decode(each.key.pub_key),
        )
        for each in data.keys
    )
