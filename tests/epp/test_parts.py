"""XML is read without a document type, entities, network and files, within bounds, and kept as it came."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.epp.strategies import faulty_parts
from zonekit.epp import Part
from zonekit.epp.parts import MAX_DEPTH, parse_xml
from zonekit.errors import FrameError

SECRET: Final = "hunter2-of-the-file"
LAUGHS: Final = "".join(f'<!ENTITY l{number + 1} "{f"&l{number};" * 10}">' for number in range(9))
BOMB: Final = f'<!DOCTYPE a [<!ENTITY l0 "lol">{LAUGHS}]>'

GUESSED: Final = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
"""Encodings that libxml2 guesses from the first octets, without a byte order mark."""

NOT_SAFE: Final = {
    "a document type": "<!DOCTYPE a><a/>",
    "one in lower case": "<!doctype a><a/>",
    "one behind a declaration": '<?xml version="1.0"?>\n<!DOCTYPE a><a/>',
    "one behind comments and instructions": "<!-- <a/> --><?b <a ?> \n<!DOCTYPE a [ ]><a/>",
    "one with an entity": '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    "a bomb in text": f"{BOMB}<a>&l9;</a>",
    "a bomb in an attribute": f'{BOMB}<a b="&l9;"/>',
    "a bomb of parameter entities": '<!DOCTYPE a [<!ENTITY % b "<!ENTITY c &#39;d&#39;>">%b;]><a>&c;</a>',
    "a quadratic bomb": f'<!DOCTYPE a [<!ENTITY b "{"c" * 10_000}">]><a>{"&b;" * 10_000}</a>',
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "text"])
@pytest.mark.parametrize("what", NOT_SAFE)
def test_a_document_type_is_refused_before_anything_of_it_is_expanded(what: str, encoding: str) -> None:
    text = NOT_SAFE[what]
    document = text if encoding == "text" else text.encode(encoding)
    tracemalloc.start()
    try:
        with pytest.raises(FrameError, match=r"line \d+: a document type, or a comment that does not end"):
            parse_xml(document)
        assert tracemalloc.get_traced_memory()[1] < 20 * len(text) + 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "document",
    [
        f"\ufeff\ufeff{BOMB}<a/>",
        f"\ufeff\ufeff{BOMB}<a/>".encode(),
        f"\ufeff\ufeff{BOMB}<a/>".encode("utf-16"),
        f"<?xml version='1.0'?>\ufeff{BOMB}<a/>",
        f" \ufeff{BOMB}<a/>",
        *(f"{start}{BOMB}<a/>".encode(guessed) for start in ("", "<?b?>", " ") for guessed in GUESSED),
        f"<?b {BOMB}<a/>",
        f"x{BOMB}<a/>",
        f"\x00{BOMB}<a/>",
    ],
)
def test_libxml2_is_not_led_to_find_a_document_type_elsewhere(document: bytes | str) -> None:
    with pytest.raises(FrameError, match=r"line 1: no well-formed XML: no element begins where one is due"):
        parse_xml(document)


@pytest.fixture
def touched() -> Iterator[tuple[int, list[object]]]:
    """The port of a socket on the loopback, and every connection to it."""
    connections: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def accept() -> None:
            while True:
                connection, peer = server.accept()
                with connection:
                    if connection.recv(4) == b"stop":
                        return
                    connections.append(peer)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield port, connections
        with socket.create_connection(("127.0.0.1", port), timeout=60) as last:
            last.sendall(b"stop")
        thread.join(60)
    assert not connections


@pytest.mark.parametrize(
    "template",
    [
        '<!DOCTYPE a SYSTEM "{url}"><a/>',
        '<!DOCTYPE a PUBLIC "-//A//B" "{url}"><a/>',
        '<!DOCTYPE a [<!ENTITY b SYSTEM "{url}">]><a>&b;</a>',
        '<!DOCTYPE a [<!ENTITY % b SYSTEM "{url}">%b;]><a/>',
        '<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{url}" parse="text"/></a>',
        '<?xml-stylesheet href="{url}"?><a/>',
        '<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x {url}"/>',
    ],
)
def test_neither_a_file_nor_the_network_is_touched(
    template: str, touched: tuple[int, list[object]], tmp_path: Path
) -> None:
    port, connections = touched
    file = tmp_path / "secret"
    file.write_text(SECRET)
    for url in (f"http://127.0.0.1:{port}/a.dtd", f"ftp://127.0.0.1:{port}/a", file.as_uri(), str(file)):
        document = template.format(url=url)
        if "<!DOCTYPE" in document:
            with pytest.raises(FrameError):
                parse_xml(document)
        else:
            assert SECRET not in Part.of(parse_xml(document)).xml
    assert not connections


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (b"", "line 1: no well-formed XML"),
        (b"<a>\n<b></a>", "line 2: no well-formed XML"),
        (b"<a/><b/>", "line 1: no well-formed XML"),
        (b"<a/>\ntext", "line 2: no well-formed XML"),
        (b"<a>&pass;</a>", "line 1: no well-formed XML"),
        (b"<x:a/>", "line 1: no well-formed XML"),
        (b"<a b='1' b='2'/>", "line 1: no well-formed XML"),
        (b"<a>\x01</a>", "line 1: no well-formed XML"),
        (b"<a/>\x00", "line 1: no well-formed XML"),
        (b"<a>\xff</a>", "it is neither in UTF-8 nor, with a byte order mark, in UTF-16"),
        ("<a/>".encode("utf-16-le"), "line 1: no well-formed XML"),
        (b"\xff\xfe<", "it is neither in UTF-8 nor, with a byte order mark, in UTF-16"),
        (b'<?xml version="1.1"?><a/>', "line 1: its declaration is not of XML 1.0 in UTF-8 or UTF-16"),
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', "line 1: its declaration is not of XML 1.0"),
        (b"<?xml encoding='utf-8'?><a/>", "line 1: its declaration is not of XML 1.0"),
        ("<a>\ud800</a>", "it has half of a surrogate pair, which is no character"),
        (b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1), f"line 1: elements stand more than {MAX_DEPTH} deep"),
        (b"<a>\n" + b"<a/>" * 20_000 + b"</a>", "line 2: it has more than 20000 elements"),
        (b"<a>" * 100_000, "line 1: no well-formed XML"),
        (b"<!-- <a/>", "line 1: a document type, or a comment that does not end"),
        (b"<a><!DOCTYPE b></a>", "line 1: no well-formed XML"),
    ],
)
def test_what_is_no_xml_is_refused_with_its_line(document: bytes | str, problem: str) -> None:
    with pytest.raises(FrameError) as caught:
        parse_xml(document)
    assert str(caught.value).startswith(problem)
    assert caught.value.rule == "RFC 5730 section 5" and caught.value.remedy


def test_a_refusal_quotes_nothing_of_the_document() -> None:
    for document in ("<pw>a&hunter2;</pw>", "<pw><hunter2></pw>", "<pw hunter2></pw>", "<hunter2:pw/>"):
        with pytest.raises(FrameError) as caught:
            parse_xml(document)
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("length", [20, 21])
def test_a_document_is_as_long_as_it_may_be(length: int) -> None:
    document = b"<a>%s</a>" % (b"x" * (length - 7))
    for each in (document, document.decode()):
        if length <= 20:
            parse_xml(each, max_octets=20)
        else:
            with pytest.raises(FrameError, match="it has more than 20 octets; give max_octets"):
                parse_xml(each, max_octets=20)
    with pytest.raises(FrameError, match="more than 20 octets"):
        parse_xml("<a>éééééééé</a>", max_octets=20)


def test_elements_stand_as_deep_as_they_may() -> None:
    assert parse_xml(b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH).tag == "a"


@pytest.mark.parametrize(
    "document",
    [
        "<a>1<!-- 2 -->3</a>",
        "<a>1<?b 2?>3</a>",
        "<a><![CDATA[1]]>3</a>",
        '<?xml version="1.0" encoding="UTF-16" standalone="no"?>\n\n<!-- b --><a>&#49;3</a><!-- c -->',
        "\ufeff<a>13</a>",
        "<?xmlish?><a>13</a>",
    ],
)
def test_comments_and_processing_instructions_are_dropped(document: str) -> None:
    for each in (document, document.removeprefix("\ufeff").encode("utf-16"), document.encode()):
        root = parse_xml(each)
        assert (root.tag, root.text, len(root)) == ("a", "13", 0)


def test_the_lines_of_a_refusal_count_those_of_the_declaration() -> None:
    with pytest.raises(FrameError, match=r"^line 4: "):
        parse_xml('<?xml\nversion="1.0"\n?>\n<a')


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda text: f"<a>{text}</a>")))
def test_anything_is_xml_or_refused(document: bytes | str) -> None:
    try:
        parse_xml(document)
    except FrameError:
        return


# ---- parts ----------------------------------------------------------------------------------------------------------


@given(faulty_parts())
def test_a_part_is_itself_by_itself_and_wherever_it_stands(part: Part) -> None:
    assert Part(xml=part.xml) == part
    around = f"<epp xmlns='urn:epp' xmlns:y='urn:y'>\n  {part.embedded}\n tail</epp>"
    root = parse_xml(around)
    assert Part.of(root[0]) == part
    assert "\n" not in part.embedded
    assert (root[0].tag, part.name) == (f"{{{part.namespace}}}{part.name}" if part.namespace else part.name, part.name)


@pytest.mark.parametrize(
    ("xml", "kept"),
    [
        ("<a  b = 'c' />", '<a b="c"></a>'),
        ('<a xmlns:b="urn:b" xmlns:c="urn:c"><c:d/></a>', '<a><c:d xmlns:c="urn:c"></c:d></a>'),
        ('<a xmlns:b="urn:b">b:c</a>', '<a xmlns:b="urn:b">b:c</a>'),
        ('<a xmlns:b="urn:b" c="b:c"/>', '<a xmlns:b="urn:b" c="b:c"></a>'),
        ("<a><!-- c --><?d e?>&lt;<![CDATA[<]]></a>", "<a>&lt;&lt;</a>"),
    ],
)
def test_a_part_is_kept_in_canonical_form(xml: str, kept: str) -> None:
    assert Part(xml=xml).xml == kept


def test_a_part_has_a_name_and_says_nothing_else() -> None:
    part = Part(xml='<d:pw xmlns:d="urn:d">hunter2</d:pw>')
    assert (part.namespace, part.name, part.text) == ("urn:d", "pw", "hunter2")
    assert repr(part) == "Part('{urn:d}pw')"
    assert Part(xml="<a/>").namespace == ""


@pytest.mark.parametrize(
    "xml", ["", "text", "<a/><b/>", "<a/>b", "<a", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', None]
)
def test_what_is_no_element_is_no_part(xml: str) -> None:
    with pytest.raises(FrameError):
        Part(xml=xml)


# ---- without lxml ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("program", ["import zonekit.epp; zonekit.epp.read_frame", "import zonekit.epp.parts"])
def test_without_lxml_one_error_names_the_extra(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.modules['lxml'] = None\n{program}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "zonekit.errors.EppError: EPP frames need lxml, which is not installed; run: pip install 'zonekit[epp]'"
    )


def test_nothing_else_loads_lxml() -> None:
    program = "import sys, zonekit, zonekit.epp, zonekit.cli.app, zonekit.render; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "zonekit.render" in loaded and not [name for name in loaded if name.startswith("lxml")]


def test_the_parser_is_no_looser_than_what_is_said_of_it() -> None:
    # libxml2 itself would read this: the refusal is zonekit's own.
    assert etree.fromstring("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>").text == "c"
