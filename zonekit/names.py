"""Domain names in wire form: parsing, printing, canonical order.

Inside zonekit a name is its uncompressed wire form in bytes, letter case as it was given: ``b"\\x03www\\x00"`` is
``www.``. That is what gets signed, hashed and stored, and comparing two of them costs next to nothing. At the border a
name is a string as in a zone file or a :class:`dns.name.Name`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, TypeAlias

from zonekit.errors import DomainNameError

if TYPE_CHECKING:
    import dns.name

WireName: TypeAlias = bytes

ROOT: Final[WireName] = b"\x00"
WILDCARD_LABEL: Final = b"\x01*"
MAX_NAME_OCTETS: Final = 255
MAX_LABEL_OCTETS: Final = 63

_PLAIN_OCTETS: Final = bytes(octet for octet in range(0x21, 0x7F) if octet not in b'\\"();@$')
_LENGTH_OCTETS: Final = [bytes((octets,)) for octets in range(MAX_LABEL_OCTETS + 1)]
_ESCAPE: Final = re.compile(rb"\\(?:(\d{3})|([^\d]))|([^\\])", re.DOTALL)
_PLAIN_LABEL: Final = re.compile(rb"[A-Za-z0-9_*-]+")
_SPECIAL_OCTETS: Final = frozenset(b'.\\"();@$')


def parse_name(text: str, origin: WireName | None = None) -> WireName:
    """Return the name that ``text`` says, as a zone file would (RFC 1035 section 5.1).

    A name without a final dot is relative to ``origin``; ``@`` is the origin itself. Octets outside ASCII are taken as
    UTF-8, as they stand: turn an internationalised name into its A-label form first.

    Raises:
        DomainNameError: empty label, label over 63 octets, name over 255, bad escape, or relative without an origin.

    >>> parse_name("www", parse_name("example.nl."))
    b'\\x03www\\x07example\\x02nl\\x00'
    """
    if not text.isascii() and any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        raise DomainNameError(f"{ascii(text[:80])} has a character that stands for no octet", remedy="give it as UTF-8")
    return parse_name_octets(text.encode(), origin)


def parse_name_octets(text: bytes, origin: WireName | None = None) -> WireName:
    """Return the name that ``text``, the octets of a zone file, says. The same as :func:`parse_name` otherwise."""
    if is_plain_name(text):
        return parse_plain_name(text, origin)
    if text == b"@":
        if origin is None:
            raise DomainNameError("'@' stands for an origin, and there is none", rule="RFC 1035 section 5.1")
        return origin
    return _joined(_escaped_labels(text), text, origin)


def parse_plain_name(text: bytes, origin: WireName | None = None) -> WireName:
    """Return the name that ``text`` says, of which :func:`is_plain_name` is true."""
    return ROOT if text == b"." else _joined(text.split(b"."), text, origin)


def _joined(labels: list[bytes], text: bytes, origin: WireName | None) -> WireName:
    """Put labels together; an empty one at the end means that the name is absolute."""
    tail = origin
    if labels[-1] == b"" and len(labels) > 1:
        tail = ROOT
        labels.pop()
    if b"" in labels:
        raise DomainNameError(f"{_quoted(text)} has an empty label", rule="RFC 1035 section 3.1")
    if tail is None:
        raise DomainNameError(f"{_quoted(text)} is relative and there is no origin", remedy="end the name with a dot")
    try:
        name = b"".join([_LENGTH_OCTETS[len(label)] + label for label in labels]) + tail
    except IndexError:
        raise DomainNameError(
            f"{_quoted(text)} has a label of more than {MAX_LABEL_OCTETS} octets", rule="RFC 1035 section 2.3.4"
        ) from None
    if len(name) > MAX_NAME_OCTETS:
        raise DomainNameError(
            f"{_quoted(text)} makes a name of {len(name)} octets, more than {MAX_NAME_OCTETS}",
            rule="RFC 1035 section 2.3.4",
        )
    return name


def is_plain_name(text: bytes) -> bool:
    """Whether the text of a name has no escape, no special character and no octet that a printer would escape.

    Such a text is a name as it stands, if its labels are neither empty nor too long; ``.`` is plain, ``@`` is not.
    """
    return text != b"" and not text.translate(None, _PLAIN_OCTETS)


def _escaped_labels(text: bytes) -> list[bytes]:
    """Split the text of a name that may have escapes; the last label is empty when the name is absolute."""
    labels = [bytearray()]
    position = 0
    while position < len(text):
        match = _ESCAPE.match(text, position)
        if match is None:
            raise DomainNameError(f"{_quoted(text)} has a bad escape", rule="RFC 1035 section 5.1")
        decimal, escaped, plain = match.groups()
        if decimal is not None:
            if int(decimal) > 255:
                raise DomainNameError(
                    f"{_quoted(text)} has the escape \\{decimal.decode()}, which is over 255",
                    rule="RFC 1035 section 5.1",
                )
            labels[-1].append(int(decimal))
        elif plain == b".":
            labels.append(bytearray())
        else:
            labels[-1] += escaped if escaped is not None else plain
        position = match.end()
    return [bytes(label) for label in labels]


def _quoted(text: bytes) -> str:
    """The text for a message: shortened, and nothing in it that a terminal would obey."""
    return ascii(text[:80].decode("latin-1")) + ("..." if len(text) > 80 else "")


def parse_origin(name: str | dns.name.Name) -> WireName:
    """Return a zone's origin or a key's owner: always absolute, with or without the final dot.

    Raises:
        DomainNameError: not a domain name.

    >>> parse_origin("example.nl") == parse_origin("example.nl.")
    True
    """
    return to_wire_name(name, ROOT)


def to_wire_name(name: str | dns.name.Name, origin: WireName) -> WireName:
    """Return the wire form of a name from the border; a relative one is completed by ``origin``.

    Raises:
        DomainNameError: not a domain name.
    """
    if isinstance(name, str):
        return parse_name(name, origin)
    labels = getattr(name, "labels", None)
    if not isinstance(labels, tuple):
        raise DomainNameError(f"a name is a str or a dns.name.Name, not {type(name).__name__}")
    wire = b"".join([len(label).to_bytes(1, "big") + label for label in labels])
    if not labels or labels[-1] != b"":
        wire += origin
    if len(wire) > MAX_NAME_OCTETS:
        raise DomainNameError(
            f"{name} under its origin makes a name of {len(wire)} octets, more than 255", rule="RFC 1035 section 2.3.4"
        )
    return wire


def from_wire_name(name: WireName) -> dns.name.Name:
    """Return the name as dnspython's."""
    import dns.name

    return dns.name.Name([*labels_of(name), b""])


def labels_of(name: WireName) -> list[bytes]:
    """Return the labels from left to right, without the root's empty one."""
    labels = []
    position = 0
    while length := name[position]:
        position += 1
        labels.append(name[position : position + length])
        position += length
    return labels


def name_end(octets: bytes, start: int = 0) -> int:
    """Return where the uncompressed name that begins at ``start`` ends; ``octets`` must hold it whole."""
    while length := octets[start]:
        start += length + 1
    return start + 1


def label_count(name: WireName) -> int:
    """Return the number of labels as an RRSIG counts them (RFC 4034 section 3.1.3): without the root and a first ``*``.

    >>> label_count(parse_name("*.example.nl."))
    2
    """
    count = position = 0
    while length := name[position]:
        position += length + 1
        count += 1
    return count - 1 if name.startswith(WILDCARD_LABEL) else count


def parent_of(name: WireName) -> WireName:
    """Return the name without its leftmost label; the root has no parent and is its own."""
    return name[name[0] + 1 :] or ROOT


def ancestors_of(name: WireName, origin: WireName) -> Iterator[WireName]:
    """Yield the names strictly between ``name`` and ``origin``, the nearest first."""
    while len(name := parent_of(name)) > len(origin):
        yield name


def order_key(name: WireName) -> bytes:
    """Return a key that sorts as the canonical order of names does (RFC 4034 section 6.1).

    Names that differ only in letter case have the same key. The key of a name starts with the key of each name above
    it, followed by a zero octet.

    >>> names = [parse_name(text) for text in ("z.example.", "Z.a.example.", "zABC.a.EXAMPLE.", "a.example.")]
    >>> [name_text(name) for name in sorted(names, key=order_key)]
    ['a.example.', 'Z.a.example.', 'zABC.a.EXAMPLE.', 'z.example.']
    """
    labels = []
    position = 0
    while length := name[position]:
        position += 1
        labels.append(name[position : position + length])
        position += length
    labels.reverse()
    key = b"\x00".join(labels).lower()
    if key.count(b"\x00") >= len(labels) or b"\x01" in key:
        # An octet 0 inside a label would read as the end of the label; 1 introduces both that stand for it and itself.
        key = b"\x00".join(
            [label.replace(b"\x01", b"\x01\x02").replace(b"\x00", b"\x01\x01") for label in labels]
        ).lower()
    return key


def is_subdomain(name: WireName, ancestor: WireName) -> bool:
    """Whether ``name`` is ``ancestor`` or lies below it."""
    key, above = order_key(name), order_key(ancestor)
    return key == above or above == b"" or key.startswith(above + b"\x00")


def label_text(label: bytes) -> str:
    """Return one label in presentation form, escaped as RFC 1035 section 5.1 says."""
    if _PLAIN_LABEL.fullmatch(label):
        return label.decode("ascii")
    return "".join(
        f"\\{chr(octet)}" if octet in _SPECIAL_OCTETS else chr(octet) if 0x20 < octet < 0x7F else f"\\{octet:03}"
        for octet in label
    )


@functools.lru_cache(maxsize=8192)
def name_text(name: WireName, origin: WireName | None = None) -> str:
    """Return the name in presentation form: absolute, or relative to ``origin`` where it lies there.

    >>> name_text(b"\\x03www\\x07example\\x02nl\\x00", b"\\x07example\\x02nl\\x00")
    'www'
    """
    if origin is not None and origin != ROOT and name.endswith(origin):
        if len(name) == len(origin):
            return "@"
        relative = name[: -len(origin)] + b"\x00"
        if _ends_at_label(relative):
            return ".".join(map(label_text, labels_of(relative)))
    return "".join([label_text(label) + "." for label in labels_of(name)]) or "."


def _ends_at_label(name: bytes) -> bool:
    """Whether the final zero octet of ``name`` is where a label would begin, and not inside one."""
    position = 0
    while position < len(name) - 1:
        position += name[position] + 1
    return position == len(name) - 1


def check_wire_name(name: bytes) -> None:
    """Check that ``name`` is one whole uncompressed name.

    Raises:
        DomainNameError: cut short, with octets left over, with a label over 63 octets, or over 255 octets.
    """
    position = 0
    while position < len(name) and (length := name[position]):
        if length > MAX_LABEL_OCTETS:
            raise DomainNameError(
                "a name has a label of more than 63 octets or a compression pointer", rule="RFC 1035 section 2.3.4"
            )
        position += length + 1
    if position != len(name) - 1 or len(name) > MAX_NAME_OCTETS:
        raise DomainNameError("a name in wire form is cut short or too long", rule="RFC 1035 section 3.1")
