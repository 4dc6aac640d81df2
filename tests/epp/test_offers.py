"""Frames of zonekit's own extension: what is written reads back to the same, is valid by the grammar, and is read strictly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.epp.grammar import assert_valid, problems
from zonekit.ds import DsData, KeyData
from zonekit.epp.domains import (
    AuthInfo,
    DomainTransfer,
    DomainUpdate,
    NameServer,
    NameServers,
    NsForm,
    TransferOperation,
)
from zonekit.epp.frames import Command, Frame, Response, TransactionId
from zonekit.epp.keyrelay import KeyRelayCreate, KeyRelayData, RelayedKey
from zonekit.epp.offers import (
    AuthInfoNotice,
    AuthInfoRequest,
    NsNotice,
    Offer,
    RemovalNotice,
    Report,
    WaitNotice,
)
from zonekit.epp.parts import Part
from zonekit.epp.reading import read_frame
from zonekit.epp.results import ResultCode, result
from zonekit.epp.writing import write_frame
from zonekit.errors import EppError, FrameError, TtlError, ZonekitError
from zonekit.transfer.receipts import DsState, Publication, PublicationState, Receipt, ReceivedKey, Refusal
from zonekit.ttl import MAX_TTL, Ttl

NOW: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
KEY: Final = RelayedKey(key=KeyData(flags=257, protocol=3, alg=13, pub_key="QUJD"))
CODE: Final = AuthInfo(password="2fooBAR")
SERVERS: Final = NameServers(form=NsForm.HOST_OBJECTS, servers=(NameServer(name="ns1.gaining.example"),))
DS: Final = DsData(key_tag=4711, alg=13, digest_type=2, digest="AB" * 32)
OFFER: Final = Offer(name_servers=SERVERS, ds=(DS,), ttl=Ttl(600))
REPORT: Final = Report(name="example.nl", serial=7, merged=NOW, lowered=NOW, ns_ttl=Ttl(600), dnskey_ttl=Ttl(600))
WAIT: Final = WaitNotice(name="example.nl", until=NOW, record="DS at the parent", ttl=Ttl(172800))

# ---- anything that these values can hold ----------------------------------------------------------------------------

instants: Final = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)).map(
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)
ttls: Final = st.integers(0, MAX_TTL).map(Ttl)
names: Final = st.sampled_from(("example.nl", "EXAMPLE.nl.", "xn--caf-dma.example", "a.b.c.example", "_a.example.nl"))
lines: Final = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" <>&\"']"), min_size=1).filter(
    str.strip
)
tokens: Final = lines.map(lambda text: " ".join(text.split())[:255].strip()).filter(bool)
clients: Final = st.text("abcXYZ-019", min_size=3, max_size=16)
codes: Final = st.builds(AuthInfo, password=lines, roid=st.none() | st.sampled_from(("SH8013-REP", "A_B-C1")))
ds_records: Final = st.builds(
    DsData,
    key_tag=st.integers(0, 65535),
    alg=st.integers(0, 255),
    digest_type=st.just(2),
    digest=st.binary(min_size=32, max_size=32).map(bytes.hex),
)
ds_lists: Final = st.lists(ds_records, min_size=1, max_size=3, unique=True).map(tuple)
server_names: Final = st.sampled_from(("ns1.example.nl", "ns2.example.nl", "ns.gaining.example"))
by_object: Final = st.lists(server_names, min_size=1, unique=True).map(
    lambda found: NameServers(form=NsForm.HOST_OBJECTS, servers=tuple(NameServer(name=each) for each in found))
)
by_attributes: Final = st.lists(server_names, min_size=1, unique=True).map(
    lambda found: NameServers(
        form=NsForm.HOST_ATTRIBUTES,
        servers=tuple(NameServer(name=each, addresses=("192.0.2.1", "2001:db8::1")) for each in found),
    )
)
server_lists: Final = by_object | by_attributes
offers: Final = st.builds(Offer, name_servers=server_lists, ds=ds_lists, ttl=ttls)
reports: Final = st.builds(
    Report,
    name=names,
    serial=st.integers(0, 2**32 - 1),
    merged=instants,
    lowered=instants,
    ns_ttl=ttls,
    dnskey_ttl=ttls,
)
announcements: Final = st.one_of(
    st.builds(WaitNotice, name=names, until=instants, record=tokens, ttl=ttls),
    st.builds(AuthInfoRequest, name=names, requester=clients),
    st.builds(AuthInfoNotice, name=names, auth_info=codes),
    st.builds(NsNotice, name=names, at=instants, name_servers=server_lists),
    st.builds(RemovalNotice, name=names, not_before=instants, ds=ds_lists),
)


@st.composite
def receipts(draw: st.DrawFn) -> Receipt:
    """Receipts of every kind: accepted, refused, published, planned, with and without what caches hold."""
    domain, at = draw(names), draw(instants)

    def key() -> ReceivedKey:
        refusals = draw(
            st.lists(st.builds(Refusal, code=lines, reason=lines, rule=st.just("") | lines, remedy=st.just("") | lines))
            if draw(st.booleans())
            else st.just([])
        )
        state = draw(st.sampled_from(PublicationState))
        moved = draw(st.integers(0, 10**6)) * SECOND
        begun = at - moved if state is PublicationState.PUBLISHED else at + moved
        ttl = draw(st.none() | st.integers(0, 10**7).map(Ttl))
        publication = None
        if draw(st.booleans()) and not (refusals and state is PublicationState.PLANNED):
            until = None if ttl is None else begun + ttl * SECOND + draw(st.integers(0, 99)) * SECOND
            publication = Publication(state=state, at=begun, ttl=ttl, cached_until=until)
        return ReceivedKey(
            owner=draw(names) if refusals else domain,
            key_tag=draw(st.integers(0, 65535)),
            algorithm=draw(st.integers(0, 255)),
            flags=draw(st.integers(0, 65535)),
            digest=draw(st.binary(min_size=32, max_size=32)).hex(),
            refusals=tuple(refusals),
            publication=publication,
            ds=draw(st.sampled_from(DsState)),
        )

    return Receipt(domain=domain, by=draw(lines), at=at, keys=tuple(key() for _ in range(draw(st.integers(1, 3)))))


def command_with(extension: Offer | Receipt | Report) -> Command:
    """The command that it goes along with."""
    if isinstance(extension, Offer):
        return Command(action=KeyRelayCreate(name="example.nl", auth_info=CODE, keys=(KEY,)), extensions=(extension,))
    return Command(action=DomainUpdate(name="example.nl"), extensions=(extension,), client_transaction="ABC-1")


def response_with(data: object, *extensions: Offer) -> Response:
    """A poll message."""
    return Response(
        results=(result(ResultCode.ACK_TO_DEQUEUE),),
        transaction=TransactionId(server="SRV-1"),
        data=(data,),  # type: ignore[arg-type]
        extensions=extensions,
    )


def assert_kept(frame: Frame) -> None:
    """A frame is valid and reads back to an equal one, which is written the same."""
    octets = write_frame(frame)
    assert_valid(octets)
    assert read_frame(octets) == frame
    assert write_frame(read_frame(octets)) == octets


# ---- laws -----------------------------------------------------------------------------------------------------------


@given(extension=st.one_of(offers, reports, receipts()))
def test_what_goes_along_with_a_command_is_kept(extension: Offer | Receipt | Report) -> None:
    assert_kept(command_with(extension))


@given(data=st.one_of(announcements, receipts()))
def test_what_the_registry_tells_is_kept(data: object) -> None:
    assert_kept(response_with(data))


@given(offer=offers)
def test_an_offer_beside_relayed_keys_is_kept(offer: Offer) -> None:
    relayed = KeyRelayData(
        name="example.nl", auth_info=CODE, keys=(KEY,), created=NOW, requester="gaining-rar", actor="losing-rar"
    )
    assert_kept(response_with(relayed, offer))


@given(receipt=receipts())
def test_a_receipt_says_by_frame_what_it_says_by_json(receipt: Receipt) -> None:
    read = read_frame(write_frame(command_with(receipt)))
    assert isinstance(read, Command) and isinstance(read.extensions[0], Receipt)
    assert read.extensions[0].as_json() == receipt.as_json()


# ---- refusals -------------------------------------------------------------------------------------------------------

_FRAMES: Final[dict[str, bytes]] = {
    type(value).__name__: write_frame(frame)
    for value, frame in [
        *[(each, command_with(each)) for each in (OFFER, REPORT)],
        *[
            (each, response_with(each))
            for each in (
                WAIT,
                AuthInfoRequest(name="example.nl", requester="gaining-rar"),
                AuthInfoNotice(name="example.nl", auth_info=CODE),
                NsNotice(name="example.nl", at=NOW, name_servers=SERVERS),
                RemovalNotice(name="example.nl", not_before=NOW, ds=(DS,)),
                Receipt(
                    domain="example.nl",
                    by="losing",
                    at=NOW,
                    keys=(
                        ReceivedKey(
                            owner="example.nl",
                            key_tag=1,
                            algorithm=13,
                            flags=257,
                            digest="AB" * 32,
                            publication=Publication(
                                state=PublicationState.PLANNED, at=NOW, ttl=Ttl(60), cached_until=NOW + 60 * SECOND
                            ),
                        ),
                    ),
                ),
            )
        ],
    ]
}
_BROKEN: Final = {
    "an offer without a DS": ("Offer", b"secDNS:dsData", b"secDNS:keyData"),
    "an offer with a TTL that is none": ("Offer", b"ttl>600<", b"ttl>2147483648<"),
    "an offer with a TTL in words": ("Offer", b"ttl>600<", b"ttl>10m<"),
    "an offer with a digest cut short": ("Offer", b"AB</secDNS:digest>", b"</secDNS:digest>"),
    "an offer out of order": ("Offer", b"transfer:ttl", b"transfer:name"),
    "a report with an attribute": ("Report", b"<transfer:serial>", b'<transfer:serial unit="1">'),
    "a report with a serial too large": ("Report", b"serial>7<", b"serial>4294967296<"),
    "a report without when": ("Report", b"<transfer:merged>2026-11-21T12:00:00Z</transfer:merged>", b""),
    "a report of no name": ("Report", b"name>example.nl<", b"name>example..nl<"),
    "a wait with an instant that is none": ("WaitNotice", b"until>2026-11-21", b"until>2026-13-21"),
    "a wait for nothing": ("WaitNotice", b"record>DS at the parent<", b"record><"),
    "a request by nobody": ("AuthInfoRequest", b"requester>gaining-rar<", b"requester>ab<"),
    "a notice of NS without any": ("NsNotice", b"<domain:hostObj>ns1.gaining.example</domain:hostObj>", b""),
    "a removal of nothing": ("RemovalNotice", b"secDNS:dsData", b"secDNS:keyData"),
    "a receipt with a state that nobody knows": ("Receipt", b"state>planned<", b"state>hoped<"),
    "a receipt with half a publication": (
        "Receipt",
        b"<transfer:cachedUntil>2026-11-21T12:01:00Z</transfer:cachedUntil>",
        b"",
    ),
    "a receipt with an owner elsewhere": ("Receipt", b"owner>example.nl<", b"owner>example.com<"),
    "a receipt published before it was planned": ("Receipt", b"at>2026-11-21T12:00:00Z<", b"at>2026-11-22T12:00:00Z<"),
    "a receipt with a tag too large": ("Receipt", b"keyTag>1<", b"keyTag>65536<"),
    "a receipt with a DS state that nobody knows": ("Receipt", b"ds>not looked at<", b"ds>maybe<"),
    "an element that nobody defined": ("Report", b"<transfer:serial>", b"<transfer:surprise/><transfer:serial>"),
}

_BEYOND_A_GRAMMAR: Final = (
    *("an offer with a digest cut short", "a report of no name", "a receipt with an owner elsewhere"),
    "a receipt published before it was planned",
)


@pytest.mark.parametrize("what", _BROKEN)
def test_it_is_read_strictly(what: str) -> None:
    kind, old, new = _BROKEN[what]
    octets = _FRAMES[kind]
    assert_valid(octets)
    assert old in octets
    with pytest.raises(FrameError) as caught:
        read_frame(octets.replace(old, new, 1) if b"at>" in old else octets.replace(old, new))
    assert caught.value.path.startswith("epp/")
    assert "2fooBAR" not in str(caught.value)


@given(
    kind=st.sampled_from(sorted(_FRAMES)),
    cut=st.tuples(st.integers(0, 2000), st.integers(0, 40)),
    put=st.sampled_from(
        (b"", b"<", b">", b"&", b"</", b'"', b"\x00", b"\xff", b"-1", b" ", b"<transfer:ttl>", b"]]>", b"&b;")
    ),
)
def test_a_frame_that_was_tampered_with_is_read_or_refused(kind: str, cut: tuple[int, int], put: bytes) -> None:
    octets = _FRAMES[kind]
    at = cut[0] % len(octets)
    tampered = octets[:at] + put + octets[at + cut[1] :]
    told = ""
    try:
        read = read_frame(tampered)
    except FrameError as error:
        told = str(error)
    else:
        assert read_frame(write_frame(read)) == read
    assert "2fooBAR" not in told


def test_a_code_that_is_no_password_is_refused_and_not_shown() -> None:
    octets = _FRAMES["AuthInfoNotice"].replace(b"domain:pw", b"domain:ext")
    with pytest.raises(FrameError, match="authInfo") as caught:
        read_frame(octets)
    assert "2fooBAR" not in str(caught.value)


def test_a_malformed_ds_is_refused_where_it_is_to_be_added_or_removed() -> None:
    for kind in ("Offer", "RemovalNotice"):
        with pytest.raises(FrameError, match="the digest of a DS is of the wrong length for its type"):
            read_frame(_FRAMES[kind].replace(b"AB" * 32, b"AB"))


def test_a_ds_with_a_key_in_it_is_refused_and_no_key_is_dropped() -> None:
    key = (
        b"<secDNS:keyData><secDNS:flags>257</secDNS:flags><secDNS:protocol>3</secDNS:protocol><secDNS:alg>13</secDNS:alg>"
        b"<secDNS:pubKey>QUJD</secDNS:pubKey></secDNS:keyData>"
    )
    with pytest.raises(FrameError, match="comes with a key here"):
        read_frame(_FRAMES["Offer"].replace(b"</secDNS:dsData>", key + b"</secDNS:dsData>"))


@pytest.mark.parametrize("what", _BROKEN)
def test_the_grammar_refuses_it_where_a_grammar_can_tell(what: str) -> None:
    kind, old, new = _BROKEN[what]
    assert bool(problems(_FRAMES[kind].replace(old, new))) is (what not in _BEYOND_A_GRAMMAR)


def test_an_extension_belongs_to_its_command() -> None:
    request = DomainTransfer(operation=TransferOperation.REQUEST, name="example.nl", auth_info=CODE)
    for extension in (OFFER, REPORT):
        with pytest.raises(EppError, match="goes along with"):
            Command(action=request, extensions=(extension,))
    with pytest.raises(EppError, match="twice"):
        Command(action=DomainUpdate(name="example.nl"), extensions=(REPORT, REPORT))


def test_an_element_of_the_namespace_that_zonekit_does_not_know_is_kept() -> None:
    unknown = (
        b'<transfer:later xmlns:transfer="urn:zonekit:transfer-1.0"><transfer:name>x</transfer:name></transfer:later>'
    )
    octets = _FRAMES["WaitNotice"].replace(b"</resData>", unknown + b"</resData>")
    read = read_frame(octets)
    assert isinstance(read, Response) and isinstance(read.data[1], Part) and read.data[1].name == "later"


@pytest.mark.parametrize(
    ("kind", "fields", "error"),
    [
        (Offer, {"name_servers": SERVERS, "ds": (), "ttl": 600}, EppError),
        (Offer, {"name_servers": SERVERS, "ds": (DS, DS), "ttl": 600}, EppError),
        (Offer, {"name_servers": SERVERS, "ds": (DS,), "ttl": -1}, TtlError),
        (Offer, {"name_servers": None, "ds": (DS,), "ttl": 600}, EppError),
        (RemovalNotice, {"name": "example.nl", "not_before": NOW, "ds": ()}, EppError),
        (WaitNotice, {"name": "example.nl", "until": datetime(2026, 1, 1), "record": "DS", "ttl": 1}, ZonekitError),
        (WaitNotice, {"name": "example.nl", "until": NOW, "record": "", "ttl": 1}, EppError),
        (AuthInfoRequest, {"name": ".", "requester": "gaining-rar"}, EppError),
    ],
)
def test_a_value_that_exists_is_valid(kind: type, fields: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        kind(**fields)


def test_a_code_is_in_no_repr() -> None:
    assert "2fooBAR" not in repr(AuthInfoNotice(name="example.nl", auth_info=CODE))
