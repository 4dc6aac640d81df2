"""``zonekit status`` follows a transfer: it asks servers, keeps what they show, and says in words that are true how it stands."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import Result

from tests.keyring import NOW
from tests.rounds import QUESTION, round_of
from tests.serving_worlds import Network, network_of, transfer_text
from tests.test_cli import refuse, run, succeed
from tests.test_pages import Reader
from tests.transfer_worlds import GAINING_SERVERS, LOSING_SERVERS, start_of, world_at
from zonekit.cli.exits import BAD_INPUT, OK, REFUSED
from zonekit.files import write_text
from zonekit.instants import instant_text, parse_instant
from zonekit.probe import probe
from zonekit.state import State
from zonekit.transfer.answers import Outcome, Question, Round
from zonekit.transfer.course import Tick
from zonekit.transfer.planfile import plan_json, read_plan
from zonekit.transfer.sightings import THERE_IS_NONE
from zonekit.transfer.steps import STEPS, Effect, Flow, Step
from zonekit.transfer.transferfile import read_transfer
from zonekit.zones import RRset, Zone

ROOT: Final = Path(__file__).parent.parent
MINUTE: Final = timedelta(minutes=1)
TABLE: Final = STEPS[Flow.OPERATOR_CHANGE]
PREPARED: Final = world_at(Flow.OPERATOR_CHANGE, "keys-made")
"""Before the first look: the gaining operator has signed its zone, so that the plan can be made."""
BEFORE_SWITCH: Final = tuple(step.id for step in TABLE[:8])
AFTER_SWITCH: Final = (*BEFORE_SWITCH, "ns-changed", "losing-ns-changed")


class Journey:
    """A transfer that is followed by the command line, at instants that the test chooses.

    Its servers are asked over the network where there is one, and give what the world has otherwise.
    """

    def __init__(self, directory: Path, network: Network | None = None) -> None:
        self.network = network or Network(directory=directory, world=PREPARED)
        self.at = NOW
        self.uptime = timedelta(0)
        self.timeouts: list[timedelta] = []
        if network is None:
            write_text(str(self.file), transfer_text({server: server.address for server in QUESTION.servers}))
            self.network.write_gaining_zone()

    @property
    def file(self) -> Path:
        return self.network.file

    @property
    def state(self) -> Path:
        return self.file.with_suffix(".state")

    def ask(self, question: Question, *, timeout: timedelta) -> Round:
        self.timeouts.append(timeout)
        if self.network.servers:
            return replace(probe(question, timeout=timeout), began=self.at, ended=self.at)
        world = self.network.world
        served = world if self.network.is_served else replace(world, gaining=THERE_IS_NONE)
        return round_of(served, self.at, but=self.network.but, question=question)

    def tick(self) -> Tick:
        return Tick(at=self.at, boot="one", uptime=self.at - NOW + self.uptime)

    def take(self, step: Step) -> None:
        self.network.world = self.network.world.after(step, TABLE)
        self.network.is_served |= step.effect is Effect.GAINING_SERVES
        self.network.write_gaining_zone()

    def take_all(self, *step_ids: str) -> None:
        for step in TABLE:
            if step.id in step_ids:
                self.take(step)

    def status(self, *arguments: object) -> Result:
        return run("status", self.file, *arguments)

    def told(self, *arguments: object) -> dict[str, Any]:
        (found,) = json.loads(self.status("--json", *arguments).stdout)["transfers"]
        assert isinstance(found, dict)
        return found

    def step(self, step_id: str, *arguments: object) -> dict[str, Any]:
        (found,) = [each for each in self.told(*arguments)["steps"] if each["id"] == step_id]
        assert isinstance(found, dict)
        return found

    def headline(self, *arguments: object, code: int = OK) -> str:
        result = self.status(*arguments)
        assert result.exit_code == code, result.output
        return result.stdout.splitlines()[0]


def under_the_clock_of(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> Journey:
    monkeypatch.setattr("zonekit.status.probe", journey.ask)
    monkeypatch.setattr(
        "zonekit.status.probe_many",
        lambda questions, *, timeout, at_most: (journey.ask(each, timeout=timeout) for each in questions),
    )
    monkeypatch.setattr("zonekit.status.read_tick", journey.tick)
    monkeypatch.setattr("zonekit.cli.status.clock", lambda _: journey.at)
    return journey


@pytest.fixture
def journey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journey:
    return under_the_clock_of(Journey(tmp_path), monkeypatch)


def ready_to_wait(journey: Journey) -> Journey:
    """A transfer in which all is done that comes before the change of the name servers, a minute ago."""
    succeed("status", journey.file, "--said", "frozen", "--by", "both")
    journey.take_all(*BEFORE_SWITCH)
    journey.at += MINUTE
    succeed("status", journey.file)
    return journey


def switched(journey: Journey) -> Journey:
    """A transfer in which the name servers have changed, when they might."""
    ready_to_wait(journey)
    journey.at = parse_instant(journey.step("ns-changed")["until"])
    succeed("status", journey.file)
    journey.take_all("ns-changed", "losing-ns-changed")
    journey.at += MINUTE
    succeed("status", journey.file)
    return journey


# ---- a whole transfer -----------------------------------------------------------------------------------------------


def test_a_transfer_is_followed_to_its_end_by_asking_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with network_of(PREPARED, tmp_path) as network:
        journey = under_the_clock_of(Journey(tmp_path, network), monkeypatch)
        steps = {step.id: step for step in TABLE}
        words: list[str] = []
        looks = 0
        while True:
            looks += 1
            found = journey.told(*words)
            words = []
            assert not found["needs_attention"], found["findings"]
            done = [each["id"] for each in found["steps"] if each["stage"] == "done"]
            assert found["headline"].startswith(
                f"example.nl: {len(done)} of 17 steps done; " if len(done) < 17 else "example.nl: all 17 steps are done"
            )
            if found["is_finished"]:
                break
            assert looks < 60
            if found["next"]:
                step = steps[found["next"][0]]
                journey.take(step)
                journey.at += MINUTE
                if step.id in [each["id"] for each in found["steps"] if each["needs_saying"]]:
                    words = ["--said", step.id, "--by", "somebody"]
            else:
                waiting = [each for each in found["steps"] if each["stage"] == "waits"]
                journey.at = min(parse_instant(each["until"]) for each in waiting)
    assert found["headline"] == "example.nl: all 17 steps are done"
    assert found["next"] == [] and found["proof"]["verdict"] == "safe"
    assert parse_instant(found["switchover"]) - NOW >= timedelta(days=1), "the losing DNSKEY RRset is kept for a day"


def test_servers_on_the_network_are_asked_directly_and_each_is_reported(tmp_path: Path) -> None:
    with network_of(PREPARED, tmp_path) as network:
        result = succeed("status", network.file, "--json")
    (found,) = json.loads(result.stdout)["transfers"]
    assert found["domain"] == "example.nl."
    told = {each["name"]: (each["source"], each["outcome"], each["is_due"]) for each in found["servers"]}
    assert told["ns1.losing.example."] == ("losing", "answers, serial 7", True)
    assert told["ns2.gaining.example."] == ("gaining", "refuses (REFUSED)", False)
    assert told["ns1.dns.nl."] == ("parent", "answers", True)
    assert len(told) == 6 and {each["port"] for each in found["servers"]}.isdisjoint({53})
    assert {(each["source"], each["record"], each["ttl"]) for each in found["ttls"]} >= {
        ("losing", "DNSKEY", 86400),
        ("parent", "NS", 172800),
    }


# ---- the words ------------------------------------------------------------------------------------------------------


def test_at_the_beginning_it_is_the_turn_of_both_operators(journey: Journey) -> None:
    assert journey.headline() == (
        "example.nl: 2 of 17 steps done; both operators may now stop rollovers, and CDS, CDNSKEY and CSYNC of one side alone"
    )
    text = journey.status().stdout
    assert "done when both operators say so; no server shows it" in text
    assert "both operators say so (then: --said frozen --by NAME)" in text


def test_while_caches_are_waited_for_it_says_until_when_and_for_what_and_what_comes_then(journey: Journey) -> None:
    ready_to_wait(journey)
    until = instant_text(journey.at + timedelta(days=1))
    assert journey.headline() == (
        f"example.nl: 8 of 17 steps done; waiting until {until} (in 1d), since caches may hold the losing DNSKEY RRset without"
        " the gaining keys until then; then it is the turn of the registrar (ns-changed) and the losing operator"
        " (losing-ns-changed)"
    )
    text = journey.status().stdout
    assert re.search(rf"^waits +until {until} +registrar +ns-changed: ", text, re.MULTILINE)
    assert (
        f"caches may hold the losing DNSKEY RRset without the gaining keys until {until}: 1d from losing-merged" in text
    )
    assert f"switchover  {until} (in 1d) at the earliest" in text
    assert "Whose turn it is" not in text
    (wait,) = [each for each in journey.step("ns-changed")["waits"] if "DNSKEY" in each["record"]]
    assert wait["until"] == until and wait["interval"] == 86400


def test_the_example_in_the_readme_is_what_is_printed(journey: Journey) -> None:
    ready_to_wait(journey)
    journey.at += timedelta(hours=4)
    printed = journey.status().stdout.splitlines()
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    example = text.partition("$ zonekit status transfer.toml\n")[2].partition("```")[0].splitlines()
    assert len(example) > 15
    for line in example:
        if line != "...":
            assert line in printed
            printed = printed[printed.index(line) + 1 :]


def test_a_second_before_the_wait_is_over_nobody_may_change_the_ns_and_then_they_may(journey: Journey) -> None:
    ready_to_wait(journey)
    until = parse_instant(journey.step("ns-changed")["until"])
    journey.at = until - timedelta(seconds=1)
    assert journey.step("ns-changed")["stage"] == "waits"
    journey.at = until
    assert journey.step("ns-changed")["stage"] == "may begin"
    assert (
        "it is the turn of the registrar (ns-changed) and the losing operator (losing-ns-changed)" in journey.headline()
    )


def test_a_wait_that_nobody_takes_ends_in_what_is_so_then(journey: Journey) -> None:
    switched(journey)
    assert journey.headline().endswith("until then; then no NS RRset leads to the losing servers"), (
        "the wait itself has nobody to take it"
    )
    text = journey.status().stdout
    assert re.search(r"^switchover  done, ", text, re.MULTILINE) and "what binds" not in text
    assert "comes after losing-unreachable (a wait)" in text


def test_a_step_that_is_begun_names_the_servers_that_do_not_give_it_yet(journey: Journey) -> None:
    before = start_of(Flow.OPERATOR_CHANGE)
    succeed("status", journey.file, "--said", "frozen", "--by", "both")
    journey.take_all(*BEFORE_SWITCH[:5])
    journey.network.but = {"ns2.losing.example.": before}
    journey.at += MINUTE
    found = journey.step("losing-merged")
    assert (found["stage"], found["lacking"]) == ("under way", ["ns2.losing.example."])
    headline = journey.headline()
    assert (
        "the losing operator has begun to publish the gaining keys in the losing zone and re-sign its DNSKEY RRset, and"
        " ns2.losing.example. does not give it yet" in headline
    )
    assert "servers-disagree" in journey.status().stdout


def test_a_gaining_secondary_that_refuses_leaves_the_loading_under_way(journey: Journey) -> None:
    ready = [step_id for step_id in BEFORE_SWITCH if step_id != "gaining-serves"]
    succeed("status", journey.file, "--said", "frozen", "--by", "both")
    journey.take_all(*ready)
    journey.take_all("gaining-serves")
    journey.network.but = {GAINING_SERVERS[1]: Outcome.REFUSED}
    journey.at += MINUTE
    found = journey.step("gaining-serves")
    assert (found["stage"], found["lacking"]) == ("under way", [GAINING_SERVERS[1]])


def test_one_dead_secondary_of_several_is_reported_and_not_fatal(journey: Journey) -> None:
    switched(journey)
    journey.network.but = {GAINING_SERVERS[1]: Outcome.SILENT}
    journey.at += MINUTE
    result = journey.status()
    assert result.exit_code == OK
    assert "needs attention" not in result.stdout
    trouble = result.stdout.partition("Servers in trouble\n")[2].partition("\n\n")[0]
    assert trouble.count(GAINING_SERVERS[1]) == 1 and GAINING_SERVERS[0] not in trouble
    last = instant_text(journey.at - MINUTE)
    assert f"last answered {last}, silent since {instant_text(journey.at)}" in trouble
    assert "[server-dead]" in result.stdout and "findings    1 warning" in result.stdout
    assert journey.step("ns-changed")["stage"] == "done", "what was done stays so"


def test_a_lying_server_needs_attention_and_the_words_say_so(journey: Journey) -> None:
    ready_to_wait(journey)
    losing = journey.network.world.losing
    assert isinstance(losing, Zone)
    unsigned = losing.replace(RRset.from_text("example.nl.", 600, "NS", "ns1.elsewhere.example."))
    journey.network.but = {"ns2.losing.example.": replace(journey.network.world, losing=unsigned)}
    journey.at += MINUTE
    headline = journey.headline(code=REFUSED)
    assert re.match(r"example\.nl: \d of 17 steps done; needs attention: ", headline)
    assert "[server-lies]" in journey.status().stdout
    assert journey.told()["needs_attention"] is True
    assert (
        "ns2.losing.example. of the losing operator: what is given there does not validate" in journey.status().stdout
    )


def test_a_step_that_was_undone_needs_attention_and_is_anew_at_somebodys_hands(journey: Journey) -> None:
    ready_to_wait(journey)
    both = journey.network.world
    journey.network.world = replace(both, ds=start_of(Flow.OPERATOR_CHANGE).ds)
    journey.at += MINUTE
    found = journey.told()
    assert found["undone"] == ["ds-added"] and found["needs_attention"]
    assert "needs attention: a step that was done is so no more" in found["headline"]
    assert "ds-added" in found["next"] and "the registrar" in found["headline"]
    assert journey.status().exit_code == OK, "the next look knows that it is not done"


def test_what_is_missing_is_told_with_whose_hands_it_is_at(journey: Journey) -> None:
    ready_to_wait(journey)
    journey.at = parse_instant(journey.step("ns-changed")["until"])
    journey.network.but = dict.fromkeys(LOSING_SERVERS, Outcome.SILENT)
    headline = journey.headline(code=REFUSED)
    assert headline == (
        "example.nl: 8 of 17 steps done; needs attention: no server of one party answers for the domain; ns-changed cannot"
        " begin until this holds: no CDS or CDNSKEY RRset asks for one side alone; it is at the hands of both operators"
    )
    text = journey.status().stdout
    assert (
        "missing: losing-merged (the losing operator): the losing zone verifies; the losing zone was not to be seen"
        in text
    )
    turn = r"^losing operator +losing-merged: the losing zone was not to be seen; ns-changed, losing-ns-changed wait for it"
    assert re.search(turn, text, re.MULTILINE)
    found = journey.step("ns-changed")
    assert found["stage"] == "missing" and {each["actor"] for each in found["missing"]} == {
        "both operators",
        "losing operator",
    }


def test_a_clock_that_was_set_is_told_and_no_wait_is_over_for_it(journey: Journey) -> None:
    ready_to_wait(journey)
    until = parse_instant(journey.step("ns-changed")["until"])
    journey.at += timedelta(hours=30)
    journey.uptime = -timedelta(hours=29)
    found = journey.told()
    assert found["clock_set"] == 29 * 3600
    assert "clock-set" in {each["code"] for each in found["findings"]}
    (step,) = [each for each in found["steps"] if each["id"] == "ns-changed"]
    assert step["stage"] == "waits" and parse_instant(step["until"]) >= until + timedelta(hours=29)
    assert "[clock-set]" not in journey.status().stdout, "the next look has nothing to tell of it"
    assert journey.step("ns-changed")["until"] == step["until"]


def test_too_early_a_change_of_the_ns_needs_attention_with_its_story(journey: Journey) -> None:
    ready_to_wait(journey)
    journey.take_all("ns-changed")
    journey.at += MINUTE
    result = journey.status()
    assert result.exit_code == REFUSED
    assert "needs attention: " in result.stdout.splitlines()[0]
    assert "[step-too-early]" in result.stdout and "verdict     bogus" in result.stdout


def test_the_severity_decides_what_is_shown_and_not_what_is_counted(journey: Journey) -> None:
    ready_to_wait(journey)
    usual, all_of_them = journey.status().stdout, journey.status("--severity", "info").stdout
    assert "\nFindings\n" not in usual and "\nFindings\n" in all_of_them
    count = re.search(r"findings    (\d+) infos", usual)
    assert count and all_of_them.count("\ninfo  ") == int(count[1])


# ---- what people say ------------------------------------------------------------------------------------------------


def test_a_step_that_only_people_confirm_is_said_once_and_kept(journey: Journey) -> None:
    first = journey.step("frozen", "--said", "frozen", "--by", "the night shift")
    assert (first["stage"], first["by"], first["needs_saying"]) == ("done", "said by the night shift", True)
    journey.at += MINUTE
    assert journey.step("frozen")["since"] == instant_text(NOW)


def test_the_true_instants_of_a_step_that_shows_count_from_then_on(journey: Journey) -> None:
    ready_to_wait(journey)
    seen = journey.step("ds-added")
    journey.at += timedelta(hours=1)
    true = f"{instant_text(NOW + timedelta(seconds=20))}/{instant_text(NOW + timedelta(seconds=30))}"
    said = journey.step("ds-added", "--said", f"ds-added={true}", "--by", "registrar")
    assert seen["since"] == instant_text(NOW + MINUTE)
    assert said["since"] == instant_text(NOW + timedelta(seconds=30))


def test_what_was_done_before_the_first_look_begins_the_plan(journey: Journey) -> None:
    earlier = NOW - timedelta(days=2)
    found = journey.told("--said", f"frozen={instant_text(earlier)}", "--by", "both")
    assert found["start"] == instant_text(earlier) and found["steps"][0]["since"] == instant_text(earlier)


def test_what_is_said_later_of_a_time_before_the_plan_counts_from_its_start(journey: Journey) -> None:
    journey.told()
    journey.at += MINUTE
    found = journey.told("--said", f"frozen={instant_text(NOW - timedelta(days=2))}", "--by", "both")
    assert found["start"] == instant_text(NOW) and found["steps"][0]["since"] == instant_text(NOW)
    assert (found["steps"][0]["stage"] == "done" and found["next"] == ["keys-made"]) or found["next"]


SAID_WRONG: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "nobody says so": (("--said", "frozen"), "--said and --by go together"),
    "somebody says nothing": (("--by", "us"), "--said and --by go together"),
    "twice": (("--said", "frozen", "--said", "frozen", "--by", "us"), "names 'frozen' twice"),
    "no such step": (("--said", "thrown", "--by", "us"), "frozen, keys-made, keys-exchanged"),
    "a wait": (("--said", "losing-unreachable", "--by", "us"), "losing-unreachable is a wait: nobody takes it"),
    "no instant": (("--said", "frozen=noon", "--by", "us"), "noon"),
    "the future": (("--said", "frozen=2026-11-22T12:00:00Z", "--by", "us"), "now is 2026-11-21T12:00:00Z"),
    "an empty name": (("--said", "frozen", "--by", ""), "says not who saw it"),
    "two lines": (("--said", "frozen", "--by", "a\nb"), "line"),
}


@pytest.mark.parametrize("which", SAID_WRONG)
def test_what_cannot_be_said_is_refused_and_begins_nothing(journey: Journey, which: str) -> None:
    arguments, words = SAID_WRONG[which]
    assert words in refuse(BAD_INPUT, "status", journey.file, *arguments)
    assert not journey.state.exists()


# ---- files ----------------------------------------------------------------------------------------------------------


def test_the_plan_that_is_written_is_proven_by_zonekit_check(journey: Journey, tmp_path: Path) -> None:
    switched(journey)
    out = tmp_path / "plan.json"
    result = journey.status("--plan", out)
    assert f"wrote {out}" in result.stderr
    assert "safe" in succeed("check", out).stdout
    told = json.loads(out.read_text())
    assert [each["id"] for each in told["steps"] if each["recorded"]] == list(AFTER_SWITCH)


def test_the_page_has_the_present_state_and_needs_nothing_else(journey: Journey, tmp_path: Path) -> None:
    evil = '"><script>alert(1)</script>{{ 7*7 }}'
    switched(journey)
    journey.network.but = {GAINING_SERVERS[1]: Outcome.SILENT}
    journey.at += MINUTE
    out = tmp_path / "status.html"
    result = journey.status("--html", out, "--said", "frozen", "--by", evil)
    page = out.read_text()
    found = Reader(page)
    words = [text for _, text in found.words]
    assert result.stdout.splitlines()[0] in words
    assert not {"script", "link", "img", "iframe", "form"} & set(found.tags()) and "<script" not in page
    assert any(f"said by {evil}".lower() in text.lower() for text in words)
    marks = [
        attributes["class"] for tag, attributes in found.elements if str(attributes.get("class")).startswith("stage ")
    ]
    assert marks.count("stage done") == 10 and marks.count("stage waits") == 1
    assert len(marks) == 17
    assert "example.nl: transfer status" in words
    headings = {text for tag, text in found.words if tag == "h2"}
    assert {"What the servers answered", "What is to be said of it", "The TTLs that were seen"} <= headings
    assert "does not answer (as told)" in words, "the dead server"
    assert "The name servers have changed, by" in page and "must not change" not in page and "need not wait" not in page
    assert any("[server-dead]" in text for text in words)
    assert any(text.startswith(f"{instant_text(NOW)} begun: ") for text in words), "the history"


def test_a_page_at_the_end_says_so(journey: Journey, tmp_path: Path) -> None:
    out = tmp_path / "status.html"
    journey.status("--html", out)
    text = out.read_text()
    assert "Whose turn it is" in text and "Nothing is wrong" in text
    assert text.count('class="stage may-begin"') == 1


FILES_WRONG: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "the transfer itself": (("--html", "transfer.toml"), "belongs to the transfer"),
    "its state": (("--plan", "transfer.state"), "belongs to the transfer"),
    "its zone": (("--html", "gaining.zone"), "belongs to the transfer"),
    "a key": (("--html", "Kexample.nl.+013+12345.private"), "name of a key file"),
    "standard output": (("--html", "-"), "take a file"),
    "one for both": (("--html", "one", "--plan", "one"), "cannot write to one file"),
}


@pytest.mark.parametrize("which", FILES_WRONG)
def test_no_output_takes_the_place_of_another_file(
    journey: Journey, which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(journey.file.parent)
    before = {path.name: path.read_bytes() for path in journey.file.parent.iterdir()}
    arguments, words = FILES_WRONG[which]
    assert words in refuse(BAD_INPUT, "status", "transfer.toml", *arguments)
    assert {path.name: path.read_bytes() for path in journey.file.parent.iterdir()} == before


def test_a_file_that_is_missing_or_says_nonsense_is_one_clear_error(journey: Journey, tmp_path: Path) -> None:
    assert "missing.toml" in refuse(BAD_INPUT, "status", tmp_path / "missing.toml")
    for text, words in (
        ("domain =", "is not TOML"),
        ('domain = "example.nl"', "servers: is missing"),
        (journey.file.read_text().replace('192.0.2.1"', '192.0.2.1@domain"'), "is no port"),
        (journey.file.read_text().replace("[files]", "[filez]"), "filez"),
        (journey.file.read_text().replace("[transfer]", "").replace("domain =", 'flow = "x"\ndomain ='), "flow"),
    ):
        wrong = tmp_path / "wrong.toml"
        wrong.write_text(text)
        message = refuse(BAD_INPUT, "status", wrong)
        assert message.startswith(str(wrong)) or words in message
        assert words in message
        assert not wrong.with_suffix(".state").exists()


@pytest.mark.parametrize("party", ["losing", "gaining", "parent"])
def test_a_first_look_that_shows_nothing_of_somebody_says_who_and_why(journey: Journey, party: str) -> None:
    journey.file.write_text(journey.file.read_text().replace('gaining_zone = "gaining.zone"', ""))
    journey.network.is_served = party != "gaining"
    for server in QUESTION.servers:
        if server.source.value == party:
            journey.network.but[server.name] = Outcome.UNREACHABLE
    message = refuse(BAD_INPUT, "status", journey.file)
    whose = "the parent" if party == "parent" else f"the {party} operator"
    assert str(journey.file) in message
    first, *_ = [server for server in QUESTION.servers if server.source.value == party]
    assert f"nothing is seen of {whose}, for none of {first}, " in message
    assert " gives all that it is asked for: cannot be reached (as told)" in message
    assert message.count("nothing is seen of") == 1 and "empty list" not in message
    assert not journey.state.exists()


def test_what_is_wrong_with_a_fact_is_told_with_the_file(journey: Journey) -> None:
    journey.file.write_text(journey.file.read_text().replace('data_ttl = "2h"', 'data_ttl = "2x"', 1))
    assert f"{journey.file}: losing.data_ttl: '2x' is not a TTL" in refuse(BAD_INPUT, "status", journey.file)


def test_a_plan_of_another_domain_begins_no_state(journey: Journey, tmp_path: Path) -> None:
    succeed("status", journey.file, "--plan", tmp_path / "plan.json")
    text = journey.file.read_text()
    other = tmp_path / "other.toml"
    other.write_text(text.replace("[files]", '[files]\nplan = "plan.json"').replace('"example.nl"', '"example.com"'))
    with_zone = tmp_path / "gaining.zone"
    with_zone.write_text(with_zone.read_text().replace("example.nl.", "example.com."))
    message = refuse(BAD_INPUT, "status", other)
    assert f"the plan is of example.nl., and {other} of example.com." in message
    assert not other.with_suffix(".state").exists()


def test_a_transfer_that_has_begun_is_followed_from_what_was_there_before(journey: Journey) -> None:
    journey.network.world = world_at(Flow.OPERATOR_CHANGE, "ds-added")
    text = journey.file.read_text().replace("[losing]", '[losing]\nns_ttl = "1d"\ndnskey_ttl = "1d"')
    journey.file.write_text(text)
    assert "the transfer has begun" in refuse(BAD_INPUT, "status", journey.file)
    ksk = PREPARED.losing_keys[0]
    before = f'ds = [{{ key = "KSK {ksk.key_tag} of the losing operator", digest_type = 2 }}]'
    journey.file.write_text(text.replace("[parent]", f"[parent]\n{before}"))
    earlier = instant_text(NOW - timedelta(hours=5))
    found = journey.told("--said", f"ds-added={earlier}", "--by", "the registrar")
    since = {each["id"]: each["since"] for each in found["steps"] if each["stage"] == "done"}
    assert since["ds-added"] == earlier and since["losing-merged"] == instant_text(NOW)
    assert not found["needs_attention"] and parse_instant(found["switchover"]) - NOW == timedelta(days=1)


def test_a_transfer_that_has_begun_is_followed_by_a_plan_with_that_on_record(journey: Journey, tmp_path: Path) -> None:
    succeed("status", journey.file, "--plan", tmp_path / "plan.json")
    journey.state.unlink()
    plan, at = read_plan((tmp_path / "plan.json").read_text()), NOW + timedelta(hours=1)
    for step_id in BEFORE_SWITCH[:-1]:
        plan = plan.record(step_id, started=at, completed=at)
    write_text(str(tmp_path / "plan.json"), plan_json(plan))
    journey.network.world = world_at(Flow.OPERATOR_CHANGE, "ds-added")
    journey.at = NOW + timedelta(hours=6)
    assert "as plan under files" in refuse(BAD_INPUT, "status", journey.file)
    journey.file.write_text(journey.file.read_text().replace("[files]", '[files]\nplan = "plan.json"'))
    found = journey.told()
    since = {each["id"]: (each["since"], each["by"]) for each in found["steps"] if each["stage"] == "done"}
    assert since["ds-added"] == (instant_text(at), "said by the record of the plan")
    assert not found["needs_attention"] and parse_instant(found["switchover"]) == at + timedelta(days=1)


def test_what_somebody_says_and_servers_deny_is_told_until_they_give_it(journey: Journey) -> None:
    def denied() -> list[str]:
        return [each["message"] for each in journey.told()["findings"] if each["code"] == "step-denied"]

    journey.take_all("keys-made")
    succeed("status", journey.file, "--said", "ns-changed", "--by", "the registrar")
    (told,) = denied()
    assert told.startswith("the registrar says that ns-changed is done, and it is not so at ns1.dns.nl., ns2.dns.nl.")
    assert journey.step("ns-changed")["stage"] == "later"
    succeed("status", journey.file, "--said", "frozen", "--by", "both")
    assert len(denied()) == 1, "what no server shows is not denied by one"
    journey.at += MINUTE
    succeed("status", journey.file, "--said", f"ns-changed={instant_text(NOW)}", "--by", "the registrar")
    assert len(denied()) == 1


def test_a_state_that_is_of_something_else_is_left_alone(journey: Journey) -> None:
    with sqlite3.connect(journey.state) as connection:
        connection.execute("CREATE TABLE accounts (name TEXT)")
    connection.close()
    before = journey.state.read_bytes()
    assert "database of another application" in refuse(BAD_INPUT, "status", journey.file)
    assert journey.state.read_bytes() == before
    journey.state.write_text("not a database, but long enough to be looked at as if it were one" * 20)
    assert "is no SQLite file" in refuse(BAD_INPUT, "status", journey.file)


def test_the_example_of_a_file_reads_with_and_without_what_is_commented_out() -> None:
    text = (ROOT / "fixtures" / "transfers" / "transfer.toml").read_text(encoding="utf-8")
    whole = re.sub(r"^# (?=\w+ = |\[\[)", "", text, flags=re.MULTILINE)
    assert whole.count("\nstate =") == 1
    plain, full = read_transfer(text), read_transfer(whole)
    assert plain.domain == "example.nl." and len(plain.servers) == 6
    question = plain.question({})
    assert {server.port for server in question.servers} == {53} and len(question.servers) == 8
    assert full.files.plan == "plan.json" and full.start is not None and full.known["ledger"]
    world = world_at(Flow.OPERATOR_CHANGE, "keys-made")
    facts = plain.facts(world.seen())
    assert facts.losing.propagation_delay == timedelta(minutes=5) and facts.losing.dnskey_ttl == 86400


# ---- several --------------------------------------------------------------------------------------------------------


@pytest.fixture
def two(journey: Journey, tmp_path: Path) -> tuple[Path, Path]:
    """The file of a transfer and that of one of another domain, whose servers do not have it."""
    other = tmp_path / "other.toml"
    other.write_text(journey.file.read_text().replace('"example.nl"', '"example.com"'))
    return journey.file, other


def test_of_several_each_has_a_line_and_the_highest_exit_code_counts(two: tuple[Path, Path]) -> None:
    result = run("status", *two)
    assert result.exit_code == BAD_INPUT
    lines = result.stdout.splitlines()
    assert lines[0].startswith("example.nl: 2 of 17 steps done; ")
    assert lines[1].startswith("example.com: cannot be told: ")
    assert len(lines) == 2
    good, bad = json.loads(run("status", *two, "--json").stdout)["transfers"]
    assert good["domain"] == "example.nl." and set(bad) == {"domain", "error"}


def test_several_of_one_domain_and_what_is_for_one_are_refused(two: tuple[Path, Path]) -> None:
    assert "looked at twice" in refuse(BAD_INPUT, "status", two[0], two[0])
    for option in (["--html", "x"], ["--plan", "x"], ["--history"], ["--said", "frozen", "--by", "us"]):
        assert "are for one TRANSFER" in refuse(BAD_INPUT, "status", *two, *option)


# ---- watching -------------------------------------------------------------------------------------------------------


class Pauses:
    """Stands for the time between two looks: each does the next thing that a test wants, and the last is Ctrl-C."""

    def __init__(self, journey: Journey, *happenings: Any) -> None:
        self.journey, self.left = journey, list(happenings)
        self.lengths: list[timedelta] = []

    def __call__(self, interval: timedelta) -> None:
        self.lengths.append(interval)
        self.journey.at += interval
        if not self.left:
            raise KeyboardInterrupt
        self.left.pop(0)()


def watched(journey: Journey, monkeypatch: pytest.MonkeyPatch, *happenings: Any) -> Pauses:
    pauses = Pauses(journey, *happenings)
    monkeypatch.setattr("zonekit.cli.status._pause", pauses)
    return pauses


def test_watching_prints_each_look_and_ends_with_the_code_of_the_last(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready_to_wait(journey)

    def undo() -> None:
        journey.network.world = replace(journey.network.world, ds=start_of(Flow.OPERATOR_CHANGE).ds)

    pauses = watched(journey, monkeypatch, undo)
    result = journey.status("--watch", "--every", "1m")
    assert result.exit_code == REFUSED, "the DS is gone in the last look"
    heads = [line for line in result.stdout.splitlines() if line.startswith("example.nl: ")]
    assert len(heads) == 2 and "needs attention" in heads[1]
    assert pauses.lengths == [MINUTE, MINUTE]
    assert "What happened" in result.stdout


def test_watching_ends_with_the_transfer(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    switched(journey)
    for _ in range(20):
        found = journey.told()
        if len(found["next"]) == 1 and found["next"][0] == "thawed":
            break
        if found["next"]:
            journey.take_all(*found["next"])
            journey.at += MINUTE
            words = [
                word for step_id in found["next"] for word in ("--said", step_id) if step_id == "resolution-verified"
            ]
            assert not words
        else:
            journey.at = min(parse_instant(each["until"]) for each in found["steps"] if each["stage"] == "waits")
    pauses = watched(journey, monkeypatch)
    result = journey.status("--watch", "--said", "thawed", "--by", "gaining")
    assert result.exit_code == OK and pauses.lengths == []
    assert result.stdout.startswith("example.nl: all 17 steps are done\n")


def test_a_look_that_fails_while_watching_is_told_and_watching_goes_on(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready_to_wait(journey)
    kept = journey.state.read_bytes()
    pauses = watched(
        journey,
        monkeypatch,
        lambda: journey.state.write_text("spoilt" * 200),
        lambda: journey.state.write_bytes(kept),
    )
    result = journey.status("--watch")
    assert result.exit_code == OK
    lines = [line for line in result.stdout.splitlines() if line.startswith("example.nl: ")]
    assert [line.startswith("example.nl: cannot be told: ") for line in lines] == [False, True, False]
    assert pauses.lengths == [timedelta(seconds=30)] * 3


def test_watching_for_programs_gives_an_object_a_line(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    watched(journey, monkeypatch, lambda: None)
    lines = journey.status("--watch", "--json", "--history").stdout.splitlines()
    told = [json.loads(line) for line in lines]
    assert len(told) == 2 and all(each["format"] == "zonekit-status" and each["version"] == 1 for each in told)
    assert told[0]["transfers"][0]["history"][0]["what"] == "begun"


def test_on_a_terminal_a_live_view_is_written_over_and_the_whole_stays(
    journey: Journey, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ready_to_wait(journey)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("LINES", "100")
    kept = journey.state.read_bytes()
    watched(
        journey,
        monkeypatch,
        lambda: journey.state.write_text("spoilt" * 200),
        lambda: journey.state.write_bytes(kept),
    )
    page = tmp_path / "page.html"
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", journey.status("--watch", "--html", page).stdout)
    assert f"done: {', '.join(BEFORE_SWITCH)}" in text
    first = instant_text(NOW + MINUTE)
    assert f"looked at {first}; the next look is at {instant_text(NOW + MINUTE + timedelta(seconds=30))}" in text
    assert "the last look failed: " in text and "Ctrl-C ends it" in text
    assert text.rstrip().count("What happened") >= 2 and "domain      example.nl." in text
    assert "transfer status" in page.read_text()


def test_several_are_watched_with_a_line_each(
    journey: Journey, two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    watched(journey, monkeypatch, lambda: None)
    result = run("status", *two, "--watch", "--every", "2m")
    assert result.exit_code == BAD_INPUT, "one of them cannot be told"
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", result.stdout)
    assert "the next look is in 2m; Ctrl-C ends it" in text
    assert text.rstrip().splitlines()[-1].startswith("example.com: cannot be told: ")
    assert len(journey.timeouts) == 4


def test_the_first_look_of_a_watch_that_cannot_be_is_an_error(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched(journey, monkeypatch)
    journey.state.write_text("spoilt" * 200)
    assert "SQLite" in refuse(BAD_INPUT, "status", journey.file, "--watch")


def test_how_often_and_how_long_are_checked(journey: Journey) -> None:
    assert "goes with --watch" in refuse(BAD_INPUT, "status", journey.file, "--every", "10")
    assert "a second or more" in refuse(BAD_INPUT, "status", journey.file, "--watch", "--every", "0")
    journey.status("--timeout", "2")
    assert journey.timeouts == [timedelta(seconds=2)]


def test_a_timeout_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    with network_of(PREPARED, tmp_path) as network:
        assert "timeout" in refuse(BAD_INPUT, "status", network.file, "--timeout", "1h")
        assert not network.file.with_suffix(".state").exists()


# ---- for programs ---------------------------------------------------------------------------------------------------


def members(value: Any) -> Iterator[str]:
    """The names of all members of a JSON value, but those that other commands document."""
    if isinstance(value, list):
        for each in value:
            yield from members(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            if name not in ("findings", "proof", "waits"):
                yield from members(each)


def test_every_member_and_every_stage_is_in_the_help(journey: Journey) -> None:
    text = succeed("status", "--help").stdout
    ready_to_wait(journey)
    told = journey.told("--history")
    assert {name for name in members({"transfers": [told], "error": ""}) if f'"{name}"' not in text} == set()
    from zonekit.transfer.score import Stage

    assert all(f'"{stage.value}"' in text for stage in Stage)


def test_the_state_has_the_ledger_and_the_history_for_later(journey: Journey) -> None:
    ready_to_wait(journey)
    told = journey.told("--history")
    low = [each for each in told["ttls"] if (each["source"], each["record"], each["ttl"]) == ("losing", "DNSKEY", 600)]
    high = [
        each for each in told["ttls"] if (each["source"], each["record"], each["ttl"]) == ("losing", "DNSKEY", 86400)
    ]
    assert low[0]["first_seen"] == high[0]["until"] == instant_text(NOW + MINUTE)
    kept = State(journey.state).history("example.nl.")
    assert [each["text"] for each in told["history"]] == [each.text for each in kept]
    assert "What happened" in journey.status("--history").stdout
