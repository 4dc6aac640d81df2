"""The example move that the demo carries out: each stage of it as a value, nothing of it written or printed yet.

The order and the waits are those of the transfer in which both operators cooperate (RFC 6781 section 4.3.5.1, RFC 8901
section 2.1.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from zonekit import rdata as rd
from zonekit.apex import ChangedTtls, change_ns, lower_ttls, merge_dnskeys, restore_ttls, withdraw_dnskeys
from zonekit.dnskeys import Dnskey, dnskey_response_octets, key_tags, keys_to_take, parse_dnskeys
from zonekit.ds import make_ds
from zonekit.instants import SignatureValidity
from zonekit.keyfiles import render_key_file
from zonekit.keys import KeyTiming, SigningKey, generate_ksk, generate_zsk
from zonekit.names import name_text
from zonekit.render import Handover
from zonekit.serials import SerialPolicy, next_serial
from zonekit.signatures import verify_rrset
from zonekit.signing import sign_zone
from zonekit.transfer.facts import Facts, Timing
from zonekit.transfer.plan import Plan, plan_transfer
from zonekit.transfer.switchover import CachedRecord, Switchover, involved_records, replaced_records, safe_switchover
from zonekit.transfer.versions import Source
from zonekit.ttl import Ttl, longest_ttl
from zonekit.zones import RRset, Zone

SIGNATURES_VALIDITY: Final = timedelta(days=14)
LOWERED_TTL: Final = Ttl(600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What the fixtures do not say and a plan needs, in dnssec-policy's words and with its defaults for the delays.

    Attributes:
        losing_dnskey_ttl: the TTL with which the losing operator publishes its DNSKEY RRset.
        parent_ds_ttl: the TTL of the DS RRset at the parent.
        parent_ns_ttl: the TTL of the NS RRset of the delegation at the parent.
        parent_negative_ttl: how long a cache may hold that the parent has no DS.
        zone_propagation_delay: from a change until the last server of an operator serves it.
        parent_propagation_delay: the same for the parent.
    """

    losing_dnskey_ttl: Ttl = Ttl(86400)
    parent_ds_ttl: Ttl = Ttl(172800)
    parent_ns_ttl: Ttl = Ttl(172800)
    parent_negative_ttl: Ttl = Ttl(900)
    zone_propagation_delay: timedelta = timedelta(minutes=5)
    parent_propagation_delay: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """When the move begins, what is assumed of time, and from when until when the signatures made for it are valid."""

    now: datetime
    validity: SignatureValidity
    assumed: Assumptions

    @classmethod
    def starting(cls, now: datetime) -> Clock:
        """Return the clock of a move that begins now."""
        validity = SignatureValidity.starting(now, SIGNATURES_VALIDITY)
        return cls(now=now, validity=validity, assumed=Assumptions())


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """What the parent publishes of the zone."""

    ns: RRset
    ds: RRset

    def text(self) -> str:
        """Return the records as they stand in the parent's zone file."""
        return f"{self.ns.text()}\n{self.ds.text()}\n"


# ---- the stages -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One operator with a zone that it has signed: its KSK and ZSK, the zone, and the DS of its KSK."""

    ksk: SigningKey
    zsk: SigningKey
    zone: Zone
    ds: RRset

    @property
    def keys(self) -> tuple[SigningKey, SigningKey]:
        """The KSK and the ZSK."""
        return self.ksk, self.zsk


def losing_today(unsigned: Zone, clock: Clock) -> Side:
    """Return the losing operator before anything happens: it makes keys and signs the zone."""
    return _side(unsigned, clock, avoid=frozenset(), dnskey_ttl=clock.assumed.losing_dnskey_ttl)


def gaining_prepared(unsigned: Zone, losing: Side, clock: Clock) -> Side:
    """Return the gaining operator with its own keys, none with a key tag of the losing ones, and its signed zone."""
    avoid = key_tags(losing.zone.apex_rrset(rd.DNSKEY), losing.ksk.algorithm)
    return _side(unsigned, clock, avoid=avoid, dnskey_ttl=Ttl(3600))


def _side(unsigned: Zone, clock: Clock, *, avoid: frozenset[int], dnskey_ttl: Ttl) -> Side:
    timing = KeyTiming.starting(clock.now)
    ksk = generate_ksk(unsigned.origin, avoid=avoid, timing=timing)
    zsk = generate_zsk(unsigned.origin, avoid={*avoid, ksk.key_tag}, timing=timing)
    zone = sign_zone(unsigned, [ksk, zsk], validity=clock.validity, dnskey_ttl=dnskey_ttl)
    return Side(ksk=ksk, zsk=zsk, zone=zone, ds=make_ds([ksk], ttl=clock.assumed.parent_ds_ttl))


def delegation_today(losing: Side, clock: Clock) -> Delegation:
    """Return what the parent publishes before anything happens."""
    return Delegation(ns=_parent_ns(losing.zone, clock), ds=losing.ds)


def handover_of(losing: Side, gaining: Side) -> Handover:
    """Return what the gaining operator asks of the losing one."""
    return Handover(
        dnskeys=gaining.zone.apex_rrset(rd.DNSKEY),
        ds=gaining.ds,
        ns=losing.zone.apex_rrset(rd.NS),
        dnskey_ttl=losing.zone.apex_rrset(rd.DNSKEY).ttl,
        lowered_ttl=LOWERED_TTL,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Both zones with each other's keys and with low TTLs, and the DS of both at the parent.

    Attributes:
        losing: the losing zone with the gaining keys, and the TTLs that were lowered.
        gaining: the gaining zone with the losing keys, and the same.
        taken: the losing keys that the gaining zone had to take.
        delegation: what the parent publishes.
    """

    losing: ChangedTtls
    gaining: ChangedTtls
    taken: tuple[Dnskey, ...]
    delegation: Delegation


def exchanged(losing: Side, gaining: Side, clock: Clock) -> Exchange:
    """Return what both serve once they have published each other's keys. Only public key text passes between them."""
    offered = parse_dnskeys("".join(map(render_key_file, gaining.keys)))
    taken = keys_to_take(losing.zone)
    return Exchange(
        losing=_merged(losing, offered, _serial(losing.zone, SerialPolicy.DATE, clock.now), clock),
        gaining=_merged(gaining, taken, _serial(gaining.zone, SerialPolicy.INCREMENT, clock.now), clock),
        taken=taken,
        delegation=Delegation(ns=_parent_ns(losing.zone, clock), ds=_joined(losing.ds, gaining.ds)),
    )


def _merged(side: Side, foreign: tuple[Dnskey, ...], serial: int, clock: Clock) -> ChangedTtls:
    merged = merge_dnskeys(side.zone, foreign, signers=side.keys, validity=clock.validity, serial=serial)
    return lower_ttls(merged, LOWERED_TTL, signers=side.keys, validity=clock.validity, serial=serial)


def _serial(zone: Zone, policy: SerialPolicy, instant: datetime) -> int:
    return next_serial(zone.serial, policy, instant)


def _parent_ns(zone: Zone, clock: Clock) -> RRset:
    return zone.apex_rrset(rd.NS).with_ttl(clock.assumed.parent_ns_ttl)


def _joined(ds: RRset, more: RRset) -> RRset:
    return RRset(owner=ds.owner, rdtype=ds.rdtype, ttl=ds.ttl, rdatas=ds.rdatas + more.rdatas)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """When the NS may change, and what is counted for that."""

    replaced: tuple[CachedRecord, ...]
    involved: tuple[CachedRecord, ...]
    switchover: Switchover


def wait_for_switch(losing: Side, clock: Clock) -> Wait:
    """Return when no cache holds any more what would clash with the gaining servers' answers."""
    at_operators = clock.now + clock.assumed.zone_propagation_delay
    replaced = replaced_records(
        [losing.zone],
        ds_ttl=clock.assumed.parent_ds_ttl,
        losing_effective=at_operators,
        ds_effective=clock.now + clock.assumed.parent_propagation_delay,
        gaining_effective=at_operators,
    )
    involved = involved_records(losing.zone, effective=at_operators)
    return Wait(replaced=replaced, involved=involved, switchover=safe_switchover(replaced, involved=involved))


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """The losing zone with the gaining name servers, and the parent with them too."""

    losing: Zone
    delegation: Delegation


def switched(losing: Side, gaining: Side, exchange: Exchange, wait: Wait, clock: Clock) -> Switch:
    """Return what the losing operator and the parent serve from the switch on."""
    before = exchange.losing.zone
    zone = change_ns(
        before,
        [name_text(rdata) for rdata in gaining.zone.apex_rrset(rd.NS).rdatas],
        signers=losing.keys,
        validity=clock.validity,
        serial=_serial(before, SerialPolicy.DATE, wait.switchover.at),
    )
    return Switch(losing=zone, delegation=Delegation(ns=_parent_ns(zone, clock), ds=exchange.delegation.ds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """When the losing operator is out of it, and what is waited for.

    Attributes:
        leading_back: the NS RRsets that still lead resolvers to the losing servers.
        unreachable: the one of them that is gone last: from then on nothing does.
        ds: what has to be gone before the losing DS may go.
        data: what has to be gone before the losing keys may leave the gaining zone.
    """

    leading_back: tuple[CachedRecord, ...]
    unreachable: CachedRecord
    ds: CachedRecord
    data: CachedRecord


def departure(switch: Switch, wait: Wait, clock: Clock) -> Departure:
    """Return when the losing servers may stop, the losing DS go, and the losing keys leave the gaining zone."""
    at, assumed = wait.switchover.at, clock.assumed
    leading_back = (
        CachedRecord(
            record="NS at the parent", ttl=assumed.parent_ns_ttl, effective=at + assumed.parent_propagation_delay
        ),
        CachedRecord(
            record="NS of the losing operator",
            ttl=switch.losing.apex_rrset(rd.NS).ttl,
            effective=at + assumed.zone_propagation_delay,
        ),
    )
    unreachable = max(leading_back, key=lambda record: record.gone_from_caches)
    gone = unreachable.gone_from_caches
    return Departure(
        leading_back=leading_back,
        unreachable=unreachable,
        ds=CachedRecord(
            record="DNSKEY of the losing operator", ttl=switch.losing.apex_rrset(rd.DNSKEY).ttl, effective=gone
        ),
        data=CachedRecord(
            record="anything of the losing operator",
            ttl=longest_ttl(rrset.ttl for rrset in switch.losing.rrsets()),
            effective=gone,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The gaining zone without the losing keys and with its TTLs back, and its DS alone at the parent."""

    gaining: ChangedTtls
    delegation: Delegation


def ended(gaining: Side, exchange: Exchange, switch: Switch, clock: Clock) -> End:
    """Return what the gaining operator and the parent serve when the move is over."""
    zone = exchange.gaining.zone
    alone = withdraw_dnskeys(zone, exchange.taken, signers=gaining.keys, validity=clock.validity)
    restored = restore_ttls(
        alone, exchange.gaining.changes, signers=gaining.keys, validity=clock.validity, serial=alone.serial
    )
    return End(gaining=restored, delegation=Delegation(ns=switch.delegation.ns, ds=gaining.ds))


def planned(losing: Side, exchange: Exchange, clock: Clock) -> Plan:
    """Return the plan of this move, from facts that the zones themselves show.

    The losing zone is taken as it was before its TTLs were lowered, for that is what caches hold; its files are made once,
    so that their signatures set a deadline.
    """
    facts = Facts.from_zones(
        losing.zone,
        exchange.gaining.zone,
        losing.ds,
        ds_ttl=clock.assumed.parent_ds_ttl,
        ns_ttl=clock.assumed.parent_ns_ttl,
        negative_ttl=clock.assumed.parent_negative_ttl,
        losing_delay=clock.assumed.zone_propagation_delay,
        gaining_delay=clock.assumed.zone_propagation_delay,
        parent_delay=clock.assumed.parent_propagation_delay,
        registration_delay=timedelta(0),
        expiring=[Source.LOSING],
        timing=Timing(lowered_ttl=LOWERED_TTL),
    )
    return plan_transfer(facts, start=clock.now)


# ---- what can be said of them ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """How many signed RRsets of one zone validate with the DNSKEY RRset of another: what a resolver may come to hold."""

    good: int
    total: int

    def __str__(self) -> str:
        return f"{self.good} of {self.total}"


def mixture(data: Zone, dnskeys: Zone, now: datetime) -> Mixture:
    """Return how much of ``data``, the DNSKEY RRset and what goes with it aside, validates with the other's DNSKEYs."""
    keys = dnskeys.apex_rrset(rd.DNSKEY)
    signed = [
        (rrset, rrsigs)
        for rrset in data.rrsets()
        if rrset.rdtype not in (rd.RRSIG, rd.DNSKEY) and (rrsigs := data.signatures(rrset.name, rrset.rdtype))
    ]
    good = sum(verify_rrset(rrset, rrsigs, keys, now=now) for rrset, rrsigs in signed)
    return Mixture(good=good, total=len(signed))


def changed_rrsets(before: Zone, after: Zone) -> list[str]:
    """Return the types of the RRsets in which two versions of a zone differ, signatures aside."""
    diff = before.diff(after)
    touched = [*diff.added, *diff.removed, *(newer for _, newer in diff.changed)]
    return sorted({rrset.type_text for rrset in touched if rrset.rdtype != rd.RRSIG})


def response_octets(zone: Zone, side: Side) -> int:
    """Return the size of the DNSKEY response of an operator that serves this zone."""
    return dnskey_response_octets(zone.apex_rrset(rd.DNSKEY), [side.ksk])
