"""The registry-facilitated flow as stages, each by whoever takes it, for tests that go as far as one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tests.epp import registrars
from tests.epp.operators import DAY, DELAY, LONG, MINUTE
from tests.epp.registrars import Registrar, registrar
from tests.epp.registry import GAINING, LOSING, Registry
from tests.transfer_worlds import GAINING_KEYS
from zonekit import rdata as rd
from zonekit.epp import facilitated
from zonekit.epp.frames import Command, Response
from zonekit.signing import sign_zone
from zonekit.transfer.versions import Source

SETTLED: Final = DELAY + 2 * MINUTE
"""After this every server gives what the first one began to give."""
Send = Callable[[str, Command], Response]


@dataclass
class Course:
    """A transfer under way: the registry and both registrars."""

    registry: Registry
    losing: Registrar
    gaining: Registrar

    @classmethod
    def begun(cls, registry: Registry, send: Send | None = None) -> Course:
        """One that is about to begin; what the registrars say goes over ``send``."""
        over = registry.answer if send is None else send
        return cls(
            registry=registry,
            losing=registrar(LOSING, registry, lambda command: over(LOSING, command)),
            gaining=registrar(GAINING, registry, lambda command: over(GAINING, command)),
        )

    @property
    def now(self) -> datetime:
        """The clock of everybody."""
        return self.registry.now

    def wait_until(self, instant: datetime) -> None:
        """Let time pass until an instant, and everybody look then."""
        self.registry.now = max(self.now, instant)
        self.look()

    def settle(self) -> None:
        """Let time pass until every server has what was changed last, and everybody look."""
        self.wait_until(self.now + SETTLED)

    def look(self) -> None:
        """Let everybody look at all servers."""
        self.registry.look()
        self.losing.look()
        self.gaining.look()

    def poll(self) -> None:
        """Let both registrars take their messages."""
        self.losing.poll_all()
        self.gaining.poll_all()

    def run(self, until: str) -> None:
        """Carry it out until a stage is done."""
        for name in self.stages():
            if name == until:
                return
        raise AssertionError(f"no stage {until}")

    def run_from(self, done: str, until: str) -> None:
        """Carry it further, from the stage after one that is done until another is."""
        names = list(STAGES)
        for name in names[names.index(done) + 1 : names.index(until) + 1]:
            STAGES[name](self)

    def stages(self) -> Iterator[str]:
        """Carry out one stage after the other; each is done when its name comes."""
        for name, stage in STAGES.items():
            stage(self)
            yield name


def say(side: Registrar, command: Command) -> None:
    """Send a command that is to be carried out."""
    response = side.send(command)
    assert response.is_success, [each.message for each in response.results]


def _offer(course: Course) -> None:
    course.gaining.progress = course.gaining.progress.said(
        "requested", "keys-made", at=course.now, by="the registrant and the operator"
    )
    say(course.gaining, registrars.offer(course.gaining))
    course.gaining.progress = course.gaining.progress.said("keys-offered", at=course.now, by="the registry's answer")


def _receipt(course: Course) -> None:
    course.registry.now += MINUTE
    course.losing.poll_all()
    command = registrars.receipt(course.losing)
    say(course.losing, command)
    course.losing.progress = course.losing.progress.said(
        "frozen", "keys-exchanged", at=course.now, by="its own receipt"
    )
    course.poll()


def _merge(course: Course) -> None:
    course.look()
    course.registry.now += MINUTE
    registrars.merge(course.losing)
    registrars.merge_and_serve(course.gaining)
    course.settle()


def _report(course: Course) -> None:
    say(course.losing, registrars.report(course.losing))


def _add_ds(course: Course) -> None:
    course.registry.decide_by_sight(facilitated.add_ds)
    course.settle()


def _announce(course: Course) -> None:
    course.registry.decide_by_sight(facilitated.announce_wait)
    course.poll()


def _ask(course: Course) -> None:
    course.registry.decide(facilitated.ask_auth_info)
    course.poll()


def _give(course: Course) -> None:
    say(course.losing, registrars.auth_info(course.losing))
    # The code went to the registry, and this side has no more to confirm of it.
    course.losing.progress = course.losing.progress.said("authinfo-given", at=course.now, by="the registry's answer")
    course.poll()


def _change_ns(course: Course) -> None:
    case = course.registry.case
    assert case is not None and case.wait is not None
    course.wait_until(case.wait.until)
    course.registry.decide_by_sight(facilitated.change_ns)
    course.poll()
    registrars.follow_ns(course.losing)
    course.settle()


def _request(course: Course) -> None:
    say(course.gaining, registrars.request(course.gaining))
    course.poll()


def _approve(course: Course) -> None:
    course.registry.now += DAY
    say(course.losing, registrars.approval(course.losing))
    course.losing.progress = course.losing.progress.said("domain-transferred", at=course.now, by="its own approval")
    course.poll()


def _allow(course: Course) -> None:
    course.registry.decide(facilitated.allow_removal)
    course.poll()


def _remove(course: Course) -> None:
    case = course.registry.case
    assert case is not None
    course.wait_until(
        max(course.gaining.progress.plan.step("losing-ds-removed").not_before, _not_before(course, "losing-ds-removed"))
    )
    say(course.gaining, registrars.removal(course.gaining))
    course.settle()


def _not_before(course: Course, step_id: str) -> datetime:
    case = course.registry.case
    assert case is not None
    return case.progress.plan.step(step_id).not_before


def _end(course: Course) -> None:
    course.wait_until(_not_before(course, "losing-stopped"))
    registrars.stop(course.losing)
    course.settle()
    course.wait_until(_not_before(course, "losing-keys-withdrawn"))
    registrars.withdraw(course.gaining)
    course.settle()
    course.wait_until(course.now + timedelta(hours=1))
    zone = course.registry.servers.zone(Source.GAINING)
    raised = zone.replace(zone.apex_rrset(rd.NS).with_ttl(86400), zone.apex_rrset(rd.DNSKEY).with_ttl(86400))
    restored = sign_zone(raised, GAINING_KEYS, validity=LONG)
    course.registry.servers.give(Source.GAINING, restored, course.now, "ttls-restored")
    course.settle()


STAGES: Final = {
    "offered": _offer,
    "accepted": _receipt,
    "merged": _merge,
    "reported": _report,
    "ds-added": _add_ds,
    "announced": _announce,
    "asked": _ask,
    "given": _give,
    "ns-changed": _change_ns,
    "requested": _request,
    "approved": _approve,
    "removal-allowed": _allow,
    "ds-removed": _remove,
    "ended": _end,
}
