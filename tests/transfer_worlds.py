"""Real zones in every state of a transfer: each step of each flow is carried out on them as its table says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from tests.keyring import NOW, VALIDITY, ksk, zsk
from zonekit import rdata as rd
from zonekit.algorithms import Algorithm
from zonekit.apex import change_ns, lower_ttls, merge_dnskeys, withdraw_dnskeys
from zonekit.dnskeys import parse_dnskeys
from zonekit.ds import CsyncFlag, make_cdnskey, make_cds, make_csync, make_ds
from zonekit.instants import SignatureValidity
from zonekit.keys import SigningKey
from zonekit.names import name_text
from zonekit.signing import sign_zone
from zonekit.transfer.sightings import THERE_IS_NONE, Sighting, Unseen
from zonekit.transfer.steps import STEPS, Effect, Flow, Step, with_shared_servers
from zonekit.transfer.versions import Source
from zonekit.ttl import Ttl
from zonekit.zonefile import parse_zone
from zonekit.zones import RRset, Zone

DAY: Final = 86400
LOW: Final = 600
LOSING_SERVERS: Final = ("ns1.losing.example.", "ns2.losing.example.")
GAINING_SERVERS: Final = ("ns1.gaining.example.", "ns2.gaining.example.")
_TEXT: Final = """\
@ 3600 SOA {first} hostmaster 7 7200 3600 1209600 300
@ {ttl} NS {first}
@ {ttl} NS {second}
@ 3600 A 192.0.2.1
www 7200 A 192.0.2.80
sub 3600 NS ns.sub
ns.sub 3600 A 192.0.2.54
"""


def unsigned(servers: Iterable[str], *, ttl: int = DAY) -> Zone:
    first, second = servers
    return parse_zone(_TEXT.format(first=first, second=second, ttl=ttl), "example.nl")


def keys(number: int, algorithm: Algorithm = Algorithm.ECDSAP256SHA256) -> list[SigningKey]:
    return [ksk(algorithm, number=number), zsk(algorithm, number=number)]


LOSING_KEYS: Final = keys(0)
GAINING_KEYS: Final = keys(1)


def signed(zone: Zone, with_keys: list[SigningKey], *, dnskey_ttl: int = DAY) -> Zone:
    return sign_zone(zone, with_keys, validity=VALIDITY, dnskey_ttl=Ttl(dnskey_ttl))


def with_apex(zone: Zone, with_keys: list[SigningKey], *rrsets: RRset, validity: SignatureValidity = VALIDITY) -> Zone:
    """The zone with more at its apex, signed again."""
    return sign_zone(zone.replace(*rrsets), with_keys, validity=validity)


def ns_of(servers: Iterable[str]) -> RRset:
    return RRset.from_text("example.nl.", 2 * DAY, "NS", *servers)


LOSING: Final = signed(unsigned(LOSING_SERVERS), LOSING_KEYS)
GAINING: Final = signed(unsigned(GAINING_SERVERS, ttl=LOW), GAINING_KEYS, dnskey_ttl=LOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is served at some instant of a transfer.

    Attributes:
        losing, gaining, ds, ns: as in a sighting.
        losing_keys, gaining_keys: with private halves; none where a side does not sign.
        made: the gaining zone as it is made.
        with_ksks: whether KSKs are merged too.
        taken: the steps that have been taken.
        validity: that of the signatures which are made in a step.
    """

    losing: Zone | Unseen = LOSING
    gaining: Zone | Unseen = THERE_IS_NONE
    ds: RRset | Unseen = field(default_factory=lambda: make_ds(LOSING_KEYS[:1]))
    ns: RRset | Unseen = field(default_factory=lambda: ns_of(LOSING_SERVERS))
    losing_keys: tuple[SigningKey, ...] = tuple(LOSING_KEYS)
    gaining_keys: tuple[SigningKey, ...] = tuple(GAINING_KEYS)
    made: Zone = GAINING
    with_ksks: bool = True
    taken: tuple[str, ...] = ()
    validity: SignatureValidity = VALIDITY

    def seen(self) -> Sighting:
        """What somebody sees who asks every server of everybody."""
        giving = {
            source: frozenset(map(name_text, zone.apex_rrset(rd.NS).rdatas))
            for source, zone in ((Source.LOSING, self.losing), (Source.GAINING, self.gaining))
            if isinstance(zone, Zone)
        }
        known = {
            source: parse_dnskeys(own)
            for source, own in ((Source.LOSING, self.losing_keys), (Source.GAINING, self.gaining_keys))
            if own and (source is Source.LOSING or self.gaining is not THERE_IS_NONE)
        }
        return Sighting(
            at=NOW,
            losing=self.losing,
            gaining=self.gaining,
            parent_ds=self.ds,
            parent_ns=self.ns,
            keys=known,
            giving=giving,
        )

    def merged_into(self, zone: Zone, own: Iterable[SigningKey], others: Iterable[SigningKey]) -> Zone:
        wanted = [key for key in others if self.with_ksks or not key.signs_dnskey]
        return merge_dnskeys(zone, parse_dnskeys(wanted), signers=own, validity=self.validity)

    def after(self, step: Step, steps: tuple[Step, ...]) -> World:
        """The world with a step taken."""
        effects = {each.effect for each in steps}
        world = replace(self, taken=(*self.taken, step.id))
        losing, gaining = self.losing, self.gaining
        match step.effect:
            case None:
                return world._without_effect(step)
            case Effect.GAINING_KEYS_AT_LOSING:
                assert isinstance(losing, Zone)
                return replace(world, losing=self.merged_into(losing, self.losing_keys, self.gaining_keys))
            case Effect.LOSING_KEYS_AT_GAINING:
                assert isinstance(gaining, Zone)
                return replace(world, gaining=self.merged_into(gaining, self.gaining_keys, self.losing_keys))
            case Effect.TTLS_LOWERED:
                assert isinstance(losing, Zone)
                return replace(
                    world, losing=lower_ttls(losing, LOW, signers=self.losing_keys, validity=self.validity).zone
                )
            case Effect.GAINING_SERVES:
                is_there = isinstance(gaining, Zone)
                return world if is_there else replace(world, gaining=unsigned(GAINING_SERVERS, ttl=LOW))
            case Effect.SHARED_SERVE:
                return world
            case Effect.DS_ADDED:
                both = Effect.LOSING_DS_REMOVED in effects
                wanted = (*self.losing_keys, *self.gaining_keys) if both else self.gaining_keys
                return replace(world, ds=make_ds([key for key in wanted if key.signs_dnskey]))
            case Effect.NS_AT_PARENT:
                return replace(world, ns=ns_of(self._gaining_names()))
            case Effect.NS_AT_LOSING:
                assert isinstance(losing, Zone)
                signers, validity = self.losing_keys, self.validity if self.losing_keys else None
                changed = change_ns(losing, self._gaining_names(), signers=signers, validity=validity)
                if any(each.scans == step.id for each in steps):
                    flags = CsyncFlag.IMMEDIATE | CsyncFlag.SOAMINIMUM
                    csync = make_csync("example.nl", serial=changed.serial, types=["NS"], flags=flags)
                    changed = with_apex(changed, list(self.losing_keys), csync, validity=self.validity)
                return replace(world, losing=changed)
            case Effect.LOSING_DS_REMOVED:
                return replace(world, ds=make_ds([key for key in self.gaining_keys if key.signs_dnskey]))
            case Effect.ALL_DS_REMOVED:
                return replace(world, ds=THERE_IS_NONE)
            case Effect.LOSING_KEYS_WITHDRAWN:
                assert isinstance(gaining, Zone)
                present = gaining.apex_rrset(rd.DNSKEY).rdatas
                leaving = [key for key in parse_dnskeys(self.losing_keys) if key.dnskey_rdata in present]
                left = withdraw_dnskeys(gaining, leaving, signers=self.gaining_keys, validity=self.validity)
                return replace(world, gaining=left)
            case Effect.LOSING_STOPS:
                return replace(world, losing=THERE_IS_NONE)
            case Effect.GAINING_TTLS_RESTORED:
                assert isinstance(gaining, Zone)
                raised = gaining.replace(gaining.apex_rrset(rd.NS).with_ttl(DAY))
                if not self.gaining_keys:
                    return replace(world, gaining=raised)
                raised = raised.replace(gaining.apex_rrset(rd.DNSKEY).with_ttl(DAY))
                return replace(world, gaining=sign_zone(raised, self.gaining_keys, validity=self.validity))

    def _gaining_names(self) -> list[str]:
        assert isinstance(self.gaining, Zone)
        return [name_text(name) for name in self.gaining.apex_rrset(rd.NS).rdatas]

    def _without_effect(self, step: Step) -> World:
        kskeys = [key for key in (*self.losing_keys, *self.gaining_keys) if key.signs_dnskey]
        if step.id == "keys-made":
            return replace(self, gaining=self.made)
        if step.id == "cds-published":
            assert isinstance(self.losing, Zone) and isinstance(self.gaining, Zone)
            asked = (make_cds(kskeys), make_cdnskey(kskeys))
            losing = with_apex(self.losing, list(self.losing_keys), *asked, validity=self.validity)
            return replace(
                self,
                losing=losing,
                gaining=with_apex(self.gaining, list(self.gaining_keys), *asked, validity=self.validity),
            )
        if step.id == "cds-alone":
            assert isinstance(self.gaining, Zone)
            own = [key for key in self.gaining_keys if key.signs_dnskey]
            alone = (make_cds(own), make_cdnskey(own))
            return replace(
                self, gaining=with_apex(self.gaining, list(self.gaining_keys), *alone, validity=self.validity)
            )
        return self


def start_of(flow: Flow) -> World:
    """What is served before a flow begins."""
    if flow is Flow.FROM_UNSIGNED:
        return World(losing=unsigned(LOSING_SERVERS), ds=THERE_IS_NONE, losing_keys=())
    return World(gaining_keys=()) if flow is Flow.TO_UNSIGNED else World()


def walk(flow: Flow, *, is_shared: bool = False, start: World | None = None) -> Iterator[tuple[Step, World]]:
    """Every step of a flow with what is served once it has been taken, in the order of the table."""
    steps = with_shared_servers(STEPS[flow]) if is_shared else STEPS[flow]
    world = start or start_of(flow)
    for step in steps:
        world = world.after(step, steps)
        yield step, world


def world_at(flow: Flow, step_id: str, *, start: World | None = None) -> World:
    """What is served when a step and all before it in the table have been taken."""
    return next(world for step, world in walk(flow, start=start) if step.id == step_id)
