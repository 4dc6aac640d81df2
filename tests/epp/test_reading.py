"""Frames are read strictly where zonekit knows what stands in them, kept where it does not, and never crash it."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject
from lxml import etree

from tests.epp.examples import EXAMPLES
from tests.epp.strategies import frames
from zonekit.epp import (
    AuthInfo,
    Command,
    DomainInfoData,
    DomainUpdate,
    Duration,
    Frame,
    Greeting,
    KeyRelayCreate,
    KeyRelayData,
    MalformedDs,
    NameServer,
    NoAuthInfo,
    Part,
    PollAcknowledge,
    Removal,
    Response,
    SecDns,
    SecDnsUpdate,
    UnknownNotice,
    notice_of,
    read_frame,
    write_frame,
)
from zonekit.errors import FrameError

EPP: Final = "urn:ietf:params:xml:ns:epp-1.0"
UNKNOWN: Final = "<a xmlns='urn:a'/>"
PIECES: Final = ("keep-it", "2-your", "yourself")
"""Of the authinfo code that the examples have, cut up as it may be."""
RESULT: Final = "<result code='2000'><msg/>{}</result><trID><svTRID>a-1</svTRID></trID>"
LONG: Final = "a" * 900_000
OF_MANY: Final = " ".join(f"a{number}=''" for number in range(60_000))
MANY: Final = " ".join(f"xmlns:n{number}='u'" for number in range(20_000))
FEW: Final = " ".join(f"xmlns:n{number}='u{number}'" for number in range(199))
SECRETS: Final = ("keep-it-2-yourself", "s3cret", "hunter2")


def changed(name: str, pattern: str, replacement: str) -> bytes:
    """An example in which one thing is another."""
    text, count = re.subn(pattern, replacement, EXAMPLES[name].decode(), count=1, flags=re.DOTALL)
    assert count == 1, f"{pattern} is not in {name}"
    return text.encode()


def refused(octets: bytes | str) -> FrameError:
    with pytest.raises(FrameError) as caught:
        read_frame(octets)
    assert not [secret for secret in SECRETS if secret in str(caught.value)]
    return caught.value


# ---- what is refused ------------------------------------------------------------------------------------------------

_DELETED: Final = ""
REFUSED: Final = [
    # missing, unknown, twice, out of order
    ("rfc5730-hello", "<hello/>", _DELETED, "epp", "greeting or hello or command or response is missing"),
    ("rfc5730-hello", "<hello/>", "<hello/><hello/>", "epp/hello[2]", "it does not belong here"),
    ("rfc5730-hello", "<hello/>", "<hello>hunter2</hello>", "epp/hello", "text stands where only elements may"),
    ("rfc5730-hello", "<hello/>", "hunter2<hello/>", "epp", "text stands where only elements may"),
    ("rfc5730-hello", "<hello/>", "<hello/>hunter2", "epp", "text stands where only elements may"),
    ("rfc5730-hello", "<hello/>", "<hello a='b'/>", "epp/hello", "the attribute a is unknown here"),
    ("rfc5730-hello", "<hello/>", "<extension/>", "epp", "greeting or hello or command or response is missing"),
    ("rfc5731-info-response", "<domain:roid>[^<]*</domain:roid>", _DELETED, "epp/response/resData/infData", "roid is"),
    (
        "rfc5731-info-response",
        "<domain:clID>.*?</domain:clID>",
        _DELETED,
        "epp/response/resData/infData",
        "clID is mis",
    ),
    ("rfc5731-info-response", "(<domain:roid>.*?</domain:roid>)", r"\1\1", "epp/response/resData/infData", "clID is"),
    (
        "rfc5731-info-response",
        "(<domain:clID>.*?</domain:clID>)",
        r"\1\1",
        "epp/response/resData/infData/clID[2]",
        "it d",
    ),
    (
        "rfc5731-info-response",
        "(<domain:name>.*?</domain:name>)",
        r"\1<domain:x/>",
        "epp/response/resData/infData",
        "roid",
    ),
    ("rfc5731-info-response", "<trID>.*</trID>", _DELETED, "epp/response", "trID is missing, or not at its place"),
    ("rfc5731-info-response", "<result.*</result>", _DELETED, "epp/response", "result is missing"),
    (
        "rfc5910-create-ds",
        "<extension>.*</extension>",
        "<extension><a/></extension>",
        "epp/command/extension/a",
        "an elem",
    ),
    ("rfc5730-poll-request", "<poll[^>]*>", _DELETED, "epp/command", "it has no command"),
    ("rfc5730-poll-request", "<command>.*</command>", "<command/>", "epp/command", "it has no command"),
    ("rfc5730-poll-request", 'op="req"', 'op="all"', "epp/command/poll", "the attribute op is none of req, ack"),
    ("rfc5730-poll-request", 'op="req"', 'op="req" msgID="1"', "epp/command/poll", "a request names a message"),
    ("rfc5730-poll-acknowledge", ' msgID="[^"]*"', "", "epp/command/poll", "the attribute msgID is missing"),
    (
        "rfc5730-logout",
        "<logout/>",
        "<logout>hunter2</logout>",
        "epp/command/logout",
        "text stands where only elements may",
    ),
    ("rfc5730-login", "<pw>.*?</pw>", "<pw>short</pw>", "epp/command/login", "password of a login is not of 6 to 16"),
    ("rfc5730-login", "<objURI>.*</objURI>", _DELETED, "epp/command/login/svcs", "objURI is missing"),
    (
        "rfc5730-login",
        "<pw>.*?</pw>",
        "<pw>hunter2<b/></pw>",
        "epp/command/login/pw",
        "an element stands where only text",
    ),
    (
        "rfc5731-transfer-request",
        "</domain:transfer>",
        r"\g<0><domain:transfer xmlns:domain='urn:x'/>",
        "epp/command/transfer/transfer",
        "a command has one object",
    ),
    ("rfc5731-transfer-request", 'op="request"', "", "epp/command/transfer", "the attribute op is missing"),
    ("rfc5731-transfer-request", 'op="request"', 'op="steal"', "epp/command/transfer", "the attribute op is none of"),
    (
        "rfc5731-transfer-request",
        "<domain:authInfo>.*</domain:authInfo>",
        _DELETED,
        "epp/command/transfer/transfer",
        "a transfer is requested without an authinfo code",
    ),
    (
        "rfc5731-transfer-request",
        "(<domain:authInfo>).*(</domain:authInfo>)",
        r"\1\2",
        "epp/command/transfer/transfer/authInfo",
        "pw or ext is missing",
    ),
    (
        "rfc5731-transfer-request",
        "<domain:pw.*?</domain:pw>",
        "<domain:pw></domain:pw>",
        "epp/command/transfer/transfer",
        "has an empty authinfo code",
    ),
    (
        "rfc5731-transfer-request",
        "<domain:pw.*?</domain:pw>",
        "<domain:pw roid='s3cret!'>a</domain:pw>",
        "epp/command/transfer/transfer/authInfo/pw",
        "roid of authinfo is no repository object identifier",
    ),
    (
        "rfc5731-update",
        "<domain:rem>",
        "<domain:rem/><domain:rem>",
        "epp/command/update/update/rem[2]",
        "it does not belong here",
    ),
    (
        "rfc5731-update-host-objects",
        "<domain:hostObj>[^<]*",
        "<domain:hostObj>a..nl",
        "epp/command/update/update/add/ns/hostObj[1]",
        "name of a name server: ",
    ),
    (
        "rfc5731-update-host-attributes",
        "(<domain:hostAddr[^>]*>)[^<]*",
        r"\g<1>1.2.3",
        "epp/command/update/update/add/ns/hostAttr[1]",
        "an element of addresses of a name server is '1.2.3'",
    ),
    (
        "rfc5731-update-host-attributes",
        'ip="v6"',
        'ip="v4"',
        "epp/command/update/update/add/ns/hostAttr[1]/hostAddr[2]",
        "it is no address of the version that ip says",
    ),
    (
        "rfc5731-update-host-attributes",
        'ip="v6"',
        'ip="v5"',
        "epp/command/update/update/add/ns/hostAttr[1]/hostAddr[2]",
        "the attribute ip is none of v4, v6",
    ),
    # values out of bounds
    (
        "rfc5731-create",
        'unit="y">',
        'unit="d">',
        "epp/command/create/create/period",
        "the attribute unit is none of y, m",
    ),
    (
        "rfc5731-create",
        'unit="y">\\d+<',
        'unit="y">100<',
        "epp/command/create/create/period",
        "number of a period is 100",
    ),
    ("rfc5731-create", 'unit="y">\\d+<', 'unit="y">-1<', "epp/command/create/create/period", "it is no whole number"),
    (
        "rfc5731-create",
        'type="admin"',
        'type="owner"',
        "epp/command/create/create/contact[1]",
        "a contact is of kind owner",
    ),
    ("rfc5731-info", ">example.nl<", f">{'a' * 64}.nl<", "epp/command/info/info", "has a label of more than 63 octets"),
    ("rfc5731-info", ">example.nl<", f">{'a.' * 130}nl<", "epp/command/info/info", "a name of"),
    ("rfc5731-info", ">example.nl<", "><", "epp/command/info/info", "has an empty label"),
    ("rfc5731-info", ">example.nl<", ">.<", "epp/command/info/info", "name of a domain info is the root"),
    (
        "rfc5731-info",
        '<domain:name( hosts="[^"]*")?>',
        '<domain:name hosts="some">',
        "epp/command/info/info/name",
        "the attribute hosts is none of",
    ),
    (
        "rfc5731-info-response",
        "<domain:clID>.*?<",
        "<domain:clID>ab<",
        "epp/response/resData/infData",
        "sponsor of what a registry knows of a domain has 2",
    ),
    (
        "rfc5731-info-response",
        "<domain:roid>[^<]*",
        "<domain:roid>none",
        "epp/response/resData/infData",
        "roid of what a registry knows",
    ),
    (
        "rfc5731-info-response",
        "<domain:exDate>[^<]*",
        "<domain:exDate>2026-13-01T00:00:00Z",
        "epp/response/resData/infData/exDate",
        "it is no instant; ask its sender for one such as 2026-11-21T12:00:00Z (RFC 5730 section 2.4)",
    ),
    (
        "rfc5731-info-response",
        "<domain:exDate>[^<]*",
        "<domain:exDate>2026-12-01",
        "epp/response/resData/infData/exDate",
        "it is no instant",
    ),
    (
        "rfc5731-transfer-query-response",
        "<domain:trStatus>[^<]*",
        "<domain:trStatus>lost",
        "epp/response/resData/trnData/trStatus",
        "it is none of pending, clientApproved",
    ),
    (
        "rfc5731-pending-action",
        'paResult="[^"]*"',
        'paResult="yes"',
        "epp/response/resData/panData/name",
        "the attribute paResult is none of true, 1, false, 0",
    ),
    ("rfc5730-poll-empty", 'code="1300"', 'code="999"', "epp/response/result", "code of a result is 999"),
    ("rfc5730-poll-empty", 'code="1300"', 'code="2600"', "epp/response/result", "code of a result is 2600"),
    ("rfc5730-poll-empty", 'code="1300"', 'code="one"', "epp/response/result", "the attribute code is no whole number"),
    ("rfc5730-poll-empty", 'code="1300"', "", "epp/response/result", "the attribute code is missing"),
    (
        "rfc5730-poll-empty",
        "(<result.*</result>)",
        r"\1\1",
        "epp/response",
        "a response has no result, or a success beside others",
    ),
    (
        "rfc5730-poll-acknowledged",
        'count="\\d+"',
        'count="-5"',
        "epp/response/msgQ",
        "the attribute count is no whole number",
    ),
    (
        "rfc5730-poll-acknowledged",
        'count="\\d+"',
        f'count="{2**64}"',
        "epp/response/msgQ",
        "count of a queue of messages is",
    ),
    ("rfc5730-greeting", "<svDate>[^<]*", "<svDate>now", "epp/greeting/svDate", "it is no instant"),
    (
        "rfc5730-greeting",
        "<lang>[^<]*",
        "<lang>not a language",
        "epp/greeting",
        "languages of a greeting is no language",
    ),
    ("rfc5730-greeting", "<version>[^<]*", "<version>one", "epp/greeting", "versions of a greeting is no version"),
    ("rfc5730-greeting", "<dcp>.*</dcp>", _DELETED, "epp/greeting", "dcp is missing"),
    # DNSSEC data and key relay
    (
        "rfc5910-info-response-ds",
        "<secDNS:digest>[^<]*",
        "<secDNS:digest>xyz",
        "epp/response/extension/infData/dsData/digest",
        "the digest of a DS is not hexadecimal",
    ),
    (
        "rfc5910-info-response-ds",
        "(<secDNS:dsData>.*</secDNS:dsData>)",
        r"\1\1",
        "epp/response/extension/infData",
        "DNSSEC data has a DS or a key twice",
    ),
    (
        "rfc5910-info-response-ds",
        "<secDNS:keyTag>[^<]*",
        "<secDNS:keyTag>65536",
        "epp/response/extension/infData/dsData",
        "keyTag 65536 is outside 0 to 65535",
    ),
    (
        "rfc5910-info-response-ds",
        "<secDNS:keyTag>[^<]*",
        "<secDNS:keyTag>",
        "epp/response/extension/infData/dsData/keyTag",
        "it is no whole number",
    ),
    (
        "rfc5910-info-response-ds",
        "<secDNS:dsData>.*</secDNS:dsData>",
        _DELETED,
        "epp/response/extension/infData",
        "DNSSEC data has neither DS nor keys",
    ),
    (
        "rfc5910-info-response-ds",
        "</secDNS:dsData>",
        r"\g<0><secDNS:keyData/>",
        "epp/response/extension/infData/keyData",
        "it does not belong here",
    ),
    (
        "rfc5910-info-response-key",
        "<secDNS:pubKey>[^<]*",
        "<secDNS:pubKey>no base64!",
        "epp/response/extension/infData/keyData/pubKey",
        "the public key of a DNSKEY is not base64",
    ),
    (
        "rfc5910-info-response-key",
        "<secDNS:pubKey>[^<]*",
        "<secDNS:pubKey>",
        "epp/response/extension/infData/keyData/pubKey",
        "the public key of a DNSKEY is not base64",
    ),
    (
        "rfc5910-info-response-key",
        "<secDNS:pubKey>",
        "<secDNS:pubKey>\u00a0",
        "epp/response/extension/infData/keyData/pubKey",
        "the public key of a DNSKEY is not base64",
    ),
    (
        "rfc5910-info-response-key",
        "<secDNS:alg>[^<]*",
        "<secDNS:alg>256",
        "epp/response/extension/infData/keyData",
        "alg 256 is outside 0 to 255",
    ),
    (
        "rfc5910-update-max-sig-life",
        "<secDNS:maxSigLife>[^<]*",
        "<secDNS:maxSigLife>0",
        "epp/command/extension/update",
        "max_sig_life of a DNSSEC update is 0",
    ),
    (
        "rfc5910-update-rem-all",
        "<secDNS:all>true",
        "<secDNS:all>yes",
        "epp/command/extension/update/rem/all",
        "it is neither true nor false",
    ),
    (
        "rfc5910-update-rem-all",
        "</secDNS:all>",
        r"\g<0><secDNS:dsData/>",
        "epp/command/extension/update/rem/dsData",
        "it does not belong here",
    ),
    (
        "rfc5910-update-rem-all",
        "<secDNS:all>.*</secDNS:all>",
        _DELETED,
        "epp/command/extension/update/rem",
        "a removal is either of everything or of what it names",
    ),
    (
        "rfc5910-update-urgent",
        'urgent="[^"]*"',
        'urgent="very"',
        "epp/command/extension/update",
        "the attribute urgent is none of",
    ),
    (
        "rfc5910-update-ds",
        "(<secDNS:update.*</secDNS:update>)",
        r"\1\1",
        "epp/command",
        "a command has an extension of one kind twice",
    ),
    ("rfc5910-create-ds", "secDNS:create", "secDNS:update", None, None),
    (
        "rfc8063-create-relative",
        "<keyrelay:relative>[^<]*",
        "<keyrelay:relative>P1D2M",
        "epp/command/create/create/keyRelayData/expiry/relative",
        "it is no duration",
    ),
    (
        "rfc8063-create-absolute",
        "<keyrelay:absolute>[^<]*",
        "<keyrelay:absolute>soon",
        "epp/command/create/create/keyRelayData[1]/expiry/absolute",
        "it is no instant",
    ),
    (
        "rfc8063-create-relative",
        "(<keyrelay:keyRelayData>.*?</keyrelay:keyRelayData>)",
        r"\1\1",
        "epp/command/create/create",
        "a key is relayed twice",
    ),
    (
        "rfc8063-poll-response",
        "<keyrelay:keyRelayData>.*</keyrelay:keyRelayData>",
        _DELETED,
        "epp/response/resData/infData",
        "keyRelayData is missing",
    ),
    ("rfc8063-poll-response", "secDNS:flags", "keyrelay:flags", None, None),
    (
        "rfc8063-poll-response",
        "<keyrelay:reID>[^<]*",
        "<keyrelay:reID>",
        "epp/response/resData/infData",
        "requester of keys that were relayed has 0 characters",
    ),
]


@pytest.mark.parametrize(("name", "pattern", "replacement", "path", "problem"), REFUSED)
def test_what_the_schemas_do_not_allow_is_refused_with_its_place(
    name: str, pattern: str, replacement: str, path: str | None, problem: str | None
) -> None:
    octets = EXAMPLES[name].decode()
    octets = re.sub(pattern, replacement, octets, flags=re.DOTALL, count=0 if path is None else 1)
    assert octets.encode() != EXAMPLES[name]
    error = refused(octets.replace("domain:pw>keep", "domain:pw>s3cret-keep"))
    assert error.remedy and error.rule
    if path is not None and problem is not None:
        assert error.path == path
        assert str(error).startswith(f"{path}: ") and problem in str(error)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_element_of_an_example_in_another_namespace_is_refused_or_kept(name: str) -> None:
    original = read_frame(EXAMPLES[name])
    for index in range(1, len(list(etree.fromstring(EXAMPLES[name]).iter()))):
        root = etree.fromstring(EXAMPLES[name])
        element = list(root.iter())[index]
        element.tag = f"{{urn:ietf:params:xml:ns:wrong-1.0}}{etree.QName(element).localname}"
        frame = read_or_refuse(etree.tostring(root))
        if frame is not None:
            assert frame != original
            assert "wrong-1.0" in "".join(part.xml for part in parts_of(frame))


@pytest.mark.parametrize("namespace", ["urn:ietf:params:xml:ns:epp-1.1", "", EPP + "#"])
def test_the_root_of_another_namespace_is_refused(namespace: str) -> None:
    error = refused(f'<epp xmlns="{namespace}"><hello/></epp>')
    assert (error.path, error.rule) == ("epp", "RFC 5730 section 2.1")
    assert "the root element is no epp of urn:ietf:params:xml:ns:epp-1.0" in str(error)


def test_a_frame_that_is_too_long_is_refused_before_it_is_read() -> None:
    octets = EXAMPLES["rfc5730-hello"]
    assert "more than 100 octets" in str(refused_at(octets, 100))
    assert "more than 1048576 octets" in str(refused(octets + b" " * 2**20))
    read_frame(octets, max_octets=len(octets))


def test_what_is_kept_as_it_came_is_as_long_as_the_frame_may_be() -> None:
    more = f"<x:a xmlns:x='urn:x'>{'> ' * 700_000}</x:a></resData>"
    octets = changed("rfc5731-info-response", "</resData>", more)
    found = read_frame(octets, max_octets=2**21)
    assert isinstance(found, Response) and isinstance(found.data[1], Part)
    assert found.data[1].text == "> " * 700_000
    assert read_frame(write_frame(found), max_octets=2**23) == found


def refused_at(octets: bytes, max_octets: int) -> FrameError:
    with pytest.raises(FrameError) as caught:
        read_frame(octets, max_octets=max_octets)
    return caught.value


def parts_of(value: Any) -> list[Part]:
    """Every part in a frame."""
    if isinstance(value, Part):
        return [value]
    held = value if isinstance(value, tuple) else [getattr(value, name, ()) for name in getattr(value, "__slots__", ())]
    return [part for each in held for part in parts_of(each)]


# ---- what is understood ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-21T12:00:00Z", (2026, 11, 21, 12, 0, 0)),
        ("2026-11-21T12:00:00", (2026, 11, 21, 12, 0, 0)),
        (" \n2026-11-21T12:00:00.999999999Z\t", (2026, 11, 21, 12, 0, 0)),
        ("2026-11-21T13:30:00.5+01:30", (2026, 11, 21, 12, 0, 0)),
        ("2026-11-21T00:00:00-14:00", (2026, 11, 21, 14, 0, 0)),
        ("2026-11-20T24:00:00Z", (2026, 11, 21, 0, 0, 0)),
        ("9999-12-31T23:59:59Z", (9999, 12, 31, 23, 59, 59)),
        ("2026-11-21T12:00:60Z", None),
        ("2026-11-21T24:00:01Z", None),
        ("2026-02-29T00:00:00Z", None),
        ("2026-11-21T12:00:00+14:01", None),
        ("2026-11-21T12:00:00+01:60", None),
        ("2026-11-21 12:00:00Z", None),
        ("02026-11-21T12:00:00Z", None),
        ("12026-02-29T12:00:00Z", None),
        ("\uff12\uff10\uff12\uff16-11-21T12:00:00Z", None),
    ],
)
def test_instants_are_read_down_to_seconds_and_in_utc(text: str, instant: tuple[int, ...] | None) -> None:
    octets = changed("rfc5731-info-response", "<domain:exDate>[^<]*", f"<domain:exDate>{text}")
    if instant is None:
        assert refused(octets).path.endswith("exDate")
    else:
        data = response(octets).data[0]
        assert isinstance(data, DomainInfoData)
        assert data.expires == datetime(*instant, tzinfo=UTC)  # type: ignore[misc, arg-type]


def response(octets: bytes) -> Response:
    found = read_frame(octets)
    assert isinstance(found, Response)
    return found


def update(octets: bytes) -> SecDnsUpdate | Part:
    found = read_frame(octets)
    assert isinstance(found, Command) and isinstance(found.extensions[0], SecDnsUpdate | Part)
    return found.extensions[0]


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("<domain:name>\n  EXAMPLE.nl\t</domain:name>", "<domain:name>example.nl</domain:name>"),
        ("<domain:name>example.nl.</domain:name>", "<domain:name>example.nl</domain:name>"),
        ("<domain:name><!-- a -->exam<![CDATA[ple.nl]]></domain:name>", "<domain:name>example.nl</domain:name>"),
        ("<domain:name>&#101;xample.nl</domain:name>", "<domain:name>example.nl</domain:name>"),
    ],
)
def test_white_space_and_spelling_that_mean_nothing_are_read_over(written: str, same: str) -> None:
    pattern = "<domain:name>[^<]*</domain:name>"
    assert read_frame(changed("rfc5731-info-response", pattern, written)) == read_frame(
        changed("rfc5731-info-response", pattern, same)
    )


@pytest.mark.parametrize("name", EXAMPLES)
def test_where_the_schemas_are_may_stand_on_any_element(name: str) -> None:
    for index, _ in enumerate(etree.fromstring(EXAMPLES[name]).iter()):
        root = etree.fromstring(EXAMPLES[name])
        hint = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
        list(root.iter())[index].set(hint, f"{EPP} http://127.0.0.1:9/epp-1.0.xsd")
        frame = read_frame(etree.tostring(root))
        assert frame == read_frame(EXAMPLES[name]) or "127.0.0.1" in "".join(part.xml for part in parts_of(frame))


@pytest.mark.parametrize(
    ("written", "urgent"), [("true", True), ("1", True), ("false", False), ("0", False), (" 1 ", True)]
)
def test_truth_values_have_two_spellings_each(written: str, urgent: bool) -> None:
    found = update(changed("rfc5910-update-urgent", 'urgent="[^"]*"', f'urgent="{written}"'))
    assert isinstance(found, SecDnsUpdate) and found.urgent is urgent


def test_rem_all_removes_everything_and_its_opposite_nothing() -> None:
    everything = update(EXAMPLES["rfc5910-update-replace-all"])
    assert isinstance(everything, SecDnsUpdate) and everything.remove == Removal(everything=True)
    nothing = update(changed("rfc5910-update-replace-all", "<secDNS:all>true", "<secDNS:all>false"))
    assert isinstance(nothing, SecDnsUpdate)
    assert nothing.remove is None and nothing.add == everything.add
    alone = update(changed("rfc5910-update-rem-all", "<secDNS:all>true", "<secDNS:all>0"))
    assert isinstance(alone, Part), "it changes nothing at all, and is kept as it came"


@pytest.mark.parametrize("code", [1234, 2599])
def test_a_result_code_that_no_rfc_has_is_read(code: int) -> None:
    found = response(changed("rfc5730-poll-empty", 'code="1300"', f'code="{code}"')).results[0]
    assert (found.code, found.known, found.is_success) == (code, None, code < 2000)


def test_a_status_that_no_rfc_has_is_kept() -> None:
    data = response(
        changed("rfc5731-info-response", '<domain:status s="[^"]*"', '<domain:status s="autoRenewPeriod"')
    ).data
    assert isinstance(data[0], DomainInfoData) and data[0].statuses[0].value == "autoRenewPeriod"


def test_what_is_unknown_is_kept_as_it_came() -> None:
    more = '<x:thing xmlns:x="urn:x" y="1">text<x:in/></x:thing>'
    told = response(changed("rfc5910-info-response-ds", "</resData>", f"{more}</resData>"))
    assert told.data[1] == Part(xml=more) and isinstance(told.data[0], DomainInfoData)
    told = response(changed("rfc5910-info-response-ds", "<extension>", f"<extension>{more}"))
    assert told.extensions[0] == Part(xml=more) and isinstance(told.extensions[1], SecDns)
    command = read_frame(changed("rfc5910-create-ds", "<extension>", f"<extension>{more}"))
    assert isinstance(command, Command) and command.extensions[0] == Part(xml=more)
    odd = f"<command><renew z='1'>{more}</renew></command>"
    error = refused(f'<epp xmlns="{EPP}">{odd}</epp>')
    assert error.path == "epp/command/renew" and "the attribute z is unknown" in str(error)
    command = read_frame(f'<epp xmlns="{EPP}">{odd.replace(" z=", " xmlns:z=")}</epp>')
    assert isinstance(command, Command) and isinstance(command.action, Part)
    assert command.action == Part(xml=f'<renew xmlns="{EPP}">{more}</renew>')
    for verb in ("frobnicate", "clTRID", "extension"):
        assert refused(f'<epp xmlns="{EPP}"><command><{verb}>{more}</{verb}></command></epp>').path == "epp/command"


def test_dnssec_data_of_the_old_extension_is_kept_as_it_came() -> None:
    old = re.sub("secDNS-1.1", "secDNS-1.0", EXAMPLES["rfc5910-info-response-ds"].decode())
    extension = response(old.encode()).extensions[0]
    assert isinstance(extension, Part) and extension.namespace.endswith("secDNS-1.0")


@pytest.mark.parametrize(
    "value",
    ["<value>text alone</value>", "<value a='b'><x xmlns='urn:x'/></value>", "<value><value/></value>", "<value/>"],
)
def test_a_value_that_is_more_than_an_element_is_kept_whole(value: str) -> None:
    found = response(changed("rfc5730-error-value", "<value.*</value>", value))
    part = found.results[0].values[0]
    assert part == Part(xml=value.replace("<value", f'<value xmlns="{EPP}"', 1))
    assert read_frame(write_frame(found)) == found


def test_a_message_with_markup_is_kept_and_its_text_told() -> None:
    queue = response(EXAMPLES["rfc5730-poll-marked-up"]).queue
    assert queue is not None and queue.markup is not None
    assert queue.text == queue.markup.text and queue.text.strip()


def test_an_authinfo_code_of_an_extension_keeps_the_element_around_it() -> None:
    code = "<domain:authInfo><domain:ext><x xmlns='urn:x'>s3cret</x></domain:ext></domain:authInfo>"
    told = response(changed("rfc5731-info-response", "<domain:authInfo>.*</domain:authInfo>", code)).data[0]
    assert isinstance(told, Part) and told.name == "infData" and "s3cret" in told.xml and "s3cret" not in repr(told)


def test_a_code_may_be_taken_away_by_an_update_alone() -> None:
    null = "<domain:authInfo><domain:null/></domain:authInfo>"
    pattern = "<domain:authInfo>.*</domain:authInfo>"
    command = read_frame(changed("rfc5731-update", pattern, null))
    assert isinstance(command, Command) and isinstance(command.action, DomainUpdate)
    assert command.action.auth_info == NoAuthInfo()
    assert b"<domain:null/>" in write_frame(command)
    for odd in (null.replace("/><", ">a</domain:null><"), null.replace("<domain:null/>", "<domain:null/>a")):
        assert "text stands where" in str(refused(changed("rfc5731-update", pattern, odd)))
    assert refused(changed("rfc5731-create", pattern, null)).path == "epp/command/create/create/authInfo"


def test_a_host_update_of_more_than_addresses_is_kept_as_it_came() -> None:
    command = read_frame(EXAMPLES["rfc5732-update"])
    assert isinstance(command, Command) and isinstance(command.action, Part)


def test_an_update_may_take_the_registrant_away() -> None:
    octets = changed("rfc5731-update", "<domain:registrant>[^<]*</domain:registrant>", "<domain:registrant/>")
    command = read_frame(octets)
    assert isinstance(command, Command) and isinstance(command.action, DomainUpdate)
    assert command.action.registrant == ""


def test_a_greeting_says_what_it_offers() -> None:
    greeting = read_frame(EXAMPLES["rfc5730-greeting"])
    assert isinstance(greeting, Greeting)
    assert greeting.offers("urn:ietf:params:xml:ns:secDNS-1.1")
    assert not greeting.offers("urn:ietf:params:xml:ns:secDNS-1.0")


def test_keys_are_relayed_with_their_expiry() -> None:
    data = response(EXAMPLES["rfc8063-poll-response"]).data[0]
    assert isinstance(data, KeyRelayData)
    assert [each.expiry for each in data.keys] == [Duration(months=2, days=5)] * 2
    command = read_frame(EXAMPLES["rfc8063-create-absolute"])
    assert isinstance(command, Command) and isinstance(command.action, KeyRelayCreate)
    assert isinstance(command.action.keys[0].expiry, datetime)


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_secret_is_in_the_repr_of_a_frame(name: str) -> None:
    octets = EXAMPLES[name]
    codes = [str(each.text) for each in etree.fromstring(octets).iter("{*}pw", "{*}newPW")]
    shown = repr(read_frame(octets))
    assert not [code for code in codes if code in shown]


# ---- what is allowed, or a habit of some servers, and is no reason to leave a message unread --------------------------


def known(name: str, pattern: str, replacement: str) -> Any:
    """The first thing that a changed example tells or does."""
    frame = read_frame(changed(name, pattern, replacement))
    assert isinstance(frame, Command | Response)
    assert read_frame(write_frame(frame)) == frame
    return frame.action if isinstance(frame, Command) else frame.data[0]


@pytest.mark.parametrize("code", ["<domain:pw/>", "<domain:pw roid='A-B'></domain:pw>"])
@pytest.mark.parametrize("name", ["rfc5731-info-response", "rfc5731-create", "rfc5731-update", "rfc8063-poll-response"])
def test_an_empty_code_is_read_where_it_permits_nothing(name: str, code: str) -> None:
    told = known(name, "<domain:pw.*?</domain:pw>", code)
    assert isinstance(told.auth_info, AuthInfo) and told.auth_info.password == ""


@pytest.mark.parametrize("name", ["rfc8063-poll-response", "rfc8063-create-relative"])
def test_keys_with_a_code_of_an_extension_are_read(name: str) -> None:
    told = known(name, "<domain:pw.*?</domain:pw>", "<domain:ext><x xmlns='urn:x'>s3cret</x></domain:ext>")
    assert isinstance(told, KeyRelayData | KeyRelayCreate)
    assert isinstance(told.auth_info, Part) and "s3cret" in told.auth_info.xml and "s3cret" not in repr(told)
    assert told.keys == known(name, "<domain:pw>", "<domain:pw>").keys


@pytest.mark.parametrize("said", ["P0D", "-P1D", "PT0.5S", "PT1.50S", "P1234567D"])
def test_a_duration_that_is_not_held_keeps_what_it_stands_in(said: str) -> None:
    pattern, written = "<keyrelay:relative>[^<]*", f"<keyrelay:relative>{said}"
    assert isinstance(known("rfc8063-poll-response", pattern, written), Part)
    assert isinstance(known("rfc8063-create-relative", pattern, written), Part)
    assert isinstance(notice_of(response(changed("rfc8063-poll-response", pattern, written))), UnknownNotice)


@pytest.mark.parametrize(
    "instant",
    ["9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00", "12026-11-21T12:00:00Z", "-2026-11-21T12:00:00Z"],
)
def test_an_instant_beyond_the_calendar_keeps_what_it_stands_in(instant: str) -> None:
    assert isinstance(known("rfc5731-info-response", "<domain:exDate>[^<]*", f"<domain:exDate>{instant}"), Part)
    error = refused(changed("rfc5730-greeting", "<svDate>[^<]*", f"<svDate>{instant}"))
    assert error.path == "epp/greeting/svDate" and "beyond the years 1 to 9999" in str(error)


def test_a_name_that_is_none_of_dns_keeps_what_it_stands_in() -> None:
    pattern, name = "<keyrelay:name>[^<]*", "<keyrelay:name>ex\u00e4mple.nl"
    assert isinstance(known("rfc8063-poll-response", pattern, name), Part)
    assert isinstance(known("rfc5731-info", "(<domain:name[^>]*>)[^<]*", "\\1ex\u00e4mple.nl"), Part)


def test_a_status_that_no_client_sets_keeps_the_command() -> None:
    for status in ("serverHold", "bogus"):
        assert isinstance(known("rfc5731-update", '(<domain:status[^>]* ?s=)"[^"]*"', rf'\1"{status}"'), Part)


def test_the_end_of_a_line_in_a_message_is_kept_as_it_came() -> None:
    queue = response(
        changed("rfc5730-poll-transfer-pending", r"(<msg[^>]*>)[^<]*(</msg><|</msg>\s*</msgQ>)", r"\1a&#13;\nb\2")
    )
    assert queue.queue is not None and queue.queue.text == "a\r\nb"
    assert read_frame(write_frame(queue)) == queue


def test_a_message_with_a_long_identifier_is_read_and_acknowledged() -> None:
    queue = response(changed("rfc5730-poll-transfer-pending", '(<msgQ [^>]*id=)"[^"]*"', rf'\1"{"a" * 300}"')).queue
    assert queue is not None and queue.message_id == "a" * 300
    command = Command(action=PollAcknowledge(message_id=queue.message_id))
    assert read_frame(write_frame(command)) == command


def test_a_refusal_says_which_message_it_was() -> None:
    error = refused(changed("rfc8063-poll-response", "<secDNS:flags>257", "<secDNS:flags>many"))
    assert error.message_id == "4720"
    assert error.within("a file").message_id == "4720" and pickle.loads(pickle.dumps(error)).message_id == "4720"
    assert refused(changed("rfc8063-poll-response", "<qDate>[^<]*", "<qDate>now")).message_id == "4720"
    assert refused(changed("rfc5731-info-response", "<domain:clID>.*?<", "<domain:clID>ab<")).message_id is None
    assert refused("<epp/>").message_id is None


def test_a_refusal_of_a_command_says_which_it_was() -> None:
    unknown = re.sub("<(/?)update>", r"<\1frob>", EXAMPLES["rfc5731-update"].decode())
    identifier = re.search("<clTRID>(.*)</clTRID>", unknown)
    assert identifier is not None and refused(unknown).client_transaction == identifier[1]
    assert refused(re.sub("<clTRID>.*</clTRID>", "", unknown)).client_transaction is None


@pytest.mark.parametrize(("kind", "digest"), [(1, "0123456789abcdefABCD"), (2, "00"), (2, ""), (5, "")])
def test_a_ds_with_a_digest_of_the_wrong_length_is_read_and_can_be_removed(kind: int, digest: str) -> None:
    # RFC 5910 itself shows digests of 10 octets as those of type 1.
    octets = changed(
        "rfc5910-info-response-ds",
        r"<secDNS:digestType>\d+(</secDNS:digestType>\s*)<secDNS:digest>[^<]*",
        rf"<secDNS:digestType>{kind}\1<secDNS:digest>{digest}",
    )
    told = response(octets)
    found = told.extensions[0]
    assert isinstance(found, SecDns) and read_frame(write_frame(told)) == told
    ds = found.ds[0].ds
    assert isinstance(ds, MalformedDs) and (ds.digest_type, ds.digest) == (kind, digest.upper())
    removal = Command(action=DomainUpdate(name="example.nl"), extensions=(SecDnsUpdate(remove=Removal(ds=found.ds)),))
    assert read_frame(write_frame(removal)) == removal


def test_a_type_may_be_named_on_any_element() -> None:
    for name in EXAMPLES:
        root = etree.fromstring(EXAMPLES[name])
        for each in root.iter():
            each.set("{http://www.w3.org/2001/XMLSchema-instance}type", "any")
        if not parts_of(read_frame(EXAMPLES[name])):
            assert read_frame(etree.tostring(root)) == read_frame(EXAMPLES[name])


def servers(text: str) -> Any:
    return known("rfc5731-info-response", "<domain:ns>.*</domain:ns>", f"<domain:ns>{text}</domain:ns>")


ATTRIBUTE: Final = "<domain:hostAttr><domain:hostName>{}</domain:hostName>{}</domain:hostAttr>"
ADDRESS: Final = "<domain:hostAddr>{}</domain:hostAddr>"


def test_a_name_server_that_is_there_twice_has_the_addresses_of_both() -> None:
    one, two = ADDRESS.format("192.0.2.1"), ADDRESS.format("192.0.2.2")
    told = servers(ATTRIBUTE.format("NS1.example.nl", one * 2) + ATTRIBUTE.format("ns1.example.nl.", one + two))
    assert told.name_servers.servers == (NameServer(name="ns1.example.nl", addresses=("192.0.2.1", "192.0.2.2")),)
    told = servers("<domain:hostObj>ns1.example.nl</domain:hostObj>" * 2)
    assert told.name_servers.servers == (NameServer(name="ns1.example.nl"),)


def test_an_address_of_which_nobody_knows_what_it_means_keeps_what_it_stands_in() -> None:
    assert isinstance(servers(ATTRIBUTE.format("ns1.example.nl", ADDRESS.format("192.000.002.001"))), Part)


def test_an_address_is_of_the_version_that_it_says() -> None:
    mapped = ATTRIBUTE.format("ns1.example.nl", ADDRESS.format("::ffff:192.0.2.1"))
    pattern, around = "<domain:ns>.*</domain:ns>", "<domain:ns>{}</domain:ns>"
    assert "of the version that ip says" in str(
        refused(changed("rfc5731-info-response", pattern, around.format(mapped)))
    )
    assert servers(mapped.replace("hostAddr>:", 'hostAddr ip="v6">:')).name_servers.servers[0].addresses


def test_what_is_empty_is_read_as_what_is_not_there() -> None:
    bare = re.sub("(?s)<domain:ns>.*</domain:ns>", "", EXAMPLES["rfc5731-info-response"].decode())
    assert read_frame(bare.replace("</domain:roid>", "</domain:roid>\n")) == read_frame(bare)
    assert read_frame(changed("rfc5731-info-response", "<domain:ns>.*</domain:ns>", "<domain:ns/>")) == read_frame(bare)
    plain = f'<epp xmlns="{EPP}"><response><result code="1000"><msg>ok</msg></result>{{}}<trID>{{}}<svTRID>a-1</svTRID></trID></response></epp>'
    for filled in ("<resData/>", "<extension/>", "<extension> </extension>", '<msgQ count="0"/>'):
        assert read_frame(plain.format(filled, "<clTRID/>")) == read_frame(plain.format("", ""))
    assert "a" in str(refused(plain.format('<msgQ count="1"/>', "")))
    command = f'<epp xmlns="{EPP}"><command><logout/>{{}}</command></epp>'
    assert read_frame(command.format("<extension/><clTRID/>")) == read_frame(command.format(""))


def test_an_update_of_nothing_goes_along_with_dnssec_data_alone() -> None:
    empty = "</domain:name><domain:add/><domain:rem/><domain:chg/>"
    octets = changed("rfc5910-update-rem-all", "</domain:name>", empty)
    assert read_frame(octets) == read_frame(EXAMPLES["rfc5910-update-rem-all"])
    alone = re.sub("(?s)<extension>.*</extension>", "", octets.decode())
    assert "changes nothing" in str(refused(alone))


@pytest.mark.parametrize(("written", "language"), [("", "en"), ("en_US", "en-US"), (" nl ", "nl")])
def test_a_language_is_read_as_it_is_meant(written: str, language: str) -> None:
    result = f'<result code="2000"><msg lang="{written}">no</msg></result>'
    found = response(changed("rfc5730-poll-empty", "<result.*</result>", result))
    assert found.results[0].language == language and read_frame(write_frame(found)) == found


def test_an_element_in_a_code_is_not_named() -> None:
    # As a code with a < in it would look that its sender has not escaped.
    for inner in ("<s3cret/>", "a<s3cret></s3cret>"):
        octets = changed("rfc5731-info-response", "<domain:pw.*?</domain:pw>", f"<domain:pw>{inner}</domain:pw>")
        assert refused(octets).path == "epp/response/resData/infData/authInfo/pw"


def test_the_path_of_a_refusal_is_not_longer_than_can_be_read() -> None:
    long = "a" * 40_000
    assert len(str(refused(f"<{long}/>"))) < 300
    assert len(str(refused(f'<epp xmlns="{EPP}"><hello/><{long}/></epp>'))) < 300
    assert len(str(refused(f'<epp xmlns="{EPP}"><hello {long}="1"/></epp>'))) < 300


# ---- whatever comes -------------------------------------------------------------------------------------------------


def mutated(octets: bytes, data: DataObject) -> bytes:
    """A frame after one mishap."""
    how = data.draw(
        st.sampled_from(("octet", "cut", "insert", "delete", "double", "swap", "rename", "text", "attribute"))
    )
    if how in ("octet", "cut", "insert"):
        at = data.draw(st.integers(0, max(len(octets) - 1, 0)))
        end = at + (how == "octet")
        return octets[:at] + (b"" if how == "cut" else data.draw(st.binary(min_size=1, max_size=3)) + octets[end:])
    root = etree.fromstring(octets)
    elements = list(root.iter())
    element = data.draw(st.sampled_from(elements))
    parent = element.getparent()
    if how == "text":
        element.text = data.draw(
            st.sampled_from(("", " ", "x", "-1", "1" * 30, "true", "\u00a0", "2026", "&", "a" * 300))
        )
    elif how == "rename":
        element.tag = data.draw(st.sampled_from([each.tag for each in elements] + ["a", "{urn:x}a"]))
    elif how == "attribute":
        element.set(
            data.draw(st.sampled_from(("op", "code", "a", "{urn:x}lang"))), data.draw(st.sampled_from(("", "1", "req")))
        )
    elif parent is not None and how == "delete":
        parent.remove(element)
    elif parent is not None and how == "double":
        parent.insert(parent.index(element), copy.deepcopy(element))
    elif parent is not None:
        parent.append(element)
    return etree.tostring(root)


def read_or_refuse(octets: bytes | str) -> Frame | None:
    try:
        return read_frame(octets)
    except FrameError as error:
        refusal = error
    assert str(refusal) and refusal.remedy and refusal.rule
    assert not [piece for piece in PIECES if piece in str(refusal)]
    return None


@given(frames(), st.data())
def test_a_frame_after_mishaps_is_a_frame_or_refused(frame: Frame, data: DataObject) -> None:
    octets = write_frame(frame)
    for _ in range(data.draw(st.integers(1, 3))):
        try:
            octets = mutated(octets, data)
        except etree.XMLSyntaxError:
            break
    found = read_or_refuse(octets)
    if found is not None:
        assert read_frame(write_frame(found)) == found


@given(st.sampled_from(sorted(EXAMPLES)), st.data())
def test_an_example_after_a_mishap_is_a_frame_or_refused(name: str, data: DataObject) -> None:
    found = read_or_refuse(mutated(EXAMPLES[name], data))
    if found is not None:
        assert read_frame(write_frame(found)) == found


@given(
    frames(),
    st.sampled_from(
        ("<!DOCTYPE epp>", '<!DOCTYPE epp [<!ENTITY a "b">]>', "<!DOCTYPE epp SYSTEM 'file:///etc/passwd'>")
    ),
)
def test_a_document_type_in_front_of_any_frame_is_refused(frame: Frame, doctype: str) -> None:
    octets = write_frame(frame).replace(b"<epp", doctype.encode() + b"<epp", 1)
    assert "a document type" in str(refused(octets))


@given(st.one_of(st.binary(max_size=100), st.text(max_size=100)))
def test_any_octets_are_a_frame_or_refused(octets: bytes | str) -> None:
    assert read_or_refuse(octets) is None


@pytest.mark.parametrize(
    "inner",
    [
        f"<response>{RESULT.format('<value><a/></value>' * 30_000)}</response>",
        f"<command><update><a xmlns='urn:a'/></update><extension>{UNKNOWN * 30_000}</extension></command>",
        f"<command><logout/>{'<logout/>' * 90_000}</command>",
        f"<response>{RESULT.format('<value><a/></value>' * 9_000)}</response>",
        f"<command><logout a='{'b' * 900_000}'/></command>",
        "<response>" + RESULT.format(f"<value><a xmlns='urn:a'>{LONG}</a></value>") + "</response>",
        "<response>" + RESULT.format(f"<value><a {OF_MANY} xmlns='urn:a'/></value>") + "</response>",
        f"<response {MANY}>{RESULT.format('<value><n1:a/></value>' * 6_000)}</response>",
        f"<response {FEW}>{RESULT.format('<value><n1:a/></value>' * 9_000)}</response>",
        f"<command><logout {OF_MANY}/></command>",
    ],
)
def test_a_frame_as_long_as_may_be_does_not_take_long(inner: str) -> None:
    # In a process of its own, which is ended: bounded by what is far above what it takes on a busy machine.
    program = "import sys; from zonekit.epp import read_frame\ntry: read_frame(sys.stdin.buffer.read())\nexcept Exception as e: print(type(e).__name__)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=f'<epp xmlns="{EPP}">{inner}</epp>'.encode(),
        capture_output=True,
        timeout=120,
        check=True,
    )
    assert done.stdout in (b"", b"FrameError\n")
