"""The file of a transfer: what it says, what is seen in its place, and what is refused where neither says it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.keyring import NOW
from tests.rounds import QUESTION, round_of
from tests.transfer_worlds import GAINING, LOSING, LOSING_SERVERS, World, world_at
from zonekit import rdata as rd
from zonekit.errors import PlanError
from zonekit.names import name_text
from zonekit.transfer.answers import Answer, Outcome, Round
from zonekit.transfer.facts import Facts
from zonekit.transfer.glimpses import Elsewhere, glimpses_of, parent_negative_ttl, parties_of
from zonekit.transfer.sightings import THERE_IS_NONE
from zonekit.transfer.steps import Flow
from zonekit.transfer.transferfile import read_transfer
from zonekit.transfer.versions import Source
from zonekit.ttl import Ttl

SERVERS = """\
domain = "example.nl"
[servers.losing]
"NS1.losing.example" = ["192.0.2.1", "2001:db8::1@5353"]
[servers.gaining]
"ns1.gaining.example" = []
[servers.parent]
"ns1.dns.nl" = ["203.0.113.1"]
"""
KNOWN = """\
[losing]
data_ttl = "1d"
propagation_delay = "5m"
[gaining]
ns_ttl = "2h"
data_ttl = "1d"
propagation_delay = "5m"
[parent]
propagation_delay = "5m"
registration_delay = "5m"
"""
NEGATIVE = Ttl(900)


def seen_in(world: World) -> Round:
    return round_of(world, NOW)


def facts(text: str, *, world: World | None = None, negative_ttl: Ttl | None = NEGATIVE) -> Facts:
    found = seen_in(world or World())
    glimpses = glimpses_of(found, parties_of(found), elsewhere=Elsewhere(gaining=GAINING), may_stop=False)
    return read_transfer(text).facts(glimpses[0].sighting, negative_ttl=negative_ttl)


def test_what_the_file_does_not_say_is_taken_from_what_is_seen() -> None:
    made = facts(SERVERS + KNOWN)
    assert made.losing.ns_ttl == 86400 and made.losing.is_signed and made.parent.ds
    assert (made.parent.ds_ttl, made.parent.ns_ttl, made.parent.negative_ttl) == (3600, 2 * 86400, 900)


def test_what_the_apex_does_not_show_a_whole_zone_does_unless_the_file_says_it() -> None:
    found = seen_in(World())
    seen = glimpses_of(found, parties_of(found), elsewhere=Elsewhere(gaining=GAINING), may_stop=False)[0].sighting
    without = SERVERS + KNOWN.replace('data_ttl = "1d"\n', "", 1)
    whole = {Source.LOSING: LOSING, Source.GAINING: GAINING}
    made = read_transfer(without).facts(seen, negative_ttl=NEGATIVE, whole=whole)
    assert (made.losing.data_ttl, made.gaining.data_ttl) == (7200, 86400)


def test_what_the_file_says_outweighs_what_is_seen() -> None:
    made = facts(SERVERS + KNOWN.replace("[parent]", '[parent]\nds_ttl = "7d"\nnegative_ttl = "1h"'))
    assert (made.gaining.ns_ttl, made.parent.ds_ttl, made.parent.negative_ttl) == (7200, 7 * 86400, 3600)


@pytest.mark.parametrize(
    ("without", "told"),
    [
        (
            'data_ttl = "1d"\n',
            "losing.data_ttl: is missing; give the largest TTL in the zone; zonekit show ZONE prints it",
        ),
        ('propagation_delay = "5m"\n', "losing.propagation_delay: is missing; "),
        ('registration_delay = "5m"\n', "parent.registration_delay: is missing; say how long the registry takes"),
    ],
)
def test_what_neither_says_is_named_with_the_way_to_find_it(without: str, told: str) -> None:
    with pytest.raises(PlanError, match=f"^{re.escape(told)}"):
        facts(SERVERS + KNOWN.replace(without, "", 1))


def test_a_parent_that_does_not_say_how_long_absence_is_kept_is_to_be_asked() -> None:
    with pytest.raises(PlanError, match=r"^parent.negative_ttl: is missing; take the least of the TTL"):
        facts(SERVERS + KNOWN, negative_ttl=None)


def test_a_parent_without_a_ds_does_not_show_its_ttl() -> None:
    with pytest.raises(PlanError, match=r"^parent.ds_ttl: is missing; "):
        facts(SERVERS + KNOWN, world=World(ds=THERE_IS_NONE))


@pytest.mark.parametrize("seen", [True, False])
def test_where_no_server_answers_the_file_has_to_say_everything(seen: bool) -> None:
    world = World(losing=THERE_IS_NONE)
    with pytest.raises(PlanError, match=r"^losing(\.keys)?: is (missing|not given, and was not seen); "):
        if seen:
            facts(SERVERS + KNOWN, world=world)
        else:
            read_transfer(SERVERS).facts(None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("domain = ", "is not TOML: "),
        (SERVERS.replace('domain = "example.nl"\n', ""), "domain: is missing; say which domain it is"),
        ('domain = "example.nl"\n', "servers: is missing; name the servers"),
        (SERVERS.replace('"example.nl"', '"-.."'), "domain: "),
        (SERVERS.replace('"example.nl"', "7"), "domain: is int and not a text"),
        (SERVERS.split("[servers.parent]")[0], "servers.parent: is missing"),
        (SERVERS.replace('"ns1.dns.nl" = ["203.0.113.1"]\n', ""), "servers.parent: names no server; "),
        (SERVERS.replace("203.0.113.1", "203.0.113"), "servers.parent.ns1.dns.nl: "),
        (SERVERS.replace("@5353", "@0"), "servers.losing.NS1.losing.example[1]: 0 is no port; write ADDRESS@PORT"),
        (SERVERS.replace("@5353", "@65536"), "servers.losing.NS1.losing.example[1]: 65536 is no port"),
        (SERVERS.replace("@5353", "@\u0663"), "servers.losing.NS1.losing.example[1]: "),
        (SERVERS + "[transfer]\nflow = 'sideways'\n", "transfer.flow: 'sideways' is not known"),
        (SERVERS + "[transfer]\nwhen = 'now'\n", "transfer.when: there is no such field"),
        (SERVERS + "[files]\nstates = 'x'\n", "files.states: there is no such field"),
    ],
)
def test_a_file_that_says_something_else_is_refused_with_the_path(text: str, told: str) -> None:
    with pytest.raises(PlanError, match=f"^{re.escape(told)}"):
        read_transfer(text)


def test_a_party_that_is_no_table_is_refused() -> None:
    with pytest.raises(PlanError, match=r"^parent: is no table"):
        facts("parent = 1\n" + SERVERS)


def test_the_servers_are_asked_at_the_addresses_that_the_file_or_a_look_up_gives() -> None:
    file = read_transfer(SERVERS)
    assert file.names_to_find == ("ns1.gaining.example.",)
    question = file.question({"ns1.gaining.example.": ["198.51.100.1"]}, ["ns.example.nl.", "ns.example.org."])
    assert [str(server) for server in question.servers] == [
        "ns1.dns.nl. (203.0.113.1)",
        "ns1.losing.example. (192.0.2.1)",
        "ns1.losing.example. (2001:db8::1@5353)",
        "ns1.gaining.example. (198.51.100.1)",
    ]
    assert question.hosts == {"ns.example.nl."}
    with pytest.raises(PlanError, match=r"^example.nl.: ns1.gaining.example. of the gaining side has no address"):
        file.question({})


# ---- how long the parent lets it be held that there is no DS --------------------------------------------------------


def test_the_parent_is_asked_for_the_soa_record_above_the_domain() -> None:
    asked = [(name_text(owner), rd.type_text(rdtype)) for owner, rdtype in QUESTION.of(Source.PARENT)]
    assert asked == [("example.nl.", "NS"), ("example.nl.", "DS"), ("nl.", "SOA")]
    assert name_text(replace(QUESTION, domain="nl").above) == "."


@pytest.mark.parametrize(("said", "known"), [((), None), ((600,), Ttl(600)), ((600, 900), Ttl(900))])
def test_the_longest_that_any_server_of_the_parent_says_counts(said: tuple[int, ...], known: Ttl | None) -> None:
    found = seen_in(World())
    parent = [each.server for each in found.of(Source.PARENT)]
    ttls = dict(zip(parent, said, strict=False))

    def with_ttl(answer: Answer, ttl: int | None) -> Answer:
        is_soa = answer.rdtype == rd.SOA and ttl is not None
        return replace(answer, outcome=Outcome.THERE_IS_NONE, negative_ttl=Ttl(ttl or 0)) if is_soa else answer

    answered = tuple(
        replace(each, answers=tuple(with_ttl(answer, ttls.get(each.server)) for answer in each.answers))
        for each in found.found
    )
    assert parent_negative_ttl(replace(found, found=answered)) == known


LOW = World(losing=world_at(Flow.OPERATOR_CHANGE, "ttls-lowered").losing)
SAID_TTLS = 'ns_ttl = "1d"\ndnskey_ttl = "2d"\n'
IN_LEDGER = "".join(
    f'[[ledger]]\nsource = "losing"\nrecord = "{record}"\nttl = "2d"\nuntil = 2026-11-20T12:00:00Z\n'
    for record in ("NS", "DNSKEY")
)


def test_ttls_that_may_have_been_lowered_already_are_not_taken_for_those_of_before() -> None:
    with pytest.raises(PlanError, match=r"^losing\.ns_ttl: is 600 as served, no more than what it is to be lowered to"):
        facts(SERVERS + KNOWN, world=LOW)
    with pytest.raises(
        PlanError, match=r"^losing\.dnskey_ttl: is 600 as served, no more than what it is to be lowered to"
    ):
        facts(SERVERS + KNOWN.replace("[losing]", "[losing]\nns_ttl = 600"), world=LOW)
    made = facts(SERVERS + KNOWN.replace("[losing]", f"[losing]\n{SAID_TTLS}"), world=LOW)
    assert (made.losing.ns_ttl, made.losing.dnskey_ttl) == (86400, 2 * 86400)
    assert facts(SERVERS + KNOWN + IN_LEDGER, world=LOW).losing.dnskey_ttl == 600


def test_low_ttls_are_taken_as_they_are_where_nobody_lowers_any() -> None:
    text = SERVERS + KNOWN.replace("[losing]", '[losing]\ncan = ["import-zsk", "import-ksk", "re-sign", "serve-on"]')
    assert facts(text, world=LOW).losing.dnskey_ttl == 600


def test_where_the_gaining_ds_is_at_the_parent_already_the_file_says_what_was_there_before() -> None:
    begun = World(ds=world_at(Flow.OPERATOR_CHANGE, "ds-added").ds)
    with pytest.raises(PlanError, match=r"the transfer has begun; .*give as ds under parent"):
        facts(SERVERS + KNOWN, world=begun)
    before = facts(SERVERS + KNOWN).parent
    (entry,) = before.ds
    said = f'[parent]\nds = [{{ key = "{entry.key.name}", digest_type = 2 }}]'
    assert facts(SERVERS + KNOWN.replace("[parent]", said), world=begun).parent == before


def test_the_case_of_the_domain_does_not_matter() -> None:
    assert read_transfer(SERVERS.replace("example.nl", "Example.NL")).domain == "example.nl."


def test_a_domain_that_the_parent_does_not_delegate_is_told_as_that() -> None:
    with pytest.raises(PlanError, match=r"^example\.nl\.: the parent has no NS RRset for it; "):
        facts(SERVERS + KNOWN, world=World(ns=THERE_IS_NONE))


def test_where_the_losing_zone_names_the_gaining_servers_already_the_file_says_which_it_named_before() -> None:
    moved = World(losing=world_at(Flow.OPERATOR_CHANGE, "losing-ns-changed").losing)
    text = SERVERS + KNOWN.replace("[losing]", f"[losing]\n{SAID_TTLS}")
    with pytest.raises(PlanError, match=r"^losing\.name_servers: the losing zone names .* already"):
        facts(text, world=moved)
    said = '[losing]\nname_servers = ["ns1.losing.example", "ns2.losing.example"]'
    assert facts(text.replace("[losing]", said), world=moved).losing.name_servers == frozenset(LOSING_SERVERS)
