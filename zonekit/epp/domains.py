"""Domains as a registry knows them: the commands of a transfer and their answers (RFC 5731)."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from zonekit.epp import checks
from zonekit.epp.checks import check_fields
from zonekit.errors import EppError
from zonekit.transfer import values
from zonekit.transfer.values import Fields

_TOKEN: Final = checks.token(1, 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthInfo:
    """The code that gives its holder the right to ask for a transfer; a secret (RFC 5731 section 2.6).

    Attributes:
        password: the code; a registry that does not tell it may have an empty one in its place. It is in no repr and no message.
        roid: the contact whose code it is, where it is not that of the domain itself.

    Raises:
        EppError: it is none that EPP can carry, or the contact is none.
    """

    password: str = field(repr=False)
    roid: str | None = None

    def __post_init__(self) -> None:
        check_fields(_AUTH_INFO, self, "authinfo")


_AUTH_INFO: Final = Fields(needed={"password": checks.secret}, optional={"roid": checks.roid})


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAuthInfo:
    """``domain:null`` in the place of a code: from now on the domain has none (RFC 5731 section 3.2.5)."""


AUTH_INFO: Final = checks.secret_in(AuthInfo)
"""Checks an authinfo code; what was given in its place may be the code itself, and is not shown."""


def require_code(auth_info: AuthInfo, whose: str) -> None:
    """Check that a code is not empty, where it has to permit something.

    Raises:
        EppError: it is.
    """
    if not auth_info.password:
        raise EppError(
            f"{whose} has an empty authinfo code",
            remedy="get it from the losing registrar",
            rule="RFC 5731 section 3.2.4",
        )


class NsForm(enum.Enum):
    """How a registry takes name servers (RFC 5731 section 1.1)."""

    HOST_OBJECTS = "hostObj"
    """By the names of host objects, which have addresses of their own (RFC 5732)."""
    HOST_ATTRIBUTES = "hostAttr"
    """By names with the addresses of those that need some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NameServer:
    """A name server of a delegation.

    Attributes:
        name: its name.
        addresses: its addresses, for glue; in the host object form the host object has them.

    Raises:
        EppError: an address is none, or there twice.
        DomainNameError: the name is none.
    """

    name: str
    addresses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_fields(_SERVER, self, "a name server")
        if len(set(self.addresses)) < len(self.addresses):
            raise EppError(f"{self.name} has an address twice", remedy="give each once")


_SERVER: Final = Fields(needed={"name": checks.domain_name, "addresses": values.tuple_of(checks.address)})


@dataclass(frozen=True, slots=True, kw_only=True)
class NameServers:
    """The name servers of a delegation, or some of them.

    Attributes:
        form: how they are given.
        servers: them; at least one.

    Raises:
        EppError: there is none, one is there twice, or has addresses where host objects have them.
    """

    form: NsForm
    servers: tuple[NameServer, ...]

    def __post_init__(self) -> None:
        check_fields(_SERVERS, self, "name servers")
        checks.some(self.servers, "name server")
        names = [each.name for each in self.servers]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise EppError(
                f"the name server {twice} is there twice", remedy="give each once", rule="RFC 5731 section 4"
            )
        if self.form is NsForm.HOST_OBJECTS and any(each.addresses for each in self.servers):
            raise EppError(
                "a name server that is a host object is given with addresses",
                remedy="give them to the host object",
                rule="RFC 5731 section 1.1",
            )


_SERVERS: Final = Fields(needed={"form": values.a(NsForm), "servers": values.tuple_of(values.a(NameServer))})


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A status of a domain or host (RFC 5731 section 2.3).

    Attributes:
        value: the word, such as ``clientTransferProhibited``; one that no RFC has is kept as it came.
        message: what the server says about it, in ``language``; empty where it says nothing.
        language: of the message.

    Raises:
        EppError: a field is no text that EPP can carry.
    """

    value: str
    message: str = ""
    language: str = "en"

    def __post_init__(self) -> None:
        check_fields(_STATUS, self, "a status")


_STATUS: Final = Fields(needed={"value": _TOKEN, "message": checks.message, "language": checks.language})


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A contact of a domain.

    Attributes:
        id: its identifier.
        kind: ``admin``, ``billing`` or ``tech``; None where nobody says.

    Raises:
        EppError: a field is no text that EPP can carry.
    """

    id: str
    kind: str | None = None

    def __post_init__(self) -> None:
        check_fields(_CONTACT, self, "a contact")
        if self.kind not in ("admin", "billing", "tech", None):
            raise EppError(f"a contact is of kind {self.kind}", remedy="give admin, billing or tech", rule="RFC 5731")


_CONTACT: Final = Fields(needed={"id": checks.client_id}, optional={"kind": _TOKEN})


class PeriodUnit(enum.Enum):
    """The unit of a registration period."""

    YEARS = "y"
    MONTHS = "m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A registration period, 1 to 99 years or months (RFC 5731 section 2.5).

    Raises:
        EppError: it is out of bounds.
    """

    number: int
    unit: PeriodUnit = PeriodUnit.YEARS

    def __post_init__(self) -> None:
        check_fields(_PERIOD, self, "a period")


_PERIOD: Final = Fields(needed={"number": values.number(1, 99), "unit": values.a(PeriodUnit)})


# ---- commands -------------------------------------------------------------------------------------------------------


class Hosts(enum.Enum):
    """Which hosts an answer to ``info`` is to name."""

    ALL = "all"
    DELEGATED = "del"
    SUBORDINATE = "sub"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainInfo:
    """``info``: what does the registry know of a domain? (RFC 5731 section 3.1.2)

    Attributes:
        name: the domain.
        hosts: which hosts it is to name.
        auth_info: the code, for one who is not its sponsor.

    Raises:
        EppError, DomainNameError: a field is none that EPP can carry.
    """

    name: str
    hosts: Hosts = Hosts.ALL
    auth_info: AuthInfo | None = None

    def __post_init__(self) -> None:
        check_fields(_INFO, self, "a domain info")


_INFO: Final = Fields(needed={"name": checks.domain_name, "hosts": values.a(Hosts)}, optional={"auth_info": AUTH_INFO})


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainCreate:
    """``create``: register a domain (RFC 5731 section 3.2.1); its DNSSEC data goes along as :class:`~zonekit.epp.SecDns`.

    Attributes:
        name: the domain.
        auth_info: the code that it gets.
        period: for how long.
        name_servers: its name servers.
        registrant: the identifier of its holder.
        contacts: its contacts.

    Raises:
        EppError, DomainNameError: a field is none that EPP can carry.
    """

    name: str
    auth_info: AuthInfo
    period: Period | None = None
    name_servers: NameServers | None = None
    registrant: str | None = None
    contacts: tuple[Contact, ...] = ()

    def __post_init__(self) -> None:
        check_fields(_CREATE, self, "a domain create")


_CREATE: Final = Fields(
    needed={"name": checks.domain_name, "auth_info": AUTH_INFO, "contacts": values.tuple_of(values.a(Contact))},
    optional={"period": values.a(Period), "name_servers": values.a(NameServers), "registrant": checks.client_id},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainPart:
    """What is added to or removed from a domain in an update.

    Attributes:
        name_servers: name servers.
        contacts: contacts.
        statuses: statuses that a client sets; at most 11.

    Raises:
        EppError: it is empty, has too many statuses or one that only a server sets, or a field has the wrong type.
    """

    name_servers: NameServers | None = None
    contacts: tuple[Contact, ...] = ()
    statuses: tuple[Status, ...] = ()

    def __post_init__(self) -> None:
        check_fields(_PART, self, "a part of a domain")
        if self.name_servers is None and not self.contacts and not self.statuses:
            raise EppError("nothing is added or removed", remedy="leave it out", rule="RFC 5731 section 3.2.5")
        if len(self.statuses) > _MOST_STATUSES:
            raise EppError(f"{len(self.statuses)} statuses", remedy="give 11 at most", rule="RFC 5731 section 4")
        for each in self.statuses:
            if each.value not in CLIENT_STATUSES:
                raise EppError(
                    f"no client sets or lifts the status {ascii(each.value)[1:-1][:60]}",
                    remedy=f"give one of {', '.join(sorted(CLIENT_STATUSES))}",
                    rule="RFC 5731 section 2.3",
                )


CLIENT_STATUSES: Final = frozenset(
    (
        *("clientDeleteProhibited", "clientHold", "clientRenewProhibited"),
        *("clientTransferProhibited", "clientUpdateProhibited"),
    )
)
"""The statuses that a client may set and lift."""
_MOST_STATUSES: Final = 11
_PART: Final = Fields(
    needed={"contacts": values.tuple_of(values.a(Contact)), "statuses": values.tuple_of(values.a(Status))},
    optional={"name_servers": values.a(NameServers)},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainUpdate:
    """``update``: change a domain (RFC 5731 section 3.2.5); its DNSSEC data by :class:`~zonekit.epp.SecDnsUpdate` beside it.

    With nothing but the name it carries an extension alone.

    Attributes:
        name: the domain.
        add: what is added.
        remove: what is removed.
        registrant: the new holder; empty to have none.
        auth_info: the new code; a :class:`NoAuthInfo` to have none.

    Raises:
        EppError, DomainNameError: a field is none that EPP can carry.
    """

    name: str
    add: DomainPart | None = None
    remove: DomainPart | None = None
    registrant: str | None = None
    auth_info: AuthInfo | NoAuthInfo | None = None

    def __post_init__(self) -> None:
        check_fields(_DOMAIN_UPDATE, self, "a domain update")

    @property
    def changes_nothing(self) -> bool:
        """Whether it has nothing but the name, and is of use with an extension alone (RFC 5731 section 3.2.5)."""
        return (self.add, self.remove, self.registrant, self.auth_info) == (None,) * 4


def _new_registrant(value: object, where: str) -> object:
    return value if value == "" else checks.client_id(value, where)


_DOMAIN_UPDATE: Final = Fields(
    needed={"name": checks.domain_name},
    optional={
        "add": values.a(DomainPart),
        "remove": values.a(DomainPart),
        "registrant": _new_registrant,
        "auth_info": checks.secret_in(AuthInfo, NoAuthInfo),
    },
)


class TransferOperation(enum.Enum):
    """What a ``transfer`` command asks for (RFC 5730 section 2.9.3.4)."""

    REQUEST = "request"
    QUERY = "query"
    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainTransfer:
    """``transfer``: move a domain to another sponsor (RFC 5731 section 3.2.4).

    Attributes:
        operation: what is asked for.
        name: the domain.
        period: by how much its registration is prolonged.
        auth_info: the code; a request has to have it.

    Raises:
        EppError: a request without a code or with an empty one, or a field that EPP cannot carry.
        DomainNameError: the name is none.
    """

    operation: TransferOperation
    name: str
    period: Period | None = None
    auth_info: AuthInfo | None = None

    def __post_init__(self) -> None:
        check_fields(_TRANSFER, self, "a domain transfer")
        if self.operation is TransferOperation.REQUEST and self.auth_info is None:
            raise EppError(
                f"{self.name}: a transfer is requested without an authinfo code",
                remedy="get it from the losing registrar",
                rule="RFC 5731 section 3.2.4",
            )
        if self.operation is TransferOperation.REQUEST and self.auth_info is not None:
            require_code(self.auth_info, f"the request to transfer {self.name}")


_TRANSFER: Final = Fields(
    needed={"operation": values.a(TransferOperation), "name": checks.domain_name},
    optional={"period": values.a(Period), "auth_info": AUTH_INFO},
)


# ---- answers --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainInfoData:
    """What a registry knows of a domain: ``infData`` (RFC 5731 section 3.1.2).

    Attributes:
        name: the domain.
        roid: its identifier at the registry.
        sponsor: the identifier of its registrar, ``clID``.
        statuses: its statuses.
        registrant: the identifier of its holder.
        contacts: its contacts.
        name_servers: the name servers of its delegation.
        hosts: the names of hosts in the domain.
        creator: ``crID``.
        created: ``crDate``.
        updater: ``upID``.
        updated: ``upDate``.
        expires: ``exDate``.
        transferred: ``trDate``.
        auth_info: its code, which only its sponsor and who has it are told.

    Raises:
        EppError, DomainNameError, TimeError: a field is none that EPP can carry.
    """

    name: str
    roid: str
    sponsor: str
    statuses: tuple[Status, ...] = ()
    registrant: str | None = None
    contacts: tuple[Contact, ...] = ()
    name_servers: NameServers | None = None
    hosts: tuple[str, ...] = ()
    creator: str | None = None
    created: datetime | None = None
    updater: str | None = None
    updated: datetime | None = None
    expires: datetime | None = None
    transferred: datetime | None = None
    auth_info: AuthInfo | None = None

    def __post_init__(self) -> None:
        check_fields(_INFO_DATA, self, "what a registry knows of a domain")


_INFO_DATA: Final = Fields(
    needed={
        "name": checks.domain_name,
        "roid": checks.roid,
        "sponsor": checks.client_id,
        "statuses": values.tuple_of(values.a(Status)),
        "contacts": values.tuple_of(values.a(Contact)),
        "hosts": values.tuple_of(checks.domain_name),
    },
    optional={
        "registrant": checks.client_id,
        "name_servers": values.a(NameServers),
        "creator": checks.client_id,
        "created": checks.instant,
        "updater": checks.client_id,
        "updated": checks.instant,
        "expires": checks.instant,
        "transferred": checks.instant,
        "auth_info": AUTH_INFO,
    },
)


class TransferStatus(enum.Enum):
    """How far a transfer of the sponsorship has come: ``trStatusType`` (RFC 5730 section 2.9.3.4)."""

    PENDING = "pending"
    CLIENT_APPROVED = "clientApproved"
    SERVER_APPROVED = "serverApproved"
    CLIENT_REJECTED = "clientRejected"
    CLIENT_CANCELLED = "clientCancelled"
    SERVER_CANCELLED = "serverCancelled"

    @property
    def is_approved(self) -> bool:
        """Whether the domain has changed its sponsor, by the losing registrar's approval or the registry's."""
        return self in (TransferStatus.CLIENT_APPROVED, TransferStatus.SERVER_APPROVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainTransferData:
    """How far a transfer has come: ``trnData`` (RFC 5731 section 3.1.3).

    Attributes:
        name: the domain.
        status: how far.
        requester: who asks for it, ``reID``.
        requested: when.
        actor: who has to answer or did, ``acID``.
        acted: when it answered, or until when it has to: the registry acts then.
        expires: when the registration ends after it.

    Raises:
        EppError, DomainNameError, TimeError: a field is none that EPP can carry.
    """

    name: str
    status: TransferStatus
    requester: str
    requested: datetime
    actor: str
    acted: datetime
    expires: datetime | None = None

    def __post_init__(self) -> None:
        check_fields(_TRANSFER_DATA, self, "a state of a transfer")


_TRANSFER_DATA: Final = Fields(
    needed={
        "name": checks.domain_name,
        "status": values.a(TransferStatus),
        "requester": checks.client_id,
        "requested": checks.instant,
        "actor": checks.client_id,
        "acted": checks.instant,
    },
    optional={"expires": checks.instant},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainCreateData:
    """A domain that was registered: ``creData`` (RFC 5731 section 3.2.1).

    Raises:
        EppError, DomainNameError, TimeError: a field is none that EPP can carry.
    """

    name: str
    created: datetime
    expires: datetime | None = None

    def __post_init__(self) -> None:
        check_fields(_CREATE_DATA, self, "a domain that was created")


_CREATE_DATA: Final = Fields(
    needed={"name": checks.domain_name, "created": checks.instant}, optional={"expires": checks.instant}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingActionData:
    """How a command ended that the registry carried out later: ``panData`` (RFC 5731 section 3.3).

    Attributes:
        name: the domain.
        succeeded: whether it was carried out.
        server_transaction: the registry's identifier of that command.
        client_transaction: the client's own, where it gave one.
        acted: when.

    Raises:
        EppError, DomainNameError, TimeError: a field is none that EPP can carry.
    """

    name: str
    succeeded: bool
    server_transaction: str
    client_transaction: str | None = None
    acted: datetime

    def __post_init__(self) -> None:
        check_fields(_PENDING_ACTION, self, "the end of a pending action")


_PENDING_ACTION: Final = Fields(
    needed={
        "name": checks.domain_name,
        "succeeded": values.flag,
        "server_transaction": checks.transaction_id,
        "acted": checks.instant,
    },
    optional={"client_transaction": checks.transaction_id},
)
