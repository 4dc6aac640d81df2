"""The journal of a transfer: who saw what, what was decided on it, and who answered for what was missing.

Values alone. The gate makes the decisions (:mod:`zonekit.transfer.gate`), and a plan keeps them. All texts are of one
line, so that they can be printed as they are.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from zonekit.errors import PlanError
from zonekit.instants import instant_text, utc


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What somebody has seen of a step.

    Attributes:
        step_id: the step it is about.
        seen: when.
        by: who or what saw it: a probe, an operator, a registry message.
        confirming: the servers that give what the step is for; empty for what is no matter of servers.
        lacking: the servers that were asked and do not give it yet, or do not answer.

    Raises:
        PlanError: nobody is named, a server both confirms and lacks, or a text is not of one line.
        TimeError: ``seen`` is naive.
    """

    step_id: str
    seen: datetime
    by: str
    confirming: frozenset[str] = frozenset()
    lacking: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "seen", utc(self.seen))
        object.__setattr__(self, "confirming", frozenset(self.confirming))
        object.__setattr__(self, "lacking", frozenset(self.lacking))
        if not self.by.strip():
            raise PlanError(f"evidence for {self.step_id} says not who saw it", remedy="name the probe or the person")
        _check_lines(self.by, *sorted(self.confirming | self.lacking))
        both = sorted(self.confirming & self.lacking)
        if both:
            raise PlanError(
                f"evidence for {self.step_id} says that {', '.join(both)} gives it and does not",
                remedy="give the later of the two answers",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Somebody's decision to begin a step although something is missing.

    Attributes:
        who: the person who answers for it.
        why: the reason.
        when: the instant of the decision.

    Raises:
        PlanError: nobody is named, no reason given, or a text is not of one line.
        TimeError: ``when`` is naive.
    """

    who: str
    why: str
    when: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "when", utc(self.when))
        for what, text in (("who decides", self.who), ("why", self.why)):
            if not text.strip():
                raise PlanError(f"an override says not {what}", remedy="give a name and a reason, which stay on record")
        _check_lines(self.who, self.why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """One thing that a step rests on and that nothing confirms.

    Attributes:
        step_id: the step that is not confirmed, or the one to be taken where it is a wait that is not over.
        needed: what would confirm it.
        found: what there is instead.

    Raises:
        PlanError: a text is not of one line.
    """

    step_id: str
    needed: str
    found: str

    def __post_init__(self) -> None:
        _check_lines(self.needed, self.found)

    def __str__(self) -> str:
        return f"{self.step_id}: {self.needed}; {self.found}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """A step may begin.

    Attributes:
        step_id: the step.
        at: the instant of the decision.
        evidence: what it rests on.

    Raises:
        TimeError: ``at`` is naive.
    """

    step_id: str
    at: datetime
    evidence: tuple[Evidence, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", utc(self.at))
        object.__setattr__(self, "evidence", tuple(self.evidence))


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A step may not begin.

    Attributes:
        step_id: the step.
        at: the instant of the decision.
        missing: everything that is missing.

    Raises:
        PlanError: nothing is missing.
        TimeError: ``at`` is naive.
    """

    step_id: str
    at: datetime
    missing: tuple[Lacking, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", utc(self.at))
        object.__setattr__(self, "missing", _some(self.step_id, self.missing))

    def raise_if_missing(self) -> None:
        """Raise what is missing as one error.

        Raises:
            PlanError: always.
        """
        raise PlanError(
            f"{self.step_id} may not begin at {instant_text(self.at)}: {'; '.join(map(str, self.missing))}",
            remedy="wait and look again, or override it with who, why and when",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Overridden:
    """A step may begin although something is missing, because somebody answers for it.

    Attributes:
        step_id: the step.
        at: the instant of the decision.
        missing: everything that is missing.
        override: who answers for it, and why.

    Raises:
        PlanError: nothing is missing, or the override is from after the decision.
        TimeError: ``at`` is naive.
    """

    step_id: str
    at: datetime
    missing: tuple[Lacking, ...]
    override: Override

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", utc(self.at))
        object.__setattr__(self, "missing", _some(self.step_id, self.missing))
        if self.override.when > self.at:
            raise PlanError(
                f"an override of {instant_text(self.override.when)} comes after the decision at {instant_text(self.at)}",
                remedy="give the instant at which it was decided",
            )


Decision: TypeAlias = Confirmed | Missing | Overridden


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """Every decision that was taken, in the order they were; nothing is ever taken out.

    Raises:
        PlanError: a decision lies before the one that it comes after.
    """

    decisions: tuple[Decision, ...] = ()

    def __post_init__(self) -> None:
        held: tuple[Decision, ...] = tuple(self.decisions)
        object.__setattr__(self, "decisions", held)
        for before, decision in itertools.pairwise(held):
            if decision.at < before.at:
                raise PlanError(
                    f"a decision of {instant_text(decision.at)} comes after one of {instant_text(before.at)}",
                    remedy="add decisions in the order in which they are taken",
                )

    def add(self, decision: Decision) -> Journal:
        """Return the journal with one more decision.

        Raises:
            PlanError: it lies before the last one.
        """
        return replace(self, decisions=(*self.decisions, decision))

    @property
    def overrides(self) -> tuple[Overridden, ...]:
        """The decisions that somebody answers for."""
        return tuple(each for each in self.decisions if isinstance(each, Overridden))


def _check_lines(*texts: str) -> None:
    for text in texts:
        if not text.isprintable():
            raise PlanError(
                f"{ascii(text[:40])} is not one line of printable characters", remedy="write it in one line"
            )


def _some(step_id: str, missing: tuple[Lacking, ...]) -> tuple[Lacking, ...]:
    if not missing:
        raise PlanError(f"of {step_id} it says that something is missing, and not what", remedy="say what is missing")
    return tuple(missing)
