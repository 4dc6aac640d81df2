"""The seal of a zone file: what it says, when it holds, and that a zone of which the apex alone is known makes nothing up."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.keyring import VALIDITY, ksk, zsk
from tests.strategies import signable_zones, zones
from zonekit import rdata as rd
from zonekit import signing as signing_module
from zonekit import zones as zones_module
from zonekit.apex import merge_dnskeys
from zonekit.denial import Denial, Nsec, Nsec3, OptOut, apex_nsec3
from zonekit.dnskeys import parse_dnskeys, signer_of
from zonekit.names import name_text, parse_name
from zonekit.render import head_text, iter_zone_text, render_zone
from zonekit.sealing import BrokenSeal, SealedZone, iter_sealed_signed_text, iter_sealed_text, read_sealed
from zonekit.signing import prepare_signing, sign_zone
from zonekit.zonefile import parse_zone
from zonekit.zones import BeyondApex, NameStatus, RRset, Zone, cut_blocks

DENIALS = (Nsec(), Nsec3(), Nsec3(opt_out=OptOut.ON), Nsec3(iterations=3, salt=b"\xaa\xbb"))
KEYS = (ksk(), zsk())
HEAD = "@ 3600 SOA ns1.example.net. admin 7 7200 3600 1209600 300\n@ 3600 NS ns1.example.net.\n"


def sealed_octets(zone: Zone) -> bytes:
    return "".join(iter_sealed_text(zone)).encode("ascii")


def signed(text: str = "www 60 A 192.0.2.1\n", denial: Denial = Nsec()) -> Zone:
    return sign_zone(parse_zone(HEAD + text, "example.nl"), KEYS, validity=VALIDITY, denial=denial)


def ends_of(octets: bytes, origin: str | None = None) -> SealedZone | None:
    return read_sealed(octets, octets, len(octets), origin=origin)


def body_of(octets: bytes, ends: SealedZone) -> bytes:
    return octets[ends.body_at : ends.body_at + ends.body_octets]


def tags_below_apex(zone: Zone) -> set[int]:
    """What signature_tags is to return, by brute force."""
    rrsigs = [rrset for rrset in zone.rrsets() if rrset.rdtype == rd.RRSIG and rrset.owner != zone.apex]
    return {signer_of(rdata)[1] for rrset in rrsigs for rdata in rrset.rdatas}


# ---- what is written ------------------------------------------------------------------------------------------------


def test_the_seal_is_one_comment_after_the_text_of_the_zone() -> None:
    octets = sealed_octets(signed())
    assert octets.decode().startswith(render_zone(signed()))
    seal = octets.decode().removeprefix(render_zone(signed()))
    body = len(render_zone(signed())) - len(head_text(signed()))
    assert seal.startswith(
        f"; seal of zonekit, form 1: {body} octets below the apex, key tags {zsk().key_tag}, checksum "
    )
    assert seal.count("\n") == 1


@given(zones())
def test_a_sealed_file_reads_as_its_zone_and_tells_its_apex(zone: Zone) -> None:
    octets = sealed_octets(zone)
    assert parse_zone(octets) == zone
    ends = ends_of(octets)
    if ends is None:  # an NSEC3PARAM whose chain is not there, or more than one record where there should be one
        assert zone.get("@", "NSEC3PARAM") is not None
        return
    assert ends.zone.apex_node == zone.apex_node
    assert ends.zone.signature_tags() == tags_below_apex(zone)
    assert b"".join(ends.with_apex(ends.zone, [body_of(octets, ends)])) == octets


@given(signable_zones(origin=parse_name(".")))
def test_the_root_is_sealed_like_any_other_zone(zone: Zone) -> None:
    ends = ends_of(sealed_octets(zone))
    assert ends is not None
    assert ends.zone.rrsets_at(".") == zone.rrsets_at(".")


@given(zones(), st.integers(1, 3))
def test_the_seal_does_not_depend_on_the_blocks_or_on_who_prints_them(zone: Zone, owners: int) -> None:
    pairs = [pair for pair in zone.nodes() if pair[0] != zone.apex]
    blocks = [block for at in range(0, len(pairs), owners) for block in cut_blocks(pairs[at : at + owners])]
    with ThreadPoolExecutor(2) as executor:
        pieces = list(iter_sealed_text(Zone.from_blocks(zone.apex, zone.apex_node, blocks), executor=executor))
    assert "".join(pieces).encode("ascii") == sealed_octets(zone)


@given(signable_zones(max_names=12), st.sampled_from(DENIALS), st.integers(1, 3), st.booleans())
def test_a_zone_that_is_signed_and_printed_in_one_go_gets_the_same_seal(
    zone: Zone, denial: Denial, owners: int, zonemd: bool
) -> None:
    if zonemd:
        zone = zone.add(RRset.from_text("example.nl.", 60, "ZONEMD", f"7 1 1 {'00' * 48}"))
    octets = sealed_octets(sign_zone(zone, KEYS, validity=VALIDITY, denial=denial))
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as threads:
        patch.setattr(zones_module, "BLOCK_OWNERS", owners)
        patch.setattr(signing_module, "BLOCK_OWNERS", owners)
        cut_up = Zone.from_rrsets("example.nl", zone.rrsets())
        prepared = prepare_signing(cut_up, KEYS, validity=VALIDITY, denial=denial)
        assert (prepared.apex, prepared.serial, prepared.denial) == (zone.apex, zone.serial, denial)
        for executor in (None, threads):
            assert "".join(iter_sealed_signed_text(prepared, executor=executor)).encode("ascii") == octets


@given(st.binary(min_size=1, max_size=80), st.lists(st.integers(0, 80)))
def test_the_seal_does_not_depend_on_the_pieces_in_which_the_body_comes(zone_octets: bytes, cuts: list[int]) -> None:
    octets = sealed_octets(signed())
    ends = ends_of(octets)
    assert ends is not None
    body = body_of(octets, ends)
    places = sorted({0, len(body), *(cut for cut in cuts if cut <= len(body))})
    ends.check([body[start:end] for start, end in itertools.pairwise(places)])
    with pytest.raises(BrokenSeal):
        ends.check([zone_octets, body])


def test_a_change_in_how_a_zone_is_printed_takes_another_form_of_seal() -> None:
    # Where this fails though nobody meant to change what is printed, that is the mistake. Where somebody did, files that
    # are sealed hold the old print: raise the form, so that they are read and written anew, and put the new checksum here.
    text = """\
www 60 A 192.0.2.1
www 60 AAAA 2001:db8::1
alias 60 CNAME www
mail 60 MX 10 mail
mail 60 TXT "say \\"hi\\"" "\\195\\169"
_sip._tcp 60 SRV 0 5 5060 sip.example.net.
child 60 NS ns.child
child 60 DS 1 13 2 {digest}
a\\.b 60 CAA 0 issue "ca.example.net"
odd 60 TYPE65280 \\# 2 0102
"""
    *_, seal = iter_sealed_text(parse_zone(HEAD + text.format(digest="AB" * 32), "example.nl"))
    assert seal == (
        "; seal of zonekit, form 1: 658 octets below the apex, key tags none,"
        " checksum 9d8558dc6768db5336c699f4b2281bb0\n"
    )


# ---- what is taken for sealed ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("no seal", lambda text: text[: text.rindex(";")]),
        ("a record after it", lambda text: f"{text}@ 60 TXT x\n"),
        ("an empty line after it", lambda text: f"{text}\n"),
        ("no final newline", lambda text: text[:-1]),
        ("CR line ends", lambda text: text.replace("\n", "\r\n")),
        ("another form", lambda text: text.replace("form 1", "form 2")),
        ("a line more in the body", lambda text: text.replace("\nwww", "\n@ 60 TXT x\nwww")),
        (
            "a serial that is not in the comment",
            lambda text: text.replace("7          ; serial", "8          ; serial"),
        ),
        ("a comment in the head", lambda text: text.replace("ns1.example.net.\n", "ns1.example.net. ; ours\n", 1)),
        ("a $TTL", lambda text: text.replace("$ORIGIN", "$TTL 60\n$ORIGIN")),
        ("a head that is no zone", lambda text: text.replace(" IN NS ", " IN XX ", 1)),
        ("a length beyond all bounds", lambda text: text.replace(" octets", "9" * 5000 + " octets")),
        ("a byte order mark", lambda text: f"\N{BOM}{text}"),
    ],
)
def test_a_file_that_was_touched_at_its_ends_is_not_sealed(what: str, changed: Callable[[str], str]) -> None:
    text = sealed_octets(signed()).decode()
    assert ends_of(text.encode()) is not None
    assert changed(text) != text
    assert ends_of(changed(text).encode()) is None, what


def test_a_file_of_another_origin_than_the_one_asked_for_is_left_to_the_reader() -> None:
    octets = sealed_octets(signed())
    assert ends_of(octets, "EXAMPLE.nl") is not None
    assert ends_of(octets, "www.example.nl") is None
    assert ends_of(octets, "nl") is None


@given(st.data())
def test_no_change_of_the_body_or_the_seal_goes_unseen(data: st.DataObject) -> None:
    octets = bytearray(sealed_octets(signed()))
    ends = ends_of(bytes(octets))
    assert ends is not None
    at = data.draw(st.integers(ends.body_at, len(octets) - 1))
    octets[at] ^= data.draw(st.integers(1, 255))
    changed = ends_of(bytes(octets))
    if changed is not None:
        with pytest.raises(BrokenSeal):
            list(changed.with_apex(changed.zone, [body_of(bytes(octets), changed)]))


def test_a_body_cut_short_breaks_the_seal() -> None:
    octets = sealed_octets(signed())
    ends = ends_of(octets)
    assert ends is not None
    with pytest.raises(BrokenSeal):
        ends.check([body_of(octets, ends)[:-1]])


# ---- a zone of which the apex alone is known ------------------------------------------------------------------------


def apex_of(zone: Zone) -> Zone:
    ends = ends_of(sealed_octets(zone))
    assert ends is not None
    return ends.zone


def test_what_is_not_known_is_never_made_up() -> None:
    apex = apex_of(signed())
    assert apex.serial == 7
    assert apex.status("@") is NameStatus.APEX
    assert repr(apex) == "<Zone example.nl. serial 7, of which the apex was read>"
    for ask in (
        lambda: apex.get("www", "A"),
        lambda: "www" in apex,
        lambda: len(apex),
        lambda: apex.blocks,
        lambda: list(apex.nodes()),
        lambda: list(apex.rrsets()),
        lambda: apex.status("www"),
        lambda: list(apex.walk()),
        lambda: list(apex.glue()),
        lambda: apex.replace(RRset.from_text("www.example.nl.", 60, "A", "192.0.2.1")),
        lambda: apex == signed(),
        lambda: signed() == apex,
        lambda: render_zone(apex),
        lambda: list(iter_zone_text(apex)),
    ):
        with pytest.raises(BeyondApex):
            ask()


def test_the_nsec3_of_the_apex_is_known_and_can_be_looked_at_alone() -> None:
    zone = signed(denial=Nsec3())
    apex = apex_of(zone)
    (param,) = zone.apex_rrset(rd.NSEC3PARAM).rdatas
    nsec3 = apex_nsec3(apex, param)
    assert nsec3 == apex_nsec3(zone, param) is not None
    with pytest.raises(BeyondApex):
        apex.replace(nsec3)


def test_an_nsec3param_whose_chain_is_not_there_leaves_the_file_to_the_reader() -> None:
    zone = signed().replace(RRset.from_text("example.nl.", 0, "NSEC3PARAM", "1 0 0 -"))
    assert ends_of(sealed_octets(zone)) is None


def test_of_too_many_signers_none_is_known() -> None:
    zone = signed()
    rrsig = zone.signatures("www", "A")
    assert rrsig is not None
    rdatas = tuple(rrsig.rdatas[0][:16] + tag.to_bytes(2, "big") + rrsig.rdatas[0][18:] for tag in range(65))
    many = RRset(owner=rrsig.owner, rdtype=rd.RRSIG, ttl=rrsig.ttl, rdatas=rdatas, covers=rd.A)
    with pytest.raises(BeyondApex):
        apex_of(zone.replace(many)).signature_tags()
    assert apex_of(parse_zone(HEAD, "example.nl")).signature_tags() == frozenset()


# ---- the key tags of a zone -----------------------------------------------------------------------------------------


@given(zones())
def test_the_key_tags_of_a_zone_are_those_of_its_signatures_below_the_apex(zone: Zone) -> None:
    assert zone.signature_tags() == tags_below_apex(zone)
    read = parse_zone(render_zone(zone))
    assert read.signature_tags() == tags_below_apex(zone)
    apart = parse_zone("".join(f"{rrset.text()}\n" for rrset in reversed(list(zone.rrsets()))), name_text(zone.apex))
    assert apart.signature_tags() == tags_below_apex(zone)


@given(zones(), st.data())
def test_an_edited_zone_knows_its_key_tags(zone: Zone, data: st.DataObject) -> None:
    zone.signature_tags()
    rrsigs = [rrset for rrset in zone.rrsets() if rrset.rdtype == rd.RRSIG]
    for rrset in data.draw(st.lists(st.sampled_from(rrsigs), unique=True)) if rrsigs else ():
        zone = zone.remove(name_text(rrset.owner), rd.RRSIG, rrset.covers)
        assert zone.signature_tags() == tags_below_apex(zone)
        tagged = rrset.rdatas[0][:16] + data.draw(st.sampled_from((b"\0\0", b"\1\2"))) + rrset.rdatas[0][18:]
        zone = zone.replace(
            RRset(owner=rrset.owner, rdtype=rd.RRSIG, ttl=rrset.ttl, rdatas=(tagged,), covers=rrset.covers)
        )
        assert zone.signature_tags() == tags_below_apex(zone)


def test_what_a_step_makes_shares_the_answer() -> None:
    zone = signed()
    merged = merge_dnskeys(zone, parse_dnskeys(ksk(number=1)), signers=KEYS, validity=VALIDITY)
    assert merged.signature_tags() is zone.signature_tags()
