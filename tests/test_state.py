"""The state of transfers: read as it was written, never half of it, and never one update over another."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.courses import BEGUN, FACTS, MINUTE, NOW, STEP, further, length
from tests.test_planfile import plans
from zonekit.errors import DomainNameError, PlanError, StateError, TimeError
from zonekit.state import APPLICATION_ID, SCHEMA_VERSION, Fold, State
from zonekit.transfer.answers import Server
from zonekit.transfer.course import Course, Said, ServerSeen, Tick, TtlSeen, Watched, saw_ttl
from zonekit.transfer.courserows import course_of, domain_key, happening_of, happening_row, rows_of
from zonekit.transfer.history import Happening, What, beginning, happenings
from zonekit.transfer.journal import Confirmed, Decision, Evidence, Lacking, Missing, Overridden, Override
from zonekit.transfer.ledger import Record
from zonekit.transfer.plan import plan_transfer
from zonekit.transfer.versions import Source
from zonekit.ttl import Ttl

ROOT: Final = Path(__file__).parent.parent
BOUND: Final = 120.0
DOMAIN: Final = "example.nl."
STEPS: Final = [each.id for each in BEGUN.plan.steps]
SERVERS: Final = ("ns1.losing.example.", "ns2.losing.example.")


@pytest.fixture
def state(tmp_path: Path) -> State:
    """A state with one transfer that was just begun."""
    state = State(tmp_path / "state.db")
    state.begin(BEGUN, at=NOW)
    return state


def add_one(state: State, by: str = "test") -> Course:
    return state.update(DOMAIN, lambda course: further(course, by), at=NOW)


def sql(state: State, *statements: str) -> list[tuple[object, ...]]:
    """What a person does to the file by hand."""
    with closing(sqlite3.connect(state.path, isolation_level=None)) as connection:
        return [row for statement in statements for row in connection.execute(statement)]


def files(state: State) -> list[str]:
    return sorted(os.listdir(os.path.dirname(state.path)))


# ---- what is written is read ----------------------------------------------------------------------------------------

texts = st.text(st.characters(codec="ascii", exclude_categories=("Cc",)), min_size=1, max_size=20).map("x".__add__)
instants = st.integers(0, 10**6).map(lambda seconds: NOW + timedelta(seconds=seconds))
host_sets = st.frozensets(st.sampled_from((*SERVERS, "größe.example.", 'a"b', "a, b")))


@st.composite
def seen_steps(draw: st.DrawFn, step_id: str) -> Watched:
    """What some rounds, one minute apart, come to."""
    watched = Watched(step_id=step_id)
    for number in range(draw(st.integers(0, 4))):
        lacking = draw(host_sets)
        confirming = draw(host_sets) - lacking
        at = NOW + number * MINUTE
        watched = watched.see(Evidence(step_id=step_id, seen=at, by="a test", confirming=confirming, lacking=lacking))
    return watched


@st.composite
def decisions(draw: st.DrawFn, step_id: str, at: datetime) -> Decision:
    missing = (Lacking(step_id=step_id, needed=draw(texts), found=draw(texts)),)
    evidence = Evidence(step_id=step_id, seen=at, by=draw(texts), confirming=draw(host_sets))
    override = Override(who=draw(texts), why=draw(texts), when=at)
    return draw(
        st.sampled_from(
            (
                Confirmed(step_id=step_id, at=at, evidence=(evidence,)),
                Missing(step_id=step_id, at=at, missing=missing),
                Overridden(step_id=step_id, at=at, missing=missing, override=override),
            )
        )
    )


@st.composite
def courses(draw: st.DrawFn) -> Course:
    """Any course of any plan."""
    plan = draw(plans())
    ids = st.sampled_from([each.id for each in plan.steps])
    for at in sorted(draw(st.lists(instants, max_size=3))):
        plan = plan.decide(draw(decisions(draw(ids), at)))
    ttls: tuple[TtlSeen, ...] = ()
    for number in range(draw(st.integers(0, 4))):
        seen = draw(st.lists(st.sampled_from((0, 600, 86400, 2**31 - 1)), max_size=2))
        ttls = saw_ttl(
            ttls,
            source=draw(st.sampled_from(Source)),
            record=draw(st.sampled_from(Record)),
            seen=seen,
            at=NOW + number * MINUTE,
        )
    said = [
        Said(step_id=draw(ids), by=draw(texts), when=draw(instants), started=begun, completed=begun + MINUTE)
        for begun in draw(st.lists(instants, max_size=3))
    ]
    servers = st.builds(
        Server,
        source=st.sampled_from(Source),
        name=st.sampled_from(SERVERS),
        address=st.sampled_from(("192.0.2.1", "2001:db8::1")),
        port=st.sampled_from((53, 5300)),
    )
    ticks = st.builds(
        Tick, at=instants, boot=st.just("") | texts, uptime=st.timedeltas(timedelta(0), timedelta(days=10**5))
    )
    return Course(
        plan=plan,
        watched={step_id: draw(seen_steps(step_id)) for step_id in draw(st.lists(ids, unique=True, max_size=3))},
        ttls=ttls,
        said=tuple(said),
        servers=tuple(
            ServerSeen(server=server, last_answered=draw(st.none() | instants), silent_since=draw(st.none() | instants))
            for server in draw(st.lists(servers, max_size=3, unique=True))
        ),
        last=draw(st.none() | ticks),
    )


@given(courses())
def test_a_course_reads_back_from_its_rows_as_it_was(course: Course) -> None:
    again = course_of(rows_of(course))
    assert again == course
    assert list(again.watched) == list(course.watched)
    assert rows_of(again) == rows_of(course)


@given(courses(), courses())
@settings(max_examples=20)
def test_a_course_reads_back_from_the_file_as_it_was_also_when_it_took_the_place_of_another(
    first: Course, second: Course
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        state = State(Path(directory, "state.db"))
        state.begin(first, at=NOW)
        assert state.course(DOMAIN) == first
        assert state.update(DOMAIN, lambda _: second, at=NOW) == second
        assert state.course(DOMAIN) == second
        assert state.history(DOMAIN) == (*beginning(first, at=NOW), *happenings(first, second, at=NOW))


@given(courses(), courses())
@settings(max_examples=30)
def test_what_happened_reads_back_from_its_rows_as_it_was(first: Course, second: Course) -> None:
    for happening in (*beginning(first, at=NOW), *happenings(first, second, at=NOW)):
        assert happening_of(happening_row(happening), "history[0]") == happening


def test_a_domain_may_be_written_in_any_way(state: State) -> None:
    add_one(state)
    for domain in ("example.nl", "Example.NL.", "EXAMPLE.nl"):
        course = state.course(domain)
        assert course is not None and length(course) == 1
        assert state.history(domain)
    assert domain_key("EXAMPLE.nl") == DOMAIN
    with pytest.raises(DomainNameError):
        state.course("..")


def test_many_transfers_stand_side_by_side(state: State) -> None:
    other = Course.begun(plan_transfer(replace(FACTS, domain="Another.nl"), start=NOW))
    state.begin(other, at=NOW)
    add_one(state)
    assert state.domains() == ("another.nl.", DOMAIN)
    assert state.course("another.nl") == other
    assert [each.what for each in state.history("another.nl")] == [What.BEGUN]
    state.forget("EXAMPLE.NL")
    assert state.domains() == ("another.nl.",)
    assert state.course(DOMAIN) is None
    assert state.history(DOMAIN) == ()
    state.begin(BEGUN, at=NOW)
    assert len(state.history(DOMAIN)) == 1


def test_one_file_is_all_there_is(state: State) -> None:
    add_one(state)
    assert files(state) == ["state.db"]
    assert sql(
        state, "PRAGMA journal_mode", "PRAGMA application_id", "PRAGMA user_version", "PRAGMA integrity_check"
    ) == [
        ("delete",),
        (APPLICATION_ID,),
        (SCHEMA_VERSION,),
        ("ok",),
    ]


def test_others_may_read_the_file_as_far_as_the_umask_lets_them(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        State(tmp_path / "state.db").begin(BEGUN, at=NOW)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "state.db").stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["a b?mode=memory#%41&.db", ":memory:", "größe.db", "-x"])
def test_a_path_is_taken_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    State(name).begin(BEGUN, at=NOW)
    assert os.listdir() == [name]
    assert State(tmp_path / name).course(DOMAIN) == BEGUN
    assert State(f"/{tmp_path}/{name}").course(DOMAIN) == BEGUN  # two slashes at its beginning


def test_a_link_stays_one_and_the_file_it_leads_to_is_used(state: State, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("state.db")
    add_one(State(link))
    course = state.course(DOMAIN)
    assert course is not None and length(course) == 1
    assert link.is_symlink()


def test_a_person_may_query_it(state: State) -> None:
    state.update(DOMAIN, seeing(NOW, SERVERS), at=NOW)
    assert sql(state, "SELECT domain, step, done_since, confirming FROM watched") == [
        (DOMAIN, STEP, "2026-11-21T12:00:00Z", '["ns1.losing.example.", "ns2.losing.example."]')
    ]


# ---- what happened when ---------------------------------------------------------------------------------------------


def seeing(at: datetime, confirming: tuple[str, ...] = (), lacking: tuple[str, ...] = (), step: str = STEP) -> Fold:
    """What folds one round into a course."""
    evidence = Evidence(
        step_id=step, seen=at, by="a test", confirming=frozenset(confirming), lacking=frozenset(lacking)
    )

    def fold(course: Course) -> Course:
        watched = course.watched.get(step, Watched(step_id=step)).see(evidence)
        return replace(course, watched={**course.watched, step: watched})

    return fold


def lines(state: State) -> list[str]:
    return [str(each).removeprefix("2026-11-21T") for each in state.history(DOMAIN)[1:]]


def test_the_history_begins_with_the_plan(state: State) -> None:
    plan = BEGUN.plan
    (begun,) = state.history(DOMAIN)
    assert begun.what is What.BEGUN
    assert f"{plan.switchover:%Y-%m-%dT%H:%M:%SZ}" in begun.text
    assert f"{plan.finished:%Y-%m-%dT%H:%M:%SZ}" in begun.text


def test_the_history_tells_of_every_run_of_rounds(state: State) -> None:
    for minute, (confirming, lacking) in enumerate(
        [
            ((), SERVERS),
            (SERVERS[:1], SERVERS[1:]),
            (SERVERS, ()),
            (SERVERS, ()),
            (SERVERS[1:], SERVERS[:1]),
            (SERVERS, ()),
        ]
    ):
        state.update(DOMAIN, seeing(NOW + minute * MINUTE, confirming, lacking), at=NOW + timedelta(days=1))
    assert lines(state) == [
        f"12:02:00Z seen done {STEP}: given by ns1.losing.example., ns2.losing.example.",
        f"12:04:00Z lacking again {STEP}: not given by ns1.losing.example.",
        f"12:05:00Z seen done {STEP}: given by ns1.losing.example., ns2.losing.example.",
    ]


def test_several_rounds_folded_in_at_once_tell_of_both_ends(state: State) -> None:
    state.update(DOMAIN, seeing(NOW, SERVERS), at=NOW)
    lost, back = seeing(NOW + MINUTE, (), SERVERS), seeing(NOW + 2 * MINUTE, SERVERS)
    state.update(DOMAIN, lambda course: back(lost(course)), at=NOW)
    assert [(each.at - NOW, each.what) for each in state.history(DOMAIN)[1:]] == [
        (timedelta(0), What.SEEN_DONE),
        (MINUTE, What.LACKING_AGAIN),
        (2 * MINUTE, What.SEEN_DONE),
    ]


@given(st.lists(st.tuples(host_sets, host_sets), max_size=8))
def test_the_last_that_the_history_tells_of_a_step_is_how_it_stands(
    rounds: list[tuple[frozenset[str], frozenset[str]]],
) -> None:
    course, history = BEGUN, list[Happening]()
    for minute, (confirming, lacking) in enumerate(rounds):
        fold = seeing(NOW + minute * MINUTE, tuple(confirming - lacking), tuple(lacking))
        course, before = fold(course), course
        history += happenings(before, course, at=NOW)
    kinds = [each.what for each in history]
    assert all(kind is (What.SEEN_DONE, What.LACKING_AGAIN)[place % 2] for place, kind in enumerate(kinds))
    watched = course.watched.get(STEP, Watched(step_id=STEP))
    assert watched.is_done is bool(len(kinds) % 2)
    if watched.is_done:
        assert history[-1].at == watched.done_since


@given(courses())
@settings(max_examples=20)
def test_nothing_happens_where_nothing_changes(course: Course) -> None:
    assert happenings(course, course, at=NOW) == ()


def test_the_history_tells_which_ttls_were_served_from_when_until_when(state: State) -> None:
    for minute, seen in enumerate(([86400], [86400, 600], [600], [600], [86400])):
        at = NOW + minute * MINUTE
        state.update(
            DOMAIN,
            lambda course, seen=seen, at=at: replace(
                course, ttls=saw_ttl(course.ttls, source=Source.LOSING, record=Record.NS, seen=seen, at=at)
            ),
            at=NOW,
        )
    assert lines(state) == [
        "12:00:00Z TTL served: NS of the losing side, 1d",
        "12:01:00Z TTL served: NS of the losing side, 10m",
        "12:02:00Z TTL gone: NS of the losing side, 1d",
        "12:04:00Z TTL served: NS of the losing side, 1d",
        "12:04:00Z TTL gone: NS of the losing side, 10m",
    ]


def test_the_history_tells_what_was_said_and_decided_and_recorded_and_how_that_moved_the_dates(state: State) -> None:
    at = NOW + MINUTE
    said = Said(step_id=STEP, by="Jo", when=at, started=NOW, completed=at)
    missing = (Lacking(step_id=STEP, needed="all", found="none"),)
    override = Override(who="Jo", why="so it is", when=at)
    for fold in (
        lambda course: replace(course, said=(*course.said, said)),
        lambda course: replace(course, plan=course.plan.decide(Missing(step_id=STEP, at=at, missing=missing))),
        lambda course: replace(
            course, plan=course.plan.decide(Overridden(step_id=STEP, at=at, missing=missing, override=override))
        ),
        lambda course: replace(course, plan=course.plan.decide(Confirmed(step_id=STEP, at=at, evidence=()))),
    ):
        state.update(DOMAIN, fold, at=NOW)
    assert lines(state) == [
        f"12:01:00Z said {STEP}: Jo: begun 2026-11-21T12:00:00Z, done 2026-11-21T12:01:00Z",
        f"12:01:00Z decided {STEP}: may not begin: {STEP}: all; none",
        f"12:01:00Z decided {STEP}: begun by Jo, because so it is, although {STEP}: all; none",
        f"12:01:00Z decided {STEP}: may begin",
    ]
    late = NOW + timedelta(hours=3)
    after = state.update(
        DOMAIN,
        lambda course: replace(course, plan=course.plan.record(STEP, started=late, completed=late)),
        at=NOW + timedelta(hours=4),
    )
    recorded, revised = state.history(DOMAIN)[-2:]
    assert str(recorded) == (
        f"2026-11-21T15:00:00Z step recorded {STEP}: begun 2026-11-21T15:00:00Z, done 2026-11-21T15:00:00Z"
    )
    assert revised.at == NOW + timedelta(hours=4)
    assert revised.what is What.PLAN_REVISED
    assert revised.text.startswith(f"other dates; the switch is planned for {after.plan.switchover:%Y-%m-%dT%H:%M:%SZ}")
    state.update(DOMAIN, lambda course: replace(course, plan=BEGUN.plan), at=late + 2 * MINUTE)
    assert [(each.what, each.at) for each in state.history(DOMAIN)[-2:]] == [
        (What.STEP_RECORDED, late + 2 * MINUTE),
        (What.PLAN_REVISED, late + 2 * MINUTE),
    ]


def test_a_step_that_is_recorded_as_it_was_planned_revises_nothing(state: State) -> None:
    planned = BEGUN.plan.step(STEP)
    state.update(
        DOMAIN,
        lambda course: replace(
            course, plan=course.plan.record(STEP, started=planned.started, completed=planned.completed)
        ),
        at=NOW,
    )
    assert [each.what for each in state.history(DOMAIN)] == [What.BEGUN, What.STEP_RECORDED]


def test_other_facts_revise_the_plan(state: State) -> None:
    facts = replace(FACTS, timing=replace(FACTS.timing, lowered_ttl=Ttl(60)))
    later = NOW + timedelta(hours=1)
    plan = plan_transfer(facts, start=later)
    state.update(DOMAIN, lambda course: replace(course, plan=plan), at=NOW)
    (revised,) = state.history(DOMAIN)[1:]
    assert revised.text.startswith(
        "it starts at 2026-11-21T13:00:00Z, other facts, other dates; the switch is planned for"
    )


def test_the_history_tells_when_servers_fall_silent_and_when_they_are_back(state: State) -> None:
    server = Server(source=Source.LOSING, name="ns1.losing.example", address="192.0.2.1", port=5300)
    answered = ServerSeen(server=server, last_answered=NOW)
    silent = replace(answered, silent_since=NOW + MINUTE)
    back = ServerSeen(server=server, last_answered=NOW + 2 * MINUTE)
    for seen in (answered, silent, silent, back):
        state.update(DOMAIN, lambda course, seen=seen: replace(course, servers=(seen,)), at=NOW)
    assert lines(state) == [
        "12:01:00Z server silent: ns1.losing.example. (192.0.2.1@5300), losing",
        "12:02:00Z server answers: ns1.losing.example. (192.0.2.1@5300), losing",
    ]


# ---- updates --------------------------------------------------------------------------------------------------------


def test_a_transfer_is_begun_once(state: State) -> None:
    add_one(state)
    with pytest.raises(
        StateError, match=r"state\.db: a transfer of example\.nl\. is in there already; go on with that"
    ):
        state.begin(BEGUN, at=NOW)
    course = state.course(DOMAIN)
    assert course is not None and length(course) == 1


def test_what_is_not_there_cannot_be_changed(state: State) -> None:
    for change in (
        lambda: state.update("other.nl", lambda course: course, at=NOW),
        lambda: state.forget("other.nl"),
    ):
        with pytest.raises(StateError, match=r"state\.db: no transfer of other\.nl\. is in there; "):
            change()
    assert state.course("other.nl") is None


def test_what_a_fold_raises_passes_through_and_changes_nothing(state: State) -> None:
    def failing(course: Course) -> Course:
        raise KeyError("a fold that fails")

    before = Path(state.path).read_bytes()
    with pytest.raises(KeyError, match="a fold that fails"):
        state.update(DOMAIN, failing, at=NOW)
    assert Path(state.path).read_bytes() == before
    assert length(add_one(state)) == 1


def test_a_fold_that_changes_nothing_writes_nothing(state: State) -> None:
    before = Path(state.path).read_bytes()
    assert state.update(DOMAIN, lambda course: course, at=NOW) == BEGUN
    assert Path(state.path).read_bytes() == before


def test_a_transfer_does_not_become_another_ones(state: State) -> None:
    other = Course.begun(plan_transfer(replace(FACTS, domain="other.nl"), start=NOW))
    with pytest.raises(StateError, match=r"example\.nl\. cannot become other\.nl\.; begin a transfer of that domain"):
        state.update(DOMAIN, lambda _: other, at=NOW)
    assert state.course(DOMAIN) == BEGUN


def test_what_would_not_read_back_is_not_kept(state: State) -> None:
    watched = replace(Watched(step_id=STEP), confirming=frozenset({"two\nlines"}))
    problem = r"example\.nl\. cannot be kept: watched\[0\]\.confirming\[0\]: is not one line"
    with pytest.raises(StateError, match=problem):
        state.update(DOMAIN, lambda _: replace(BEGUN, watched={STEP: watched}), at=NOW)
    assert state.course(DOMAIN) == BEGUN


def test_a_plan_with_a_step_of_somebodys_own_does_not_read_back_and_is_not_kept(state: State) -> None:
    first, *rest = BEGUN.plan.steps
    own = replace(first, step=replace(first.step, action="do something else"))
    with pytest.raises(
        StateError, match=r"example\.nl\. cannot be kept: it does not read back as it is; give a course"
    ):
        state.update(DOMAIN, lambda _: Course.begun(replace(BEGUN.plan, steps=(own, *rest))), at=NOW)
    assert state.course(DOMAIN) == BEGUN


def test_what_cannot_be_kept_leaves_no_file(tmp_path: Path) -> None:
    watched = replace(Watched(step_id=STEP), confirming=frozenset({"two\nlines"}))
    with pytest.raises(StateError, match="cannot be kept"):
        State(tmp_path / "state.db").begin(replace(BEGUN, watched={STEP: watched}), at=NOW)
    assert not os.listdir(tmp_path)


def test_a_naive_instant_is_refused_before_anything_is_done(state: State) -> None:
    naive = NOW.replace(tzinfo=None)
    for change in (
        lambda: state.update(DOMAIN, lambda course: further(course, "x"), at=naive),
        lambda: State(Path(state.path).with_name("new.db")).begin(BEGUN, at=naive),
    ):
        with pytest.raises(TimeError):
            change()
    assert state.course(DOMAIN) == BEGUN
    assert files(state) == ["state.db"]


@pytest.mark.parametrize("patience", [timedelta(seconds=-1), timedelta(days=2), timedelta(seconds=0.5), 30])
def test_patience_is_a_time_that_somebody_could_have(patience: timedelta) -> None:
    with pytest.raises(PlanError, match="patience is"):
        State("state.db", patience)


# ---- two at once, and crashes ---------------------------------------------------------------------------------------


def worker(what: str, state: State, *words: str | int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.state_worker", what, os.fspath(state.path), *map(str, words)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen[str]) -> tuple[int, str]:
    with process:
        try:
            out, errors = process.communicate(timeout=BOUND)
        except BaseException:
            process.kill()
            raise
    assert process.returncode <= 0, errors
    return process.returncode, out


def checked_length(state: State) -> int:
    """How often the course was taken further, where it is whole, and the history with it."""
    course = state.course(DOMAIN)
    assert course is not None
    assert sum(each.what is What.SAID for each in state.history(DOMAIN)) == length(course)
    assert sql(state, "PRAGMA integrity_check") == [("ok",)]
    return length(course)


def test_two_processes_lose_none_of_each_others_updates(state: State) -> None:
    count = 40
    processes = [worker("add", state, who, count) for who in ("a", "b", "c")]
    assert [finished(process)[0] for process in processes] == [0, 0, 0]
    assert checked_length(state) == 3 * count
    course = state.course(DOMAIN)
    assert course is not None
    assert sorted(each.by for each in course.said) == ["a"] * count + ["b"] * count + ["c"] * count


@pytest.mark.parametrize("acknowledged", [1, 2, 5, 11])
def test_what_was_acknowledged_before_a_kill_is_there_after_it(state: State, acknowledged: int) -> None:
    with worker("add", state, "killed", 10**6) as process:
        assert process.stdout is not None
        for _ in range(acknowledged):
            assert process.stdout.readline()
        process.kill()
        printed = acknowledged + len(process.stdout.read().splitlines())
    assert process.returncode == -signal.SIGKILL
    assert checked_length(state) in (printed, printed + 1)  # one may have been written and not yet told
    assert length(add_one(state)) in (printed + 1, printed + 2)


def test_a_process_that_dies_in_its_fold_changes_nothing_and_keeps_nobody_waiting(state: State) -> None:
    add_one(state)
    assert finished(worker("die", state))[0] == -signal.SIGKILL
    patient = replace(state, patience=timedelta(0))
    assert checked_length(patient) == 1
    assert length(add_one(patient)) == 2


SIZES: Final = (0, 512, 4096, 16384, 24576, 28672, 32768, 36864, 40960, 1 << 20)
"""Where a write stops: in the journal, between pages of the file, and never."""


def with_some(state: State) -> State:
    for _ in range(3):
        add_one(state)
    return state


def test_a_kill_in_the_middle_of_a_write_leaves_the_old_course(state: State) -> None:
    original = with_some(state)
    lengths, left_behind = set(), set()
    for size in SIZES:
        directory = Path(original.path).with_name(f"cut-{size}")
        directory.mkdir()
        copy = State(shutil.copy(original.path, directory))
        returncode, _ = finished(worker("cut", copy, size))
        left_behind.add("state.db-journal" in files(copy))
        found = checked_length(copy)
        assert found == (3 if returncode == -signal.SIGXFSZ else 4)
        assert length(add_one(copy)) == found + 1
        assert files(copy) == ["state.db"]
        lengths.add(found)
    assert lengths == {3, 4}
    assert left_behind == {False, True}


def test_a_full_disk_is_told_and_leaves_the_old_course(state: State) -> None:
    original = with_some(state)
    refusals = []
    for size in SIZES:
        directory = Path(original.path).with_name(f"full-{size}")
        directory.mkdir()
        copy = State(shutil.copy(original.path, directory))
        returncode, printed = finished(worker("full", copy, size))
        assert returncode == 0
        assert checked_length(copy) == (3 if printed else 4)
        refusals.append(printed)
    assert not refusals[-1]
    for refusal in filter(None, refusals):
        assert (
            "and is left as it was" in refusal and "see whether the disk is full" in refusal
        ) or "no room" in refusal
    assert sum(map(bool, refusals)) >= 5


def test_whoever_may_not_write_may_read(state: State) -> None:
    with_some(state)
    with tempfile.TemporaryDirectory() as directory:
        copy = State(shutil.copy(state.path, directory))
        os.chmod(copy.path, 0o444)
        os.chmod(directory, 0o555)
        try:
            returncode, printed = finished(worker("reader", copy))
        finally:
            os.chmod(directory, 0o755)
    assert returncode == 0
    read, refusal = printed.splitlines()
    assert read.startswith("3 ('example.nl.',)")
    assert "state.db: may not be written (" in refusal
    assert "; see who may write the file and its directory" in refusal


def test_a_directory_that_may_not_be_written_has_no_place_for_a_journal(state: State) -> None:
    with_some(state)
    with tempfile.TemporaryDirectory() as directory:
        copy = State(shutil.copy(state.path, directory))
        os.chmod(copy.path, 0o666)
        os.chmod(directory, 0o555)
        try:
            returncode, printed = finished(worker("reader", copy))
        finally:
            os.chmod(directory, 0o755)
        assert checked_length(copy) == 3
    assert returncode == 0
    read, refusal = printed.splitlines()
    assert read.startswith("3 ('example.nl.',)")
    assert "; see " in refusal and "who may write" in refusal


@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_lock_is_waited_for_only_so_long(state: State, lock: str) -> None:
    impatient = replace(state, patience=timedelta(0))
    with closing(sqlite3.connect(state.path, isolation_level=None)) as other:
        other.execute(f"BEGIN {lock}")
        with pytest.raises(StateError, match=r"state\.db: was kept locked by another process for 0 seconds; see which"):
            add_one(impatient)
        if lock == "IMMEDIATE":
            assert impatient.course(DOMAIN) == BEGUN
        else:
            with pytest.raises(StateError, match="was kept locked"):
                impatient.course(DOMAIN)
    assert length(add_one(impatient)) == 1


def test_a_reader_that_keeps_the_file_open_makes_a_change_fail_whole(state: State) -> None:
    impatient = replace(state, patience=timedelta(0))
    with closing(sqlite3.connect(state.path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM transfers").fetchone()
        with pytest.raises(StateError, match="was kept locked"):
            add_one(impatient)
    assert checked_length(state) == 0


def test_two_that_begin_at_once_begin_one(tmp_path: Path) -> None:
    state = State(tmp_path / "state.db", patience=timedelta(0))
    with closing(sqlite3.connect(state.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateError, match="was kept locked"):
            state.begin(BEGUN, at=NOW)
    state.begin(BEGUN, at=NOW)
    assert state.domains() == (DOMAIN,)


# ---- what is no state -----------------------------------------------------------------------------------------------


def every_use(state: State) -> list[Callable[[], object]]:
    """All that can be done with a state."""
    return [
        state.domains,
        lambda: state.course(DOMAIN),
        lambda: state.history(DOMAIN),
        lambda: add_one(state),
        lambda: state.forget(DOMAIN),
        lambda: state.begin(BEGUN, at=NOW),
    ]


def another_application(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE transfers (domain TEXT)")


def another_identity(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id = 4711")


def another_version(version: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        State(path).begin(BEGUN, at=NOW)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA user_version = {version}")

    return make


def damaged(path: Path) -> None:
    State(path).begin(BEGUN, at=NOW)
    octets = bytearray(path.read_bytes())
    octets[100:4096] = b"\xff" * 3996
    path.write_bytes(octets)


def key_file(path: Path) -> None:
    path.write_text("Private-key-format: v1.3\nAlgorithm: 13 (ECDSAP256SHA256)\n")


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (key_file, r"is no SQLite file \(file is not a database\); give the file that the transfers were begun with"),
        (lambda path: path.write_bytes(b"zone" * 5000), "is no SQLite file"),
        (lambda path: path.write_bytes(b"\n\n"), "is no SQLite file"),
        (another_application, "is a database of another application; give the file"),
        (another_identity, "is a database of another application; give the file"),
        (another_version(SCHEMA_VERSION + 1), "is of schema version 2, and this zonekit reads 1; use the version"),
        (another_version(0), "is of schema version 0, and this zonekit reads 1; use the version"),
        (damaged, "is damaged .*; take it from a backup"),
        (Path.mkdir, "is not a plain file; give the path of a file"),
        (os.mkfifo, "is not a plain file; give the path of a file"),
        (lambda path: path.symlink_to("nowhere"), "is a link that leads nowhere; remove it"),
        (lambda path: path.symlink_to(path), "cannot be opened: Too many levels of symbolic links; give another path"),
    ],
)
def test_what_is_no_state_is_refused_and_left_as_it_is(
    tmp_path: Path, make: Callable[[Path], object], problem: str
) -> None:
    path = tmp_path / "state.db"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    for use in every_use(State(path)):
        with pytest.raises(StateError, match=rf"^{tmp_path}/state\.db: {problem}") as caught:
            use()
        assert caught.value.path == str(path)
    assert os.listdir(tmp_path) == ["state.db"]
    assert before is None or path.read_bytes() == before


@pytest.mark.parametrize("make", [lambda path: None, Path.touch])
def test_only_the_beginning_of_a_transfer_creates_a_state(tmp_path: Path, make: Callable[[Path], object]) -> None:
    path = tmp_path / "state.db"
    make(path)
    was_there = os.listdir(tmp_path)
    *others, begin = every_use(State(path))
    for use in others:
        with pytest.raises(StateError, match=r"state\.db: is (not there|empty); give the file that the transfers were"):
            use()
    assert os.listdir(tmp_path) == was_there
    begin()
    assert State(path).course(DOMAIN) == BEGUN


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (
            "missing/state.db",
            r"missing/state\.db: cannot be opened, or no journal beside it .*; see that its directory",
        ),
        ("nul\0", r"'nul\\x00': cannot be opened: there is a NUL in it; give another path"),
        ("x" * 300, "x: cannot be opened: File name too long; give another path"),
    ],
)
def test_a_path_where_no_file_can_be_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StateError, match=problem):
        State(path).begin(BEGUN, at=NOW)
    assert not os.listdir(tmp_path)


# ---- rows that somebody edited --------------------------------------------------------------------------------------


def rich(state: State) -> None:
    """A row in every table."""
    server = Server(source=Source.LOSING, name="ns1.losing.example", address="192.0.2.1")
    state.update(DOMAIN, seeing(NOW, SERVERS), at=NOW)
    state.update(DOMAIN, lambda course: replace(course, servers=(ServerSeen(server=server),)), at=NOW)
    add_one(state)
    add_one(state)


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        ("UPDATE transfers SET plan = '{}'", "transfers.plan: format: is missing"),
        ("UPDATE transfers SET plan = 'x'", "transfers.plan: is not JSON"),
        ("UPDATE transfers SET plan = x'ff'", "transfers.plan: is not a text"),
        ("UPDATE transfers SET plan = CAST(x'ff' AS TEXT)", "transfers.plan: is not JSON"),
        (
            'UPDATE transfers SET plan = replace(plan, \'"domain": "example.nl."\', \'"domain": "other.nl"\')',
            "transfers.plan: facts.domain: is other.nl.",
        ),
        ("UPDATE transfers SET last_at = 'noon'", "transfers.last_at: 'noon' is not an instant"),
        ("UPDATE transfers SET last_uptime = -1", "transfers.last_uptime: is out of bounds"),
        ("UPDATE transfers SET last_uptime = 1.5", "transfers.last_uptime: is float and not a whole number"),
        ("UPDATE watched SET step = 'x'", "watched[0].step: operator-change has no step 'x'"),
        ("UPDATE watched SET done_since = 'yesterday'", "watched[0].done_since: 'yesterday' is not an instant"),
        ("UPDATE watched SET done_since = NULL", f"watched[0]: {STEP}: a run of rounds has a beginning and an end"),
        ("UPDATE watched SET confirming = 'ns1'", "watched[0].confirming: is not JSON"),
        ("UPDATE watched SET confirming = '{}'", "watched[0].confirming: is an object and not a list"),
        ("UPDATE watched SET confirming = x'5b5d'", "watched[0].confirming: is not a text"),
        ('UPDATE watched SET lacking = \'["a", "a"]\'', "watched[0].lacking[1]: stands there twice"),
        (
            "INSERT INTO watched SELECT domain, 7, step, NULL, NULL, lacking, NULL, NULL, '[]' FROM watched",
            f"watched[1].step: {STEP} stands there twice",
        ),
        ("UPDATE ttls SET ttl = -1", "ttls[0].ttl: TTL -1 is outside 0 to 2147483647"),
        ("UPDATE ttls SET source = 'me' WHERE place = 1", "ttls[1].source: 'me' is not known"),
        ("UPDATE ttls SET record = 'MX'", "ttls[0].record: 'MX' is not known"),
        ("UPDATE said SET said_by = ''", "said[0]: evidence for"),
        ("UPDATE said SET said_by = CAST(x'c3' AS TEXT)", "said[0].said_by: is not one line"),
        ("UPDATE said SET step = 'x'", "said[0].step: operator-change has no step 'x'"),
        ("UPDATE said SET completed = '2000-01-01T00:00:00Z'", "said[0]: "),
        ("UPDATE servers SET port = 'dns'", "servers[0].port: is a text and not a whole number"),
        ("UPDATE servers SET name = '..'", "servers[0]: name of a server"),
        ("ALTER TABLE servers ADD COLUMN colour TEXT", "servers[0].colour: there is no such field"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused_by_domain_table_and_column(state: State, edit: str, problem: str) -> None:
    rich(state)
    sql(state, edit)
    before = Path(state.path).read_bytes()
    for use in (lambda: state.course(DOMAIN), lambda: add_one(state)):
        with pytest.raises(StateError) as caught:
            use()
        assert str(caught.value).startswith(f"{state.path}: example.nl.: {problem}")
        assert caught.value.remedy == "take the file from a backup, or mend that row with sqlite3"
    assert Path(state.path).read_bytes() == before
    assert state.domains() == (DOMAIN,)


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        ("UPDATE history SET what = 'sung' WHERE place = 1", "history[1].what: 'sung' is not known"),
        ("UPDATE history SET at = ''", "history[0].at: '' is not an instant"),
        ("UPDATE history SET told = CAST(x'0a' AS TEXT)", "history[0].told: is not one line"),
    ],
)
def test_a_history_that_makes_no_sense_is_refused_and_stops_no_transfer(state: State, edit: str, problem: str) -> None:
    rich(state)
    sql(state, edit)
    with pytest.raises(StateError) as caught:
        state.history(DOMAIN)
    assert str(caught.value).startswith(f"{state.path}: example.nl.: {problem}")
    assert length(add_one(state)) == 3


def test_a_table_that_somebody_dropped_is_told(state: State) -> None:
    sql(state, "DROP TABLE said")
    with pytest.raises(StateError, match=r"state\.db: cannot be used \(no such table: said\); give the file"):
        state.course(DOMAIN)


def test_a_clock_that_says_nonsense_is_refused() -> None:
    for boot, uptime in (("two\nlines", timedelta(0)), ("", timedelta(seconds=-1))):
        with pytest.raises(PlanError, match="a reading of the clock has boot"):
            Tick(at=NOW, boot=boot, uptime=uptime)
    server = Server(source=Source.LOSING, name="ns1.losing.example", address="192.0.2.1")
    with pytest.raises(TimeError):
        ServerSeen(server=server, last_answered=NOW.replace(tzinfo=None))
