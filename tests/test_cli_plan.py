"""``zonekit plan`` and ``zonekit check``: what they print, write and refuse."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.test_cli import refuse, run, succeed
from tests.test_planfile import EXAMPLE, by_hand
from tests.test_transfer_plan import NOW
from zonekit.cli.exits import BAD_INPUT, REFUSED
from zonekit.instants import instant_text
from zonekit.reports.calendars import calendar_text
from zonekit.transfer.journal import Confirmed, Journal, Overridden
from zonekit.transfer.plan import plan_transfer, prove
from zonekit.transfer.planfile import read_facts, read_plan
from zonekit.transfer.steps import Flow, mermaid

FIXTURES = Path(__file__).parent.parent / "fixtures" / "transfers"
FACTS = str(FIXTURES / "example.nl.toml")
AT = ["--now", "2026-11-21T12:00:00Z"]
PLAN = plan_transfer(read_facts(EXAMPLE), start=NOW)


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    file = tmp_path / "plan.json"
    file.write_text(succeed("plan", FACTS, *AT, "--json").stdout)
    return file


def test_a_plan_has_both_times_the_actor_the_action_and_the_reason_for_every_wait() -> None:
    printed = succeed("plan", FACTS, *AT).stdout
    for planned in PLAN.steps:
        (line,) = [line for line in printed.splitlines() if f"  {planned.id}: {planned.step.action}" in line]
        assert line.startswith(planned.started.strftime("%Y-%m-%dT%H:%M:%SZ  T"))
        assert planned.step.actor.value in line
        for wait in planned.waits:
            assert f"waits for {wait.record}: " in printed or not wait.interval
    assert "switchover      2026-11-23T12:00:00Z (T+2d)" in printed
    assert "what binds      DS RRset without the gaining DS: 2d from ds-added (RFC 7583 section 3.3.2)" in printed
    assert "verdict     safe: no resolver can see the domain bogus" in printed
    assert "proven for  named; unbound" in printed
    assert printed.isascii()
    assert printed.count("<- binds") == 5


def test_the_same_instant_gives_the_same_plan_and_start_comes_before_now() -> None:
    assert succeed("plan", FACTS, *AT).stdout == succeed("plan", FACTS, *AT).stdout
    later = succeed("plan", FACTS, *AT, "--start", "2026-12-01T00:00:00+01:00").stdout
    assert "switchover      2026-12-02T23:00:00Z (T+2d)" in later
    assert "switchover" in succeed("plan", FACTS).stdout


def test_facts_come_from_standard_input_too() -> None:
    assert succeed("plan", "-", *AT, text=EXAMPLE).stdout == succeed("plan", FACTS, *AT).stdout


def test_json_reads_back_to_the_plan_and_is_proven(plan_file: Path) -> None:
    plan = read_plan(plan_file.read_text())
    assert plan == PLAN
    assert "verdict     safe" in succeed("check", plan_file).stdout
    assert "verdict     safe" in succeed("check", "-", text=plan_file.read_text()).stdout
    verdict = json.loads(succeed("check", plan_file, "--json").stdout)
    assert verdict == {"verdict": "safe", "profiles": [profile.name for profile in plan.profiles], "insecure": []}


def test_a_flow_through_insecure_says_from_when_to_when() -> None:
    printed = succeed("plan", FACTS, *AT, "--flow", "through-insecure").stdout
    assert "verdict     safe, with a time in which the domain is not protected" in printed
    assert printed.count("\ninsecure    from 2026-11-21T12:00:00Z to ") == 1


def test_files_are_written_and_said(tmp_path: Path) -> None:
    page, calendar = tmp_path / "plan.html", tmp_path / "plan.ics"
    done = succeed("plan", FACTS, *AT, "--html", page, "--ics", calendar)
    assert done.stderr.splitlines()[-2:] == [f"wrote {page}", f"wrote {calendar}"]
    assert "[ttl-skew]" in done.stderr
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert calendar.read_bytes().decode() == calendar_text(PLAN, stamp=NOW)
    assert succeed("plan", FACTS, *AT, "--html", page, "-q").stderr == ""


def test_mermaid_is_the_flow_and_no_more() -> None:
    assert succeed("plan", FACTS, *AT, "--mermaid").stdout == mermaid(Flow.OPERATOR_CHANGE)
    assert succeed("plan", FACTS, *AT, "--mermaid", "--flow", "through-insecure").stdout == mermaid(
        Flow.THROUGH_INSECURE
    )


def changed(plan_file: Path, step_id: str, instant: str) -> Path:
    plan = json.loads(plan_file.read_text())
    for step in plan["steps"]:
        if step["id"] == step_id:
            step["started"] = step["completed"] = instant
    plan_file.write_text(json.dumps(plan))
    return plan_file


def test_a_step_moved_a_second_forward_is_told_as_a_story(plan_file: Path) -> None:
    done = run("check", changed(plan_file, "ns-changed", "2026-11-23T11:59:59Z"))
    assert done.exit_code == REFUSED
    lines = done.stdout.splitlines()
    assert lines[0] == "verdict  bogus from 2026-11-23T11:59:59Z, 1s altogether, seen by named"
    assert lines[1] == "DS       DS of the losing operator (of the parent side, TTL 2d)"
    story = " ".join(lines[5:])
    assert "At 2026-11-21T11:59:59Z a cache fetches DS of the losing operator (TTL 2d)." in story
    assert "At 2026-11-23T11:59:59Z a resolver (named) puts the three together" in story
    verdict = json.loads(run("check", plan_file, "--json").stdout)
    assert (verdict["verdict"], verdict["at"], verdict["seconds"]) == ("bogus", "2026-11-23T11:59:59Z", 1)
    assert verdict["ds"] == {"record": "DS of the losing operator", "source": "parent", "ttl": 172800}


def test_servers_that_stop_early_are_an_outage(plan_file: Path) -> None:
    done = run("check", changed(plan_file, "losing-stopped", "2026-11-25T11:00:00Z"))
    assert done.exit_code == REFUSED
    assert done.stdout.startswith("verdict  outage from 2026-11-25T11:00:00Z, 1h altogether, seen by named\nNS ")
    verdict = json.loads(run("check", plan_file, "--json").stdout)
    assert (verdict["verdict"], verdict["ns"]["source"]) == ("outage", "parent")


def test_somebody_elses_schedule_is_proven_wrong(tmp_path: Path) -> None:
    done = run("check", FIXTURES / "all-at-once.schedule.json")
    assert done.exit_code == REFUSED
    assert "verdict  bogus from 2026-11-21T12:00:00Z" in done.stdout
    file = tmp_path / "schedule.json"
    file.write_text(json.dumps(by_hand()))
    assert run("check", file).exit_code == REFUSED


def test_facts_that_are_unsafe_for_some_resolver_end_in_1_without_a_calendar(tmp_path: Path) -> None:
    ed448 = EXAMPLE.replace('operator", algorithm = 13', 'operator", algorithm = 16').replace(
        'losing operator", algorithm = 16', 'losing operator", algorithm = 13'
    )
    page, calendar = tmp_path / "page.html", tmp_path / "calendar.ics"
    done = run("plan", "-", *AT, "--html", page, "--ics", calendar, text=ed448)
    assert done.exit_code == REFUSED
    assert "verdict  bogus" in done.stdout
    assert "Not safe" in page.read_text()
    assert not calendar.exists()
    assert done.stderr.splitlines()[-2:] == [
        f"wrote {page}",
        f"{calendar} is not written: nobody is to act on this plan",
    ]
    assert "[algorithms-differ]" in done.stderr
    assert succeed("plan", "-", *AT, "--profile", "Knot Resolver", text=ed448)
    refuse_profile = refuse(BAD_INPUT, "plan", "-", *AT, "--profile", "mine", text=ed448)
    assert "'mine' is not one of" in refuse_profile


@pytest.mark.parametrize(
    ("words", "instead", "message"),
    [
        (
            'ds_ttl = "2d"',
            "",
            "<stdin>: parent.ds_ttl: is missing; ask one of the parent's servers, not a resolver: dig",
        ),
        ("[losing]", "[lossing]", "<stdin>: lossing: there is no such field"),
        ('domain = "example.nl"', 'domain = "..."', "<stdin>: domain: "),
        ('ns_ttl = "1d"', 'ns_ttl = "\x1b[2J"', "<stdin>: is not TOML"),
    ],
)
def test_facts_that_cannot_be_used_are_one_line(words: str, instead: str, message: str) -> None:
    line = refuse(BAD_INPUT, "plan", "-", *AT, text=EXAMPLE.replace(words, instead, 1))
    assert line.startswith(message)
    assert line.isprintable()


def test_what_cannot_be_asked_for_is_refused(tmp_path: Path, plan_file: Path) -> None:
    facts = tmp_path / "facts.toml"
    facts.write_text(EXAMPLE)
    out = tmp_path / "out"
    assert "give one of" in refuse(BAD_INPUT, "plan", facts, "--json", "--mermaid")
    assert "not standard output" in refuse(BAD_INPUT, "plan", facts, "--html", "-")
    assert "the facts themselves" in refuse(BAD_INPUT, "plan", facts, "--ics", facts)
    assert "to one file" in refuse(BAD_INPUT, "plan", facts, "--ics", out, "--html", out)
    assert "key file" in refuse(BAD_INPUT, "plan", facts, "--html", tmp_path / "Kexample.nl.+013+00001.private")
    assert "is not an instant" in refuse(BAD_INPUT, "plan", facts, "--start", "2026-11-21T12:00:00")
    assert "not one of" in refuse(BAD_INPUT, "plan", facts, "--flow", "sideways")
    assert "the gaining zone is signed" in refuse(BAD_INPUT, "plan", facts, "--flow", "to-unsigned")
    assert refuse(BAD_INPUT, "plan", tmp_path / "missing").startswith(str(tmp_path / "missing"))
    assert refuse(BAD_INPUT, "check", facts).startswith(f"{facts}: is not JSON")
    assert "steps[0].id" in refuse(BAD_INPUT, "check", changed_id(plan_file))
    assert not out.exists()
    assert facts.read_text() == EXAMPLE


def changed_id(plan_file: Path) -> Path:
    plan = json.loads(plan_file.read_text())
    plan["steps"][0]["id"] = "coffee"
    plan_file.write_text(json.dumps(plan))
    return plan_file


def test_the_verdict_of_the_command_is_that_of_the_library(plan_file: Path) -> None:
    plan = read_plan(changed(plan_file, "ds-added", "2026-11-23T11:00:00Z").read_text())
    verdict = prove(plan)
    assert json.loads(run("check", plan_file, "--json").stdout)["story"] == getattr(verdict, "story", None)


def test_a_certificate_is_checked_by_a_program_that_shares_nothing_with_the_planner(tmp_path: Path) -> None:
    file = tmp_path / "certificate.json"
    assert "wrote" in succeed("plan", FACTS, *AT, "--certificate", file).stderr
    assert succeed("check", "--certificate", file).stdout.startswith("certified for named, unbound")
    tampered = json.loads(file.read_text())
    tampered["ds"][0]["ttl"] *= 2
    file.write_text(json.dumps(tampered))
    told = run("check", "--certificate", file)
    assert told.exit_code == REFUSED and "can be held for longer" in told.stdout
    del tampered["version"]
    assert "version is missing" in refuse(BAD_INPUT, "check", "--certificate", "-", text=json.dumps(tampered))
    assert "names its profiles" in refuse(BAD_INPUT, "check", "--certificate", file, "--json")


START = "2026-11-21T12:00:00Z"
LATER = "2026-11-28T12:00:00Z"
BEFORE_THE_MERGE = [f"--record={step_id}={START}" for step_id in ("frozen", "keys-made", "keys-exchanged")]
OVERRIDE = ["--override-by", "the engineer", "--because", "it happened"]


def taken(*step_ids: str) -> list[str]:
    """These steps as planned."""
    return [f"--record={each.id}={instant_text(each.started)}" for each in PLAN.steps if each.id in step_ids]


def test_what_has_happened_moves_what_is_still_to_come() -> None:
    late = "ds-added=2026-11-22T12:00:00Z/2026-11-22T13:00:00Z"
    printed = succeed("plan", FACTS, *AT, "--record", late, *BEFORE_THE_MERGE).stdout
    assert "ds-added: add the gaining DS at the parent, beside the losing one (done)" in printed
    assert "switchover      2026-11-24T13:00:00Z" in printed
    assert "overridden" not in printed
    assert "has no step" in refuse(BAD_INPUT, "plan", FACTS, *AT, "--record", "x=2026-11-22T12:00:00Z")
    assert "is no event" in refuse(BAD_INPUT, "plan", FACTS, *AT, "--record", "ds-added")
    reversed_instants = "ds-added=2026-11-22T12:00:00Z/2026-11-22T11:00:00Z"
    assert "cannot have completed before" in refuse(BAD_INPUT, "plan", FACTS, *AT, "--record", reversed_instants)


def test_a_plan_is_carried_on_in_its_file(plan_file: Path) -> None:
    """Steps are taken in the order of their starts, however they are given; a day later there is more to say."""
    *first, last = taken("frozen", "keys-made", "keys-exchanged", "losing-merged")
    done = succeed("plan", plan_file, "--now", START, "-i", last, *first)
    assert done.stderr.endswith(f"wrote {plan_file}\n")
    succeed("plan", plan_file, "--now", LATER, "-i", *taken("ds-added", "gaining-merged"))
    plan = read_plan(plan_file.read_text())
    assert [decision.step_id for decision in plan.journal.decisions] == [
        *("frozen", "keys-made", "keys-exchanged", "losing-merged", "gaining-merged", "ds-added")
    ]
    assert {instant_text(decision.at) for decision in plan.journal.decisions} == {START, LATER}
    assert replace(plan, journal=Journal()).schedule == PLAN.schedule
    held = plan_file.read_text()
    assert succeed("plan", plan_file, "--now", LATER, *taken("ds-added"), "--json").stdout == held, "said before"
    assert succeed("plan", plan_file, "--mermaid").stdout == mermaid(Flow.OPERATOR_CHANGE)
    assert succeed("plan", plan_file, "--options").stdout == succeed("plan", FACTS, *AT, "--options").stdout


def test_all_that_is_missing_is_listed_and_nothing_is_written(plan_file: Path, tmp_path: Path) -> None:
    held, page = plan_file.read_text(), tmp_path / "page.html"
    early = ["--record", "ns-changed=2026-11-22T12:00:00Z", *taken("frozen", "keys-made", "keys-exchanged", "ds-added")]
    done = run("plan", plan_file, "--now", LATER, "-i", "--html", page, "--json", *early)
    assert (done.exit_code, done.stdout) == (REFUSED, "")
    lines = done.stderr.splitlines()
    assert lines[0] == "zonekit: ns-changed does not go on record as begun at 2026-11-22T12:00:00Z; missing is"
    told = {line.split(":")[1].strip() for line in lines[1:-1]}
    assert told == {"losing-merged", "gaining-merged", "gaining-serves", "ns-changed"}
    assert any("that is not over before 2026-11-23T12:00:00Z" in line for line in lines)
    assert "--override-by NAME --because TEXT" in lines[-1]
    assert plan_file.read_text() == held and not page.exists()


def test_dates_that_somebody_put_into_the_file_open_no_gate(plan_file: Path) -> None:
    changed(plan_file, "ns-changed", "2026-11-22T12:00:00Z")
    plan = json.loads(plan_file.read_text())
    for step in plan["steps"]:
        step["not_before"], step["waits"] = START, []
    plan_file.write_text(json.dumps(plan))
    early = taken(*[step.id for step in PLAN.steps[: PLAN.steps.index(PLAN.step("ns-changed"))]])
    done = run("plan", plan_file, "--now", LATER, *early, "--record", "ns-changed=2026-11-22T12:00:00Z")
    assert done.exit_code == REFUSED and "that is not over before 2026-11-23T12:00:00Z" in done.stderr


def test_what_was_really_done_too_early_goes_on_record_with_a_name_and_a_reason(plan_file: Path) -> None:
    early = ["--record", "ns-changed=2026-11-22T12:00:00Z"]
    done = run("plan", plan_file, "--now", LATER, "-i", *early, *OVERRIDE)
    assert done.exit_code == REFUSED and "verdict  bogus" in done.stdout
    shown = (
        " overridden ns-changed by the engineer, 2026-11-28T12:00:00Z: it happened was missing frozen: both operators"
    )
    assert shown in " ".join(done.stdout.split())
    (decision,) = read_plan(plan_file.read_text()).journal.overrides
    assert (decision.step_id, decision.override.who, decision.override.why) == (
        "ns-changed",
        "the engineer",
        "it happened",
    )
    checked = run("check", plan_file)
    assert checked.exit_code == REFUSED
    assert shown in " ".join(checked.stdout.split())
    told = run("plan", plan_file, "--now", LATER, "--json", *early, *OVERRIDE)
    assert "overridden: " not in told.stderr, "it was on record already"
    told = run("plan", FACTS, "--now", LATER, "--start", START, "--json", *early, *OVERRIDE)
    assert "overridden: ns-changed by the engineer, 2026-11-28T12:00:00Z: it happened" in told.stderr
    assert read_plan(told.stdout).journal == read_plan(plan_file.read_text()).journal


def test_an_override_where_nothing_is_missing_is_none(plan_file: Path) -> None:
    done = succeed("plan", plan_file, "--now", LATER, "-i", *taken("frozen"), *OVERRIDE)
    assert "nothing was missing" in done.stderr and "overridden " not in done.stdout
    assert read_plan(plan_file.read_text()).journal.overrides == ()


def test_a_correction_is_asked_for_explicitly_and_keeps_what_was_said(plan_file: Path) -> None:
    succeed("plan", plan_file, "--now", START, "-i", *taken("frozen"))
    again = ["--record", "frozen=2026-11-21T13:00:00Z"]
    done = run("plan", plan_file, "--now", LATER, "-i", *again)
    assert done.exit_code == REFUSED
    assert "frozen: one record of a step; it is recorded as begun at 2026-11-21T12:00:00Z" in done.stderr
    succeed("plan", plan_file, "--now", LATER, "-i", *again, "--override-by", "the engineer", "--because", "a typo")
    plan = read_plan(plan_file.read_text())
    assert instant_text(plan.step("frozen").started) == "2026-11-21T13:00:00Z"
    first, second = plan.journal.decisions
    assert isinstance(first, Confirmed) and isinstance(second, Overridden)
    assert "begun at 2026-11-21T12:00:00Z" in second.missing[0].found and second.override.why == "a typo"


def test_what_cannot_go_on_record_is_refused(plan_file: Path) -> None:
    held = plan_file.read_text()

    def refused(*arguments: str, code: int = BAD_INPUT) -> str:
        line = refuse(code, "plan", plan_file, "--now", LATER, *arguments)
        assert plan_file.read_text() == held
        return line

    frozen = taken("frozen")
    wait = "--record=losing-unreachable=2026-11-30T12:00:00Z"
    assert "nobody takes it, and time confirms it at 2026-11-25" in refused("-i", wait, *OVERRIDE)
    assert "names frozen twice" in refused("-i", *frozen, *frozen, *OVERRIDE)
    assert "go together" in refused("-i", *frozen, *OVERRIDE[:2])
    assert "go together" in refused("-i", *frozen, *OVERRIDE[2:])
    assert "says not why" in refused("-i", *frozen, *OVERRIDE[:2], "--because", " ")
    assert "is not one line" in refused("-i", *frozen, *OVERRIDE[:2], "--because", "a\nb")
    assert "something about a --record" in refused("-i", *OVERRIDE)
    assert "before the plan starts" in refused("-i", "--record=frozen=2026-11-20T12:00:00Z", *OVERRIDE)
    assert "has its flow, start and profiles" in refused("--start", LATER)
    assert "has its flow, start and profiles" in refused("--flow", "operator-change")
    assert "has its flow, start and profiles" in refused("--profile", "named")
    assert "takes no --record" in refused("--options", *frozen)
    assert "writes over a file with a plan" in refuse(BAD_INPUT, "plan", FACTS, *AT, "-i")
    assert "writes over a file with a plan" in refuse(BAD_INPUT, "plan", "-", *AT, "-i", text=held)
    assert "or the plan; name another" in refused("--html", str(plan_file))
    plan_file.write_text(held[:-3])
    assert refuse(BAD_INPUT, "plan", plan_file, *AT).startswith(f"{plan_file}: is not JSON")


def test_the_zones_of_both_operators_are_looked_at_too(tmp_path: Path) -> None:
    losing, gaining = tmp_path / "losing.zone", tmp_path / "gaining.zone"
    head = "@ 3600 SOA ns.other.example. hostmaster 1 2 3 4 5\n@ 3600 NS ns.other.example.\n"
    losing.write_text(head + "www 60 A 192.0.2.1\nold 60 A 192.0.2.2\n")
    gaining.write_text(head + "www 60 A 192.0.2.1\n")
    alone = succeed("plan", FACTS, *AT)
    done = succeed("plan", FACTS, *AT, "--zones", losing, gaining)
    assert done.stdout == alone.stdout
    assert "old.example.nl. A: is in the losing zone alone" in done.stderr
    assert done.stderr.startswith(alone.stderr)
    assert "old.example.nl." in succeed("plan", FACTS, *AT, "--zones", losing, "-", text=gaining.read_text()).stderr
    assert not succeed("plan", FACTS, *AT, "--quiet", "--zones", losing, gaining).stderr
    other = tmp_path / "other.zone"
    other.write_text("$ORIGIN example.com.\n" + head)
    assert "other.zone: there is no SOA" in refuse(BAD_INPUT, "plan", FACTS, *AT, "--zones", losing, other)
    assert "no.zone" in refuse(BAD_INPUT, "plan", FACTS, *AT, "--zones", losing, tmp_path / "no.zone")
    assert "when one is chosen" in refuse(BAD_INPUT, "plan", FACTS, *AT, "--options", "--zones", losing, gaining)


def test_the_timing_of_keys_that_falls_into_a_plan_is_told(tmp_path: Path) -> None:
    succeed("keygen", "example.nl", "-K", tmp_path, *AT)
    quiet = succeed("plan", FACTS, *AT, "-K", tmp_path).stderr
    assert "rollover-scheduled" not in quiet
    for file in tmp_path.glob("*.private"):
        file.write_text(file.read_text() + "Inactive: 20261123000000\n")
    told = succeed("plan", FACTS, *AT, "-K", tmp_path).stderr
    assert told.count("has inactive at 2026-11-23T00:00:00Z") == 2


def test_what_the_facts_leave_out_is_told(tmp_path: Path) -> None:
    assert succeed("plan", FACTS, *AT).stderr.count("capabilities-assumed") == 0
    less = "".join(line for line in EXAMPLE.splitlines(keepends=True) if not line.startswith(("can", "name_servers")))
    told = succeed("plan", "-", *AT, text=less).stderr
    assert told.count("[capabilities-assumed]") == told.count("[name-servers-not-given]") == 2


def test_every_way_is_listed_the_best_first() -> None:
    lines = succeed("plan", FACTS, *AT, "--options").stdout.splitlines()
    assert lines[0].split()[:4] == ["way", "switch", "done", "insecure"]
    assert lines[1].startswith("operator-change")
    assert any(line.startswith("through-insecure") for line in lines)
    assert "give one of" in refuse(BAD_INPUT, "plan", FACTS, *AT, "--options", "--json")


def test_what_should_have_been_done_by_now_and_has_not_been_is_dated_from_now() -> None:
    printed = succeed("plan", FACTS, "--start", START, "--now", LATER, *BEFORE_THE_MERGE, "--resume").stdout
    assert "switchover      2026-11-30T12:00:00Z (T+9d)" in printed
    assert "--resume is for a transfer under way" in refuse(BAD_INPUT, "plan", FACTS, *AT, "--options", "--resume")


def test_a_certificate_tells_when_the_domain_is_not_protected(tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    succeed("plan", FACTS, *AT, "--flow", "through-insecure", "--certificate", str(proof))
    checked = succeed("check", "--certificate", str(proof)).stdout
    assert "certified for named, unbound" in checked
    assert "not protected from 2026-11-21T12:00:00Z to " in checked


def test_a_plan_that_is_not_safe_gets_no_certificate(tmp_path: Path) -> None:
    file = tmp_path / "certificate.json"
    early = ["--record", "ns-changed=2026-11-21T12:00:00Z", *OVERRIDE]
    told = run("plan", FACTS, *AT, *early, "--certificate", file)
    assert "nothing to certify" in told.stderr and not file.exists()
