"""What real resolvers do in each row of the matrix, all rows at once."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeVar

import dns.exception
import dns.flags
import dns.message
import dns.rcode
from dns.rdatatype import RdataType

from tests.lab.asking import query
from tests.lab.authorities import Authority, KnotServer, NamedServer
from tests.lab.chains import BOGUS, INSECURE, SECURE, Chain
from tests.lab.client import random_label
from tests.lab.laboratory import TLD_HOSTS, Lab
from tests.lab.matrix import (
    ALGORITHM_CHAINS,
    ANSWERS,
    COLUMNS,
    DIGEST_CHAINS,
    DOES_NOT_ANSWER,
    KEPT_SECONDS,
    LEFT,
    NEVER_LEFT,
    NS_TTL,
    RECORD_TTL,
    ROWS,
    STALE_TTL,
    ChainRow,
    Column,
    supported,
)
from tests.lab.operators import Operator
from tests.lab.parent import DELEGATION_TTL, new_keys, now
from tests.lab.resolvers import Resolver, UnboundCache
from tests.lab.zones import child, signed_zone, unsigned_zone
from zonekit.ds import make_ds
from zonekit.instants import SignatureValidity
from zonekit.keys import SigningKey
from zonekit.ttl import Ttl
from zonekit.zones import RRset, Zone

T = TypeVar("T")
Cells = dict[str, str]
"""What was seen, by the label of the column."""

OLD: Final = "192.0.2.1"
NEW: Final = "192.0.2.2"
LONG_TTL: Final = 600
_TRIES: Final = 3
_SLACK_SECONDS: Final = 3.0
_OVER_SECONDS: Final = 2.0
_PATIENCE_SECONDS: Final = 4.0
_PAUSE_SECONDS: Final = 0.2


@dataclass(frozen=True)
class Bench:
    """A laboratory with every column in it, four times over.

    Attributes:
        lab: the laboratory.
        plain: the resolvers as they are.
        minimum: with a least TTL.
        stale: using what has run out.
        behind: forwarding to a cache that does not validate.
        cache: that cache.
        operator: serves most domains.
        other: another operator.
    """

    lab: Lab
    plain: Mapping[str, Resolver]
    minimum: Mapping[str, Resolver]
    stale: Mapping[str, Resolver]
    behind: Mapping[str, Resolver]
    cache: Resolver
    operator: Operator[KnotServer]
    other: Operator[KnotServer]

    @classmethod
    def set_up(cls, lab: Lab) -> Bench:
        """Start all of it."""
        cache = lab.resolver("cache", UnboundCache)

        def started(
            what: str, settings: Callable[[Column], Mapping[str, str]], forward_to: Resolver | None = None
        ) -> dict[str, Resolver]:
            return {
                column.label: lab.resolver(
                    f"{number}-{what}", column.kind, {**column.settings, **settings(column)}, forward_to=forward_to
                )
                for number, column in enumerate(COLUMNS)
            }

        made = cls(
            lab=lab,
            plain=started("plain", lambda column: {}),
            minimum=started("minimum", lambda column: column.minimum),
            stale=started("stale", lambda column: column.stale),
            behind=started("behind", lambda column: {}, cache),
            cache=cache,
            operator=lab.operator("one", KnotServer),
            other=lab.operator("other", KnotServer),
        )
        for resolver in lab.resolvers.values():
            resolver.wait_until_ready()
        return made

    def observe(self) -> dict[str, Cells]:
        """What is seen in every row, by its name."""
        with ThreadPoolExecutor(len(ROWS)) as executor:
            seen = {row.name: executor.submit(self._observation(row.name)) for row in ROWS}
        return {name: each.result() for name, each in seen.items()}

    def _observation(self, name: str) -> Callable[[], Cells]:
        chains = {row.name: row.chain for row in ROWS if isinstance(row, ChainRow)}
        if name in chains:
            return lambda: self._judged(name, chains[name])
        return {
            "algorithms": lambda: self._supported("algorithm", ALGORITHM_CHAINS),
            "digests": lambda: self._supported("digest", DIGEST_CHAINS),
            "ds-replaced": self._after_ds_replaced,
            "ds-removed": self._after_ds_removed,
            # named gives its NS RRset along with every answer, and Knot does not.
            "ns-unchanged": lambda: self._leaving("ns-unchanged", KnotServer),
            "ns-along": lambda: self._leaving("ns-along", NamedServer),
            "parent-too": self._overlap,
            "expired-behind-cache": self._expired_behind_cache,
            "minimum-ttl": lambda: self._kept_for_minimum("minimum", secure=False),
            "minimum-ttl-signed": lambda: self._kept_for_minimum("minimum-signed", secure=True),
            "stale": self._kept_stale,
        }[name]

    # ---- chains of trust --------------------------------------------------------------------------------------------

    def _judged(self, label: str, chain: Chain) -> Cells:
        domain = child(label)
        zone, ds = chain.served(domain, self.operator.hosts)
        self.operator.load(zone)
        self.lab.parent.delegate(domain, self.operator.hosts, ds=ds)
        return {name: verdict(resolver, f"www.{domain}") for name, resolver in self.plain.items()}

    def _supported(self, what: str, chains: Mapping[int, Chain]) -> Cells:
        seen = {number: self._judged(f"{what}-{number}", chain) for number, chain in chains.items()}
        return {name: supported({number: seen[number][name] == SECURE for number in seen}) for name in self.plain}

    def _after_ds_replaced(self) -> Cells:
        """The cache has the DNSKEY RRset; the validators behind it have not seen it before."""
        domain = child("ds-replaced")
        keys = self._secure(domain)
        asked(self.cache, domain, "DNSKEY")
        others, new = signed_zone(self._zone(domain, serial=2), dnskey_ttl=LONG_TTL)
        self.operator.load(others)
        self.lab.parent.change_ds(domain, make_ds(new[:1], ttl=RECORD_TTL))
        old = make_ds(keys[:1], ttl=RECORD_TTL).rdatas
        return self._after_ds_change(self.behind, domain, lambda ds: bool(ds) and not set(ds) & set(old))

    def _after_ds_removed(self) -> Cells:
        domain = child("ds-removed")
        self._secure(domain)
        for resolver in self.plain.values():
            assert verdict(resolver, f"{random_label()}.wild.{domain}") == SECURE
            asked(resolver, domain, "DNSKEY")
        others = signed_zone(self._zone(domain, serial=2), dnskey_ttl=LONG_TTL)[0]
        self.lab.parent.change_ds(domain, None)
        self.operator.load(others)
        return self._after_ds_change(self.plain, domain, lambda ds: not ds)

    def _secure(self, domain: str) -> tuple[SigningKey, ...]:
        """A domain with a DS RRset that is kept for a second, and a DNSKEY RRset that is kept for long."""
        zone, keys = signed_zone(self._zone(domain), dnskey_ttl=LONG_TTL)
        self.operator.load(zone)
        ds = make_ds(keys[:1], ttl=RECORD_TTL)
        self.lab.parent.delegate(domain, self.operator.hosts, ds=ds, ns_ttl=LONG_TTL)
        return keys

    def _zone(
        self,
        domain: str,
        *,
        ttl: Ttl = RECORD_TTL,
        serial: int = 1,
        address: str = OLD,
        hosts: Sequence[str] = (),
    ) -> Zone:
        """Records that are kept for a second or few, and an NS RRset that is kept for long."""
        return unsigned_zone(
            domain,
            hosts or self.operator.hosts,
            ttl=ttl,
            ns_ttl=LONG_TTL,
            serial=serial,
            address=address,
            more=[RRset.from_text(name, ttl, "A", address) for pair in kept_names(domain) for name in pair],
        )

    def _after_ds_change(
        self, resolvers: Mapping[str, Resolver], domain: str, is_changed: Callable[[Sequence[bytes]], bool]
    ) -> Cells:
        """What they make of a name once they have the other DS records, or none."""

        def has_changed(resolver: Resolver) -> bool:
            answer = asked(resolver, domain, "DS")
            if answer is None or answer.rcode() != dns.rcode.NOERROR:
                return False
            ds = found_in(answer, "DS")
            return is_changed(ds.rdatas if ds else ())

        def cell(resolver: Resolver) -> str:
            resolver.wait(lambda: has_changed(resolver), f"has the old DS of {domain}")
            return verdict(resolver, f"{random_label()}.wild.{domain}")

        return at_each(resolvers, cell)

    # ---- who is asked -----------------------------------------------------------------------------------------------

    def _leaving(self, label: str, kind: type[Authority]) -> Cells:
        domain = child(label)
        staying = self.lab.operator(f"staying-{label}", kind)
        zone, keys = signed_zone(unsigned_zone(domain, staying.hosts, ttl=RECORD_TTL, ns_ttl=NS_TTL, address=OLD))
        staying.load(zone)
        moved = unsigned_zone(domain, self.other.hosts, ttl=RECORD_TTL, ns_ttl=NS_TTL, address=NEW)
        self.other.load(signed_zone(moved, keys)[0])
        self.lab.parent.delegate(domain, staying.hosts, ds=make_ds(keys[:1], ttl=DELEGATION_TTL), ns_ttl=NS_TTL)
        ends = threading.Event()

        def watch(resolver: Resolver) -> list[tuple[float, str | None]]:
            seen = []
            while not ends.is_set():
                asked(resolver, domain, "NS")
                before = time.monotonic()
                seen.append((before, address(resolver, f"{random_label()}.wild.{domain}")))
                time.sleep(_PAUSE_SECONDS)
            return seen

        bound = 2 * NS_TTL + _SLACK_SECONDS
        with ThreadPoolExecutor(len(self.plain)) as executor:
            seen = {label: executor.submit(watch, resolver) for label, resolver in self.plain.items()}
            try:
                time.sleep(2 * NS_TTL)
                self.lab.parent.change_ns(domain, self.other.hosts, ttl=NS_TTL)
                changed = time.monotonic()
                time.sleep(2 * bound)
            finally:
                ends.set()

        def cell(answers: list[tuple[float, str | None]]) -> str:
            assert answers[0][1] == OLD
            assert answers[-1][0] > changed + bound
            last_old = max(instant for instant, given in answers if given == OLD)
            if last_old < changed + bound:
                return LEFT
            return NEVER_LEFT if answers[-1][1] == OLD else f"left after {last_old - changed:.0f} s"

        return {label: cell(each.result()) for label, each in seen.items()}

    def _overlap(self) -> Cells:
        """The gaining operator's servers are the TLD's, and nobody has been told of them."""
        domain = child("parent-too")
        zone, keys = signed_zone(unsigned_zone(domain, self.operator.hosts, ttl=RECORD_TTL, address=OLD))
        self.operator.load(zone)
        self.lab.parent.delegate(domain, self.operator.hosts, ds=make_ds(keys[:1], ttl=DELEGATION_TTL))
        coming = signed_zone(unsigned_zone(domain, TLD_HOSTS, ttl=RECORD_TTL, address=NEW), keys)[0]
        for server in self.lab.parent.servers:
            server.load(coming)
        got = {name: address(resolver, f"www.{domain}") == NEW for name, resolver in self.plain.items()}
        return {name: ANSWERS if is_so else DOES_NOT_ANSWER for name, is_so in got.items()}

    # ---- what is kept -----------------------------------------------------------------------------------------------

    def _expired_behind_cache(self) -> Cells:
        """The operator has signed anew, and the cache has the records from before."""
        domain = child("expired-behind-cache")
        before = now() - timedelta(days=9)
        unsigned = unsigned_zone(domain, self.operator.hosts, ttl=LONG_TTL)
        fresh, keys = signed_zone(unsigned_zone(domain, self.operator.hosts, ttl=LONG_TTL, serial=2))
        # Expired for two days: Unbound goes on for a tenth of the validity, a day at most.
        expired = SignatureValidity(inception=before, expiration=before + timedelta(days=7))
        self.operator.load(signed_zone(unsigned, keys, valid=expired)[0])
        self.lab.parent.delegate(domain, self.operator.hosts, ds=make_ds(keys[:1], ttl=DELEGATION_TTL))
        asked(self.cache, f"www.{domain}", "A")
        self.operator.load(fresh)
        assert verdict(self.plain["named"], f"www.{domain}") == SECURE
        return {name: verdict(resolver, f"www.{domain}") for name, resolver in self.behind.items()}

    def _kept_for_minimum(self, label: str, *, secure: bool) -> Cells:
        """The operator changes the records."""
        domain = child(label)
        keys = new_keys(domain)
        serials = itertools.count(1)

        def serve(given: str) -> None:
            zone = self._zone(domain, serial=next(serials), address=given)
            self.operator.load(signed_zone(zone, keys)[0] if secure else zone)

        serve(OLD)
        ds = make_ds(keys[:1], ttl=LONG_TTL) if secure else None
        self.lab.parent.delegate(domain, self.operator.hosts, ds=ds, ns_ttl=LONG_TTL)
        return kept(
            self.minimum, domain, RECORD_TTL, KEPT_SECONDS, arrange=lambda: serve(OLD), change=lambda: serve(NEW)
        )

    def _kept_stale(self) -> Cells:
        """The operator's servers stop."""
        domain = child("stale")
        going = self.lab.operator("going", KnotServer)
        zone, keys = signed_zone(self._zone(domain, ttl=STALE_TTL, hosts=going.hosts), dnskey_ttl=LONG_TTL)
        going.load(zone)
        self.lab.parent.delegate(domain, going.hosts, ds=make_ds(keys[:1], ttl=LONG_TTL), ns_ttl=LONG_TTL)

        def start() -> None:
            for server in going.servers:
                server.restart()
            going.wait_for_serial(zone.origin, zone.serial)

        return kept(
            self.stale,
            domain,
            STALE_TTL,
            STALE_TTL + KEPT_SECONDS,
            arrange=start,
            change=going.stop,
            asked_throughout=[column.label for column in COLUMNS if column.stale_from_question],
        )


def kept_names(domain: str) -> list[tuple[str, str]]:
    """A pair of names for each try; none that a wildcard makes, for those come out of what is kept of the wildcard."""
    return [(f"early{number}.{domain}", f"late{number}.{domain}") for number in range(_TRIES)]


def kept(
    resolvers: Mapping[str, Resolver],
    domain: str,
    ttl: Ttl,
    seconds: int,
    *,
    arrange: Callable[[], None],
    change: Callable[[], None],
    asked_throughout: Collection[str] = (),
) -> Cells:
    """How long resolvers keep a record beyond its TTL: so many seconds, or less, or more.

    Two names are asked for before the change, and each once more: the first when its TTL is over, the second when it must
    be gone, and all the time until then where ``asked_throughout`` has the resolver's label. Where the machine was too slow
    for the first to tell anything, all is done again.
    """
    for early, late in kept_names(domain):
        arrange()
        first = time.monotonic()
        for resolver in resolvers.values():
            for name in (early, late):
                assert address(resolver, name) == OLD, f"{name}\n{resolver.log_tail()}"
        last = time.monotonic()
        change()
        with ThreadPoolExecutor(len(resolvers)) as executor:
            then = {
                label: executor.submit(
                    _found_throughout if label in asked_throughout else _found_at,
                    last + seconds + _OVER_SECONDS,
                    resolver,
                    late,
                )
                for label, resolver in resolvers.items()
            }
            sleep_until(last + ttl + _OVER_SECONDS)
            may_be_gone = first + seconds - 1
            in_time = time.monotonic() + _PATIENCE_SECONDS < may_be_gone
            still = at_each(resolvers, _finding(early, until=may_be_gone))
        if in_time or set(still.values()) == {OLD}:
            return {label: _kept(seconds, still[label], then[label].result()) for label in resolvers}
    raise AssertionError(f"in {_TRIES} tries the machine was too slow to tell how long {domain} is kept")


def _finding(name: str, *, until: float) -> Callable[[Resolver], str | None]:
    def find(resolver: Resolver) -> str | None:
        while (found := address(resolver, name)) != OLD and time.monotonic() < until:
            time.sleep(_PAUSE_SECONDS)
        return found

    return find


def _found_at(instant: float, resolver: Resolver, name: str) -> str | None:
    sleep_until(instant)
    return address(resolver, name)


def _found_throughout(until: float, resolver: Resolver, name: str) -> str | None:
    while time.monotonic() < until:
        address(resolver, name)
        time.sleep(_PAUSE_SECONDS)
    return address(resolver, name)


def _kept(seconds: int, still: str | None, then: str | None) -> str:
    if still != OLD:
        return f"less than {seconds} s"
    return f"more than {seconds} s" if then == OLD else f"{seconds} s"


def sleep_until(instant: float) -> None:
    """Wait until the monotonic clock says so."""
    time.sleep(max(0.0, instant - time.monotonic()))


def observed(directory: Path) -> dict[str, Cells]:
    """What is seen in every row, in a laboratory of its own.

    Raises:
        NoAddresses: port 53 cannot be bound on loopback.
    """
    with Lab.started(directory, resolvers={}) as lab:
        try:
            return Bench.set_up(lab).observe()
        except BaseException:
            print(lab.log_tails())
            raise


# ---- asking ---------------------------------------------------------------------------------------------------------


def asked(resolver: Resolver, name: str, rdtype: str, *, checking: bool = True) -> dns.message.Message | None:
    """What a resolver answers, or None where it does not."""
    for _ in range(_TRIES):
        with suppress(dns.exception.Timeout, OSError):
            return query(resolver.address, name, rdtype, checking=checking)
    return None


def verdict(resolver: Resolver, name: str) -> str:
    """What a resolver makes of an address that is there."""
    answer = asked(resolver, name, "A")
    assert answer is not None, resolver.log_tail()
    if answer.rcode() == dns.rcode.SERVFAIL:
        unchecked = asked(resolver, name, "A", checking=False)
        assert unchecked is not None and unchecked.answer, f"{name} is not found at all\n{resolver.log_tail()}"
        return BOGUS
    assert answer.rcode() == dns.rcode.NOERROR and answer.answer, f"{answer}\n{resolver.log_tail()}"
    return SECURE if answer.flags & dns.flags.AD else INSECURE


def found_in(answer: dns.message.Message, rdtype: str) -> RRset | None:
    """The RRset of this type in an answer."""
    sought = RdataType.make(rdtype)
    return next((RRset.from_dnspython(rrset) for rrset in answer.answer if rrset.rdtype == sought), None)


def address(resolver: Resolver, name: str) -> str | None:
    """The one address that a resolver finds."""
    answer = asked(resolver, name, "A")
    rrset = found_in(answer, "A") if answer else None
    return rrset.text().split()[-1] if rrset else None


def at_each(resolvers: Mapping[str, Resolver], cell: Callable[[Resolver], T]) -> dict[str, T]:
    """The cell of every resolver, seen at the same time."""
    with ThreadPoolExecutor(len(resolvers)) as executor:
        return dict(zip(resolvers, executor.map(cell, resolvers.values()), strict=True))
