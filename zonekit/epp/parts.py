"""XML as it came: reading it without being led astray, and keeping what zonekit has no value for.

What another party sends is read with no document type, so no entities, no network and no file, and within bounds.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from zonekit.errors import EppError, FrameError

try:
    from lxml import etree
except ModuleNotFoundError as error:
    if error.name != "lxml":
        raise
    raise EppError("EPP frames need lxml, which is not installed", remedy="run: pip install 'zonekit[epp]'") from None

Element: TypeAlias = etree._Element
"""An element of XML that was read. Only this module knows of lxml."""

MAX_OCTETS: Final = 2**20
"""How long a frame may be."""
MAX_DEPTH: Final = 64
"""How deep elements may stand in one another; those of the RFCs stand in 8."""
MAX_ELEMENTS: Final = 20_000
"""How many elements a frame may have."""

_RULE: Final = "RFC 5730 section 5"
_SPACE: Final = "[ \t\r\n]"
_DECLARATION: Final = re.compile(
    rf"""<\?xml{_SPACE}+version{_SPACE}*={_SPACE}*(?:"1\.0"|'1\.0')"""
    rf"""(?:{_SPACE}+encoding{_SPACE}*={_SPACE}*(?:"([A-Za-z0-9._-]+)"|'([A-Za-z0-9._-]+)'))?"""
    rf"""(?:{_SPACE}+standalone{_SPACE}*={_SPACE}*(?:"(?:yes|no)"|'(?:yes|no)'))?{_SPACE}*\?>"""
)
# Whatever may stand before the root element but a document type. Nothing here is tried a second time.
_PROLOG: Final = re.compile(rf"(?:{_SPACE}++|<!--.*?-->|<\?.*?\?>)*+", re.DOTALL)
_ROOT: Final = re.compile("<[A-Za-z_:\u0080-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PREFIX: Final = re.compile(r"[^\s:<>\"'&/=,;()\[\]{}]+(?=:)")
_START: Final = re.compile(r"<[^\s/>]+")


def local_name(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return etree.QName(element).localname


def namespace_of(element: Element) -> str:
    """Return the namespace of an element; empty where it has none."""
    return etree.QName(element).namespace or ""


def parse_xml(octets: bytes | str, *, max_octets: int = MAX_OCTETS, max_elements: int = MAX_ELEMENTS) -> Element:
    """Return the root element of a document, without its comments and processing instructions.

    Args:
        octets: the document, in UTF-8 or, with a byte order mark, in UTF-16 (RFC 5730 section 5); or its text.
        max_octets: how long it may be, in UTF-8 too.
        max_elements: how many elements it may have.

    Raises:
        FrameError: it is too long, too large or too deep, in another encoding, no well-formed XML, or has a document type.

    >>> parse_xml("<a>1 &lt; 2<!-- indeed --></a>").text
    '1 < 2'
    """
    text = _without_declaration(_decoded(octets, max_octets))
    _check_prolog(text)
    encoded = _encoded(text, max_octets)
    try:
        root = etree.fromstring(encoded, _safe_parser())
    except etree.XMLSyntaxError as error:
        raise _refusal(f"no well-formed XML: {_kind_of(error)}", line=error.lineno) from None
    _check_bounds(root, max_elements)
    return root


def _check_prolog(text: str) -> None:
    """Check that the root element begins where the prolog ends: a document type could stand nowhere else.

    libxml2 is to find the same element there: so neither a second byte order mark, which it would pass over, may be in
    front, nor the NUL of another encoding, which it would guess.
    """
    before = _PROLOG.match(text)
    assert before is not None  # it matches nothing, too
    line = text.count("\n", 0, before.end()) + 1
    if text.startswith("<!", before.end()):
        raise _refusal(
            "a document type, or a comment that does not end, stands before the root element",
            line=line,
            remedy="send a document without a document type: it would define entities, which no frame needs",
        )
    if not _ROOT.match(text, before.end()):
        raise _refusal("no well-formed XML: no element begins where one is due", line=line)


def _safe_parser() -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        strip_cdata=True,
    )


def _refusal(problem: str, *, line: int | None = None, remedy: str = "") -> FrameError:
    where = "" if line is None else f"line {line}: "
    return FrameError(f"{where}{problem}", remedy=remedy or "ask its sender to mend it", rule=_RULE)


def _decoded(octets: bytes | str, max_octets: int) -> str:
    if len(octets) > max_octets:
        raise _too_long(max_octets)
    if isinstance(octets, str):
        return octets.removeprefix("\ufeff")
    in_utf_16 = octets.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return octets.decode("utf-16" if in_utf_16 else "utf-8-sig")
    except UnicodeDecodeError:
        pass
    # Outside the handler, so that the new error does not carry the old one, which holds the octets.
    raise _refusal("it is neither in UTF-8 nor, with a byte order mark, in UTF-16")


def _encoded(text: str, max_octets: int) -> bytes:
    encoded = text.encode(errors="replace")
    if encoded.decode() != text:
        raise _refusal("it has half of a surrogate pair, which is no character")
    if len(encoded) > max_octets:
        raise _too_long(max_octets)
    return encoded


def _too_long(max_octets: int) -> FrameError:
    return _refusal(f"it has more than {max_octets} octets", remedy="give max_octets if it is to be read all the same")


def _without_declaration(text: str) -> str:
    """The text without its declaration, whose lines stay, so that nothing is left to say how the octets are meant."""
    if not text.startswith("<?xml") or text[5:6] not in (" ", "\t", "\r", "\n"):
        return text
    found = _DECLARATION.match(text)
    encoding = (found[1] or found[2] or "utf-8").lower() if found is not None else ""
    if found is None or encoding not in ("utf-8", "utf-16", "us-ascii"):
        raise _refusal("its declaration is not of XML 1.0 in UTF-8 or UTF-16", line=1)
    return "\n" * found[0].count("\n") + text[found.end() :]


def _kind_of(error: Any) -> str:
    """What is wrong, in libxml2's term: its messages quote the document, in which there may be an authinfo code."""
    kinds = [entry.type_name for entry in error.error_log if entry.type == error.code]
    return kinds[-1].removeprefix("ERR_").replace("_", " ").lower() if kinds else "it ends too soon"


def _check_bounds(root: Element, max_elements: int) -> None:
    depth = count = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        starts = event == "start"
        depth += 1 if starts else -1
        count += starts
        if depth > MAX_DEPTH:
            raise _refusal(f"elements stand more than {MAX_DEPTH} deep in one another", line=element.sourceline)
        if count > max_elements:
            raise _refusal(f"it has more than {max_elements} elements", line=element.sourceline)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Part:
    """An element that zonekit has no value for, kept as it came.

    It may hold an authinfo code, for nobody knows what it holds: so its repr has its name alone.

    Attributes:
        xml: it in canonical form (C14N 2.0), with the namespaces that it needs.
        namespace: its namespace; empty where it has none.
        name: its name without a prefix.

    Raises:
        FrameError: it is no element by itself, or nothing that :func:`parse_xml` reads.

    >>> Part(xml='<x:a xmlns:y="urn:y" xmlns:x="urn:x" b="1" />')
    Part('{urn:x}a')
    """

    xml: str
    namespace: str = field(init=False, compare=False)
    name: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.xml, str):
            raise FrameError("an element is kept as a text", remedy="give its XML as a text")
        root = parse_xml(self.xml)
        object.__setattr__(self, "xml", _canonical(root))
        object.__setattr__(self, "namespace", namespace_of(root))
        object.__setattr__(self, "name", local_name(root))

    @classmethod
    def of(cls, element: Element) -> Part:
        """Return an element of a document that was read, with the namespaces that it needs."""
        return cls(xml=_canonical(element))

    def __repr__(self) -> str:
        return f"Part({'{' + self.namespace + '}' + self.name!r})"

    @property
    def embedded(self) -> str:
        """The element as it stands inside any other, in one line: the same element, whatever is in force there."""
        root = parse_xml(self.xml)
        markup = self.xml.replace("\n", "&#10;")
        if None in root.nsmap or all(map(namespace_of, root.iter())):
            return markup
        return _START.sub(r'\g<0> xmlns=""', markup, count=1)

    @property
    def text(self) -> str:
        """The text in it, and in the elements in it."""
        return "".join(map(str, parse_xml(self.xml).itertext()))


def _canonical(element: Element) -> str:
    """The element by itself in canonical form, which keeps what prefixes in texts and values mean, too."""
    text: str = etree.canonicalize(etree.tostring(element, encoding="unicode", with_tail=False))
    declared = etree.fromstring(text, _safe_parser()).nsmap.keys()
    kept = {prefix for prefix in element.nsmap if prefix} & set(_mentioned_prefixes(element)) - declared
    more = "".join(f' xmlns:{prefix}="{html.escape(element.nsmap[prefix])}"' for prefix in sorted(kept))
    return _START.sub(lambda start: start[0] + more, text, count=1)


def _mentioned_prefixes(element: Element) -> Iterator[str]:
    """What may be prefixes in texts and values, such as that of a type: canonical XML would leave their namespaces out."""
    for each in element.iter():
        for text in (each.text, None if each is element else each.tail, *each.attrib.values()):
            if text:
                yield from _PREFIX.findall(text)
