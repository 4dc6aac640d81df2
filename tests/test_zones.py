"""Zones and RRsets as values: order, look-ups, what names are, editing, differences, dnspython at the border."""

from __future__ import annotations

import dataclasses
import pickle
import random

import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zone
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.keyring import VALIDITY, csk
from tests.strategies import ORIGIN, child, names, rrsets, signable_zones, zones
from zonekit import rdata as rd
from zonekit import zones as zones_module
from zonekit.denial import Nsec3
from zonekit.errors import DomainNameError, RdataError, TtlError, ZoneError
from zonekit.names import from_wire_name, name_text, order_key, parse_name, to_wire_name
from zonekit.nodes import canonical_record, join_node, pack_record, split_node, ttl_of
from zonekit.signing import sign_zone
from zonekit.ttl import Ttl
from zonekit.zones import BLOCK_OWNERS, NameStatus, RRset, Zone, pack_rrset

SOA = RRset.from_text("example.nl.", 3600, "SOA", "ns1.example.net. admin.example.nl. 7 7200 3600 1209600 300")
NS = RRset.from_text("example.nl.", 86400, "NS", "ns1.example.net.")


def zone_of(*more: RRset) -> Zone:
    return Zone.from_rrsets("example.nl", [SOA, NS, *more])


# ---- RRsets ---------------------------------------------------------------------------------------------------------


@given(names(ORIGIN).flatmap(rrsets), st.randoms(use_true_random=False))
def test_an_rrset_is_the_same_in_any_order_and_with_repetitions(rrset: RRset, shuffler: random.Random) -> None:
    data = [*rrset.rdatas, *rrset.rdatas]
    shuffler.shuffle(data)
    again = RRset(owner=rrset.owner, rdtype=rrset.rdtype, ttl=rrset.ttl, rdatas=tuple(data))
    assert again == rrset and hash(again) == hash(rrset)
    assert len(again.rdatas) == len({rd.canonical_rdata(rrset.rdtype, rdata) for rdata in data})


@given(names(ORIGIN).flatmap(rrsets))
def test_records_stand_in_canonical_order(rrset: RRset) -> None:
    made = rrset.to_dnspython()
    expected = sorted(rdata.to_digestable() for rdata in made)
    assert [rd.canonical_rdata(rrset.rdtype, rdata) for rdata in rrset.rdatas] == expected


@given(names(ORIGIN).flatmap(rrsets))
def test_an_rrset_survives_dnspython_and_text(rrset: RRset) -> None:
    assert RRset.from_dnspython(rrset.to_dnspython()) == rrset
    data = [rd.print_rdata(rrset.rdtype, rdata) for rdata in rrset.rdatas]
    assert RRset.from_text(rrset.name, rrset.ttl, rrset.type_text, *data) == rrset


@given(names(ORIGIN).flatmap(rrsets))
def test_rrsets_with_different_ttls_differ(rrset: RRset) -> None:
    other = rrset.with_ttl(rrset.ttl ^ 1)
    assert other != rrset and other.same_data(rrset)
    assert other.with_ttl(rrset.ttl) == rrset


def test_letter_case_of_names_does_not_count() -> None:
    upper = RRset.from_text("WWW.Example.NL.", 60, "MX", "10 Mail.Example.NL.")
    lower = RRset.from_text("www.example.nl.", 60, "MX", "10 mail.example.nl.")
    assert upper == lower and hash(upper) == hash(lower)
    assert upper.text() == "WWW.Example.NL. 60 IN MX 10 Mail.Example.NL."


def test_an_rrset_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        SOA.ttl = Ttl(1)  # type: ignore[misc]
    made = SOA.to_dnspython()
    made.ttl = 1
    assert SOA.ttl == 3600


@pytest.mark.parametrize(
    ("make", "error", "reason"),
    [
        (lambda: RRset.from_text("a.nl.", 60, "A"), RdataError, "at least one record"),
        (lambda: RRset.from_text("a.nl.", 60, "A", "192.0.2.256"), RdataError, r"bad A data '192\.0\.2\.256'"),
        (lambda: RRset.from_text("a.nl.", 60, "NOPE", "x"), RdataError, "'NOPE' is not a record type"),
        (lambda: RRset.from_text("a.nl.", 60, "ANY", "x"), RdataError, "queries and messages only"),
        (lambda: RRset.from_text("a.nl.", -1, "A", "192.0.2.1"), TtlError, "outside 0 to"),
        (lambda: RRset.from_text("a\udcff.nl.", 60, "A", "192.0.2.1"), DomainNameError, "stands for no octet"),
        (
            lambda: RRset(owner=b"\x00", rdtype=70000, ttl=Ttl(1), rdatas=(b"",)),
            RdataError,
            "70000 is not a type of records in a zone",
        ),
        (lambda: RRset.from_text("a..nl.", 60, "A", "192.0.2.1"), DomainNameError, "empty label"),
        (lambda: RRset.from_text("a.nl.", 60, "CNAME", "b.nl.", "c.nl."), RdataError, "there can be only one"),
        (lambda: RRset(owner=b"\x01a", rdtype=1, ttl=Ttl(1), rdatas=(bytes(4),)), DomainNameError, "cut short"),
        (lambda: RRset(owner=b"\x00", rdtype=1, ttl=Ttl(1), rdatas=(bytes(5),)), RdataError, "bad A data in wire form"),
        (
            lambda: RRset(owner=b"\x00", rdtype=46, ttl=Ttl(1), rdatas=(bytes(19) + b"x",), covers=1),
            RdataError,
            r"covers is 1 and the data says \[0\]",
        ),
    ],
)
def test_what_is_no_rrset_is_refused(make: object, error: type[Exception], reason: str) -> None:
    assert callable(make)
    with pytest.raises(error, match=reason):
        make()


def test_dnspython_rrsets_that_are_relative_or_of_another_class_are_refused() -> None:
    with pytest.raises(RdataError, match="relative"):
        RRset.from_dnspython(dns.rrset.from_text(dns.name.from_text("www", None), 60, "IN", "A", "192.0.2.1"))
    with pytest.raises(RdataError, match="relative"):
        RRset.from_dnspython(dns.rrset.from_text("www.nl.", 60, "IN", "NS", "ns1"))
    with pytest.raises(RdataError, match="class 3"):
        RRset.from_dnspython(dns.rrset.from_text("www.nl.", 60, "CH", "TXT", "x"))


# ---- nodes ----------------------------------------------------------------------------------------------------------


@given(st.lists(names(ORIGIN).flatmap(rrsets), min_size=1, max_size=4))
def test_splitting_a_node_gives_what_was_joined(some: list[RRset]) -> None:
    packed = list({rrset.rdtype: pack_rrset(rrset) for rrset in some}.values())
    node = join_node(packed)
    assert split_node(node) == sorted(packed, key=lambda rrset: rrset[0])
    for rdtype, _, records in split_node(node):
        for record in records:
            rdata = record[10:]
            assert canonical_record(record) == pack_record(rdtype, ttl_of(record), rd.canonical_rdata(rdtype, rdata))


# ---- look-ups and order ---------------------------------------------------------------------------------------------


@given(zones(), st.randoms(use_true_random=False))
def test_a_zone_does_not_depend_on_the_order_of_its_rrsets(zone: Zone, shuffler: random.Random) -> None:
    held = list(zone.rrsets())
    shuffler.shuffle(held)
    again = Zone.from_rrsets("example.nl", held)
    assert again == zone and hash(again) == hash(zone)
    assert [(owner.lower(), node) for owner, node in again.nodes()] == [
        (owner.lower(), node) for owner, node in zone.nodes()
    ]


@given(zones())
def test_owners_stand_in_the_order_dnspython_gives_them(zone: Zone) -> None:
    owners = [from_wire_name(owner) for owner, _ in zone.nodes()]
    assert owners == sorted(owners)
    assert len(owners) == len(set(owners)) == len(zone)


@given(zones(), names(ORIGIN))
def test_look_ups_find_what_is_there_and_nothing_else(zone: Zone, name: bytes) -> None:
    for rrset in zone.rrsets():
        assert zone.get(rrset.name, rrset.rdtype, rrset.covers) == rrset
        assert rrset in zone.rrsets_at(rrset.name)
        assert rrset.name in zone
    asked = from_wire_name(name)
    held = [rrset for rrset in zone.rrsets() if rrset.name == asked]
    assert list(zone.rrsets_at(asked)) == held
    assert (asked in zone) is bool(held)
    assert zone.get(asked, "TYPE65333") is None


def test_names_are_given_as_in_a_zone_file() -> None:
    zone = zone_of(RRset.from_text("www.example.nl.", 60, "A", "192.0.2.1"))
    assert zone.get("www", "a") == zone.get("WWW.example.nl.", 1) == zone.get(dns.name.from_text("www", None), "A")
    assert zone.get("@", "SOA") == zone.soa
    assert zone.get("www.example.org.", "A") is None
    with pytest.raises(DomainNameError):
        zone.get("a..b", "A")
    with pytest.raises(RdataError):
        zone.get("www", "NOPE")


def test_what_the_soa_says() -> None:
    zone = zone_of()
    assert zone.serial == 7
    assert zone.negative_ttl == 300
    assert zone.replace(SOA.with_ttl(60)).negative_ttl == 60
    assert repr(zone) == "<Zone example.nl. serial 7, 1 names>"
    assert zone.origin == dns.name.from_text("example.nl.")


# ---- what names are -------------------------------------------------------------------------------------------------


def brute_force_status(zone: Zone, name: dns.name.Name) -> NameStatus:
    types: dict[dns.name.Name, set[int]] = {}
    for rrset in zone.rrsets():
        if rd.NSEC3 not in (rrset.rdtype, rrset.covers):  # they make no names (RFC 5155 section 7.2.8)
            types.setdefault(rrset.name, set()).add(rrset.rdtype)
    if name == zone.origin:
        return NameStatus.APEX
    if not any(owner.is_subdomain(name) for owner in types) or not name.is_subdomain(zone.origin):
        return NameStatus.ABSENT
    above = name
    while above != zone.origin:
        above = above.parent()
        held = types.get(above, set())
        if rd.DNAME in held or (rd.NS in held and above != zone.origin):
            return NameStatus.OCCLUDED
    if name not in types:
        return NameStatus.EMPTY_NON_TERMINAL
    return NameStatus.DELEGATION if rd.NS in types[name] else NameStatus.AUTHORITATIVE


@given(zones(), names(ORIGIN))
def test_every_name_is_what_the_rfcs_say(zone: Zone, other: bytes) -> None:
    asked = {from_wire_name(other), dns.name.from_text("example.org."), zone.origin}
    for owner, _ in zone.nodes():
        name = from_wire_name(owner)
        while name != zone.origin:
            asked.add(name)
            name = name.parent()
    for name in asked:
        assert zone.status(name) is brute_force_status(zone, name)
    for status in set(NameStatus) - {NameStatus.ABSENT}:
        of_status = {name for name in asked if zone.status(name) is status}
        if status is NameStatus.OCCLUDED:  # a name below a cut that owns nothing is not listed
            of_status = {name for name in of_status if name in zone}
        assert set(zone.names(status)) == of_status


@given(zones())
def test_walking_tells_each_owner_what_status_tells(zone: Zone) -> None:
    for owner, status, packed in zone.walk():
        assert zone.status(from_wire_name(owner)) is status
        assert packed == split_node(zone.node(owner) or b"")
    wild = {owner for owner, status, _ in zone.walk() if owner[:2] == b"\x01*" and status is not NameStatus.OCCLUDED}
    assert set(zone.wildcards()) == {from_wire_name(owner) for owner in wild - {zone.apex}}


@given(zones(), st.integers(1, 3))
def test_what_a_name_is_does_not_depend_on_where_blocks_end(zone: Zone, owners: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zones_module, "BLOCK_OWNERS", owners)
        cut_up = Zone.from_rrsets("example.nl", zone.rrsets())
    assert list(cut_up.walk()) == list(zone.walk())
    for owner, status, _ in zone.walk():
        assert cut_up.status(from_wire_name(owner)) is status


@given(signable_zones())
def test_nsec3_records_make_no_names(zone: Zone) -> None:
    # RFC 5155 section 7.2.8: a server acts as if the owner name of an NSEC3 did not exist.
    signed = sign_zone(zone, [csk()], validity=VALIDITY, denial=Nsec3())
    for status in set(NameStatus) - {NameStatus.ABSENT}:
        assert signed.names(status) == zone.names(status)
    assert signed.wildcards() == zone.wildcards()
    for rrset in signed.rrsets():
        assert signed.status(rrset.name) is zone.status(rrset.name)


@pytest.mark.parametrize(
    ("below", "apex_type", "expected"),
    [
        (None, "TXT", NameStatus.ABSENT),
        ("A", "TXT", NameStatus.EMPTY_NON_TERMINAL),
        ("NSEC3", "TXT", NameStatus.ABSENT),
        (None, "DNAME", NameStatus.ABSENT),
        ("A", "DNAME", NameStatus.OCCLUDED),
    ],
)
def test_the_owner_of_an_nsec3_is_what_it_would_be_without(
    below: str | None, apex_type: str, expected: NameStatus
) -> None:
    hashed = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"
    data = {"A": "192.0.2.1", "NSEC3": f"1 0 0 - {hashed} A", "TXT": '"x"', "DNAME": "example.org."}
    more = [RRset.from_text(f"below.{hashed}.example.nl.", 300, below, data[below])] if below else []
    zone = zone_of(
        RRset.from_text(f"{hashed}.example.nl.", 300, "NSEC3", data["NSEC3"]),
        RRset.from_text("example.nl.", 300, apex_type, data[apex_type]),
        *more,
    )
    assert zone.status(hashed) is expected
    assert [status for owner, status, _ in zone.walk() if owner[1:33] == hashed.encode()] == [expected]
    name = from_wire_name(parse_name(f"{hashed}.example.nl."))
    assert (name in zone.names(NameStatus.EMPTY_NON_TERMINAL)) is (expected is NameStatus.EMPTY_NON_TERMINAL)
    assert name not in zone.names(NameStatus.AUTHORITATIVE)


# ---- glue -----------------------------------------------------------------------------------------------------------


def brute_force_glue(zone: Zone, delegation: dns.name.Name | None = None) -> list[RRset]:
    """The addresses at or below any delegation that an NS RRset names: of this delegation, or of any."""
    held = list(zone.rrsets())
    cuts = [rrset for rrset in held if rrset.rdtype == rd.NS and zone.status(rrset.name) is NameStatus.DELEGATION]
    chosen = [cut for cut in cuts if delegation in (None, cut.name)]
    servers = {rdata.target for cut in chosen for rdata in cut.to_dnspython()}
    return [
        rrset
        for rrset in held
        if rrset.rdtype in (rd.A, rd.AAAA)
        and rrset.name in servers
        and any(rrset.name.is_subdomain(cut.name) for cut in cuts)
    ]


@st.composite
def zones_with_servers(draw: st.DrawFn) -> Zone:
    """Zones whose delegations have servers anywhere in the zone, most of them with addresses."""
    zone = draw(signable_zones(max_names=8))
    owners = [zone.apex, *(owner for owner, _ in zone.nodes())]
    for name in zone.names(NameStatus.DELEGATION):
        cut = to_wire_name(name, zone.apex)
        servers = st.sampled_from([*owners, cut, child(cut, b"ns"), child(child(cut, b"a"), b"NS")])
        rdatas = tuple(draw(st.lists(servers, min_size=1, max_size=3)))
        zone = zone.replace(RRset(owner=cut, rdtype=rd.NS, ttl=Ttl(60), rdatas=rdatas))
        for server in rdatas:
            if not any(rrset.rdtype == rd.CNAME for rrset in zone.rrsets_at(from_wire_name(server))):
                zone = zone.replace(draw(rrsets(server, rdtypes=[rd.A, rd.AAAA, rd.TXT])))
    return zone


@given(zones_with_servers())
def test_glue_is_the_addresses_at_cuts_that_delegations_name(zone: Zone) -> None:
    assert list(zone.glue()) == brute_force_glue(zone)
    of_each = [zone.glue_of(name) for name in zone.names(NameStatus.DELEGATION)]
    assert {rrset for glue in of_each for rrset in glue} == set(zone.glue())
    for name, glue in zip(zone.names(NameStatus.DELEGATION), of_each, strict=True):
        assert list(glue) == brute_force_glue(zone, name)
    for rrset in zone.glue():
        assert zone.status(rrset.name) in (NameStatus.DELEGATION, NameStatus.OCCLUDED)


GLUE_ZONE = [
    (
        "sub",
        "NS",
        "sub.example.nl.",
        "ns1.sub.example.nl.",
        "NS2.other.example.nl.",
        "ns.example.nl.",
        "ns.example.net.",
    ),
    ("other", "NS", "ns2.other.example.nl."),
    ("x", "DNAME", "example.org."),
    ("deeper.sub", "NS", "ns3.sub.example.nl."),
    *[(owner, "A", "192.0.2.1") for owner in ("sub", "ns1.sub", "ns2.other", "ns", "ns3.sub", "www.sub", "ns.x")],
    ("ns1.sub", "AAAA", "2001:db8::1"),
    ("ns1.sub", "TXT", '"x"'),
]


def test_glue_at_the_cut_below_it_and_of_a_sibling_is_found() -> None:
    zone = zone_of(*[RRset.from_text(f"{owner}.example.nl.", 60, kind, *data) for owner, kind, *data in GLUE_ZONE])
    found = [(name_text(rrset.owner).removesuffix(".example.nl."), rrset.type_text) for rrset in zone.glue()]
    # Not ns, which is authoritative; not ns3.sub, which only an occluded delegation names; not www.sub, ns.x or a TXT.
    assert found == [("ns2.other", "A"), ("sub", "A"), ("ns1.sub", "A"), ("ns1.sub", "AAAA")]
    assert tuple(zone.glue()) == zone.glue_of("sub")
    assert [rrset.name for rrset in zone.glue_of("other.example.nl.")] == [dns.name.from_text("ns2.other.example.nl.")]


@pytest.mark.parametrize("name", ["@", "www", "ns", "deeper.sub", "x", "example.org."])
def test_what_is_no_delegation_has_no_glue(name: str) -> None:
    zone = zone_of(*[RRset.from_text(f"{owner}.example.nl.", 60, kind, *data) for owner, kind, *data in GLUE_ZONE])
    with pytest.raises(ZoneError, match="is no delegation; ask for the glue of a name that status calls one"):
        zone.glue_of(name)


# ---- lists of names -------------------------------------------------------------------------------------------------


def test_absent_names_cannot_be_listed() -> None:
    with pytest.raises(ZoneError, match="cannot be listed"):
        zone_of().names(NameStatus.ABSENT)


# ---- editing --------------------------------------------------------------------------------------------------------


@given(zones(), signable_zones())
def test_replacing_everything_makes_the_other_zone(first: Zone, second: Zone) -> None:
    aliases = [rrset.name for zone in (first, second) for rrset in zone.rrsets() if rrset.rdtype == rd.CNAME]
    assume(not any(name in first and name in second for name in aliases))
    changed = first.replace(*second.rrsets())
    for rrset in second.rrsets():
        assert changed.get(rrset.name, rrset.rdtype) == rrset


@given(signable_zones(), st.data())
def test_removing_undoes_adding(zone: Zone, data: st.DataObject) -> None:
    rrset = RRset.from_text("added.below.example.nl.", 60, "TXT", '"x"')
    added = zone.replace(rrset) if zone.get(rrset.name, "TXT") is None else zone
    assert added.remove(rrset.name, "TXT") == zone
    assert rrset.name in added


def test_editing_a_large_zone_touches_one_block() -> None:
    hosts = [RRset.from_text(f"h{number:05}.example.nl.", 60, "A", "192.0.2.1") for number in range(3 * BLOCK_OWNERS)]
    zone = zone_of(*hosts)
    new = RRset.from_text(f"h{BLOCK_OWNERS:05}.example.nl.", 60, "TXT", '"x"')
    changed = zone.replace(new)
    assert changed == zone_of(*hosts, new)
    assert sum(block is not there for block, there in zip(zone.blocks, changed.blocks, strict=True)) == 1
    assert zone.replace(SOA.with_ttl(60)).blocks is zone.blocks
    emptied = zone
    for host in hosts[: BLOCK_OWNERS + 5]:
        emptied = emptied.remove(host.name, "A")
    assert emptied == zone_of(*hosts[BLOCK_OWNERS + 5 :])
    first, last = parse_name("h00010.example.nl."), parse_name("h02500.example.nl.")
    between = [owner for owner, _ in zone.nodes_between(first, last)]
    assert between == [host.owner for host in hosts[10:2501]]


def test_adding_names_one_by_one_leaves_no_trail_of_small_blocks() -> None:
    zone = zone_of(*[RRset.from_text(f"h{n:05}.example.nl.", 60, "A", "192.0.2.1") for n in range(BLOCK_OWNERS)])
    for number in range(50):
        zone = zone.replace(RRset.from_text(f"i{number}.example.nl.", 60, "A", "192.0.2.1"))
    assert len(zone.blocks) == 1


def test_the_letter_case_of_owners_is_that_of_the_zone() -> None:
    zone = zone_of(
        RRset.from_text("Www.example.nl.", 60, "A", "192.0.2.1"), RRset.from_text("Www.example.nl.", 60, "TXT", '"x"')
    )
    found = zone.get("www", "A")
    assert found is not None and found.text().startswith("Www.example.nl. ")
    assert zone.rrsets_at("WWW")[0].text().startswith("Www.example.nl. ")
    changed = zone.remove("www", "A").replace(RRset.from_text("WWW.example.nl.", 60, "TXT", '"y"'))
    assert [name_text(owner) for owner, _ in changed.nodes()] == ["example.nl.", "Www.example.nl."]


def test_adding_records_joins_them_and_refuses_another_ttl() -> None:
    zone = zone_of(RRset.from_text("www.example.nl.", 60, "A", "192.0.2.1"))
    both = zone.add(RRset.from_text("www.example.nl.", 60, "A", "192.0.2.2", "192.0.2.1"))
    assert both.get("www", "A") == RRset.from_text("www.example.nl.", 60, "A", "192.0.2.1", "192.0.2.2")
    with pytest.raises(ZoneError, match=r"have TTL 60, those to add 61; add them with the same TTL \(RFC 2181"):
        zone.add(RRset.from_text("www.example.nl.", 61, "A", "192.0.2.2"))


@pytest.mark.parametrize(
    ("owner", "rdtype", "first", "second"),
    [
        ("x.example.nl.", "CNAME", "a.nl.", "b.nl."),
        ("x.example.nl.", "DNAME", "a.nl.", "b.nl."),
        ("example.nl.", "SOA", ". . 1 2 3 4 5", ". . 2 2 3 4 5"),
    ],
)
def test_of_some_types_a_second_record_cannot_be_added(owner: str, rdtype: str, first: str, second: str) -> None:
    zone = zone_of().replace(RRset.from_text(owner, 60, rdtype, first))
    assert zone.add(RRset.from_text(owner, 60, rdtype, first)) == zone
    with pytest.raises(RdataError, match=f"{rdtype}: there can be only one"):
        zone.add(RRset.from_text(owner, 60, rdtype, second))


def test_a_full_name_without_its_final_dot_is_relative() -> None:
    zone = zone_of(RRset.from_text("www.example.nl.", 60, "A", "192.0.2.1"))
    assert zone.get("www.example.nl.", "A") is not None
    assert zone.get("www.example.nl", "A") is None
    assert "www.example.nl" not in zone and zone.status("www.example.nl") is NameStatus.ABSENT


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Zone.from_rrsets("example.nl", [NS]), r"example\.nl\.: there is no SOA RRset at the apex"),
        (lambda: Zone.from_rrsets("example.nl", [SOA]), "there is no NS RRset at the apex"),
        (lambda: Zone.from_rrsets("example.org", [SOA, NS]), r"example\.nl\. is outside the zone example\.org\."),
        (lambda: zone_of(NS), "NS RRset is given twice"),
        (
            lambda: zone_of(
                RRset.from_text("a.example.nl.", 60, "CNAME", "b."),
                RRset.from_text("a.example.nl.", 60, "A", "192.0.2.1"),
            ),
            r"a\.example\.nl\.: a CNAME stands beside A.*RFC 1034 section 3\.6\.2",
        ),
        (
            lambda: zone_of(RRset.from_text("x.example.nl.", 60, "SOA", ". . 1 2 3 4 5")),
            r"x\.example\.nl\.: an SOA below the apex example\.nl\.",
        ),
        (
            lambda: zone_of(RRset.from_text("example.nl.", 60, "DS", f"1 13 2 {'00' * 32}")),
            "a DS RRset at the apex; the DS of a zone stands in its parent",
        ),
        (lambda: zone_of().remove("@", "SOA"), "there is no SOA RRset at the apex"),
        (lambda: zone_of().remove("www", "A"), "there is no A RRset to remove"),
        (lambda: zone_of().replace(RRset.from_text("example.org.", 60, "A", "192.0.2.1")), "outside the zone"),
        (lambda: zone_of().apex_rrset(rd.DNSKEY), "there is no DNSKEY RRset at the apex"),
    ],
)
def test_what_is_no_zone_is_refused(make: object, reason: str) -> None:
    assert callable(make)
    with pytest.raises(ZoneError, match=reason):
        make()


def test_a_zone_is_made_by_its_constructors_alone() -> None:
    with pytest.raises(TypeError, match="make a Zone with"):
        Zone()


# ---- differences and equality ---------------------------------------------------------------------------------------


@given(signable_zones(), signable_zones())
def test_a_difference_leads_from_one_zone_to_the_other(older: Zone, newer: Zone) -> None:
    diff = older.diff(newer)
    identities = {(order_key(rrset.owner), rrset.rdtype, rrset.covers): rrset for rrset in older.rrsets()}
    for rrset in diff.removed:
        assert identities.pop((order_key(rrset.owner), rrset.rdtype, rrset.covers)) == rrset
    for was, now in diff.changed:
        assert identities[order_key(was.owner), was.rdtype, was.covers] == was != now
        identities[order_key(was.owner), was.rdtype, was.covers] = now
    for rrset in diff.added:
        assert identities.setdefault((order_key(rrset.owner), rrset.rdtype, rrset.covers), rrset) is rrset
    assert Zone.from_rrsets("example.nl", identities.values()) == newer
    assert bool(diff) is (older != newer)
    assert newer.diff(older).added == diff.removed


@given(zones())
def test_a_zone_equals_itself_and_what_it_survives(zone: Zone) -> None:
    assert not zone.diff(zone)
    assert pickle.loads(pickle.dumps(zone)) == zone
    assert Zone.from_dnspython(zone.to_dnspython()) == zone


def test_a_ttl_makes_a_difference_and_letter_case_does_not() -> None:
    zone = zone_of(RRset.from_text("www.example.nl.", 60, "A", "192.0.2.1"))
    assert zone == zone_of(RRset.from_text("WWW.example.nl.", 60, "A", "192.0.2.1"))
    other = zone_of(RRset.from_text("www.example.nl.", 61, "A", "192.0.2.1"))
    assert zone != other
    assert zone.diff(other).text() == "-www.example.nl. 60 IN A 192.0.2.1\n+www.example.nl. 61 IN A 192.0.2.1"
    assert zone != "example.nl."


def test_zones_of_different_names_have_no_difference_to_speak_of() -> None:
    elsewhere = Zone.from_rrsets(
        "example.org",
        [
            RRset.from_text("example.org.", 60, "SOA", ". . 1 2 3 4 5"),
            RRset.from_text("example.org.", 60, "NS", "ns1.example.net."),
        ],
    )
    with pytest.raises(ZoneError, match=r"example\.nl\. and example\.org\. are different zones"):
        zone_of().diff(elsewhere)
    assert zone_of() != elsewhere


# ---- dnspython ------------------------------------------------------------------------------------------------------


def test_a_relativized_dnspython_zone_is_taken() -> None:
    text = "@ 60 SOA ns1 admin 7 7200 3600 1209600 300\n@ 60 NS ns1\nns1 60 A 192.0.2.1\n"
    for relativize in (True, False):
        zone = Zone.from_dnspython(dns.zone.from_text(text, "example.nl.", relativize=relativize))
        assert zone.get("@", "NS") == RRset.from_text("example.nl.", 60, "NS", "ns1.example.nl.")


def test_dnspython_zones_without_origin_or_of_another_class_are_refused() -> None:
    with pytest.raises(ZoneError, match="has no origin"):
        Zone.from_dnspython(dns.zone.Zone(None))
    with pytest.raises(ZoneError, match="class 3"):
        Zone.from_dnspython(dns.zone.Zone("example.nl.", dns.rdataclass.CH))


@pytest.mark.parametrize("rdtype", [0, 41, 250, 252, 255, 2**16])
def test_what_is_no_type_of_records_in_a_zone_is_refused(rdtype: int) -> None:
    with pytest.raises(RdataError, match="not a type of records in a zone"):
        RRset(owner=ORIGIN, rdtype=rdtype, ttl=Ttl(60), rdatas=(b"\x00" * 20,))
