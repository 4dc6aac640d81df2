"""What a step waits for: what has to have left the caches, counted from when, with which TTL and by which rule.

Each kind of resolver is waited for by itself, for one may keep what it has for longer, and another leave later. The waits
are those of the exact cache model, as formulas; a test holds the two together to the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from zonekit.errors import PlanError
from zonekit.instants import instant_text
from zonekit.transfer.caches import holds_like
from zonekit.transfer.facts import Facts
from zonekit.transfer.intervals import (
    dnskey_retirement_interval,
    ds_publication_interval,
    ds_retirement_interval,
    zsk_publication_interval,
    zsk_retirement_interval,
)
from zonekit.transfer.ledger import Record
from zonekit.transfer.profiles import NsRule, ResolverProfile
from zonekit.transfer.steps import Effect, Step, WaitFor
from zonekit.transfer.timelines import Event, leads_to
from zonekit.transfer.versions import Source
from zonekit.ttl import Ttl, duration_text

_NOTHING: Final = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Something a step waits for.

    Attributes:
        since: the event from which it is counted.
        counted_from: that instant.
        interval: how long it takes from there.
        record: what has to leave the caches.
        rule: who says so.
    """

    since: str
    counted_from: datetime
    interval: timedelta
    record: str
    rule: str

    @property
    def until(self) -> datetime:
        """When it is over."""
        return self.counted_from + self.interval

    def __str__(self) -> str:
        return (
            f"{self.record}: {duration_text(self.interval)} from {self.since} at {instant_text(self.counted_from)}"
            f" ({self.rule})"
        )


class UnderWay:
    """What has been dated so far, and the waits that follow from it: each kind of resolver has its own."""

    def __init__(self, facts: Facts, profiles: Iterable[ResolverProfile]) -> None:
        self.events: dict[str, Event] = {}
        self._of: dict[Effect, tuple[Step, Event]] = {}
        alike = {(holds_like(profile), profile.trusts_proven_keys): profile for profile in profiles}
        self._resolvers = [_Resolver(facts, profile, self.events, self._of) for profile in alike.values()]

    def note(self, step: Step, event: Event) -> None:
        """Take note of a step that is dated."""
        self.events[step.id] = event
        if step.effect is not None:
            self._of[step.effect] = (step, event)

    def waits(self, step: Step) -> tuple[Wait, ...]:
        """Return the waits of a step, the longest first; of those that differ by resolver alone the longest."""
        longest: dict[tuple[str, str], Wait] = {}
        for resolver in self._resolvers if step.waits else ():
            for wait in resolver.waits(step):
                known = longest.get((wait.record, wait.since))
                if known is None or wait.until > known.until:
                    longest[wait.record, wait.since] = wait
        return tuple(sorted(longest.values(), key=lambda wait: wait.until, reverse=True))


class _Resolver:
    """The waits for one kind of resolver."""

    def __init__(
        self,
        facts: Facts,
        profile: ResolverProfile,
        events: Mapping[str, Event],
        of: Mapping[Effect, tuple[Step, Event]],
    ) -> None:
        self._facts, self._profile, self._events, self._of = facts, profile, events, of
        # Servers that others share with the losing zone are asked for it for as long as they have it.
        self._is_shared = any(overlap.answers is Source.LOSING for overlap in facts.shared_servers)
        self._sticky = profile.ns_rule is NsRule.STICKY
        self._left: datetime | None = None

    def waits(self, step: Step) -> Iterator[Wait]:
        """Yield what a step waits for."""
        for wait_for in step.waits:
            yield from _WAITS[wait_for](self)

    def _kept(self, ttl: int) -> int:
        """How long, in seconds, it keeps what it got with this TTL."""
        return self._profile.kept(ttl)

    # -- one method for each thing waited for

    def losing_dnskey_merged(self) -> Iterator[Wait]:
        """The losing DNSKEY RRset without the gaining keys leaves the caches."""
        margin, rule = self._facts.timing.publish_safety, "RFC 7583 section 3.2.1"
        record, ttl = "losing DNSKEY RRset without the gaining keys", self._facts.losing.dnskey_ttl
        merged = Effect.GAINING_KEYS_AT_LOSING
        yield from self._observed(Source.LOSING, Record.DNSKEY, margin, rule, self._done(merged))
        if self._lowered(ttl) == ttl or self._done(Effect.TTLS_LOWERED) >= self._done(merged):
            yield self._wait_after(merged, record, zsk_publication_interval(_NOTHING, self._kept(ttl)) + margin, rule)
            return
        # It was lowered before: the old TTL ran out from then on.
        interval = zsk_publication_interval(_NOTHING, self._kept(self._lowered(ttl))) + margin
        yield self._wait_after(merged, record, interval, rule)
        yield from self._before_lowering(f"{record}, as it was", ttl, margin, rule)

    def gaining_dnskey_merged(self) -> Iterator[Wait]:
        """The gaining DNSKEY RRset without the losing keys is given by no server; no cache can have it yet."""
        yield self._wait_after(
            Effect.LOSING_KEYS_AT_GAINING,
            "gaining DNSKEY RRset without the losing keys",
            _NOTHING,
            "RFC 6781 section 4.3.5.1",
        )

    def both_ds(self) -> Iterator[Wait]:
        """The DS RRset without the gaining DS leaves the caches."""
        margin = self._facts.timing.publish_safety
        yield self._wait_after(
            Effect.DS_ADDED,
            "DS RRset without the gaining DS",
            ds_publication_interval(_NOTHING, self._kept(self._facts.parent.ds_ttl)) + margin,
            "RFC 7583 section 3.3.2",
        )
        yield from self._observed(
            Source.PARENT, Record.DS, margin, "RFC 7583 section 3.3.2", self._done(Effect.DS_ADDED)
        )

    def no_ds(self) -> Iterator[Wait]:
        """The DS RRset leaves the caches, and then the keys that it proved where those are trusted on."""
        if not self._facts.may_be_secure:
            return  # an island of security (RFC 4033 section 2), for which no DS is waited
        margin = self._facts.timing.retire_safety
        trusts = self._profile.trusts_proven_keys
        trust = timedelta(seconds=self._kept(self._facts.losing.dnskey_ttl)) if trusts else _NOTHING
        rule = "RFC 6781 section 4.3.5.2"
        removed = self._done(Effect.ALL_DS_REMOVED) if Effect.ALL_DS_REMOVED in self._of else None
        by_ds = [*self._observed(Source.PARENT, Record.DS, _NOTHING, rule, removed)]
        if self._facts.parent.ds:
            kept = ds_retirement_interval(_NOTHING, self._kept(self._facts.parent.ds_ttl))
            by_ds.append(self._wait_after(Effect.ALL_DS_REMOVED, "DS RRset", kept, rule))
        for wait in by_ds:
            yield replace(wait, interval=wait.interval + trust + margin)
        if trusts and by_ds:
            last = max(wait.until for wait in by_ds)  # what is fetched later is proven by nothing
            yield from self._observed(Source.LOSING, Record.DNSKEY, margin, rule, last)

    def losing_unreachable(self) -> Iterator[Wait]:
        """It leaves the losing servers, for good when the last wait is over."""
        waits = tuple(self._led_to_losing())
        self._left = max(wait.until for wait in waits)
        yield from waits

    def _led_to_losing(self) -> Iterator[Wait]:
        """What leads to the losing servers goes: the parent's NS RRset, the losing zone's own, and addresses."""
        facts, margin = self._facts, self._facts.timing.retire_safety
        merges = Effect.GAINING_KEYS_AT_LOSING in self._of
        rule = "RFC 6781 section 4.3.5.1" if merges else "RFC 6781 section 4.3.5.2"
        changed = self._of.get(Effect.NS_AT_LOSING)
        if changed is None:
            self._check_that_resolvers_leave()
        led = [*self._led_by_parent(rule), *self._led_by_shared_servers(rule)]
        yield from (replace(wait, interval=wait.interval + margin) for wait in led)
        # A resolver takes what the losing zone names while it is led there, and no longer than that is served.
        since, last = "the last referral", max(wait.until for wait in led)
        stays = self._sticky or self._is_shared or facts.servers_that_stay
        if changed is not None and (stays or changed[1].completed < last):
            since, last = changed[0].id, changed[1].completed
        if leads_to(facts, Source.LOSING):
            yield from self._observed(Source.LOSING, Record.NS, margin, rule, last)
            yield from self._before_lowering(
                "losing NS RRset as it was", facts.losing.ns_ttl, margin, rule, (since, last)
            )
            kept = timedelta(seconds=self._kept(self._lowered(facts.losing.ns_ttl)))
            yield _wait(since, last, kept + margin, "losing NS RRset", rule)
        if facts.servers_that_stay and facts.losing.address_ttl is not None:
            kept = timedelta(seconds=self._kept(facts.losing.address_ttl))
            yield _wait(since, last, kept + margin, "addresses of the losing name servers in the zone", rule)
            yield from self._observed(Source.LOSING, Record.ADDRESS, margin, rule, last)

    def _led_by_parent(self, rule: str) -> Iterator[Wait]:
        facts, changed = self._facts, self._done(Effect.NS_AT_PARENT)
        if leads_to(facts, Source.LOSING):
            kept = timedelta(seconds=self._kept(facts.parent.ns_ttl))
            yield self._wait_after(Effect.NS_AT_PARENT, "parent's NS RRset", kept, rule)
            yield from self._observed(Source.PARENT, Record.NS, _NOTHING, rule, changed)
        if facts.servers_that_stay and facts.parent.glue_ttl is not None:
            kept = timedelta(seconds=self._kept(facts.parent.glue_ttl))
            what = "addresses of the losing name servers at the parent"
            yield self._wait_after(Effect.NS_AT_PARENT, what, kept, rule)
            yield from self._observed(Source.PARENT, Record.ADDRESS, _NOTHING, rule, changed)

    def _led_by_shared_servers(self, rule: str) -> Iterator[Wait]:
        """Who asks for the gaining zone where it is not loaded yet gets the losing one."""
        overlaps = self._facts.shared_servers
        if any(overlap.answers is Source.GAINING for overlap in overlaps):
            yield self._wait_after(Effect.SHARED_SERVE, "losing zone on the shared servers", _NOTHING, rule)

    def _check_that_resolvers_leave(self) -> None:
        """Where the losing zone goes on naming its own servers, nothing else may hold resolvers there."""
        domain = self._facts.domain
        if self._is_shared:
            raise PlanError(
                f"{domain}: shared servers lead resolvers to the losing ones until they drop the losing zone",
                remedy="drop it from them before the transfer, or have the losing operator change its own NS RRset",
            )
        if self._sticky:
            raise PlanError(
                f"{domain}: a resolver that never leaves a child which goes on naming itself stays at the losing servers"
                " for ever",
                remedy="have the losing operator change its own NS RRset, or plan without such profiles",
            )
        if self._facts.servers_that_stay:
            raise PlanError(
                f"{domain}: name servers keep their names, and a losing zone that goes on giving their old addresses keeps"
                " resolvers for ever",
                remedy="have the losing operator change these addresses, or give the gaining name servers other names",
            )

    def losing_dnskey_gone(self) -> Iterator[Wait]:
        """Every DNSKEY RRset of the losing operator leaves the caches."""
        margin, ttl = self._facts.timing.retire_safety, self._facts.losing.dnskey_ttl
        rule, last = "RFC 7583 section 3.3.2", self._last_asked
        yield from self._observed(Source.LOSING, Record.DNSKEY, margin, rule, last[1])
        yield from self._before_lowering("losing DNSKEY RRset as it was", ttl, margin, rule, last)
        interval = dnskey_retirement_interval(_NOTHING, self._kept(self._lowered(ttl))) + margin
        yield _wait(*last, interval, "losing DNSKEY RRset", rule)

    def losing_data_gone(self) -> Iterator[Wait]:
        """All data of the losing operator leaves the caches."""
        margin, losing = self._facts.timing.retire_safety, self._facts.losing
        rule, last = "RFC 7583 section 3.2.1", self._last_asked
        for record in (Record.NS, Record.ADDRESS, Record.DATA):
            yield from self._observed(Source.LOSING, record, margin, rule, last[1])
        yield from self._before_lowering("losing NS RRset as it was", losing.ns_ttl, margin, rule, last)
        ttl = max(losing.largest_ttl, self._lowered(losing.ns_ttl))
        interval = zsk_retirement_interval(_NOTHING, _NOTHING, self._kept(ttl)) + margin
        yield _wait(*last, interval, "data of the losing operator", rule)

    # -- how a wait is made

    @property
    def _last_asked(self) -> tuple[str, datetime]:
        """The event from which on it asks the losing servers no more, and when that is."""
        left = self._left
        assert left is not None  # every flow waits for that before it waits for what it leaves behind
        stopped = self._events.get("losing-stopped")
        if self._is_shared and stopped is not None and stopped.completed > left:
            return "losing-stopped", stopped.completed
        return "losing-unreachable", left

    def _done(self, effect: Effect) -> datetime:
        """When a change was on every server."""
        return self._of[effect][1].completed

    def _lowered(self, ttl: Ttl) -> Ttl:
        """The TTL of a losing NS or DNSKEY RRset since it was lowered, where it was."""
        return self._facts.lowered(ttl) if Effect.TTLS_LOWERED in self._of else ttl

    def _before_lowering(
        self, record: str, ttl: Ttl, margin: timedelta, rule: str, last: tuple[str, datetime] | None = None
    ) -> Iterator[Wait]:
        """The wait for a losing RRset with the TTL that it had before it was lowered, where it was, if not left before.

        Where it was left before it does not rest on the lowering, which may never come.
        """
        if self._lowered(ttl) < ttl:
            wait = self._wait_after(Effect.TTLS_LOWERED, record, timedelta(seconds=self._kept(ttl)) + margin, rule)
            if last is not None and wait.counted_from > last[1]:
                wait = replace(wait, since=last[0], counted_from=last[1])
            yield wait

    def _wait_after(self, effect: Effect, record: str, interval: timedelta, rule: str) -> Wait:
        """A wait that is counted from when a change was on every server."""
        if effect not in self._of:
            raise PlanError(
                f"{self._facts.domain}: nothing in this flow makes the {record} go", remedy="plan with a whole flow"
            )
        step, event = self._of[effect]
        return _wait(step.id, event.completed, interval, record, rule)

    def _observed(
        self, source: Source, record: Record, margin: timedelta, rule: str, last: datetime | None
    ) -> Iterator[Wait]:
        """Waits for what was served before, with the TTLs it had then, and was fetched until ``last`` at most, if given."""
        for ttl, until in self._facts.ledger.of(source, record):
            what = f"{record.value} of the {source.value} side with a TTL of {duration_text(ttl)}"
            interval = timedelta(seconds=self._kept(ttl)) + margin
            yield _wait(
                "the first look that showed another", until if last is None else min(until, last), interval, what, rule
            )


def _wait(since: str, counted_from: datetime, interval: timedelta, record: str, rule: str) -> Wait:
    return Wait(since=since, counted_from=counted_from, interval=interval, record=record, rule=rule)


_WAITS: Final[Mapping[WaitFor, Callable[[_Resolver], Iterator[Wait]]]] = MappingProxyType(
    {
        WaitFor.LOSING_DNSKEY_MERGED: _Resolver.losing_dnskey_merged,
        WaitFor.GAINING_DNSKEY_MERGED: _Resolver.gaining_dnskey_merged,
        WaitFor.BOTH_DS: _Resolver.both_ds,
        WaitFor.NO_DS: _Resolver.no_ds,
        WaitFor.LOSING_UNREACHABLE: _Resolver.losing_unreachable,
        WaitFor.LOSING_DNSKEY_GONE: _Resolver.losing_dnskey_gone,
        WaitFor.LOSING_DATA_GONE: _Resolver.losing_data_gone,
    }
)
