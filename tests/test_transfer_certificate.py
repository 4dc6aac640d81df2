"""A certificate is believed when it proves its schedule, and no longer when anything in it is changed for the worse."""

from __future__ import annotations

import ast
import copy
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.test_transfer_plan import DAY, NOW, flows_with_facts, the_facts
from tests.test_transfer_simulation import any_schedules, patient
from tests.unsafe_schedules import PLAN, UNSAFE, changed
from zonekit.errors import PlanError
from zonekit.transfer import check_certificate
from zonekit.transfer.certificate import certificate, certificate_text, evidence
from zonekit.transfer.check_certificate import KINDS, OPERATORS, NoCertificate, check, main, read
from zonekit.transfer.facts import Facts
from zonekit.transfer.plan import plan_transfer
from zonekit.transfer.profiles import NAMED, PROFILES, STICKY, ResolverProfile
from zonekit.transfer.proof import Safe, prove_schedule
from zonekit.transfer.steps import Flow
from zonekit.transfer.versions import AddressVersion, Overlap, Schedule, Source, Version
from zonekit.ttl import Ttl

PROGRAM = Path(check_certificate.__file__)
CERTIFICATE = certificate(PLAN, [NAMED])
INSECURE = certificate(plan_transfer(the_facts(), flow=Flow.THROUGH_INSECURE, start=NOW), [NAMED])
OVERLAP = Overlap(asked=Source.LOSING, answers=Source.GAINING)
FACTS = the_facts()
STAYING = replace(
    FACTS,
    losing=replace(FACTS.losing, name_servers=frozenset({"ns1.example.nl."}), address_ttl=Ttl(3600)),
    gaining=replace(FACTS.gaining, name_servers=frozenset({"ns1.example.nl."}), address_ttl=Ttl(3600)),
    parent=replace(FACTS.parent, glue_ttl=Ttl(3600)),
)


def test_the_checker_is_small_enough_to_be_read() -> None:
    """In lines with something on them, docstrings and comments among them."""
    lines = [line for line in PROGRAM.read_text().splitlines() if line.strip()]
    (rules,) = [number for number, line in enumerate(lines) if line.startswith("# ---- the rules")]
    (program,) = [number for number, line in enumerate(lines) if line.startswith("# ---- the program")]
    assert len(lines) <= 232
    assert program - rules <= 113


def test_the_checker_imports_nothing_of_zonekit() -> None:
    for node in ast.walk(ast.parse(PROGRAM.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
            assert all(name is not None and name.split(".")[0] in sys.stdlib_module_names for name in names)


# ---- what is safe is certified, and nothing else --------------------------------------------------------------------


@given(flows_with_facts)
def test_every_safe_plan_has_a_certificate(given_facts: tuple[Flow, Facts]) -> None:
    flow, facts = given_facts
    plan = plan_transfer(facts, flow=flow, start=NOW)
    assert certificate(plan) == json.loads(certificate_text(plan))


def test_a_sticky_resolver_and_patient_ones_are_certified_too() -> None:
    patient = replace(NAMED, minimum_ttl=Ttl(3600), stale_margin=timedelta(days=1), latency=timedelta(seconds=5))
    plan = plan_transfer(the_facts(), start=NOW, profiles=[*PROFILES, STICKY, patient])
    alike = [profile["holds_like"] for profile in certificate(plan)["profiles"]]
    assert alike == [*["named"] * len(PROFILES), "sticky", "named (2)"]


@pytest.mark.parametrize("asked", [Source.LOSING, Source.PARENT])
def test_an_overlap_that_the_plan_knows_of_is_certified(asked: Source) -> None:
    facts = replace(the_facts(), overlaps=(Overlap(asked=asked, answers=Source.GAINING),))
    assert check(certificate(plan_transfer(facts, start=NOW))) == []


def test_addresses_that_outlive_their_use_change_nothing() -> None:
    hosts = frozenset({"ns1.example.nl."})
    addresses = [
        AddressVersion(source=source, record="addresses", ttl=Ttl(3600), hosts=hosts, leads_to=Source.LOSING)
        for source in (Source.PARENT, Source.LOSING)
    ]
    schedule = PLAN.schedule
    assert check(certificate(replace(schedule, versions=(*schedule.versions, *addresses)), [NAMED])) == []


@pytest.mark.parametrize("name", UNSAFE)
def test_what_is_unsafe_by_design_is_not_certified(name: str) -> None:
    case = UNSAFE[name]
    complaints = check(evidence(case.schedule, [case.profile]))
    said = "does not answer" if case.is_outage else "not proven all the time"
    assert [each for each in complaints if said in each]
    with pytest.raises(PlanError, match="cannot be certified"):
        certificate(case.schedule, [case.profile])


@given(flows_with_facts, st.sampled_from(PROFILES), st.data())
@settings(max_examples=100)
def test_the_checker_and_the_cache_model_agree_on_plans_with_a_step_moved(
    given_facts: tuple[Flow, Facts], profile: ResolverProfile, data: st.DataObject
) -> None:
    flow, facts = given_facts
    plan = plan_transfer(facts, flow=flow, start=NOW)
    step = data.draw(st.sampled_from([step for step in plan.steps if step.step.effect]))
    by = timedelta(seconds=data.draw(st.one_of(st.integers(-3, 3), st.integers(-3 * DAY, 3 * DAY))))
    schedule = changed(plan, moved={step.id: by})
    assert (check(evidence(schedule, [profile])) == []) is isinstance(prove_schedule(schedule, [profile]), Safe)


@given(any_schedules(), patient)
def test_they_agree_on_whatever_was_done_when(schedule: Schedule, profile: ResolverProfile) -> None:
    complaints = check(evidence(schedule, [profile]))
    assert (complaints == []) is isinstance(prove_schedule(schedule, [profile]), Safe)
    assert not [each for each in complaints if "at other times too" in each or "for longer" in each]


@given(flows_with_facts, st.sampled_from(PROFILES), st.data())
def test_they_agree_on_plans_that_lack_a_key_a_signature_or_a_ds_record(
    given_facts: tuple[Flow, Facts], profile: ResolverProfile, data: st.DataObject
) -> None:
    """The claims stay as they are: neither what can be asked nor what can be held depends on it."""
    flow, facts = given_facts
    schedule = plan_transfer(facts, flow=flow, start=NOW).schedule
    found = evidence(schedule, [profile])
    number = data.draw(st.sampled_from([i for i, each in enumerate(schedule.versions) if parts_of(each)]))
    version = schedule.versions[number]
    name, part = data.draw(st.sampled_from(parts_of(version)))
    without = replace(
        version, **{name: type(getattr(version, name))(each for each in getattr(version, name) if each != part)}
    )
    versions = (*schedule.versions[:number], without, *schedule.versions[number + 1 :])
    lacking = replace(schedule, versions=versions)
    for kind in KINDS:
        for one, other in zip(found[kind], evidence(lacking, [profile])[kind], strict=True):
            one.update(other | {"live": one["live"]})
    safe = isinstance(prove_schedule(lacking, [profile]), Safe)
    assert (check(evidence(lacking, [profile])) == []) is safe
    assert [each for each in check(found) if "insecure at other times" not in each] == [] or not safe


def parts_of(version: Version) -> list[tuple[str, Any]]:
    names = [name for name in ("entries", "keys", "signatures") if hasattr(version, name)]
    return [(name, part) for name in names for part in getattr(version, name)]


# ---- tampering ------------------------------------------------------------------------------------------------------


ALL = ("a plan", "a sticky resolver", "through insecure", "an overlap", "name servers that stay")
CERTIFICATES = dict(
    zip(
        ALL,
        (
            CERTIFICATE,
            certificate(plan_transfer(the_facts(), start=NOW, profiles=[STICKY]), [STICKY]),
            INSECURE,
            certificate(plan_transfer(replace(the_facts(), overlaps=(OVERLAP,)), start=NOW), [NAMED]),
            certificate(plan_transfer(STAYING, start=NOW), [NAMED]),
        ),
        strict=True,
    )
)
every_certificate = pytest.mark.parametrize("name", ALL)


def tampered(name: str = "a plan") -> Any:
    return copy.deepcopy(CERTIFICATES[name])


def claims_of(found: Any) -> Iterator[Any]:
    """Every set of times that is claimed of the resolver, with what it is claimed in."""
    holders = [version["live"] for kind in KINDS for version in found[kind]]
    yield from [*holders, *[found["servers"][name]["reach"] for name in OPERATORS]]


@every_certificate
def test_every_claim_cut_by_a_second_is_refused(name: str) -> None:
    found, cut = tampered(name), 0
    for claim in claims_of(found):
        for span in next(iter(claim.values())):
            for end, by, last in ((0, 1, 0), (1, -1, 2**40 - 1)):
                whole = list(span)
                span[end] = last if span[end] is None else span[end] + by
                assert check(found), (whole, span)
                span[:] = whole
                cut += 1
    assert cut > 20
    assert check(found) == []


@every_certificate
def test_every_claim_left_out_is_refused(name: str) -> None:
    found = tampered(name)
    for claim in claims_of(found):
        whole = dict(claim)
        for empty in ({}, {of: [] for of in whole}):
            claim.clear()
            claim.update(empty)
            assert bool(check(found)) is any(whole.values())
        claim.update(whole)


@every_certificate
def test_a_claim_that_is_too_large_proves_no_more_than_there_is(name: str) -> None:
    """It makes the proof harder: claimed to be held always, no plan is safe."""
    found = tampered(name)
    for claim in claims_of(found):
        claim.update({of: [[None, None]] for of in claim})
    assert check(found)


@every_certificate
def test_every_version_left_out_is_refused(name: str) -> None:
    """What nobody can fetch matters to nobody; and what data there is besides the NS RRset is for the reader to know."""
    ns_ttls = {(each["source"], each["ttl"]) for each in CERTIFICATES[name]["ns"]}
    refused = 0
    for kind in KINDS:
        for number, version in enumerate(CERTIFICATES[name][kind]):
            found = tampered(name)
            del found[kind][number]
            if kind != "data":
                assert bool(check(found)) is any(version["live"].values()), version
                refused += 1
    assert refused > 8
    for source, ttl in ns_ttls:
        found = tampered(name)
        found["data"] = [each for each in found["data"] if each["source"] != source or each["ttl"] < ttl]
        assert bool([each for each in check(found) if "data of its TTL" in each]) is (source != "parent")


@every_certificate
def test_every_version_that_is_kept_for_a_second_more_is_refused(name: str) -> None:
    for kind in KINDS:
        for number, version in enumerate(CERTIFICATES[name][kind]):
            found = tampered(name)
            found[kind][number]["ttl"] += 1
            (live,) = version["live"].values()
            assert bool(check(found)) is any(end is not None for _, end in live) or kind == "ns"


@every_certificate
def test_every_version_that_is_served_for_a_second_more_is_refused(name: str) -> None:
    """Where somebody can ask for it then."""
    refused = 0
    for kind, end in itertools.product(KINDS, (0, 1)):
        for number, version in enumerate(CERTIFICATES[name][kind]):
            found = tampered(name)
            servers = found["servers"].get(version["source"], {"some_answer": [[None, None]], "reach": {}})
            for span in [each for each in found[kind][number]["served"] if each[end] is not None]:
                span[end] += 1 if end else -1
                if all(is_in(span[end] - end, spans) for spans in (servers["some_answer"], *servers["reach"].values())):
                    assert check(found), (kind, version)
                    refused += 1
    assert refused > 5


def is_in(instant: int, spans: list[list[int | None]]) -> bool:
    return any((start is None or start <= instant) and (end is None or instant < end) for start, end in spans)


@every_certificate
def test_every_version_that_ends_a_second_early_is_refused(name: str) -> None:
    """Somebody answers then, and what does it answer? Where another version is served as well, it answers that."""
    refused = 0
    for kind in ("ns", "ds", "dnskey"):
        for number, version in enumerate(CERTIFICATES[name][kind]):
            found = tampered(name)
            servers = found["servers"].get(version["source"], {"some_answer": [[None, None]]})
            others = [each for each in found[kind] if each["source"] == version["source"] and each != version]
            for span in found[kind][number]["served"]:
                span[1] = 2**40 - 1 if span[1] is None else span[1] - 1
                answered = is_in(span[1], servers["some_answer"])
                if answered and not any(is_in(span[1], each["served"]) for each in others):
                    assert check(found), version
                    refused += 1
    assert refused > 5


@every_certificate
def test_servers_that_answer_too_short_are_refused(name: str) -> None:
    for operator in OPERATORS:
        found = tampered(name)
        found["servers"][operator]["all_answer"] = []
        assert [each for each in check(found) if "does not answer" in each]
    found = tampered(name)
    found["servers"]["losing"]["all_answer"] = [[None, None]]
    assert "the losing servers are said to answer all at a time when some do not" in check(found)


def test_servers_that_answer_for_others_and_are_not_reckoned_with_are_refused() -> None:
    found = tampered()
    found["overlaps"].append({"asked": "parent", "answers": "gaining", "loaded": [[None, None]]})
    assert [each for each in check(found) if "gaining side can be asked at other times" in each]


def test_an_overlap_may_follow_from_another() -> None:
    """A server of the parent zone has the zone of the losing operator, and that one's servers have the gaining one's."""
    for pairs in itertools.permutations([("losing", "gaining"), ("parent", "losing")]):
        found = tampered()
        for ns in found["ns"]:
            ns["leads_to"], ns["hosts"] = [], ["ns.example.nl."]
        found["overlaps"] = [{"asked": one, "answers": other, "loaded": [[None, None]]} for one, other in pairs]
        for operator in OPERATORS:
            found["servers"][operator]["reach"] = {"named": found["servers"][operator]["some_answer"]}
            assert not [each for each in check(found) if f"the {operator} side can be asked" in each]
            found["servers"][operator]["reach"] = {}
            assert [each for each in check(found) if f"the {operator} side can be asked" in each]


@pytest.mark.parametrize(
    ("name", "change", "complaint"),
    [
        ("a plan", {"minimum_ttl": 10**6}, "can be held for longer"),
        ("a plan", {"stale_margin": 1}, "can be held for longer"),
        ("a plan", {"latency": 1}, "can be held for longer"),
        ("a plan", {"holds_like": "nobody"}, "can be held for longer"),
        ("a plan", {"ns_rule": "sticky"}, None),  # here the losing operator changes its NS RRset, so nobody stays
        ("a plan", {"algorithms": []}, "can be insecure at other times too"),
        ("a plan", {"digests": []}, "can be insecure at other times too"),
        ("a plan", {"digest_rule": "all"}, None),  # every DS record has a key that signs: no rule needs another
        ("a plan", {"digest_rule": "strongest"}, None),
        ("a plan", {"algorithm_rule": "all"}, None),  # there is one algorithm
        ("a plan", {"trusts_proven_keys": True}, None),  # the DNSKEY RRset has the keys of both
        ("through insecure", {"insecure": []}, "can be insecure at other times too"),
    ],
)
def test_a_profile_that_is_worse_is_refused_where_it_matters(
    name: str, change: dict[str, Any], complaint: str | None
) -> None:
    found = tampered(name)
    found["profiles"][0] |= change
    complaints = check(found)
    assert [each for each in complaints if complaint in each] if complaint else complaints == []


def test_a_terminal_is_not_written_to_by_strangers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = tampered()
    found["domain"] = "\x1b[2Jexample.nl."
    file = tmp_path / "certificate.json"
    file.write_text(json.dumps(found))
    assert main([str(file)]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_an_insecure_time_that_is_not_told_is_refused() -> None:
    found = copy.deepcopy(INSECURE)
    (window,) = found["profiles"][0]["insecure"]
    window[1] -= 1
    assert [each for each in check(found) if "insecure at other times too" in each]


def test_keys_of_one_name_and_two_algorithms_prove_nothing() -> None:
    found = tampered()
    for version in found["dnskey"]:
        version["keys"] = dict.fromkeys(version["keys"], 8)
    assert [each for each in check(found) if "not proven all the time" in each]


# ---- what is no certificate -----------------------------------------------------------------------------------------


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to every value of a certificate."""
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in pairs:
        yield from places(inner, (*path, name))


PLACES = list(places(CERTIFICATE))
BY_NAME = ("live", "reach", "keys", "signatures")
FIELDS = [
    path for path in PLACES if path and isinstance(path[-1], str) and path[-2:-1] not in [(each,) for each in BY_NAME]
]


def parent_of(found: Any, path: tuple[str | int, ...]) -> Any:
    for name in path[:-1]:
        found = found[name]
    return found


def named(path: tuple[str | int, ...]) -> str:
    return "certificate" + "".join(f"[{name}]" if isinstance(name, int) else f".{name}" for name in path)


@given(st.sampled_from(FIELDS))
def test_a_missing_field_is_named(path: tuple[str | int, ...]) -> None:
    found = tampered()
    del parent_of(found, path)[path[-1]]
    assert check(found) == [f"{named(path)} is missing"]


@given(st.sampled_from(FIELDS))
def test_an_unknown_field_is_named(path: tuple[str | int, ...]) -> None:
    found = tampered()
    parent_of(found, path)["surprise"] = 1
    assert check(found) == [f"{named((*path[:-1], 'surprise'))} is unknown"]


wrong_types = st.sampled_from((True, 1.5, -1, 10**400, {}, {"a": 1}, [[]], [[1, 2, 3]], [[5, 4]], [None]))


@given(st.sampled_from(PLACES), wrong_types)
@settings(max_examples=300)
def test_a_wrong_type_is_named(path: tuple[str | int, ...], wrong: Any) -> None:
    found = tampered()
    assume(not (path[-1:] == ("trusts_proven_keys",) and isinstance(wrong, bool)))
    assume(not (path and path[-1] in BY_NAME and (wrong == {} or (path[-1] == "keys" and wrong == {"a": 1}))))
    if path:
        parent_of(found, path)[path[-1]] = wrong
    else:
        found = wrong
    (complaint,) = check(found)
    assert complaint.startswith(named(path))


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (("format",), "another", "certificate.format is not one of ('zonekit transfer certificate',)"),
        (("version",), 2, "certificate.version is not one of (1,)"),
        (("profiles",), [], "no profile is given, and nothing is safe for nobody"),
        (("profiles",), {}, "certificate.profiles is not a list"),
        (("servers", "losing"), [], "certificate.servers.losing is not an object"),
        (("ds", 0, "source"), "losing", "certificate.ds[0].source is not one of ('parent',)"),
        (("ds", 0, "served"), [[1, 2], [5, 5]], "certificate.ds[0].served[1] is not a time [from, until]"),
        (("ds", 0, "served"), [[1, -2]], "certificate.ds[0].served[0][1] is not a whole number from 0"),
        (("ds", 0, "ttl"), None, "certificate.ds[0].ttl is not a whole number from 0"),
        (("domain",), 5, "certificate.domain is not text"),
    ],
)
def test_what_is_wrong_is_named(path: tuple[str | int, ...], value: Any, complaint: str) -> None:
    found = tampered()
    parent_of(found, path)[path[-1]] = value
    assert check(found) == [complaint]


@pytest.mark.parametrize("text", ["", "[", "[]", "1e999", '{"a": 1, "a": 2}', "[" * 100_000, "NaN"])
def test_what_is_not_json_of_a_certificate_is_refused(text: str) -> None:
    with pytest.raises(NoCertificate):
        read(text)


def test_a_schedule_needs_profiles() -> None:
    with pytest.raises(PlanError, match="no resolver profiles"):
        certificate(PLAN.schedule)


# ---- the program ----------------------------------------------------------------------------------------------------


def test_the_program_says_by_its_status_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "certificate.json"
    file.write_text(certificate_text(PLAN))
    assert main([str(file)]) == 0
    assert capsys.readouterr().out.startswith("certified, example.nl.: safe under named, unbound")
    file.write_text(json.dumps(evidence(UNSAFE["a merge one way"].schedule, PROFILES)))
    assert main([str(file)]) == 1
    assert "not proven all the time" in capsys.readouterr().out
    for content in ("{}", "["):
        file.write_text(content)
        assert main([str(file)]) == 2
    file.write_bytes(b"\xff")
    assert main([str(file)]) == main([str(tmp_path / "missing")]) == main([]) == 2
    assert capsys.readouterr().err.count("not a certificate") == 5


def test_the_program_runs_where_zonekit_is_not(tmp_path: Path) -> None:
    program = tmp_path / "check.py"
    program.write_text(PROGRAM.read_text())
    file = tmp_path / "certificate.json"
    file.write_text(certificate_text(PLAN))
    done = subprocess.run([sys.executable, "-I", "-S", program, file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
