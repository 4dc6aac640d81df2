"""Frames are what they were when they are read back, follow the schemas, and are broken by no text that stands in them."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.epp.examples import EXAMPLES
from tests.epp.grammar import assert_valid
from tests.epp.strategies import HOSTILE, frames
from zonekit.epp import (
    AuthInfo,
    Command,
    DomainInfo,
    DomainInfoData,
    DomainUpdate,
    Frame,
    Hello,
    MessageQueue,
    Part,
    Response,
    Result,
    ResultCode,
    SecDnsUpdate,
    Status,
    TransactionId,
    read_frame,
    result,
    write_frame,
)
from zonekit.epp.parts import parse_xml
from zonekit.errors import EppError, FrameError, RenderError
from zonekit.resources import shipped_templates

ANY_TEXT: Final = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=("Cs",))))


@given(frames())
def test_a_frame_is_the_same_when_it_is_read_back(frame: Frame) -> None:
    octets = write_frame(frame)
    assert read_frame(octets) == frame
    assert read_frame(octets.decode()) == frame
    assert read_frame(octets.decode().encode("utf-16")) == frame, "RFC 5730 section 5 allows it"


@given(frames())
def test_a_frame_is_written_in_one_way(frame: Frame) -> None:
    octets = write_frame(frame)
    assert write_frame(read_frame(octets)) == octets


@given(frames())
def test_a_frame_follows_the_schemas(frame: Frame) -> None:
    assert_valid(write_frame(frame))


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_read_and_written_back_equal_and_valid(name: str) -> None:
    frame = read_frame(EXAMPLES[name])
    octets = write_frame(frame)
    assert_valid(octets)
    assert read_frame(octets) == frame


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name.startswith(("rfc5910", "rfc8063"))])
def test_no_example_of_dnssec_data_and_key_relay_is_left_without_a_value(name: str) -> None:
    frame = read_frame(EXAMPLES[name])
    assert isinstance(frame, Command | Response)
    held = (frame.action,) if isinstance(frame, Command) else frame.data
    assert not [each for each in (*held, *frame.extensions) if isinstance(each, Part)]


def without_a_value(frame: Frame) -> list[str]:
    """The elements of a frame, as its command or as the data of an answer, that zonekit has no value for."""
    held = (frame.action,) if isinstance(frame, Command) else frame.data if isinstance(frame, Response) else ()
    return [each.name for each in held if isinstance(each, Part)]


def test_what_a_transfer_has_no_use_for_is_kept_as_it_came() -> None:
    kept = {
        name: without_a_value(read_frame(octets)) for name, octets in EXAMPLES.items() if name.startswith("rfc5731")
    }
    assert {name: names for name, names in kept.items() if names} == {
        "rfc5731-check": ["check"],
        "rfc5731-check-response": ["chkData"],
        "rfc5731-delete": ["delete"],
        "rfc5731-renew": ["renew"],
        "rfc5731-renew-response": ["renData"],
    }


# ---- nothing breaks out ---------------------------------------------------------------------------------------------


def shape(octets: bytes) -> list[tuple[str, tuple[str, ...]]]:
    """The elements of a frame in order, each with the names of its attributes."""
    return [(str(each.tag), tuple(map(str, each.attrib))) for each in etree.fromstring(octets).iter()]


def with_text(text: str) -> Response:
    """A frame with a text wherever any text may stand, as an element's and as an attribute's."""
    return Response(
        results=(result(ResultCode.COMPLETED, text),),
        transaction=TransactionId(server="NL-1"),
        queue=MessageQueue(count=1, message_id=f"a{text}z", text=f"a{text}z"),
        data=(
            DomainInfoData(
                name="example.nl",
                roid="EX-NL",
                sponsor="losing",
                statuses=(Status(value=f"a{text}z", message=f"a{text}z"),),
                auth_info=AuthInfo(password=f"a{text}z"),
            ),
        ),
    )


@given(ANY_TEXT)
def test_a_text_stays_in_its_element_and_in_its_attribute_or_is_refused(text: str) -> None:
    try:
        frame = with_text(text)
    except EppError:
        return
    octets = write_frame(frame)
    assert shape(octets) == shape(write_frame(with_text("plain")))
    assert read_frame(octets) == frame
    assert etree.fromstring(octets).findtext(".//{*}pw") == f"a{text}z"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_that_would_break_out_comes_back_as_it_was(text: str) -> None:
    frame = with_text(text)
    assert read_frame(write_frame(frame)) == frame


@pytest.mark.parametrize("text", ["\x00", "\x0b", "\ud800", "\ufffe", "\x1b[2J"])
def test_a_character_that_xml_cannot_carry_is_refused_before_it_is_written(text: str) -> None:
    with pytest.raises(EppError, match="has a character that XML cannot carry"):
        AuthInfo(password=text)


# ---- templates ------------------------------------------------------------------------------------------------------


def own(directory: Path, name: str, text: str) -> Path:
    (directory / "epp").mkdir(exist_ok=True)
    (directory / "epp" / name).write_text(text)
    return directory


def test_a_users_own_template_is_taken(tmp_path: Path) -> None:
    own(tmp_path, "hello.xml.j2", "<hello><mine>{{ '<' | xml }}</mine></hello>")
    assert b"<hello><mine>&lt;</mine></hello>" in write_frame(Hello(), own_templates=tmp_path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<hello>{{ value.template }}</hello>", "is printed without a filter"),
        ("<hello>{{ value.nothing | xml }}</hello>", "nothing"),
        ("<hello>{{ '\x01' | xml }}</hello>", "a character in a value to print that XML cannot carry"),
        ("<hello>", "print no XML: line"),
        ("<!DOCTYPE a><hello/>", "print no XML: line"),
    ],
)
def test_a_template_that_prints_what_it_may_not_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(RenderError, match=re.escape(problem)):
        write_frame(Hello(), own_templates=own(tmp_path, "hello.xml.j2", text))


def test_every_value_in_every_template_goes_through_the_filter() -> None:
    templates = sorted((shipped_templates() / "epp").iterdir())
    assert templates
    for template in templates:
        for printed in re.findall(r"{{(.*?)}}", template.read_text()):
            number = re.fullmatch(
                r" [a-z.]*\b(code|count|number|flags|protocol|alg|key_tag|digest_type|max_sig_life"
                r"|ttl|ns_ttl|dnskey_ttl|serial|algorithm) ",
                printed,
            )
            assert printed.endswith(" | xml ") or number, f"{template.name}: {printed}"


def test_what_does_not_come_back_as_it_was_is_what_is_said() -> None:
    def answer(part: Part) -> Response:
        return Response(results=(result(ResultCode.COMPLETED),), transaction=TransactionId(server="a-1"), data=(part,))

    info = DomainInfoData(name="example.nl", roid="EX-NL", sponsor="losing")
    written = write_frame(dataclasses.replace(answer(Part(xml="<a xmlns='urn:a'/>")), data=(info,)))
    known = Part.of(parse_xml(written).find(".//{*}infData"))
    assert read_frame(write_frame(answer(known))) == read_frame(written)
    with pytest.raises(FrameError, match="name is missing"):
        read_frame(write_frame(answer(Part(xml=f"<infData xmlns='{known.namespace}'/>"))))
    alone = Part(xml="<a xmlns='urn:a'/>")
    around = Part(xml=f"<value xmlns='urn:ietf:params:xml:ns:epp-1.0'>{alone.embedded}</value>")
    faulty = Result(code=2001, message="", values=(around,))
    read = read_frame(write_frame(Response(results=(faulty,), transaction=TransactionId(server="a-1"))))
    assert isinstance(read, Response) and read.results[0].values == (alone,)
    code = Result(code=1234, message="")
    told = Response(results=(code,), transaction=TransactionId(server="a-1"))
    assert read_frame(write_frame(told)) == told, "a code that no RFC has is written as it came"


# ---- what may be in a frame -----------------------------------------------------------------------------------------


def test_an_element_of_no_namespace_of_its_own_is_no_extension() -> None:
    for xml in ("<a/>", '<a xmlns="urn:ietf:params:xml:ns:epp-1.0"/>'):
        with pytest.raises(EppError, match="in no namespace of its own"):
            Command(action=DomainInfo(name="example.nl"), extensions=(Part(xml=xml),))
        with pytest.raises(EppError, match="in no namespace of its own"):
            Response(
                results=(result(ResultCode.COMPLETED),), transaction=TransactionId(server="a-1"), data=(Part(xml=xml),)
            )


def test_a_command_that_is_an_element_of_another_namespace_is_refused() -> None:
    with pytest.raises(EppError, match="none of EPP's commands on objects"):
        Command(action=Part(xml="<renew xmlns='urn:x'/>"))


def test_dnssec_data_goes_along_with_what_it_is_of() -> None:
    with pytest.raises(EppError, match="a DomainInfo goes along with SecDnsUpdate"):
        Command(action=DomainInfo(name="example.nl"), extensions=(SecDnsUpdate(max_sig_life=1),))
    Command(action=DomainUpdate(name="example.nl"), extensions=(SecDnsUpdate(max_sig_life=1),))
