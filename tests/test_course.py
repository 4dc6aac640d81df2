"""What rounds come to for one step, and a course by a clock that was set: vectors, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.keyring import NOW
from tests.rounds import QUESTION, answers_of, round_of
from tests.test_following import Following
from tests.test_server_health import under_way
from tests.transfer_worlds import GAINING_SERVERS, LOSING_SERVERS, start_of
from zonekit.errors import PlanError
from zonekit.transfer.answers import Outcome, Question, Round
from zonekit.transfer.course import Said, Tick, Watched
from zonekit.transfer.following import follow
from zonekit.transfer.journal import Evidence
from zonekit.transfer.score import Stage, score
from zonekit.transfer.steps import Flow
from zonekit.zones import Zone

FLOW = Flow.OPERATOR_CHANGE
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
_BOTH = frozenset(("ns1.", "ns2."))
_NOBODY: frozenset[str] = frozenset()


def seen(at: int, confirming: frozenset[str] = _NOBODY, lacking: frozenset[str] = _NOBODY) -> Evidence:
    return Evidence(step_id="ds-added", seen=NOW + at * MINUTE, by="x", confirming=confirming, lacking=lacking)


ONE, OTHER = frozenset(("ns1.",)), frozenset(("ns2.",))
DONE, PARTLY, NOT = (_BOTH, _NOBODY), (ONE, OTHER), (_NOBODY, _BOTH)


@pytest.mark.parametrize(
    ("rounds", "untouched", "lacking", "since", "last"),
    [
        ([(1, DONE)], None, None, 1, 1),
        ([(1, DONE), (4, DONE)], None, None, 1, 4),
        ([(1, NOT), (4, DONE)], 1, 1, 4, 4),
        ([(1, NOT), (2, PARTLY), (4, DONE)], 1, 2, 4, 4),
        ([(1, DONE), (2, PARTLY)], None, 2, None, None),
        ([(1, DONE), (2, NOT), (3, DONE)], 2, 2, 3, 3),
        ([(1, DONE), (1, NOT)], 1, 1, None, None),
        ([(1, NOT), (1, DONE)], 1, 1, None, None),
        ([(1, NOT), (5, DONE), (3, NOT)], 1, 1, 5, 5),
        ([(1, NOT), (5, NOT), (3, DONE)], 5, 5, None, None),
    ],
    ids=[
        "one round in which it is done",
        "a run of rounds",
        "done after a round that showed nothing of it",
        "done after a round that showed it at one server",
        "undone at one server",
        "undone at all of them and done again",
        "two rounds at one instant, the second lacks it",
        "two rounds at one instant, the first lacks it",
        "a round that comes late shows nothing new",
        "nor does one that showed it done",
    ],
)
def test_the_rounds_of_one_step_come_to(
    rounds: list[tuple[int, tuple[frozenset[str], frozenset[str]]]],
    untouched: int | None,
    lacking: int | None,
    since: int | None,
    last: int | None,
) -> None:
    watched = Watched(step_id="ds-added")
    for at, (confirming, lacks) in rounds:
        watched = watched.see(seen(at, confirming, lacks))
    found = (watched.untouched_at, watched.lacking_at, watched.done_since, watched.done_at)
    assert found == tuple(None if each is None else NOW + each * MINUTE for each in (untouched, lacking, since, last))


def test_what_no_server_gave_was_begun_after_the_round_began() -> None:
    assert Watched(step_id="ds-added").see(seen(5, *NOT), began=NOW).untouched_at == NOW


@pytest.mark.parametrize(
    "fields",
    [
        {"done_since": NOW},
        {"done_at": NOW},
        {"done_since": NOW + MINUTE, "done_at": NOW},
        {"done_since": NOW, "done_at": NOW, "lacking_at": NOW},
    ],
)
def test_rounds_that_contradict_each_other_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(PlanError, match=r"^ds-added: "):
        Watched(step_id="ds-added", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tick", "by"),
    [
        (Tick(at=NOW + 3 * HOUR, boot="a", uptime=4 * HOUR), timedelta(0)),
        (Tick(at=NOW + 3 * HOUR, boot="a", uptime=2 * HOUR), 2 * HOUR),
        (Tick(at=NOW - HOUR, boot="a", uptime=2 * HOUR), -2 * HOUR),
        (Tick(at=NOW + 3 * HOUR, boot="b", uptime=HOUR), timedelta(0)),
        (Tick(at=NOW - HOUR, boot="b", uptime=HOUR), -HOUR),
        (Tick(at=NOW + 3 * HOUR), timedelta(0)),
    ],
)
def test_by_how_much_a_clock_was_set_is_what_it_shows_beyond_the_time_that_passed(tick: Tick, by: timedelta) -> None:
    assert tick.set_by(Tick(at=NOW, boot="a", uptime=HOUR)) == by


@pytest.mark.parametrize("fields", [{"boot": "a\nb"}, {"uptime": timedelta(seconds=-1)}])
def test_no_reading_of_a_clock_is_like_that(fields: dict[str, object]) -> None:
    with pytest.raises(PlanError, match=r"a reading of the clock"):
        Tick(at=NOW, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("by", "boot"), [(timedelta(days=3), "a"), (90 * SECOND, "a"), (-90 * SECOND, "a"), (-90 * SECOND, "b")]
)
def test_a_clock_that_is_set_moves_the_course_and_cuts_no_wait(by: timedelta, boot: str) -> None:
    transfer = under_way("gaining-serves")
    before = transfer.look()
    first = follow(transfer.course, round_of(transfer.world, transfer.at), tick=Tick(at=transfer.at, boot="a"))
    at = transfer.at + by + MINUTE
    tick = Tick(at=at, boot=boot, uptime=MINUTE)
    followed = follow(first.course, round_of(transfer.world, at), tick=tick)
    found = score(followed)
    left, was_left = found.step("ns-changed").until, before.step("ns-changed").until
    assert left is not None and was_left is not None
    passed = MINUTE if boot == "a" else timedelta(0)  # after a new start nobody knows that any time has
    assert left - at == was_left - transfer.at - passed
    assert followed.clock_set == by + MINUTE - passed
    assert [each.stage for each in found.steps] == [each.stage for each in before.steps]
    assert not followed.undone


def test_a_round_that_ended_before_the_last_one_changes_nothing() -> None:
    transfer = under_way("losing-merged")
    late = round_of(start_of(FLOW), transfer.at - MINUTE)
    course = transfer.follow().course
    tick = Tick(at=transfer.at - MINUTE, boot="a")
    held = replace(course, last=Tick(at=transfer.at, boot="a", uptime=MINUTE))
    followed = follow(held, late, tick=tick)
    assert followed.course == held and not followed.undone and not followed.clock_set


def test_a_round_of_another_domain_is_refused() -> None:
    transfer = Following(FLOW)
    question = Question(domain="example.com", servers=QUESTION.servers)
    found = tuple(answers_of(server, Outcome.SILENT, question) for server in question.servers)
    with pytest.raises(PlanError, match=r"example.nl.* and example.com"):
        follow(transfer.course, Round(question=question, began=NOW, ended=NOW, found=found), tick=Tick(at=NOW))


# ---- what people say ------------------------------------------------------------------------------------------------


def said(step_id: str, at: int) -> Said:
    instant = NOW + at * MINUTE
    return Said(step_id=step_id, by="the operator", when=instant, started=instant, completed=instant)


def test_what_servers_give_outweighs_what_was_said_before() -> None:
    transfer = under_way("keys-exchanged")
    transfer.look()
    at = (transfer.at - NOW) // MINUTE
    transfer.course = transfer.course.say(said("losing-merged", at - 1))
    assert transfer.look().step("losing-merged").stage is Stage.MAY_BEGIN
    transfer.course = transfer.course.say(said("losing-merged", at + 1))
    transfer.at += 2 * MINUTE
    assert transfer.look().step("losing-merged").stage is Stage.MAY_BEGIN


def test_what_no_server_shows_is_done_when_somebody_says_so() -> None:
    transfer = Following(FLOW)
    assert transfer.look().step("frozen").stage is Stage.MAY_BEGIN
    transfer.course = transfer.course.say(said("frozen", 0))
    found = transfer.look().step("frozen")
    assert found.stage is Stage.DONE and found.by == "said by the operator"


def test_a_step_said_to_be_done_later_is_not_done_yet() -> None:
    transfer = Following(FLOW)
    transfer.course = transfer.course.say(said("frozen", 60))
    assert transfer.look().step("frozen").stage is Stage.MAY_BEGIN
    transfer.at += HOUR
    assert transfer.look().step("frozen").stage is Stage.DONE


def test_the_last_that_was_said_of_a_step_counts() -> None:
    course = Following(FLOW).course.say(said("frozen", 1)).say(said("keys-made", 2)).say(said("frozen", 3))
    assert [(each.step_id, each.completed) for each in course.said] == [
        ("keys-made", NOW + 2 * MINUTE),
        ("frozen", NOW + 3 * MINUTE),
    ]


def test_nobody_takes_a_wait() -> None:
    with pytest.raises(PlanError, match=r"^losing-unreachable is a wait: nobody takes it"):
        Following(FLOW).course.say(said("losing-unreachable", 1))


def test_a_step_is_not_done_before_it_is_begun() -> None:
    with pytest.raises(PlanError, match=r"^frozen is said to have been done before it was begun"):
        replace(said("frozen", 1), started=NOW + HOUR)


def test_who_says_so_is_named() -> None:
    with pytest.raises(PlanError, match=r"says not who saw it"):
        replace(said("frozen", 1), by=" ")


@pytest.mark.parametrize("what", ["watched", "said"])
def test_a_course_is_of_the_steps_of_its_plan(what: str) -> None:
    course = Following(FLOW).course
    given = {"watched": {"no-step": Watched(step_id="no-step")}, "said": (said("no-step", 1),)}[what]
    with pytest.raises(PlanError, match=r"has no step 'no-step'"):
        replace(course, **{what: given})


def test_what_was_seen_is_kept_by_its_own_step() -> None:
    with pytest.raises(PlanError, match=r"^ds-added: what was seen is of frozen"):
        replace(Following(FLOW).course, watched={"ds-added": Watched(step_id="frozen")})


# ---- servers with more than one address, and what is known from elsewhere -------------------------------------------


def with_second_address(name: str) -> Question:
    server = next(each for each in QUESTION.servers if each.name == name)
    return replace(QUESTION, servers=(*QUESTION.servers, replace(server, address="2001:db8::1")))


@pytest.mark.parametrize(
    ("second", "is_done"),
    [("the same", True), ("an older zone", False), (Outcome.SILENT, True), (Outcome.UNREACHABLE, True)],
)
def test_a_server_gives_a_step_when_each_of_its_addresses_that_answers_does(second: object, is_done: bool) -> None:
    transfer = under_way("losing-merged")
    question = with_second_address(LOSING_SERVERS[0])
    found = round_of(transfer.world, transfer.at + MINUTE, question=question)
    gives = {"the same": transfer.world, "an older zone": start_of(FLOW)}.get(second, second)  # type: ignore[call-overload]
    found = replace(found, found=(*found.found[:-1], answers_of(question.servers[-1], gives, question)))
    step = score(follow(transfer.course, found, tick=Tick(at=found.ended))).step("losing-merged")
    assert (step.stage is Stage.DONE) == is_done
    assert is_done or step.lacking == {LOSING_SERVERS[0]}


def test_a_gaining_server_of_which_one_address_refuses_does_not_serve_yet() -> None:
    transfer = under_way("gaining-merged")
    question = with_second_address(GAINING_SERVERS[0])
    found = round_of(transfer.world, transfer.at + MINUTE, question=question)
    found = replace(found, found=(*found.found[:-1], answers_of(question.servers[-1], Outcome.REFUSED, question)))
    step = score(follow(transfer.course, found, tick=Tick(at=found.ended))).step("gaining-serves")
    assert step.stage is Stage.UNDER_WAY and step.lacking == {GAINING_SERVERS[0]}


def test_what_lies_in_a_file_does_not_count_any_more_when_the_gaining_servers_have_answered() -> None:
    transfer = under_way("gaining-serves")
    assert isinstance(transfer.world.gaining, Zone)
    silent = dict.fromkeys(GAINING_SERVERS, Outcome.SILENT)
    seen_before = dict(transfer.course.watched)
    transfer.at += MINUTE
    followed = transfer.follow(silent)
    assert followed.course.watched["gaining-merged"] == seen_before["gaining-merged"]


def test_dead_losing_servers_are_not_taken_to_have_stopped_before_they_may() -> None:
    transfer = under_way("losing-merged")
    transfer.at += MINUTE
    found = transfer.look(dict.fromkeys(LOSING_SERVERS, Outcome.SILENT))
    assert found.step("losing-merged").stage is Stage.DONE
    assert found.step("losing-stopped").stage is Stage.LATER
