"""Names in wire form, held against dnspython's."""

from __future__ import annotations

import dns.exception
import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import ORIGIN, child, labels, names
from zonekit.errors import DomainNameError
from zonekit.names import (
    MAX_NAME_OCTETS,
    ROOT,
    ancestors_of,
    check_wire_name,
    from_wire_name,
    is_plain_name,
    is_subdomain,
    label_count,
    label_text,
    labels_of,
    name_end,
    name_text,
    order_key,
    parent_of,
    parse_name,
    parse_name_octets,
    parse_origin,
    to_wire_name,
)

# What names are made of in a zone file, and what breaks a reader: escapes whole and cut short, empty labels, labels and
# names at and over their limits.
_PARTS = (
    *("a", "B", "www", "*", "_tcp", "-", ".", "..", "@", "$", '"', "(", ";", " ", "\t", "\x7f", "\x01"),
    *("\\", "\\.", "\\@", "\\\\", '\\"', "\\032", "\\0", "\\25", "\\256", "\\255", "\\000", "\\1a2"),
    *("x" * 63, "y" * 64),
)
NAME_TEXTS = st.one_of(
    st.lists(st.sampled_from(_PARTS), max_size=8).map("".join),
    names().map(name_text),
    names().map(lambda name: name_text(name, ORIGIN)),
    st.text(alphabet=[chr(octet) for octet in range(128)], max_size=6),
)


def dnspython_answer(text: str, origin: bytes | None) -> bytes | None:
    """The wire form that dnspython reads in a text, or None where it refuses it."""
    try:
        name = dns.name.from_text(text, None if origin is None else from_wire_name(origin))
        return name.to_wire()
    except (dns.exception.DNSException, ValueError):
        return None


def our_answer(text: str, origin: bytes | None) -> bytes | None:
    try:
        return parse_name(text, origin)
    except DomainNameError:
        return None


# ---- parsing --------------------------------------------------------------------------------------------------------


@given(NAME_TEXTS, st.sampled_from([ROOT, ORIGIN, parse_name("a" * 63 + "." + "b" * 63 + "." + "c" * 63 + ".")]))
def test_a_text_is_the_name_that_dnspython_reads_or_both_refuse_it(text: str, origin: bytes) -> None:
    # To dnspython an empty text is the origin; in a zone file there is no empty token.
    if text:
        assert our_answer(text, origin) == dnspython_answer(text, origin)


@given(names(), st.sampled_from([ROOT, ORIGIN]))
def test_what_is_printed_is_read_back(name: bytes, origin: bytes) -> None:
    assert parse_name(name_text(name)) == name
    assert parse_name(name_text(name, origin), origin) == name


@given(names())
def test_a_name_is_printed_as_dnspython_prints_it(name: bytes) -> None:
    assert name_text(name) == from_wire_name(name).to_text()


@given(NAME_TEXTS)
def test_octets_are_read_as_their_text_is(text: str) -> None:
    if our_answer(text, ORIGIN) is not None:
        assert parse_name_octets(text.encode(), ORIGIN) == parse_name(text, ORIGIN)


@given(NAME_TEXTS)
def test_a_plain_name_is_read_as_it_stands_or_refused_for_its_length_or_an_empty_label(text: str) -> None:
    if is_plain_name(text.encode()):
        answer = our_answer(text, ROOT)
        parts = text.removesuffix(".").encode().split(b".") if text != "." else []
        if answer is None:
            assert "" in text.split(".")[:-1] or max(map(len, parts)) > 63 or len(text) > 253
        else:
            assert labels_of(answer) == parts


def test_octets_outside_ascii_stand_for_themselves() -> None:
    assert parse_name("é.nl.") == b"\x02\xc3\xa9\x02nl\x00"
    assert parse_name_octets(b"\xe9.nl.") == b"\x01\xe9\x02nl\x00"
    assert name_text(b"\x01\xe9\x02nl\x00") == "\\233.nl."


def test_at_is_the_origin_and_an_escaped_at_is_a_label() -> None:
    assert parse_name("@", ORIGIN) == ORIGIN
    assert parse_name("\\@", ORIGIN) == b"\x01@" + ORIGIN


def test_a_name_of_255_octets_is_the_longest() -> None:
    longest = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61]) + "."
    assert len(parse_name(longest)) == MAX_NAME_OCTETS
    with pytest.raises(DomainNameError, match="256 octets, more than 255"):
        parse_name(longest.replace("d.", "dd."))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty label"),
        ("a..b", "empty label"),
        (".a", "empty label"),
        ("..", "empty label"),
        ("x" * 64, "more than 63 octets"),
        ("\\x" * 64, "more than 63 octets"),
        ("a\\", "bad escape"),
        ("a\\25", "bad escape"),
        ("a\\256", "over 255"),
        (".".join(["abc"] * 64), "more than 255"),
    ],
)
def test_a_text_that_is_no_name_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(DomainNameError, match=reason):
        parse_name(text, ORIGIN)


def test_a_relative_name_without_an_origin_is_refused() -> None:
    for text in ("www", "@"):
        with pytest.raises(DomainNameError, match="origin"):
            parse_name(text)


def test_a_refusal_quotes_nothing_that_a_terminal_would_obey() -> None:
    with pytest.raises(DomainNameError) as refusal:
        parse_name("\x1b[2J" + "a" * 1000)
    assert "\x1b" not in str(refusal.value)
    assert len(str(refusal.value)) < 250


# ---- the border -----------------------------------------------------------------------------------------------------


@given(names())
def test_a_name_survives_dnspython(name: bytes) -> None:
    assert to_wire_name(from_wire_name(name), ROOT) == name
    assert parse_origin(from_wire_name(name)) == name


@given(names(ROOT, max_labels=2))
def test_a_relative_name_of_dnspython_is_completed(name: bytes) -> None:
    relative = dns.name.Name(labels_of(name))
    assert to_wire_name(relative, ORIGIN) == relative.concatenate(from_wire_name(ORIGIN)).to_wire()


def test_an_origin_is_absolute_with_and_without_its_dot() -> None:
    assert parse_origin("example.nl") == parse_origin("example.nl.") == parse_name("example.nl.")
    assert parse_origin(".") == ROOT


def test_what_is_no_name_is_refused_at_the_border() -> None:
    with pytest.raises(DomainNameError, match="not int"):
        to_wire_name(5, ORIGIN)  # type: ignore[arg-type]
    with pytest.raises(DomainNameError, match="more than 255"):
        to_wire_name(dns.name.Name([b"a" * 60] * 4), ORIGIN)


# ---- order ----------------------------------------------------------------------------------------------------------


@given(st.lists(names(max_labels=4), max_size=12))
def test_names_sort_as_dnspython_sorts_them(some: list[bytes]) -> None:
    ours = [from_wire_name(name) for name in sorted(some, key=order_key)]
    assert ours == sorted(map(from_wire_name, some))


@given(names(), names())
def test_two_names_have_one_key_only_when_dnspython_says_they_are_equal(first: bytes, second: bytes) -> None:
    assert (order_key(first) == order_key(second)) == (from_wire_name(first) == from_wire_name(second))


@given(names(), labels())
def test_the_key_of_a_name_begins_with_the_key_of_the_name_above(name: bytes, label: bytes) -> None:
    below = child(name, label)
    assert below == name or order_key(below).startswith(order_key(name) + b"\x00")


@given(names(max_labels=2), names(max_labels=4))
def test_below_is_what_dnspython_calls_below(above: bytes, name: bytes) -> None:
    assert is_subdomain(name, above) == from_wire_name(name).is_subdomain(from_wire_name(above))
    assert is_subdomain(name, ROOT)


def test_names_sort_as_in_rfc_4034_section_6_1() -> None:
    texts = ["example.", "a.example.", "yljkjljk.a.example.", "Z.a.example.", "zABC.a.EXAMPLE.", "z.example."]
    texts += ["\\001.z.example.", "*.z.example.", "\\200.z.example."]
    shuffled = sorted(map(parse_name, texts), reverse=True)
    assert [name_text(name) for name in sorted(shuffled, key=order_key)] == texts


# ---- parts ----------------------------------------------------------------------------------------------------------


@given(names(), st.binary(max_size=5))
def test_a_name_is_its_labels_and_ends_where_they_end(name: bytes, after: bytes) -> None:
    assert (*labels_of(name), b"") == from_wire_name(name).labels
    assert name_end(b"xx" + name + after, 2) == 2 + len(name)


@given(names())
def test_labels_are_counted_without_the_root_and_a_first_asterisk(name: bytes) -> None:
    parsed = from_wire_name(name)
    assert label_count(name) == len(parsed) - 1 - parsed.is_wild()


@given(names(max_labels=4))
def test_the_names_between_are_every_parent_below_the_origin(name: bytes) -> None:
    expected = []
    above = from_wire_name(name)
    while above != from_wire_name(ORIGIN) and (above := above.parent()) != from_wire_name(ORIGIN):
        expected.append(above.to_wire())
    assert list(ancestors_of(name, ORIGIN)) == expected


def test_the_root_is_its_own_parent() -> None:
    assert parent_of(ROOT) == ROOT
    assert parent_of(b"\x02nl\x00") == ROOT


@given(st.binary(min_size=1, max_size=63))
def test_a_label_is_printed_so_that_it_is_read_as_one_label(label: bytes) -> None:
    assert labels_of(parse_name(label_text(label) + ".")) == [label]


@given(names())
def test_a_whole_name_is_a_good_one(name: bytes) -> None:
    check_wire_name(name)


@pytest.mark.parametrize(
    "octets",
    [b"", b"\x01a", b"\x03www", b"\x01a\x00\x00", b"\xc0\x0c", b"\x40" + b"a" * 64 + b"\x00"],
)
def test_octets_that_are_no_whole_name_are_refused(octets: bytes) -> None:
    with pytest.raises(DomainNameError):
        check_wire_name(octets)


def test_a_name_of_256_octets_in_wire_form_is_refused() -> None:
    with pytest.raises(DomainNameError):
        check_wire_name((b"\x3f" + b"a" * 63) * 3 + b"\x3e" + b"a" * 62 + b"\x00")
