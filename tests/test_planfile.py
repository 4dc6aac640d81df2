"""Plans, schedules and facts read back as they were written, and what cannot be used is refused by its path."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_transfer_plan import (
    COOPERATING,
    DAY,
    NOW,
    OBSERVABLE,
    SECOND,
    delays,
    facts_for,
    flows_with_facts,
    the_facts,
    ttls,
)
from zonekit.errors import PlanError
from zonekit.transfer.facts import Facts
from zonekit.transfer.ledger import Ledger, Observation
from zonekit.transfer.parties import Capability
from zonekit.transfer.plan import Plan, plan_transfer, prove
from zonekit.transfer.planfile import (
    facts_object,
    plan_json,
    read_facts,
    read_plan,
    read_plan_or_schedule,
    read_schedule,
    schedule_json,
)
from zonekit.transfer.profiles import PROFILES, STICKY
from zonekit.transfer.proof import Bogus, Safe, prove_schedule
from zonekit.transfer.readiness import preflight
from zonekit.transfer.steps import Actor, Flow
from zonekit.transfer.versions import (
    AddressVersion,
    DnskeyVersion,
    Key,
    NsVersion,
    Overlap,
    Schedule,
    Serving,
    Source,
)
from zonekit.ttl import Ttl

FIXTURES = Path(__file__).parent.parent / "fixtures" / "transfers"
EXAMPLE = (FIXTURES / "example.nl.toml").read_text()
PLAN = plan_transfer(the_facts(), start=NOW)
HOSTS = frozenset({"ns1.example.nl.", "ns2.example.nl."})
OUTSIDE = "is outside 1970-01-01T00:00:00+00:00 to 2106-02-07T06:28:15+00:00"


# ---- what was written is read ---------------------------------------------------------------------------------------


@st.composite
def detailed_facts(draw: st.DrawFn, flow: Flow) -> Facts:
    """Facts with everything in them that there can be."""
    facts = draw(facts_for(flow))
    seen = [
        Observation(source=source, record=record, ttl=draw(ttls), until=NOW - draw(delays))
        for source, record in draw(st.lists(st.sampled_from(OBSERVABLE), max_size=3))
    ]
    # A parent that scans takes the NS RRset from the losing zone, and where names stay the addresses there have to change.
    takes_ns = flow is Flow.SCANNING_PARENT or facts.servers_that_stay
    dispensable = (Capability.LOWER_TTLS, *(() if takes_ns else (Capability.CHANGE_NS,)))
    losing = replace(
        facts.losing,
        signatures_expire=draw(st.none() | st.just(NOW + timedelta(days=30))),
        can=facts.losing.can - draw(st.frozensets(st.sampled_from(dispensable))),
    )
    both = (Overlap(asked=Source.LOSING, answers=Source.GAINING),)
    overlaps = both if flow in COOPERATING and draw(st.booleans()) else ()
    timing = replace(facts.timing, publish_safety=draw(delays), retire_safety=draw(delays), stale_margin=draw(delays))
    return replace(facts, losing=losing, ledger=Ledger(observations=tuple(seen)), overlaps=overlaps, timing=timing)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """A plan of any flow, with some steps that happened otherwise than planned."""
    flow = draw(st.sampled_from(Flow))
    facts = draw(detailed_facts(flow))
    plan = plan_transfer(facts, flow=flow, start=NOW)
    ids = [step.id for step in plan.steps]
    for step_id in sorted(draw(st.lists(st.sampled_from(ids), unique=True, max_size=3)), key=ids.index):
        step = plan.step(step_id)
        # Nothing is over before its time: no such wait can be recorded.
        earliest = step.not_before if step.step.actor is Actor.NOBODY else NOW
        started = max(earliest, step.started + draw(st.sampled_from((-1, 0, 1, 3600))) * SECOND)
        plan = plan.record(step_id, started=started, completed=started + draw(delays))
    return plan


@given(plans())
@settings(max_examples=30)
def test_a_plan_reads_back_as_it_was(plan: Plan) -> None:
    assert read_plan(plan_json(plan)) == plan
    assert read_plan_or_schedule(plan_json(plan)) == plan


@given(plans())
@settings(max_examples=30)
def test_the_schedule_of_a_plan_reads_back_as_it_was_and_so_does_the_verdict(plan: Plan) -> None:
    schedule = read_schedule(schedule_json(plan.schedule))
    assert schedule == plan.schedule
    assert read_plan_or_schedule(schedule_json(plan.schedule)) == schedule
    assert prove_schedule(schedule, plan.resolvers) == prove(plan)


def test_profiles_of_any_kind_read_back() -> None:
    odd = replace(STICKY, minimum_ttl=Ttl(60), stale_margin=timedelta(days=1), latency=SECOND)
    plan = plan_transfer(the_facts(), start=NOW, profiles=[*PROFILES, odd])
    assert read_plan(plan_json(plan)).profiles == (*PROFILES, odd)


def test_versions_that_no_plan_has_read_back() -> None:
    glue = AddressVersion(
        source=Source.PARENT, record="glue", ttl=Ttl(DAY), leads_to=Source.LOSING, hosts=HOSTS, end=NOW
    )
    nowhere = NsVersion(source=Source.LOSING, record="NS", ttl=Ttl(0), leads_to=frozenset(), hosts=HOSTS, start=NOW)
    schedule = PLAN.schedule
    longer = replace(schedule, versions=(*schedule.versions, glue, nowhere))
    assert read_schedule(schedule_json(longer)) == longer


@given(flows_with_facts)
def test_the_facts_of_a_plan_are_toml_as_well(given_facts: tuple[Flow, Facts]) -> None:
    _, facts = given_facts
    assert read_facts(toml_text(facts_object(facts))) == facts


def toml_text(value: dict[str, Any]) -> str:
    """TOML of an object, everything but nulls as JSON writes it, tables inline."""

    def inline(each: object) -> str:
        if isinstance(each, dict):
            return "{" + ", ".join(f"{name} = {inline(one)}" for name, one in each.items() if one is not None) + "}"
        if isinstance(each, list):
            return "[" + ", ".join(map(inline, each)) + "]"
        return json.dumps(each)

    return "\n".join(f"{name} = {inline(each)}" for name, each in value.items() if each is not None)


def test_the_example_is_the_published_one() -> None:
    facts = read_facts(EXAMPLE)
    plan = plan_transfer(facts, start=NOW)
    servers = frozenset({"ns1.losing-dns.example.", "ns2.losing-dns.example."})
    assert facts.losing == replace(the_facts().losing, negative_ttl=Ttl(3600), name_servers=servers)
    assert not {"capabilities-assumed", "name-servers-not-given"} & {each.code for each in preflight(facts)}
    assert facts.parent.ds_ttl == the_facts().parent.ds_ttl
    assert plan.switchover == NOW + timedelta(hours=48)
    assert plan.switchover_because is not None
    assert plan.switchover_because.record == "DS RRset without the gaining DS"
    assert isinstance(prove(plan), Safe)


def test_every_field_that_the_example_only_shows_can_be_used() -> None:
    shown = "\n".join(re.sub(r"^# (?=\[|[a-z_]+ =)", "", line) for line in EXAMPLE.splitlines())
    facts = read_facts(shown)
    assert facts.losing.address_ttl == DAY and facts.losing.can == frozenset(Capability)
    assert facts.parent.glue_ttl == 2 * DAY and facts.parent.scan_delay == timedelta(days=1)
    assert facts.ledger.observations[0].ttl == 2 * DAY
    assert facts.overlaps == (Overlap(asked=Source.LOSING, answers=Source.GAINING),)
    assert facts.timing.stale_margin == timedelta(days=1)
    assert facts.losing.signatures_expire == NOW + timedelta(days=14)


def test_a_schedule_whose_servers_have_no_addresses_is_refused() -> None:
    text = schedule_json(PLAN.schedule).replace('"hosts": []', '"hosts": ["ns1.example.nl."]', 1)
    with pytest.raises(PlanError, match=r"names ns1\.example\.nl\., and no version of its addresses is given"):
        read_schedule(text)


def test_a_schedule_by_hand_may_be_short() -> None:
    schedule = read_schedule(json.dumps(by_hand()))
    assert schedule.servings[1] == Serving(operator=Source.GAINING, start=NOW, all_start=NOW)
    verdict = prove_schedule(schedule, PROFILES)
    assert isinstance(verdict, Bogus)
    assert verdict.at == NOW


def test_dates_that_somebody_changed_are_read_as_they_stand() -> None:
    changed = json.loads(plan_json(PLAN))
    (step,) = [step for step in changed["steps"] if step["id"] == "ns-changed"]
    step["started"] = step["completed"] = "2026-11-23T11:59:59Z"
    plan = read_plan(json.dumps(changed))
    assert plan.switchover == PLAN.switchover - SECOND
    assert isinstance(prove(plan), Bogus)


# ---- what is refused ------------------------------------------------------------------------------------------------


def by_hand() -> dict[str, Any]:
    """A schedule as a script might have it: everything changes at noon, and nothing is waited for."""
    noon = "2026-11-21T12:00:00Z"
    keys = [{"name": name, "algorithm": 13} for name in ("old", "new")]

    def zone(source: str, key: str) -> list[dict[str, Any]]:
        return [
            {"kind": "NS", "source": source, "record": f"{source} NS", "ttl": "1d", "leads_to": [source]},
            {
                "kind": "DNSKEY",
                "source": source,
                "record": f"{source} DNSKEY",
                "ttl": "1d",
                "keys": [key],
                "signatures": [key],
            },
            {"kind": "data", "source": source, "record": f"{source} data", "ttl": "1h", "signatures": [{"key": key}]},
        ]

    parent: list[dict[str, Any]] = [
        {"kind": "NS", "record": "NS to old", "ttl": "2d", "end": noon, "leads_to": ["losing"]},
        {"kind": "NS", "record": "NS to new", "ttl": "2d", "start": noon, "leads_to": ["gaining"]},
        {"kind": "DS", "record": "DS of old", "ttl": "2d", "end": noon, "entries": [{"key": "old", "digest_type": 2}]},
        {
            "kind": "DS",
            "record": "DS of new",
            "ttl": "2d",
            "start": noon,
            "entries": [{"key": "new", "digest_type": 2}],
        },
    ]
    return {
        "format": "zonekit-schedule",
        "version": 1,
        "keys": keys,
        "versions": [{"source": "parent"} | each for each in parent] + zone("losing", "old") + zone("gaining", "new"),
        "servings": [{"operator": "losing"}, {"operator": "gaining", "start": noon}],
    }


def edited(change: Callable[[dict[str, Any]], object], of: Callable[[], dict[str, Any]]) -> str:
    value = of()
    change(value)
    return json.dumps(value)


def as_object() -> dict[str, Any]:
    plan: dict[str, Any] = json.loads(plan_json(PLAN))
    return plan


def first_wait(plan: dict[str, Any]) -> dict[str, Any]:
    wait: dict[str, Any] = next(step for step in plan["steps"] if step["id"] == "ns-changed")["waits"][0]
    return wait


FACTS: list[tuple[str, str, str]] = [
    ('domain = "example.nl"', "", "domain: is missing"),
    ('domain = "example.nl"', 'domain = "-..nl"', "domain: '-..nl' has an empty label"),
    ('domain = "example.nl"', "domain = 3", "domain: is int and not a text"),
    (
        'ds_ttl = "2d"',
        "",
        "parent.ds_ttl: is missing; ask one of the parent's servers, not a resolver: dig +norecurse DS",
    ),
    ('negative_ttl = "15m"', "", "parent.negative_ttl: is missing; take the least"),
    ("registration_delay = 0", "", "parent.registration_delay: is missing"),
    ('ds_ttl = "2d"', "ds_ttl = -1", "parent.ds_ttl: TTL -1 is outside"),
    ('ds_ttl = "2d"', "ds_ttl = 2147483648", "parent.ds_ttl: TTL 2147483648 is outside"),
    ('ds_ttl = "2d"', 'ds_ttl = "two days"', "parent.ds_ttl: 'two days' is not a TTL"),
    ('ds_ttl = "2d"', "ds_ttl = 1.5", "parent.ds_ttl: is float and not a TTL"),
    ('ds_ttl = "2d"', "ds_ttl = true", "parent.ds_ttl: is true or false and not a TTL"),
    ('ds_ttl = "2d"', "ds_ttl = 2d", "is not TOML"),
    ('ds_ttl = "2d"', 'ds_tll = "2d"', "parent.ds_tll: there is no such field; the fields here are ds, ds_ttl"),
    ("propagation_delay = 0 ", "propagation_delay = -5 ", "losing.propagation_delay: is no duration"),
    ("propagation_delay = 0 ", 'propagation_delay = "700d" ', "losing: propagation_delay of an operator is 700 days"),
    ("propagation_delay = 0 ", "", "losing.propagation_delay: is missing; say how long"),
    (
        'signs = ["dnskey"]',
        'signs = ["dnskeys"]',
        "losing.keys[0].signs[0]: 'dnskeys' is not known; give one of dnskey, data",
    ),
    ('signs = ["dnskey"]', 'signs = ["data", "data"]', "losing.keys[0].signs[1]: stands there twice"),
    ('signs = ["dnskey"]', "signs = []", "losing: the operator has keys and no KSK or CSK"),
    ("algorithm = 13, signs", "algorithm = 300, signs", "losing.keys[0].algorithm: is out of bounds; give 0 to 255"),
    ("algorithm = 13, signs", 'algorithm = "13", signs', "losing.keys[0].algorithm: is a text and not a whole number"),
    ('"ZSK of the losing operator"', '"KSK of the losing operator"', "two keys are named KSK of the losing operator"),
    ('"ZSK of the losing operator"', '"Z\\nSK"', "losing.keys[1].name: is empty, too long or not of one line"),
    ('key = "KSK', 'key = "ksk', "parent.ds[0].key: no key of the losing operator is named ksk of the losing operator"),
    ('key = "KSK', 'key = "ZSK', "the DS at the parent is of ZSK of the losing operator, which does not sign"),
    ("digest_type = 2", "", "is not TOML"),
    ('lowered_ttl = "10m"', 'lowered_ttl = "-10m"', "timing.lowered_ttl: '-10m' is not a TTL"),
    (
        "# signatures_expire = 2026-12-05T12:00:00Z",
        "signatures_expire = 2026-12-05T12:00:00",
        "losing.signatures_expire: 2026-12-05T12:00:00 has no time zone",
    ),
    (
        "# signatures_expire = 2026-12-05T12:00:00Z",
        "signatures_expire = 2026-12-05",
        "losing.signatures_expire: is date and not an instant",
    ),
    (
        "# signatures_expire = 2026-12-05T12:00:00Z",
        'signatures_expire = "noon"',
        "losing.signatures_expire: 'noon' is not an instant",
    ),
    (
        "# signatures_expire = 2026-12-05T12:00:00Z",
        "signatures_expire = 9999-12-31T23:59:59Z",
        f"losing.signatures_expire: 9999-12-31T23:59:59+00:00 {OUTSIDE}",
    ),
    (
        "# signatures_expire = 2026-12-05T12:00:00Z",
        'signatures_expire = "1969-12-31T23:59:59Z"',
        f"losing.signatures_expire: 1969-12-31T23:59:59+00:00 {OUTSIDE}",
    ),
    ("[parent]", "[[parent]]", "parent: is a list and not an object"),
]


@pytest.mark.parametrize(("words", "instead", "message"), FACTS, ids=lambda value: value[:40])
def test_facts_that_cannot_be_used_are_refused_by_their_path(words: str, instead: str, message: str) -> None:
    assert words in EXAMPLE
    with pytest.raises(PlanError) as raised:
        read_facts(EXAMPLE.replace(words, instead, 1))
    assert str(raised.value).find(message) in (0, len("example.nl.: ")), raised.value
    assert raised.value.remedy or raised.value.rule
    assert "\n" not in str(raised.value)


PLANS: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda plan: plan.pop("format"), "format: is missing; give a file of format zonekit-plan"),
    (lambda plan: plan.update(version=2), "version: is 2; this zonekit reads version 1"),
    (lambda plan: plan.update(version=True), "version: is True"),
    (lambda plan: plan.update(flow="sideways"), "flow: 'sideways' is not known; give one of operator-change"),
    (lambda plan: plan.update(flow="to-unsigned"), "facts: example.nl.: the gaining zone is signed"),
    (lambda plan: plan.update(start="2026-11-21T12:00:00"), "start: '2026-11-21T12:00:00' is not an instant"),
    (lambda plan: plan.update(start="1969-11-21T12:00:00Z"), f"start: 1969-11-21T12:00:00+00:00 {OUTSIDE}"),
    (
        lambda plan: plan.update(start="2106-02-07T06:28:15Z"),
        "facts: example.nl.: ns-changed would come to 2106-02-09T06:28:15+00:00, after",
    ),
    (
        lambda plan: plan["steps"][3].update(completed="2106-02-07T06:28:16Z"),
        f"steps[3].completed: 2106-02-07T06:28:16+00:00 {OUTSIDE}",
    ),
    (
        lambda plan: first_wait(plan).update(counted_from="0001-01-01T00:00:00+14:00"),
        f"steps[8].waits[0].counted_from: 0001-01-01T00:00:00+14:00 {OUTSIDE}",
    ),
    (lambda plan: plan.update(more=1), "more: there is no such field"),
    (lambda plan: plan.update(profiles=[]), "profiles: is empty"),
    (lambda plan: plan["profiles"][0].update(ns_rule="x"), "profiles[0].ns_rule: 'x' is not known"),
    (lambda plan: plan["facts"]["parent"].update(ds_ttl=None), "facts.parent.ds_ttl: is null and not a TTL"),
    (lambda plan: plan["facts"]["parent"].pop("ds_ttl"), "facts.parent.ds_ttl: is missing; ask one of the parent's"),
    (lambda plan: plan["steps"][3].update(id="x"), "steps[3].id: operator-change has no step 'x'"),
    (lambda plan: plan["steps"][3].update(id="frozen"), "steps[3].id: frozen stands there twice"),
    (lambda plan: plan["steps"].pop(), "steps: thawed is missing"),
    (lambda plan: plan["steps"][0].update(recorded=1), "steps[0].recorded: is int and not true or false"),
    (lambda plan: plan["steps"][0].update(completed="2026-11-20T12:00:00Z"), "steps[0]: a step that started at"),
    (
        lambda plan: plan["steps"][0].update(
            recorded=True, started="2026-11-20T12:00:00Z", completed="2026-11-20T12:00:00Z"
        ),
        "steps[0]: frozen happened at 2026-11-20T12:00:00Z, before the plan starts",
    ),
    (
        lambda plan: plan["steps"][10].update(recorded=True, started=NOON, completed=NOON),
        "steps[10]: losing-unreachable is a wait, recorded as over at 2026-11-21T12:00:00Z and not over before",
    ),
    (
        lambda plan: plan["steps"][0].update(
            recorded=True, started="2106-02-07T06:28:15Z", completed="2106-02-07T06:28:15Z"
        ),
        "steps: example.nl.: ns-changed would come to 2106-02-09T06:28:15+00:00, after",
    ),
    (lambda plan: first_wait(plan).update(interval=1), "steps[8].waits[0]: until is not counted_from plus interval"),
    (lambda plan: first_wait(plan).update(interval=2**40), "steps[8].waits[0].interval: is no duration"),
]


@pytest.mark.parametrize(("change", "message"), PLANS, ids=[message[:40] for _, message in PLANS])
def test_a_plan_that_cannot_be_used_is_refused_by_its_path(
    change: Callable[[dict[str, Any]], object], message: str
) -> None:
    with pytest.raises(PlanError) as raised:
        read_plan(edited(change, as_object))
    assert str(raised.value).startswith(message)


NOON = "2026-11-21T12:00:00Z"
SCHEDULES: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (
        lambda value: value.update(format="zonekit-plan"),
        "format: is zonekit-plan; give a file of format zonekit-schedule",
    ),
    (lambda value: value["versions"][0].pop("ttl"), "versions[0].ttl: is missing"),
    (lambda value: value["versions"][0].pop("kind"), "versions[0].kind: is missing; give one of NS, address, DS"),
    (lambda value: value["versions"][0].update(kind=["NS"]), "versions[0].kind: "),
    (lambda value: value["versions"][0].update(keys=[]), "versions[0].keys: there is no such field"),
    (lambda value: value["versions"][0].update(leads_to=["parent"]), "versions[0].leads_to[0]: is the parent"),
    (lambda value: value["versions"][2]["entries"][0].update(key="x"), "versions[2].entries[0].key: no key is named x"),
    (lambda value: value["versions"][5].update(signatures=["x"]), "versions[5].signatures[0]: no key is named x"),
    (lambda value: value["versions"][5].update(signatures=[3]), "versions[5].signatures[0]: is int and not an object"),
    (lambda value: value["versions"][0].update(start="2026-11-22T12:00:00Z"), "versions[0]: NS to old: its end"),
    (
        lambda value: value["versions"][0].update(end="9999-01-01T00:00:00Z"),
        f"versions[0].end: 9999-01-01T00:00:00+00:00 {OUTSIDE}",
    ),
    (lambda value: value["keys"].append(value["keys"][0]), "keys[2].name: another key is named old"),
    (lambda value: value["servings"][0].update(operator="parent"), "servings[0].operator: is the parent"),
    (lambda value: value["servings"][1].update(end="2026-11-20T12:00:00Z"), "servings[1]: the servers of the gaining"),
    (lambda value: value["versions"].pop(3), f"versions: no DS of the parent side is given from {NOON} on"),
    (
        lambda value: value["versions"].pop(0),
        f"versions: no NS of the parent side is given from the beginning to {NOON}",
    ),
    (lambda value: value["versions"].pop(8), f"versions: no DNSKEY of the gaining side is given from {NOON} on"),
    (lambda value: value.update(versions=[]), "the schedule has no NS version of the parent"),
]


@pytest.mark.parametrize(("change", "message"), SCHEDULES, ids=[message[:40] for _, message in SCHEDULES])
def test_a_schedule_that_cannot_be_used_is_refused_by_its_path(
    change: Callable[[dict[str, Any]], object], message: str
) -> None:
    with pytest.raises(PlanError) as raised:
        read_schedule(edited(change, by_hand))
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("[]", "is a list and not an object"),
        ("{}", "format: is missing; give a file of format zonekit-plan or zonekit-schedule"),
        ('{"format": "zonekit-plan", "format": "zonekit-plan"}', "is not JSON: format stands twice in one object"),
        ('{"version": NaN}', "is not JSON: NaN is no number"),
        ('{"version": ' + "9" * 5000 + "}", "is not JSON"),
        ("[" * 100_000, "is not JSON: too deep"),
        ('{"format": "\\u001b[2J"}', "format: is '\\x1b[2J'"),
    ],
    ids=lambda value: value[:30],
)
def test_what_is_no_plan_at_all_is_refused(text: str, message: str) -> None:
    with pytest.raises(PlanError) as raised:
        read_plan_or_schedule(text)
    assert str(raised.value).startswith(message)
    assert str(raised.value).isprintable()


def test_toml_that_is_too_deep_is_refused() -> None:
    with pytest.raises(PlanError, match="is not TOML"):
        read_facts("a = " + "[" * 100_000)


def test_two_keys_of_one_name_cannot_be_written() -> None:
    first, *rest = PLAN.schedule.versions
    assert isinstance(PLAN.schedule, Schedule)
    twins = frozenset((Key(name="K", algorithm=8), Key(name="K", algorithm=13)))
    version = DnskeyVersion(source=Source.LOSING, record="DNSKEY", ttl=Ttl(0), keys=twins, signatures=())
    with pytest.raises(PlanError, match="two keys are named K"):
        schedule_json(replace(PLAN.schedule, versions=(first, *rest, version)))
