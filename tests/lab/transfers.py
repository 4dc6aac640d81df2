"""One whole transfer, carried out by nothing but what the score says, with zonekit's steps and files.

What a :class:`LiveTransfer` knows of the transfer is what an operator's staff would: the file ``transfer.toml``, and at each
look the steps that may begin. It takes the first of them by the means of whoever has to (:mod:`tests.lab.sides`), and holds
the score against what it did: nothing is done that was not, and what was done is seen to be.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Final

from dns.name import Name

from tests.lab.asking import query
from tests.lab.client import Security, Watched
from tests.lab.laboratory import Lab
from tests.lab.parent import DELEGATION_TTL, NEGATIVE_TTL, now
from tests.lab.sides import LOWERED_TTL, LosingSide, Registrar, Scanner, WithFiles
from tests.lab.zones import TTL
from zonekit import rdata as rd
from zonekit.dnskeys import Dnskey, dnskey_signers, keys_to_take, parse_dnskeys
from zonekit.findings import Severity
from zonekit.status import Transfer, look_at, open_transfer
from zonekit.transfer.claims import Rest, rest_of
from zonekit.transfer.course import Said
from zonekit.transfer.score import Score, Stage, StepScore
from zonekit.transfer.steps import Actor, Effect, Flow, Step
from zonekit.zones import RRset, Zone

RESTORED_TTL: Final = 6
"""The TTLs of the gaining NS and DNSKEY RRsets that are to stay."""
LARGEST_TTL: Final = 3 * TTL
"""That of any record in the zones of :mod:`tests.lab.zones`."""
LONGEST_STEP: Final = 20.0
"""For so many seconds at most a step may not show after it was taken."""
LONGEST_TRANSFER: Final = 180.0
_PAUSE: Final = 0.3
_LONGEST_PAUSE: Final = 2.0
_ANSWERED: Final = 1.0
"""So many seconds after it was asked a question is not answered with what comes then."""
_ROUNDED: Final = 3  # each cache counts whole seconds, and the second server of the parent changes later than the first
_SECURED: Final = timedelta(seconds=NEGATIVE_TTL + LARGEST_TTL + _ROUNDED)
"""From when the DS is back until no cache has anything that was found insecure."""
_UNSECURED: Final = timedelta(seconds=DELEGATION_TTL + TTL + LARGEST_TTL + _ROUNDED)
"""From when the DS is gone until no cache has anything that was found secure: some trust a DNSKEY RRset for as long as they
keep it."""


class TransferFailed(AssertionError):
    """The transfer did not go as the score says, or the score did not say what is true."""


@dataclass
class LiveTransfer:
    """A transfer in the laboratory.

    Attributes:
        lab: where it takes place.
        directory: a directory of its own, with ``transfer.toml`` and the gaining zone's file.
        origin: the domain.
        flow: the flow.
        losing: who has the domain.
        gaining: who gets it; its zone is made, and served when the flow says so.
        watched: the domain as the client watches it; what is expected of its security is changed with what is done.
        tolerated: codes of findings of severity ERROR that do not fail the transfer.
        taken: the ids of the steps that were taken, in their order.
        began: when each was begun.
        journal: what was done and seen, for the report of a failure.
    """

    lab: Lab
    directory: Path
    origin: Name
    flow: Flow
    losing: LosingSide
    gaining: WithFiles
    watched: Watched
    tolerated: frozenset[str] = frozenset()
    taken: list[str] = field(default_factory=list)
    began: dict[str, datetime] = field(default_factory=dict)
    journal: list[str] = field(default_factory=list)
    looks: int = 0
    _expected: tuple[datetime, Security] | None = None
    _deadline: float = field(default_factory=lambda: time.monotonic() + LONGEST_TRANSFER)

    def __post_init__(self) -> None:
        self.registrar = Registrar(self.lab.parent, self.origin)
        self.scanner = Scanner(self.lab.parent, self.origin, self.directory)
        self.file = self.directory / "transfer.toml"
        self.file.write_text(self.toml())
        self.transfer: Transfer = open_transfer(self.file)

    def toml(self) -> str:
        """The file of the transfer: whom to ask, and what servers do not show."""
        return f"""domain = "{self.origin}"
[transfer]
flow = "{self.flow.value}"
[servers]
losing = {_servers(self.losing.operator.hosts, self.losing.operator.addresses)}
gaining = {_servers(self.gaining.operator.hosts, self.gaining.operator.addresses)}
parent = {_servers(self.lab.parent.hosts, [server.address for server in self.lab.parent.servers])}
[files]
gaining_zone = "{self.gaining.path.name}"
[losing]
{self._losing_ttls}
data_ttl = {LARGEST_TTL}
propagation_delay = 1
[gaining]
data_ttl = {LARGEST_TTL}
ns_ttl = {RESTORED_TTL}
{f"dnskey_ttl = {RESTORED_TTL}" if self.gaining.keys else ""}
propagation_delay = 1
[parent]
{"" if self._has_ds else f"ds_ttl = {DELEGATION_TTL}"}
negative_ttl = {NEGATIVE_TTL}
propagation_delay = 1
registration_delay = 1
scan_delay = 5
check_delay = 1
channels = ["request", "key-relay", "scanning"]
[timing]
lowered_ttl = {LOWERED_TTL}
approval_delay = 5
"""

    @property
    def _losing_ttls(self) -> str:
        """The TTLs of the losing apex; those that are low from the beginning have never been higher."""
        served = {
            name: self._losing_apex.get("@", rdtype) for name, rdtype in (("ns_ttl", rd.NS), ("dnskey_ttl", rd.DNSKEY))
        }
        return "\n".join(f"{name} = {rrset.ttl}" for name, rrset in served.items() if rrset is not None)

    @property
    def _has_ds(self) -> bool:
        return self.lab.parent.zone.get(self.origin, "DS") is not None

    # ---- looking ----------------------------------------------------------------------------------------------------

    def look(self, said: Iterable[Said] = ()) -> Score:
        """Look at the transfer; nothing may be wrong, and nothing done that was not."""
        score = look_at(self.transfer, said=said)
        self.looks += 1
        self._meet_expectation()
        wrong = [each for each in score.at_least(Severity.ERROR) if each.code not in self.tolerated]
        if wrong:
            raise self._failed(score, "; ".join(map(str, wrong)))
        for step in score.steps:
            if step.stage in (Stage.DONE, Stage.UNDER_WAY) and step.id not in self.taken and not _shows_by_itself(step):
                raise self._failed(score, f"{step.id} is {step.stage.value}, and nobody has taken it")
        undone = [step_id for step_id in self.taken if score.step(step_id).stage is not Stage.DONE]
        if undone and undone != self.taken[-1:]:
            raise self._failed(score, f"{', '.join(undone)}: done before, and no more")
        return score

    def say(self, text: str) -> None:
        """Write something down."""
        self.journal.append(f"{now():%H:%M:%S} {text}")

    def _failed(self, score: Score, why: str) -> TransferFailed:
        stages = "\n".join(f"  {step.id}: {step.stage.value}{_why(step)}" for step in score.steps)
        told = "\n".join(self.journal)
        return TransferFailed(f"{self.origin}, {self.flow.value}: {why}\n{score.at:%H:%M:%S}\n{stages}\n{told}")

    # ---- carrying it out --------------------------------------------------------------------------------------------

    def carry_out(self, *, until: str | None = None, before: Callable[[StepScore], None] | None = None) -> Score:
        """Take every step that may begin, one after the other, until all are done, or one comes that is named.

        Args:
            until: the id of the step before which to stop.
            before: is called before each step that is taken.
        """
        score = self._look_until(_is_to_go_on, "something is to be done or waited for")
        while not score.is_finished:
            if time.monotonic() > self._deadline:
                raise self._failed(score, f"not at its end after {LONGEST_TRANSFER} s")
            if score.next_steps:
                step = score.next_steps[0]
                if step.id == until:
                    return score
                if before is not None:
                    before(step)
                self.take(step)
            else:
                self._sleep(score)
            score = self._look_until(_is_to_go_on, "something is to be done or waited for")
        return score

    def take(self, step: StepScore) -> Score:
        """Take a step that was not taken yet, and look until it shows."""
        started = self.began[step.id] = now()
        self.say(f"{step.id} begins")
        self.act(step.planned.step)
        self.taken.append(step.id)
        said: list[Said] = []
        if rest_of(step.planned.step) is Rest.PEOPLE:
            who = f"the {step.actor.value}"
            said = [Said(step_id=step.id, by=who, when=now(), started=started, completed=now())]
        score = self._look_until(lambda found: found.step(step.id).stage is Stage.DONE, f"{step.id} is done", said)
        self.say(f"{step.id} is done: {score.step(step.id).by}")
        return score

    def act(self, step: Step) -> None:
        """Do what a step says by the means of whoever takes it."""
        match step.effect:
            case Effect.GAINING_KEYS_AT_LOSING:
                self.losing.publish_keys(parse_dnskeys(self.gaining.keys))
            case Effect.LOSING_KEYS_AT_GAINING:
                self.gaining.publish_keys(self.losing_keys_to_take)
            case Effect.TTLS_LOWERED:
                self.losing.lower_ttls()
            case Effect.GAINING_SERVES:
                self.gaining.serve()
            case Effect.NS_AT_LOSING if self.flow is Flow.SCANNING_PARENT:
                self.losing.change_ns(self.gaining.operator.hosts)
                self.losing.publish_csync()
            case Effect.NS_AT_LOSING:
                self.losing.change_ns(self.gaining.operator.hosts)
            case Effect.LOSING_KEYS_WITHDRAWN:
                self.gaining.withdraw_keys(self.losing_keys_to_take)
            case Effect.LOSING_STOPS:
                self.losing.stop()
            case Effect.GAINING_TTLS_RESTORED:
                self.gaining.restore_ttls()
            case Effect.SHARED_SERVE:
                raise NotImplementedError("the operators of the laboratory share no server")
            case None:
                self._act_without_effect(step)
            case _ if step.actor is Actor.SCANNER:
                self._scan(step)
            case _:
                self._ask_parent(step)

    def _ask_parent(self, step: Step) -> None:
        match step.effect:
            case Effect.DS_ADDED if self._has_ds:
                self.registrar.change_ds(self.keys_of_both)
            case Effect.DS_ADDED:
                self._expect_either()
                self.registrar.change_ds(self.gaining_ksks)
                self._expected = (now() + _SECURED, Security.SECURE)
            case Effect.LOSING_DS_REMOVED:
                self.registrar.change_ds(self.gaining_ksks)
            case Effect.ALL_DS_REMOVED:
                self._expect_either()
                self.registrar.change_ds([])
                self._expected = (now() + _UNSECURED, Security.INSECURE)
            case Effect.NS_AT_PARENT:
                self.registrar.change_ns(self.gaining.operator.hosts)
            case _:
                raise NotImplementedError(step.id)

    def _scan(self, step: Step) -> None:
        match step.effect:
            case Effect.DS_ADDED:
                self.scanner.scan_ds(self.losing.operator.addresses)
            case Effect.LOSING_DS_REMOVED:
                self.scanner.scan_ds(self.gaining.operator.addresses)
            case Effect.NS_AT_PARENT:
                self.scanner.scan_ns(self.losing.operator.addresses)
            case _:
                raise NotImplementedError(step.id)

    def _act_without_effect(self, step: Step) -> None:
        match step.id:
            case "cds-published":
                self.losing.publish_cds(self.keys_of_both)
                self.gaining.publish_cds(self.keys_of_both)
            case "cds-alone":
                self.gaining.publish_cds(self.gaining_ksks)
            case _ if rest_of(step) is not Rest.PEOPLE:
                raise NotImplementedError(f"{step.id} shows by itself")

    # ---- keys -------------------------------------------------------------------------------------------------------

    @property
    def gaining_ksks(self) -> tuple[Dnskey, ...]:
        """The gaining keys that a DS is made of."""
        return parse_dnskeys([key for key in self.gaining.keys if key.signs_dnskey])

    @property
    def keys_of_both(self) -> tuple[Dnskey, ...]:
        """The keys of both sides that a DS is made of."""
        losing = [key for key in dnskey_signers(self._losing_apex) if key.is_sep]
        return (*losing, *self.gaining_ksks)

    @property
    def losing_keys_to_take(self) -> tuple[Dnskey, ...]:
        """The losing keys that the gaining zone publishes."""
        return keys_to_take(self._losing_apex)

    @cached_property
    def _losing_apex(self) -> Zone:
        """The apex of the losing zone as its servers give it before anything is done."""
        answers = [
            RRset.from_dnspython(rrset)
            for rdtype in ("SOA", "NS", "DNSKEY")
            for rrset in query(self.losing.operator.addresses[0], self.origin, rdtype, recursion=False).answer
        ]
        return Zone.from_rrsets(self.origin.to_text(), answers)

    # ---- what is expected of the domain -----------------------------------------------------------------------------

    def _expect_either(self) -> None:
        self.watched.security = Security.EITHER
        time.sleep(_ANSWERED)

    def _meet_expectation(self) -> None:
        if self._expected is not None and now() >= self._expected[0]:
            self.watched.security = self._expected[1]
            self._expected = None

    # ---- time -------------------------------------------------------------------------------------------------------

    def _look_until(self, is_so: Callable[[Score], bool], what: str, said: Iterable[Said] = ()) -> Score:
        give_up = time.monotonic() + LONGEST_STEP
        score = self.look(said)
        while not is_so(score):
            if time.monotonic() > give_up:
                raise self._failed(score, f"after {LONGEST_STEP} s it does not show that {what}")
            time.sleep(_PAUSE)
            score = self.look()
        return score

    def _sleep(self, score: Score) -> None:
        """Wait until something may begin, with a look now and then."""
        waiting = [step.until for step in score.steps if step.stage is Stage.WAITS and step.until is not None]
        left = min(waiting, default=score.at) - datetime.now(UTC)
        time.sleep(min(max(left.total_seconds(), _PAUSE), _LONGEST_PAUSE))

    def watch_the_end(self) -> Score:
        """Wait until what is expected of the domain is what it stays at, and the largest TTL has passed, and look again."""
        if self._expected is not None:
            time.sleep(max(0.0, (self._expected[0] - now()).total_seconds()))
            self._meet_expectation()
        time.sleep(LARGEST_TTL)
        return self.look()


def _why(step: StepScore) -> str:
    """What keeps a step that nothing but itself holds up."""
    if step.stage not in (Stage.MISSING, Stage.UNDER_WAY):
        return ""
    return f": {'; '.join((*map(str, step.missing), *sorted(step.lacking)))}"


def _servers(hosts: Sequence[str], addresses: Sequence[str]) -> str:
    listed = ", ".join(f'"{host}" = ["{address}"]' for host, address in zip(hosts, addresses, strict=True))
    return f"{{ {listed} }}"


def _is_to_go_on(score: Score) -> bool:
    """Whether something may begin, or only time keeps it from that, or all is done."""
    return score.is_finished or any(step.stage in (Stage.MAY_BEGIN, Stage.WAITS) for step in score.steps)


def _shows_by_itself(step: StepScore) -> bool:
    """Whether nobody takes a step in the laboratory: time does, or somebody who only looks."""
    if step.actor is Actor.NOBODY:
        return True
    has_no_act = step.planned.step.effect is None and rest_of(step.planned.step) is not Rest.PEOPLE
    return has_no_act and step.id not in _PUBLISHING


_PUBLISHING: Final = frozenset(("cds-published", "cds-alone"))
