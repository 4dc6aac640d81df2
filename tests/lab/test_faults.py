"""What goes wrong in a transfer ends in a transfer that is safe, or in a clear stop, and the chain is intact all the time.

All transfers go on in one laboratory at the same time, each with a fault of its own; a client asks every resolver about all
of their domains from the first step to the end of the last transfer.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, cast

import dns.name
import dns.rdatatype
import pytest

from tests.lab.asking import query, serial_at
from tests.lab.authorities import Authority, NamedServer, PdnsServer
from tests.lab.client import Answer, Report, Watched
from tests.lab.faulty import LosingInline, LosingPdnsByRecord, Parted, PublishingNamed, SetClock, filled, small_disk
from tests.lab.follower import Mortal
from tests.lab.laboratory import BEHIND_CACHE, Lab
from tests.lab.operators import Operator, policy_text, sign_by_policy, sign_live
from tests.lab.parent import DELEGATION_TTL, new_keys, now
from tests.lab.resolvers import Unbound
from tests.lab.sides import LOWERED_TTL, LosingSide, WithFiles
from tests.lab.transfers import RESTORED_TTL, LiveTransfer
from tests.lab.zones import TTL, child, signed_zone, unsigned_zone
from zonekit.ds import make_ds
from zonekit.errors import FileError, PublishingError
from zonekit.files import write_zone
from zonekit.findings import Severity
from zonekit.publishing import Stage as Publishing
from zonekit.publishing import WayBack
from zonekit.status import look_at
from zonekit.transfer.proof import Safe
from zonekit.transfer.score import Score, Stage
from zonekit.transfer.steps import Actor, Flow
from zonekit.zones import RRset

pytestmark = pytest.mark.xdist_group("lab-faults")

IMPATIENT: Final = "unbound-impatient"
"""A validator that forgets after a second what the cache behind it keeps."""
SECOND: Final = timedelta(seconds=1)
HOUR: Final = timedelta(hours=1)
LONGEST: Final = 30.0
"""For so many seconds at most something may not show that has happened."""
A_WHILE: Final = 4.0
"""For so many seconds it is watched that something does not change."""
DISK_KIBIBYTES: Final = 256
MINIMUM: Final = 3
RAISED_MINIMUM: Final = 9
CLOCK: Final = SetClock()


# ---- looking at a transfer in which something is wrong --------------------------------------------------------------


def look_until(transfer: LiveTransfer, is_so: Callable[[Score], bool], what: str) -> Score:
    """Look, whatever is wrong, until something is so."""
    give_up = time.monotonic() + LONGEST
    score = look_at(transfer.transfer)
    while not is_so(score):
        assert time.monotonic() < give_up, f"not in {LONGEST} s: {what}\n{told(score)}"
        time.sleep(0.3)
        score = look_at(transfer.transfer)
    transfer.say(what)
    return score


def stays(transfer: LiveTransfer, is_so: Callable[[Score], bool], what: str) -> Score:
    """Look for a while and fail when something is not so; return the last look."""
    until = time.monotonic() + A_WHILE
    while True:
        score = look_at(transfer.transfer)
        assert is_so(score), f"not any more: {what}\n{told(score)}"
        if time.monotonic() > until:
            return score
        time.sleep(0.5)


def told(score: Score) -> str:
    """A score, for the report of a failure."""
    steps = [
        f"  {step.id}: {step.stage.value} {sorted(step.lacking)} {'; '.join(map(str, step.missing))}"
        for step in score.steps
    ]
    return "\n".join((f"{score.at:%H:%M:%S}", *steps, *map(str, score.findings)))


def finding(score: Score, code: str) -> str:
    """The message of the one finding of a code; fails where there is none, or more."""
    found = [each for each in score.findings if each.code == code]
    assert len(found) == 1, f"{len(found)} of {code}\n{told(score)}"
    return found[0].message


def codes(score: Score) -> set[str]:
    return {each.code for each in score.findings}


def is_at(step_id: str, stage: Stage) -> Callable[[Score], bool]:
    return lambda score: score.step(step_id).stage is stage


def is_done(step_id: str) -> Callable[[Score], bool]:
    return is_at(step_id, Stage.DONE)


def has_begun(score: Score) -> bool:
    """Whether resolvers may be led to the gaining servers by now, or are."""
    return any(score.step(each).stage in (Stage.MAY_BEGIN, Stage.DONE) for each in ("ns-changed", "losing-ns-changed"))


def up_to(transfer: LiveTransfer, step_id: str, *, but: str = "") -> Score:
    """Take every step before one, until that one has nothing to wait for but time, or may begin; return the last look.

    Args:
        transfer: the transfer.
        step_id: the step.
        but: one that is not taken.
    """
    order = [step.id for step in transfer.look().steps]
    give_up = time.monotonic() + 2 * LONGEST
    while True:
        score = transfer.look()
        ready = [step for step in score.next_steps if order.index(step.id) < order.index(step_id) and step.id != but]
        # What is waited for longest comes last, so that the wait is still to come.
        ready.sort(key=lambda step: step.id == "ds-added")
        if ready:
            transfer.take(ready[0])
        elif score.step(step_id).stage in (Stage.WAITS, Stage.MAY_BEGIN):
            return score
        assert time.monotonic() < give_up, told(score)
        time.sleep(0.2)


def until_of(score: Score, step_id: str) -> datetime:
    until = score.step(step_id).until
    assert until is not None, told(score)
    return until


# ---- the faults ------------------------------------------------------------------------------------------------------


def losing_secondary_down(transfer: LiveTransfer) -> None:
    """A losing server that is down all the time is told of, and holds nothing up."""
    first, second = transfer.losing.operator.servers
    cast(Parted[Authority], transfer.losing.operator).apart.add(second)
    second.stop()
    score = up_to(transfer, "ns-changed")
    assert transfer.losing.operator.hosts[1] in finding(score, "server-dead")
    assert score.at_least(Severity.WARNING) == tuple(each for each in score.findings if each.code == "server-dead")
    transfer.carry_out()
    assert serial_at(first.address, transfer.origin) is None


def losing_secondary_back_with_an_old_zone(transfer: LiveTransfer) -> None:
    """A losing server that was down at the merge and comes back with the zone of before undoes it, and the waits begin anew."""
    operator = cast(Parted[Authority], transfer.losing.operator)
    losing = cast(WithFiles, transfer.losing)
    second, host = operator.servers[1], operator.hosts[1]
    operator.apart.add(second)
    second.stop()
    up_to(transfer, "ns-changed")
    second.start()
    second.wait_until_ready()
    second.wait_for_serial(transfer.origin, 1)
    score = look_until(transfer, lambda found: "step-undone" in codes(found), "the merge is undone")
    assert score.needs_attention
    undone = [each.message for each in score.findings if each.code == "step-undone"]
    assert f"losing-merged was done, and {host} does not give it any more" in undone, told(score)
    score = stays(transfer, lambda found: not has_begun(found), "nobody is led to the gaining servers")
    for step_id in ("losing-merged", "ttls-lowered"):
        step = score.step(step_id)
        assert (step.stage, step.lacking, step.actor) == (Stage.UNDER_WAY, {host}, Actor.LOSING), told(score)
    mended = now()
    operator.apart.clear()
    operator.load(losing.zone)
    look_until(transfer, is_done("losing-merged"), "the merge is done everywhere")
    score = look_until(transfer, is_done("ttls-lowered"), "the TTLs are lowered everywhere")
    assert until_of(score, "ns-changed") >= mended + TTL * SECOND, told(score)
    transfer.carry_out(until="ns-changed")
    assert now() >= mended + TTL * SECOND
    transfer.carry_out()


def gaining_server_down_at_the_switch(transfer: LiveTransfer) -> None:
    """A gaining server that is down when resolvers are to be led to it keeps that from beginning, until it is back.

    After that the other one stands in for it.
    """
    transfer.carry_out(until="ns-changed")
    second, host = transfer.gaining.operator.servers[1], transfer.gaining.operator.hosts[1]
    second.stop()
    score = look_until(transfer, lambda found: not has_begun(found), "the switch may not begin")
    assert finding(score, "step-undone") == f"gaining-serves was done, and {host} does not give it any more"
    score = stays(transfer, lambda found: not has_begun(found), "the switch may not begin")
    assert host in finding(score, "server-dead")
    step = score.step("gaining-serves")
    assert (step.stage, step.lacking, step.actor) == (Stage.UNDER_WAY, {host}, Actor.GAINING), told(score)
    second.start()
    second.wait_until_ready()
    look_until(transfer, is_done("gaining-serves"), "both gaining servers answer")
    transfer.carry_out(until="losing-ns-changed")
    second.stop()
    score = stays(transfer, is_done("ns-changed"), "the switch is done")
    assert host in finding(score, "server-dead")
    assert is_done("gaining-serves")(score) and not score.needs_attention, told(score)
    second.start()
    second.wait_until_ready()
    transfer.carry_out()


def parent_slow_to_publish(transfer: LiveTransfer) -> None:
    """What one server of the parent does not have yet is under way, and what is waited for counts from the last server."""
    parent = transfer.lab.parent
    lagging, host = parent.servers[1], parent.hosts[1]
    for step_id, waiting in (("ds-added", "ns-changed"), ("ns-changed", "losing-ds-removed")):
        score = transfer.carry_out(until=step_id)
        with parent.leaving_behind(lagging):
            transfer.act(score.step(step_id).planned.step)
            transfer.taken.append(step_id)
            score = stays(transfer, is_at(step_id, Stage.UNDER_WAY), f"{step_id} is under way")
            assert score.step(step_id).lacking == {host}, told(score)
            assert score.step(waiting).stage is Stage.LATER, told(score)
            assert not score.needs_attention, told(score)
            mended = now()
        score = look_until(transfer, is_done(step_id), f"{step_id} is done everywhere")
        assert until_of(score, waiting) >= mended + DELEGATION_TTL * SECOND, told(score)
    transfer.carry_out()


def reload_refused(transfer: LiveTransfer) -> None:
    """A zone that named is not told of, or not any more, is not in service; the old one is, and the step is still to be taken."""
    server = cast(PublishingNamed, transfer.losing.operator.servers[0])
    losing = cast(WithFiles, transfer.losing)
    step = transfer.carry_out(until="losing-merged").step("losing-merged")
    path, serial = server.zone_file(transfer.origin), losing.zone.serial
    before = path.read_bytes()

    with server.with_another_key(), pytest.raises(PublishingError) as refused:
        transfer.act(step.planned.step)
    assert (refused.value.stage, refused.value.way_back) == (Publishing.STAGED.value, ""), refused.value
    assert_still_served(transfer, path, before, serial)

    with ExitStack() as until_mended, pytest.raises(PublishingError) as refused:
        server.on_stage = lambda stage: (
            until_mended.enter_context(server.with_another_key()) if stage is Publishing.REPLACED else None
        )
        losing.operator.load(losing.zone)
    server.on_stage = lambda stage: None
    assert (refused.value.stage, refused.value.way_back) == (Publishing.RELOADED.value, WayBack.FILE_ONLY.value)
    assert_still_served(transfer, path, before, serial)

    losing.operator.load(losing.zone)
    transfer.taken.append(step.id)
    look_until(transfer, is_done(step.id), "the merge is done")
    transfer.carry_out()


def full_disk(transfer: LiveTransfer) -> None:
    """A zone for which there is no room changes nothing; with room it comes into service."""
    server = cast(PublishingNamed, transfer.losing.operator.servers[0])
    losing = cast(WithFiles, transfer.losing)
    step = transfer.carry_out(until="losing-merged").step("losing-merged")
    path, serial = server.zone_file(transfer.origin), losing.zone.serial
    before = path.read_bytes()
    with filled(server.zones):
        with pytest.raises(PublishingError, match="no space left on device") as refused:
            transfer.act(step.planned.step)
        with pytest.raises(FileError, match="no space left on device"):
            write_zone(losing.zone, path)
    assert (refused.value.stage, refused.value.way_back) == (Publishing.STAGED.value, ""), refused.value
    assert "nothing was changed" in str(refused.value)
    assert_still_served(transfer, path, before, serial)
    losing.operator.load(losing.zone)
    transfer.taken.append(step.id)
    look_until(transfer, is_done(step.id), "the merge is done")
    transfer.carry_out()


def assert_still_served(transfer: LiveTransfer, path: Path, before: bytes, serial: int) -> None:
    """Fail unless the file is what it was, with nothing beside it, it is served, and the step may still begin."""
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert [serial_at(address, transfer.origin) for address in transfer.losing.operator.addresses] == [serial, serial]
    score = transfer.look()
    step = score.step("losing-merged")
    assert (step.stage, step.actor) == (Stage.MAY_BEGIN, Actor.LOSING), told(score)
    assert not has_begun(score)


def killed_at_every_step(transfer: LiveTransfer) -> None:
    """Whoever follows the transfer is killed at some moment of every step, and goes on from its state."""
    followers: list[Mortal] = []

    def begin_another(step: object) -> None:
        if followers:
            followers[-1].wait()
        followers.append(Mortal(transfer.file))

    transfer.carry_out(before=begin_another)
    followers[-1].wait()
    assert len(followers) == len(transfer.taken)
    with closing(sqlite3.connect(transfer.transfer.state.path)) as state:
        assert state.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def clock_jumps(transfer: LiveTransfer) -> None:
    """A clock that is set in the middle of a wait, forward or back, makes it no shorter by the time that passes."""
    for by, waiting in ((HOUR, "ns-changed"), (-HOUR, "losing-keys-withdrawn")):
        score = up_to(transfer, waiting)
        until = until_of(score, waiting) - CLOCK.by
        assert score.step(waiting).stage is Stage.WAITS, told(score)
        CLOCK.by += by
        score = transfer.look()
        assert finding(score, "clock-set").startswith(
            f"the clock was set {'forward' if by > timedelta(0) else 'back'} by"
        )
        assert until <= until_of(score, waiting) - CLOCK.by <= until + 2 * SECOND, told(score)
        assert not score.needs_attention
        transfer.carry_out(until=waiting)
        assert now() >= until
    transfer.carry_out()


def stale_secondary(transfer: LiveTransfer) -> None:
    """What one losing server does not get is under way, and told of, and nothing that rests on it begins."""
    operator = cast(Parted[Authority], transfer.losing.operator)
    second, host = operator.servers[1], operator.hosts[1]
    step = transfer.carry_out(until="losing-merged").step("losing-merged")
    operator.apart.add(second)
    transfer.act(step.planned.step)
    transfer.taken.append(step.id)

    def is_under_way(score: Score) -> bool:
        found = score.step(step.id)
        return (found.stage, found.lacking, found.actor) == (Stage.UNDER_WAY, {host}, Actor.LOSING)

    score = stays(transfer, is_under_way, "the merge is under way")
    assert host in finding(score, "servers-disagree")
    assert not score.needs_attention and not has_begun(score), told(score)
    mended = now()
    operator.apart.clear()
    operator.load(cast(WithFiles, transfer.losing).zone)
    score = look_until(transfer, is_done(step.id), "the merge is done everywhere")
    since = score.step(step.id).since
    assert since is not None and since >= mended
    transfer.carry_out()


def inline_signing(transfer: LiveTransfer) -> None:
    """A losing named that takes the gaining keys and does not publish them: the merge stays to be done, and all rests on it."""
    step = transfer.carry_out(until="losing-merged").step("losing-merged")
    transfer.act(step.planned.step)

    def is_left(score: Score) -> bool:
        return [(each.id, each.actor) for each in score.next_steps] == [(step.id, Actor.LOSING)]

    give_up = time.monotonic() + LONGEST
    score = transfer.look()
    while not is_left(score):
        assert time.monotonic() < give_up, told(score)
        others = [each for each in score.next_steps if each.id != step.id]
        score = transfer.take(others[0]) if others else transfer.look()
    score = stays(transfer, is_left, "the merge alone is left to be done")
    assert not has_begun(score)
    assert step.id in {lacking.step_id for lacking in score.step("ns-changed").missing}, told(score)


def dnskey_ttl_of_powerdns(transfer: LiveTransfer) -> None:
    """PowerDNS gives DNSKEY the SOA's MINIMUM as TTL, whatever is asked of it: what counts is what is served.

    While the TTL is not lowered resolvers may be led away from it, later for the larger TTL, and nothing is taken away.
    """
    losing = cast(LosingPdnsByRecord, transfer.losing)
    score = transfer.carry_out(until="ttls-lowered")
    assert score.plan.facts.losing.dnskey_ttl == MINIMUM
    transfer.act(score.step("ttls-lowered").planned.step)
    score = up_to(transfer, "ns-changed", but="ttls-lowered")

    def is_not_lowered(score: Score) -> bool:
        found = score.step("ttls-lowered")
        return (found.stage, found.actor) == (Stage.MAY_BEGIN, Actor.LOSING)

    stays(transfer, is_not_lowered, "the TTLs are not lowered")
    losing.set_minimum(RAISED_MINIMUM)
    score = look_until(transfer, lambda found: "ttl-above-facts" in codes(found), "a larger TTL is served")
    assert score.plan.facts.losing.dnskey_ttl == RAISED_MINIMUM
    merged = score.step("losing-merged").since
    assert merged is not None
    assert until_of(score, "ns-changed") >= merged + RAISED_MINIMUM * SECOND, told(score)
    for step_id in ("ns-changed", "losing-ns-changed"):
        transfer.take(look_until(transfer, is_at(step_id, Stage.MAY_BEGIN), f"{step_id} may begin").step(step_id))
    score = stays(transfer, is_not_lowered, "the TTLs are not lowered")
    unreachable = score.step("losing-unreachable")
    assert unreachable.stage is Stage.LATER
    assert "ttls-lowered" in {lacking.step_id for lacking in unreachable.missing}, told(score)
    lowered = now()
    losing.set_minimum(LOWERED_TTL)
    transfer.taken.append("ttls-lowered")
    score = look_until(transfer, is_done("ttls-lowered"), "the TTLs are lowered")
    fetched_last = min(lowered, score.plan.step("losing-unreachable").completed)
    assert until_of(score, "losing-ds-removed") >= fetched_last + RAISED_MINIMUM * SECOND, told(score)
    transfer.carry_out()


@dataclass(frozen=True)
class Fault:
    """A fault, and where it comes about.

    Attributes:
        story: carries the transfer out, as far as it goes.
        losing: the operator that has the domain.
        gaining: the operator that gets it.
        is_stopped: whether it is never finished.
        has_dead_server: whether a server of an operator is down for a while.
    """

    story: Callable[[LiveTransfer], None]
    losing: str = "losing"
    gaining: str = "gaining"
    is_stopped: bool = False
    has_dead_server: bool = False


FAULTS: Final[Mapping[str, Fault]] = {
    "losing-secondary-down": Fault(losing_secondary_down, losing="down", has_dead_server=True),
    "losing-secondary-back": Fault(losing_secondary_back_with_an_old_zone, losing="back", has_dead_server=True),
    "gaining-server-down": Fault(gaining_server_down_at_the_switch, gaining="weak", has_dead_server=True),
    "parent-slow": Fault(parent_slow_to_publish),
    "reload-refused": Fault(reload_refused, losing="publishing"),
    "full-disk": Fault(full_disk, losing="small"),
    "killed": Fault(killed_at_every_step),
    "clock-jumps": Fault(clock_jumps),
    "stale-secondary": Fault(stale_secondary),
    "inline-signing": Fault(inline_signing, losing="policy", is_stopped=True),
    "powerdns-ttl": Fault(dnskey_ttl_of_powerdns, losing="powerdns"),
}


# ---- all of them at once ---------------------------------------------------------------------------------------------


@dataclass
class Ran:
    """What came of all transfers.

    Attributes:
        transfers: each of them, by the name of its fault.
        ended: how each ended.
        report: what the client has seen.
    """

    transfers: Mapping[str, LiveTransfer]
    ended: Mapping[str, Future[Score]]
    report: Report


class Operators:
    """The operators of the laboratory: most faults have some of their own."""

    def __init__(self, lab: Lab) -> None:
        kinds: dict[str, type[Authority]] = {
            "powerdns": PdnsServer,
            "publishing": PublishingNamed,
            "small": PublishingNamed,
        }
        names = dict.fromkeys(name for fault in FAULTS.values() for name in (fault.losing, fault.gaining))
        self.lab = lab
        self.named = {name: lab.operator(name, kinds.get(name, NamedServer)) for name in names}

    def transfer(self, name: str, directory: Path) -> LiveTransfer:
        """The transfer of a fault, before its first step."""
        fault, domain = FAULTS[name], child(name)
        losing = self._losing_side(self.named[fault.losing], domain, directory)
        answer = query(losing.operator.addresses[1], domain, "DNSKEY", recursion=False).answer
        (dnskeys,) = [RRset.from_dnspython(each) for each in answer if each.rdtype == dns.rdatatype.DNSKEY]
        self.lab.parent.delegate(domain, losing.operator.hosts, ds=make_ds(dnskeys, ttl=DELEGATION_TTL))
        gaining = self.named[fault.gaining]
        zone = unsigned_zone(domain, gaining.hosts, ns_ttl=RESTORED_TTL, serial=100)
        side = WithFiles(gaining, zone, directory / "gaining.zone", new_keys(domain))
        side.sign(dnskey_ttl=RESTORED_TTL)
        side.lower_ttls()
        origin = dns.name.from_text(domain)
        return LiveTransfer(self.lab, directory, origin, Flow.OPERATOR_CHANGE, losing, side, Watched(domain))

    def _losing_side(self, operator: Operator[Authority], domain: str, directory: Path) -> LosingSide:
        origin = dns.name.from_text(domain)
        match operator.name:
            case "powerdns":
                sign_live(
                    cast(Operator[PdnsServer], operator), unsigned_zone(domain, operator.hosts, negative_ttl=MINIMUM)
                )
                return LosingPdnsByRecord(cast(Operator[PdnsServer], operator), origin)
            case "policy":
                named = cast(Operator[NamedServer], operator)
                zone = unsigned_zone(domain, operator.hosts)
                sign_by_policy(named, zone, policy=policy_text(dnskey_ttl=LOWERED_TTL), inline=True)
                return LosingInline(named, origin)
        signed, keys = signed_zone(unsigned_zone(domain, operator.hosts))
        side = WithFiles(Parted.of(operator), signed, directory / "losing.zone", keys)
        side.serve()
        return side


@pytest.fixture(scope="module")
def ran(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """All transfers, carried out at the same time in one laboratory."""
    operators = Operators(lab)
    lab.behind_cache(IMPATIENT, Unbound, {"cache-max-ttl": "1"}).wait_until_ready()
    with ExitStack() as stack:
        small = cast(PublishingNamed, operators.named["small"].servers[0])
        stack.enter_context(small_disk(small.zones, kibibytes=DISK_KIBIBYTES))
        transfers = {name: operators.transfer(name, tmp_path_factory.mktemp(name)) for name in FAULTS}
        stack.enter_context(CLOCK.installed())
        with (
            lab.client([each.watched for each in transfers.values()], rounds_a_second=1.0) as client,
            ThreadPoolExecutor(max_workers=len(transfers)) as pool,
        ):
            ended = {name: pool.submit(to_the_end, name, transfer) for name, transfer in transfers.items()}
        yield Ran(transfers, ended, client.report())


def to_the_end(name: str, transfer: LiveTransfer) -> Score:
    FAULTS[name].story(transfer)
    return transfer.watch_the_end()


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_ends_in_a_safe_transfer_or_in_a_clear_stop(ran: Ran, name: str) -> None:
    score = ran.ended[name].result()
    assert score.is_finished is not FAULTS[name].is_stopped
    assert isinstance(score.verdict, Safe)
    assert not score.needs_attention, told(score)


@pytest.mark.parametrize("name", FAULTS)
def test_every_resolver_answers_rightly_whatever_is_wrong(ran: Ran, name: str) -> None:
    report = ran.report.of(child(name))
    if FAULTS[name].has_dead_server:
        report = Report(tuple(answer for answer in report.answers if not is_of_the_parent(answer)))
    try:
        report.assert_good(at_least=100)
    except AssertionError as error:
        journal = "\n".join(ran.transfers[name].journal)
        pytest.fail(f"{error}\n{journal}", pytrace=False)


def is_of_the_parent(answer: Answer) -> bool:
    """Whether a validator got the parent's NS RRset from the cache before it, without signatures.

    So Unbound answers at times when it does not validate and a server is down, in a domain in which nothing changes as well:
    it is no matter of the transfer.
    """
    is_behind_cache = answer.resolver in (BEHIND_CACHE, IMPATIENT)
    return is_behind_cache and answer.question.rdtype == "NS" and answer.fault == "SERVFAIL"
