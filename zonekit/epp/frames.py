"""Frames: what goes over an EPP connection, as values (RFC 5730 section 2).

:func:`~zonekit.epp.writing.write_frame` makes the XML of one and :func:`~zonekit.epp.reading.read_frame` reads it back to an
equal one, at a registrar as at a registry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from zonekit.epp import checks, namespaces
from zonekit.epp.checks import check_fields
from zonekit.epp.domains import (
    DomainCreate,
    DomainCreateData,
    DomainInfo,
    DomainInfoData,
    DomainTransfer,
    DomainTransferData,
    DomainUpdate,
    PendingActionData,
)
from zonekit.epp.hosts import HostCreate, HostCreateData, HostUpdate
from zonekit.epp.keyrelay import KeyRelayCreate, KeyRelayData
from zonekit.epp.offers import (
    Announcement,
    AuthInfoNotice,
    AuthInfoRequest,
    NsNotice,
    Offer,
    RemovalNotice,
    Report,
    WaitNotice,
)
from zonekit.epp.parts import Part
from zonekit.epp.results import Result
from zonekit.epp.secdns import SecDns, SecDnsUpdate
from zonekit.epp.sessions import (
    Greeting,
    Hello,
    Login,
    Logout,
    MessageQueue,
    PollAcknowledge,
    PollRequest,
)
from zonekit.errors import EppError
from zonekit.transfer import values
from zonekit.transfer.receipts import Receipt
from zonekit.transfer.values import Fields

Action: TypeAlias = (
    Login
    | Logout
    | PollRequest
    | PollAcknowledge
    | DomainInfo
    | DomainCreate
    | DomainUpdate
    | DomainTransfer
    | HostCreate
    | HostUpdate
    | KeyRelayCreate
    | Part
)
"""What a command does; one that zonekit has no value for is the element that it is in EPP's own namespace."""
CommandExtension: TypeAlias = SecDns | SecDnsUpdate | Offer | Receipt | Report | Part
"""What goes along with a command: :class:`SecDns` with a create, :class:`SecDnsUpdate` with an update, an :class:`Offer` with a
key relay, a receipt or a :class:`Report` with an update."""
Data: TypeAlias = (
    DomainInfoData
    | DomainCreateData
    | DomainTransferData
    | PendingActionData
    | HostCreateData
    | KeyRelayData
    | Receipt
    | Announcement
    | Part
)
"""What an answer tells, ``resData``."""
ResponseExtension: TypeAlias = SecDns | Offer | Part
"""What goes along with an answer: :class:`SecDns` is the DNSSEC data of the domain, ``secDNS:infData``; an :class:`Offer` comes
with relayed keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command of a client.

    Attributes:
        action: what it does.
        extensions: what goes along with it.
        client_transaction: the client's identifier for it, ``clTRID``; give each its own.

    Raises:
        EppError: DNSSEC data that does not go with the action, twice, a domain update of nothing without an extension, an
            element that is none of EPP's commands on objects, or a field that EPP cannot carry.
    """

    action: Action
    extensions: tuple[CommandExtension, ...] = ()
    client_transaction: str | None = None

    def __post_init__(self) -> None:
        check_fields(_COMMAND, self, "a command")
        _check_once(self.extensions, "a command")
        _check_foreign(self.extensions, "a command")
        if isinstance(self.action, Part):
            _check_verb(self.action)
            return
        if isinstance(self.action, DomainUpdate) and self.action.changes_nothing and not self.extensions:
            raise EppError(
                f"the update of {self.action.name} changes nothing",
                remedy="say what is to change, or leave it out",
                rule="RFC 5731 section 3.2.5",
            )
        for kind, action in _GOES_WITH.items():
            if any(isinstance(each, kind) for each in self.extensions) and not isinstance(self.action, action):
                raise EppError(
                    f"a {type(self.action).__name__} goes along with {kind.__name__}",
                    remedy=f"give it to a {action.__name__}",
                    rule="RFC 5910 section 5.2" if kind in (SecDns, SecDnsUpdate) else "",
                )


VERBS: Final = frozenset(("check", "create", "delete", "info", "renew", "transfer", "update"))
"""The commands of EPP that are about an object, each an element with that of the object in it."""


def _check_verb(action: Part) -> None:
    if action.namespace != namespaces.EPP or action.name not in VERBS:
        raise EppError(
            "the element of a command is none of EPP's commands on objects",
            remedy=f"give one of {', '.join(sorted(VERBS))}; login, logout and poll have values of their own",
            rule="RFC 5730 section 2.9",
        )
    held = [namespace for namespace, _ in action.children]
    if len(held) != 1 or held[0] in ("", namespaces.EPP):
        raise EppError(
            f"a command {action.name} has not the element of one object in it",
            remedy="give that, of a namespace of its own",
            rule="RFC 5730 section 2.5",
        )


_GOES_WITH: Final[Mapping[type, type]] = MappingProxyType(
    {
        SecDns: DomainCreate,
        SecDnsUpdate: DomainUpdate,
        Offer: KeyRelayCreate,
        Receipt: DomainUpdate,
        Report: DomainUpdate,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionId:
    """The identifiers of a command, ``trID``.

    Attributes:
        server: the server's, ``svTRID``.
        client: the client's, ``clTRID``; None where it gave none.

    Raises:
        EppError: a field is none that EPP can carry.
    """

    server: str
    client: str | None = None

    def __post_init__(self) -> None:
        check_fields(_TRANSACTION, self, "a transaction identifier")


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A server's answer to a command.

    Attributes:
        results: how it ended: one success, or one or more failures.
        transaction: its identifiers.
        queue: the queue of messages.
        data: what it tells: each element of ``resData``, for most answers one.
        extensions: what goes along with that.

    Raises:
        EppError: no result, a success among several, DNSSEC data twice, or a field that EPP cannot carry.
    """

    results: tuple[Result, ...]
    transaction: TransactionId
    queue: MessageQueue | None = None
    data: tuple[Data, ...] = ()
    extensions: tuple[ResponseExtension, ...] = ()

    def __post_init__(self) -> None:
        check_fields(_RESPONSE, self, "a response")
        _check_once(self.extensions, "a response")
        _check_foreign((*self.data, *self.extensions), "a response")
        if not self.results or (len(self.results) > 1 and any(each.is_success for each in self.results)):
            raise EppError(
                "a response has no result, or a success beside others",
                remedy="give one success, or failures alone",
                rule="RFC 5730 section 2.6",
            )

    @property
    def is_success(self) -> bool:
        """Whether the command was carried out, or will be."""
        return self.results[0].is_success


Frame: TypeAlias = Hello | Greeting | Command | Response
"""Anything that goes over an EPP connection."""


def _check_once(extensions: tuple[object, ...], whose: str) -> None:
    kinds = [type(each) for each in extensions if not isinstance(each, Part)]
    if len(set(kinds)) < len(kinds):
        raise EppError(f"{whose} has an extension of one kind twice", remedy="give one")


def _check_foreign(values: tuple[object, ...], whose: str) -> None:
    if any(isinstance(each, Part) and each.namespace in ("", namespaces.EPP) for each in values):
        raise EppError(
            f"{whose} has an extension or data in no namespace of its own",
            remedy="give an element of the object's or the extension's namespace",
            rule="RFC 5730 section 2.7",
        )


def _one_of(*kinds: type) -> values.Check:
    names = ", ".join(kind.__name__ for kind in kinds)

    def check(value: object, where: str) -> object:
        if not isinstance(value, kinds):
            raise EppError(f"{where} is a {type(value).__name__}", remedy=f"give one of {names}")
        return value

    return check


_COMMAND: Final = Fields(
    needed={
        "action": _one_of(
            *(Login, Logout, PollRequest, PollAcknowledge, DomainInfo, DomainCreate, DomainUpdate, DomainTransfer),
            *(HostCreate, HostUpdate, KeyRelayCreate, Part),
        ),
        "extensions": values.tuple_of(_one_of(*_GOES_WITH, Part)),
    },
    optional={"client_transaction": checks.transaction_id},
)
_TRANSACTION: Final = Fields(needed={"server": checks.transaction_id}, optional={"client": checks.transaction_id})
_RESPONSE: Final = Fields(
    needed={
        "results": values.tuple_of(values.a(Result)),
        "transaction": values.a(TransactionId),
        "data": values.tuple_of(
            _one_of(
                *(DomainInfoData, DomainCreateData, DomainTransferData, PendingActionData),
                *(HostCreateData, KeyRelayData, Receipt, Part),
                *(WaitNotice, AuthInfoRequest, AuthInfoNotice, NsNotice, RemovalNotice),
            )
        ),
        "extensions": values.tuple_of(_one_of(SecDns, Offer, Part)),
    },
    optional={"queue": values.a(MessageQueue)},
)
