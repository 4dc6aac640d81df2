"""The parties of a transfer: what is known about each operator and its zone, and about the parent.

Nothing about TTLs, delays or keys has a default: what is not known has to be found out before a transfer is planned. What
is assumed because nobody said it, such as what an operator can do, is an :class:`~zonekit.transfer.values.Assumed`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from zonekit.errors import PlanError
from zonekit.transfer import values
from zonekit.transfer.values import OPERATOR_HOW_TO_FIND, PARENT_HOW_TO_FIND
from zonekit.transfer.versions import DsEntry, Key, Signature
from zonekit.ttl import Ttl

_MADE_DIGESTS: Final = frozenset((2, 4))
"""The digest types that a DS may be added with; a DS with any other would leave the domain insecure."""
_KNOWN_DIGESTS: Final = _MADE_DIGESTS | {1}
"""Those that a DS may have that is there already."""


class Capability(enum.Enum):
    """What an operator is able and willing to do."""

    IMPORT_ZSK = "import-zsk"
    """Publish a ZSK of the other operator."""
    IMPORT_KSK = "import-ksk"
    """Publish a KSK of the other operator."""
    RE_SIGN = "re-sign"
    """Sign an RRset of its zone anew, without which a signed zone does not change."""
    LOWER_TTLS = "lower-ttls"
    CHANGE_NS = "change-ns"
    """Change the apex NS RRset of its own zone."""
    SERVE_ON = "serve-on"
    """Go on answering until told to stop."""


ALL_ASSUMED: Final = values.Assumed(Capability)
"""What an operator is taken to be able to do of which nobody said anything."""
NOT_GIVEN: Final[values.Assumed[str]] = values.Assumed()
"""The name servers of an operator whose names nobody gave."""


class Channel(enum.Enum):
    """A way by which the parent takes changes."""

    REQUEST = "request"
    """A request of the registrar, by EPP or by hand."""
    KEY_RELAY = "key-relay"
    """The registry relays keys between the two sides (RFC 8063)."""
    SCANNING = "scanning"
    """The parent scans for CDS and CSYNC records (RFC 7344, RFC 7477)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorKey:
    """A key of an operator and what it signs.

    Attributes:
        key: the key.
        signs_dnskey: whether it signs the DNSKEY RRset: a KSK or CSK.
        signs_data: whether it signs all else: a ZSK or CSK. A key that signs nothing is published ahead of a rollover, or
            still.

    Raises:
        PlanError: a field has the wrong type.
    """

    key: Key
    signs_dnskey: bool = False
    signs_data: bool = False

    def __post_init__(self) -> None:
        _KEY_FIELDS.check(self, "a key of an operator")


_KEY_FIELDS: Final = values.Fields(
    needed={"key": values.a(Key), "signs_dnskey": values.flag, "signs_data": values.flag}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorFacts:
    """What is known about one operator and its zone.

    Attributes:
        keys: its keys; none where its zone is not signed.
        ns_ttl: the TTL of the apex NS RRset, in seconds.
        dnskey_ttl: the TTL of the DNSKEY RRset.
        data_ttl: the largest TTL of any other RRset of its zone (max-zone-ttl).
        negative_ttl: how long a cache may hold that something is not there: the lesser of the SOA record's TTL and its
            MINIMUM (RFC 2308 section 5). Where the zone is not signed ``dnskey_ttl`` is the same.
        propagation_delay: how long a change takes to reach its last server (zone-propagation-delay).
        name_servers: the names of its name servers, in presentation form. Left out, none is taken to lie in the domain or to
            be of both operators, and :func:`~zonekit.transfer.readiness.preflight` says so. A name that both operators have
            in the domain stays, and gets another address in the transfer; where it keeps that too, the server is shared:
            leave it out and say so among the overlaps.
        address_ttl: the largest TTL of the addresses of those of them that lie in the domain; None where none does.
        signatures_expire: when the earliest of its signatures expires if it does not renew them; None where it renews
            them until it is told to stop.
        can: what it is able and willing to do. Left out, it is taken to be all there is, and ``preflight`` says so.

    Raises:
        TtlError: a TTL is not one, or not known.
        PlanError: a delay is negative, absurd or not known, a field has the wrong type, a DNSKEY RRset or data that nobody
            signs, or TTLs that contradict each other.
        TimeError: ``signatures_expire`` is no aware datetime in whole seconds.
        DomainNameError: a name server has no domain name.
    """

    keys: tuple[OperatorKey, ...]
    ns_ttl: Ttl
    dnskey_ttl: Ttl
    data_ttl: Ttl
    negative_ttl: Ttl
    propagation_delay: timedelta
    name_servers: frozenset[str] = NOT_GIVEN
    address_ttl: Ttl | None = None
    signatures_expire: datetime | None = None
    can: frozenset[Capability] = ALL_ASSUMED

    def __post_init__(self) -> None:
        _OPERATOR_FIELDS.check(self, "an operator")
        if not self.keys and self.dnskey_ttl != self.negative_ttl:
            raise PlanError(
                f"dnskey_ttl is {self.dnskey_ttl} and negative_ttl {self.negative_ttl}, and the zone is not signed",
                remedy="give negative_ttl as both: how long a cache may hold that there is no DNSKEY RRset",
                rule="RFC 2308 section 5",
            )
        if self.address_ttl is not None and self.address_ttl > self.data_ttl:
            raise PlanError(
                f"address_ttl is {self.address_ttl}, more than data_ttl, which is {self.data_ttl}",
                remedy="give the largest TTL of the zone as data_ttl; addresses are data too",
            )
        for what, found in (("KSK or CSK", self.dnskey_signers), ("ZSK or CSK", self.data_signers)):
            if self.keys and not found:
                raise PlanError(f"the operator has keys and no {what}", remedy="say which key signs what")

    @property
    def largest_ttl(self) -> Ttl:
        """The longest that a cache may hold anything of its zone but the NS and DNSKEY RRsets at its apex."""
        return max(self.data_ttl, self.negative_ttl)

    @property
    def is_signed(self) -> bool:
        """Whether its zone is signed."""
        return bool(self.keys)

    @property
    def dnskey_signers(self) -> tuple[Key, ...]:
        """The keys that sign its DNSKEY RRset."""
        return tuple(each.key for each in self.keys if each.signs_dnskey)

    @property
    def data_signers(self) -> tuple[Key, ...]:
        """The keys that sign its data."""
        return tuple(each.key for each in self.keys if each.signs_data)

    @property
    def keys_for_others(self) -> frozenset[Key]:
        """The keys that the other operator has to publish: all but those that sign the DNSKEY RRset alone."""
        return frozenset(each.key for each in self.keys if each.signs_data or not each.signs_dnskey)

    def signatures(self, keys: Iterable[Key]) -> tuple[Signature, ...]:
        """Signatures by these keys, with the expiration that this operator's have."""
        return tuple(Signature(key=key, expiration=self.signatures_expire) for key in keys)


_OPERATOR_FIELDS: Final = values.Fields(
    needed={
        "keys": values.tuple_of(values.a(OperatorKey)),
        "ns_ttl": values.ttl,
        "dnskey_ttl": values.ttl,
        "data_ttl": values.ttl,
        "negative_ttl": values.ttl,
        "propagation_delay": values.delay,
        "name_servers": values.set_of(values.host),
        "can": values.set_of(values.a(Capability)),
    },
    optional={"address_ttl": values.ttl, "signatures_expire": values.instant},
    how_to_find=OPERATOR_HOW_TO_FIND,
)


def begun_already(domain: str, gaining_key: str) -> PlanError:
    """Return the refusal of facts in which the gaining DS is at the parent: they are those of before the transfer."""
    return PlanError(
        f"{domain}: the parent has the DS of {gaining_key} already, which signs the gaining DNSKEY RRset: the transfer has"
        " begun",
        remedy="leave that DS where it is; give as ds under parent what the parent had before the transfer, such as"
        ' [{ key = "KSK 4711 of the losing operator", digest_type = 2 }], with a start before the DS was added, and record the'
        " step ds-added with the instants at which that happened (Plan.record, zonekit plan --record, zonekit status --said);"
        " the file of a transfer may name a plan with all that on record, as plan under files",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentFacts:
    """What is known about the parent zone and the way to it.

    Attributes:
        ds: the DS records of the domain as they are now; none where it is not secure.
        ds_ttl: the TTL of the DS RRset, in seconds (parent-ds-ttl).
        ns_ttl: the TTL of the NS RRset at the delegation.
        negative_ttl: how long a cache may hold that there is no DS, in seconds.
        propagation_delay: how long a change takes to reach the parent's last server (parent-propagation-delay).
        registration_delay: how long a request takes until the first of them has it (RFC 7583 section 3.1).
        glue_ttl: the TTL of the addresses at the delegation; None where no name server lies in the domain.
        scan_delay: how long its scanner takes at most until it has seen and taken a change; None where it does not scan.
        check_delay: how long the registry takes at most for each of its checks; None where it makes none.
        digest_type: the digest type of DS records that are added: 2 (SHA-256) or 4 (SHA-384).
        channels: the ways by which it takes changes.

    Raises:
        TtlError: a TTL is not one, or not known.
        PlanError: a delay is negative, absurd or not known, a field has the wrong type, or a digest type is one that is not
            added, or not known.
    """

    ds: frozenset[DsEntry]
    ds_ttl: Ttl
    ns_ttl: Ttl
    negative_ttl: Ttl
    propagation_delay: timedelta
    registration_delay: timedelta
    glue_ttl: Ttl | None = None
    scan_delay: timedelta | None = None
    check_delay: timedelta | None = None
    digest_type: int = 2
    channels: frozenset[Channel] = frozenset((Channel.REQUEST,))

    def __post_init__(self) -> None:
        _PARENT_FIELDS.check(self, "the parent")
        if self.digest_type not in _MADE_DIGESTS:
            raise PlanError(
                f"digest_type of the parent is {self.digest_type}, and no DS record is to be added with that",
                remedy="give 2 (SHA-256) or 4 (SHA-384)",
                rule="RFC 9904",
            )
        for entry in self.ds:
            if entry.digest_type not in _KNOWN_DIGESTS:
                raise PlanError(
                    f"ds of the parent: the DS of {entry.key.name} has digest type {entry.digest_type}, which validators do"
                    " not know",
                    remedy="give the digest type of the record, 1, 2 or 4; have a record with any other removed first",
                    rule="RFC 9904",
                )
        for channel, name in ((Channel.SCANNING, "scan_delay"), (Channel.KEY_RELAY, "check_delay")):
            if channel in self.channels and getattr(self, name) is None:
                raise PlanError(
                    f"the parent takes changes by {channel.value} and {name} is not known",
                    remedy=PARENT_HOW_TO_FIND[name],
                )


_PARENT_FIELDS: Final = values.Fields(
    needed={
        "ds": values.set_of(values.a(DsEntry)),
        "ds_ttl": values.ttl,
        "ns_ttl": values.ttl,
        "negative_ttl": values.ttl,
        "propagation_delay": values.delay,
        "registration_delay": values.delay,
        "digest_type": values.number(0, 255),
        "channels": values.set_of(values.a(Channel)),
    },
    optional={"glue_ttl": values.ttl, "scan_delay": values.delay, "check_delay": values.delay},
    how_to_find=PARENT_HOW_TO_FIND,
)
