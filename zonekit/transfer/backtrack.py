"""The steps that lead back: laid one after the other after what has happened, each with the waits that make it safe.

What is in the way of answers from the losing servers goes first and is waited for: a DS by which they are not proven,
signatures of theirs that expire. What was taken away is put back. Then the NS lead back, and what the gaining side added
goes last. Where nothing was merged, the domain is insecure from when the losing DS goes until the gaining one comes, and
on the way back until no cache has anything of the gaining operator: only then the losing DS comes back.

Each wait is read off the exact cache model: it lasts until no cache holds what the step would clash with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from zonekit.errors import PlanError
from zonekit.instants import instant_text
from zonekit.transfer.amendments import Amendments
from zonekit.transfer.caches import counted_entries, held, holds_like
from zonekit.transfer.capabilities import is_able
from zonekit.transfer.parties import Capability
from zonekit.transfer.plan import Plan, PlannedStep, check_date, duration
from zonekit.transfer.profiles import ResolverProfile
from zonekit.transfer.spans import Seconds, instant_of, intersection, lasting, union
from zonekit.transfer.steps import Actor, Effect, Step
from zonekit.transfer.timelines import Event, ds_with_gaining, leads_to, schedule_of
from zonekit.transfer.versions import (
    AddressVersion,
    DataVersion,
    DnskeyVersion,
    DsVersion,
    NsVersion,
    Schedule,
    Source,
    Version,
    is_expiring,
)
from zonekit.transfer.waits import Wait
from zonekit.ttl import Ttl

_NOTHING: Final = timedelta(0)
_IS_INSECURE: Final = "RFC 6781 section 4.3.5.2"


def merges(plan: Plan) -> bool:
    """Return whether the operators of a plan publish each other's keys."""
    return any(planned.step.effect is Effect.GAINING_KEYS_AT_LOSING for planned in plan.steps)


def was_opened(effects: Set[Effect | None]) -> bool:
    """Return whether resolvers may have come to the gaining servers when this has taken place."""
    return not effects.isdisjoint((Effect.NS_AT_PARENT, Effect.NS_AT_LOSING, Effect.SHARED_SERVE))


def steps_back(
    plan: Plan, begun: Set[str], turned_at: datetime, events: Mapping[str, Event]
) -> tuple[tuple[PlannedStep, ...], Schedule]:
    """Return the steps back, and all that is served from before the transfer to after them.

    Args:
        plan: the transfer that is broken off.
        begun: the ids of its steps that had begun, which are let finish.
        turned_at: the instant at which it is broken off.
        events: what has really happened since, by step.

    Raises:
        PlanError: signatures expire that the losing operator cannot renew, a profile never leaves the gaining servers, or a
            date would lie beyond 2106.
    """
    backtrack = _Backtrack(plan, begun, turned_at, events)
    backtrack.begin()
    backtrack.put_back()
    backtrack.lead_back()
    backtrack.take_away()
    return tuple(backtrack.steps.values()), backtrack.served.schedule


class _Backtrack:
    """The steps back in the making, and what is served."""

    def __init__(self, plan: Plan, begun: Set[str], turned_at: datetime, events: Mapping[str, Event]) -> None:
        so_far = [planned for planned in plan.steps if planned.id in begun]
        self._plan = plan
        self._begun = begun
        self._facts = plan.facts
        self._turned_at = turned_at
        self._recorded = events
        self._effects = {planned.step.effect for planned in so_far}
        self._settled = max([turned_at, *[planned.completed for planned in so_far if planned.step.effect is not None]])
        self._merges = merges(plan)
        self._opened = was_opened(self._effects)
        self._opens_by_serving = any(overlap.answers is Source.LOSING for overlap in plan.facts.shared_servers)
        happened = {planned.id: Event(planned.started, planned.completed) for planned in so_far}
        self.served = Amendments(schedule_of(plan.facts, [planned.step for planned in plan.steps], happened))
        self.steps: dict[str, PlannedStep] = {}

    # -- first of all

    def begin(self) -> None:
        """Let finish what has begun, have signatures renewed that expire, and remove a DS that fits nothing losing."""
        self._lay(
            Step(
                id="transfer-stopped",
                actor=Actor.BOTH,
                action="begin no further step of the transfer, call off a change of registrar that is pending, and let finish"
                " what has begun to change what is served",
                confirmed_by="both operators say so",
            ),
            completed=self._settled,
        )
        if self._facts.losing.signatures_expire is not None and self._facts.losing.is_signed and self._facts.parent.ds:
            self._renew_signatures(self._facts.losing.signatures_expire)
        if Effect.DS_ADDED in self._effects and not self._merges:
            self._remove_gaining_ds(after=("transfer-stopped",), waits=())

    def _renew_signatures(self, limit: datetime) -> None:
        facts = self._facts
        if Capability.RE_SIGN not in facts.losing.can:
            raise PlanError(
                f"{facts.domain}: there is no way back: signatures of the losing operator expire at {instant_text(limit)},"
                " and it cannot sign its zone anew",
                remedy="go on with the transfer, or have the losing operator renew its signatures",
                rule="RFC 4035 section 5.3.1",
            )
        self._lay(
            Step(
                id="losing-signatures-renewed",
                actor=Actor.LOSING,
                action="sign its zone anew, and go on doing so",
                confirmed_by="every losing server gives new signatures, and the operator says that it renews them",
            ),
            lasts=facts.losing.propagation_delay,
            change=lambda event: self.served.renew_signatures(Source.LOSING, event),
        )

    # -- what the losing side needs before a resolver is led to it again

    def put_back(self) -> None:
        """Put back what was taken away from the losing side."""
        if Effect.LOSING_DS_REMOVED in self._effects:
            self._restore_losing_ds(after=("transfer-stopped",), waits=())
        if Effect.LOSING_KEYS_WITHDRAWN in self._effects:
            self._restore_losing_keys()
        if Effect.LOSING_STOPS in self._effects:
            self._serve_again()
        if Effect.NS_AT_LOSING in self._effects:
            self._lay(
                Step(
                    id="losing-ns-restored",
                    actor=Actor.LOSING,
                    action="change the apex NS RRset of the losing zone back to its own servers",
                    after=("transfer-stopped", *self._renewal_first(), *self._laid("losing-serves-again")),
                    confirmed_by="every losing server names the losing servers",
                ),
                lasts=self._facts.losing.propagation_delay,
                change=lambda event: self._lead(Source.LOSING, event),
            )

    def _restore_losing_ds(self, *, after: tuple[str, ...], waits: Iterable[Wait]) -> None:
        parent = self._facts.parent
        steps = [planned.step for planned in self._plan.steps]
        entries = ds_with_gaining(self._facts, steps, parent.ds) if self._merges else parent.ds
        where = (
            " again, of each digest type that stood beside the gaining one"
            if self._merges
            else " again: the domain is secure as it was"
        )
        confirmed = "both DS records" if self._merges else "the losing DS"
        record = "DS of both operators again" if self._merges else "DS of the losing operator again"

        def restored(ds: DsVersion) -> DsVersion:
            return replace(ds, record=record, entries=ds.entries | entries, ttl=parent.ds_ttl)

        self._lay(
            Step(
                id="losing-ds-restored",
                actor=self._parent_actor(),
                action=f"add the losing DS at the parent{where}",
                after=after,
                confirmed_by=f"every server of the parent gives {confirmed}",
            ),
            lasts=self._at_parent(),
            waits=waits,
            change=lambda event: self.served.change(DsVersion, Source.PARENT, event, restored),
        )

    def _restore_losing_keys(self) -> None:
        keys, record = self._facts.losing.keys_for_others, "DNSKEY of the gaining operator with the losing keys again"

        def restored(dnskey: DnskeyVersion) -> DnskeyVersion:
            return replace(dnskey, record=record, keys=dnskey.keys | keys)

        self._lay(
            Step(
                id="losing-keys-restored",
                actor=Actor.GAINING,
                action="publish the losing keys in the gaining zone again and re-sign its DNSKEY RRset",
                after=("transfer-stopped",),
                confirmed_by="every gaining server gives the merged DNSKEY RRset",
            ),
            lasts=self._facts.gaining.propagation_delay,
            change=lambda event: self.served.change(DnskeyVersion, Source.GAINING, event, restored),
        )

    def _serve_again(self) -> None:
        # On servers that it shares with others, loading the zone is what leads resolvers to it.
        first = ("losing-ds-restored", "losing-keys-restored", "gaining-ds-removed") if self._opens_by_serving else ()
        self._lay(
            Step(
                id="losing-serves-again",
                actor=Actor.LOSING,
                action="load the losing zone again on all its servers" + ", with the gaining keys in it" * self._merges,
                after=("transfer-stopped", *self._renewal_first(), *self._laid(*first)),
                confirmed_by="every losing server answers for the zone",
            ),
            lasts=self._facts.losing.propagation_delay,
            waits=self._fits_losing() if self._opens_by_serving else (),
            change=lambda event: self.served.serve(Source.LOSING, event),
        )

    # -- the NS

    def lead_back(self) -> None:
        """Have the NS lead to the losing servers once every cache fits what those serve."""
        ready = (
            "transfer-stopped",
            *self._renewal_first(),
            *self._laid("losing-ns-restored", "losing-serves-again", "losing-ds-restored", "losing-keys-restored"),
            *(() if self._merges else self._laid("gaining-ds-removed")),
        )
        if Effect.NS_AT_PARENT in self._effects:
            self._lay(
                Step(
                    id="ns-restored",
                    actor=self._parent_actor(),
                    action="change the NS RRset at the parent back to the losing servers",
                    after=ready,
                    confirmed_by="every server of the parent names the losing servers",
                ),
                lasts=self._at_parent(),
                waits=self._fits_losing(),
                change=lambda event: self._lead(Source.PARENT, event),
            )
        if self._opened and is_able(self._facts.gaining, Capability.CHANGE_NS):
            self._lay(
                Step(
                    id="gaining-ns-changed",
                    actor=Actor.GAINING,
                    action="change the apex NS RRset of the gaining zone to the losing servers",
                    after=ready,
                    confirmed_by="every gaining server names the losing servers",
                ),
                lasts=self._facts.gaining.propagation_delay,
                waits=self._fits_losing(),
                change=lambda event: self._lead(Source.GAINING, event),
            )
        if self._opened:
            self._lay(
                Step(
                    id="gaining-unreachable",
                    actor=Actor.NOBODY,
                    action="wait until no NS RRset leads to the gaining servers",
                    after=(*ready, *self._laid("ns-restored", "gaining-ns-changed")),
                    confirmed_by="the time",
                ),
                waits=self._gone(_leads_to_gaining, _NOTHING, "RFC 6781 section 4.3.5.1"),
            )

    def _lead(self, source: Source, event: Event) -> None:
        """Have the NS of a source lead to the losing servers, and the addresses of those that stay."""
        where = "at the parent" if source is Source.PARENT else f"of the {source.value} operator"
        record, named = f"NS {where}, back to losing", leads_to(self._facts, Source.LOSING)
        back = f"addresses of the name servers that stay {where}, back to losing"
        self.served.change(NsVersion, source, event, lambda ns: replace(ns, record=record, leads_to=named))
        self.served.change(
            AddressVersion, source, event, lambda each: replace(each, record=back, leads_to=Source.LOSING)
        )

    # -- what the gaining side added

    def take_away(self) -> None:
        """Have what the gaining side added go when nothing in a cache needs it, and the domain be as it was."""
        facts = self._facts
        after = ("transfer-stopped", *self._laid("gaining-unreachable"))
        if Effect.GAINING_SERVES in self._effects:
            self._lay(
                Step(
                    id="gaining-stopped",
                    actor=Actor.GAINING,
                    action="stop answering for the zone",
                    after=after,
                    confirmed_by="the gaining servers refuse queries for the zone",
                ),
                lasts=facts.gaining.propagation_delay,
                change=lambda event: self.served.stop(Source.GAINING, event),
            )
        if Effect.DS_ADDED in self._effects and self._merges:
            self._remove_gaining_ds(after=after, waits=self._gaining_keys_gone())
        if Effect.GAINING_KEYS_AT_LOSING in self._effects:
            self._withdraw_gaining_keys(after=after, waits=self._gaining_data_gone())
        if Effect.ALL_DS_REMOVED in self._effects and facts.parent.ds:
            self._restore_losing_ds(
                after=(*after, *self._laid("gaining-ds-removed")),
                waits=[*self._gaining_keys_gone(), *self._gaining_data_gone(), *self._expired_gone()],
            )
        if Effect.TTLS_LOWERED in self._effects:
            before = ("losing-signatures-renewed", "gaining-stopped", "gaining-ds-removed", "gaining-keys-withdrawn")
            self._lay(
                Step(
                    id="losing-ttls-restored",
                    actor=Actor.LOSING,
                    action="raise the TTLs of the apex NS and DNSKEY RRsets to what they were",
                    after=tuple(dict.fromkeys((*after, *self._laid(*before)))),
                    confirmed_by="every losing server gives the TTLs that it gave before",
                ),
                lasts=facts.losing.propagation_delay,
                change=self._restore_ttls,
            )

    def _remove_gaining_ds(self, *, after: tuple[str, ...], waits: Iterable[Wait]) -> None:
        parent = self._facts.parent

        def removed(ds: DsVersion) -> DsVersion:
            losing = frozenset(entry for entry in ds.entries if entry.key in self._facts.losing.dnskey_signers)
            left = ds.entries & parent.ds or losing  # a scanner has left other digests of the same keys
            if not left:
                return replace(ds, record="proof that there is no DS again", entries=left, ttl=parent.negative_ttl)
            return replace(ds, record="DS of the losing operator again", entries=left)

        given = "gives the losing DS alone" if self._merges else "says that there is no DS"
        self._lay(
            Step(
                id="gaining-ds-removed",
                actor=self._parent_actor(),
                action="remove the gaining DS at the parent" + ": the domain is insecure" * (not self._merges),
                after=after,
                confirmed_by=f"every server of the parent {given}",
            ),
            lasts=self._at_parent(),
            waits=waits,
            change=lambda event: self.served.change(DsVersion, Source.PARENT, event, removed),
        )

    def _withdraw_gaining_keys(self, *, after: tuple[str, ...], waits: Iterable[Wait]) -> None:
        theirs, record = {each.key for each in self._facts.gaining.keys}, "DNSKEY of the losing operator alone again"

        def withdrawn(dnskey: DnskeyVersion) -> DnskeyVersion:
            return replace(dnskey, record=record, keys=dnskey.keys - theirs)

        self._lay(
            Step(
                id="gaining-keys-withdrawn",
                actor=Actor.LOSING,
                action="withdraw the gaining keys from the losing zone and re-sign its DNSKEY RRset",
                after=after,
                confirmed_by="every losing server gives its own keys alone",
            ),
            lasts=self._facts.losing.propagation_delay,
            waits=waits,
            change=lambda event: self.served.change(DnskeyVersion, Source.LOSING, event, withdrawn),
        )

    def _restore_ttls(self, event: Event) -> None:
        losing = self._facts.losing
        for kind, ttl in ((NsVersion, losing.ns_ttl), (DnskeyVersion, losing.dnskey_ttl)):
            self.served.change(kind, Source.LOSING, event, _with_ttl(ttl))

    # -- how a step is laid

    def _lay(
        self,
        step: Step,
        *,
        lasts: timedelta = _NOTHING,
        completed: datetime | None = None,
        waits: Iterable[Wait] = (),
        change: Callable[[Event], None] = lambda event: None,
    ) -> None:
        done = max([self._turned_at, *[self.steps[before].completed for before in step.after]])
        binding = tuple(
            sorted((wait for wait in waits if wait.until > done), key=lambda wait: wait.until, reverse=True)
        )
        not_before = max([done, *[wait.until for wait in binding]])
        recorded = self._recorded.get(step.id)
        event = recorded or Event(not_before, not_before + lasts if completed is None else max(completed, not_before))
        what = f"on the way back {step.id}"
        check_date(self._facts, what, max(not_before, event.completed), remedy="turn back earlier")
        self.steps[step.id] = PlannedStep(
            step=step,
            not_before=not_before,
            started=event.started,
            completed=event.completed,
            waits=binding,
            recorded=recorded is not None,
        )
        change(event)

    def _laid(self, *step_ids: str) -> tuple[str, ...]:
        return tuple(step_id for step_id in step_ids if step_id in self.steps)

    def _parent_actor(self) -> Actor:
        actor = self._plan.step("ns-changed").step.actor
        is_transferred = actor is Actor.LOSING_REGISTRAR and "domain-transferred" in self._begun
        return Actor.GAINING_REGISTRAR if is_transferred else actor

    def _at_parent(self) -> timedelta:
        """How long a change at the parent takes, as long as that of the NS in the transfer."""
        return duration(self._facts, self._plan.step("ns-changed").step.lasting)

    # -- what a step waits for

    def _renewal_first(self) -> tuple[str, ...]:
        """The renewal of signatures, for what leads resolvers to them, if they could outlive their expiration in caches."""
        limit = self._facts.losing.signatures_expire
        renewed = self.steps.get("losing-signatures-renewed")
        if renewed is None or limit is None:
            return ()
        longest = max(
            profile.kept(version.ttl)
            for version in self.served.schedule.versions
            if is_expiring(version) and version.source is Source.LOSING and version.end == renewed.completed
            for profile in self._profiles_that_hold()
        )
        return (renewed.id,) if renewed.completed + timedelta(seconds=longest) > limit else ()

    def _gaining_keys_gone(self) -> list[Wait]:
        return self._gone(_is_gaining(DnskeyVersion), self._facts.timing.retire_safety, "RFC 7583 section 3.3.2")

    def _gaining_data_gone(self) -> list[Wait]:
        return self._gone(_is_gaining(DataVersion), self._facts.timing.retire_safety, "RFC 7583 section 3.2.1")

    def _expired_gone(self) -> list[Wait]:
        """The waits for signatures of the losing operator that a cache may hold when they have expired."""
        limit = self._facts.losing.signatures_expire
        waits = self._gone(
            lambda version: version.source is Source.LOSING and is_expiring(version),
            _NOTHING,
            "RFC 4035 section 5.3.1",
        )
        return [wait for wait in waits if limit is not None and wait.until > limit]

    def _fits_losing(self) -> list[Wait]:
        """The waits for all that answers of the losing servers would clash with."""
        secured = {entry.key for entry in self._facts.parent.ds}
        proving, timing = self._facts.losing.keys_for_others, self._facts.timing

        def clashes(version: Version) -> bool:
            match version:
                case DsVersion():
                    keys = {entry.key for entry in version.entries}
                    return bool(keys) and not (secured and secured <= keys)
                case DnskeyVersion(source=Source.GAINING):
                    return self._merges and not proving <= version.keys
                case _:
                    return False

        if self._merges:
            return self._gone(clashes, timing.publish_safety, "RFC 6781 section 4.3.5.1")
        return [
            *self._gone(clashes, timing.retire_safety, _IS_INSECURE),
            *self._trusted_no_more(timing.retire_safety),
        ]

    def _gone(self, concerns: Callable[[Version], bool], margin: timedelta, rule: str) -> list[Wait]:
        """A wait for each version concerned that a cache may hold, by the most patient resolver."""
        waits = []
        schedule = self.served.schedule
        for profile in self._profiles_that_hold():
            caches = held(schedule, profile)
            for version in filter(concerns, schedule.versions):
                live = caches.live[id(version)]
                if not live:
                    continue
                if math.isinf(live[-1][1]):
                    raise PlanError(
                        f"{self._facts.domain}: a resolver ({profile.name}) never gives up {version.record}",
                        remedy="have the gaining operator change its own NS RRset and addresses, or plan without such profiles",
                    )
                fetched = caches.fetched[id(version)][-1][1]
                waits.append(_wait("its last fetch", fetched, live[-1][1], margin, version.record, rule))
        return waits

    def _trusted_no_more(self, margin: timedelta) -> list[Wait]:
        """A wait for the gaining keys where they are trusted on when the DS that proved them is gone."""
        waits = []
        schedule = self.served.schedule
        for profile in self._plan.resolvers:
            if not profile.trusts_proven_keys:
                continue
            caches = held(schedule, profile)
            for dnskey in filter(_is_gaining(DnskeyVersion), schedule.versions):
                assert isinstance(dnskey, DnskeyVersion)
                proving = [
                    caches.live[id(ds)]
                    for ds in schedule.versions
                    if isinstance(ds, DsVersion)
                    and not dnskey.keys.isdisjoint(entry.key for entry in counted_entries(ds, profile))
                ]
                live = caches.live[id(dnskey)]
                proven = intersection(union(*proving), live)
                trusted = intersection(lasting(proven, profile.kept(dnskey.ttl)), live)
                if trusted:
                    record = f"{dnskey.record}, trusted since the DS proved it"
                    waits.append(_wait("the last proof", proven[-1][1], trusted[-1][1], margin, record, _IS_INSECURE))
        return waits

    def _profiles_that_hold(self) -> Iterable[ResolverProfile]:
        """One profile of each kind that keeps things for another time."""
        return {holds_like(each): each for each in self._plan.resolvers}.values()


def _wait(since: str, start: Seconds, end: Seconds, margin: timedelta, record: str, rule: str) -> Wait:
    counted_from, until = instant_of(start), instant_of(end)
    assert counted_from is not None and until is not None
    return Wait(
        since=since, counted_from=counted_from, interval=until - counted_from + margin, record=record, rule=rule
    )


def _with_ttl(ttl: Ttl) -> Callable[[Version], Version]:
    return lambda version: replace(version, record=f"{version.record}, TTL restored", ttl=ttl)


def _is_gaining(kind: type[Version]) -> Callable[[Version], bool]:
    return lambda version: isinstance(version, kind) and version.source is Source.GAINING


def _leads_to_gaining(version: Version) -> bool:
    match version:
        case NsVersion():
            return Source.GAINING in version.leads_to
        case AddressVersion():
            return version.leads_to is Source.GAINING
        case _:
            return False
