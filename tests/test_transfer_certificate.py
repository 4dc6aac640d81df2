"""A certificate is believed when it proves its schedule, and no longer when anything in it is changed for the worse."""

from __future__ import annotations

import ast
import copy
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
from zonekit.transfer.check_certificate import NoCertificate, check, main, read
from zonekit.transfer.facts import Facts
from zonekit.transfer.plan import plan_transfer
from zonekit.transfer.profiles import NAMED, PROFILES, STICKY, ResolverProfile
from zonekit.transfer.proof import Safe, prove_schedule
from zonekit.transfer.steps import Flow
from zonekit.transfer.versions import AddressVersion, Overlap, Schedule, Source
from zonekit.ttl import Ttl

PROGRAM = Path(check_certificate.__file__)
CERTIFICATE = certificate(PLAN, [NAMED])
INSECURE = certificate(plan_transfer(the_facts(), flow=Flow.THROUGH_INSECURE, start=NOW), [NAMED])
KINDS = ("ns", "ds", "dnskey", "data")


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
    assert [profile["caches"] for profile in certificate(plan)["profiles"]] == [*[0] * len(PROFILES), 1, 2]


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


# ---- tampering ------------------------------------------------------------------------------------------------------


def tampered() -> Any:
    return copy.deepcopy(CERTIFICATE)


def spans_of(found: Any) -> Iterator[list[list[int | None]]]:
    """Every claimed set of times that is not empty."""
    (caches,) = found["caches"]
    yield from [spans for spans in caches["reach"].values() if spans]
    yield from [claim[name] for kind in KINDS for claim in caches[kind] for name in ("fetched", "live") if claim[name]]


@given(st.data(), st.integers(1, 10**7))
def test_a_claim_cut_short_is_refused(data: st.DataObject, by: int) -> None:
    found = tampered()
    spans = data.draw(st.sampled_from(list(spans_of(found))))
    end = data.draw(st.sampled_from((0, 1)))
    span = spans[-1 if end else 0]
    if span[end] is None:
        span[end] = span[1 - end]
        assume(span[end] is not None)
        span[end] += by if end else -by
    else:
        span[end] += -by if end else by
    assert check(found)


@given(st.data())
def test_a_claim_left_out_is_refused(data: st.DataObject) -> None:
    found = tampered()
    data.draw(st.sampled_from(list(spans_of(found)))).clear()
    assert check(found)


@given(st.data())
def test_a_triple_dropped_is_refused(data: st.DataObject) -> None:
    found = tampered()
    triples = found["profiles"][0]["triples"]
    triples.remove(data.draw(st.sampled_from(triples)))
    assert check(found)


@given(st.data())
def test_a_path_altered_is_refused(data: st.DataObject) -> None:
    found = tampered()
    triple = data.draw(st.sampled_from(found["profiles"][0]["triples"]))
    path = data.draw(st.sampled_from(triple["paths"]))
    place = data.draw(st.sampled_from((0, 1)))
    names = [key["name"] for key in found["keys"]]
    path[place] = data.draw(st.sampled_from([name for name in (*names, "nobody's key") if name != path[place]]))
    assert check(found)


@given(st.data())
def test_a_path_taken_away_is_refused(data: st.DataObject) -> None:
    found = tampered()
    triple = data.draw(st.sampled_from(found["profiles"][0]["triples"]))
    triple["paths"].clear()
    assert [each for each in check(found) if "not proven all the time" in each]


@given(st.data())
def test_a_version_dropped_is_refused(data: st.DataObject) -> None:
    found = tampered()
    kind = data.draw(st.sampled_from(KINDS))
    del found[kind][data.draw(st.integers(0, len(found[kind]) - 1))]
    assert check(found)


@given(st.data())
def test_a_version_dropped_with_all_that_is_said_of_it_is_refused(data: st.DataObject) -> None:
    found = tampered()
    kind = data.draw(st.sampled_from(("ns", "ds", "dnskey")))
    number = data.draw(
        st.sampled_from([i for i, claim in enumerate(found["caches"][0][kind]) if claim["fetched"] != []])
    )
    del found[kind][number], found["caches"][0][kind][number]
    if kind != "ns":
        kept = [triple for triple in found["profiles"][0]["triples"] if triple[kind] != number]
        found["profiles"][0]["triples"] = [each | {kind: each[kind] - (each[kind] > number)} for each in kept]
    assert check(found)


@given(st.data(), st.integers(1, 10**6))
def test_a_longer_ttl_is_refused(data: st.DataObject, by: int) -> None:
    found = tampered()
    kind = data.draw(st.sampled_from(KINDS))
    ended = [
        version
        for version, claim in zip(found[kind], found["caches"][0][kind], strict=True)
        if claim["fetched"] and claim["fetched"][-1][1] is not None
    ]
    data.draw(st.sampled_from(ended))["ttl"] += by
    assert check(found)


@given(st.data(), st.integers(1, 10**6))
def test_an_instant_moved_so_that_more_is_served_is_refused(data: st.DataObject, by: int) -> None:
    found = tampered()
    kind, end = data.draw(st.sampled_from(KINDS)), data.draw(st.sampled_from(("start", "end")))
    binding = [
        version
        for version, claim in zip(found[kind], found["caches"][0][kind], strict=True)
        if version[end] is not None
        and claim["fetched"]
        and claim["fetched"][-1 if end == "end" else 0][end == "end"] == version[end]
    ]
    version = data.draw(st.sampled_from(binding))
    version[end] += by if end == "end" else -by
    reached = found["caches"][0]["reach"].get(version["source"], [[None, None]])
    assume(any(bounds(span)[0] <= version[end] - (end == "end") < bounds(span)[1] for span in reached))
    assert check(found)


def bounds(span: list[int | None]) -> tuple[float, float]:
    return -1 if span[0] is None else span[0], 2**60 if span[1] is None else span[1]


@given(st.data(), st.integers(1, 10**6))
def test_an_instant_moved_so_that_nothing_is_served_is_refused(data: st.DataObject, by: int) -> None:
    found = tampered()
    kind = data.draw(st.sampled_from(("ns", "ds", "dnskey")))
    ended = [version for version in found[kind] if version["end"] is not None]
    version = data.draw(st.sampled_from(ended))
    version["end"] -= by
    answering = [each for each in found["servings"] if each["operator"] == version["source"]]
    assume(all(each["start"] is None or each["start"] < version["end"] + by for each in answering))
    assert check(found)


def test_a_serving_cut_short_is_refused() -> None:
    for name in ("all_start", "all_end"):
        found = tampered()
        for serving in found["servings"]:
            if serving[name] is not None:
                serving[name] += 10**6 if name == "all_start" else -(10**6)
        assert check(found)


def test_servers_that_all_answer_before_one_does_are_refused() -> None:
    found = tampered()
    (losing,) = [each for each in found["servings"] if each["operator"] == "losing"]
    losing["all_end"] = None
    assert "the losing servers are said to answer all at a time when some do not" in check(found)


def test_a_triple_told_twice_is_refused() -> None:
    found = tampered()
    found["profiles"][0]["triples"] *= 2
    assert check(found) == ["named: a triple is there twice"]


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


def test_what_is_insecure_is_not_passed_off_as_proven() -> None:
    found = copy.deepcopy(INSECURE)
    triple = next(triple for triple in found["profiles"][0]["triples"] if not triple["paths"])
    triple["paths"].append(["KSK of the losing operator", "ZSK of the losing operator"])
    assert [each for each in check(found) if "nothing is proven by" in each]


# ---- what is no certificate -----------------------------------------------------------------------------------------


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to every value of a certificate."""
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in pairs:
        yield from places(inner, (*path, name))


PLACES = list(places(CERTIFICATE))


def parent_of(found: Any, path: tuple[str | int, ...]) -> Any:
    for name in path[:-1]:
        found = found[name]
    return found


def named(path: tuple[str | int, ...]) -> str:
    return "certificate" + "".join(f"[{name}]" if isinstance(name, int) else f".{name}" for name in path)


@given(st.sampled_from([path for path in PLACES if path and isinstance(path[-1], str)]))
def test_a_missing_field_is_named(path: tuple[str | int, ...]) -> None:
    found = tampered()
    del parent_of(found, path)[path[-1]]
    assert check(found) == [f"{named(path)} is missing"]


@given(st.sampled_from([path for path in PLACES if path and isinstance(path[-1], str)]))
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
    if path:
        parent_of(found, path)[path[-1]] = wrong
    else:
        found = wrong
    (complaint,) = check(found)
    assert complaint.startswith(named(path))


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (("format",), "another", "certificate.format is none of zonekit transfer certificate"),
        (("version",), 2, "certificate.version is none of 1"),
        (("profiles",), [], "certificate.profiles is empty"),
        (("profiles", 0, "caches"), 7, "certificate.profiles[0].caches is not one of certificate.caches"),
        (("profiles", 0, "triples", 0, "ds"), 99, "certificate.profiles[0].triples[0].ds is not one of certificate.ds"),
        (
            ("profiles", 0, "triples", 0, "paths"),
            [["a"]],
            "certificate.profiles[0].triples[0].paths is not a list of two keys each",
        ),
        (("caches", 0, "ds"), [], "certificate.caches[0].ds is not one for each of certificate.ds"),
        (("keys",), [], "certificate.ds[0].entries: KSK of the losing operator is not in certificate.keys once"),
    ],
)
def test_what_leads_nowhere_is_named(path: tuple[str | int, ...], value: Any, complaint: str) -> None:
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
