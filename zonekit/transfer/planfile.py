"""Plans, schedules and facts as text: JSON and TOML that people and other programs read and write.

Three formats, each of which refuses what it does not know. TTLs and delays are written as whole seconds and read as
those or as texts such as ``1d12h``; instants are ISO 8601 with a zone. *May be left out* means left out or null.

**Facts** (TOML, or the member ``facts`` of a plan) are the fields of :class:`~zonekit.transfer.facts.Facts`::

    domain                       the domain
    [losing] and [gaining]
      keys                       a list of {name, algorithm, signs}; signs is a list of "dnskey" and "data"; no keys: not signed
      ns_ttl, dnskey_ttl         TTLs of these RRsets at the apex; of the proof that there is no DNSKEY where not signed
      data_ttl                   the largest TTL of all else
      negative_ttl               how long a cache may hold that something is not there
      propagation_delay          until a change is on the last server
      name_servers               may be left out: the names of its name servers; that none lies in the domain, or is of both
                                 operators, is then assumed, and the preflight says so
      address_ttl                may be left out: the TTL of the addresses of those that do
      signatures_expire          may be left out: the earliest expiration, where the signatures are not renewed
      can                        may be left out: a list of capabilities; all of them, which the preflight says is assumed
    [parent]
      ds                         a list of {key, digest_type}: the name of a losing key
      ds_ttl, ns_ttl             the TTLs at the parent's own servers
      negative_ttl               how long a cache may hold that there is no DS
      propagation_delay          until a change is on the parent's last server
      registration_delay         until a request has reached the first
      glue_ttl                   may be left out: the TTL of the addresses at the delegation
      scan_delay                 may be left out where it does not scan: until its scanner has taken a change, at most
      check_delay                may be left out where the registry checks nothing: how long each of its checks takes, at most
      digest_type                may be left out: the digest type of DS records that are added; 2
      channels                   may be left out: the ways by which it takes changes; "request" alone
    [timing]                     may be left out, and each of its fields
      lowered_ttl                what the losing operator lowers its NS and DNSKEY TTLs to; 600
      publish_safety, retire_safety, stale_margin
                                 what is added to every wait; 0 each
      approval_delay             until the transfer to another registrar is approved, at most; 5 days
    ledger                       may be left out: a list of {source, record, ttl, until}: TTLs that were served before;
                                 until is when a look first showed another, and may be left out where none has
    overlaps                     may be left out: a list of {asked, answers}: servers that answer for another party too

**A plan** (JSON, ``"format": "zonekit-plan", "version": 1``)::

    flow, start, facts           what it was made from
    profiles                     the resolver profiles, each with all of its fields
    steps                        {id, started, completed, not_before, recorded, waits}, and for people actor and action;
                                 recorded is true for what really happened;
                                 a wait is {until, since, counted_from, interval, record, rule}
    journal                      may be left out: a list of {step, at, decision}, in the order in which they were decided, and
                                 by decision, "confirmed", "missing" or "overridden",
                                 confirmed    evidence: what the step rests on, a list of {step, seen, by, confirming, lacking}:
                                              who saw it when, and lists of servers that give it and that do not, which may
                                              be left out
                                 missing      missing: a list of {step, needed, found}
                                 overridden   missing; override: {who, why, when}, by whom it was begun all the same
    switchover, finished         for people; not read
    outlook                      for people, and may be left out; not read: latest_start, critical_path, saved_by_lowering,
                                 point_of_no_return, and turning_back, a list of {step_id, kind, cost, why_not}

The dates that are read are those that stand there, also where somebody changed them: ``zonekit check`` proves those. The
texts of the journal may be of any length, and are of one line.

**A schedule** (JSON, ``"format": "zonekit-schedule", "version": 1``) says what is served when, whoever planned it::

    keys                         a list of {name, algorithm}; everything else names keys by these
    versions                     {kind, source, record, ttl, start, end} and, by kind,
                                 NS       leads_to: a list of "losing" and "gaining", whose servers it names; hosts, which may
                                          be left out: the servers in the domain that lead where their addresses do
                                 address  hosts: the servers that they are the addresses of; leads_to: whose those are
                                 DS       entries: a list of {key, digest_type}; empty, the proof that there is none
                                 DNSKEY   keys: a list of names; signatures
                                 data     signatures; it stands for all else, with the largest TTL of it: the NS RRset of an
                                          operator's zone, which is signed data too, and negative answers included
                                 a signature is {key, inception, expiration}, or the name of the key alone
    servings                     {operator, start, all_start, all_end, end}
    overlaps                     may be left out: a list of {asked, answers, start, end}, as in the facts but for start, when the
                                 first of these servers has the zone, and end, when the last has dropped it

Instants of versions, servings, overlaps and signatures may be left out: for ever in that direction; ``all_start`` is then
``start``, and ``all_end`` is ``end``. What each operator serves has to be said for all the time that it serves: of the
parent NS and DS, of an operator NS, DNSKEY and data.
"""

from __future__ import annotations

import enum
import itertools
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar, assert_never

from zonekit.errors import PlanError
from zonekit.instants import instant_text
from zonekit.names import parse_origin
from zonekit.transfer import fields
from zonekit.transfer.facts import Facts, Timing
from zonekit.transfer.fields import Read, Shape, refused, within
from zonekit.transfer.journal import Confirmed, Decision, Evidence, Lacking, Missing, Overridden, Override
from zonekit.transfer.ledger import Ledger, Observation, Record
from zonekit.transfer.parties import Capability, Channel, OperatorFacts, OperatorKey, ParentFacts
from zonekit.transfer.plan import Plan, PlannedStep, check_wait, plan_transfer, plan_under_way
from zonekit.transfer.profiles import AlgorithmRule, DigestRule, NsRule, ResolverProfile
from zonekit.transfer.spans import ALWAYS, Spans, difference, instant_of, span, union
from zonekit.transfer.steps import Flow
from zonekit.transfer.timelines import Event
from zonekit.transfer.values import OPERATOR_HOW_TO_FIND, PARENT_HOW_TO_FIND, Assumed
from zonekit.transfer.versions import (
    AddressVersion,
    DataVersion,
    DnskeyVersion,
    DsEntry,
    DsVersion,
    Key,
    NsVersion,
    Overlap,
    Schedule,
    Serving,
    Signature,
    Source,
    Version,
)
from zonekit.transfer.waits import Wait

if TYPE_CHECKING:
    from zonekit.transfer.outlook import Outlook

PLAN_FORMAT: Final = "zonekit-plan"
SCHEDULE_FORMAT: Final = "zonekit-schedule"
VERSION: Final = 1
_REMEDY: Final = "give what zonekit plan --json printed, or a schedule"

_Object = dict[str, Any]
_Decided = TypeVar("_Decided", Confirmed, Missing, Overridden)


def plan_json(plan: Plan, *, outlook: Outlook | None = None) -> str:
    """Return a plan as JSON, with a final newline; :func:`read_plan` gives back an equal plan.

    Args:
        plan: the plan.
        outlook: what lies ahead of it, for people to read there too.

    Raises:
        TimeError: a date lies beyond 2106.
    """
    switchover = {"at": instant_text(plan.switchover), "because": _wait_object(plan.switchover_because)}
    return fields.json_text(
        {
            "format": PLAN_FORMAT,
            "version": VERSION,
            "flow": plan.flow.value,
            "start": instant_text(plan.start),
            "switchover": switchover,
            "finished": instant_text(plan.finished),
            **({} if outlook is None else {"outlook": _outlook_object(outlook)}),
            "steps": [_step_object(planned) for planned in plan.steps],
            "facts": facts_object(plan.facts),
            "profiles": [_profile_object(profile) for profile in plan.profiles],
            "journal": [_decision_object(decision) for decision in plan.journal.decisions],
        }
    )


def read_plan(text: str) -> Plan:
    """Return the plan that a JSON text holds, with the dates that stand there.

    Raises:
        PlanError: it is not a plan in this format; the message begins with the path of the field at fault.
    """
    return _read_plan(fields.headed(fields.parse_json(text, remedy=_REMEDY), PLAN_FORMAT, version=VERSION))


def schedule_json(schedule: Schedule) -> str:
    """Return a schedule as JSON, with a final newline; :func:`read_schedule` gives back an equal schedule.

    Raises:
        PlanError: two keys have one name.
        TimeError: an instant lies beyond 2106.
    """
    keys = sorted({key for version in schedule.versions for key in _keys_in(version)})
    for first, second in itertools.pairwise(keys):
        if first.name == second.name:
            raise PlanError(f"two keys are named {first.name}", remedy="give each key its own name")
    return fields.json_text(
        {
            "format": SCHEDULE_FORMAT,
            "version": VERSION,
            "keys": [{"name": key.name, "algorithm": key.algorithm} for key in keys],
            "versions": [_version_object(version) for version in schedule.versions],
            "servings": [_serving_object(serving) for serving in schedule.servings],
            "overlaps": [_overlap_object(overlap) for overlap in schedule.overlaps],
        }
    )


def read_schedule(text: str) -> Schedule:
    """Return the schedule that a JSON text holds.

    Raises:
        PlanError: it is not a schedule in this format, or it leaves out what somebody serves; the message begins with the
            path of the field at fault.
    """
    return _read_schedule(fields.headed(fields.parse_json(text, remedy=_REMEDY), SCHEDULE_FORMAT, version=VERSION))


def read_plan_or_schedule(text: str) -> Plan | Schedule:
    """Return what a JSON text holds, by the format that it names.

    Raises:
        PlanError: as :func:`read_plan` and :func:`read_schedule`.
    """
    found = fields.parse_json(text, remedy=_REMEDY)
    if isinstance(found, dict) and found.get("format") == SCHEDULE_FORMAT:
        return _read_schedule(fields.headed(found, SCHEDULE_FORMAT, version=VERSION))
    return _read_plan(fields.headed(found, PLAN_FORMAT, SCHEDULE_FORMAT, version=VERSION))


def read_facts(toml_text: str) -> Facts:
    """Return the facts that a TOML text holds.

    Raises:
        PlanError: it is not TOML, or a field is missing, unknown or wrong; the message begins with its path. What is not
            known is never guessed.

    >>> read_facts('domain = "example.nl"')
    Traceback (most recent call last):
    zonekit.errors.PlanError: losing: is missing; say what it is
    """
    try:
        found = tomllib.loads(toml_text)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"is not TOML: {error}", remedy="see fixtures/transfers/example.nl.toml") from None
    return _read_facts(found, "")


def facts_of_object(found: object) -> Facts:
    """Return the facts that an object holds, as TOML and JSON have it; :func:`facts_object` is its inverse.

    Raises:
        PlanError: as :func:`read_facts`.
    """
    return _read_facts(found, "")


# ---- JSON -----------------------------------------------------------------------------------------------------------


def _seconds(delay: timedelta) -> int:
    return delay // timedelta(seconds=1)


def _instant_or_null(instant: datetime | None) -> str | None:
    return None if instant is None else instant_text(instant)


# ---- facts ----------------------------------------------------------------------------------------------------------


class _Signs(enum.Enum):
    """What a key signs."""

    DNSKEY = "dnskey"
    DATA = "data"


def _operator_key(*, name: str, algorithm: int, signs: frozenset[_Signs], key_tag: int | None = None) -> OperatorKey:
    return OperatorKey(
        key=Key(name=name, algorithm=algorithm, key_tag=key_tag),
        signs_dnskey=_Signs.DNSKEY in signs,
        signs_data=_Signs.DATA in signs,
    )


def _domain(value: object, path: str) -> str:
    name = fields.text(value, path)
    within(path, parse_origin, name)
    return name


_OCTET: Final = fields.number(0, 255)

_KEY: Final = Shape(
    make=_operator_key,
    needed={"name": fields.text, "algorithm": _OCTET, "signs": fields.set_of(fields.one_of(_Signs))},
    optional={"key_tag": fields.number(0, 65535)},
)
_OPERATOR: Final = Shape(
    make=OperatorFacts,
    needed={
        "keys": fields.list_of(_KEY),
        "ns_ttl": fields.ttl,
        "dnskey_ttl": fields.ttl,
        "data_ttl": fields.ttl,
        "negative_ttl": fields.ttl,
        "propagation_delay": fields.duration,
    },
    optional={
        "name_servers": fields.set_of(_domain),
        "address_ttl": fields.ttl,
        "signatures_expire": fields.instant,
        "can": fields.set_of(fields.one_of(Capability)),
    },
    how_to_find=OPERATOR_HOW_TO_FIND,
)
_TIMING: Final = Shape(
    make=Timing,
    needed={},
    optional={
        "lowered_ttl": fields.ttl,
        "publish_safety": fields.duration,
        "retire_safety": fields.duration,
        "stale_margin": fields.duration,
        "approval_delay": fields.duration,
    },
)
_OBSERVATION: Final = Shape(
    make=Observation,
    needed={
        "source": fields.one_of(Source),
        "record": fields.one_of(Record),
        "ttl": fields.ttl,
    },
    optional={"until": fields.instant},
)
_PARTIES: Final[dict[str, Read[Any]]] = {"asked": fields.one_of(Source), "answers": fields.one_of(Source)}
_OVERLAP: Final = Shape(make=Overlap, needed=_PARTIES)


def _ds_entry(keys: Mapping[str, Key]) -> Shape[DsEntry]:
    return Shape(make=DsEntry, needed={"key": fields.named(keys, "key of the losing operator"), "digest_type": _OCTET})


def _parent(keys: Mapping[str, Key]) -> Shape[ParentFacts]:
    return Shape(
        make=ParentFacts,
        needed={
            "ds": fields.set_of(_ds_entry(keys)),
            "ds_ttl": fields.ttl,
            "ns_ttl": fields.ttl,
            "negative_ttl": fields.ttl,
            "propagation_delay": fields.duration,
            "registration_delay": fields.duration,
        },
        optional={
            "glue_ttl": fields.ttl,
            "scan_delay": fields.duration,
            "check_delay": fields.duration,
            "digest_type": _OCTET,
            "channels": fields.set_of(fields.one_of(Channel)),
        },
        how_to_find=PARENT_HOW_TO_FIND,
    )


def _read_facts(value: object, path: str) -> Facts:
    losing_keys: dict[str, Key] = {}

    def losing(value: object, path: str) -> OperatorFacts:
        operator = _OPERATOR(value, path)
        losing_keys.update({each.key.name: each.key for each in operator.keys})
        return operator

    shape = Shape(
        make=_made_facts,
        needed={"domain": _domain, "losing": losing, "gaining": _OPERATOR, "parent": _parent(losing_keys)},
        optional={
            "timing": _TIMING,
            "ledger": fields.list_of(_OBSERVATION),
            "overlaps": fields.list_of(_OVERLAP),
        },
    )
    return shape(value, path)


def _made_facts(*, ledger: tuple[Observation, ...] = (), **known: Any) -> Facts:
    return Facts(ledger=Ledger(observations=ledger), **known)


def facts_object(facts: Facts) -> dict[str, Any]:
    """Return facts as the object that stands in a plan's JSON; as TOML it reads back too, without its nulls."""
    parent, timing = facts.parent, facts.timing
    return {
        "domain": facts.domain,
        "losing": _operator_object(facts.losing),
        "gaining": _operator_object(facts.gaining),
        "parent": {
            "ds": [_ds_object(entry) for entry in sorted(parent.ds)],
            "ds_ttl": parent.ds_ttl,
            "ns_ttl": parent.ns_ttl,
            "negative_ttl": parent.negative_ttl,
            "propagation_delay": _seconds(parent.propagation_delay),
            "registration_delay": _seconds(parent.registration_delay),
            "glue_ttl": parent.glue_ttl,
            "scan_delay": None if parent.scan_delay is None else _seconds(parent.scan_delay),
            "check_delay": None if parent.check_delay is None else _seconds(parent.check_delay),
            "digest_type": parent.digest_type,
            "channels": [channel.value for channel in Channel if channel in parent.channels],
        },
        "timing": {
            "lowered_ttl": timing.lowered_ttl,
            "publish_safety": _seconds(timing.publish_safety),
            "retire_safety": _seconds(timing.retire_safety),
            "stale_margin": _seconds(timing.stale_margin),
            "approval_delay": _seconds(timing.approval_delay),
        },
        "ledger": [
            {
                "source": seen.source.value,
                "record": seen.record.value,
                "ttl": seen.ttl,
                "until": _instant_or_null(seen.until),
            }
            for seen in facts.ledger.observations
        ],
        "overlaps": [_overlap_object(overlap) for overlap in facts.overlaps],
    }


def _operator_object(operator: OperatorFacts) -> _Object:
    return {
        "keys": [_operator_key_object(each) for each in operator.keys],
        "ns_ttl": operator.ns_ttl,
        "dnskey_ttl": operator.dnskey_ttl,
        "data_ttl": operator.data_ttl,
        "negative_ttl": operator.negative_ttl,
        "propagation_delay": _seconds(operator.propagation_delay),
        "name_servers": None if isinstance(operator.name_servers, Assumed) else sorted(operator.name_servers),
        "address_ttl": operator.address_ttl,
        "signatures_expire": _instant_or_null(operator.signatures_expire),
        "can": None
        if isinstance(operator.can, Assumed)
        else [capability.value for capability in Capability if capability in operator.can],
    }


def _operator_key_object(each: OperatorKey) -> _Object:
    does = ((_Signs.DNSKEY, each.signs_dnskey), (_Signs.DATA, each.signs_data))
    return {
        "name": each.key.name,
        "algorithm": each.key.algorithm,
        "signs": [signs.value for signs, is_so in does if is_so],
        "key_tag": each.key.key_tag,
    }


def _ds_object(entry: DsEntry) -> _Object:
    return {"key": entry.key.name, "digest_type": entry.digest_type}


def _overlap_object(overlap: Overlap) -> _Object:
    times = {
        name: instant_text(instant)
        for name, instant in (("start", overlap.start), ("end", overlap.end))
        if instant is not None
    }
    return {"asked": overlap.asked.value, "answers": overlap.answers.value} | times


# ---- what a plan is made of -----------------------------------------------------------------------------------------

_PROFILE: Final = Shape(
    make=ResolverProfile,
    needed={
        "name": fields.text,
        "algorithms": fields.set_of(_OCTET),
        "digests": fields.set_of(_OCTET),
        "digest_rule": fields.one_of(DigestRule),
        "ns_rule": fields.one_of(NsRule),
        "algorithm_rule": fields.one_of(AlgorithmRule),
        "trusts_proven_keys": fields.flag,
        "minimum_ttl": fields.ttl,
        "stale_margin": fields.duration,
        "latency": fields.duration,
    },
)


def _profile_object(profile: ResolverProfile) -> _Object:
    return {
        "name": profile.name,
        "algorithms": sorted(profile.algorithms),
        "digests": sorted(profile.digests),
        "digest_rule": profile.digest_rule.value,
        "ns_rule": profile.ns_rule.value,
        "algorithm_rule": profile.algorithm_rule.value,
        "trusts_proven_keys": profile.trusts_proven_keys,
        "minimum_ttl": profile.minimum_ttl,
        "stale_margin": _seconds(profile.stale_margin),
        "latency": _seconds(profile.latency),
    }


def _made_wait(*, until: datetime, **known: Any) -> Wait:
    wait = Wait(**known)
    if until != wait.counted_from + wait.interval:
        raise PlanError("until is not counted_from plus interval", remedy="mend one of the three")
    return wait


_WAIT: Final = Shape(
    make=_made_wait,
    needed={
        "until": fields.instant,
        "since": fields.text,
        "counted_from": fields.instant,
        "interval": fields.duration,
        "record": fields.text,
        "rule": fields.text,
    },
)


def _wait_object(wait: Wait | None) -> _Object | None:
    if wait is None:
        return None
    return {
        "until": instant_text(wait.until),
        "since": wait.since,
        "counted_from": instant_text(wait.counted_from),
        "interval": _seconds(wait.interval),
        "record": wait.record,
        "rule": wait.rule,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dates:
    """The dates of a step as a file has them."""

    id: str
    started: datetime
    completed: datetime
    not_before: datetime
    recorded: bool
    waits: tuple[Wait, ...]
    actor: str = ""
    action: str = ""

    def __post_init__(self) -> None:
        Event(self.started, self.completed)  # which checks that one is not before the other


_STEP: Final = Shape(
    make=_Dates,
    needed={
        "id": fields.text,
        "started": fields.instant,
        "completed": fields.instant,
        "not_before": fields.instant,
        "recorded": fields.flag,
        "waits": fields.list_of(_WAIT),
    },
    optional={"actor": fields.text, "action": fields.text},
)


def _outlook_object(outlook: Outlook) -> _Object:
    saved = outlook.saved_by_lowering
    return {
        "latest_start": _instant_or_null(outlook.latest_start),
        "critical_path": list(outlook.critical_path),
        "saved_by_lowering": None if saved is None else _seconds(saved),
        "point_of_no_return": outlook.point_of_no_return,
        "turning_back": [
            {
                "step_id": back.step_id,
                "kind": None if back.kind is None else back.kind.value,
                "cost": None if back.cost is None else _seconds(back.cost),
                "why_not": back.why_not,
            }
            for back in outlook.turning_back
        ],
    }


def _step_object(planned: PlannedStep) -> _Object:
    return {
        "id": planned.id,
        "actor": planned.step.actor.value,
        "action": planned.step.action,
        "started": instant_text(planned.started),
        "completed": instant_text(planned.completed),
        "not_before": instant_text(planned.not_before),
        "recorded": planned.recorded,
        "waits": [_wait_object(wait) for wait in planned.waits],
    }


# ---- journals -------------------------------------------------------------------------------------------------------


def _evidence(*, step: str, **known: Any) -> Evidence:
    return Evidence(step_id=step, **known)


def _lacking(*, step: str, **known: Any) -> Lacking:
    return Lacking(step_id=step, **known)


_EVIDENCE: Final = Shape(
    make=_evidence,
    needed={"step": fields.text, "seen": fields.instant, "by": fields.line},
    optional={"confirming": fields.set_of(fields.line), "lacking": fields.set_of(fields.line)},
)
_LACKING: Final = Shape(make=_lacking, needed={"step": fields.text, "needed": fields.line, "found": fields.line})
_OVERRIDE: Final = Shape(make=Override, needed={"who": fields.line, "why": fields.line, "when": fields.instant})


def _decision(make: Callable[..., _Decided], **own: Read[Any]) -> Shape[_Decided]:
    """What a decision of one kind is made of, beside what all have."""

    def made(*, step: str, **known: Any) -> _Decided:
        return make(step_id=step, **known)

    return Shape(make=made, needed={"step": fields.text, "at": fields.instant} | own)


_DECISIONS: Final[Mapping[str, Read[Decision]]] = MappingProxyType(
    {
        "confirmed": _decision(Confirmed, evidence=fields.list_of(_EVIDENCE)),
        "missing": _decision(Missing, missing=fields.list_of(_LACKING)),
        "overridden": _decision(Overridden, missing=fields.list_of(_LACKING), override=_OVERRIDE),
    }
)


def _read_decision(value: object, path: str) -> Decision:
    found = dict(fields.an_object(value, path))
    kind = found.pop("decision", None)
    if not isinstance(kind, str) or kind not in _DECISIONS:
        problem = "is missing" if kind is None else f"{ascii(str(kind)[:40])} is not known"
        raise refused(f"{path}.decision", problem, f"give one of {', '.join(_DECISIONS)}")
    return _DECISIONS[kind](found, path)


def _with_decision(plan: Plan, decision: Decision, path: str) -> Plan:
    within(f"{path}.step", plan.step, decision.step_id)
    if isinstance(decision, Confirmed):
        named = [(f"{path}.evidence[{index}].step", each.step_id) for index, each in enumerate(decision.evidence)]
    else:
        named = [(f"{path}.missing[{index}].step", each.step_id) for index, each in enumerate(decision.missing)]
    for place, step_id in named:
        within(place, plan.step, step_id)
    return within(path, plan.decide, decision)


def _decision_object(decision: Decision) -> _Object:
    common = {"step": decision.step_id, "at": instant_text(decision.at)}
    match decision:
        case Confirmed():
            return common | {
                "decision": "confirmed",
                "evidence": [_evidence_object(each) for each in decision.evidence],
            }
        case Missing():
            return common | {"decision": "missing", "missing": _lacking_objects(decision.missing)}
        case Overridden():
            override = decision.override
            return common | {
                "decision": "overridden",
                "missing": _lacking_objects(decision.missing),
                "override": {"who": override.who, "why": override.why, "when": instant_text(override.when)},
            }
        case _:
            assert_never(decision)


def _evidence_object(evidence: Evidence) -> _Object:
    return {
        "step": evidence.step_id,
        "seen": instant_text(evidence.seen),
        "by": evidence.by,
        "confirming": sorted(evidence.confirming),
        "lacking": sorted(evidence.lacking),
    }


def _lacking_objects(missing: Iterable[Lacking]) -> list[_Object]:
    return [{"step": each.step_id, "needed": each.needed, "found": each.found} for each in missing]


# ---- plans ----------------------------------------------------------------------------------------------------------


def _unread(value: object, path: str) -> None:
    """What is there for people alone."""


def _made_plan(
    *,
    flow: Flow,
    start: datetime,
    facts: Facts,
    profiles: tuple[ResolverProfile, ...],
    steps: tuple[_Dates, ...],
    journal: tuple[Decision, ...] = (),
    **_for_people: None,
) -> Plan:
    if not profiles:
        raise refused("profiles", "is empty", "name the resolvers that the plan is to be safe for")
    # What has begun is read as it is; whether it is in time any more is for the proof to say.
    made = plan_under_way if any(dates.recorded for dates in steps) else plan_transfer
    plan = within("facts", made, facts, flow=flow, start=start, profiles=profiles)
    places: dict[str, str] = {}
    for index, dates in enumerate(steps):
        place = f"steps[{index}]"
        if dates.id in places:
            raise refused(f"{place}.id", f"{dates.id} stands there twice", "give each step once")
        within(f"{place}.id", plan.step, dates.id)
        places[dates.id] = place
    dated = {dates.id: dates for dates in steps}
    for planned in plan.steps:
        if planned.id not in dated:
            raise refused("steps", f"{planned.id} is missing", f"give every step of {flow.value}")
    events = {
        dates.id: within(place, plan.event, dates.id, started=dates.started, completed=dates.completed)
        for dates, place in zip(steps, places.values(), strict=True)
        if dates.recorded
    }
    plan = within("steps", plan.with_events, events)
    for planned in plan.steps:
        within(places[planned.id], check_wait, planned)
    plan = replace(plan, steps=tuple([_as_dated(planned, dated[planned.id]) for planned in plan.steps]))
    for index, decision in enumerate(journal):
        plan = _with_decision(plan, decision, f"journal[{index}]")
    return plan


def _as_dated(planned: PlannedStep, dates: _Dates) -> PlannedStep:
    return replace(
        planned,
        not_before=dates.not_before,
        started=dates.started,
        completed=dates.completed,
        waits=dates.waits,
        recorded=dates.recorded,
    )


_PLAN: Final = Shape(
    make=_made_plan,
    needed={
        "flow": fields.one_of(Flow),
        "start": fields.instant,
        "facts": _read_facts,
        "profiles": fields.list_of(_PROFILE),
        "steps": fields.list_of(_STEP),
    },
    optional={
        "journal": fields.list_of(_read_decision),
        "switchover": _unread,
        "finished": _unread,
        "outlook": _unread,
    },
)


def _read_plan(value: _Object) -> Plan:
    return _PLAN(value, "")


# ---- schedules ------------------------------------------------------------------------------------------------------


def _keys_in(version: Version) -> Iterable[Key]:
    match version:
        case DsVersion():
            return [entry.key for entry in version.entries]
        case DnskeyVersion():
            return [*version.keys, *[signature.key for signature in version.signatures]]
        case DataVersion():
            return [signature.key for signature in version.signatures]
        case _:
            return ()


def _version_object(version: Version) -> _Object:
    common = {
        "source": version.source.value,
        "record": version.record,
        "ttl": version.ttl,
        "start": _instant_or_null(version.start),
        "end": _instant_or_null(version.end),
    }
    match version:
        case NsVersion():
            leads_to = [source.value for source in Source if source in version.leads_to]
            return {"kind": "NS"} | common | {"leads_to": leads_to, "hosts": sorted(version.hosts)}
        case AddressVersion():
            leads = {"leads_to": version.leads_to.value, "hosts": sorted(version.hosts)}
            return {"kind": "address"} | common | leads
        case DsVersion():
            return {"kind": "DS"} | common | {"entries": [_ds_object(entry) for entry in sorted(version.entries)]}
        case DnskeyVersion():
            keys = [key.name for key in sorted(version.keys)]
            return {"kind": "DNSKEY"} | common | {"keys": keys, "signatures": _signature_objects(version.signatures)}
        case DataVersion():
            return {"kind": "data"} | common | {"signatures": _signature_objects(version.signatures)}
        case _:
            raise PlanError(
                f"{version.record} is of no kind that a schedule has", remedy="give NS, address, DS, DNSKEY or data"
            )


def _signature_objects(signatures: Iterable[Signature]) -> list[_Object]:
    return [
        {
            "key": signature.key.name,
            "inception": _instant_or_null(signature.inception),
            "expiration": _instant_or_null(signature.expiration),
        }
        for signature in signatures
    ]


def _serving_object(serving: Serving) -> _Object:
    return {
        "operator": serving.operator.value,
        "start": _instant_or_null(serving.start),
        "all_start": _instant_or_null(serving.all_start),
        "all_end": _instant_or_null(serving.all_end),
        "end": _instant_or_null(serving.end),
    }


def _operator(value: object, path: str) -> Source:
    source = fields.one_of(Source)(value, path)
    if source is Source.PARENT:
        raise refused(path, "is the parent", "give losing or gaining; the parent always answers")
    return source


_SERVING: Final = Shape(
    make=Serving,
    needed={"operator": _operator},
    optional=dict.fromkeys(("start", "all_start", "all_end", "end"), fields.instant),
)


def _signature(keys: Mapping[str, Key]) -> Read[Signature]:
    by_name = fields.named(keys, "key")
    shape = Shape(
        make=Signature,
        needed={"key": by_name},
        optional={"inception": fields.instant, "expiration": fields.instant},
    )

    def read(value: object, path: str) -> Signature:
        return Signature(key=by_name(value, path)) if isinstance(value, str) else shape(value, path)

    return read


def _kinds(keys: Mapping[str, Key]) -> dict[str, Shape[Version]]:
    """What each kind of version is made of, beside what all have."""
    by_name = fields.named(keys, "key")
    signatures = fields.list_of(_signature(keys))
    entry = Shape(make=DsEntry, needed={"key": by_name, "digest_type": _OCTET})
    hosts: Read[Any] = fields.set_of(_domain)
    own: dict[str, tuple[type[Version], dict[str, Read[Any]]]] = {
        "NS": (NsVersion, {"leads_to": fields.set_of(_operator)}),
        "address": (AddressVersion, {"leads_to": _operator, "hosts": hosts}),
        "DS": (DsVersion, {"entries": fields.set_of(entry)}),
        "DNSKEY": (DnskeyVersion, {"keys": fields.set_of(by_name), "signatures": signatures}),
        "data": (DataVersion, {"signatures": signatures}),
    }
    common: dict[str, Read[Any]] = {"source": fields.one_of(Source), "record": fields.text, "ttl": fields.ttl}
    times: dict[str, Read[Any]] = {"start": fields.instant, "end": fields.instant}
    return {
        kind: Shape(make=make, needed=common | needed, optional=times | ({"hosts": hosts} if kind == "NS" else {}))
        for kind, (make, needed) in own.items()
    }


def _read_schedule(value: _Object) -> Schedule:
    keys: dict[str, Key] = {}
    key_shape = Shape(make=Key, needed={"name": fields.text, "algorithm": _OCTET})

    def noted_key(value: object, path: str) -> Key:
        key = key_shape(value, path)
        if key.name in keys:
            raise refused(f"{path}.name", f"another key is named {key.name}", "give each key its own name")
        keys[key.name] = key
        return key

    kinds = _kinds(keys)

    def version(value: object, path: str) -> Version:
        found = dict(fields.an_object(value, path))
        kind = found.pop("kind", None)
        if not isinstance(kind, str) or kind not in kinds:
            problem = "is missing" if kind is None else f"{ascii(str(kind)[:40])} is not known"
            raise refused(f"{path}.kind", problem, f"give one of {', '.join(kinds)}")
        return kinds[kind](found, path)

    shape = Shape(
        make=_made_schedule,
        needed={
            "keys": fields.list_of(noted_key),
            "versions": fields.list_of(version),
            "servings": fields.list_of(_SERVING),
        },
        optional={
            "overlaps": fields.list_of(
                Shape(make=Overlap, needed=_PARTIES, optional={"start": fields.instant, "end": fields.instant})
            )
        },
    )
    return shape(value, "")


def _made_schedule(*, keys: tuple[Key, ...], **known: Any) -> Schedule:
    schedule = Schedule(**known)
    _check_whole(schedule)
    return schedule


def _check_whole(schedule: Schedule) -> None:
    """Refuse a schedule that does not say what somebody serves: nothing that is not there can be found wrong."""
    of_operators = ((NsVersion, "NS"), (DnskeyVersion, "DNSKEY"), (DataVersion, "data"))
    serving: dict[Source, Spans] = {}
    for each in schedule.servings:
        serving[each.operator] = union(serving.get(each.operator, ()), span(each.start, each.end))
    _check_said(schedule, Source.PARENT, ((NsVersion, "NS"), (DsVersion, "DS")), ALWAYS)
    for operator in (Source.LOSING, Source.GAINING):
        _check_said(schedule, operator, of_operators, serving.get(operator, ()))
    given = {host for version in schedule.versions if isinstance(version, AddressVersion) for host in version.hosts}
    for version in schedule.versions:
        if isinstance(version, NsVersion) and version.hosts - given:
            raise refused(
                "versions",
                f"{version.record} names {min(version.hosts - given)}, and no version of its addresses is given",
                "give its addresses at the parent and in the zones, or name it no host if its name lies elsewhere",
            )


def _check_said(schedule: Schedule, source: Source, kinds: Iterable[tuple[type[Version], str]], wanted: Spans) -> None:
    for kind, what in kinds:
        said = [
            span(version.start, version.end)
            for version in schedule.versions
            if version.source is source and isinstance(version, kind)
        ]
        missing = difference(wanted, union(*said))
        if missing:
            first, last = map(instant_of, missing[0])
            since = "from the beginning" if first is None else f"from {instant_text(first)}"
            until = "on" if last is None else f"to {instant_text(last)}"
            raise refused(
                "versions",
                f"no {what} of the {source.value} side is given {since} {until}",
                "say what its servers give then; a proof that there is none is a version too",
            )
