"""The parties of a transfer: what is known about each operator and its zone, and about the parent.

Nothing about TTLs, delays or keys has a default: what is not known has to be found out before a transfer is planned.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from zonekit.errors import PlanError, TtlError
from zonekit.instants import utc
from zonekit.names import name_text, parse_origin
from zonekit.transfer.versions import DsEntry, Key, Signature
from zonekit.ttl import Ttl, to_ttl

_LONGEST_DELAY: Final = timedelta(days=366)


def check_delay(name: str, delay: timedelta) -> None:
    """Check a delay.

    Raises:
        PlanError: it is negative, not in whole seconds, or longer than a year.
    """
    if not timedelta(0) <= delay <= _LONGEST_DELAY or delay % timedelta(seconds=1):
        raise PlanError(f"{name} is {delay}", remedy="give whole seconds, from 0 to a year")


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
    """

    key: Key
    signs_dnskey: bool = False
    signs_data: bool = False


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
        name_servers: the names of its name servers, in presentation form; may be left out where none of them lies in the
            domain. A name that both operators have there stays, and gets another address in the transfer; where it keeps
            that too, the server is shared: leave it out and say so among the overlaps.
        address_ttl: the largest TTL of the addresses of those of them that lie in the domain; None where none does.
        signatures_expire: when the earliest of its signatures expires if it does not renew them; None where it renews
            them until it is told to stop.
        can: what it is able and willing to do.

    Raises:
        TtlError: a TTL is not one.
        PlanError: a delay is negative or absurd, a DNSKEY RRset or data that nobody signs, or TTLs that contradict each other.
    """

    keys: tuple[OperatorKey, ...]
    ns_ttl: Ttl
    dnskey_ttl: Ttl
    data_ttl: Ttl
    negative_ttl: Ttl
    propagation_delay: timedelta
    name_servers: frozenset[str] = frozenset()
    address_ttl: Ttl | None = None
    signatures_expire: datetime | None = None
    can: frozenset[Capability] = frozenset(Capability)

    def __post_init__(self) -> None:
        for name in ("ns_ttl", "dnskey_ttl", "data_ttl", "negative_ttl"):
            object.__setattr__(self, name, to_ttl(getattr(self, name)))
        if not self.keys and self.dnskey_ttl != self.negative_ttl:
            raise PlanError(
                f"dnskey_ttl is {self.dnskey_ttl} and negative_ttl {self.negative_ttl}, and the zone is not signed",
                remedy="give negative_ttl as both: how long a cache may hold that there is no DNSKEY RRset",
                rule="RFC 2308 section 5",
            )
        names = frozenset(name_text(parse_origin(name)).lower() for name in self.name_servers)
        object.__setattr__(self, "name_servers", names)
        if self.address_ttl is not None:
            object.__setattr__(self, "address_ttl", to_ttl(self.address_ttl))
            if self.address_ttl > self.data_ttl:
                raise PlanError(
                    f"address_ttl is {self.address_ttl}, more than data_ttl, which is {self.data_ttl}",
                    remedy="give the largest TTL of the zone as data_ttl; addresses are data too",
                )
        if self.signatures_expire is not None:
            object.__setattr__(self, "signatures_expire", utc(self.signatures_expire))
        object.__setattr__(self, "keys", tuple(self.keys))
        object.__setattr__(self, "can", frozenset(self.can))
        check_delay("propagation_delay", self.propagation_delay)
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
        digest_type: the digest type of DS records that are added.
        channels: the ways by which it takes changes.

    Raises:
        TtlError: a TTL is not one, or not known.
        PlanError: a delay is negative or absurd.
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
        if self.ds_ttl is None:
            raise TtlError(
                "the TTL of the DS RRset at the parent is not known",
                remedy="ask one of the parent's servers: dig +norecurse DS, at that server",
            )
        for name in ("ds_ttl", "ns_ttl", "negative_ttl"):
            object.__setattr__(self, name, to_ttl(getattr(self, name)))
        object.__setattr__(self, "ds", frozenset(self.ds))
        object.__setattr__(self, "channels", frozenset(self.channels))
        if self.glue_ttl is not None:
            object.__setattr__(self, "glue_ttl", to_ttl(self.glue_ttl))
        for name in ("propagation_delay", "registration_delay", "scan_delay", "check_delay"):
            if getattr(self, name) is not None:
                check_delay(name, getattr(self, name))
        for channel, name in ((Channel.SCANNING, "scan_delay"), (Channel.KEY_RELAY, "check_delay")):
            if channel in self.channels and getattr(self, name) is None:
                raise PlanError(
                    f"the parent takes changes by {channel.value} and {name} is not known",
                    remedy="ask the registry how long that takes at most, and give 0 where it is at once",
                )
