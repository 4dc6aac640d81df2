"""A score in words says what the score says, at every look of every flow, and names nobody who is not there."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tests.keyring import NOW
from tests.test_following import Following
from tests.test_pages import Reader
from tests.transfer_worlds import GAINING_SERVERS, LOSING_SERVERS
from zonekit.reports.pages import render_status_page
from zonekit.reports.scores import actor_text, headline, in_time, reason_texts, server_lines, turns, when_text
from zonekit.transfer.answers import Outcome
from zonekit.transfer.score import Score, Stage
from zonekit.transfer.steps import STEPS, Actor, Flow


def assert_true_words(score: Score) -> None:
    """What is said of a score is what there is in it."""
    said = headline(score)
    assert said.isprintable() and said.startswith("example.nl: ") and "None" not in said
    done = [step for step in score.steps if step.stage is Stage.DONE]
    count = f"all {len(done)} steps are done" if score.is_finished else f"{len(done)} of {len(score.steps)} steps done"
    assert said.startswith(f"example.nl: {count}")
    waits = [step for step in score.steps if step.stage is Stage.WAITS]
    assert ("waiting until" in said) is bool(waits)
    if waits:
        first = min(step.until for step in waits if step.until is not None)
        assert f"waiting until {in_time(score.at, first)}" in said
    assert ("needs attention" in said) is score.needs_attention
    at_hand = {step.id for step in score.steps if step.stage in (Stage.MAY_BEGIN, Stage.UNDER_WAY)}
    told = turns(score)
    assert at_hand <= {turn.step_id for turn in told}
    assert all(turn.actor is not Actor.NOBODY and turn.what and turn.done_when for turn in told)
    actors = [turn.actor for turn in told]
    assert actors == sorted(actors, key=actors.index), "what one has to do stands together"
    for step in score.steps:
        reasons = reason_texts(score, step)
        assert reasons and all(reason.isprintable() and reason for reason in reasons), (step.id, step.stage)
        assert when_text(step)
        if step.stage is Stage.LATER:
            before = set(re.findall(r"(\S+) \(", reasons[0]))
            assert before and before <= {each.id for each in score.steps if each.stage is not Stage.DONE}
    assert all(line.is_well for line in server_lines(score) if line.is_due)


@pytest.mark.parametrize("flow", list(Flow), ids=lambda flow: flow.value)
def test_at_every_look_of_a_flow_the_words_are_true(flow: Flow) -> None:
    transfer = Following(flow)
    for looks in range(200):
        found = transfer.look()
        assert_true_words(found)
        if looks % 8 == 0 or found.is_finished:
            page = Reader(render_status_page(found))
            assert headline(found) in [text for _, text in page.words]
        if found.is_finished:
            break
        if found.next_steps:
            transfer.take(found.next_steps[0].planned.step)
        else:
            transfer.at = min(each.until for each in found.steps if each.stage is Stage.WAITS and each.until)
    assert found.is_finished and not turns(found)


def test_no_page_and_no_sentence_calls_a_server_well_that_is_not() -> None:
    transfer = Following(Flow.OPERATOR_CHANGE)
    found = transfer.look({LOSING_SERVERS[1]: Outcome.SILENT, GAINING_SERVERS[0]: Outcome.FAILED})
    lines = {line.server.name: line for line in server_lines(found)}
    assert lines[LOSING_SERVERS[0]].is_well and lines[LOSING_SERVERS[0]].outcome == "answers, serial 7"
    dead, failing = lines[LOSING_SERVERS[1]], lines[GAINING_SERVERS[0]]
    assert (
        dead.is_in_trouble and dead.outcome == "does not answer (as told)" and dead.heard.startswith("never answered")
    )
    assert not failing.is_well and not failing.is_in_trouble, "no gaining server has to answer yet"
    page = render_status_page(found)
    assert page.count('class="trouble"') == 1 and page.count('class="not-due"') == 2
    assert page.count("it need not yet, or any more") == 2


def test_every_actor_fits_into_a_sentence() -> None:
    for actor in {step.actor for steps in STEPS.values() for step in steps}:
        assert actor_text(actor) in ("both operators", "nobody") or actor_text(actor).startswith("the ")


def test_an_instant_that_has_passed_is_not_ahead() -> None:
    assert in_time(NOW, NOW) == "2026-11-21T12:00:00Z"
    assert in_time(NOW, NOW + timedelta(days=2)) == "2026-11-23T12:00:00Z (in 2d)"
