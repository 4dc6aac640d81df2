"""Master files: zone text -> Zone (RFC 1035 section 5, RFC 2308 section 4, RFC 3597 section 5).

Two ways lead to a record. The plain way splits a line at white space and hands the data to the short parsers of
:mod:`zonekit.rdata`; what it does not understand at once it leaves. The general way takes everything a master file may
hold. A test holds the two equal: the plain way is there for speed alone, and takes nearly all lines of a large zone.

What is read is kept packed from the first moment, one byte string a record, and put in canonical order at the end; the
text itself is never kept. One logical record, which parentheses may spread over many lines, has a limit, so no file
makes the reader slower than in proportion to its length.

Where name servers differ the reader does what BIND's ``named`` does. The exceptions are few and mostly refusals, such as
a TTL over 2^31-1, which ``named`` serves as 0; the tests list each with its reason.
"""

from __future__ import annotations

import bisect
import enum
import operator
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from zonekit import rdata as rd
from zonekit.errors import DomainNameError, RdataError, TtlError, ZoneFileError, ZonekitError
from zonekit.findings import Finding, Severity
from zonekit.names import (
    MAX_LABEL_OCTETS,
    MAX_NAME_OCTETS,
    WireName,
    is_plain_name,
    name_text,
    order_key,
    parse_name_octets,
    parse_origin,
    parse_plain_name,
)
from zonekit.nodes import CLASS_IN, HEADER, HEADER_OCTETS, Node, Record, pack_record, split_node, ttl_of, with_ttl
from zonekit.ttl import Ttl, parse_ttl, to_ttl
from zonekit.zones import BESIDE_CNAME, SINGLETONS, RRset, Zone, cut_blocks, ds_at_apex, view_rrset

if TYPE_CHECKING:
    import dns.name

ZoneText: TypeAlias = str | bytes | Iterable[bytes]
"""The text of a zone: whole, or as octets in pieces of any size (lines, or what a file's ``read`` returns)."""

LONGEST_RECORD: Final = 2**20
DEEPEST_INCLUDE: Final = 32
MOST_INCLUDES: Final = 2**16
DEFAULT_GENERATE_LIMIT: Final = 2**16
_LONGEST_GENERATED: Final = 2048
_WIDEST_GENERATED: Final = 127
_PIECE_OCTETS: Final = 2**18
_MOST_TTL_TEXTS: Final = 4096
_MOST_PLACES: Final = 8
_TTL_TEXTS: Final[dict[bytes, Ttl]] = {}  # of all readers: the zones of a fleet have the same few


class Opener(Protocol):
    """What opens the files that ``$INCLUDE`` names; :mod:`zonekit.files` has one that stays inside a directory."""

    def __call__(self, name: str, including: str) -> tuple[str, Iterable[bytes]]:
        """Open a file.

        Args:
            name: the name as the directive has it, unescaped.
            including: the name of the file that the directive stands in: what was passed as ``file``, or what this
                opener returned for it.

        Returns:
            The name of the file for messages, the same for the same file however it was spelled, because loops are
            found by it; and its octets, in pieces of any size.

        Raises:
            ZonekitError: it may not or cannot be opened; the reader adds the place of the directive.
        """


class Misfits(enum.Enum):
    """What becomes of records that may not stand where they stand, or not beside what they stand beside.

    These are data beside a CNAME, a second SOA, CNAME or DNAME with other data, an SOA below the apex, and a DS at it.
    """

    REFUSE = "refuse"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedZone:
    """A zone that was read and what should be known about its text.

    Attributes:
        zone: the zone.
        findings: what was put right on the way: codes ``out-of-zone``, ``ttl-differs`` and ``duplicate-record``. One
            for each RRset, those outside the zone first, then in canonical order.
    """

    zone: Zone
    findings: tuple[Finding, ...]


def parse_zone(
    text: ZoneText,
    origin: str | dns.name.Name | None = None,
    *,
    file: str = "<text>",
    default_ttl: int | None = None,
    include: Opener | None = None,
    generate_limit: int = DEFAULT_GENERATE_LIMIT,
) -> Zone:
    """Return the zone that the text of a master file says (RFC 1035 section 5).

    Args:
        text: the text, or its octets in pieces of any size.
        origin: the apex, and the origin of relative names until an ``$ORIGIN``. Without it the first record must be
            the SOA, and its owner is the apex.
        file: what messages call the text.
        default_ttl: the TTL in seconds of records that have none until a ``$TTL``.
        include: opens the files that ``$INCLUDE`` names; without it the directive is refused.
        generate_limit: how many records all ``$GENERATE`` directives may make together.

    Raises:
        ZoneFileError: everything that is refused, with file, line and reason.
        DomainNameError: ``origin`` is not a domain name.
        TtlError: ``default_ttl`` is outside 0 to 2^31-1.

    >>> zone = parse_zone('''
    ... $TTL 1h
    ... @    SOA  ns1 hostmaster ( 2026112100 2h 1h 2w 5m )
    ...      NS   ns1
    ... ns1  A    192.0.2.1
    ... ''', "example.nl")
    >>> zone.get("ns1", "A").text()
    'ns1.example.nl. 3600 IN A 192.0.2.1'
    """
    return parse_zone_with_findings(
        text, origin, file=file, default_ttl=default_ttl, include=include, generate_limit=generate_limit
    ).zone


def parse_zone_with_findings(
    text: ZoneText,
    origin: str | dns.name.Name | None = None,
    *,
    file: str = "<text>",
    default_ttl: int | None = None,
    include: Opener | None = None,
    generate_limit: int = DEFAULT_GENERATE_LIMIT,
    misfits: Misfits = Misfits.REFUSE,
) -> ParsedZone:
    """Return the zone that the text of a master file says, and the findings about it. See :func:`parse_zone`.

    With ``Misfits.KEEP`` the zone holds what no name server would load, as it stands there, so that
    :func:`zonekit.verify_zone` can tell of all of it. Whatever changes an owner with such records refuses them.

    Raises:
        ZoneFileError: everything that is refused, with file, line and reason.
        DomainNameError: ``origin`` is not a domain name.
        TtlError: ``default_ttl`` is outside 0 to 2^31-1.

    >>> parsed = parse_zone_with_findings('''
    ... @  3600 SOA  ns1.example.net. hostmaster 1 2h 1h 2w 5m
    ... @  3600 NS   ns1.example.net.
    ... @  7200 NS   ns2.example.net.
    ... ''', "example.nl")
    >>> print(parsed.findings[0].code, parsed.zone.get("@", "NS").ttl)
    ttl-differs 3600
    >>> parsed = parse_zone_with_findings('''
    ... @    3600 SOA   ns1.example.net. hostmaster 1 2h 1h 2w 5m
    ... @    3600 NS    ns1.example.net.
    ... www  3600 CNAME example.net.
    ... www  3600 A     192.0.2.1
    ... ''', "example.nl", misfits=Misfits.KEEP)
    >>> [rrset.type_text for rrset in parsed.zone.rrsets_at("www")]
    ['A', 'CNAME']
    """
    reader = _Reader(
        apex=None if origin is None else parse_origin(origin),
        default_ttl=None if default_ttl is None else to_ttl(default_ttl),
        include=include,
        generate_limit=generate_limit,
        misfits=misfits,
    )
    reader.read_file(text, file)
    return reader.finish(file)


def parse_rrsets(
    text: ZoneText, origin: str | dns.name.Name, *, file: str = "<text>", default_ttl: int | None = None
) -> tuple[RRset, ...]:
    """Return the RRsets at and below a name that are in a text like a zone file, which need not make a zone.

    Such as a ``dsset-`` file, a delegation as its parent has it, or what ``dig`` prints. Records of other names are
    passed over.

    Args:
        text: as in :func:`parse_zone`.
        origin: the name, and the origin of relative names until an ``$ORIGIN``.
        file: what messages call the text.
        default_ttl: the TTL in seconds of records that have none until a ``$TTL``.

    Raises:
        ZoneFileError: everything that is refused, with file, line and reason.
        DomainNameError: ``origin`` is not a domain name.
        TtlError: ``default_ttl`` is outside 0 to 2^31-1.

    >>> ns, = parse_rrsets("example.nl. 86400 IN NS ns1.example.net. ; from the zone nl", "example.nl")
    >>> ns.text()
    'example.nl. 86400 IN NS ns1.example.net.'
    """
    reader = _Reader(
        apex=parse_origin(origin),
        default_ttl=None if default_ttl is None else to_ttl(default_ttl),
        include=None,
        generate_limit=DEFAULT_GENERATE_LIMIT,
        misfits=Misfits.KEEP,
    )
    reader.read_file(text, file)
    return reader.rrsets()


# ---- octets to lines ------------------------------------------------------------------------------------------------


def _lines(text: ZoneText, file: str) -> Iterator[bytes]:
    """Yield the lines without their ends."""
    return chain.from_iterable(_runs_of_lines(text, file))


def _runs_of_lines(text: ZoneText, file: str) -> Iterator[list[bytes]]:
    """Yield the lines of the text, some thousands at a time."""
    lines_before = 0
    begins = True
    for octets in _whole_lines(_pieces(text, file)):
        if max(octets.find(b"\n"), len(octets) - octets.rfind(b"\n")) > LONGEST_RECORD:
            raise _too_long(file, lines_before + 1)
        if begins:
            octets = octets.removeprefix(_BYTE_ORDER_MARK)
            begins = False
        lines = _split(octets.removesuffix(b"\n"), lines_before, file)
        lines_before += len(lines)
        yield lines


def _whole_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Join pieces so that each ends with a line, but for the last, and for one that is longer than a record may be."""
    held: list[bytes] = []
    held_octets = fresh_octets = 0
    for piece in pieces:
        held.append(piece)
        held_octets += len(piece)
        fresh_octets += len(piece)
        if fresh_octets < _PIECE_OCTETS:
            continue
        octets, fresh_octets = b"".join(held), 0
        end = octets.rfind(b"\n") + 1
        held, held_octets = [octets[end:]], len(octets) - end
        if end:
            yield octets[:end]
        if held_octets > LONGEST_RECORD:
            break
    if held_octets:
        yield b"".join(held)


def _pieces(text: ZoneText, file: str) -> Iterator[bytes]:
    """Yield the octets of the text in pieces of moderate size."""
    if isinstance(text, str):
        try:
            text = text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as error:
            line = error.object.count("\n", 0, error.start) + 1
            raise ZoneFileError("a character that is half of a surrogate pair", file=file, line=line) from None
    for piece in (text,) if isinstance(text, bytes) else text:
        for start in range(0, len(piece), _PIECE_OCTETS):
            yield piece[start : start + _PIECE_OCTETS]


_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_REFUSED_OCTETS: Final = {
    b"\0": "a NUL byte",
    b"\v": "a vertical tab",
    b"\f": "a form feed",
    b"\r": "a carriage return that does not end a line",
}


def _split(octets: bytes, lines_before: int, file: str) -> list[bytes]:
    """Split octets, without the last line end, into lines."""
    if b"\r" in octets:
        octets = (octets + b"\n").replace(b"\r\n", b"\n")[:-1]
    for refused, words in _REFUSED_OCTETS.items():
        place = octets.find(refused)
        if place >= 0:
            raise ZoneFileError(
                words,
                file=file,
                line=lines_before + octets.count(b"\n", 0, place) + 1,
                remedy=f"take it out, or write it as \\{refused[0]:03} where it belongs to a name or a string",
            )
    return octets.split(b"\n")


def _too_long(file: str, line: int) -> ZoneFileError:
    return ZoneFileError(f"one record is longer than {LONGEST_RECORD} octets of text", file=file, line=line)


# ---- lines to tokens ------------------------------------------------------------------------------------------------

# A run of plain characters, escapes and quoted strings; a parenthesis; a comment; or what begins none of these: a quote
# that is never closed, a backslash with nothing after it. White space is what lies between. Strings that touch stay one
# token, because record data such as alpn="h2,h3" has it so (RFC 9460 section 2.1).
_TOKEN: Final = re.compile(rb"""(?:[^ \t"();\\]++|\\.|"(?:[^"\\]++|\\.)*+")++|[()"\\]|;.*""", re.DOTALL)
_UNQUOTED: Final = re.compile(rb"""(?:[^"\\]++|\\.)*+""", re.DOTALL)
_QUOTED: Final = re.compile(rb'''"((?:[^"\\]++|\\.)*+)"''', re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\(?:(25[0-5]|2[0-4]\d|[01]\d\d)|(\D))", re.DOTALL)
_BLANK_PARENTHESES: Final = bytes.maketrans(b"()", b"  ")
_SEMICOLON: Final = ord(";")
_BLANKS: Final = (b" ", b"\t")

Token: TypeAlias = tuple[bytes, int]
"""The text of a token as it stands in the file, quotes and escapes included, and the place of its line."""


def _for_message(text: bytes) -> str:
    """A token as a message quotes it: shortened, and nothing in it that a terminal would obey."""
    return ascii(text[:60].decode("latin-1")) + ("..." if len(text) > 60 else "")


def _flatten(line: bytes, lines: Iterator[bytes]) -> tuple[bytes, list[bytes]]:
    """Return a record as one line without comments and parentheses, and the lines after its first that were looked at.

    The line is empty when there is nothing to take away, or when something is quoted or odd: a matter for the tokens.
    """
    more: list[bytes] = []
    if line.startswith(b"("):  # taken away, it would look like white space, and that like an owner left out
        return b"", more
    if b'"' in line:
        # If what is before this semicolon turns out to be whole strings, the semicolon was not in one.
        comment = line.find(b";", line.rfind(b'"'))
        return line[: max(comment, 0)].rstrip(), more
    texts: list[bytes] = []
    octets = depth = 0
    while True:
        octets += len(line) + 1
        text = line.partition(b";")[0]
        closed = text.count(b")")
        if b'"' in line or b"\\" in line or closed > depth or octets > LONGEST_RECORD:
            return b"", more
        depth += text.count(b"(") - closed
        texts.append(text)
        if not depth:
            break
        following = next(lines, None)
        if following is None:
            return b"", more
        line = following
        more.append(line)
    if not more and text == line:
        return b"", more
    return b" ".join(texts).translate(_BLANK_PARENTHESES), more


# ---- tokens to records ----------------------------------------------------------------------------------------------

_PLAIN_TYPES: Final = {
    text: (rdtype, parser)
    for rdtype, parser in rd.PLAIN_PARSERS.items()
    if rdtype != rd.SOA  # there is one, and checks that go with it
    for text in (rd.type_text(rdtype).encode(), rd.type_text(rdtype).lower().encode())
}
_PLAIN_CLASS: Final = frozenset((b"IN", b"in"))
_PLAIN_OCTETS: Final = bytes(octet for octet in range(0x21, 0x7F) if octet not in b'."();@$\\')
_LENGTH_OCTETS: Final = [bytes((octets,)) for octets in range(MAX_LABEL_OCTETS + 1)]
_CLASS_IN: Final = re.compile(rb"IN|CLASS0{0,4}1", re.IGNORECASE)
_OTHER_CLASS: Final = re.compile(rb"CH|CHAOS|HS|HESIOD|NONE|ANY|CLASS\d{1,5}", re.IGNORECASE)
_CNAME_KIND: Final = rd.CNAME << 16
_MOST_SHAPES: Final = 4096
_LARGEST_SHAPE: Final = 64


class _Reader:
    """A zone that is being read.

    Records are numbered in the order in which they come. A *run* is some records of one owner that follow each other.
    A *place* is the number of a line, counted through all files as they are read. The *kind* of a record is its type
    and, for an RRSIG, the type that it covers, in 16 bits each: what tells the RRsets of a node apart and orders them.
    """

    def __init__(
        self,
        *,
        apex: WireName | None,
        default_ttl: Ttl | None,
        include: Opener | None,
        generate_limit: int,
        misfits: Misfits,
    ) -> None:
        self._refuses_misfits = misfits is Misfits.REFUSE
        self._apex: WireName | None = None
        self._apex_key = b""
        self._has_soa = False
        self._include = include
        self._includes_left = MOST_INCLUDES
        self._generate_limit = self._generate_left = generate_limit
        # where we are
        self._files: list[str] = []
        self._place = 0
        self._section_places: list[int] = []
        self._sections: list[tuple[str, int]] = []
        # what a record takes over when it does not say it
        self._origin: WireName | None = None
        self._origin_key_head = self._origin_suffix = b""
        self._longest_label = 0
        self._owner: WireName | None = None
        self._owner_key = b""
        self._owner_has_last_run = False
        self._default_ttl = default_ttl
        self._last_ttl: Ttl | None = None
        self._ttl_texts = _TTL_TEXTS
        # what was read
        self._records: list[Record] = []
        self._record_places = array("Q")
        self._record_kinds = array("L")
        self._tags_at_apex: set[bytes] = set()
        self._tags_below_apex: set[bytes] = set()
        self._run_keys: list[bytes] = []
        self._run_owners: list[WireName] = []
        self._run_starts = array("Q")
        self._outside: dict[tuple[bytes, int], tuple[WireName, list[int]]] = {}
        self._findings: list[Finding] = []
        if apex is not None:
            self._set_apex(apex)
            self._set_origin(apex)

    # -- files and lines

    def read_file(self, text: ZoneText, file: str) -> None:
        """Read the text of one file to its end."""
        self._files.append(file)
        self._begin_section(file, 1)
        lines = _lines(text, file)
        while (left := self._read_plain(lines)) is not None:
            line, more = left
            tokens = self._tokens(line, chain(more, lines))
            if not tokens:
                continue
            if line[:1] in _BLANKS:
                self._read_record(tokens, tokens[0][1])
            elif tokens[0][0].startswith(b"$"):
                self._read_directive(tokens)
            else:
                owner = self._name(tokens[0])
                self._set_owner(owner, order_key(owner))
                self._read_record(tokens[1:], tokens[0][1])
        self._files.pop()

    def _read_plain(self, lines: Iterator[bytes]) -> tuple[bytes, list[bytes]] | None:
        """Read lines for as long as they are plain, to the end or to a record that is not.

        Returns:
            The first line of that record, and those after it that were looked at already; or None at the end.

        A record is taken whole or not at all. Whatever is special in it makes it fail somewhere: a name with special
        characters, a token that is no known type, class or TTL, data that no short parser takes. Then comments and
        parentheses are taken away and it gets a second chance. (One long loop on purpose: every call and every look at
        an attribute would be paid for on each line.)
        """
        origin, key_head, suffix, longest = (
            self._origin,
            self._origin_key_head,
            self._origin_suffix,
            self._longest_label,
        )
        if origin is None or self._apex is None:
            self._place += 1
            line = next(lines, None)
            return None if line is None else (line, [])
        pack, types, ttl_texts, rrsig = HEADER.pack, _PLAIN_TYPES, self._ttl_texts, rd.RRSIG
        records, places, kinds = self._records, self._record_places, self._record_kinds
        keys, owners, starts = self._run_keys, self._run_owners, self._run_starts
        default_ttl, last_ttl = self._default_ttl, self._last_ttl
        suffix_octets = len(suffix)
        owner_has_last_run = self._owner_has_last_run
        apex_key, tags_at_apex, tags_below_apex = self._apex_key, self._tags_at_apex, self._tags_below_apex
        tags = tags_at_apex if self._owner_key == apex_key else tags_below_apex
        last_name = b""
        place = self._place
        left = None
        for line in lines:
            place += 1
            flattened = False
            while True:
                try:
                    if line[0] > 0x20:
                        name, token, data = line.split(None, 2)
                    elif owner_has_last_run:
                        name = last_name
                        token, data = line.split(None, 1)
                    else:
                        raise rd.NotPlain
                    ttl = None
                    kind = types.get(token)
                    if kind is None:
                        if token in _PLAIN_CLASS:
                            token, data = data.split(None, 1)
                            kind = types.get(token)
                            if kind is None:
                                ttl = ttl_texts[token]
                                token, data = data.split(None, 1)
                                kind = types[token]
                        else:
                            ttl = ttl_texts[token]
                            token, data = data.split(None, 1)
                            kind = types.get(token)
                            if kind is None:
                                if token not in _PLAIN_CLASS:
                                    raise rd.NotPlain
                                token, data = data.split(None, 1)
                                kind = types[token]
                    rdtype, parser = kind
                    rdata = parser(data, origin)
                    if ttl is not None:
                        record = pack(rdtype, CLASS_IN, ttl, len(rdata)) + rdata
                    elif default_ttl is not None:
                        record = pack(rdtype, CLASS_IN, default_ttl, len(rdata)) + rdata
                    else:
                        record = pack(rdtype, CLASS_IN, last_ttl, len(rdata)) + rdata
                    if name != last_name:
                        label = name[:-suffix_octets] if name.endswith(suffix) else name
                        if 0 < len(label) <= longest and not label.translate(None, _PLAIN_OCTETS):
                            owner = _LENGTH_OCTETS[len(label)] + label + origin
                            key = key_head + label.lower()
                        elif is_plain_name(name):
                            owner = parse_plain_name(name, origin)
                            key = order_key(owner)
                            if not self._is_in_zone(key):
                                raise rd.NotPlain
                        elif name == b"@" and longest:  # which is 0 under an origin outside the zone
                            owner, key = origin, key_head[:-1]
                        else:
                            raise rd.NotPlain
                        keys.append(key)
                        owners.append(owner)
                        starts.append(len(records))
                        tags = tags_at_apex if key == apex_key else tags_below_apex
                        last_name, owner_has_last_run = name, True
                    records.append(record)
                    places.append(place)
                    if rdtype != rrsig:
                        kinds.append(rdtype << 16)
                    else:
                        kinds.append(rrsig << 16 | rdata[0] << 8 | rdata[1])
                        tags.add(rdata[16:18])
                    if ttl is not None:
                        last_ttl = ttl
                    break
                except rd.NOT_PLAIN:
                    if not line or line[0] == _SEMICOLON:
                        break
                    if not flattened:
                        flattened, first = True, line
                        line, more = _flatten(line, lines)
                        if line:
                            continue
                    left = first, more
                    break
            if flattened:
                if left is not None:
                    break
                place += len(more)
        self._place = place
        self._last_ttl = last_ttl
        if owner_has_last_run:
            self._set_owner(owners[-1], keys[-1])
        return left

    def _tokens(self, line: bytes, lines: Iterator[bytes]) -> list[Token]:
        """Return the tokens of the logical record that begins with this line, and go to its last line."""
        tokens: list[Token] = []
        begins_at = self._place
        octets = depth = 0
        while True:
            octets += len(line) + 1
            if octets > LONGEST_RECORD:
                raise _too_long(*self._where(begins_at))
            for text in _TOKEN.findall(line):
                if text[0] == _SEMICOLON:
                    break
                if text == b"(":
                    depth += 1
                elif text == b")":
                    depth -= 1
                    if depth < 0:
                        raise self._refusal("a ) without its (", self._place, rule="RFC 1035 section 5.1")
                elif text == b'"':
                    raise self._refusal(
                        "a quoted string does not end on the line where it begins",
                        self._place,
                        remedy="close it with a quote, and write a line end inside it as \\010",
                    )
                elif text == b"\\":
                    raise self._refusal("a backslash at the end of the line escapes nothing", self._place)
                else:
                    tokens.append((text, self._place))
            if not depth:
                return tokens
            following = next(lines, None)
            if following is None:
                raise self._refusal("a ( without its )", begins_at, rule="RFC 1035 section 5.1")
            self._place += 1
            line = following

    def _begin_section(self, file: str, line: int) -> None:
        """Note that the next line is this one."""
        self._section_places.append(self._place + 1)
        self._sections.append((file, line))

    def _where(self, place: int) -> tuple[str, int]:
        """The file and the line at a place."""
        section = bisect.bisect_right(self._section_places, place) - 1
        file, line = self._sections[section]
        return file, line + place - self._section_places[section]

    def _refusal(self, reason: str, place: int, *, remedy: str = "", rule: str = "") -> ZoneFileError:
        file, line = self._where(place)
        return ZoneFileError(reason, file=file, line=line, remedy=remedy, rule=rule)

    def _refusal_of(self, error: ZonekitError, place: int) -> ZoneFileError:
        return self._refusal(error.problem, place, remedy=error.remedy, rule=error.rule)

    # -- directives

    def _read_directive(self, tokens: list[Token]) -> None:
        (text, place), *arguments = tokens
        match text.upper():
            case b"$ORIGIN":
                self._check_count("$ORIGIN", arguments, 1, 1, place)
                self._set_origin(self._name(arguments[0]))
            case b"$TTL":
                self._check_count("$TTL", arguments, 1, 1, place)
                self._default_ttl = self._ttl(arguments[0])
            case b"$INCLUDE":
                self._check_count("$INCLUDE", arguments, 1, 2, place)
                self._read_include(arguments, place)
            case b"$GENERATE":
                self._check_count("$GENERATE", arguments, 4, 6, place)
                self._generate(arguments, place)
            case _:
                raise self._refusal(
                    f"unknown directive {_for_message(text)}", place, remedy="write \\$ where a name begins with $"
                )

    def _check_count(self, directive: str, arguments: Sequence[Token], least: int, most: int, place: int) -> None:
        if not least <= len(arguments) <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            raise self._refusal(f"{directive} takes {wanted} arguments and has {len(arguments)}", place)

    def _read_include(self, arguments: list[Token], place: int) -> None:
        """Read another file in place of ``$INCLUDE``, then go on with the origin and the owner of before.

        A ``$TTL`` in the other file stays in force.
        """
        if self._include is None:
            raise self._refusal(
                "$INCLUDE is not allowed here",
                place,
                remedy="give read_zone the include_root that it may read from, or parse_zone an opener",
            )
        octets = _ESCAPE.sub(lambda match: match[2] or bytes((int(match[1]),)), self._one_string(arguments[0]))
        path = octets.decode("utf-8", "surrogateescape")
        if not path.isprintable():
            raise self._refusal(f"{_for_message(octets)} has a character that no file name needs", place)
        inner_origin = self._name(arguments[1]) if len(arguments) > 1 else self._origin
        including, line = self._where(self._place)
        if len(self._files) > DEEPEST_INCLUDE:
            raise self._refusal(f"$INCLUDE goes more than {DEEPEST_INCLUDE} files deep", place)
        if not self._includes_left:
            raise self._refusal(f"there are more than {MOST_INCLUDES} $INCLUDE directives", place)
        self._includes_left -= 1
        try:
            file, text = self._include(path, including)
        except ZonekitError as error:
            raise self._refusal_of(error, place) from error
        if file in self._files:
            circle = " includes ".join([*self._files[self._files.index(file) :], file])
            raise self._refusal(f"$INCLUDE goes round in a circle: {circle}", place)
        outer_origin, owner, owner_key = self._origin, self._owner, self._owner_key
        self._set_origin(inner_origin)
        self.read_file(text, file)
        self._set_origin(outer_origin)
        self._owner, self._owner_key, self._owner_has_last_run = owner, owner_key, False
        self._begin_section(including, line + 1)

    def _generate(self, arguments: list[Token], place: int) -> None:
        """Make the records of ``$GENERATE range owner [ttl] [class] type data``, as BIND does."""
        (range_text, _), owner_template, *rest = arguments
        numbers = self._range(range_text, place)
        rdtype, ttl, data = self._type_and_ttl(rest, place)
        if len(data) != 1:
            raise self._refusal(
                f"the data in $GENERATE is one token, and here are {len(data)}", place, remedy="put it in quotes"
            )
        data_text = self._one_string(data[0])
        if data_text is not data[0][0]:
            data_text = _ESCAPED.sub(lambda match: b'"' if match[0] == b'\\"' else match[0], data_text)
        if len(numbers) > self._generate_left:
            raise self._refusal(
                f"$GENERATE makes more than the {self._generate_limit} records that are allowed in all",
                place,
                remedy="raise generate_limit if that is meant",
            )
        self._generate_left -= len(numbers)
        owner_parts = self._generated_parts(self._unquoted(owner_template), place)
        data_parts = self._generated_parts(data_text, place)
        outer_owner, outer_key = self._owner, self._owner_key
        for number in numbers:
            owner = self._name((self._generated(owner_parts, number, place), place))
            self._set_owner(owner, order_key(owner))
            tokens = self._tokens(self._generated(data_parts, number, place), iter(()))
            self._add(rdtype, ttl, tokens, place)
        self._owner, self._owner_key, self._owner_has_last_run = outer_owner, outer_key, False

    def _range(self, text: bytes, place: int) -> range:
        match = _GENERATE_RANGE.fullmatch(text)
        if match is not None:
            start, stop, step = int(match[1]), int(match[2]), int(match[3] or 1)
            if start <= stop < 2**31 and 0 < step < 2**31:
                return range(start, stop + 1, step)
        raise self._refusal(
            f"{_for_message(text)} is no range for $GENERATE", place, remedy="write 1-10 or 0-100/2, up to 2147483647"
        )

    def _generated_parts(self, text: bytes, place: int) -> list[bytes | tuple[int, int, str]]:
        """Split a template of ``$GENERATE`` into what stays and what is counted: offset, width and base."""
        parts: list[bytes | tuple[int, int, str]] = []
        at = 0
        while at < len(text):
            match = _GENERATE_PART.match(text, at)
            if match is None:
                raise self._refusal(
                    f"{_for_message(text)} is no template for $GENERATE",
                    place,
                    remedy="write $, ${offset}, ${offset,width} or ${offset,width,base} with one of d, o, x, X, n, N",
                )
            literal, offset, width, base = match.groups()
            if literal is not None:
                parts.append(b"$" if literal == b"$$" else literal)
            else:
                counted = int(offset or 0), int(width or 0), (base or b"d").decode("ascii")
                if counted[1] > _WIDEST_GENERATED or abs(counted[0]) >= 2**31:
                    raise self._refusal(f"an offset or width in {_for_message(text)} is too large", place)
                parts.append(counted)
            at = match.end()
        return parts

    def _generated(self, parts: Iterable[bytes | tuple[int, int, str]], number: int, place: int) -> bytes:
        made = b"".join(
            [part if isinstance(part, bytes) else _counted(number + part[0], part[1], part[2]) for part in parts]
        )
        if len(made) > _LONGEST_GENERATED:
            raise self._refusal(f"$GENERATE makes more than {_LONGEST_GENERATED} octets of text at once", place)
        return made

    # -- records

    def _name(self, token: Token) -> WireName:
        text = self._unquoted(token)
        try:
            return parse_name_octets(text, self._origin)
        except DomainNameError as error:
            raise self._refusal_of(error, token[1]) from None

    def _unquoted(self, token: Token) -> bytes:
        """The text of a token that must not have quotes."""
        text, place = token
        if b'"' in text and _UNQUOTED.fullmatch(text) is None:
            raise self._refusal(f"{_for_message(text)} is quoted", place, remedy="take off the quotes and use escapes")
        return text

    def _one_string(self, token: Token) -> bytes:
        """The text of a token that is one string, without its quotes if it has them; escapes stay."""
        quoted = _QUOTED.fullmatch(token[0])
        return self._unquoted(token) if quoted is None else quoted[1]

    def _ttl(self, token: Token) -> Ttl:
        text, place = token
        ttl = self._ttl_texts.get(text)
        if ttl is None:
            try:
                ttl = parse_ttl(text.decode("latin-1"))
            except TtlError as error:
                raise self._refusal_of(error, place) from None
            if len(self._ttl_texts) < _MOST_TTL_TEXTS:
                self._ttl_texts[text] = ttl
        return ttl

    def _set_apex(self, apex: WireName) -> None:
        self._apex, self._apex_key = apex, order_key(apex)

    def _set_origin(self, origin: WireName | None) -> None:
        """Set what completes relative names, and what the plain way wants to know of it."""
        self._origin = origin
        if origin is None:
            return
        key = order_key(origin)
        self._origin_key_head = key + b"\x00" if key else b""
        self._origin_suffix = b"." + name_text(origin).encode() if key else b"."
        # Under an origin outside the zone no label is short enough: its names take the way that looks where they are.
        longest = min(MAX_LABEL_OCTETS, MAX_NAME_OCTETS - 1 - len(origin))
        self._longest_label = longest if self._apex is not None and self._is_in_zone(key) else 0

    def _set_owner(self, owner: WireName, key: bytes) -> None:
        self._owner, self._owner_key = owner, key
        self._owner_has_last_run = bool(self._run_keys) and self._run_keys[-1] == key

    def _read_record(self, tokens: list[Token], place: int) -> None:
        """Read a record of the current owner."""
        if self._owner is None:
            raise self._refusal("the first record has no owner name", place, rule="RFC 1035 section 5.1")
        self._add(*self._type_and_ttl(tokens, place), place)

    def _type_and_ttl(self, tokens: list[Token], place: int) -> tuple[int, Ttl | None, list[Token]]:
        """Return the type, the TTL if there is one, and the tokens of the data."""
        ttl = None
        has_class = False
        for index, (text, place) in enumerate(tokens):
            kind = _PLAIN_TYPES.get(text)
            if kind is not None:
                return kind[0], ttl, tokens[index + 1 :]
            if ttl is None and text[:1].isdigit():
                ttl = self._ttl((text, place))
            elif not has_class and _CLASS_IN.fullmatch(text):
                has_class = True
            elif not has_class and _OTHER_CLASS.fullmatch(text):
                raise self._refusal(f"class {text.decode('ascii').upper()}; zonekit handles class IN", place)
            else:
                try:
                    return rd.parse_type(text.decode("latin-1")), ttl, tokens[index + 1 :]
                except RdataError as error:
                    raise self._refusal_of(error, place) from None
        raise self._refusal("the record ends before its type", place)

    def _add(self, rdtype: int, ttl: Ttl | None, data: list[Token], place: int) -> None:
        """Add a record of the current owner."""
        owner, key = self._owner, self._owner_key
        assert owner is not None
        if self._apex is None:
            if rdtype != rd.SOA:
                raise self._refusal(
                    "the first record is not the SOA, so the zone has no name", place, remedy="give the origin"
                )
            self._set_apex(owner)
            self._set_origin(self._origin or owner)
        assert self._origin is not None
        try:
            rdata = rd.parse_rdata(rdtype, b" ".join([text for text, _ in data]), self._origin)
        except (RdataError, DomainNameError) as error:
            raise self._refusal_of(error, place) from None
        ttl = self._ttl_to_use(ttl, rdtype, rdata, place)
        if not self._is_in_zone(key):
            self._outside.setdefault((key, rdtype), (owner, []))[1].append(place)
            return
        if rdtype == rd.SOA:
            if key == self._apex_key:
                self._has_soa = True
            elif self._refuses_misfits:
                raise self._refusal(
                    f"{name_text(owner)} has an SOA, and the zone is {name_text(self._apex)}",
                    place,
                    rule="RFC 1035 section 5.2",
                )
        if not self._owner_has_last_run:
            self._run_keys.append(key)
            self._run_owners.append(owner)
            self._run_starts.append(len(self._records))
            self._owner_has_last_run = True
        if rdtype == rd.RRSIG and key != self._apex_key:
            self._tags_below_apex.add(rdata[16:18])
        self._records.append(pack_record(rdtype, ttl, rdata))
        self._record_places.append(place)
        self._record_kinds.append(rdtype << 16 | (int.from_bytes(rdata[:2], "big") if rdtype == rd.RRSIG else 0))

    def _ttl_to_use(self, ttl: Ttl | None, rdtype: int, rdata: bytes, place: int) -> Ttl:
        """The TTL of a record: its own, else ``$TTL``, else the last one given, else for the SOA its MINIMUM.

        RFC 2308 section 4, then RFC 1035 section 5.1, then what named does; the MINIMUM then counts as ``$TTL``.
        """
        if ttl is not None:
            self._last_ttl = ttl
            return ttl
        if self._default_ttl is not None:
            return self._default_ttl
        if self._last_ttl is not None:
            return self._last_ttl
        if rdtype != rd.SOA:
            raise self._refusal(
                "the record has no TTL, and there was none before it", place, remedy="begin the file with $TTL"
            )
        try:
            self._default_ttl = to_ttl(int.from_bytes(rdata[-4:], "big"))
        except TtlError as error:
            raise self._refusal_of(error, place) from None
        return self._default_ttl

    def _is_in_zone(self, key: bytes) -> bool:
        apex_key = self._apex_key
        return key.startswith(apex_key) and (not apex_key or key[len(apex_key) : len(apex_key) + 1] in (b"", b"\x00"))

    # -- the zone

    def finish(self, file: str) -> ParsedZone:
        """Return the zone, now that everything is read."""
        if self._apex is None or not self._has_soa:
            raise ZoneFileError("there is no SOA record at the apex", file=file, line=0, rule="RFC 1035 section 5.2")
        self._note_outside()
        nodes = self._nodes()
        apex, apex_node = next(nodes)  # the apex is before everything below it
        tags = frozenset([int.from_bytes(tag, "big") for tag in self._tags_below_apex])
        zone = Zone.from_blocks(apex, apex_node, cut_blocks(nodes), signature_tags=tags)
        types = [rdtype for rdtype, _, _ in split_node(apex_node)]
        if rd.DS in types and self._refuses_misfits:
            raise self._refusal_of(ds_at_apex(apex), self._place_of_ds_at_apex())
        if rd.NS not in types:
            raise ZoneFileError(
                f"there is no NS record at {name_text(apex)}", file=file, line=0, rule="RFC 1035 section 5.2"
            )
        return ParsedZone(zone=zone, findings=tuple(self._findings))

    def rrsets(self) -> tuple[RRset, ...]:
        """Return all RRsets, now that everything is read."""
        return tuple([view_rrset(owner, packed) for owner, node in self._nodes() for packed in split_node(node)])

    def _place_of_ds_at_apex(self) -> int:
        """The line of the first DS at the apex."""
        starts = [*self._run_starts, len(self._records)]
        return next(
            self._record_places[index]
            for key, first, last in zip(self._run_keys, starts[:-1], starts[1:], strict=True)
            if key == self._apex_key
            for index in range(first, last)
            if self._record_kinds[index] >> 16 == rd.DS
        )

    def _note_outside(self) -> None:
        for (_, rdtype), (owner, places) in self._outside.items():
            self._note(
                "out-of-zone",
                owner,
                rdtype,
                f"{_records_text(len(places))} outside the zone ignored, {self._lines_text(places)}",
                rule="RFC 1034 section 4.2",
            )

    def _nodes(self) -> Iterator[tuple[WireName, Node]]:
        """Yield every owner and its node in canonical order."""
        keys, owners, records, kinds = self._run_keys, self._run_owners, self._records, self._record_kinds
        starts = [*self._run_starts, len(records)]
        order = sorted(range(len(keys)), key=keys.__getitem__)
        arrangers: dict[bytes, Callable[[list[Record]], tuple[Record, ...]] | None] = {}
        at = 0
        while at < len(order):
            run = order[at]
            key, first, last = keys[run], starts[run], starts[run + 1]
            at += 1
            if at == len(order) or keys[order[at]] != key:
                if last - first == 1:
                    yield owners[run], records[first]
                    continue
                indexes: Sequence[int] = range(first, last)
                held, held_kinds = records[first:last], kinds[first:last]
            else:
                more = list(range(first, last))
                while at < len(order) and keys[order[at]] == key:
                    more.extend(range(starts[order[at]], starts[order[at] + 1]))
                    at += 1
                indexes = more
                held, held_kinds = [records[index] for index in more], array("L", [kinds[index] for index in more])
            shape = held_kinds.tobytes()
            if shape not in arrangers:
                if len(arrangers) == _MOST_SHAPES or len(held) > _LARGEST_SHAPE:
                    arrangers.clear()
                arrangers[shape] = _arranger(held_kinds)
            arrange = arrangers[shape]
            yield owners[run], self._node(owners[run], indexes) if arrange is None else b"".join(arrange(held))

    def _node(self, owner: WireName, indexes: Sequence[int]) -> Node:
        """Return the node of these records, which are given in the order of the file."""
        rrsets: dict[int, list[int]] = {}
        for index in indexes:
            rrsets.setdefault(self._record_kinds[index], []).append(index)
        if _CNAME_KIND in rrsets and self._refuses_misfits:
            self._check_alias(owner, indexes)
        return b"".join([record for kind in sorted(rrsets) for record in self._rrset(owner, rrsets[kind])])

    def _check_alias(self, owner: WireName, indexes: Sequence[int]) -> None:
        """Refuse other data beside a CNAME, at the line where the second of the two came."""
        types = {index: self._record_kinds[index] >> 16 for index in indexes}
        others = [index for index in indexes if types[index] not in BESIDE_CNAME]
        if others:
            alias = next(index for index in indexes if types[index] == rd.CNAME)
            names = ", ".join(dict.fromkeys(rd.type_text(types[index]) for index in others))
            raise self._refusal(
                f"{name_text(owner)}: a CNAME stands beside {names}",
                self._record_places[max(alias, others[0])],
                remedy="a name that is an alias owns nothing else",
                rule="RFC 1034 section 3.6.2",
            )

    def _rrset(self, owner: WireName, indexes: list[int]) -> list[Record]:
        """Return the records of an RRset in canonical order, each once and with the TTL of the first."""
        held = [self._records[index] for index in indexes]
        if len(held) == 1:
            return held
        rdtype = self._record_kinds[indexes[0]] >> 16
        data = [record[HEADER_OCTETS:] for record in held]
        if rd.has_names_to_lower(rdtype):
            data = [rd.canonical_rdata(rdtype, octets) for octets in data]
        kept = dict(
            zip(reversed(data), reversed(held), strict=True)
        )  # so that of two that are the same the first stays
        if len(kept) < len(held):
            self._note_repeated(owner, rdtype, data, indexes)
        if len(kept) > 1 and rdtype in SINGLETONS and self._refuses_misfits:
            second = next(index for index, octets in zip(indexes, data, strict=True) if octets != data[0])
            raise self._refusal(
                f"{name_text(owner)}: a second {rd.type_text(rdtype)} with other data",
                self._record_places[second],
                rule="RFC 2181 section 10.1" if rdtype == rd.CNAME else "",
            )
        if len({record[4:8] for record in held}) > 1:
            ttl = ttl_of(held[0])
            self._note_other_ttls(
                owner, rdtype, ttl, [index for index in indexes if ttl_of(self._records[index]) != ttl]
            )
            kept = {octets: with_ttl(record, ttl) for octets, record in kept.items()}
        return [kept[octets] for octets in sorted(kept)]

    def _note_repeated(self, owner: WireName, rdtype: int, data: list[bytes], indexes: list[int]) -> None:
        seen: set[bytes] = set()
        places = []
        for index, octets in zip(indexes, data, strict=True):
            if octets in seen:
                places.append(self._record_places[index])
            seen.add(octets)
        text = f"{_records_text(len(places))} given again, {self._lines_text(places)}"
        self._note("duplicate-record", owner, rdtype, text, rule="RFC 2181 section 5")

    def _note_other_ttls(self, owner: WireName, rdtype: int, ttl: int, indexes: list[int]) -> None:
        others = _several(sorted({ttl_of(self._records[index]) for index in indexes}))
        places = [self._record_places[index] for index in indexes]
        text = f"the first record has TTL {ttl}, which all get; others have {others}, {self._lines_text(places)}"
        remedy = "give all records of the RRset the same TTL"
        self._note("ttl-differs", owner, rdtype, text, rule="RFC 2181 section 5.2", remedy=remedy)

    def _note(self, code: str, owner: WireName, rdtype: int, message: str, *, rule: str = "", remedy: str = "") -> None:
        self._findings.append(
            Finding(
                code=code,
                severity=Severity.WARNING,
                owner=name_text(owner),
                rdtype=rd.type_text(rdtype),
                message=message,
                rule=rule,
                remedy=remedy,
            )
        )

    def _lines_text(self, places: Sequence[int]) -> str:
        """Where these places are, in words; of many the first few and how many more there are."""
        shown = []
        last_file = ""
        for place in places[:_MOST_PLACES]:
            file, line = self._where(place)
            shown.append(str(line) if file == last_file else f"{file}:{line}")
            last_file = file
        more = len(places) - len(shown)
        return f"at {', '.join(shown)}" + (f" and {more} more" if more else "")


def _arranger(kinds: Sequence[int]) -> Callable[[list[Record]], tuple[Record, ...]] | None:
    """What puts the records of a node of these kinds in order when there is nothing in it to check, else None."""
    if len(set(kinds)) != len(kinds) or _CNAME_KIND in kinds:
        return None
    return operator.itemgetter(*sorted(range(len(kinds)), key=kinds.__getitem__))


def _records_text(count: int) -> str:
    return "1 record" if count == 1 else f"{count} records"


def _several(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:_MOST_PLACES]))
    return shown if len(numbers) <= _MOST_PLACES else f"{shown} and {len(numbers) - _MOST_PLACES} more"


# ---- $GENERATE ------------------------------------------------------------------------------------------------------

_GENERATE_RANGE: Final = re.compile(rb"\+?(\d{1,10})-\+?(\d{1,10})(?:/\+?(\d{1,10}))?")
_GENERATE_PART: Final = re.compile(
    rb"((?:[^$\\]++|\\.?)++|\$\$)|\$(?:\{([+-]?\d{1,10})(?:,\+?(\d{1,10})(?:,([doxXnN]))?)?\}|(?!\{))", re.DOTALL
)
_ESCAPED: Final = re.compile(rb"\\.", re.DOTALL)


def _counted(number: int, width: int, base: str) -> bytes:
    """A number as ``$GENERATE`` writes it; a negative one in base o, x or n as 32 bits of two's complement."""
    if base == "d":
        return b"%0*d" % (width, number)
    if base in "nN":
        return _nibbles(number % 2**32, width, base)
    return format(number % 2**32, f"0{width}{base}").encode("ascii") if width else format(number % 2**32, base).encode()


def _nibbles(number: int, width: int, base: str) -> bytes:
    """The hexadecimal digits of a number, the last first, with dots between, up to at least ``width`` characters."""
    digits = "0123456789abcdef" if base == "n" else "0123456789ABCDEF"
    text = ""
    while True:
        text += digits[number % 16]
        number //= 16
        if len(text) >= width and not number:
            return text.encode("ascii")
        text += "."
        if len(text) >= width and not number:
            return text.encode("ascii")
