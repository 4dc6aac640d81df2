"""The grammars accept the frames of the RFCs' examples, and refuse what the RFCs refuse."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import dns.dnssec
import dns.rdata
import pytest
from lxml import etree

from tests.epp.examples import EXAMPLES
from tests.epp.grammar import assert_valid, problems

ROOT: Final = Path(__file__).parents[2]
SECDNS: Final = "{urn:ietf:params:xml:ns:secDNS-1.1}"


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_valid(name: str) -> None:
    assert_valid(EXAMPLES[name])


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_with_an_element_that_nobody_defined_is_not(name: str) -> None:
    frame = etree.fromstring(EXAMPLES[name])
    etree.SubElement(frame, etree.QName(frame, "surprise"))
    assert problems(etree.tostring(frame))


def test_every_ds_of_the_examples_is_of_the_key_beside_it() -> None:
    pairs = [
        (record, key)
        for frame in EXAMPLES.values()
        for record in etree.fromstring(frame).iter(f"{SECDNS}dsData")
        for key in record.iter(f"{SECDNS}keyData")
    ]
    for record, key in pairs:
        dnskey = dns.rdata.from_text("IN", "DNSKEY", values(key, "flags", "protocol", "alg", "pubKey"))
        assert dns.dnssec.make_ds("example.nl.", dnskey, "SHA256") == dns.rdata.from_text(
            "IN", "DS", values(record, "keyTag", "alg", "digestType", "digest")
        )
    assert pairs


def test_the_keys_that_the_examples_relay_are_those_of_the_fixture() -> None:
    offered = (ROOT / "fixtures/keys/gaining.dnskeys").read_text()
    relayed = etree.fromstring(EXAMPLES["rfc8063-poll-response"]).iter(f"{SECDNS}pubKey")
    assert [key.text in offered for key in relayed] == [True, True]


def test_a_frame_that_is_not_xml_is_a_problem_and_no_crash() -> None:
    assert problems(b"<epp>")[0].startswith("not well-formed")
    assert problems(b"")


def test_a_failure_shows_the_problem_and_the_frame() -> None:
    with pytest.raises(AssertionError, match=r"(?s)line \d+: .*<clTRID>ab</clTRID>"):
        assert_valid(changed("rfc5730-poll-request", r"NL-\d+", "ab"))


@pytest.mark.parametrize(
    ("name", "pattern", "replacement"),
    [
        pytest.param("rfc5730-greeting", "<version>1.0<", "<version>1.1<", id="another version"),
        pytest.param("rfc5730-greeting", "0Z</svDate>", "0+01:00</svDate>", id="an instant that is not in UTC"),
        pytest.param("rfc5730-login", "<pw>.*</pw>", "<pw>short</pw>", id="a password under 6 characters"),
        pytest.param("rfc5730-login", "<pw>.*</pw>", f"<pw>{'a' * 17}</pw>", id="a password over 16 characters"),
        pytest.param("rfc5730-login", "<clID>.*</clID>", "<clID>ab</clID>", id="a client identifier under 3"),
        pytest.param("rfc5730-logout", "<logout/>", "<logout>now</logout>", id="a logout with content"),
        pytest.param("rfc5730-poll-request", 'op="req"', 'op="all"', id="an unknown poll operation"),
        pytest.param("rfc5730-poll-request", "NL-[0-9]+", "a" * 65, id="a transaction identifier over 64"),
        pytest.param("rfc5730-poll-empty", 'code="1300"', 'code="1302"', id="a result code that is not defined"),
        pytest.param("rfc5730-poll-acknowledged", ' count="2"', "", id="a queue without a count"),
        pytest.param("rfc5730-error-value", "(?s)<secDNS.*</secDNS:keyTag>", "", id="a value without an element"),
        pytest.param("rfc5731-info", "domain:name", "domain:host", id="an element in the wrong place"),
        pytest.param("rfc5731-info", "(</?)info>", r"\1update>", id="a command that holds another's element"),
        pytest.param("rfc5731-info", ">example.nl<", f">{'a' * 256}<", id="a name over 255"),
        pytest.param("rfc5731-info-authorised", "DOM17-NL", "DOM17", id="a roid without its repository"),
        pytest.param("rfc5731-info-response", 's="ok"', 's="fine"', id="an unknown status"),
        pytest.param("rfc5731-info-response", '(<domain:status s="ok"/>)', r"\1" * 12, id="twelve statuses"),
        pytest.param("rfc5731-transfer-request", ' op="request"', "", id="a transfer without its operation"),
        pytest.param("rfc5731-transfer-query-response", "pending", "waiting", id="an unknown transfer status"),
        pytest.param("rfc5731-transfer-query-response", "<domain:acDate>.*</domain:acDate>", "", id="no acDate"),
        pytest.param(
            "rfc5731-update-host-objects",
            "(?s)(<domain:add>.*</domain:add>)(.*)(<domain:rem>.*</domain:rem>)",
            r"\3\2\1",
            id="rem before add in a domain update",
        ),
        pytest.param(
            "rfc5731-update-host-attributes",
            "(<domain:ns>)",
            r"\1<domain:hostObj>ns.test</domain:hostObj>",
            id="host objects and attributes together",
        ),
        pytest.param("rfc5731-pending-action", ' paResult="1"', "", id="a pending action without its result"),
        pytest.param("rfc5732-create", 'ip="v6"', 'ip="v5"', id="an unknown kind of address"),
        pytest.param("rfc5732-info-response", "<host:status.*/>", "", id="a host without a status"),
        pytest.param(
            "rfc5910-update-ds",
            "(?s)(<secDNS:rem>.*</secDNS:rem>)(.*)(<secDNS:add>.*</secDNS:add>)",
            r"\3\2\1",
            id="add before rem in a DNSSEC update",
        ),
        pytest.param("rfc5910-update-rem-all", ">true<", ">everything<", id="all that is not a boolean"),
        pytest.param(
            "rfc5910-update-replace-all",
            "(?s)(<secDNS:all>true</secDNS:all>)(.*<secDNS:add>)(.*)(</secDNS:add>)",
            r"\1\3\2\3\4",
            id="all and a DS together",
        ),
        pytest.param("rfc5910-update-urgent", 'urgent="true"', 'urgent="yes"', id="urgent that is not a boolean"),
        pytest.param("rfc5910-update-max-sig-life", "605900", "0", id="a signature lifetime of 0"),
        pytest.param("rfc5910-update-max-sig-life", "605900", str(2**31), id="a signature lifetime over 31 bits"),
        pytest.param("rfc5910-create-ds", "(?s)(<secDNS:max.*Life>)(.*)(\n *</secDNS:create>)", r"\2\1\3", id="order"),
        pytest.param("rfc5910-create-ds", "(?s)<secDNS:dsData>.*</secDNS:dsData>", "", id="neither a DS nor a key"),
        pytest.param("rfc5910-create-ds", "(?s)<extension>.*</extension>", "<extension/>", id="an empty extension"),
        pytest.param("rfc5910-create-ds", "(</?)secDNS:create", r"\1secDNS:update", id="an update in a create"),
        pytest.param("rfc5910-create-ds", "<secDNS:keyTag>.*<", "<secDNS:keyTag>65536<", id="a key tag over 16 bits"),
        pytest.param("rfc5910-create-ds", "<secDNS:alg>.*<", "<secDNS:alg>256<", id="an algorithm over 8 bits"),
        pytest.param("rfc5910-create-ds", "<secDNS:digest>.*<", "<secDNS:digest>ABC<", id="half an octet of digest"),
        pytest.param("rfc5910-create-key", "<secDNS:pubKey>.*<", "<secDNS:pubKey><", id="an empty key"),
        pytest.param("rfc5910-create-key", "<secDNS:pubKey>.*<", "<secDNS:pubKey>AQI<", id="a key that is not base64"),
        pytest.param("rfc8063-create-relative", "P2M5D", "2 months", id="a span that is not a duration"),
        pytest.param("rfc8063-create-relative", "(?s)<keyrelay:keyRelay.*Data>", "", id="a relay of no key"),
        pytest.param("rfc8063-create-relative", "(?s)<keyrelay:auth.*Info>", "", id="a relay without authorisation"),
        pytest.param(
            "rfc8063-create-relative",
            "(<keyrelay:relative>)",
            r"<keyrelay:absolute>2026-12-24T12:00:00Z</keyrelay:absolute>\1",
            id="two expiries",
        ),
        pytest.param("rfc8063-poll-response", "<keyrelay:crDate>.*</keyrelay:crDate>", "", id="no crDate"),
    ],
)
def test_what_an_rfc_refuses_is_refused(name: str, pattern: str, replacement: str) -> None:
    assert problems(changed(name, pattern, replacement))


@pytest.mark.parametrize(
    ("name", "pattern", "replacement"),
    [
        pytest.param("rfc5730-login", "<pw>.*</pw>", f"<pw>{'a' * 16}</pw>", id="a password of 16 characters"),
        pytest.param("rfc5730-poll-request", "NL-[0-9]+", "a" * 64, id="a transaction identifier of 64"),
        pytest.param("rfc5731-info", ">example.nl<", f">{'a' * 255}<", id="a name of 255"),
        pytest.param("rfc5731-info-response", '(<domain:status s="ok"/>)', r"\1" * 11, id="eleven statuses"),
        pytest.param("rfc5731-info-response", '<domain:status s="ok"/>', "", id="no status"),
        pytest.param("rfc5910-update-rem-all", ">true<", ">0<", id="a boolean in digits"),
        pytest.param("rfc5910-update-max-sig-life", "605900", "1", id="the shortest signature lifetime"),
        pytest.param("rfc5910-update-max-sig-life", "605900", str(2**31 - 1), id="the longest signature lifetime"),
        pytest.param("rfc5910-create-ds", "<secDNS:keyTag>.*<", "<secDNS:keyTag>65535<", id="the highest key tag"),
        pytest.param("rfc5910-create-ds", "<secDNS:alg>.*<", "<secDNS:alg>255<", id="the highest algorithm"),
        pytest.param("rfc5910-create-key", "(<secDNS:pubKey>.{20})", r"\1\n  ", id="a key over two lines"),
    ],
)
def test_what_an_rfc_just_allows_is_accepted(name: str, pattern: str, replacement: str) -> None:
    assert_valid(changed(name, pattern, replacement))


@pytest.mark.parametrize(
    ("name", "pattern", "replacement"),
    [
        pytest.param("rfc5731-info", "domain-1.0", "domain-1.1", id="another version of a mapping"),
        pytest.param(
            "rfc5731-info", "(</info>)", r'\1<extension><x:y xmlns:x="urn:example:x"/></extension>', id="in a command"
        ),
        pytest.param(
            "rfc5910-info-response-ds",
            "(</extension>)",
            r'<x:y xmlns:x="urn:example:x" a="1">z</x:y>\1',
            id="beside ours",
        ),
        pytest.param(
            "rfc5730-poll-acknowledged", "(<trID>)", r'<resData><y xmlns="urn:example:x"/></resData>\1', id="data"
        ),
    ],
)
def test_what_no_grammar_describes_is_let_through(name: str, pattern: str, replacement: str) -> None:
    assert_valid(changed(name, pattern, replacement))


def test_where_a_sender_keeps_its_schemas_does_not_matter() -> None:
    hint = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:ietf:params:xml:ns:epp-1.0 epp.xsd"'
    assert_valid(changed("rfc5730-hello", '(epp-1.0")', rf"\1{hint}"))


def test_no_file_is_read_for_an_entity() -> None:
    frame = b'<!DOCTYPE epp [<!ENTITY x SYSTEM "file:///etc/hostname">]><epp xmlns="urn:ietf:params:xml:ns:epp-1.0">&x;</epp>'
    assert problems(frame)


def values(element: etree._Element, *names: str) -> str:
    """The texts of an element's children with these names, as the text of a record has them."""
    return " ".join(element.findtext(f"{SECDNS}{name}") for name in names)


def changed(name: str, pattern: str, replacement: str) -> bytes:
    """An example with everything that matches the pattern replaced, which has to be something."""
    text, count = re.subn(pattern, replacement, EXAMPLES[name].decode())
    assert count, f"{name} has nothing that matches {pattern}"
    return text.encode()
