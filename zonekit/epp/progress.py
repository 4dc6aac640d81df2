"""How far a party knows a transfer to be: its plan with what is on record, what it was told, and what it saw itself.

Each of the three, registry, gaining and losing registrar, keeps one of its own, for none has to believe another more than it
has to: what zones and parent show is seen, and only what nobody can see is taken as it is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from zonekit import rdata as rd
from zonekit.epp.domains import DomainTransferData
from zonekit.epp.frames import Data
from zonekit.epp.keyrelay import KeyRelayData
from zonekit.epp.offers import AuthInfoNotice, AuthInfoRequest, NsNotice, RemovalNotice, WaitNotice
from zonekit.errors import EppError, FrameWithheld, PlanError
from zonekit.instants import utc
from zonekit.names import order_key, parse_origin
from zonekit.transfer import values
from zonekit.transfer.checking import check_transfer
from zonekit.transfer.course import TtlSeen
from zonekit.transfer.following import with_ttls_seen
from zonekit.transfer.gate import may_begin, places_changed_by, see_step
from zonekit.transfer.journal import Confirmed, Evidence
from zonekit.transfer.judging import Truth
from zonekit.transfer.ledger import Record
from zonekit.transfer.plan import Plan, PlannedStep
from zonekit.transfer.receipts import Receipt
from zonekit.transfer.sightings import Sighting
from zonekit.transfer.steps import Actor
from zonekit.transfer.versions import Source
from zonekit.transfer.views import Look
from zonekit.ttl import Ttl
from zonekit.zones import RRset, Zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a party knows of a transfer.

    Attributes:
        plan: its plan, with what is on record.
        evidence: what it has seen and was told.
        begun: the steps that it knows to be begun and has not seen done, each with when.

    Raises:
        PlanError: a field has the wrong type, or a step that the plan does not have.
    """

    plan: Plan
    evidence: tuple[Evidence, ...] = ()
    begun: tuple[tuple[str, datetime], ...] = ()

    def __post_init__(self) -> None:
        _FIELDS.check(self, "how far a transfer is")
        for step_id in (*[each.step_id for each in self.evidence], *[step_id for step_id, _ in self.begun]):
            self.plan.step(step_id)

    @property
    def servers(self) -> dict[Source, frozenset[str]]:
        """The name servers of both sides, each of which has to be asked; whoever looks asks every server of the parent too."""
        facts = self.plan.facts
        return {Source.LOSING: facts.losing.name_servers, Source.GAINING: facts.gaining.name_servers}

    def check_name(self, name: str) -> None:
        """Check that something is of the domain of the plan.

        Raises:
            EppError: it is of another.
            DomainNameError: the name is none.
        """
        domain = self.plan.facts.domain
        if order_key(parse_origin(domain)) != order_key(parse_origin(name)):
            raise EppError(f"the plan is of {domain} and the message of {name}", remedy="give those of one domain")

    def begin(self, step_id: str, at: datetime) -> Progress:
        """Return it with a step that was begun.

        Raises:
            PlanError: the plan has no such step.
            TimeError: the instant is naive.
        """
        return replace(self, begun=(*self.begun, (step_id, utc(at))))

    def is_begun(self, step_id: str) -> bool:
        """Whether a step is known to be begun, or done."""
        return step_id in self.plan.events or any(step_id == begun for begun, _ in self.begun)

    def said(self, *step_ids: str, at: datetime, by: str) -> Progress:
        """Return it with steps that somebody says are done; one that is on record already stays as it is.

        What the same one says again is said once.

        Raises:
            PlanError: the plan has no such step or begins after ``at``, or nobody is named.
            TimeError: the instant is naive.
        """
        found = self
        for step_id in step_ids:
            evidence = Evidence(step_id=step_id, seen=at, by=by)
            if step_id not in found.plan.events:
                found = found._recorded(step_id, at)
            if all(replace(each, seen=evidence.seen) != evidence for each in found.evidence):
                found = replace(found, evidence=(*found.evidence, evidence))
        return found

    def without(self, step_id: str) -> Progress:
        """Return it without a step that was said to be done and does not count any more.

        Raises:
            PlanError: the plan has no such step.
        """
        self.plan.step(step_id)
        events = {each: event for each, event in self.plan.events.items() if each != step_id}
        return Progress(
            plan=self.plan.with_events(events),
            evidence=tuple(each for each in self.evidence if each.step_id != step_id),
            begun=tuple(each for each in self.begun if each[0] != step_id),
        )

    def heard(self, data: Data, *, gaining: str, at: datetime) -> Progress:
        """Return it with what a message of the registry says is done; what says nothing of a step leaves it as it is.

        So does what is left of an earlier transfer: the notice of what was before the plan begins, and a transfer to another.

        Args:
            data: what the message tells.
            gaining: the gaining registrar of this transfer.
            at: when it came.

        Raises:
            EppError: it is about another domain.
            PlanError: the plan is of another flow, or begins after ``at``.
            TimeError: the instant is naive.
        """
        if isinstance(data, _OF_A_DOMAIN):
            self.check_name(data.domain if isinstance(data, Receipt) else data.name)
        if self._is_stale(data) or (isinstance(data, DomainTransferData) and data.requester != gaining):
            return self
        match data:
            case KeyRelayData():
                return self.said("requested", "keys-made", "keys-offered", "keys-relayed", at=at, by=_RELAYED)
            case Receipt() if not data.refused:
                return self.said("frozen", "keys-relayed", "keys-exchanged", at=at, by=data.by)
            case WaitNotice():
                return self.said("wait-announced", at=at, by=_REGISTRY)
            case AuthInfoNotice():
                return self.said("authinfo-given", at=at, by=_REGISTRY)
            case NsNotice() if not self.is_begun("ns-changed"):
                return self.begin("ns-changed", data.at)
            case DomainTransferData() if data.status.is_approved:
                return self.said("domain-transferred", at=data.acted, by=_REGISTRY)
            case RemovalNotice():
                return self.said("removal-allowed", at=at, by=_REGISTRY)
            case _:
                return self

    def _is_stale(self, data: Data) -> bool:
        """Whether a message tells of what was before the plan begins."""
        match data:
            case WaitNotice():
                told = data.until
            case NsNotice():
                told = data.at
            case RemovalNotice():
                told = data.not_before
            case DomainTransferData():
                told = min(data.requested, data.acted)
            case _:
                return False
        return told < self.plan.start

    def seen(self, sighting: Sighting, *, by: str) -> Progress:
        """Return it with what was seen as evidence, and every step on record that shows to be done and was not before.

        A step counts as done from when it was first seen done on every server, whatever anybody says, and as begun when it was
        last seen not to be or, where nobody looked, as soon as those before it were. So look before a step and after it.

        One that was done and came undone counts from when it was seen done again: caches took what was served in between. A TTL
        that is served and is larger than any that was known counts from then on.

        Raises:
            PlanError: what was seen is of another domain, or nobody is named.
        """
        look = Look(sighting)
        found = self._with_ttls_of(sighting)
        while True:
            shown = tuple(found._shown(sighting, by, look))
            done = next((each for each in shown if found._is_newly_done(each)), None)
            if done is None:
                break  # what is newly done may end what an earlier step claims, so nothing is undone before all of it is known
            found = replace(found, evidence=found._evidence_with(done))._recorded(done.step_id, sighting.at)
        for evidence in shown:
            found = replace(found, evidence=found._evidence_with(evidence))
        return found

    def _shown(self, sighting: Sighting, by: str, look: Look) -> Iterator[Evidence]:
        """What was seen of each step that is looked for."""
        for planned in self.plan.steps:
            if planned.id not in self.plan.events and not self._are_done(planned.step.after):
                continue  # what is to be undone later looks as if it were, before it is done
            try:
                yield see_step(self.plan, planned.id, sighting, by=by, look=look)
            except PlanError:
                continue  # a matter of people or time, not looked at, or superseded

    def lacks(self, step_id: str, now: datetime) -> tuple[str, ...]:
        """Return all that keeps a step from being begun now; nothing where it may be.

        Raises:
            PlanError: the plan has no such step.
            TimeError: ``now`` is naive.
        """
        decision = may_begin(self.plan, step_id, self.evidence, now=now, servers=self.servers)
        return () if isinstance(decision, Confirmed) else tuple(map(str, decision.missing))

    def lacks_by_sight(self, step_id: str, sighting: Sighting) -> tuple[str, ...]:
        """Return all that keeps the NS from being changed by ``step_id``, with what would break now; nothing where it may be.

        Raises:
            PlanError: what was seen is of another domain.
        """
        done = self.plan.step(step_id).step.after
        check = check_transfer(sighting, step=done, plan=self.plan, evidence=self.evidence)
        decision = check.decision
        if decision is None or decision.step_id != step_id:
            return (f"{step_id}: the step that comes next is {'none' if decision is None else decision.step_id}",)
        return () if isinstance(decision, Confirmed) else tuple(map(str, decision.missing))

    def untrue(self, sighting: Sighting, *step_ids: str) -> tuple[str, ...]:
        """Return what steps claim and what was seen does not show, each as a text; nothing where all of it is seen to be so.

        Raises:
            PlanError: no such step, or what was seen is of another domain.
        """
        check = check_transfer(sighting, step=step_ids, plan=self.plan, evidence=self.evidence)
        return tuple(
            f"{each.claim.value}: {each.found}"
            for each in check.claims
            if each.truth is not Truth.TRUE and each.step_id in step_ids
        )

    def _is_newly_done(self, evidence: Evidence) -> bool:
        """Whether every server that a step changes was asked and gives it, and it was not done before, or came undone since."""
        step = self.plan.step(evidence.step_id).step
        places = places_changed_by(step) if step.effect is not None else ()
        asked_of = frozenset().union(*[self.servers.get(source, frozenset()) for source in places])
        if evidence.lacking or not asked_of <= evidence.confirming:
            return False
        event = self.plan.events.get(step.id)
        if event is None:
            return True
        undone = [each.seen for each in self._lacking(step.id) if each.seen >= event.completed]
        return step.effect is not None and bool(undone) and max(undone) < evidence.seen

    def _are_done(self, step_ids: Iterable[str]) -> bool:
        """Whether steps are on record, or waits that have begun: what is done before one is over is so all the same."""
        steps = [self.plan.step(step_id) for step_id in step_ids]
        return all(
            step.id in self.plan.events or (step.step.actor is Actor.NOBODY and self._are_done(step.step.after))
            for step in steps
        )

    def _lacking(self, step_id: str) -> Iterator[Evidence]:
        """The looks that showed a step not to be done."""
        yield from (each for each in self.evidence if each.step_id == step_id and each.lacking)

    def _evidence_with(self, evidence: Evidence) -> tuple[Evidence, ...]:
        """The evidence with one more look, of those that showed the same only the last, so that looking often does not make it grow."""
        same = [each for each in self.evidence if replace(each, seen=evidence.seen) == evidence]
        last = max([*same, evidence], key=lambda each: each.seen)
        return (*[each for each in self.evidence if each not in same], last)

    def _with_ttls_of(self, sighting: Sighting) -> Progress:
        """The progress with each TTL that a resolver might take now, where it is above the largest known."""
        shown = [
            TtlSeen(source=source, record=record, ttl=Ttl(rrset.ttl), first_seen=sighting.at, last_seen=sighting.at)
            for source, record, rrset in _cached(sighting)
        ]
        facts = with_ttls_seen(self.plan.facts, shown)
        return self if facts == self.plan.facts else replace(self, plan=self.plan.with_facts(facts))

    def _recorded(self, step_id: str, completed: datetime) -> Progress:
        planned = self.plan.step(step_id)
        started = min(self._started(planned), completed)
        plan = self.plan.record(step_id, started=started, completed=completed)
        return replace(self, plan=plan, begun=tuple(each for each in self.begun if each[0] != step_id))

    def _started(self, planned: PlannedStep) -> datetime:
        known = [at for step_id, at in self.begun if step_id == planned.id]
        lacked = [each.seen for each in self._lacking(planned.id)]
        before = [self.plan.step(step_id).started for step_id in planned.step.after]
        return max([self.plan.start, *before, *known, *lacked])

    def withhold(self, step_id: str, now: datetime, *reasons: str) -> None:
        """Refuse the frame of a step with these reasons and all that keeps it from being begun now, if there is any.

        Raises:
            FrameWithheld: there is.
            PlanError: the plan has no such step.
            TimeError: ``now`` is naive.
        """
        withhold(f"{self.plan.facts.domain}: {step_id}", (*reasons, *self.lacks(step_id, now)))


def withhold(what: str, reasons: Iterable[str]) -> None:
    """Refuse a frame with these reasons, if there is any.

    Raises:
        FrameWithheld: there is.
    """
    found = tuple(reasons)
    if found:
        raise FrameWithheld(
            f"{what} may not be now: {'; '.join(found)}", reasons=found, remedy="see to each, and ask again"
        )


def _cached(sighting: Sighting) -> Iterator[tuple[Source, Record, RRset]]:
    """The RRsets that the waits are counted for, as far as they were seen."""
    if isinstance(sighting.losing, Zone):
        for rdtype, record in ((rd.NS, Record.NS), (rd.DNSKEY, Record.DNSKEY)):
            rrset = sighting.losing.get("@", rdtype)
            if rrset is not None:
                yield Source.LOSING, record, rrset
    for seen, record in ((sighting.parent_ds, Record.DS), (sighting.parent_ns, Record.NS)):
        if isinstance(seen, RRset):
            yield Source.PARENT, record, seen


_OF_A_DOMAIN: Final = (
    *(KeyRelayData, Receipt, WaitNotice, AuthInfoRequest, AuthInfoNotice, NsNotice),
    *(DomainTransferData, RemovalNotice),
)
_RELAYED: Final = "the keys that were relayed"
_REGISTRY: Final = "a message of the registry"


def _begun(value: object, where: str) -> object:
    found = values.tuple_of(values.a(tuple))(value, where)
    return tuple((str(step_id), values.instant(at, where)) for step_id, at in found)  # type: ignore[attr-defined]


_FIELDS: Final = values.Fields(
    needed={"plan": values.a(Plan), "evidence": values.tuple_of(values.a(Evidence)), "begun": _begun}
)
