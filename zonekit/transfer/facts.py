"""What is known about a domain before its transfer is planned.

Delays that are not given are 0 and capabilities are there: the best case, and what the files that people write have to
spell out (:mod:`zonekit.transfer.planfile`). No TTL of an RRset has a default.
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
from zonekit.transfer.versions import DsEntry, Key, Overlap, Signature, Source
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
        data_ttl: the largest TTL of any other RRset or negative answer of its zone.
        propagation_delay: how long a change takes to reach its last server (zone-propagation-delay).
        address_ttl: the TTL of its name servers' addresses where their names lie in the zone; None where they do not. A
            cached address leads to its servers as a cached NS RRset does; the parent's glue is taken to have ``ns_ttl``.
        signatures_expire: when the earliest of its signatures expires if it does not renew them; None where it renews
            them until it is told to stop.
        can: what it is able and willing to do.

    Raises:
        TtlError: a TTL is not one.
        PlanError: a delay is negative or absurd, or a DNSKEY RRset or data that nobody signs.
    """

    keys: tuple[OperatorKey, ...]
    ns_ttl: Ttl
    dnskey_ttl: Ttl
    data_ttl: Ttl
    propagation_delay: timedelta = timedelta(0)
    address_ttl: Ttl | None = None
    signatures_expire: datetime | None = None
    can: frozenset[Capability] = frozenset(Capability)

    def __post_init__(self) -> None:
        for name in ("ns_ttl", "dnskey_ttl", "data_ttl"):
            object.__setattr__(self, name, to_ttl(getattr(self, name)))
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
        digest_type: the digest type of DS records that are added.
        channels: the ways by which it takes changes.

    Raises:
        TtlError: a TTL is not one, or not known.
        PlanError: a delay is negative or absurd.
    """

    ds: frozenset[DsEntry]
    ds_ttl: Ttl
    ns_ttl: Ttl
    negative_ttl: Ttl = Ttl(0)
    propagation_delay: timedelta = timedelta(0)
    registration_delay: timedelta = timedelta(0)
    digest_type: int = 2
    channels: frozenset[Channel] = frozenset(Channel)

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
        check_delay("propagation_delay", self.propagation_delay)
        check_delay("registration_delay", self.registration_delay)


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """What is added to every wait, in ``dnssec-policy``'s terms.

    Attributes:
        publish_safety: added where something new has to reach every cache.
        retire_safety: added where something old has to leave every cache.
        stale_margin: how long resolvers may go on using what has run out (RFC 8767).
    """

    publish_safety: timedelta = timedelta(0)
    retire_safety: timedelta = timedelta(0)
    stale_margin: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        for name in ("publish_safety", "retire_safety", "stale_margin"):
            check_delay(name, getattr(self, name))


class Record(enum.Enum):
    """A kind of record whose TTL is watched."""

    NS = "NS"
    DNSKEY = "DNSKEY"
    DS = "DS"
    DATA = "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A TTL that a source served, and until when at least.

    Attributes:
        source: who served it.
        record: of which record.
        ttl: the TTL, in seconds, as its own servers gave it.
        until: the last instant at which it was served.
    """

    source: Source
    record: Record
    ttl: Ttl
    until: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "ttl", to_ttl(self.ttl))
        object.__setattr__(self, "until", utc(self.until))

    @property
    def gone_from_caches(self) -> datetime:
        """The instant from which no cache holds what was fetched then."""
        return self.until + timedelta(seconds=self.ttl)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The TTLs that were seen over time. What counts is the largest in the window before a change, not the one now."""

    observations: tuple[Observation, ...] = ()

    def observe(self, observation: Observation) -> Ledger:
        """Return the ledger with one more observation; of the same TTL only the latest is kept."""
        kept = [
            each
            for each in self.observations
            if (each.source, each.record, each.ttl) != (observation.source, observation.record, observation.ttl)
            or each.until > observation.until
        ]
        if any(
            (each.source, each.record, each.ttl) == (observation.source, observation.record, observation.ttl)
            for each in kept
        ):
            return self
        return Ledger(observations=(*kept, observation))

    def of(self, source: Source, record: Record) -> tuple[Observation, ...]:
        """Return what was seen of one record of one source."""
        return tuple(each for each in self.observations if (each.source, each.record) == (source, record))


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a plan rests on.

    Attributes:
        domain: the domain, in presentation form.
        losing: the operator that has it.
        gaining: the operator that gets it.
        parent: the parent zone.
        margins: what is added to every wait.
        ledger: the TTLs that were served before those of now.
        overlaps: servers that answer for more than one of the parties.
        lowered_ttl: what the losing operator lowers the TTLs of NS and DNSKEY to, and the gaining one keeps its own at until
            the end is confirmed, in seconds; None to leave them.

    Raises:
        PlanError: two keys of one name, or a DS of a key that the losing operator does not have.
    """

    domain: str
    losing: OperatorFacts
    gaining: OperatorFacts
    parent: ParentFacts
    margins: Margins = Margins()
    ledger: Ledger = Ledger()
    overlaps: tuple[Overlap, ...] = ()
    lowered_ttl: Ttl | None = Ttl(600)

    def lowered(self, ttl: Ttl) -> Ttl:
        """Return what lowering makes of a TTL, which it never raises."""
        return ttl if self.lowered_ttl is None else min(ttl, self.lowered_ttl)

    def __post_init__(self) -> None:
        object.__setattr__(self, "domain", name_text(parse_origin(self.domain)))
        if self.lowered_ttl is not None:
            object.__setattr__(self, "lowered_ttl", to_ttl(self.lowered_ttl))
        names = [each.key.name for each in (*self.losing.keys, *self.gaining.keys)]
        for name in names:
            if names.count(name) > 1:
                raise PlanError(f"{self.domain}: two keys are named {name}", remedy="give each key its own name")
        for entry in self.parent.ds:
            if entry.key not in self.losing.dnskey_signers:
                raise PlanError(
                    f"{self.domain}: the DS at the parent is of {entry.key.name}, which does not sign the losing DNSKEY RRset",
                    remedy="have the losing operator mend its DS or DNSKEY RRset before a transfer",
                    rule="RFC 4035 section 5.2",
                )
