"""What a reply says: whose server it comes from, for which zone it speaks, and what it is when it is no answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fake_servers import response
from zonekit import rdata as rd
from zonekit.names import name_text, parse_origin
from zonekit.transfer.answers import Answer, Outcome
from zonekit.transfer.replies import Asked, parse_reply, read_reply
from zonekit.transfer.versions import Source

DOMAIN = "example.nl."
SOA = f"{DOMAIN} 900 SOA ns1.losing.net. admin.losing.net. 1 7200 3600 1209600 300"
PARENT_SOA = "nl. 600 SOA ns1.dns.nl. admin.dns.nl. 1 7200 3600 1209600 3600"
COM_SOA = "com. 600 SOA ns1.dns.com. admin.dns.com. 1 7200 3600 1209600 3600"
NS = (f"{DOMAIN} 86400 NS ns1.losing.net.", f"{DOMAIN} 86400 NS ns1.{DOMAIN}")
GLUE = (f"ns1.{DOMAIN} 7200 A 192.0.2.1", f"ns1.{DOMAIN} 7200 AAAA 2001:db8::1")
DS = f"{DOMAIN} 3600 DS 4711 13 2 {'ab' * 32}"
SIGNATURE = "13 2 3600 20261220000000 20261120000000 4711 example.nl. AAAA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A reply, and what it comes to."""

    source: Source = Source.LOSING
    rdtype: int = rd.NS
    owner: str = DOMAIN
    answer: tuple[str, ...] = ()
    authority: tuple[str, ...] = ()
    additional: tuple[str, ...] = ()
    flags: str = "AA"
    code: str = "NOERROR"
    outcome: Outcome
    problem: str = ""
    negative_ttl: int | None = None
    given: set[str] = field(default_factory=set)

    @property
    def asked(self) -> Asked:
        owner = parse_origin(self.owner)
        return Asked(domain=parse_origin(DOMAIN), source=self.source, owner=owner, rdtype=self.rdtype)

    def octets(self, asked_as: str | None = None) -> bytes:
        query = dns.message.make_query(asked_as or self.owner, rd.type_text(self.rdtype), want_dnssec=True)
        made = response(
            query,
            answer=self.answer,
            authority=self.authority,
            additional=self.additional,
            flags=self.flags,
            code=self.code,
        )
        return made.to_wire()

    def read(self) -> Answer:
        return read_reply(parse_reply(self.octets()), self.asked)


OPERATORS = {
    "the RRset with its signature": Case(
        answer=(*NS, f"{DOMAIN} 86400 RRSIG NS {SIGNATURE}"),
        outcome=Outcome.GIVEN,
        given={"example.nl. NS 86400", "example.nl. RRSIG 86400"},
    ),
    "without its neighbours": Case(
        rdtype=rd.SOA,
        answer=(SOA, f"{DOMAIN} 900 RRSIG NS {SIGNATURE}", "www.example.nl. 60 SOA a. b. 1 2 3 4 5"),
        authority=NS,
        additional=GLUE,
        outcome=Outcome.GIVEN,
        given={"example.nl. SOA 900"},
    ),
    "records that differ in TTL": Case(
        answer=(f"{DOMAIN} 60 NS a.net.", f"{DOMAIN} 86400 NS b.net.", f"{DOMAIN} 600 NS c.net."),
        outcome=Outcome.GIVEN,
        given={"example.nl. NS 86400"},
    ),
    "addresses of a host": Case(
        rdtype=rd.AAAA, owner=f"ns1.{DOMAIN}", answer=GLUE, outcome=Outcome.GIVEN, given={"ns1.example.nl. AAAA 7200"}
    ),
    "no data, by the minimum": Case(rdtype=rd.CDS, authority=(SOA,), outcome=Outcome.THERE_IS_NONE, negative_ttl=300),
    "no data, by the TTL": Case(
        rdtype=rd.CDS, authority=(SOA.replace(" 900 ", " 30 "),), outcome=Outcome.THERE_IS_NONE, negative_ttl=30
    ),
    "no such name": Case(
        rdtype=rd.A,
        owner=f"ns9.{DOMAIN}",
        authority=(SOA,),
        code="NXDOMAIN",
        outcome=Outcome.THERE_IS_NONE,
        negative_ttl=300,
    ),
    "no data and no SOA": Case(rdtype=rd.CDS, outcome=Outcome.THERE_IS_NONE),
    "of the zone above": Case(
        authority=(PARENT_SOA,),
        code="NXDOMAIN",
        outcome=Outcome.NO_AUTHORITY,
        problem="it speaks for nl., and not for example.nl.",
    ),
    "a referral": Case(
        authority=NS, flags="", outcome=Outcome.NO_AUTHORITY, problem="it refers to the servers of example.nl."
    ),
    "a referral with the AA bit": Case(
        authority=(". 60 NS a.root-servers.net.",),
        outcome=Outcome.NO_AUTHORITY,
        problem="it refers to the servers of .",
    ),
    "a cache": Case(
        answer=NS,
        flags="RA",
        outcome=Outcome.NO_AUTHORITY,
        problem="it offers recursion and answers without the AA bit: a resolver, or what one keeps in its cache",
    ),
    "no AA bit": Case(answer=NS, flags="", outcome=Outcome.NO_AUTHORITY, problem="it answers without the AA bit"),
    "an alias": Case(
        rdtype=rd.A,
        owner=f"ns1.{DOMAIN}",
        answer=(f"ns1.{DOMAIN} 60 CNAME a.net.", "a.net. 60 A 192.0.2.1"),
        outcome=Outcome.FAILED,
        problem="ns1.example.nl. is an alias (RFC 2181 section 10.1 and 10.3)",
    ),
    "REFUSED": Case(flags="", code="REFUSED", outcome=Outcome.REFUSED, problem="REFUSED"),
    "NOTAUTH": Case(flags="", code="NOTAUTH", outcome=Outcome.REFUSED, problem="NOTAUTH"),
    "SERVFAIL": Case(flags="", code="SERVFAIL", outcome=Outcome.FAILED, problem="SERVFAIL"),
    "BADVERS": Case(flags="", code="BADVERS", outcome=Outcome.FAILED, problem="BADVERS"),
    "FORMERR": Case(
        flags="",
        code="FORMERR",
        outcome=Outcome.FAILED,
        problem="FORMERR: it may not know EDNS, and no signed zone can do without (RFC 4035)",
    ),
    "NOTIMP": Case(
        flags="",
        code="NOTIMP",
        outcome=Outcome.FAILED,
        problem="NOTIMP: it may not know EDNS, and no signed zone can do without (RFC 4035)",
    ),
    "cut short": Case(
        answer=NS, flags="AA TC", outcome=Outcome.FAILED, problem="the answer is cut short, and there is no longer one"
    ),
    "two SOA records": Case(
        rdtype=rd.SOA,
        answer=(SOA, SOA.replace(" 1 ", " 2 ")),
        outcome=Outcome.UNREADABLE,
        problem="example.nl. SOA: there can be only one",
    ),
}

THE_CHILD = "it serves example.nl. itself, and answers from there and not from the parent"
DELEGATIONS = {
    "a delegation with glue": Case(
        authority=(*NS, DS),
        additional=(*GLUE, "ns1.losing.net. 60 A 192.0.2.9", f"ns7.{DOMAIN} 60 A 192.0.2.7"),
        flags="",
        outcome=Outcome.GIVEN,
        given={"example.nl. NS 86400", "ns1.example.nl. A 7200", "ns1.example.nl. AAAA 7200"},
    ),
    "the child's NS": Case(answer=NS, additional=GLUE, outcome=Outcome.NO_AUTHORITY, problem=THE_CHILD),
    "a cached delegation": Case(
        authority=NS,
        flags="RA",
        outcome=Outcome.NO_AUTHORITY,
        problem="it offers recursion and answers without the AA bit: a resolver, or what one keeps in its cache",
    ),
    "a resolver's answer": Case(
        answer=NS,
        authority=NS,
        flags="",
        outcome=Outcome.NO_AUTHORITY,
        problem="it refers to the servers of example.nl.",
    ),
    "the grandparent": Case(
        authority=("nl. 86400 NS ns1.dns.nl.",),
        flags="",
        outcome=Outcome.NO_AUTHORITY,
        problem="it refers to the servers of nl.",
    ),
    "a zone below": Case(
        authority=("sub.example.nl. 86400 NS ns1.dns.nl.",),
        flags="",
        outcome=Outcome.NO_AUTHORITY,
        problem="it refers to the servers of sub.example.nl.",
    ),
    "not delegated": Case(authority=(PARENT_SOA,), code="NXDOMAIN", outcome=Outcome.THERE_IS_NONE, negative_ttl=600),
    "something else there": Case(authority=(PARENT_SOA,), outcome=Outcome.THERE_IS_NONE, negative_ttl=600),
    "no SOA": Case(
        code="NXDOMAIN",
        outcome=Outcome.NO_AUTHORITY,
        problem="it says that there is none without the SOA record that shows for which zone it speaks",
    ),
    "another zone's": Case(
        authority=(COM_SOA,),
        code="NXDOMAIN",
        outcome=Outcome.NO_AUTHORITY,
        problem="it speaks for com., which is no parent of example.nl.",
    ),
    "the child's no data": Case(authority=(SOA,), outcome=Outcome.NO_AUTHORITY, problem=THE_CHILD),
    "REFUSED": Case(flags="", code="REFUSED", outcome=Outcome.REFUSED, problem="REFUSED"),
}

DS_REPLIES = {
    "the DS with its signature": Case(
        answer=(DS, f"{DOMAIN} 3600 RRSIG DS {SIGNATURE.replace('example.nl.', 'nl.')}"),
        outcome=Outcome.GIVEN,
        given={"example.nl. DS 3600", "example.nl. RRSIG 3600"},
    ),
    "no DS": Case(authority=(PARENT_SOA,), outcome=Outcome.THERE_IS_NONE, negative_ttl=600),
    "the child's no data": Case(authority=(SOA,), outcome=Outcome.NO_AUTHORITY, problem=THE_CHILD),
    "a server that does not know DS": Case(
        authority=NS, flags="", outcome=Outcome.NO_AUTHORITY, problem="it refers to the servers of example.nl."
    ),
    "a cache": Case(
        answer=(DS,),
        flags="RA",
        outcome=Outcome.NO_AUTHORITY,
        problem="it offers recursion and answers without the AA bit: a resolver, or what one keeps in its cache",
    ),
}


def check(case: Case) -> None:
    answer = case.read()
    assert (answer.outcome, answer.problem, answer.negative_ttl) == (case.outcome, case.problem, case.negative_ttl)
    assert {f"{name_text(each.owner)} {each.type_text} {each.ttl}" for each in answer.rrsets} == case.given
    assert (answer.owner, answer.rdtype) == (parse_origin(case.owner), case.rdtype)
    assert (answer.rrset is not None) == (answer.outcome is Outcome.GIVEN)
    assert bool(answer.problem) != answer.outcome.is_answer


@pytest.mark.parametrize("source", [Source.LOSING, Source.GAINING])
@pytest.mark.parametrize("name", OPERATORS)
def test_what_a_server_of_an_operator_says(name: str, source: Source) -> None:
    check(replace(OPERATORS[name], source=source))


@pytest.mark.parametrize("name", DELEGATIONS)
def test_what_a_server_of_the_parent_says_of_the_delegation(name: str) -> None:
    check(replace(DELEGATIONS[name], source=Source.PARENT))


@pytest.mark.parametrize("name", DS_REPLIES)
def test_what_a_server_of_the_parent_says_of_the_ds(name: str) -> None:
    check(replace(DS_REPLIES[name], source=Source.PARENT, rdtype=rd.DS))


def test_every_outcome_that_a_reply_can_have_is_in_the_tables() -> None:
    cases = [*OPERATORS.values(), *DELEGATIONS.values(), *DS_REPLIES.values()]
    assert {case.outcome for case in cases} == set(Outcome) - {Outcome.SILENT, Outcome.UNREACHABLE}


def test_the_records_are_those_of_the_message() -> None:
    answer = OPERATORS["the RRset with its signature"].read()
    assert answer.rrset is not None
    assert answer.rrset.text().splitlines() == [
        "example.nl. 86400 IN NS ns1.losing.net.",
        "example.nl. 86400 IN NS ns1.example.nl.",
    ]
    assert answer.rrsets[1].covers == rd.NS


def test_data_that_no_name_server_takes_is_unreadable() -> None:
    check(
        replace(
            OPERATORS["REFUSED"],
            rdtype=rd.DNSKEY,
            code="NOERROR",
            flags="AA",
            answer=(f"{DOMAIN} 60 DNSKEY \\# 4 01010305",),
            outcome=Outcome.UNREADABLE,
            problem="a DNSKEY without a public key",
        )
    )


@pytest.mark.parametrize("name", OPERATORS)
def test_letter_case_is_of_no_account(name: str) -> None:
    # The question's spelling goes into every name of the reply, by compression.
    case = OPERATORS[name]
    octets = case.octets(case.owner.upper())
    assert case.owner.upper().split(".")[0].encode() in octets
    assert read_reply(parse_reply(octets), case.asked).outcome is case.outcome


@given(st.permutations(OPERATORS["records that differ in TTL"].answer))
def test_the_largest_ttl_counts_wherever_it_stands(records: list[str]) -> None:
    check(replace(OPERATORS["records that differ in TTL"], answer=tuple(records)))


@given(
    name=st.sampled_from(sorted(OPERATORS)),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
    source=st.sampled_from(Source),
)
def test_a_damaged_reply_is_an_answer_or_none_and_never_an_accident(
    name: str, changes: list[tuple[int, int]], source: Source
) -> None:
    octets = bytearray(OPERATORS[name].octets())
    for place, value in changes:
        octets[place % len(octets)] = value
    try:
        message = parse_reply(bytes(octets))
    except Exception:  # which the one who asks takes for unreadable
        return
    answer = read_reply(message, replace(OPERATORS[name], source=source).asked)
    assert bool(answer.problem) != answer.outcome.is_answer


ABOVE = {
    "the apex of the parent": Case(
        source=Source.PARENT,
        rdtype=rd.SOA,
        owner="nl.",
        answer=(PARENT_SOA,),
        outcome=Outcome.GIVEN,
        given={"nl. SOA 600"},
        negative_ttl=600,
    ),
    "a name in the parent": Case(
        source=Source.PARENT,
        rdtype=rd.SOA,
        owner="co.nl.",
        authority=(PARENT_SOA,),
        outcome=Outcome.THERE_IS_NONE,
        negative_ttl=600,
    ),
    "a resolver": Case(
        source=Source.PARENT,
        rdtype=rd.SOA,
        owner="nl.",
        answer=(PARENT_SOA,),
        flags="RA",
        outcome=Outcome.NO_AUTHORITY,
        problem="it offers recursion and answers without the AA bit: a resolver, or what one keeps in its cache",
    ),
}


@pytest.mark.parametrize("name", ABOVE)
def test_the_soa_record_above_the_domain_says_how_long_absence_is_kept(name: str) -> None:
    check(ABOVE[name])
