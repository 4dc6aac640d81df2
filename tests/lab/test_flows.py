"""Whole transfers in the laboratory, all at once: each flow, each kind of operator, watched by a client at every resolver."""

from __future__ import annotations

import enum
import itertools
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import dns.name
import dns.rdatatype
import pytest

from tests.lab.asking import query
from tests.lab.authorities import Authority, KnotServer, NamedServer, NsdServer, PdnsServer
from tests.lab.client import Answer, Report, Security, Watched
from tests.lab.laboratory import Lab
from tests.lab.operators import Operator, policy_text, sign_by_policy, sign_live
from tests.lab.parent import DELEGATION_TTL, new_keys
from tests.lab.resolvers import Unbound
from tests.lab.sides import LOWERED_TTL, LosingPdns, LosingPolicy, LosingSide, WithFiles
from tests.lab.transfers import LARGEST_TTL, RESTORED_TTL, LiveTransfer
from tests.lab.zones import TTL, child, signed_zone, unsigned_zone
from zonekit.denial import Denial, Nsec, Nsec3
from zonekit.ds import make_ds
from zonekit.findings import Severity
from zonekit.status import look_at
from zonekit.transfer.plan import prove
from zonekit.transfer.proof import Safe
from zonekit.transfer.score import Score
from zonekit.transfer.steps import STEPS, Flow
from zonekit.zones import RRset

pytestmark = pytest.mark.xdist_group("lab-flows")

GAINING_SERIAL: Final = 100
INSECURE: Final = (Flow.THROUGH_INSECURE, Flow.TO_UNSIGNED, Flow.FROM_UNSIGNED)
"""The flows in which the domain is insecure for a while, or from the start or to the end."""
STAYS: Final = "kresd"
IMPATIENT: Final = "unbound-impatient"
"""A validator that forgets after a second what the cache behind it keeps: it meets old data with new keys, and the other way."""


@dataclass(frozen=True)
class Case:
    """One transfer.

    Attributes:
        flow: the flow.
        losing: the program of the operator that has the domain, and how it signs.
        gaining: the program of the one that gets it.
        denial: how the gaining zone denies.
    """

    flow: Flow
    losing: str = "named"
    gaining: str = "named"
    denial: Denial = Nsec()


CASES: Final[Mapping[str, Case]] = {
    "files": Case(Flow.OPERATOR_CHANGE),
    "pdns": Case(Flow.OPERATOR_CHANGE, losing="pdns"),
    "policy-to-knot": Case(Flow.OPERATOR_CHANGE, losing="policy", gaining="knot"),
    "policy-to-nsd": Case(Flow.OPERATOR_CHANGE, losing="policy", gaining="nsd"),
    "to-nsec3": Case(Flow.OPERATOR_CHANGE, denial=Nsec3()),
    "insecure": Case(Flow.THROUGH_INSECURE),
    "scanned": Case(Flow.SCANNING_PARENT),
    "registrar": Case(Flow.REGISTRAR_CHANGE),
    "facilitated": Case(Flow.REGISTRY_FACILITATED, gaining="knot"),
    "to-unsigned": Case(Flow.TO_UNSIGNED),
    "from-unsigned": Case(Flow.FROM_UNSIGNED),
}


class Rule(enum.Enum):
    """Something without which a transfer goes wrong."""

    MERGE_BOTH_WAYS = "the gaining zone publishes the losing ZSK too"
    DS_STAYS = "the losing DS stays after the NS change"
    WAIT_FOR_DS = "the NS change waits until no cache holds a DS RRset without the gaining DS"


LONG_TTL: Final = 60
"""What is fetched with this TTL before a transfer outlasts it."""
DELEGATION_TTLS: Final = {
    Rule.MERGE_BOTH_WAYS: (LOWERED_TTL, DELEGATION_TTL),
    Rule.DS_STAYS: (LONG_TTL, DELEGATION_TTL),
    Rule.WAIT_FOR_DS: (LOWERED_TTL, LONG_TTL),
}
"""The TTLs of NS and DS before the transfer, such that every resolver meets what a broken rule leaves behind."""
HELD: Final = "held"
"""A name with a long TTL, which nobody asks for before the NS change."""


@dataclass
class Ran:
    """What came of all transfers.

    Attributes:
        transfers: each of them, by its name.
        ended: how each ended, after a watch over the largest TTL.
        broken: by the rule that was broken, the last score of the transfer.
        report: what the client has seen.
    """

    transfers: Mapping[str, LiveTransfer]
    ended: Mapping[str, Future[Score]]
    broken: Mapping[Rule, Future[Score]]
    report: Report


class Operators:
    """The operators of the laboratory, shared by the transfers."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.losing = lab.operator("losing", NamedServer)
        self.pdns = lab.operator("pdns", PdnsServer)
        self.gaining: dict[str, Operator[Authority]] = {
            "named": lab.operator("gaining", NamedServer),
            "knot": lab.operator("knot", KnotServer),
            "nsd": lab.operator("nsd", NsdServer),
        }

    def losing_side(self, name: str, case: Case, directory: Path) -> LosingSide:
        """The losing operator of a case, with the zone served and delegated."""
        domain = child(name)
        origin = dns.name.from_text(domain)
        operator = self.pdns if case.losing == "pdns" else self.losing
        zone = unsigned_zone(domain, operator.hosts)
        side: LosingSide
        match case.losing:
            case "pdns":
                sign_live(self.pdns, zone)
                side = LosingPdns(self.pdns, origin)
            case "policy":
                sign_by_policy(self.losing, zone, policy=policy_text(dnskey_ttl=LOWERED_TTL), inline=False)
                side = LosingPolicy(self.losing, origin)
            case _ if case.flow is Flow.FROM_UNSIGNED:
                side = WithFiles(self.losing, zone, directory / "losing.zone")
                side.serve()
            case _:
                signed, keys = signed_zone(zone)
                side = WithFiles(self.losing, signed, directory / "losing.zone", keys)
                side.serve()
        answer = query(operator.addresses[-1], domain, "DNSKEY", recursion=False).answer
        dnskeys = [RRset.from_dnspython(each) for each in answer if each.rdtype == dns.rdatatype.DNSKEY]
        ds = make_ds(dnskeys[0], ttl=DELEGATION_TTL) if dnskeys else None
        self.lab.parent.delegate(domain, operator.hosts, ds=ds)
        return side

    def gaining_side(self, name: str, case: Case, directory: Path, *, more: Iterable[RRset] = ()) -> WithFiles:
        """The gaining operator of a case, with the zone in a file."""
        domain, operator = child(name), self.gaining[case.gaining]
        zone = unsigned_zone(domain, operator.hosts, ns_ttl=RESTORED_TTL, serial=GAINING_SERIAL, more=more)
        keys = () if case.flow is Flow.TO_UNSIGNED else new_keys(domain)
        side = WithFiles(operator, zone, directory / "gaining.zone", keys)
        if keys:
            side.sign(case.denial, dnskey_ttl=RESTORED_TTL)
        side.lower_ttls()
        return side

    def to_break(self, rule: Rule, directory: Path) -> LiveTransfer:
        """A transfer between operators with files, in which a rule is to be broken."""
        name = broken_name(rule)
        case = Case(Flow.OPERATOR_CHANGE)
        ns_ttl, ds_ttl = DELEGATION_TTLS[rule]
        held = RRset.from_text(f"{HELD}.{child(name)}", LONG_TTL, "A", "192.0.2.1")
        zone, keys = signed_zone(unsigned_zone(child(name), self.losing.hosts, ns_ttl=ns_ttl, more=[held]))
        losing = WithFiles(self.losing, zone, directory / "losing.zone", keys)
        losing.serve()
        self.lab.parent.delegate(child(name), self.losing.hosts, ds=make_ds(keys[:1], ttl=ds_ttl), ns_ttl=ns_ttl)
        gaining = self.gaining_side(name, case, directory, more=[held])
        watched = Watched(child(name))
        return LiveTransfer(self.lab, directory, losing_origin(name), case.flow, losing, gaining, watched)


@pytest.fixture(scope="module")
def ran(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """All transfers, carried out at the same time in one laboratory."""
    operators = Operators(lab)
    lab.behind_cache(IMPATIENT, Unbound, {"cache-max-ttl": "1"}).wait_until_ready()
    transfers = {}
    for name, case in CASES.items():
        directory = tmp_path_factory.mktemp(name)
        losing = operators.losing_side(name, case, directory)
        gaining = operators.gaining_side(name, case, directory)
        watched = watched_in(name, case)
        transfers[name] = LiveTransfer(lab, directory, losing_origin(name), case.flow, losing, gaining, watched)
    wrong = {rule: operators.to_break(rule, tmp_path_factory.mktemp(rule.name)) for rule in Rule}
    watched = [each.watched for each in (*transfers.values(), *wrong.values())]
    with lab.client(watched) as client, ThreadPoolExecutor(max_workers=len(watched)) as pool:
        ended = {name: pool.submit(to_the_end, transfer) for name, transfer in transfers.items()}
        broken = {rule: pool.submit(go_wrong, transfer, rule) for rule, transfer in wrong.items()}
    return Ran(transfers, ended, broken, client.report())


def watched_in(name: str, case: Case) -> Watched:
    """What the client asks for, and expects at first."""
    security = Security.INSECURE if case.flow is Flow.FROM_UNSIGNED else Security.SECURE
    return Watched(child(name), existing=(("www", "A"), ("long", "TXT")), security=security)


def losing_origin(name: str) -> dns.name.Name:
    return dns.name.from_text(child(name))


def to_the_end(transfer: LiveTransfer) -> Score:
    transfer.carry_out()
    return transfer.watch_the_end()


def broken_name(rule: Rule) -> str:
    return f"broken-{rule.name.lower().replace('_', '-')}"


def go_wrong(transfer: LiveTransfer, rule: Rule) -> Score:
    """Take the steps up to the NS change without asking whether they may be taken, and break a rule."""
    look_at(transfer.transfer)
    lab = transfer.lab
    steps = {step.id: step for step in STEPS[transfer.flow]}
    for step_id in ("gaining-merged", "losing-merged", "ds-added", "gaining-serves"):
        if step_id != "gaining-merged" or rule is not Rule.MERGE_BOTH_WAYS:
            transfer.act(steps[step_id])
            look_at(transfer.transfer)
    if rule is not Rule.WAIT_FOR_DS:
        time.sleep(DELEGATION_TTL + TTL)
    query(lab.resolvers[IMPATIENT].address, f"{HELD}.{transfer.origin}", "A")
    transfer.watched.existing = (*transfer.watched.existing, (HELD, "A"))
    transfer.act(steps["ns-changed"])
    if rule is Rule.DS_STAYS:
        transfer.act(steps["losing-ds-removed"])
    for _ in range(LARGEST_TTL):
        score = look_at(transfer.transfer)
        time.sleep(1)
    return score


@pytest.mark.parametrize("name", CASES)
def test_a_transfer_done_by_what_status_says_comes_to_its_end(ran: Ran, name: str) -> None:
    score = ran.ended[name].result()
    assert score.is_finished
    assert isinstance(prove(score.plan), Safe)
    assert not score.at_least(Severity.WARNING), [str(each) for each in score.findings]


@pytest.mark.parametrize("name", CASES)
def test_at_its_end_the_ttls_are_restored_and_every_resolver_knows_the_gaining_servers_alone(
    lab: Lab, ran: Ran, name: str
) -> None:
    ran.ended[name].result()
    gaining = ran.transfers[name].gaining
    for address in gaining.operator.addresses:
        for rdtype in ("NS", "DNSKEY") if gaining.keys else ("NS",):
            assert query(address, child(name), rdtype, recursion=False).answer[0].ttl == RESTORED_TTL
    for resolver in lab.resolvers.values():
        found = query(resolver.address, child(name), "NS").answer[0]
        assert {str(each.target) for each in found} == set(gaining.operator.hosts)
        assert found.ttl <= RESTORED_TTL


@pytest.mark.parametrize("name", CASES)
def test_every_resolver_answers_rightly_all_the_time(ran: Ran, name: str) -> None:
    transfer = ran.transfers[name]
    report = ran.report.of(child(name))
    if CASES[name].flow in INSECURE:
        report = Report(tuple(answer for answer in report.answers if not is_of_one_that_stays(answer, transfer)))
    try:
        report.assert_good(at_least=100)
    except AssertionError as error:
        told = "\n".join(transfer.journal)
        pytest.fail(f"{error}\n{told}", pytrace=False)


def is_of_one_that_stays(answer: Answer, transfer: LiveTransfer) -> bool:
    """Whether Knot Resolver answers so for it keeps to the child's NS RRset in an insecure domain.

    When the losing servers have stopped, which name themselves to their end, it asks them for as long as it may keep that. And
    it does not return to the parent for the DS either, where the gaining servers go on naming themselves: to it the domain
    stays insecure.
    """
    if answer.resolver != STAYS:
        return False
    if answer.fault == "SERVFAIL" and "losing-ns-changed" not in transfer.taken:
        stopped = transfer.began["losing-stopped"]
        return stopped <= answer.asked <= stopped + timedelta(seconds=TTL + 2)
    added = transfer.began.get("ds-added")
    return answer.fault == "AD not set" and added is not None and added < answer.asked


def test_knot_resolver_stays_in_an_insecure_domain_whose_servers_name_themselves(lab: Lab, ran: Ran) -> None:
    """Of the resolvers it alone takes what the child says of its NS for as good as what the parent does, as the sticky profile.

    It returns to the parent in a domain that is secure, and when it asks for nothing while the NS RRset runs out.
    """
    old, new = (lab.operator(f"sticky-{which}", NamedServer) for which in ("old", "new"))
    domain = child("sticky")
    for operator, address in ((old, "192.0.2.1"), (new, "192.0.2.2")):
        operator.load(unsigned_zone(domain, operator.hosts, address=address))
    lab.parent.delegate(domain, old.hosts)
    led_to: dict[str, str] = {}
    lookups = itertools.count()
    changed_at: float | None = None
    while changed_at is None or time.monotonic() < changed_at + 2 * (DELEGATION_TTL + TTL):
        for name, resolver in lab.resolvers.items():
            (answer,) = query(resolver.address, f"name{next(lookups)}.wild.{domain}", "A").answer
            led_to[name] = str(answer[0])
        if changed_at is None:
            lab.parent.change_ns(domain, new.hosts)
            changed_at = time.monotonic()
        time.sleep(0.2)
    assert {name for name, address in led_to.items() if address == "192.0.2.1"} == {STAYS}


@pytest.mark.parametrize("rule", Rule)
def test_without_this_rule_resolvers_fail_and_the_score_says_so(ran: Ran, rule: Rule) -> None:
    score = ran.broken[rule].result()
    faults = {answer.fault for answer in ran.report.of(child(broken_name(rule))).bad}
    assert "SERVFAIL" in faults
    assert score.needs_attention
    assert not isinstance(prove(score.plan), Safe)
