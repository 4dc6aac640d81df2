"""What the statuses of a domain or host stand in the way of, who set them, and who can lift them (RFC 5731 and 5732 section 2.3).

A status that begins with ``client`` was set by the sponsor and is lifted by it with an update; one that begins with ``server``
only the registry lifts; a pending one goes when what is pending is done. A status that no RFC has stops nothing, unless the
profile of the registry says so: see :class:`StatusRule`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from zonekit.epp import checks
from zonekit.epp.checks import check_fields
from zonekit.epp.domains import Status
from zonekit.errors import EppError
from zonekit.findings import Finding, Severity
from zonekit.transfer import values
from zonekit.transfer.values import Fields

_RULE: Final = "RFC 5731 section 2.3"


class DomainStatus(enum.Enum):
    """A status of a domain (RFC 5731 section 2.3)."""

    CLIENT_DELETE_PROHIBITED = "clientDeleteProhibited"
    CLIENT_HOLD = "clientHold"
    CLIENT_RENEW_PROHIBITED = "clientRenewProhibited"
    CLIENT_TRANSFER_PROHIBITED = "clientTransferProhibited"
    CLIENT_UPDATE_PROHIBITED = "clientUpdateProhibited"
    INACTIVE = "inactive"
    OK = "ok"
    PENDING_CREATE = "pendingCreate"
    PENDING_DELETE = "pendingDelete"
    PENDING_RENEW = "pendingRenew"
    PENDING_TRANSFER = "pendingTransfer"
    PENDING_UPDATE = "pendingUpdate"
    SERVER_DELETE_PROHIBITED = "serverDeleteProhibited"
    SERVER_HOLD = "serverHold"
    SERVER_RENEW_PROHIBITED = "serverRenewProhibited"
    SERVER_TRANSFER_PROHIBITED = "serverTransferProhibited"
    SERVER_UPDATE_PROHIBITED = "serverUpdateProhibited"


KNOWN: Final = frozenset(each.value for each in DomainStatus)
"""The words of RFC 5731."""


class Operation(enum.Enum):
    """What a status may stand in the way of."""

    UPDATE = "update"
    REQUEST = "transfer request"
    ANSWER = "transfer answer"
    """Approving, rejecting or cancelling a transfer that is pending."""


class Party(enum.Enum):
    """Who wants to do it, or can lift what stands in the way."""

    SPONSOR = "sponsor"
    """The registrar of the domain as it is now."""
    OTHER = "other registrar"
    REGISTRY = "registry"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRule:
    """A status that stands in the way by the policy of a registry, where no RFC says that it does.

    Attributes:
        status: the word.
        stops: what it stands in the way of.
        reason: what it means, for people.
        remedy: what to do about it.

    Raises:
        EppError: a field has the wrong type, or it stops nothing, or it is of ``ok``, which is there where nothing stops anything.
    """

    status: str
    stops: frozenset[Operation]
    reason: str
    remedy: str

    def __post_init__(self) -> None:
        check_fields(_RULE_FIELDS, self, "a rule about a status")
        if not self.stops:
            raise EppError(f"{self.status} is said to stop nothing", remedy="say what it stops, or leave it out")
        if self.status == DomainStatus.OK.value:
            raise EppError(
                "ok is said to stop something, and it is the status of what nothing stops",
                remedy="leave it out",
                rule=_RULE,
            )


def _operations(value: object, where: str) -> object:
    return values.set_of(values.a(Operation))(value, where)


_LINE: Final = checks.token(1, 200)
_RULE_FIELDS: Final = Fields(
    needed={"status": checks.token(1, 255), "stops": _operations, "reason": _LINE, "remedy": _LINE}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A status that stands in the way of something.

    Attributes:
        status: the status, with what the registry says about it.
        operation: what it stands in the way of.
        reason: what it means.
        remedy: what to do about it.
        lifted_by: who can lift it; None where it goes when what is pending is done.
        may_lift: whether the one who asks can lift it, by an update of nothing else.
        rule: the clause that decides.
    """

    status: Status
    operation: Operation
    reason: str
    remedy: str
    lifted_by: Party | None
    may_lift: bool
    rule: str = _RULE

    def __str__(self) -> str:
        told = f", says the registry: {self.status.message}" if self.status.message else ""
        return (
            f"{self.status.value} stands in the way of the {self.operation.value}: {self.reason}{told}; {self.remedy}"
        )


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a status of the RFCs means for the operations that it stops."""

    stops: frozenset[Operation]
    reason: str
    lifted_by: Party | None


_EVERYTHING: Final = frozenset((Operation.UPDATE, Operation.REQUEST))
_UPDATE: Final = frozenset((Operation.UPDATE,))
_REQUEST: Final = frozenset((Operation.REQUEST,))


def _pending(what: str, stops: frozenset[Operation] = _EVERYTHING) -> _Meaning:
    return _Meaning(stops, f"{what}, and registries refuse other changes meanwhile", None)


_MEANINGS: Final[Mapping[str, _Meaning]] = MappingProxyType(
    {
        "clientUpdateProhibited": _Meaning(_UPDATE, "the sponsor has locked it against changes", Party.SPONSOR),
        "serverUpdateProhibited": _Meaning(_UPDATE, "the registry has locked it against changes", Party.REGISTRY),
        "clientTransferProhibited": _Meaning(_REQUEST, "the sponsor has locked it against transfers", Party.SPONSOR),
        "serverTransferProhibited": _Meaning(_REQUEST, "the registry has locked it against transfers", Party.REGISTRY),
        "pendingCreate": _pending("its registration is not done yet"),
        "pendingDelete": _pending("it is going to be deleted"),
        "pendingRenew": _pending("its renewal is not done yet"),
        "pendingTransfer": _pending("a transfer is under way"),
        "pendingUpdate": _pending("an earlier change is not done yet"),
    }
)
_REMEDIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pendingCreate": "wait for the poll message that says it is registered",
        "pendingDelete": "have the sponsor ask for it to be restored, where the registry offers that (RFC 3915)",
        "pendingRenew": "wait for the poll message that says it is renewed",
        "pendingTransfer": "wait for the poll message that says how it ends; the sponsor may approve or reject it, who asked for"
        " it may cancel it",
        "pendingUpdate": "wait for the poll message that says it is done",
    }
)


def locks_against(
    statuses: Iterable[Status], operation: Operation, *, by: Party, rules: Iterable[StatusRule] = ()
) -> tuple[Lock, ...]:
    """Return the statuses that stand in the way of something; none where nothing does.

    What is unknown, and what stops something else only, such as ``clientDeleteProhibited``, is not among them:
    :func:`status_findings` tells of the first.

    Args:
        statuses: the statuses that a domain or host has.
        operation: what somebody wants to do.
        by: who: only the sponsor can lift its own, and not on others' behalf.
        rules: what stands in the way by the policy of the registry besides.

    >>> (lock,) = locks_against([Status(value="clientUpdateProhibited")], Operation.UPDATE, by=Party.SPONSOR)
    >>> lock.may_lift
    True
    """
    own = {rule.status: rule for rule in rules if operation in rule.stops}
    return tuple(_locks(statuses, operation, by, own))


def _locks(
    statuses: Iterable[Status], operation: Operation, by: Party, rules: Mapping[str, StatusRule]
) -> Iterator[Lock]:
    for status in statuses:
        meaning = _MEANINGS.get(status.value)
        if meaning is not None and operation in meaning.stops:
            yield Lock(
                status=status,
                operation=operation,
                reason=meaning.reason,
                remedy=_remedy(status, meaning, by),
                lifted_by=meaning.lifted_by,
                may_lift=by is Party.SPONSOR and meaning.lifted_by is Party.SPONSOR,
            )
        elif (rule := rules.get(status.value)) is not None:
            yield Lock(
                status=status,
                operation=operation,
                reason=rule.reason,
                remedy=rule.remedy,
                lifted_by=Party.REGISTRY,
                may_lift=False,
                rule="the policy of the registry",
            )


def _remedy(status: Status, meaning: _Meaning, by: Party) -> str:
    match meaning.lifted_by:
        case Party.REGISTRY:
            return "ask the registry to lift it; no client can"
        case None:
            return _REMEDIES[status.value]
    if by is Party.SPONSOR:
        return "remove it first, by an update of its own, and set it again afterwards"
    return "have the sponsor remove it"


_NOT_DELEGATED: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "clientHold": ("the sponsor keeps it out of the zone", "have the sponsor remove clientHold"),
        "serverHold": ("the registry keeps it out of the zone", "ask the registry to lift serverHold"),
        "inactive": ("it has no name servers", "give it name servers"),
    }
)


def status_findings(
    domain: str, statuses: Iterable[Status], *, rules: Iterable[StatusRule] = ()
) -> tuple[Finding, ...]:
    """Return what the statuses of a domain say besides: that it is not delegated, and which are unknown.

    Where it is not delegated no server of the parent gives its DS or NS, so that no step of a transfer that changes them can be
    seen done.
    """
    known = KNOWN | {rule.status for rule in rules}
    return tuple(_findings(domain, statuses, known))


def _findings(domain: str, statuses: Iterable[Status], known: frozenset[str]) -> Iterator[Finding]:
    for status in statuses:
        if status.value in _NOT_DELEGATED:
            why, remedy = _NOT_DELEGATED[status.value]
            yield Finding(
                code="not-delegated",
                severity=Severity.WARNING,
                owner=domain,
                message=f"{status.value}: {why}, so that the parent's servers show nothing of what is changed",
                rule=_RULE,
                remedy=remedy,
            )
        elif status.value not in known:
            yield Finding(
                code="status-unknown",
                severity=Severity.WARNING,
                owner=domain,
                message=f"the status {status.value} is of no RFC, and is taken to stop nothing",
                rule=_RULE,
                remedy="ask the registry what it means; where it stops something, say so among the statuses of its profile",
            )
