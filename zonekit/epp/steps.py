"""From plan to frames: what a registrar sends for a step, and what keeps it from sending it now.

:func:`step_frames` gives the frames of one step for one sender, in the order in which they are to be sent, each after the
answer to the one before it. Frames that change something are withheld until the plan's gate lets the step begin
(:func:`~zonekit.transfer.gate.may_begin`) and no status of the domain stands in the way; somebody may override that by name,
with a reason, and the decision says so. Which step is carried by which frames is a table: :mod:`zonekit.epp.carriers`.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from zonekit.ds import KeyData
from zonekit.epp import checks
from zonekit.epp.carriers import FrameKind, carriage
from zonekit.epp.checks import check_fields
from zonekit.epp.delegations import Delegation, DsChange, DsDesk, NsDesk
from zonekit.epp.domains import (
    AuthInfo,
    DomainInfo,
    DomainPart,
    DomainTransfer,
    DomainUpdate,
    NameServer,
    NameServers,
    NsForm,
    Status,
    TransferOperation,
)
from zonekit.epp.frames import Action, Command, CommandExtension
from zonekit.epp.hosts import HostCreate
from zonekit.epp.keyrelay import KeyRelayCreate, RelayedKey
from zonekit.epp.materials import Material, signers_of
from zonekit.epp.offers import Offer
from zonekit.epp.registries import OnTransfer, RegistryProfile
from zonekit.epp.results import ResultCode
from zonekit.epp.sessions import PollAcknowledge, PollRequest
from zonekit.epp.statuses import Lock, Operation, Party, locks_against, status_findings
from zonekit.errors import EppError, FrameWithheld
from zonekit.findings import Finding, Severity
from zonekit.instants import instant_text, utc
from zonekit.transfer import values
from zonekit.transfer.gate import NO_SERVERS, is_confirmed, may_begin
from zonekit.transfer.journal import Confirmed, Decision, Evidence, Lacking, Overridden, Override
from zonekit.transfer.plan import Plan
from zonekit.transfer.steps import Actor
from zonekit.transfer.values import Fields
from zonekit.transfer.versions import Source
from zonekit.ttl import duration_text

Transactions: TypeAlias = Callable[[], str]
"""Gives a client's identifier for each frame, 3 to 64 characters, another one each time."""
_SET_BY_CLIENT: Final = "clientTransferProhibited"
_UPDATE: Final[tuple[Operation, ...]] = (Operation.UPDATE,)
_REQUEST: Final[tuple[Operation, ...]] = (Operation.REQUEST,)
_ANSWER: Final[tuple[Operation, ...]] = (Operation.ANSWER,)
_STOPS: Final = (TransferOperation.REJECT, TransferOperation.CANCEL)
"""What ends a transfer: nothing has to be confirmed for it."""


def numbered(prefix: str, *, first: int = 1) -> Transactions:
    """Return identifiers that are a prefix and a number: ``ABC-1``, ``ABC-2`` and so on.

    Raises:
        EppError: the prefix leaves no room for a number, or is none that EPP can carry.

    >>> transactions = numbered("move-example.nl")
    >>> transactions(), transactions()
    ('move-example.nl-1', 'move-example.nl-2')
    """
    checks.token(1, 57)(prefix, "the prefix of transaction identifiers")
    numbers = itertools.count(first)
    return lambda: f"{prefix}-{next(numbers)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sends frames to a registry, and how.

    Attributes:
        actor: who.
        registry: the registry.
        transactions: what gives each frame its identifier.
        client: its client identifier at the registry, by which it knows itself as the sponsor; None where nobody says.
        lift_locks: whether locks of its own that stand in the way are lifted first, each by a frame of its own.

    Raises:
        EppError: a field has the wrong type.
    """

    actor: Actor
    registry: RegistryProfile
    transactions: Transactions
    client: str | None = None
    lift_locks: bool = False

    def __post_init__(self) -> None:
        check_fields(_SENDER, self, "a sender of frames")
        if not callable(self.transactions):
            raise EppError("transactions is no function", remedy='give one, such as numbered("ABC")')


_SENDER: Final = Fields(
    needed={"actor": values.a(Actor), "registry": values.a(RegistryProfile), "lift_locks": values.flag},
    optional={"client": checks.client_id},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFrame:
    """A frame to be sent.

    Attributes:
        command: the frame.
        sender: who sends it.
        purpose: what it is for, for people.
        waits_for: what it waits for besides the answer to the frame before it; empty where nothing.
        accepts: the result codes beside 1000 after which the next frame may be sent as well.
    """

    command: Command
    sender: Actor
    purpose: str
    waits_for: str = ""
    accepts: frozenset[ResultCode] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFrames:
    """The frames of one step for one sender.

    Attributes:
        plan: the plan.
        step_id: the step.
        sender: who sends them.
        frames: them, in the order in which they are to be sent; none where there is nothing to do.
        decision: why they may be sent: confirmed, or overridden with all that is missing; None where they change nothing, or
            there is nothing to do.
        findings: what should be known of it.
        after: what the domain is to have at the registry then; None where that is not for the step to say, or cannot be told.
    """

    plan: Plan
    step_id: str
    sender: Actor
    frames: tuple[SentFrame, ...]
    decision: Decision | None
    findings: tuple[Finding, ...] = ()
    after: Delegation | None = None


# ---- drafts: frames before it is known whether they may be sent -----------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A frame without its identifier."""

    action: Action
    purpose: str
    extensions: tuple[CommandExtension, ...] = ()
    waits_for: str = ""
    accepts: frozenset[ResultCode] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drafts:
    """What one kind of frames comes to.

    Attributes:
        frames: the frames.
        after: what the domain is to have then.
        findings: what should be known.
    """

    frames: tuple[_Draft, ...] = ()
    after: Delegation | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A step that somebody wants the frames of."""

    plan: Plan
    step_id: str
    sender: Sender
    material: Material
    ds: DsDesk = field(init=False)

    def __post_init__(self) -> None:
        desk = DsDesk(plan=self.plan, registry=self.registry, material=self.material)
        object.__setattr__(self, "ds", desk)

    @property
    def registry(self) -> RegistryProfile:
        return self.sender.registry

    @property
    def domain(self) -> str:
        return self.plan.facts.domain

    @property
    def statuses(self) -> tuple[Status, ...]:
        registered = self.material.registered
        return () if registered is None else registered.info.statuses

    @property
    def drops_ds(self) -> bool:
        """Whether the registry drops the DS in a transfer, and the domain has one."""
        return self.registry.dnssec.on_transfer is OnTransfer.DROP and self.plan.facts.gaining.is_signed

    @property
    def is_sponsor(self) -> bool | None:
        """Whether the sender is the sponsor as the registry shows it; None where that cannot be told."""
        registered, client = self.material.registered, self.sender.client
        return None if registered is None or client is None else registered.info.sponsor == client

    @property
    def is_transferred(self) -> bool:
        """Whether the sender has the domain already: by what the registry shows, or else by what is on record."""
        on_record = self.step_id in self.plan.events
        return on_record if self.is_sponsor is None else self.is_sponsor

    @property
    def asks_for_code(self) -> bool:
        """Whether the registry is asked for the authinfo code it has, with nothing to be changed for that."""
        return self.material.auth_info is None and not _has(self, _SET_BY_CLIENT)

    @property
    def operation(self) -> TransferOperation:
        """What the registrar asks or answers in a transfer."""
        is_gaining = self.sender.actor is Actor.GAINING_REGISTRAR
        return self.material.operation or (TransferOperation.REQUEST if is_gaining else TransferOperation.APPROVE)


def step_frames(
    plan: Plan,
    step_id: str,
    *,
    sender: Sender,
    material: Material,
    evidence: Iterable[Evidence],
    now: datetime,
    override: Override | None = None,
    servers: Mapping[Source, frozenset[str]] = NO_SERVERS,
) -> StepFrames:
    """Return the frames of a step for one sender.

    Args:
        plan: the plan, with what has happened so far: :meth:`Plan.record`, :meth:`Plan.resumed`.
        step_id: the step.
        sender: who sends them.
        material: what they are made of.
        evidence: all there is, as for :func:`~zonekit.transfer.gate.may_begin`.
        now: the instant of the decision.
        override: somebody's decision to send them although something is missing; without effect where nothing is.
        servers: every server of a source, as for ``may_begin``.

    Raises:
        FrameWithheld: something is not confirmed, a wait is not over, a status of the domain stands in the way, the registry
            shows what the plan does not count on, or the domain would be insecure for some time; with every reason.
        EppError: no frame of this sender carries the step, something is lacking among the material, or the registry does not
            take what would come of it.
        PlanError: no such step, evidence for a step that the plan does not have, or an override from after ``now``.
        TimeError: ``now`` is naive.
    """
    case = _Case(plan=plan, step_id=step_id, sender=sender, material=material)
    seen = tuple(evidence)
    kinds = _kinds(case)
    gate = _Gate(case=case, evidence=seen, now=now, servers=servers)
    changing = tuple(kind for kind in kinds if not _stops(case, kind))
    decision, lifted = gate.decide(changing, override) if changing else (None, ())
    drafts = [_DRAFTED[kind](case) for kind in kinds]
    frames = [draft for each in drafts for draft in each.frames]
    findings = [*_findings(case), *[finding for each in drafts for finding in each.findings]]
    if frames:
        frames = [*[_lifting(case, lock) for lock in lifted], *frames]
        findings += [_lifted(case, lock) for lock in lifted]
    else:
        decision = None
        findings.append(_nothing_to_do(case))
    return StepFrames(
        plan=plan,
        step_id=step_id,
        sender=sender.actor,
        frames=tuple(_sent(draft, sender) for draft in frames),
        decision=decision,
        findings=tuple(findings),
        after=next((each.after for each in reversed(drafts) if each.after is not None), None),
    )


def _kinds(case: _Case) -> tuple[FrameKind, ...]:
    """The kinds of frames that the sender has for the step."""
    case.plan.step(case.step_id)
    if not case.registry.keeps(case.domain) or case.registry.zone == case.domain.lower():
        raise EppError(
            f"{case.domain} does not lie in {case.registry.zone}, the zone of {case.registry.name}",
            remedy="give the profile of its registry",
        )
    shown = case.material.registered
    if shown is not None and shown.info.name.lower() != case.domain.lower():
        raise EppError(
            f"{case.domain}: what the registry shows is of {shown.info.name}",
            remedy="give its answer about this domain",
        )
    carried = carriage(case.plan.flow, case.step_id)
    why_none = carried.why_none(case.sender.actor)
    if why_none:
        raise EppError(f"{case.domain}: {case.step_id}: {why_none}", remedy="take the step by that, or name its sender")
    kinds = carried.frames[case.sender.actor]
    if FrameKind.RESTORE_DS in kinds:
        kinds = _kinds_in_transfer(case)
    if (case.material.urgent or case.material.max_sig_life) and not any(kind in _OF_DS for kind in kinds):
        raise EppError(
            f"{case.domain}: {case.step_id} does not change the DS, and nothing else is urgent or has a maxSigLife",
            remedy="leave both out",
            rule="RFC 5910 section 5.2.5",
        )
    return kinds


_OF_DS: Final = (FrameKind.ADD_DS, FrameKind.REMOVE_LOSING_DS, FrameKind.REMOVE_ALL_DS, FrameKind.RESTORE_DS)


def _kinds_in_transfer(case: _Case) -> tuple[FrameKind, ...]:
    """What the gaining registrar sends: the request, and where the registry drops the DS, that again when it is done."""
    if case.operation is not TransferOperation.REQUEST:
        return (FrameKind.REQUEST_TRANSFER,)
    if case.is_transferred:
        is_gone = case.drops_ds or case.ds.shows_none
        return (FrameKind.RESTORE_DS,) if is_gone else (FrameKind.REQUEST_TRANSFER,)
    return (FrameKind.REQUEST_TRANSFER, FrameKind.RESTORE_DS) if case.drops_ds else (FrameKind.REQUEST_TRANSFER,)


def _stops(case: _Case, kind: FrameKind) -> bool:
    """Whether frames of a kind end a transfer, or only ask."""
    in_transfer = (FrameKind.REQUEST_TRANSFER, FrameKind.ANSWER_TRANSFER)
    return kind in in_transfer and case.operation in (*_STOPS, TransferOperation.QUERY)


# ---- what keeps frames from being sent ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gate:
    """What decides whether the frames of a step may be sent: the plan's gate, the statuses, and what the registry does."""

    case: _Case
    evidence: tuple[Evidence, ...]
    now: datetime
    servers: Mapping[Source, frozenset[str]]

    def decide(self, kinds: tuple[FrameKind, ...], override: Override | None) -> tuple[Decision, tuple[Lock, ...]]:
        """Return the decision, and the locks that are lifted first.

        Raises:
            FrameWithheld: something is missing, and nobody answers for it.
            PlanError, TimeError: as :func:`~zonekit.transfer.gate.may_begin`.
        """
        case, at = self.case, utc(self.now)
        decision = may_begin(case.plan, case.step_id, self.evidence, now=at, servers=self.servers)
        locks = [lock for kind in kinds for lock in _locks(case, kind, is_first=kind is kinds[0])]
        lifted = tuple(lock for lock in locks if lock.may_lift and case.sender.lift_locks)
        dropped = tuple(self._drops(kinds))
        missing = (
            *(() if isinstance(decision, Confirmed) else decision.missing),
            *dropped,
            *[lacking for kind in kinds for lacking in self._lacking(kind)],
            *[_as_lacking(case.step_id, lock) for lock in locks if lock not in lifted],
        )
        if not missing:
            return decision, lifted
        if override is not None:
            return Overridden(step_id=case.step_id, at=at, missing=missing, override=override), lifted
        reasons = tuple(map(str, missing))
        raise FrameWithheld(
            f"the frames of {case.step_id} may not be sent at {instant_text(at)}: {'; '.join(reasons)}",
            reasons=reasons,
            remedy=_ONLY_OVERRIDE if dropped else "wait and look again, or override it with who, why and when",
        )

    def _lacking(self, kind: FrameKind) -> Iterator[Lacking]:
        """What a kind of frames lacks besides the confirmations of the plan and the absence of locks."""
        match kind:
            case FrameKind.ADD_DS:
                for told in self.case.ds.unexpected():
                    yield self._lacks("the DS that the plan counts on", told)
            case FrameKind.REMOVE_LOSING_DS:
                for told in self.case.ds.lacking_gaining():
                    yield self._lacks("the gaining DS that the plan counts on", told)
            case FrameKind.REMOVE_ALL_DS if self.case.ds.shows_none:
                yield self._lacks("the DS that the plan counts on", "it shows none, and none was removed by the record")
            case FrameKind.CHANGE_NS:
                for told in _ns_desk(self.case).unexpected():
                    yield self._lacks("the name servers that the plan counts on", told)
            case FrameKind.SEND_REPORT:
                yield from self._not_so()
            case _:
                pass
        registered, name = self.case.material.registered, self.case.registry.name
        if registered is None:
            return
        if self.case.is_sponsor is False and kind not in _OF_OTHERS:
            yield self._lacks("to be the sponsor of the domain", f"{name} names {registered.info.sponsor}")
        if kind is FrameKind.ANSWER_TRANSFER and not _has(self.case, "pendingTransfer"):
            yield self._lacks("a transfer under way", f"{name} shows no pendingTransfer")

    def _lacks(self, needed: str, found: str) -> Lacking:
        return Lacking(step_id=self.case.step_id, needed=needed, found=found)

    def _drops(self, kinds: tuple[FrameKind, ...]) -> Iterator[Lacking]:
        """What a registry lacks that drops the DS, where these kinds of frames have a domain transferred that has one."""
        if not self.case.drops_ds or not {FrameKind.REQUEST_TRANSFER, FrameKind.ANSWER_TRANSFER} & {*kinds}:
            return
        found = f"{self.case.registry.name} drops it, and {_insecure_text(self.case)}"
        yield self._lacks("a registry that keeps the DS in a transfer", found)

    def _not_so(self) -> Iterator[Lacking]:
        """What a report says and nothing confirms."""
        plan = self.case.plan
        for planned in plan.steps:
            if planned.id in _REPORTED and not is_confirmed(
                plan, planned.id, self.evidence, now=self.now, servers=self.servers
            ):
                found = "nothing confirms that, and the report says it"
                yield Lacking(step_id=planned.id, needed=planned.step.confirmed_by, found=found)


_ONLY_OVERRIDE: Final = (
    "override it with who, why and when: this registry drops the DS in every transfer, so that no waiting helps"
)
_REPORTED: Final = ("losing-merged", "ttls-lowered")
"""What a report says is done."""
_OF_OTHERS: Final = (FrameKind.REQUEST_TRANSFER, FrameKind.RELAY_KEYS, FrameKind.OFFER_KEYS, FrameKind.RESTORE_DS)
"""What one sends who is not the sponsor, or not yet."""


def _insecure_text(case: _Case) -> str:
    parent, times = case.plan.facts.parent, case.registry.times
    least = (
        max(parent.registration_delay, times.registration_delay)
        + max(parent.propagation_delay, times.propagation_delay)
        + timedelta(seconds=max(parent.negative_ttl, times.negative_ttl))
    )
    return (
        "the domain is insecure from the transfer until the DS is added again and no cache holds that there is none:"
        f" {duration_text(least)} and as long as it takes the gaining registrar to add it"
    )


def _locks(case: _Case, kind: FrameKind, *, is_first: bool) -> Iterator[Lock]:
    """The statuses that stand in the way of a kind of frames; what is so after a transfer is not known before it."""
    match kind:
        case FrameKind.REQUEST_TRANSFER:
            stopped, by = _REQUEST, Party.OTHER
        case FrameKind.OFFER_KEYS:
            stopped, by = (*_UPDATE, *_REQUEST), Party.OTHER
        case FrameKind.ANSWER_TRANSFER:
            stopped, by = _ANSWER, Party.SPONSOR
        case FrameKind.RELAY_KEYS:
            return  # it changes nothing of the domain
        case FrameKind.GIVE_AUTH_INFO if case.asks_for_code:
            return  # nor does a domain info
        case FrameKind.RESTORE_DS if not is_first:
            return
        case _:
            stopped, by = _UPDATE, Party.SPONSOR
    for operation in stopped:
        yield from locks_against(case.statuses, operation, by=by, rules=case.registry.statuses)


def _as_lacking(step_id: str, lock: Lock) -> Lacking:
    # What is pending is lifted by nobody.
    needed = f"{lock.status.value} gone" if lock.lifted_by is None else f"{lock.status.value} lifted"
    return Lacking(step_id=step_id, needed=needed, found=str(lock))


def _has(case: _Case, status: str) -> bool:
    return any(each.value == status for each in case.statuses)


def _lifting(case: _Case, lock: Lock) -> _Draft:
    removed = DomainPart(statuses=(Status(value=lock.status.value),))
    return _Draft(
        action=DomainUpdate(name=case.domain, remove=removed),
        purpose=f"lift {lock.status.value}, which stands in the way of the {lock.operation.value}",
    )


def _findings(case: _Case) -> Iterator[Finding]:
    if case.material.registered is None:
        yield Finding(
            code="registry-not-shown",
            severity=Severity.WARNING,
            owner=case.domain,
            message=f"what {case.registry.name} has now is taken from the plan, and its statuses are not known",
            rule="RFC 5731 section 3.1.2",
            remedy="ask it with a domain info, and give the answer",
        )
    yield from status_findings(case.domain, case.statuses, rules=case.registry.statuses)
    longer = tuple(_longer_times(case))
    if longer:
        yield Finding(
            code="plan-too-quick",
            severity=Severity.WARNING,
            owner=case.domain,
            message=f"the profile of {case.registry.name} has longer times than the plan counts on: {', '.join(longer)}",
            rule="RFC 7583 section 3.3.1",
            remedy="see which are right; where it is the profile, plan again with them",
        )


def _longer_times(case: _Case) -> Iterator[str]:
    """What of the TTLs and delays of the profile is longer than in the plan."""
    planned = case.plan.facts.parent
    for each in dataclasses.fields(case.registry.times):
        said, counted = getattr(case.registry.times, each.name), getattr(planned, each.name)
        if said is not None and counted is not None and said > counted:
            yield f"{each.name} {duration_text(said)} and not {duration_text(counted)}"


def _lifted(case: _Case, lock: Lock) -> Finding:
    return Finding(
        code="lock-lifted",
        severity=Severity.WARNING,
        owner=case.domain,
        message=f"{lock.status.value} is lifted for this step",
        rule=lock.rule,
        remedy="set it again when the step is done",
    )


def _nothing_to_do(case: _Case) -> Finding:
    return Finding(
        code="nothing-to-do",
        severity=Severity.INFO,
        owner=case.domain,
        message=f"{case.registry.name} has all that {case.step_id} asks for already",
        remedy="ask the servers of the parent whether they give it: zonekit status",
    )


# ---- frames ---------------------------------------------------------------------------------------------------------


def _sent(draft: _Draft, sender: Sender) -> SentFrame:
    command = Command(action=draft.action, extensions=draft.extensions, client_transaction=sender.transactions())
    return SentFrame(
        command=command,
        sender=sender.actor,
        purpose=draft.purpose,
        waits_for=draft.waits_for,
        accepts=draft.accepts,
    )


def _ds_update(case: _Case, change: DsChange, purpose: str, *, waits_for: str = "") -> _Drafts:
    frames: tuple[_Draft, ...] = ()
    if change.update is not None:
        update = DomainUpdate(name=case.domain)
        frames = (_Draft(action=update, extensions=(change.update,), purpose=purpose, waits_for=waits_for),)
    return _Drafts(frames=frames, after=change.delegation)


def _add_ds(case: _Case) -> _Drafts:
    return _ds_update(case, case.ds.adding(), "add the gaining DS beside what is there")


def _remove_losing_ds(case: _Case) -> _Drafts:
    change = case.ds.removing_losing()
    drafts = _ds_update(case, change, "remove the losing DS, and keep the gaining one")
    gone = [each for each in change.before if each not in change.after]
    findings = (*case.ds.of_nobody(gone), *case.ds.not_planned(change.after))
    return _Drafts(frames=drafts.frames, after=drafts.after, findings=findings)


def _remove_all_ds(case: _Case) -> _Drafts:
    return _ds_update(case, case.ds.removing_all(), "remove all DS: the domain is insecure from here on")


def _restore_ds(case: _Case) -> _Drafts:
    drops = "drops" if case.drops_ds else "dropped"
    drafts = _ds_update(
        case,
        case.ds.restoring(is_done=case.is_transferred),
        f"add the DS again that the registry {drops} in the transfer",
        waits_for="" if case.is_transferred else _TRANSFER_DONE,
    )
    remedy = "send the frame that adds it again at once"
    if not case.is_transferred:
        remedy = "poll, and send the frame that adds it again as soon as the transfer is done"
    elif not case.drops_ds:
        remedy += '; say on_transfer = "drop" in its profile'
    dropped = Finding(
        code="ds-dropped",
        severity=Severity.WARNING,
        owner=case.domain,
        rdtype="DS",
        message=f"{case.registry.name} {drops} the DS in the transfer: {_insecure_text(case)}",
        rule="RFC 4035 section 5.2",
        remedy=remedy,
    )
    return _Drafts(frames=drafts.frames, after=drafts.after, findings=(dropped,) if drafts.frames else ())


_TRANSFER_DONE: Final = "the poll message or the domain info that says that the transfer is done"


def _ns_desk(case: _Case) -> NsDesk:
    return NsDesk(plan=case.plan, registry=case.registry, material=case.material)


def _change_ns(case: _Case) -> _Drafts:
    change = _ns_desk(case).change()
    exists = frozenset((ResultCode.OBJECT_EXISTS,))
    frames = []
    for host in change.hosts:
        # One outside the domain may be there already, made by anybody; one inside has to have these addresses.
        is_outside = isinstance(host, HostCreate) and not host.addresses
        does = "make the host object" if isinstance(host, HostCreate) else "give new addresses to the host object"
        accepts = exists if is_outside else frozenset()
        frames.append(_Draft(action=host, purpose=f"{does} {host.name}", accepts=accepts))
    if change.update is not None:
        frames.append(_Draft(action=change.update, purpose="name the gaining servers in place of the losing ones"))
    return _Drafts(frames=tuple(frames), after=Delegation(servers=frozenset(change.after)), findings=change.findings)


def _give_auth_info(case: _Case) -> _Drafts:
    code = case.material.auth_info
    if code is None:
        asks = _Draft(action=DomainInfo(name=case.domain), purpose="have the registry tell the authinfo code")
        return _Drafts(frames=(*_lifting_of_transfers(case), asks))
    remove = _own_lock(case)
    purpose = "set a new authinfo code" + (f" and lift {_SET_BY_CLIENT}" if remove else "")
    update = DomainUpdate(name=case.domain, remove=remove, auth_info=code)
    return _Drafts(frames=(_Draft(action=update, purpose=purpose),))


def _send_auth_info(case: _Case) -> _Drafts:
    """The code by itself: the registry hands it on, and takes it with no other change."""
    code = case.material.auth_info
    if code is None:
        raise EppError(
            f"{case.domain}: the registry asks for an authinfo code to hand on, and it is not given",
            remedy="make a new one, and give that",
        )
    update = DomainUpdate(name=case.domain, auth_info=code)
    sets = _Draft(action=update, purpose="set a new authinfo code, which the registry hands to the gaining registrar")
    return _Drafts(frames=(*_lifting_of_transfers(case), sets))


def _own_lock(case: _Case) -> DomainPart | None:
    """The sponsor's own lock against transfers, to be removed; None where it is not set."""
    return DomainPart(statuses=(Status(value=_SET_BY_CLIENT),)) if _has(case, _SET_BY_CLIENT) else None


def _lifting_of_transfers(case: _Case) -> tuple[_Draft, ...]:
    """The frame that lifts the sponsor's own lock against transfers; none where it is not set."""
    remove = _own_lock(case)
    if remove is None:
        return ()
    return (_Draft(action=DomainUpdate(name=case.domain, remove=remove), purpose=f"lift {_SET_BY_CLIENT}"),)


def _request_transfer(case: _Case) -> _Drafts:
    allowed = (TransferOperation.REQUEST, TransferOperation.CANCEL, TransferOperation.QUERY)
    return _transfer(case, allowed)


def _answer_transfer(case: _Case) -> _Drafts:
    allowed = (TransferOperation.APPROVE, TransferOperation.REJECT, TransferOperation.QUERY)
    return _transfer(case, allowed)


def _transfer(case: _Case, allowed: tuple[TransferOperation, ...]) -> _Drafts:
    operation = case.operation
    if operation not in allowed:
        words = ", ".join(each.value for each in allowed)
        raise EppError(
            f"{case.domain}: {operation.value} is not for the {case.sender.actor.value} to send",
            remedy=f"it may send {words}",
            rule="RFC 5730 section 2.9.3.4",
        )
    if operation in _STOPS and not case.material.because:
        raise EppError(
            f"{case.domain}: {operation.value} is asked for without a reason",
            remedy="say why: EPP carries no reason, and the record should",
        )
    is_request = operation is TransferOperation.REQUEST
    after = None if operation in (*_STOPS, TransferOperation.QUERY) else case.ds.kept()
    if is_request and case.is_transferred:
        return _Drafts(after=after)
    code = _code(case, "a transfer") if is_request else None
    why = f", because {case.material.because}" if case.material.because else ""
    purpose = f"{operation.value} the transfer to the gaining registrar{why}"
    return _Drafts(
        frames=(_Draft(action=DomainTransfer(operation=operation, name=case.domain, auth_info=code), purpose=purpose),),
        after=after,
    )


def _code(case: _Case, what: str) -> AuthInfo:
    code = case.material.auth_info
    if code is None:
        raise EppError(
            f"{case.domain}: {what} needs the authinfo code, and it is not given",
            remedy="get it from the losing registrar or the registrant",
            rule="RFC 5731 section 2.6",
        )
    return code


def _relay_keys(case: _Case) -> _Drafts:
    action = _relayed(case)
    return _Drafts(
        frames=(_Draft(action=action, purpose="have the registry hand the gaining keys to the losing side"),)
    )


def _relayed(case: _Case) -> KeyRelayCreate:
    """The relay of all gaining keys: which of them the losing side publishes is for that to say."""
    if not case.registry.transfer.key_relay:
        raise EppError(
            f"{case.domain}: {case.registry.name} relays no keys",
            remedy="hand the keys to the losing operator by another way, such as zonekit merge; where it does, say key_relay in"
            " its profile",
            rule="RFC 8063",
        )
    keys = case.material.gaining_keys
    signers_of(case.plan.facts.gaining, keys, case.domain, "gaining")
    expiry = case.material.relay_expiry or case.plan.finished
    return KeyRelayCreate(
        name=case.domain,
        auth_info=_code(case, "a key relay"),
        keys=tuple(RelayedKey(key=KeyData.from_rdata(key.dnskey_rdata), expiry=expiry) for key in dict.fromkeys(keys)),
    )


def _offer_keys(case: _Case) -> _Drafts:
    if not case.registry.transfer.facilitated:
        raise EppError(
            f"{case.domain}: {case.registry.name} does not carry the registry-facilitated flow",
            remedy="plan another flow, such as registrar-change; where it does, say facilitated in its profile",
        )
    servers = _ns_desk(case).wanted
    form = case.registry.name_servers.form
    if form is NsForm.HOST_OBJECTS:
        servers = tuple(NameServer(name=each.name) for each in servers)
    offer = Offer(
        name_servers=NameServers(form=form, servers=servers),
        ds=case.ds.offered,
        ttl=case.plan.facts.timing.lowered_ttl,
    )
    purpose = "offer keys, DS and name servers, and ask the losing side for lower TTLs"
    return _Drafts(frames=(_Draft(action=_relayed(case), extensions=(offer,), purpose=purpose),))


def _send_receipt(case: _Case) -> _Drafts:
    receipt = case.material.receipt
    if receipt is None:
        raise EppError(
            f"{case.domain}: the receipt for the gaining keys is not given", remedy="make it: zonekit.transfer.receipts"
        )
    return _said(case, receipt.domain, receipt, "tell the registry which of the gaining keys are taken")


def _send_report(case: _Case) -> _Drafts:
    report = case.material.report
    if report is None:
        raise EppError(
            f"{case.domain}: the report of the losing side is not given",
            remedy="record since when its servers give the gaining keys and the low TTLs, and give the losing zone",
        )
    return _said(case, report.name, report, "tell the registry that the keys are merged and the TTLs low")


def _said(case: _Case, name: str, extension: CommandExtension, purpose: str) -> _Drafts:
    if name.lower() != case.domain.lower():
        raise EppError(f"{case.domain}: what is to be told is of {name}", remedy="give that of this domain")
    update = DomainUpdate(name=case.domain)
    return _Drafts(frames=(_Draft(action=update, extensions=(extension,), purpose=purpose),))


_DRAFTED: Final[Mapping[FrameKind, Callable[[_Case], _Drafts]]] = {
    FrameKind.ADD_DS: _add_ds,
    FrameKind.REMOVE_LOSING_DS: _remove_losing_ds,
    FrameKind.REMOVE_ALL_DS: _remove_all_ds,
    FrameKind.RESTORE_DS: _restore_ds,
    FrameKind.CHANGE_NS: _change_ns,
    FrameKind.GIVE_AUTH_INFO: _give_auth_info,
    FrameKind.SEND_AUTH_INFO: _send_auth_info,
    FrameKind.REQUEST_TRANSFER: _request_transfer,
    FrameKind.ANSWER_TRANSFER: _answer_transfer,
    FrameKind.RELAY_KEYS: _relay_keys,
    FrameKind.OFFER_KEYS: _offer_keys,
    FrameKind.SEND_RECEIPT: _send_receipt,
    FrameKind.SEND_REPORT: _send_report,
}


# ---- frames that only ask -------------------------------------------------------------------------------------------


def asking_frames(plan: Plan, *, sender: Sender, auth_info: AuthInfo | None = None) -> tuple[SentFrame, ...]:
    """Return the frames that show what the registry has: a domain info, before a step and after it, and a poll request.

    What they show is what the registry has; what the servers of its zone give is to be asked of those.

    Args:
        plan: the plan.
        sender: who sends them.
        auth_info: the code, for one who is not the sponsor.
    """
    info = DomainInfo(name=plan.facts.domain, auth_info=auth_info)
    asked = (
        _Draft(action=info, purpose="ask what the registry has of the domain"),
        _Draft(action=PollRequest(), purpose="ask for the oldest message of the queue", accepts=_QUEUE_CODES),
    )
    return tuple(_sent(draft, sender) for draft in asked)


_QUEUE_CODES: Final = frozenset((ResultCode.NO_MESSAGES, ResultCode.ACK_TO_DEQUEUE))


def acknowledging_frame(message_id: str, *, sender: Sender) -> SentFrame:
    """Return the frame that takes a message out of the queue; send it when what the message says is safely kept.

    Raises:
        EppError: the identifier is none that EPP can carry.
    """
    draft = _Draft(action=PollAcknowledge(message_id=message_id), purpose=f"take message {message_id} out of the queue")
    return _sent(draft, sender)
