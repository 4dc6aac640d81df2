"""XML as it came: reading it without being led astray, and keeping what zonekit has no value for.

What another party sends is read with no document type, so no entities, no network and no file, and within bounds.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
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

Octets: TypeAlias = bytes | bytearray | memoryview

MAX_OCTETS: Final = 2**20
"""How long a frame may be."""
MAX_DEPTH: Final = 64
"""How deep elements may stand in one another; those of the RFCs stand in 8."""
MAX_ELEMENTS: Final = 20_000
"""How many elements a frame may have."""
MAX_ATTRIBUTES: Final = 100
"""How many attributes an element may have."""
MAX_NAMESPACES: Final = 200
"""How many declarations of namespaces may be in force on an element."""

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
# What may be a prefix in a text, begun where it begins and never tried a second time.
_PREFIX: Final = re.compile(r"(?<![^\s!-,/:-@\[-^`{-~])[^\s!-,/:-@\[-^`{-~]++(?=:)")
_START: Final = re.compile(r"<[^\s/>]+")
_XML: Final = "http://www.w3.org/XML/1998/namespace"


def local_name(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return etree.QName(element).localname


def namespace_of(element: Element) -> str:
    """Return the namespace of an element; empty where it has none."""
    return etree.QName(element).namespace or ""


def parse_xml(octets: Octets | str, *, max_octets: int = MAX_OCTETS, max_elements: int = MAX_ELEMENTS) -> Element:
    """Return the root element of a document, without its comments and processing instructions.

    Args:
        octets: the document, in UTF-8 or, with a byte order mark, in UTF-16 (RFC 5730 section 5); or its text.
        max_octets: how long it may be, in UTF-8 too.
        max_elements: how many elements it may have.

    Raises:
        FrameError: it is neither octets nor a text, is too long, too large or too deep, in another encoding, no well-formed
            XML, or has a document type.

    >>> parse_xml("<a>1 &lt; 2<!-- indeed --></a>").text
    '1 < 2'
    """
    text = _without_declaration(_decoded(octets, max_octets))
    _check_prolog(text)
    root = _parsed(_encoded(text, max_octets))
    if root.getroottree().docinfo.internalDTD is not None:
        raise _refusal("a document type stands in it")
    if next(root.iter(etree.Comment, etree.PI, etree.Entity), None) is not None:
        raise _refusal("something that is no element stands in it")
    _check_bounds(root, max_elements)
    return root


def _parsed(encoded: bytes) -> Element:
    try:
        return etree.fromstring(encoded, _safe_parser())
    except etree.XMLSyntaxError as error:
        problem = f"no well-formed XML: {_kind_of(error)}"
        line = int(error.lineno or 1)
    # Outside the handler, so that the new error does not carry the old one, which quotes the document.
    raise _refusal(problem, line=line)


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
    if "\x00" in before[0] or not _ROOT.match(text, before.end()):
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


def _decoded(given: Octets | str, max_octets: int) -> str:
    if not isinstance(given, str | bytes | bytearray | memoryview):
        raise FrameError(f"a {type(given).__name__} is given as XML", remedy="give octets or a text", rule=_RULE)
    octets = given if isinstance(given, str) else bytes(given)
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
    if not kinds:
        return "it ends too soon"
    return _KINDS.get(kinds[-1], kinds[-1].removeprefix("ERR_").replace("_", " ").lower())


_KINDS: Final[Mapping[str, str]] = {"WAR_NS_URI": "the name of a namespace is no URI"}


def _check_bounds(root: Element, max_elements: int) -> None:
    declared = [0]
    count = own = 0
    for event, found in etree.iterwalk(root, events=("start-ns", "start", "end")):
        if event == "start-ns":
            own += 1
        elif event == "end":
            declared.pop()
        else:
            declared.append(declared[-1] + own)
            count, own = count + 1, 0
            if count > max_elements:
                raise _refusal(f"it has more than {max_elements} elements", line=found.sourceline)
            _check_element(found, depth=len(declared) - 1, declared=declared[-1])


def _check_element(element: Any, *, depth: int, declared: int) -> None:
    problem = ""
    if depth > MAX_DEPTH:
        problem = f"elements stand more than {MAX_DEPTH} deep in one another"
    elif declared > MAX_NAMESPACES:
        problem = f"more than {MAX_NAMESPACES} declarations of namespaces are in force on an element"
    elif len(element.attrib) > MAX_ATTRIBUTES:
        problem = f"an element has more than {MAX_ATTRIBUTES} attributes"
    if problem:
        raise _refusal(problem, line=element.sourceline)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Part:
    """An element that zonekit has no value for, kept as it came.

    It may hold an authinfo code, for nobody knows what it holds: so its repr has its name alone.

    Attributes:
        xml: it in canonical form, with the namespaces that it needs: those of names, and those of what may be a prefix in a
            text or a value, each declared where it was, or on the element itself where that was around it. Only a name
            without a prefix in a text or a value loses the namespace that it may have been meant in.
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
            raise FrameError("an element is kept as a text", remedy="give its XML as a text", rule=_RULE)
        self._keep(parse_xml(self.xml))

    @classmethod
    def of(cls, element: Element) -> Part:
        """Return an element of a document that was read, with the namespaces that it needs."""
        # It was checked when it was read, and may be longer in canonical form.
        part = object.__new__(cls)
        part._keep(element)
        return part

    def _keep(self, element: Element) -> None:
        object.__setattr__(self, "xml", _canonical(element))
        object.__setattr__(self, "namespace", namespace_of(element))
        object.__setattr__(self, "name", local_name(element))

    @property
    def _root(self) -> Element:
        return _parsed(self.xml.encode())

    def __repr__(self) -> str:
        return f"Part({'{' + self.namespace + '}' + self.name!r})"

    @property
    def embedded(self) -> str:
        """The element as it stands inside any other, in one line: the same element, whatever is in force there."""
        root = self._root
        markup = self.xml.replace("\n", "&#10;")
        if None in root.nsmap or all(map(namespace_of, root.iter())):
            return markup
        return _START.sub(r'\g<0> xmlns=""', markup, count=1)

    @property
    def text(self) -> str:
        """The text in it, and in the elements in it."""
        return "".join(map(str, self._root.itertext()))

    @property
    def children(self) -> tuple[tuple[str, str], ...]:
        """The elements in it: the namespace and the name of each."""
        return tuple([(namespace_of(child), local_name(child)) for child in self._root])

    @property
    def namespaces(self) -> frozenset[str]:
        """The namespaces of it and of the elements in it, however deep."""
        return frozenset(map(namespace_of, self._root.iter()))

    def attribute(self, name: str, default: str = "") -> str:
        """Return an attribute of it that is of no namespace."""
        return str(self._root.get(name, default))


# ---- the canonical form ---------------------------------------------------------------------------------------------


class _Scope:
    """The namespaces in force on an element: each by its prefix, with the number of the element that it holds from on."""

    __slots__ = ("homes", "namespaces", "prefixes")

    def __init__(self, namespaces: dict[str, str], homes: dict[str, int]) -> None:
        self.namespaces = namespaces
        self.homes = homes
        self.prefixes: dict[str, list[str]] = {_XML: ["xml"]}
        for prefix, namespace in namespaces.items():
            if prefix:
                self.prefixes.setdefault(namespace, []).append(prefix)

    def with_own(self, own: dict[str, str], number: int) -> _Scope:
        """The scope of an element with declarations of its own."""
        changed = {prefix: number for prefix, namespace in own.items() if self.namespaces.get(prefix) != namespace}
        return _Scope(self.namespaces | own, self.homes | changed) if changed else self


@dataclass(slots=True)
class _Tag:
    """A start tag in the making: the attributes with their prefixes, and what is declared."""

    name: str
    attributes: list[tuple[str, str]]
    declared: dict[str, str]


def _canonical(element: Element) -> str:
    """The element by itself, in the one form that its spellings share.

    That is canonical XML (C14N 2.0) in all but where namespaces are declared: there it is where a name needs one, and what
    prefixes mean in texts and values would be lost.
    """
    pieces: list[str] = []
    in_force: list[Mapping[str, str]] = [{"": ""}]
    tags = iter(_tags(element))
    names: list[str] = []
    for event, each in etree.iterwalk(element, events=("start", "end")):
        if event == "start":
            tag = next(tags)
            names.append(tag.name)
            declared = {prefix: held for prefix, held in tag.declared.items() if in_force[-1].get(prefix) != held}
            in_force.append({**in_force[-1], **declared} if declared else in_force[-1])
            pieces += [_start_tag(tag, declared), _escaped(each.text or "")]
        else:
            in_force.pop()
            pieces += [f"</{names.pop()}>", "" if each is element else _escaped(each.tail or "")]
    return "".join(pieces)


def _tags(root: Element) -> list[_Tag]:
    """The start tags of an element and of those in it, in order; each declares what is needed from there on."""
    namespaces = {"": ""} | {prefix or "": namespace for prefix, namespace in root.nsmap.items()}
    scopes = [_Scope(namespaces, dict.fromkeys(namespaces, 0))]
    tags: list[_Tag] = []
    own: dict[str, str] = {}
    for event, found in etree.iterwalk(root, events=("start-ns", "start", "end")):
        if event == "start-ns":
            own[found[0]] = found[1]
        elif event == "end":
            scopes.pop()
        else:
            scope = scopes[-1].with_own(own, len(tags)) if tags else scopes[-1]
            scopes.append(scope)
            own = {}
            tags.append(_tag(found, scope))
            for prefix in _prefixes_in(found, tags[-1], scope):
                tags[scope.homes[prefix]].declared[prefix] = scope.namespaces[prefix]
    return tags


def _tag(element: Element, scope: _Scope) -> _Tag:
    name = f"{element.prefix}:{local_name(element)}" if element.prefix else local_name(element)
    found = []
    for number, (held, value) in enumerate(element.attrib.items(), 1):
        qualified = etree.QName(held)
        prefixes = scope.prefixes.get(qualified.namespace or "", [])
        # Only where there are several does it cost something to ask which it came with.
        shown = str(_ATTRIBUTE_NAME(element, at=number)) if len(prefixes) > 1 else qualified.localname
        if len(prefixes) == 1:
            shown = f"{prefixes[0]}:{shown}"
        found.append(((qualified.namespace or "", qualified.localname), shown, str(value)))
    return _Tag(name, [(shown, value) for _, shown, value in sorted(found)], {})


_ATTRIBUTE_NAME: Final = etree.XPath("name(@*[$at])")


def _prefixes_in(element: Element, tag: _Tag, scope: _Scope) -> Iterator[str]:
    """The prefixes that an element needs: of its name, of its attributes, and what may be some in texts and values."""
    yield element.prefix or ""
    values = [value for _, value in tag.attributes]
    texts = [element.text or "", *(child.tail or "" for child in element), *values]
    names = [name for name, _ in tag.attributes]
    for text in (*names, *texts):
        if ":" in text:
            yield from (prefix for prefix in _PREFIX.findall(text) if prefix in scope.homes)


def _start_tag(tag: _Tag, declared: Mapping[str, str]) -> str:
    namespaces = [(f"xmlns:{prefix}" if prefix else "xmlns", declared[prefix]) for prefix in sorted(declared)]
    shown = [f' {name}="{_escaped_value(value)}"' for name, value in (*namespaces, *tag.attributes)]
    return f"<{tag.name}{''.join(shown)}>"


def _escaped(text: str) -> str:
    return html.escape(text, quote=False).replace("\r", "&#xD;")


def _escaped_value(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return escaped.replace("\t", "&#x9;").replace("\n", "&#xA;").replace("\r", "&#xD;")
