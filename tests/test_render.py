"""What is printed reads back as what it was, named and the others take it, and nothing gets out of its place."""

from __future__ import annotations

import ipaddress
import itertools
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import dns.zone
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.peers import assert_accepted, named_checkzone, named_compilezone, run_peer
from tests.strategies import ORIGIN, names, rrsets, zones
from zonekit import rdata as rd
from zonekit.algorithms import Algorithm
from zonekit.denial import Denial, Nsec, Nsec3, OptOut
from zonekit.ds import make_ds
from zonekit.errors import AlgorithmError, DomainNameError, RenderError
from zonekit.executing import UNDER_WAY
from zonekit.keys import SEP_FLAG, KeyRole
from zonekit.names import WireName, from_wire_name, name_text, parse_name, parse_origin
from zonekit.nodes import pack_record
from zonekit.render import (
    DnssecPolicy,
    Handover,
    InlineSigning,
    PolicyKey,
    Secondary,
    XmlElement,
    iter_zone_text,
    render_dnssec_policy,
    render_handover_sheet,
    render_policy_stanza,
    render_presigned_stanza,
    render_template,
    render_zone,
)
from zonekit.ttl import MAX_TTL, Ttl
from zonekit.zonefile import parse_zone
from zonekit.zones import Block, RRset, Zone, cut_blocks

# BIND's own test of a zone's sense, which random zones do not have, is off; what it can read is not.
LENIENT = (
    "-i",
    "none",
    "-k",
    "ignore",
    "-n",
    "ignore",
    "-m",
    "ignore",
    "-M",
    "ignore",
    "-S",
    "ignore",
    "-r",
    "ignore",
    "-T",
    "ignore",
)

KSK_TEXT = "257 3 13 ae7FigQ1L396CIH3K3e5PuYrnOjE4H+3mUcS+KPocCm7+n5vnmG8dDpO3sP4yd6AEYHlu35knU5dBVIbXqTk8Q=="
ZSK_TEXT = "256 3 13 Xf+uaPmMoU/bW90i0KzBvRoQ7vdOnRlfgeuEioAVRx3LzNtxIhNyZitKJn/o+ljnfv4R1ZG+S1O+ZDINNtVY7Q=="
DS_TEXT = "23348 13 2 96C5AC54692254B05E839ECE6F8474CE65312BBCD70441D1BC48BE3707E8B1EB"
SIGNATURE_TEXT = "13 2 3600 20261205120000 20261121110000 62053 example.nl. c2lnbmF0dXJl"


def same_records(zone: Zone, other: Zone) -> bool:
    """Equal to the octet: TTLs and letter case too, which a zone's own equality leaves out of account."""
    return list(zone.nodes()) == list(other.nodes())


def zone_of(*lines: str, origin: str = "example.nl.") -> Zone:
    head = "@ 3600 SOA ns1.example.net. hostmaster.example.nl. 2026112101 7200 3600 1209600 300\n"
    return parse_zone("\n".join([head, "@ 86400 NS ns1.example.net.", *lines]) + "\n", origin)


def long_zone(owners: int) -> Zone:
    return zone_of(*[f"host{number:06} 3600 A 192.0.2.{number % 256}" for number in range(owners)])


# ---- zone files: laws -----------------------------------------------------------------------------------------------


@given(zones())
def test_reading_what_was_rendered_gives_the_same_zone_to_the_octet(zone: Zone) -> None:
    text = render_zone(zone)
    back = parse_zone(text, zone.origin)
    assert same_records(back, zone)
    assert back == zone
    assert text.isascii()


@given(zones(origin=parse_name("."), max_names=3))
def test_the_root_zone_reads_back_the_same(zone: Zone) -> None:
    assert same_records(parse_zone(render_zone(zone), "."), zone)


@given(st.data(), names(parse_name("Nl."), max_labels=2))
def test_a_zone_of_any_name_reads_back_the_same_without_being_told_its_origin(
    data: st.DataObject, origin: WireName
) -> None:
    zone = data.draw(zones(origin=origin, max_names=3))
    assert same_records(parse_zone(render_zone(zone)), zone)


@given(zones(max_names=4), st.randoms(use_true_random=False))
def test_the_order_in_which_rrsets_are_given_does_not_show(zone: Zone, random: Any) -> None:
    shuffled = list(zone.rrsets())
    random.shuffle(shuffled)
    assert render_zone(Zone.from_rrsets(zone.origin, shuffled)) == render_zone(zone)


@given(zones(max_names=4))
def test_dnspython_reads_the_same_zone(zone: Zone) -> None:
    # dnspython keeps one TTL for the RRSIGs of a name, and no CNAME beside what it does not know of.
    assume(all(rrset.rdtype not in (rd.RRSIG, rd.CNAME) for rrset in zone.rrsets()))
    read = dns.zone.from_text(render_zone(zone), relativize=False, check_origin=False)
    assert Zone.from_dnspython(read) == zone


@given(zones())
def test_every_owner_is_shown_once_and_every_record_says_its_ttl_and_type(zone: Zone) -> None:
    lines = render_zone(zone).split("\n")[:-1]
    records = [line for line in lines[2:] if not line.startswith(" " * 40)]
    assert sum(not line.startswith(" ") for line in records) == len(list(zone.nodes()))
    expected = [(rrset.ttl, rrset.type_text) for rrset in zone.rrsets() for _ in rrset.rdatas]
    found = re.findall(r"^(?:\S+)? +(\d+) IN (\S+) ", "\n".join(records), re.MULTILINE)
    assert sorted((int(ttl), rdtype) for ttl, rdtype in found) == sorted(expected)


@given(zones(max_names=5))
def test_the_signatures_of_an_rrset_follow_it(zone: Zone) -> None:
    owner = previous = ""
    types_at_owner: set[str] = set()
    for line in render_zone(zone).split("\n")[2:-1]:
        if line.startswith(" " * 40):
            continue
        owner_text, rdtype, data = re.fullmatch(r"(\S*) +\d+ IN (\S+) +(.*)", line).groups()  # type: ignore[union-attr]
        if owner_text:
            owner, previous, types_at_owner = owner_text, "", set()
        if rdtype == "RRSIG":
            covered = data.split(" ")[0]
            assert covered == previous or covered not in types_at_owner, (owner, covered)
        else:
            previous = rdtype
            types_at_owner.add(rdtype)


# ---- zone files: vectors --------------------------------------------------------------------------------------------


def test_a_zone_looks_like_this() -> None:
    zone = zone_of(
        f"@ 3600 DNSKEY {KSK_TEXT}",
        f"@ 3600 DNSKEY {ZSK_TEXT}",
        f"@ 3600 RRSIG SOA {SIGNATURE_TEXT}",
        f"@ 86400 RRSIG NS {SIGNATURE_TEXT}",
        "@ 172800 NS ns2.example.net.",
        "@ 300 A 192.0.2.1",
        "@ 300 NSEC _dmarc A NS SOA RRSIG NSEC DNSKEY",
        '_dmarc 3600 TXT "v=DMARC1; p=none"',
        "_dmarc 300 NSEC *.sub TXT RRSIG NSEC",
        f"_dmarc 300 RRSIG NSEC {SIGNATURE_TEXT}",
        f"_dmarc 3600 RRSIG TXT {SIGNATURE_TEXT}",
        "*.SUB 3600 MX 10 mail",
        "*.SUB 3600 MX 20 mail.example.net.",
        "a-name-that-is-longer-than-its-column 0 CNAME www",
        "odd\\.\\000 2147483647 TYPE65534 \\# 3 010203",
    )
    assert (
        render_zone(zone)
        == f"""\
; zone example.nl., serial 2026112101
$ORIGIN example.nl.
@                         3600 IN SOA     ns1.example.net. hostmaster.example.nl. (
                                          2026112101 ; serial
                                          7200       ; refresh (2h)
                                          3600       ; retry (1h)
                                          1209600    ; expire (14d)
                                          300        ; minimum and negative TTL (5m)
                                          )
                          3600 IN RRSIG   SOA {SIGNATURE_TEXT}
                         86400 IN NS      ns1.example.net.
                         86400 IN NS      ns2.example.net.
                         86400 IN RRSIG   NS {SIGNATURE_TEXT}
                           300 IN A       192.0.2.1
                           300 IN NSEC    _dmarc.example.nl. A NS SOA RRSIG NSEC DNSKEY
                          3600 IN DNSKEY  {ZSK_TEXT} ; ZSK; alg = ECDSAP256SHA256 ; key id = 62053
                          3600 IN DNSKEY  {KSK_TEXT} ; KSK; alg = ECDSAP256SHA256 ; key id = 23348
_dmarc                    3600 IN TXT     "v=DMARC1; p=none"
                          3600 IN RRSIG   TXT {SIGNATURE_TEXT}
                           300 IN NSEC    *.sub.example.nl. TXT RRSIG NSEC
                           300 IN RRSIG   NSEC {SIGNATURE_TEXT}
a-name-that-is-longer-than-its-column      0 IN CNAME   www.example.nl.
odd\\.\\000               2147483647 IN TYPE65534 \\# 3 010203
*.SUB                     3600 IN MX      10 mail.example.nl.
                          3600 IN MX      20 mail.example.net.
"""
    )


@pytest.mark.parametrize(
    ("rdtype", "rdata", "comment"),
    [
        ("DNSKEY", "385 3 13 " + KSK_TEXT.split()[-1], " ; revoked KSK; alg = ECDSAP256SHA256 ; key id = 23476"),
        ("DNSKEY", "256 3 253 AAEC", " ; ZSK; alg = 253 ; key id = 1790"),
        ("CDNSKEY", KSK_TEXT, " ; KSK; alg = ECDSAP256SHA256 ; key id = 23348"),
        ("CDNSKEY", "0 3 0 AA==", ""),
    ],
)
def test_a_key_has_the_comment_that_bind_writes(rdtype: str, rdata: str, comment: str) -> None:
    line = render_zone(zone_of(f"@ 60 {rdtype} {rdata}")).split("\n")[-2]
    assert line == f"{' ' * 24}    60 IN {rdtype:<7} {rdata}{comment}"


def test_key_comments_are_those_of_named_compilezone(tmp_path: Path) -> None:
    (tmp_path / "zone").write_text(render_zone(zone_of(f"@ 60 DNSKEY {KSK_TEXT}", f"@ 60 DNSKEY {ZSK_TEXT}")))
    verdict = named_compilezone(tmp_path / "zone", "example.nl", tmp_path / "out", "-s", "relative")
    assert_accepted(verdict)
    ours = re.findall(r"; (?:KSK|ZSK); .*", (tmp_path / "zone").read_text())
    assert len(ours) == 2
    assert ours == re.findall(r"; (?:KSK|ZSK); .*", (tmp_path / "out").read_text())


# ---- zone files: what the fast way must not trip over ----------------------------------------------------------------


def test_rrsigs_by_another_signer_or_in_another_letter_case_are_printed_as_they_are() -> None:
    zone = zone_of(
        "www 3600 A 192.0.2.1",
        f"www 3600 RRSIG A {SIGNATURE_TEXT}",
        f"www 3600 RRSIG A {SIGNATURE_TEXT.replace('example.nl.', 'Example.NL.')}",
        f"www 3600 RRSIG A {SIGNATURE_TEXT.replace('example.nl.', 'sub.example.nl.')}",
        f"www 3600 RRSIG A {SIGNATURE_TEXT.replace('example.nl.', '.')}",
        f"www 60 RRSIG MX {SIGNATURE_TEXT}",
    )
    assert same_records(parse_zone(render_zone(zone), "example.nl"), zone)


def test_signatures_that_begin_alike_are_told_apart_whatever_their_length() -> None:
    head = "60 RRSIG A 13 3 60 20261205120000 20261121110000 1 example.nl."
    texts = ("AA==", "AAE=", "AAEC", "AAED", "AAECAwQFBgcICQ==", "////", "////AAEC")
    zone = zone_of(
        *[f"h{number} {head} {text}" for number, text in enumerate(texts)], *[f"x {head} {t}" for t in texts]
    )
    rendered = render_zone(zone)
    assert same_records(parse_zone(rendered, "example.nl"), zone)
    for text in texts:
        assert rendered.count(f"20261121110000 1 example.nl. {text}\n") == 2


def test_a_zone_whose_names_differ_from_the_apex_in_letter_case_reads_back_the_same() -> None:
    zone = zone_of("WWW.EXAMPLE.NL. 60 A 192.0.2.1", "www.sub.Example.nl. 60 NSEC WWW.EXAMPLE.nl. A")
    assert same_records(parse_zone(render_zone(zone), "example.nl"), zone)


def test_an_rrset_of_very_many_records_is_printed_once_each() -> None:
    zone = zone_of(*[f"many 60 A 10.{number >> 8}.{number & 255}.1" for number in range(3000)])
    text = render_zone(zone)
    assert len(set(re.findall(r"10\.\d+\.\d+\.1", text))) == 3000
    assert same_records(parse_zone(text, "example.nl"), zone)


def test_every_signature_with_times_of_its_own_is_printed_with_them() -> None:
    zone = zone_of(*[f"h{number} 60 RRSIG A 13 3 60 {number * 14_316_557 % 2**32} {1_700_000_000 + number % 3} 1 example.nl. AAEC"
                     for number in range(300)])  # fmt: skip
    assert same_records(parse_zone(render_zone(zone), "example.nl"), zone)


@settings(max_examples=20)
@given(st.integers(1, 5000), st.integers(1, 700))
def test_blocks_of_any_size_give_the_same_text(owners: int, size: int) -> None:
    pairs = [(parse_name(f"h{number:04}.example.nl."), pack_record(rd.A, 60, b"abcd")) for number in range(owners)]
    apex = long_zone(0)
    whole = Zone.from_blocks(ORIGIN, apex.apex_node, cut_blocks(pairs))
    cut = (pairs[start : start + size] for start in range(0, owners, size))
    blocks = [Block(*(tuple(column) for column in zip(*run, strict=True))) for run in cut]
    assert render_zone(Zone.from_blocks(ORIGIN, apex.apex_node, blocks)) == render_zone(whole)


# ---- zone files: by workers -----------------------------------------------------------------------------------------


class CountingExecutor(Executor):
    """Runs nothing until it is asked for the outcome, and remembers how much was outstanding at most."""

    def __init__(self) -> None:
        self.outstanding: list[Future[Any]] = []
        self.most = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = LateFuture(lambda: fn(*args, **kwargs))
        self.outstanding.append(future)
        self.most = max(self.most, sum(not each.done() for each in self.outstanding))
        return future


class LateFuture(Future[Any]):
    def __init__(self, work: Any) -> None:
        super().__init__()
        self.work = work

    def result(self, timeout: float | None = None) -> Any:
        if not self.done():
            self.set_result(self.work())
        return super().result(timeout)


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_workers_print_the_same_text_in_the_same_order(kind: type[Executor]) -> None:
    zone = long_zone(5000)
    with kind(2) as executor:  # type: ignore[call-arg]
        assert "".join(iter_zone_text(zone, executor=executor)) == render_zone(zone)


def test_only_so_many_pieces_are_outstanding_at_once() -> None:
    zone = long_zone(1)
    blocks = zone.blocks * (UNDER_WAY + 68)
    executor = CountingExecutor()
    pieces = list(iter_zone_text(Zone.from_blocks(zone.apex, zone.apex_node, blocks), executor=executor))
    assert len(pieces) == len(blocks) + 1
    assert executor.most <= UNDER_WAY


def test_what_is_outstanding_is_cancelled_when_nobody_wants_it_any_more() -> None:
    zone = long_zone(1)
    executor = CountingExecutor()
    pieces = iter_zone_text(Zone.from_blocks(zone.apex, zone.apex_node, zone.blocks * 100), executor=executor)
    assert next(pieces).startswith("; zone example.nl.")
    assert "host000000" in next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert [future.cancelled() for future in executor.outstanding].count(False) == 1


# ---- zone files: what named says ------------------------------------------------------------------------------------


def as_named_loads_it(zone: Zone) -> Zone:
    """The zone less what named refuses for what it means: name servers of the apex that are in the zone and have no
    address, and CDS and CDNSKEY records that belong to no DNSKEY."""
    ns = zone.apex_rrset(rd.NS)
    zone = zone.replace(RRset.from_text(zone.origin, ns.ttl, "NS", "Ns1.example.NET.", "ns2.example.net."))
    for rdtype in ("CDS", "CDNSKEY"):
        if zone.get("@", rdtype) is not None:
            zone = zone.remove("@", rdtype)
    return zone


@settings(max_examples=25)
@given(zones())
def test_named_compilezone_finds_the_same_records(tmp_path_factory: pytest.TempPathFactory, zone: Zone) -> None:
    zone = as_named_loads_it(zone)
    directory = tmp_path_factory.mktemp("zone")
    (directory / "in").write_text(render_zone(zone), encoding="ascii")
    assert_accepted(named_compilezone(directory / "in", "example.nl", directory / "out", *LENIENT))
    assert parse_zone((directory / "out").read_bytes(), "example.nl") == zone


def test_named_checkzone_accepts_a_rendered_hosting_zone(tmp_path: Path) -> None:
    zone = zone_of("www 3600 A 192.0.2.1", "sub 3600 NS ns.sub", "ns.sub 3600 A 192.0.2.2", "*.w 60 TXT x")
    (tmp_path / "zone").write_text(render_zone(zone))
    assert_accepted(named_checkzone(tmp_path / "zone", "example.nl"))


# ---- templates ------------------------------------------------------------------------------------------------------


def own_template(directory: Path, text: str, name: str = "own.j2") -> dict[str, Any]:
    (directory / name).write_text(text)
    return {"own_templates": directory}


def test_a_template_of_the_users_own_comes_before_the_shipped_one_and_the_rest_stay(tmp_path: Path) -> None:
    directory = own_template(tmp_path, "// ours: {{ zone | quoted }}\n", "named-presigned.conf.j2")
    assert render_presigned_stanza("example.nl", file="f", **directory) == '// ours: "example.nl"\n'
    assert render_presigned_stanza("example.nl", file="f").startswith('zone "example.nl" {\n')
    policy = DnssecPolicy(name="p", keys=(PolicyKey(role=KeyRole.CSK),))
    assert render_dnssec_policy(policy, **directory) == render_dnssec_policy(policy)


def test_a_template_of_the_users_own_can_include_a_shipped_one(tmp_path: Path) -> None:
    directory = own_template(tmp_path, '{% include "named-secondaries.part.j2" %}')
    assert "allow-transfer { none; };" in render_template("own.j2", **directory, secondaries=())


def test_a_template_directory_may_be_given_as_text(tmp_path: Path) -> None:
    own_template(tmp_path, "{{ number }}")
    assert render_template("own.j2", own_templates=str(tmp_path), number=7) == "7"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{{ missing }}", "'missing' is undefined"),
        ("{{ missing | word }}", "'missing' is undefined"),
        ("{{ thing.missing | line }}", "no attribute 'missing'"),
        ("{{ text }}", "a value of type str is printed without a filter"),
        ("{{ text ~ (text | quoted) }}", "without a filter"),
        ("{{ (text | quoted) ~ text }}", "without a filter"),
        ("{{ (text | quoted).lower() }}", "without a filter"),
        ("{% set held %}{{ text | quoted }}{% endset %}{{ held }}", "without a filter"),
        ("{{ text | safe }}", "No filter named 'safe'"),
        ("{{ true }}", "type bool"),
        ("{{ none }}", "type NoneType"),
        ("{{ 1.5 }}", "type float"),
        ("{{ number | word }}", "filter takes text"),
        ("{{ lines | line }}", "control character '\\\\n'"),
        ("{{ lines | shell }}", "control character"),
        ("{{ lines | quoted }}", "control character"),
        ("{{ lines | code }}", "control character"),
        ("{{ text | word }}", "is not one word"),
        ("{{ (text | xml) ~ text }}", "without a filter"),
        ("{{ number | xml }}", "filter takes text"),
        ("{{ evil | xml }}", "a character in a value to print that XML cannot carry"),
        ("{{ text.__class__.__mro__ | line }}", "unsafe"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{% include 'nowhere.j2' %}", "there is no template 'nowhere.j2'"),
        ("{% include 'own.j2' %}", "recursion"),
        ("a\nb\n{% if %}", "'own.j2', line 3"),
    ],
)
def test_a_mistake_in_a_template_is_one_clear_error(tmp_path: Path, text: str, what: str) -> None:
    directory = own_template(tmp_path, text)
    with pytest.raises(RenderError, match=what) as raised:
        render_template("own.j2", **directory, text="a b", lines="a\nb", evil="a\x1b", number=7, thing={})
    assert "\n" not in str(raised.value)


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")))
def test_a_text_is_the_same_when_xml_reads_it_from_an_element_and_from_an_attribute(text: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        own = own_template(Path(directory), '<a b="{{ text | xml }}">{{ text | xml }}</a>')
        for each in (text, f" {text}\t\n", f"\r{text}\r\n"):
            printed = render_template("own.j2", **own, text=each)
            read = etree.fromstring(printed)
            assert (read.get("b"), read.text or "", len(read)) == (each, each, 0)
            assert "\n" not in printed


def test_an_element_of_xml_is_printed_as_it_is_and_what_is_made_from_it_is_text(tmp_path: Path) -> None:
    own = own_template(tmp_path, "{{ element | xml }}{{ (element ~ '') | xml }}")
    assert render_template("own.j2", **own, element=XmlElement("<a/>")) == "<a/>&lt;a/&gt;"


def test_a_template_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"there is no template 'no\.j2'"):
        render_template("no.j2")
    with pytest.raises(RenderError, match=r"there is no template '\.\./pyproject\.toml'"):
        render_template("../pyproject.toml")
    with pytest.raises(RenderError, match="is not there"):
        render_template("named-presigned.conf.j2", own_templates=tmp_path / "missing")
    (tmp_path / "own.j2").write_bytes(b"\xff")
    with pytest.raises(RenderError, match=r"own\.j2.*decode"):
        render_template("own.j2", own_templates=tmp_path)


def test_an_error_about_a_value_does_not_show_the_value(tmp_path: Path) -> None:
    secret = "-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n"
    for text in ("{{ text }}", "{{ text | line }}"):
        with pytest.raises(RenderError) as raised:
            render_template("own.j2", **own_template(tmp_path, text), text=secret)
        assert "MIGH" not in str(raised.value)
        assert "PRIVATE" not in str(raised.value)


# ---- named.conf -----------------------------------------------------------------------------------------------------

TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([{};])|([^\s"{};]+)', re.DOTALL)

printable_texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], include_characters=" "), min_size=1
)
hostile_texts = st.one_of(
    printable_texts,
    st.sampled_from(
        ('"; }; include "/etc/passwd', "\\", '\\"', 'a\\\\"b', "/* x */ // y # z", "${x}$(y)`z`", "é" * 9, "{};", "'")
    ),
)


def is_key_name(text: str) -> bool:
    try:
        return parse_origin(text) != b"\x00"
    except DomainNameError:
        return False


hostile_origins = st.one_of(names(), names(parse_name("."), max_labels=2)).map(from_wire_name)


def tokens(text: str) -> list[str]:
    """named.conf as a reader sees it: strings without their quotes and escapes, words, and the marks between."""
    found = []
    position = 0
    while position < len(text.rstrip()):
        match = TOKEN.match(text, position)
        if match is None:
            assert text[position].isspace(), text[position:]
            position += 1
            continue
        string, mark, word = match.groups()
        found.append("'" + re.sub(r"\\(.)", r"\1", string, flags=re.DOTALL) if string is not None else mark or word)
        position = match.end()
    return found


def expected_name(origin: dns.name.Name) -> str:
    text = name_text(b"".join(bytes((len(label),)) + label for label in origin.labels))
    return text if text == "." else text[:-1]


@given(hostile_origins, hostile_texts, hostile_texts.filter(is_key_name))
def test_nothing_breaks_out_of_a_string_of_a_presigned_stanza(origin: Any, file: str, key: str) -> None:
    text = render_presigned_stanza(origin, file=file, secondaries=[Secondary(address="::1", key=key)])
    assert tokens(text) == [
        *["zone", "'" + expected_name(origin), "{", "type", "primary", ";", "file", "'" + file, ";"],
        *["dnssec-policy", "none", ";", "allow-update", "{", "none", ";", "}", ";"],
        *["allow-transfer", "{", "key", "'" + key, ";", "}", ";"],
        *["also-notify", "{", "::1", "key", "'" + key, ";", "}", ";", "}", ";"],
    ]


@given(hostile_origins, hostile_texts, hostile_texts, hostile_texts)
def test_nothing_breaks_out_of_a_string_of_a_policy_stanza(origin: Any, file: str, policy: str, keys: str) -> None:
    text = render_policy_stanza(origin, file=file, policy=policy, inline_signing=InlineSigning.YES, key_directory=keys)
    assert tokens(text) == [
        *["zone", "'" + expected_name(origin), "{", "type", "primary", ";", "file", "'" + file, ";"],
        *["dnssec-policy", "'" + policy, ";", "inline-signing", "yes", ";", "key-directory", "'" + keys, ";"],
        *["allow-transfer", "{", "none", ";", "}", ";", "}", ";"],
    ]


def checkconf(directory: Path, *texts: str) -> tuple[int, str]:
    (directory / "named.conf").write_text("".join(texts), encoding="utf-8")
    done = run_peer(["named-checkconf", "-p", directory / "named.conf"])
    return done.returncode, done.stdout + done.stderr


@settings(max_examples=25)
@given(hostile_origins, hostile_texts, st.sampled_from(InlineSigning))
def test_named_checkconf_reads_the_strings_as_they_were_meant(
    tmp_path_factory: pytest.TempPathFactory, origin: Any, file: str, inline_signing: InlineSigning
) -> None:
    directory = tmp_path_factory.mktemp("conf")
    policy = DnssecPolicy(name=file, keys=(PolicyKey(role=KeyRole.CSK),)) if file.strip() else None
    assume(policy is not None)
    assert policy is not None
    code, printed = checkconf(
        directory,
        render_dnssec_policy(policy),
        render_policy_stanza(origin, file=file, policy=file, inline_signing=inline_signing),
    )
    assert code == 0, printed
    found = tokens(printed)
    assert found.count("zone") == 1
    assert found[found.index("zone") + 1] == "'" + expected_name(origin)
    assert found[found.index("file") + 1] == "'" + file
    assert found.count("'" + file) >= 3


def test_named_checkconf_accepts_a_presigned_primary_with_its_secondaries(tmp_path: Path) -> None:
    secondaries = (Secondary(address="192.0.2.1"), Secondary(address="2001:DB8::1", key="transfer.example"))
    key = 'key "transfer.example" { algorithm hmac-sha256; secret "c2VjcmV0"; };\n'
    code, printed = checkconf(tmp_path, key, render_presigned_stanza("example.nl", file="a", secondaries=secondaries))
    assert code == 0, printed
    assert "2001:db8::1 key" in printed


@pytest.mark.parametrize("origin", [".", "2.0.192.in-addr.arpa", "0/26.2.0.192.in-addr.arpa", "xn--bcher-kva.example"])
def test_named_checkconf_accepts_the_names_that_zones_have(tmp_path: Path, origin: str) -> None:
    code, printed = checkconf(tmp_path, render_presigned_stanza(origin, file="zone"))
    assert code == 0, printed


def test_a_zone_without_inline_signing_is_a_dynamic_one() -> None:
    text = render_policy_stanza("example.nl", file="f", policy="p", inline_signing=InlineSigning.NO)
    assert "inline-signing no;\n    update-policy local;" in text


@pytest.mark.parametrize("bad", ["a\nb", "a\0b", "a\x1bb", "a\x7fb", "a\u2028b", "a\u202eb", "a\udc80b"])
def test_control_characters_are_refused_in_named_conf(bad: str) -> None:
    with pytest.raises(RenderError, match="control character"):
        render_presigned_stanza("example.nl", file=bad)
    with pytest.raises(RenderError, match="control character"):
        render_policy_stanza("example.nl", file="f", policy=bad, inline_signing=InlineSigning.NO)
    with pytest.raises(RenderError, match="control character"):
        render_policy_stanza("example.nl", file="f", policy="p", key_directory=bad, inline_signing=InlineSigning.NO)
    with pytest.raises(RenderError, match="control character"):
        render_dnssec_policy(DnssecPolicy(name=bad, keys=(PolicyKey(role=KeyRole.CSK),)))
    with pytest.raises(RenderError, match="control character"):
        render_presigned_stanza("example.nl", file="f", secondaries=[Secondary(address="::1", key=bad)])


def test_an_origin_that_is_no_name_is_refused() -> None:
    with pytest.raises(DomainNameError):
        render_presigned_stanza("a..b", file="f")


@pytest.mark.parametrize(
    "address", ["", "example.nl", "192.0.2.256", "192.0.2.1/24", '::1"; }', 'fe80::1%"; };', "any"]
)
def test_a_secondary_has_an_address_and_nothing_else(address: str) -> None:
    with pytest.raises(RenderError, match="address"):
        Secondary(address=address)


@pytest.mark.parametrize("address", [1, 3221225985, None, b"192.0.2.1", ipaddress.ip_address("192.0.2.1")])
def test_the_address_of_a_secondary_is_text(address: Any) -> None:
    with pytest.raises(RenderError, match="the address of a secondary is text, not "):
        Secondary(address=address)


@pytest.mark.parametrize("key", ["", ".", "@", "a..b", "a" * 64, b"key", 7])
def test_the_key_of_a_secondary_has_the_name_of_one(key: Any) -> None:
    with pytest.raises(RenderError, match=r"secondary ::1 has a name that is no domain name.*RFC 8945"):
        Secondary(address="::1", key=key)


# ---- dnssec-policy --------------------------------------------------------------------------------------------------

KSK_AND_ZSK = (PolicyKey(role=KeyRole.KSK), PolicyKey(role=KeyRole.ZSK))


def durations(most: int) -> st.SearchStrategy[timedelta]:
    return st.one_of(st.sampled_from((0, 1, 3600)), st.integers(0, most)).map(
        lambda seconds: timedelta(seconds=seconds)
    )


@st.composite
def policies(draw: st.DrawFn) -> DnssecPolicy:
    """Policies near the edges of what is allowed: lifetimes from too short to long enough."""
    algorithms = draw(st.lists(st.sampled_from([a for a in Algorithm if a > 7]), min_size=1, max_size=2, unique=True))
    lifetimes = st.one_of(st.none(), st.integers(1, 60 * 86400).map(lambda seconds: timedelta(seconds=seconds)))
    keys: list[PolicyKey] = []
    for algorithm in algorithms:
        for role in draw(st.sampled_from(((KeyRole.CSK,), (KeyRole.KSK, KeyRole.ZSK)))):
            bits = 3072 if algorithm in (8, 10) and draw(st.booleans()) else None
            keys.append(PolicyKey(role=role, algorithm=algorithm, lifetime=draw(lifetimes), bits=bits))
    denials: tuple[Denial, ...] = (Nsec(), Nsec3(), Nsec3(opt_out=OptOut.ON))
    try:
        return DnssecPolicy(
            name=draw(st.sampled_from(("hosting", 'od"d \\ one'))),
            keys=tuple(keys),
            dnskey_ttl=Ttl(draw(st.integers(0, 172800))),
            publish_safety=draw(durations(86400)),
            retire_safety=draw(durations(86400)),
            signatures_refresh=draw(durations(10 * 86400)),
            signatures_validity=timedelta(hours=12) + draw(durations(30 * 86400)),
            max_zone_ttl=Ttl(draw(st.integers(0, 172800))),
            zone_propagation_delay=draw(durations(7200)),
            parent_ds_ttl=Ttl(draw(st.integers(0, 172800))),
            parent_propagation_delay=draw(durations(7200)),
            denial=draw(st.sampled_from(denials)),
        )
    except RenderError:
        assume(False)
        raise


@settings(max_examples=25)
@given(policies())
def test_named_checkconf_accepts_every_policy_that_can_be_made(
    tmp_path_factory: pytest.TempPathFactory, policy: DnssecPolicy
) -> None:
    stanza = render_policy_stanza("example.nl", file="f", policy=policy.name, inline_signing=InlineSigning.YES)
    code, printed = checkconf(tmp_path_factory.mktemp("conf"), render_dnssec_policy(policy), stanza)
    assert code == 0, printed


def test_a_policy_says_each_of_its_values(tmp_path: Path) -> None:
    policy = DnssecPolicy(
        name="hosting",
        keys=(
            PolicyKey(role=KeyRole.KSK, algorithm=Algorithm.RSASHA256, bits=2048),
            PolicyKey(role=KeyRole.ZSK, algorithm=Algorithm.RSASHA256, lifetime=timedelta(days=90)),
        ),
        dnskey_ttl=Ttl(600),
        publish_safety=timedelta(minutes=1),
        retire_safety=timedelta(minutes=2),
        signatures_refresh=timedelta(days=3),
        signatures_validity=timedelta(days=21),
        max_zone_ttl=Ttl(7200),
        zone_propagation_delay=timedelta(minutes=3),
        parent_ds_ttl=Ttl(3601),
        parent_propagation_delay=timedelta(minutes=4),
        denial=Nsec3(opt_out=OptOut.ON),
    )
    code, printed = checkconf(
        tmp_path,
        render_dnssec_policy(policy),
        render_policy_stanza("example.nl", file="f", policy="hosting", inline_signing=InlineSigning.NO),
    )
    assert code == 0, printed
    values = dict(re.findall(r"^\t([a-z0-9-]+) ([^{;]+);$", printed, re.MULTILINE))
    assert {name: values[name] for name in values if name.endswith(("ttl", "safety", "delay")) or "sig" in name} == {
        "dnskey-ttl": "600",
        "publish-safety": "60",
        "retire-safety": "120",
        "signatures-refresh": "259200",
        "signatures-validity": "1814400",
        "signatures-validity-dnskey": "1814400",
        "max-zone-ttl": "7200",
        "zone-propagation-delay": "180",
        "parent-ds-ttl": "3601",
        "parent-propagation-delay": "240",
        "inline-signing": "no",
    }
    assert values["nsec3param"] == "iterations 0 optout yes salt-length 0"
    assert "ksk lifetime unlimited algorithm 8 2048;" in printed
    assert "zsk lifetime 7776000 algorithm 8;" in printed


def lifetime_boundary(policy: DnssecPolicy, role: KeyRole) -> timedelta:
    """The shortest lifetime for which a policy with a key of this role can be made."""
    low, high = 1, int(MAX_TTL)
    while low < high:
        middle = (low + high) // 2
        try:
            replace(policy, keys=keys_with(role, timedelta(seconds=middle)))
            high = middle
        except RenderError:
            low = middle + 1
    return timedelta(seconds=low)


def keys_with(role: KeyRole, lifetime: timedelta | None) -> tuple[PolicyKey, ...]:
    if role is KeyRole.CSK:
        return (PolicyKey(role=role, lifetime=lifetime),)
    other = KeyRole.ZSK if role is KeyRole.KSK else KeyRole.KSK
    return PolicyKey(role=role, lifetime=lifetime), PolicyKey(role=other)


@pytest.mark.parametrize("role", KeyRole)
def test_the_shortest_lifetime_is_the_one_named_takes_and_a_second_less_it_refuses(
    tmp_path: Path, role: KeyRole
) -> None:
    policy = DnssecPolicy(name="p", keys=KSK_AND_ZSK, publish_safety=timedelta(seconds=4711), max_zone_ttl=Ttl(7))
    shortest = lifetime_boundary(policy, role)
    accepted = render_dnssec_policy(replace(policy, keys=keys_with(role, shortest)))
    stanza = render_policy_stanza("example.nl", file="f", policy="p", inline_signing=InlineSigning.YES)
    refused = accepted.replace(re.findall(r"lifetime (\d\S+)", accepted)[0], str(int(shortest.total_seconds()) - 1))
    assert checkconf(tmp_path, accepted, stanza)[0] == 0
    code, printed = checkconf(tmp_path, refused, stanza)
    assert code != 0
    assert "lifetime is shorter than the time it takes to do a rollover" in printed


def test_the_latest_refresh_is_the_one_named_takes_and_a_second_more_it_refuses(tmp_path: Path) -> None:
    policy = DnssecPolicy(
        name="p",
        keys=KSK_AND_ZSK,
        signatures_validity=timedelta(hours=20),
        signatures_refresh=timedelta(hours=18, seconds=-1),
    )
    text = render_dnssec_policy(policy)
    stanza = render_policy_stanza("example.nl", file="f", policy="p", inline_signing=InlineSigning.YES)
    code, printed = checkconf(tmp_path, text, stanza)
    assert code == 0, printed
    refused = text.replace("signatures-refresh 17h59m59s;", "signatures-refresh 18h;")
    assert checkconf(tmp_path, refused, stanza)[0] != 0
    with pytest.raises(RenderError, match="is 90 % or more of signatures-validity"):
        replace(policy, signatures_refresh=timedelta(hours=18))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"name": ""}, "cannot be called ''"),
        ({"name": "none"}, "cannot be called 'none'"),
        ({"name": "insecure"}, "cannot be called 'insecure'"),
        ({"keys": ()}, "has no keys"),
        ({"keys": KSK_AND_ZSK[:1]}, "ECDSAP256SHA256 has a KSK alone"),
        ({"keys": KSK_AND_ZSK[1:]}, "ECDSAP256SHA256 has a ZSK alone"),
        ({"keys": (*KSK_AND_ZSK, PolicyKey(role=KeyRole.ZSK, algorithm=Algorithm.ED25519))}, "ED25519 has a ZSK alone"),
        ({"publish_safety": timedelta(seconds=-1)}, "publish-safety .* not a whole number of seconds"),
        ({"retire_safety": timedelta(seconds=0.5)}, "retire-safety .* not a whole number of seconds"),
        ({"signatures_validity": timedelta(hours=11)}, "signatures-validity .* seconds from 12h"),
        ({"signatures_refresh": timedelta(0)}, "signatures-refresh .* seconds from 1s"),
        ({"zone_propagation_delay": timedelta(days=36500)}, "zone-propagation-delay .* not a whole number"),
        ({"denial": Nsec3(iterations=1)}, "RFC 9276"),
        ({"denial": Nsec3(salt=b"x")}, "RFC 9276"),
    ],
)
def test_a_policy_that_named_would_refuse_cannot_be_made(change: dict[str, Any], what: str) -> None:
    with pytest.raises(RenderError, match=what):
        replace(DnssecPolicy(name="p", keys=KSK_AND_ZSK), **change)


def test_a_key_of_a_policy_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(RenderError, match=r"\(ED25519\) have one size"):
        PolicyKey(role=KeyRole.CSK, algorithm=Algorithm.ED25519, bits=256)
    with pytest.raises(RenderError, match="lifetime"):
        PolicyKey(role=KeyRole.CSK, lifetime=timedelta(0))


@pytest.mark.parametrize("bits", [0, 1024, 2047, 4097, -2048, 2048.5, "2048", True])
def test_an_rsa_key_of_a_policy_has_2048_to_4096_bits(bits: Any) -> None:
    for edge in (2048, 4096):
        assert PolicyKey(role=KeyRole.CSK, algorithm=Algorithm.RSASHA256, bits=edge).bits == edge
    with pytest.raises(RenderError, match="a new RSA key has 2048 to 4096 bits, not "):
        PolicyKey(role=KeyRole.CSK, algorithm=Algorithm.RSASHA256, bits=bits)


@pytest.mark.parametrize("algorithm", [5, 7, 1, 99, Algorithm.RSASHA1])
def test_a_key_of_a_policy_is_of_an_algorithm_that_may_sign(algorithm: Any) -> None:
    with pytest.raises(AlgorithmError, match=r"RFC 990[45]"):
        PolicyKey(role=KeyRole.CSK, algorithm=algorithm)


# ---- the hand-over sheet --------------------------------------------------------------------------------------------


def handover(zone: str = "example.nl.", **changes: Any) -> Handover:
    values: dict[str, Any] = {
        "dnskeys": RRset.from_text(zone, 3600, "DNSKEY", KSK_TEXT, ZSK_TEXT),
        "ds": make_ds(RRset.from_text(zone, 3600, "DNSKEY", KSK_TEXT)),
        "ns": RRset.from_text(zone, 86400, "NS", "ns1.losing.example.", "ns2.losing.example."),
        "dnskey_ttl": Ttl(3600),
    }
    return Handover(**values | changes)


def fenced(sheet: str) -> list[list[str]]:
    """The lines of each fenced block of the sheet."""
    return [block.split("\n")[1:-1] for block in re.findall(r"^```(\n.*?\n)```$", sheet, re.MULTILINE | re.DOTALL)]


def commands(sheet: str, program: str) -> list[list[str]]:
    """Every command of the sheet that runs a program, split as a shell would."""
    return [shlex.split(line) for block in fenced(sheet) for line in block if line.startswith(f"{program} ")]


def read_records(lines: list[str], zone: str) -> Zone:
    soa = f"{zone} 3600 IN SOA . . 1 1 1 1 1\n{zone} 3600 IN NS ns.example.\n"
    return parse_zone(soa + "\n".join(lines) + "\n", zone, default_ttl=300)


@given(names(parse_name("Nl."), max_labels=2), st.data())
def test_the_records_of_a_sheet_parse_back(owner: WireName, data: st.DataObject) -> None:
    drawn = data.draw(rrsets(owner, rdtypes=[rd.DNSKEY]))
    without_sep = {bytes((rdata[0], rdata[1] & ~SEP_FLAG)) + rdata[2:] for rdata in drawn.rdatas}
    asked = Handover(
        dnskeys=replace(drawn, rdatas=tuple(without_sep)),
        ds=data.draw(rrsets(owner, rdtypes=[rd.DS])),
        ns=data.draw(rrsets(owner, rdtypes=[rd.NS])),
        dnskey_ttl=data.draw(st.integers(0, MAX_TTL).map(Ttl)),
    )
    sheet = render_handover_sheet(asked)
    zone, (dnskeys, ds, *_) = name_text(owner), fenced(sheet)
    found = read_records(dnskeys, zone).get("@", "DNSKEY")
    assert found == asked.dnskeys.with_ttl(min(asked.dnskey_ttl, 600))
    found_ds = read_records(ds, ".").get(zone, "DS")  # it stands in the parent
    assert found_ds is not None
    assert found_ds.same_data(asked.ds)
    updates = [line.removeprefix("update add ") for block in fenced(sheet) for line in block if "update add" in line]
    updated = parse_zone("\n".join([f"{zone} 60 IN SOA . . 1 1 1 1 1", *updates]) + "\n", zone)
    assert updated.get("@", "DNSKEY") == asked.dnskeys.with_ttl(min(asked.dnskey_ttl, 600))
    assert updated.get("@", "NS") == asked.ns.with_ttl(min(asked.ns.ttl, 600))


@given(names(parse_name("nl."), max_labels=2))
def test_no_name_breaks_out_of_a_command(owner: WireName) -> None:
    zone = name_text(owner)
    sheet = render_handover_sheet(handover(zone))
    assert commands(sheet, "rndc") == [["rndc", "reload", zone]]
    assert commands(sheet, "knotc") == [["knotc", "zone-keys-load", zone]]
    assert [command[:3] for command in commands(sheet, "keymgr")] == [["keymgr", zone, "import-pub"]] * 2
    assert [command[2] for command in commands(sheet, "pdnsutil")] == [zone] * 5
    assert {command[-1] for command in commands(sheet, "dig")} == {zone}
    assert len(commands(sheet, "dig")) == 4
    for printf, redirected in itertools.pairwise([*commands(sheet, "printf"), None]):
        assert printf is not None
        assert printf[:2] == ["printf", "%s\\n"]
        assert len(printf) == 5
        assert redirected is None or redirected[2] != printf[2]


@given(st.sampled_from(("``", "`", "a`b", "<script>", "*", "```")))
def test_a_name_in_the_text_stays_in_its_code_span(label: str) -> None:
    zone = f"{label}.nl."
    title = render_handover_sheet(handover(zone)).split("\n")[0]
    match = re.fullmatch(r"# Hand-over of (`+) ?(.*?) ?(?<!`)\1(?!`): what the losing operator does first", title)
    assert match is not None
    assert match[2] == zone


def test_a_ttl_is_never_raised() -> None:
    ns = RRset.from_text("example.nl.", 300, "NS", "ns1.losing.example.")
    asked = handover(ns=ns, dnskey_ttl=Ttl(60))
    assert (asked.new_ns_ttl, asked.new_dnskey_ttl) == (300, 60)
    assert "| DNSKEY            | 60 | 60 |" in render_handover_sheet(asked)
    assert handover().new_ns_ttl == 600


def test_nsupdate_takes_the_update_of_the_sheet() -> None:
    block = next(block for block in fenced(render_handover_sheet(handover())) if block[0].startswith("nsupdate -l <<"))
    assert block[-1] == "END-OF-UPDATE"
    done = run_peer(["nsupdate"], input="\n".join([*block[1:-2], "show", "quit", ""]))
    assert block[-2] == "send"
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert [len(re.findall(rf"example\.nl\.\s+600\s+IN\s+{rdtype}\s", done.stdout)) for rdtype in ("DNSKEY", "NS")] == [
        2,
        2,
    ]


def test_the_sheet_says_to_raise_the_serial_where_the_server_does_not() -> None:
    sheet = render_handover_sheet(handover())
    bind = sheet.partition("### BIND, zone signed with dnssec-signzone")[2].partition("###")[0]
    assert "raise the SOA serial" in bind
    assert bind.index("raise the SOA serial") < bind.index("rndc reload")


def test_the_soa_for_powerdns_is_the_one_it_has_with_a_lower_minimum(tmp_path: Path) -> None:
    zone = RRset.from_text(
        "example.nl.", 7200, "SOA", "ns1.losing.example. admin\\.dns.example.nl. 5 7200 3600 1209600 900"
    )
    ns = RRset.from_text("example.nl.", 86400, "NS", "ns1.losing.example.")
    (tmp_path / "zone").write_text(render_zone(Zone.from_rrsets("example.nl", [zone, ns])))
    (tmp_path / "named.conf").write_text(f'zone "example.nl" {{ type master; file "{tmp_path}/zone"; }};\n')
    (tmp_path / "pdns.conf").write_text(f"launch=bind\nbind-config={tmp_path}/named.conf\n")
    listed = run_peer(["pdnsutil", f"--config-dir={tmp_path}", "list-zone", "example.nl."])
    assert listed.returncode == 0, listed.stderr
    lines = next(block for block in fenced(render_handover_sheet(handover())) if block[0].startswith("pdnsutil "))
    shell = 'pdnsutil() { if [ "$1" = list-zone ]; then cat listed; else printf "%s\\n" "$*"; fi; }\n'
    (tmp_path / "listed").write_text(listed.stdout)
    wanted = [line for line in lines if "list-zone" in line or " SOA " in line]
    done = subprocess.run(
        ["sh", "-c", shell + "\n".join(wanted)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == (
        "replace-rrset example.nl. @ SOA 7200 ns1.losing.example admin\\.dns.example.nl 5 7200 3600 1209600 600\n"
    )


def test_keymgr_imports_each_key_of_the_sheet(tmp_path: Path) -> None:
    (tmp_path / "knot.conf").write_text(f"database:\n    storage: {tmp_path}\nzone:\n  - domain: example.nl\n")
    sheet = render_handover_sheet(handover())
    for printf, keymgr in zip(commands(sheet, "printf"), commands(sheet, "keymgr"), strict=True):
        assert printf[3:] == [">", keymgr[3]]
        (tmp_path / keymgr[3]).write_text(printf[2] + "\n")
        done = run_peer(["keymgr", "-c", tmp_path / "knot.conf", *keymgr[1:]], cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    listed = run_peer(["keymgr", "-c", tmp_path / "knot.conf", "example.nl.", "list", "human"]).stdout
    assert re.findall(r"\b(62053|23348) (ZSK|KSK) ECDSAP256SHA256 public-only", listed) == [
        ("62053", "ZSK"),
        ("23348", "KSK"),
    ]


def test_dnssec_signzone_keeps_the_records_of_the_sheet(tmp_path: Path) -> None:
    for flags in ([], ["-f", "KSK"]):
        done = run_peer(["dnssec-keygen", "-q", "-a", "13", *flags, "-K", tmp_path, "example.nl"])
        assert done.returncode == 0, done.stderr
    dnskeys = fenced(render_handover_sheet(handover()))[0]
    (tmp_path / "zone").write_text(render_zone(zone_of()) + "\n".join(dnskeys) + "\n")
    signed = run_peer(["dnssec-signzone", "-S", "-K", ".", "-o", "example.nl", "-f", "signed", "zone"], cwd=tmp_path)
    assert signed.returncode == 0, signed.stderr
    rrset = parse_zone((tmp_path / "signed").read_bytes(), "example.nl").get("@", "DNSKEY")
    assert rrset is not None
    assert len(rrset.rdatas) == 4
    assert set(handover().dnskeys.rdatas) < set(rrset.rdatas)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"ds": RRset.from_text("example.nl.", 60, "NS", "a.")}, "needs a DS RRset here, not NS"),
        ({"dnskeys": RRset.from_text("other.nl.", 60, "DNSKEY", KSK_TEXT)}, "other.nl. DNSKEY is not of the zone"),
        ({"ns": RRset.from_text("sub.example.nl.", 60, "NS", "a.")}, "is not of the zone sub.example.nl."),
    ],
)
def test_a_sheet_of_records_that_do_not_belong_together_is_refused(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(RenderError, match=what):
        handover(**changes)


def test_the_ds_of_a_sheet_points_to_a_key_with_the_sep_flag_when_there_is_one() -> None:
    foreign = RRset.from_text("example.nl.", 60, "DS", "1 13 2 " + "AB" * 32)
    right = handover().ds
    for ds in (foreign, replace(right, rdatas=(*right.rdatas, *foreign.rdatas))):
        with pytest.raises(RenderError, match=r"example\.nl\.: the DS with key tag 1 points to none .*RFC 4034"):
            handover(ds=ds)
    zsk_alone = RRset.from_text("example.nl.", 3600, "DNSKEY", ZSK_TEXT)
    assert handover(dnskeys=zsk_alone, ds=foreign).ds is foreign


def test_the_iterator_gives_the_head_before_the_first_block_is_printed() -> None:
    pieces: Iterator[str] = iter_zone_text(long_zone(3000))
    assert next(pieces).endswith("IN NS      ns1.example.net.\n")
    assert len(list(pieces)) == 3
