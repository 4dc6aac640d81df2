"""The servers of both operators and the parent: what each gives at each instant, and what a look at all of them shows.

A change reaches the servers of a party one after another, so that a look in between finds some that lack it. What really
happened when is kept, for the cache model to judge.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from tests.keyring import NOW
from tests.transfer_worlds import GAINING_KEYS, GAINING_SERVERS, LOSING_KEYS, LOSING_SERVERS, LOW, ns_of, unsigned
from zonekit import rdata as rd
from zonekit.algorithms import Algorithm, DigestType
from zonekit.apex import merge_dnskeys
from zonekit.dnskeys import Dnskey, parse_dnskeys
from zonekit.ds import digest_dnskey, make_ds
from zonekit.instants import SignatureValidity
from zonekit.keys import SigningKey, generate_zsk
from zonekit.signing import sign_zone
from zonekit.transfer.facts import Facts, Timing
from zonekit.transfer.parties import Channel
from zonekit.transfer.sightings import THERE_IS_NONE, Sighting, Unseen
from zonekit.transfer.timelines import Event
from zonekit.transfer.versions import Source
from zonekit.ttl import Ttl
from zonekit.zones import RRset, Zone

DAY: Final = timedelta(days=1)
MINUTE: Final = timedelta(minutes=1)
DELAY: Final = timedelta(minutes=4)
DS_TTL: Final = 172800
LONG: Final = SignatureValidity.starting(NOW - DAY, timedelta(days=60))
LOSING: Final = sign_zone(unsigned(LOSING_SERVERS), LOSING_KEYS, validity=LONG, dnskey_ttl=Ttl(86400))
GAINING: Final = sign_zone(unsigned(GAINING_SERVERS, ttl=LOW), GAINING_KEYS, validity=LONG, dnskey_ttl=Ttl(LOW))
LOSING_DS: Final = make_ds(LOSING_KEYS[:1], ttl=DS_TTL)
LOSING_SHA1: Final = RRset(
    owner=LOSING_DS.owner,
    rdtype=rd.DS,
    ttl=LOSING_DS.ttl,
    rdatas=(digest_dnskey(LOSING_KEYS[0].owner, LOSING_KEYS[0].dnskey_rdata, DigestType.SHA1),),
)
BOTH_DS: Final = make_ds([LOSING_KEYS[0], GAINING_KEYS[0]], ttl=DS_TTL)
GAINING_DS: Final = make_ds(GAINING_KEYS[:1], ttl=DS_TTL)
_SERVERS: Final = {
    Source.LOSING: LOSING_SERVERS,
    Source.GAINING: GAINING_SERVERS,
    Source.PARENT: ("ns1.dns.nl.", "ns2.dns.nl."),
}


def the_facts(losing_ds: RRset = LOSING_DS) -> Facts:
    """What everybody knows before the transfer."""
    to_stay = sign_zone(unsigned(GAINING_SERVERS), GAINING_KEYS, validity=LONG, dnskey_ttl=Ttl(86400))
    facts = Facts.from_zones(
        LOSING,
        to_stay,
        losing_ds,
        ds_ttl=DS_TTL,
        ns_ttl=DS_TTL,
        negative_ttl=900,
        losing_delay=DELAY,
        gaining_delay=DELAY,
        parent_delay=DELAY,
        registration_delay=MINUTE,
        timing=Timing(lowered_ttl=Ttl(LOW)),
    )
    channels = frozenset((Channel.REQUEST, Channel.KEY_RELAY))
    return replace(facts, parent=replace(facts.parent, channels=channels, check_delay=MINUTE))


@functools.cache
def colliding_keys() -> tuple[Dnskey, Dnskey]:
    """Two keys of one algorithm with one key tag, which no key here has; that takes about 300 tries."""
    taken = {key.key_tag for key in (*LOSING_KEYS, *GAINING_KEYS)}
    seen: dict[int, SigningKey] = {}
    while True:
        key = generate_zsk("example.nl", algorithm=Algorithm.ECDSAP256SHA256, avoid=taken)
        twin = seen.setdefault(key.key_tag, key)
        if twin is not key:
            first, second = parse_dnskeys([twin, key])
            return first, second


def losing_with(key: Dnskey) -> Zone:
    """The losing zone with one key more in its DNSKEY RRset."""
    return merge_dnskeys(LOSING, [key], signers=LOSING_KEYS, validity=LONG)


@dataclass(frozen=True)
class Delegation:
    """What the parent gives."""

    ds: RRset
    ns: RRset


Given = Zone | Unseen | Delegation


def servers_with(losing_ds: RRset) -> Servers:
    """The servers of the three parties, of which the parent has another DS of the losing side."""
    servers = Servers()
    servers.give(Source.PARENT, Delegation(losing_ds, ns_of(LOSING_SERVERS)), NOW - 30 * DAY, delay=MINUTE)
    return servers


@dataclass
class Servers:
    """The servers of the three parties.

    Attributes:
        changes: of each party, what it gives from when on its first server and from when on its last, oldest first.
        events: when each step really happened.
    """

    changes: dict[Source, list[tuple[datetime, datetime, Given]]] = field(
        default_factory=lambda: {
            Source.LOSING: [(NOW - 30 * DAY, NOW - 30 * DAY, LOSING)],
            Source.GAINING: [(NOW - 30 * DAY, NOW - 30 * DAY, THERE_IS_NONE)],
            Source.PARENT: [(NOW - 30 * DAY, NOW - 30 * DAY, Delegation(LOSING_DS, ns_of(LOSING_SERVERS)))],
        }
    )
    events: dict[str, Event] = field(default_factory=dict)

    def give(self, source: Source, what: Given, at: datetime, *step_ids: str, delay: timedelta = DELAY) -> datetime:
        """Let a party give something else, from an instant on at its first server; return when its last one does."""
        self.changes[source].append((at, at + delay, what))
        for step_id in step_ids:
            self.events[step_id] = Event(at, at + delay)
        return at + delay

    def last(self, source: Source) -> Given:
        """What a party gives in the end."""
        return self.changes[source][-1][2]

    def zone(self, source: Source) -> Zone:
        """The zone that an operator gives in the end."""
        found = self.last(source)
        assert isinstance(found, Zone)
        return found

    def delegation(self) -> Delegation:
        """What the parent gives in the end."""
        found = self.last(Source.PARENT)
        assert isinstance(found, Delegation)
        return found

    def look(self, at: datetime) -> Sighting:
        """What somebody sees who asks every server of everybody."""
        found: dict[Source, Given] = {}
        giving, lacking = {}, {}
        for source, servers in _SERVERS.items():
            by_server = dict(zip(servers, self._by_server(source, at, len(servers)), strict=True))
            found[source] = by_server[servers[-1]]
            giving[source] = frozenset(name for name, gives in by_server.items() if gives is found[source])
            lacking[source] = frozenset(servers) - giving[source]
            if source is Source.GAINING and found[source] is THERE_IS_NONE:
                giving[source], lacking[source] = lacking[source], giving[source]
        losing, gaining, parent = found[Source.LOSING], found[Source.GAINING], found[Source.PARENT]
        assert not isinstance(losing, Delegation) and not isinstance(gaining, Delegation)
        assert isinstance(parent, Delegation)
        return Sighting(
            at=at,
            losing=losing,
            gaining=gaining,
            parent_ds=parent.ds,
            parent_ns=parent.ns,
            keys={Source.LOSING: parse_dnskeys(LOSING_KEYS)},
            giving=giving,
            lacking=lacking,
        )

    def _by_server(self, source: Source, at: datetime, count: int) -> list[Given]:
        """What each server of a party gives: the first has a change at once, the last when the change is done."""
        found = []
        for number in range(count):
            share = number / (count - 1)
            found.append(
                [what for first, last, what in self.changes[source] if first + share * (last - first) <= at][-1]
            )
        return found
