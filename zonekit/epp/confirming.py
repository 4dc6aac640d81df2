"""What an answer of the registry says about a step: that it is refused, taken, pending or other than asked, or evidence of it.

That a registry has taken a change says nothing of what the servers of its zone give, and it is those that resolvers ask. So
an answer is evidence only for steps that no server shows: that a domain was transferred, that an offer was taken.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from zonekit.ds import KeyData
from zonekit.epp.delegations import Delegation
from zonekit.epp.domains import (
    DomainCreateData,
    DomainInfo,
    DomainInfoData,
    DomainTransferData,
    NameServer,
    PendingActionData,
    TransferStatus,
)
from zonekit.epp.explanations import Explanation, explain
from zonekit.epp.frames import Response
from zonekit.epp.materials import Registered
from zonekit.epp.results import ResultCode
from zonekit.epp.secdns import AnyDs
from zonekit.epp.steps import SentFrame, StepFrames
from zonekit.errors import EppError
from zonekit.instants import instant_text, utc
from zonekit.transfer.journal import Evidence

_TRANSFER: Final = "domain-transferred"
_BY_ANSWER: Final = frozenset(("keys-offered",))
"""The steps that are confirmed by the registry's having taken the frame."""


class Standing(enum.Enum):
    """What an answer says about a step."""

    CONFIRMED = "confirmed"
    """It is done, and the answer is evidence of that."""
    TAKEN = "taken"
    """The registry has it. What the servers of its zone give is to be asked of them."""
    PENDING = "pending"
    """The registry is going to do it, or waits for somebody: a poll message tells how it ends."""
    DIFFERS = "differs"
    """The registry has something else than was asked for."""
    REFUSED = "refused"
    """It is not done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an answer says about a step.

    Attributes:
        step_id: the step.
        at: when the answer came.
        standing: what it says, in a word.
        text: the same for people.
        evidence: for the gate, where the step is confirmed; else None.
        explanations: what its result codes mean and what to do, where it is refused.
    """

    step_id: str
    at: datetime
    standing: Standing
    text: str
    evidence: Evidence | None = None
    explanations: tuple[Explanation, ...] = ()


def confirms(
    frames: StepFrames, response: Response, *, at: datetime, gaining: str = "", by: str = "the registry"
) -> Told:
    """Return what an answer says about the step whose frames were sent.

    Args:
        frames: the frames of the step, as :func:`~zonekit.epp.steps.step_frames` gave them.
        response: an answer to one of them, to a domain info after them, or a poll message.
        at: when it came.
        gaining: the client identifier of the gaining registrar, by which an answer shows that the domain is transferred to it.
        by: who says so, for the evidence.

    Raises:
        EppError: the answer is about another domain or to a command that is none of the frames, it says nothing about the step,
            or who the gaining registrar is and nobody says.
        TimeError: ``at`` is naive.
    """
    return _Reading(frames=frames, response=response, at=utc(at), gaining=gaining, by=by).told()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    frames: StepFrames
    response: Response
    at: datetime
    gaining: str
    by: str

    @property
    def sent(self) -> tuple[SentFrame, ...]:
        return self.frames.frames

    @property
    def answered(self) -> SentFrame | None:
        """The frame that this is the answer to; None where it is one to another command, or to none."""
        return self._sent_as(self.response.transaction.client)

    def _sent_as(self, transaction: str | None) -> SentFrame | None:
        return next((each for each in self.sent if each.command.client_transaction == transaction), None)

    def told(self) -> Told:
        code, answered = self.response.results[0].known, self.answered
        is_taken = self.response.is_success or (answered is not None and code in answered.accepts)
        if not is_taken:
            if answered is None:
                raise self._nothing()
            found = tuple(map(explain, self.response.results))
            return self._told(Standing.REFUSED, "; ".join(map(str, found)), explanations=found)
        for data in self.response.data:
            match data:
                case DomainInfoData():
                    self._check_name(data.name)
                    return self._by_info(data)
                case DomainTransferData():
                    self._check_name(data.name)
                    return self._by_transfer(data)
                case PendingActionData():
                    self._check_name(data.name)
                    return self._by_action(data)
                case DomainCreateData():
                    raise self._nothing()
                case _:
                    pass
        if answered is None:
            raise self._nothing()
        return self._by_code(answered)

    def _told(
        self,
        standing: Standing,
        text: str,
        *,
        evidence: Evidence | None = None,
        explanations: tuple[Explanation, ...] = (),
    ) -> Told:
        return Told(
            step_id=self.frames.step_id,
            at=self.at,
            standing=standing,
            text=text,
            evidence=evidence,
            explanations=explanations,
        )

    def _confirmed(self, text: str) -> Told:
        evidence = Evidence(step_id=self.frames.step_id, seen=self.at, by=self.by)
        return self._told(Standing.CONFIRMED, text, evidence=evidence)

    def _taken(self, has: str) -> Told:
        if self.frames.after is None or self.frames.step_id == _TRANSFER:
            return self._told(Standing.TAKEN, has)
        return self._told(Standing.TAKEN, f"{has}; whether the servers of its zone give it is to be asked of them")

    def _check_name(self, name: str) -> None:
        domain = self.frames.plan.facts.domain
        if name.lower() != domain.lower():
            raise EppError(
                f"the answer is about {name}, and the frames about {domain}", remedy="give the answer to them"
            )

    def _nothing(self) -> EppError:
        return EppError(
            f"the answer says nothing about {self.frames.step_id}",
            remedy="give the answer to one of its frames, to a domain info after them, or a poll message about it",
        )

    def _by_code(self, answered: SentFrame) -> Told:
        """What a result says that is the answer to this frame and has no data about the domain."""
        code = self.response.results[0].known
        if code is ResultCode.COMPLETED_PENDING:
            return self._told(
                Standing.PENDING, f"{self._which(answered)} is taken and not done: a poll message tells how it ends"
            )
        if code is not ResultCode.COMPLETED and code not in answered.accepts:
            raise self._nothing()
        return self._done(answered, "is taken", self._which(answered))

    def _done(self, frame: SentFrame, does: str, which: str) -> Told:
        """What it says of a step that the registry has taken, or done, one of its frames."""
        place = self.sent.index(frame)
        if place + 1 < len(self.sent):
            waits_for = self.sent[place + 1].waits_for
            when = f" after {waits_for}" if waits_for else ""
            return self._told(Standing.PENDING, f"{which} {does}: send the next one{when}")
        if self.frames.step_id in _BY_ANSWER:
            return self._confirmed(f"{which} {does}")
        return self._taken(f"{which} {does}")

    def _which(self, frame: SentFrame) -> str:
        """Which frame it is, for people."""
        number = len(self.sent)
        return f"frame {self.sent.index(frame) + 1} of {number}" if number > 1 else "the frame"

    def _by_info(self, info: DomainInfoData) -> Told:
        if self.frames.step_id == _TRANSFER:
            return self._by_sponsor(info)
        if self.answered is not None and isinstance(self.answered.command.action, DomainInfo):
            return self._by_asked_code(info)
        if self.frames.after is None:
            raise self._nothing()
        differences = tuple(_differences(self.frames.after, Registered.of(self.response)))
        if differences:
            return self._told(Standing.DIFFERS, "; ".join(differences))
        return self._taken("the registry has what was asked for")

    def _by_asked_code(self, info: DomainInfoData) -> Told:
        """What the answer to a domain info says that was sent for the authinfo code."""
        if info.auth_info is None:
            return self._told(Standing.DIFFERS, "the registry tells no authinfo code: set a new one")
        return self._told(Standing.TAKEN, "the registry tells the authinfo code")

    def _by_sponsor(self, info: DomainInfoData) -> Told:
        self._check_gaining(info.name, f"its sponsor is {info.sponsor}")
        if info.sponsor == self.gaining:
            return self._by_new_sponsor(info)
        if any(each.value == "pendingTransfer" for each in info.statuses):
            return self._told(Standing.PENDING, f"its sponsor is {info.sponsor}, and a transfer is under way")
        return self._told(Standing.DIFFERS, f"its sponsor is {info.sponsor}, and no transfer is under way")

    def _by_new_sponsor(self, info: DomainInfoData) -> Told:
        """A transfer is done when the domain has a new sponsor, and what it had of DNSSEC as well."""
        after = self.frames.after
        lost = () if after is None else tuple(_lacking(after, Registered.of(self.response)))
        named = f"the registry names {info.sponsor} as its sponsor"
        if lost:
            return self._told(Standing.DIFFERS, f"{named}; {'; '.join(lost)}: add it again at once")
        return self._confirmed(named)

    def _check_gaining(self, name: str, found: str) -> None:
        if not self.gaining:
            raise EppError(
                f"{name}: {found}, and nobody says whether that is the gaining registrar",
                remedy="say the client identifier of the gaining registrar",
            )

    def _by_transfer(self, data: DomainTransferData) -> Told:
        if self.frames.step_id != _TRANSFER:
            raise self._nothing()
        self._check_gaining(data.name, f"it is {data.requester} that asks for the domain")
        # The answer to a query is about the most recent transfer, however long ago it was (RFC 5731 section 3.1.3).
        if data.requested < self.frames.plan.start:
            return self._told(
                Standing.DIFFERS,
                f"this is of the transfer to {data.requester} that was asked for at {instant_text(data.requested)}, before the"
                " plan begins",
            )
        if data.requester != self.gaining:
            return self._told(
                Standing.DIFFERS, f"it is {data.requester} that asks for the domain, and not {self.gaining}"
            )
        if data.status.is_approved:
            ask = "" if self.frames.after is None else "; ask with a domain info whether the DS is there still"
            return self._confirmed(f"the transfer to {data.requester} is done: {data.status.value}{ask}")
        if data.status is TransferStatus.PENDING:
            until = f"{data.actor} has until {instant_text(data.acted)} to answer; then the registry acts"
            return self._told(Standing.PENDING, f"{data.requester} asks for the domain, and {until}")
        return self._told(Standing.REFUSED, f"the transfer to {data.requester} has ended: {data.status.value}")

    def _by_action(self, data: PendingActionData) -> Told:
        # One that names no command of the client's may be about any change of the domain.
        frame = None if data.client_transaction is None else self._sent_as(data.client_transaction)
        if frame is None:
            raise self._nothing()
        when, which = instant_text(data.acted), self._which(frame)
        if not data.succeeded:
            return self._told(
                Standing.REFUSED, f"the registry did not do what {which} asks, {frame.purpose}; decided at {when}"
            )
        return self._done(frame, f"is done at {when}", which)


def _differences(wanted: Delegation, shown: Registered) -> Iterator[str]:
    """Yield what the registry lacks of what was asked for, and what it has besides."""
    yield from _lacking(wanted, shown)
    if wanted.ds is not None:
        yield from _told_of("DS", map(_ds_text, _shown_ds(shown) - wanted.ds), "still has")
    if wanted.keys is not None:
        yield from _told_of("key", map(_key_text, _shown_keys(shown) - wanted.keys), "still has")
    if wanted.servers is not None:
        named, asked = _shown_servers(shown), {each.name: each for each in wanted.servers}
        yield from _told_of("name server", (name for name in named if name not in asked), "still has")
        yield from _told_of(
            "address of",
            (name for name in asked if name in named and _is_elsewhere(asked[name], named[name])),
            "has another",
        )


def _lacking(wanted: Delegation, shown: Registered) -> Iterator[str]:
    """Yield what the registry lacks of what was asked for."""
    yield from _told_of("DS", map(_ds_text, (wanted.ds or frozenset()) - _shown_ds(shown)), "lacks")
    yield from _told_of("key", map(_key_text, (wanted.keys or frozenset()) - _shown_keys(shown)), "lacks")
    named = _shown_servers(shown)
    yield from _told_of("name server", (each.name for each in wanted.servers or () if each.name not in named), "lacks")


def _shown_ds(shown: Registered) -> frozenset[AnyDs]:
    return frozenset() if shown.dnssec is None else frozenset(each.ds for each in shown.dnssec.ds)


def _shown_keys(shown: Registered) -> frozenset[KeyData]:
    return frozenset() if shown.dnssec is None else frozenset(shown.dnssec.keys)


def _shown_servers(shown: Registered) -> dict[str, NameServer]:
    servers = () if shown.info.name_servers is None else shown.info.name_servers.servers
    return {each.name: each for each in servers}


def _ds_text(ds: AnyDs) -> str:
    return f"{ds.key_tag}/{ds.digest_type}"


def _key_text(key: KeyData) -> str:
    return f"{key.flags}/{key.alg}"


def _is_elsewhere(asked: NameServer, shown: NameServer) -> bool:
    """Whether a server has other addresses; host objects show none, and outside the domain none are asked for."""
    return bool(asked.addresses and shown.addresses) and set(asked.addresses) != set(shown.addresses)


def _told_of(what: str, found: Iterable[str], does: str) -> Iterator[str]:
    yield from (f"the registry {does} {what} {each}" for each in sorted(found))
