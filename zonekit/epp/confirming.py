"""What an answer of the registry says about a step: that it is refused, taken, pending or other than asked, or evidence of it.

That a registry has taken a change says nothing of what the servers of its zone give, and it is those that resolvers ask. So
an answer is evidence only for steps that no server shows: that a domain was transferred, that an offer was taken.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from zonekit.epp.delegations import Delegation
from zonekit.epp.domains import DomainInfoData, DomainTransferData, NameServer, PendingActionData, TransferStatus
from zonekit.epp.explanations import Explanation, explain
from zonekit.epp.frames import Response
from zonekit.epp.materials import Registered
from zonekit.epp.results import ResultCode
from zonekit.epp.steps import StepFrames
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
        gaining: the client identifier of the gaining registrar, by which a domain info shows that the domain is transferred.
        by: who says so, for the evidence.

    Raises:
        EppError: the answer is about another domain, or says nothing about the step.
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

    def told(self) -> Told:
        sent = [each.command.client_transaction for each in self.frames.frames]
        place = sent.index(self.response.transaction.client) if self.response.transaction.client in sent else None
        accepted = frozenset() if place is None else self.frames.frames[place].accepts
        if not self.response.is_success and self.response.results[0].known not in accepted:
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
                case _:
                    pass
        if place is not None and place + 1 < len(sent):
            return self._told(Standing.PENDING, f"frame {place + 1} of {len(sent)} is taken: send the next one")
        return self._by_code()

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
        if self.frames.after is None:
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

    def _by_code(self) -> Told:
        match self.response.results[0].known:
            case ResultCode.COMPLETED_PENDING:
                return self._told(
                    Standing.PENDING, "the registry has taken it and not done it: a poll message tells how it ends"
                )
            case ResultCode.COMPLETED if self.response.data:
                raise self._nothing()
            case ResultCode.COMPLETED if self.frames.step_id in _BY_ANSWER:
                return self._confirmed("the registry has taken it")
            case ResultCode.COMPLETED:
                return self._taken("the registry has taken it")
            case _:
                raise self._nothing()

    def _by_info(self, info: DomainInfoData) -> Told:
        if self.frames.step_id == _TRANSFER:
            return self._by_sponsor(info)
        if self.frames.after is None:
            raise self._nothing()
        differences = tuple(_differences(self.frames.after, Registered.of(self.response)))
        if differences:
            return self._told(Standing.DIFFERS, "; ".join(differences))
        return self._taken("the registry has what was asked for")

    def _by_sponsor(self, info: DomainInfoData) -> Told:
        if not self.gaining:
            raise EppError(
                f"{info.name}: its sponsor is {info.sponsor}, and nobody says whether that is the gaining registrar",
                remedy="say the client identifier of the gaining registrar",
            )
        if info.sponsor == self.gaining:
            return self._confirmed(f"the registry names {info.sponsor} as its sponsor")
        if any(each.value == "pendingTransfer" for each in info.statuses):
            return self._told(Standing.PENDING, f"its sponsor is {info.sponsor}, and a transfer is under way")
        return self._told(Standing.DIFFERS, f"its sponsor is {info.sponsor}, and no transfer is under way")

    def _by_transfer(self, data: DomainTransferData) -> Told:
        if self.frames.step_id != _TRANSFER:
            raise self._nothing()
        if self.gaining and data.requester != self.gaining:
            return self._told(
                Standing.DIFFERS, f"it is {data.requester} that asks for the domain, and not {self.gaining}"
            )
        if data.status.is_approved:
            return self._confirmed(f"the transfer to {data.requester} is done: {data.status.value}")
        if data.status is TransferStatus.PENDING:
            until = f"{data.actor} has until {instant_text(data.acted)} to answer; then the registry acts"
            return self._told(Standing.PENDING, f"{data.requester} asks for the domain, and {until}")
        return self._told(Standing.REFUSED, f"the transfer to {data.requester} has ended: {data.status.value}")

    def _by_action(self, data: PendingActionData) -> Told:
        if data.client_transaction is not None and self.frames.frames:
            sent = {each.command.client_transaction for each in self.frames.frames}
            if data.client_transaction not in sent:
                raise self._nothing()
        if not data.succeeded:
            return self._told(Standing.REFUSED, f"the registry did not do it, decided at {instant_text(data.acted)}")
        if self.frames.step_id in _BY_ANSWER:
            return self._confirmed(f"the registry has done it at {instant_text(data.acted)}")
        return self._taken(f"the registry has done it at {instant_text(data.acted)}")


def _differences(wanted: Delegation, shown: Registered) -> Iterator[str]:
    """Yield what the registry lacks of what was asked for, and what it has besides."""
    dnssec = shown.dnssec
    if wanted.ds is not None:
        has = frozenset() if dnssec is None else frozenset(each.ds for each in dnssec.ds)
        yield from _compared("DS", (f"{each.key_tag}/{each.digest_type}" for each in wanted.ds - has), "lacks")
        yield from _compared("DS", (f"{each.key_tag}/{each.digest_type}" for each in has - wanted.ds), "still has")
    if wanted.keys is not None:
        keys = frozenset() if dnssec is None else frozenset(dnssec.keys)
        yield from _compared("key", (f"{each.flags}/{each.alg}" for each in wanted.keys - keys), "lacks")
        yield from _compared("key", (f"{each.flags}/{each.alg}" for each in keys - wanted.keys), "still has")
    if wanted.servers is not None:
        servers = () if shown.info.name_servers is None else shown.info.name_servers.servers
        named = {each.name: each for each in servers}
        asked = {each.name: each for each in wanted.servers}
        yield from _compared("name server", (name for name in asked if name not in named), "lacks")
        yield from _compared("name server", (name for name in named if name not in asked), "still has")
        yield from _compared(
            "address of",
            (name for name in asked if name in named and _is_elsewhere(asked[name], named[name])),
            "has another",
        )


def _is_elsewhere(asked: NameServer, shown: NameServer) -> bool:
    """Whether a server has other addresses; host objects show none, and outside the domain none are asked for."""
    return bool(asked.addresses and shown.addresses) and set(asked.addresses) != set(shown.addresses)


def _compared(what: str, found: Iterator[str], does: str) -> Iterator[str]:
    yield from (f"the registry {does} {what} {each}" for each in sorted(found))
