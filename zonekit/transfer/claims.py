"""What a step of a transfer claims about what is served, as tables, and what has to hold at a step: all claims so far.

A step that is done claims something, and later steps supersede it: both DS records are there after ``ds-added``, the
gaining one alone after ``losing-ds-removed``. :func:`standing_claims` folds the table of a flow up to a step into what has to
hold then. What nobody can see in zones and parent is a matter of people, or of time, and the table says so.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from zonekit.errors import PlanError
from zonekit.transfer.steps import Actor, Effect, Step


class Claim(enum.Enum):
    """Something that a step claims and that zones and parent show."""

    LOSING_VERIFIES = "the losing zone verifies"
    GAINING_VERIFIES = "the gaining zone verifies"
    KEYS_ACCEPTABLE = "each zone can take the other side's keys"
    LOSING_HAS_GAINING_KEYS = "the losing zone publishes the gaining keys"
    LOSING_SIGNS_DNSKEY = "the losing DNSKEY RRset is signed by a losing key that the DS leads to"
    GAINING_HAS_LOSING_KEYS = "the gaining zone publishes the losing keys"
    GAINING_SIGNS_DNSKEY = "the gaining DNSKEY RRset is signed by a gaining key that the DS leads to, or is to"
    LOSING_TTLS_LOW = "the TTLs of the losing apex NS and DNSKEY RRsets are lowered"
    BOTH_DS = "the parent has the DS of both sides"
    DS_DIGESTS = "no DS at the parent has a digest that another one puts out of use"
    GAINING_ANSWERS = "the gaining servers answer for the zone"
    SHARED_ANSWER = "the servers that are asked already answer from the gaining zone"
    GAINING_NS = "the gaining zone names the gaining servers"
    PARENT_NS = "the parent names the gaining servers"
    LOSING_NS = "the losing zone names the gaining servers"
    GAINING_DS_ALONE = "the parent has the gaining DS alone"
    NO_DS = "the parent has no DS"
    LOSING_KEYS_GONE = "the gaining zone publishes no losing key"
    LOSING_SILENT = "the losing servers do not answer for the zone"
    GAINING_TTLS_RESTORED = "the TTLs of the gaining apex NS and DNSKEY RRsets are those that are to stay"
    NO_ONE_SIDED_CDS = "no CDS or CDNSKEY RRset asks for one side alone"
    NO_CSYNC = "no CSYNC record asks for a change at once"
    LOSING_CDS_OF_BOTH = "CDS and CDNSKEY in the losing zone ask for the DS of both sides"
    GAINING_CDS_OF_BOTH = "CDS and CDNSKEY in the gaining zone ask for the DS of both sides"
    GAINING_CDS_ALONE = "CDS and CDNSKEY in the gaining zone ask for the gaining DS alone"
    LOSING_CSYNC = "a CSYNC record in the losing zone asks the parent for its NS RRset"
    GAINING_VALIDATES = "the gaining zone validates from the DS at the parent to the last RRset"
    GAINING_UNSIGNED = "the gaining zone is not signed, and the parent has no DS"


class Rest(enum.Enum):
    """What of a step's confirmation no zone and no parent shows."""

    NOTHING = "nothing"
    """What is seen is all of it."""
    PEOPLE = "people"
    """Somebody has to say so, whatever is seen besides."""
    TIME = "time"
    """Nobody takes the step, and time confirms it."""


_OF_EFFECT: Final[Mapping[Effect, tuple[Claim, ...]]] = MappingProxyType(
    {
        Effect.GAINING_KEYS_AT_LOSING: (
            Claim.LOSING_HAS_GAINING_KEYS,
            Claim.LOSING_SIGNS_DNSKEY,
            Claim.LOSING_VERIFIES,
        ),
        Effect.LOSING_KEYS_AT_GAINING: (
            Claim.GAINING_HAS_LOSING_KEYS,
            Claim.GAINING_SIGNS_DNSKEY,
            Claim.GAINING_VERIFIES,
        ),
        Effect.TTLS_LOWERED: (Claim.LOSING_TTLS_LOW,),
        Effect.GAINING_SERVES: (Claim.GAINING_ANSWERS, Claim.GAINING_NS),
        Effect.SHARED_SERVE: (Claim.SHARED_ANSWER,),
        Effect.DS_ADDED: (Claim.BOTH_DS, Claim.DS_DIGESTS),
        Effect.NS_AT_PARENT: (Claim.PARENT_NS,),
        Effect.NS_AT_LOSING: (Claim.LOSING_NS,),
        Effect.LOSING_DS_REMOVED: (Claim.GAINING_DS_ALONE,),
        Effect.ALL_DS_REMOVED: (Claim.NO_DS,),
        Effect.LOSING_KEYS_WITHDRAWN: (Claim.LOSING_KEYS_GONE, Claim.GAINING_VERIFIES),
        Effect.LOSING_STOPS: (Claim.LOSING_SILENT,),
        Effect.GAINING_TTLS_RESTORED: (Claim.GAINING_TTLS_RESTORED,),
    }
)
"""What a step with this effect claims in a flow in which both zones are signed and both sides cooperate."""

_NOTHING_OF_LOSING: Final = (Claim.PARENT_NS, Claim.GAINING_NS, Claim.LOSING_SILENT)
_OF_STEP: Final[Mapping[str, tuple[Claim, ...]]] = MappingProxyType(
    {
        "frozen": (Claim.NO_ONE_SIDED_CDS, Claim.NO_CSYNC),
        "keys-made": (Claim.GAINING_VERIFIES,),
        "keys-exchanged": (Claim.KEYS_ACCEPTABLE, Claim.LOSING_VERIFIES),
        "cds-published": (Claim.LOSING_CDS_OF_BOTH, Claim.GAINING_CDS_OF_BOTH),
        "cds-alone": (Claim.GAINING_CDS_ALONE,),
        "losing-verified": (
            Claim.LOSING_VERIFIES,
            Claim.LOSING_HAS_GAINING_KEYS,
            Claim.LOSING_SIGNS_DNSKEY,
            Claim.LOSING_TTLS_LOW,
        ),
        "resolution-verified": (Claim.PARENT_NS, Claim.GAINING_VALIDATES),
        "end-verified": (Claim.GAINING_VALIDATES, Claim.GAINING_DS_ALONE, Claim.LOSING_KEYS_GONE, *_NOTHING_OF_LOSING),
    }
)
_BY_PEOPLE: Final = frozenset(
    (
        "frozen",
        "requested",
        "keys-offered",
        "keys-relayed",
        "wait-announced",
        "authinfo-given",
        "domain-transferred",
        "removal-allowed",
        "thawed",
    )
)
"""Steps that nobody but people can confirm: they gave or got something, agreed to something, or have stopped something."""

_OF_LOSING_ZONE: Final = frozenset(
    (
        *(Claim.LOSING_VERIFIES, Claim.KEYS_ACCEPTABLE, Claim.LOSING_HAS_GAINING_KEYS, Claim.LOSING_SIGNS_DNSKEY),
        *(Claim.LOSING_TTLS_LOW, Claim.LOSING_NS, Claim.LOSING_CSYNC, Claim.LOSING_CDS_OF_BOTH),
    )
)
_SUPERSEDES: Final[Mapping[Claim, frozenset[Claim]]] = MappingProxyType(
    {
        Claim.GAINING_DS_ALONE: frozenset((Claim.BOTH_DS, Claim.DS_DIGESTS, Claim.NO_DS, Claim.LOSING_SIGNS_DNSKEY)),
        Claim.LOSING_KEYS_GONE: frozenset((Claim.GAINING_HAS_LOSING_KEYS, Claim.KEYS_ACCEPTABLE)),
        Claim.LOSING_SILENT: _OF_LOSING_ZONE,
        Claim.GAINING_CDS_ALONE: frozenset((Claim.GAINING_CDS_OF_BOTH, Claim.NO_ONE_SIDED_CDS)),
        Claim.LOSING_CSYNC: frozenset((Claim.NO_CSYNC,)),
        Claim.PARENT_NS: frozenset((Claim.LOSING_CSYNC,)),
        Claim.GAINING_VALIDATES: frozenset((Claim.GAINING_VERIFIES,)),
    }
)
"""What a claim puts an end to, as soon as the step is done that makes it."""
_THAWED_ENDS: Final = frozenset(
    (Claim.NO_ONE_SIDED_CDS, Claim.NO_CSYNC, Claim.GAINING_CDS_ALONE, Claim.GAINING_CDS_OF_BOTH)
)


def claims_of(step: Step, steps: Iterable[Step]) -> tuple[Claim, ...]:
    """Return what a step claims in a flow; nothing where only people or time can confirm it.

    Where the losing DS goes before the gaining one comes, that one comes alone; where the gaining zone is not signed, nothing
    is claimed of its keys; where a scanner takes the NS RRset, a CSYNC record asks for it.

    >>> from zonekit.transfer.steps import STEPS, Flow
    >>> [claim.name for claim in claims_of(STEPS[Flow.OPERATOR_CHANGE][6], STEPS[Flow.OPERATOR_CHANGE])]
    ['BOTH_DS', 'DS_DIGESTS']
    >>> [claim.name for claim in claims_of(STEPS[Flow.FROM_UNSIGNED][6], STEPS[Flow.FROM_UNSIGNED])]
    ['GAINING_DS_ALONE']
    """
    return _claims_of(step, tuple(steps))


@functools.lru_cache(maxsize=512)
def _claims_of(step: Step, table: tuple[Step, ...]) -> tuple[Claim, ...]:
    """What a step claims; every transfer asks it again and again, of the same few tables."""
    effects = {each.effect for each in table}
    claimed = list(_OF_STEP.get(step.id, ()) if step.effect is None else _OF_EFFECT[step.effect])
    if step.effect is Effect.DS_ADDED and Effect.LOSING_DS_REMOVED not in effects:
        claimed = [Claim.GAINING_DS_ALONE]
    if step.effect is Effect.NS_AT_LOSING and any(each.scans == step.id for each in table):
        claimed.append(Claim.LOSING_CSYNC)
    if step.id == "end-verified" and Effect.DS_ADDED not in effects:
        claimed = [Claim.GAINING_UNSIGNED, *_NOTHING_OF_LOSING]
    absent = {
        Claim.LOSING_KEYS_GONE: Effect.LOSING_KEYS_AT_GAINING,
        Claim.LOSING_TTLS_LOW: Effect.TTLS_LOWERED,
        Claim.LOSING_HAS_GAINING_KEYS: Effect.GAINING_KEYS_AT_LOSING,
        Claim.LOSING_SIGNS_DNSKEY: Effect.GAINING_KEYS_AT_LOSING,
    }
    return tuple(claim for claim in claimed if claim not in absent or absent[claim] in effects)


def rest_of(step: Step) -> Rest:
    """Return what of a step's confirmation nobody can see."""
    if step.actor is Actor.NOBODY:
        return Rest.TIME
    return Rest.PEOPLE if step.id in _BY_PEOPLE else Rest.NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A claim that has to hold.

    Attributes:
        claim: the claim.
        step: the step that makes it, the last of those that do.
        until: the ids of the steps after which it need not hold any more; none where it stays.
        or_instead: claims that stand in its place where a step that may have been taken by now has been, each with that.
    """

    claim: Claim
    step: Step
    until: tuple[str, ...] = ()
    or_instead: tuple[tuple[Claim, Step], ...] = ()


def steps_done(steps: Iterable[Step], claimed: Iterable[str]) -> tuple[Step, ...]:
    """Return the steps that are done when these are: they, and all that they come after, directly or by others.

    Raises:
        PlanError: no step is named, or the flow has no such step.
    """
    table = tuple(steps)
    wanted = set(claimed)
    ids = [step.id for step in table]
    if not wanted:
        raise PlanError("no step is claimed to be done", remedy=f"name one of {', '.join(ids)}")
    for step_id in sorted(wanted, key=str):
        if step_id not in ids:
            raise PlanError(f"the flow has no step {str(step_id)[:64]!r}", remedy=f"its steps are {', '.join(ids)}")
    for step in reversed(table):
        if step.id in wanted:
            wanted |= {*step.after, *([step.scans] if step.scans else [])}
    return tuple(step for step in table if step.id in wanted)


def steps_after(steps: Iterable[Step], claimed: Iterable[str]) -> frozenset[str]:
    """Return the ids of the steps that come after these, directly or by others."""
    found = set(claimed)
    for step in steps:
        if not found.isdisjoint(step.after):
            found.add(step.id)
    return frozenset(found.difference(claimed))


def standing_claims(
    steps: Iterable[Step], claimed: Iterable[str], at_hand: Iterable[Step] = ()
) -> tuple[Standing, ...]:
    """Return what has to hold when these steps are done, in the order in which it came to.

    Args:
        steps: the steps of the flow.
        claimed: the ids of those that are claimed.
        at_hand: those that are not claimed and may have been taken all the same.

    Raises:
        PlanError: no step is named, or the flow has no such step.

    >>> from zonekit.transfer.steps import STEPS, Flow
    >>> [each.claim.name for each in standing_claims(STEPS[Flow.OPERATOR_CHANGE], ["ds-added"])]
    ['NO_ONE_SIDED_CDS', 'NO_CSYNC', 'GAINING_VERIFIES', 'KEYS_ACCEPTABLE', 'LOSING_VERIFIES', 'BOTH_DS', 'DS_DIGESTS']
    """
    return _standing_claims(tuple(steps), frozenset(claimed), tuple(at_hand))


@functools.lru_cache(maxsize=512)
def _standing_claims(
    table: tuple[Step, ...], claimed: frozenset[str], at_hand: tuple[Step, ...]
) -> tuple[Standing, ...]:
    """What has to hold; it follows from the tables alone, and transfers are at the same few places in them."""
    done = steps_done(table, claimed)
    made: dict[Claim, Step] = {}
    for step in done:
        claims = claims_of(step, table)
        for ended in _ended_by(step, claims):
            made.pop(ended, None)
        made |= {claim: step for claim in claims if not any(claim in _SUPERSEDES.get(by, ()) for by in made)}
    instead = [(claim, step) for step in at_hand for claim in claims_of(step, table)]
    is_done = {step.id for step in done}
    ending = {step.id: _ended_by(step, claims_of(step, table)) for step in table if step.id not in is_done}
    return tuple(
        Standing(
            claim=claim,
            step=step,
            until=tuple(step_id for step_id, ended in ending.items() if claim in ended),
            or_instead=tuple((other, by) for other, by in instead if claim in _SUPERSEDES.get(other, ())),
        )
        for claim, step in made.items()
    )


def superseded_by(claims: Iterable[Claim]) -> frozenset[Claim]:
    """Return what need not hold any more where these do."""
    return frozenset(each for claim in claims for each in _SUPERSEDES.get(claim, ()))


def _ended_by(step: Step, claims: Iterable[Claim]) -> frozenset[Claim]:
    """What need not hold any more when a step is done."""
    ended = superseded_by(claims)
    return ended | _THAWED_ENDS if step.id == "thawed" else ended
