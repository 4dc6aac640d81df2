"""What stands in an element: its attributes, its text, and its children in the order that a schema demands.

A reader takes the children one after the other, and says when there may be no more. What is missing, unknown, there twice
or out of order is one :class:`~zonekit.errors.FrameError` with the path of the element, the rule and what to do. No text of
an element is ever in a message, for it may be an authinfo code.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, TypeAlias, TypeVar

from zonekit.epp import namespaces
from zonekit.epp.checks import collapsed, language_of
from zonekit.epp.parts import Element, Part, local_name, namespace_of
from zonekit.errors import FrameError, ZonekitError

_Read = TypeVar("_Read")
Reader: TypeAlias = Callable[[Element], _Read]

_INSTANCE: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
# What may stand on any element. A type that is named there has no more in it than what is read anyway.
_HINTS: Final = frozenset(f"{_INSTANCE}{name}" for name in ("schemaLocation", "noNamespaceSchemaLocation", "type"))
_LONGEST_SHOWN: Final = 60
SPACES: Final = " \t\n\r"
"""What XML takes for white space."""
_NUMBER: Final = re.compile(r"\+?0*(\d{1,20})", re.ASCII)
_BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "1": True, "false": False, "0": False}
_INSTANT: Final = re.compile(
    r"(-?(?:\d{4}|[1-9]\d{4,19}))-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:(Z)|([+-])(\d\d):(\d\d))?", re.ASCII
)
_LONGEST_OFFSET: Final = timedelta(hours=14)
_DAY: Final = timedelta(days=1)
RULES: Final[Mapping[str, str]] = {
    namespaces.EPP: "RFC 5730 section 4",
    namespaces.DOMAIN: "RFC 5731 section 4",
    namespaces.HOST: "RFC 5732 section 4",
    namespaces.SECDNS: "RFC 5910 section 6",
    namespaces.KEYRELAY: "RFC 8063 section 4",
    namespaces.TRANSFER: "zonekit.epp.offers",
}
"""The schema of each namespace."""


class Unheld(Exception):
    """What a schema allows and zonekit has no value for: the element around it is kept as a :class:`Part`."""


# ---- where, and what is wrong ---------------------------------------------------------------------------------------


def path_of(element: Element) -> str:
    """Return where an element stands: ``epp/response/resData/infData/dsData[2]``; alone of its name it has no number."""
    steps = []
    at: Element | None = element
    while at is not None:
        name = _shown(local_name(at))
        parent = at.getparent()
        alike = [] if parent is None else list(parent.iterchildren(at.tag))
        steps.append(f"{name}[{alike.index(at) + 1}]" if len(alike) > 1 else name)
        at = parent
    return "/".join(reversed(steps))


def _shown(name: str) -> str:
    return name if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]}..."


def refusal(element: Element, problem: str, *, remedy: str = "", rule: str = "") -> FrameError:
    """Return the error about an element; without a rule, that is the schema of its namespace."""
    return FrameError(
        problem,
        path=path_of(element),
        remedy=remedy or "ask its sender to mend it",
        rule=rule or RULES.get(namespace_of(element), RULES[namespaces.EPP]),
    )


@contextlib.contextmanager
def within(element: Element) -> Iterator[None]:
    """Have what a value of zonekit refuses be the element's fault.

    Raises:
        FrameError: a value is refused.
    """
    try:
        yield
    except FrameError:
        raise
    except ZonekitError as error:
        raise refusal(element, error.problem, remedy=error.remedy, rule=error.rule) from None


# ---- attributes and children ----------------------------------------------------------------------------------------


class Content:
    """The children of an element, taken in the order of its schema.

    Args:
        element: the element.
        attributes: those that it may have.

    Raises:
        FrameError: another attribute, or text between the children.
    """

    __slots__ = ("_children", "_element", "_namespace", "_next")

    def __init__(self, element: Element, *attributes: str) -> None:
        _check_attributes(element, attributes)
        self._element = element
        self._namespace = namespace_of(element)
        self._children = list(element)
        self._next = 0
        if any((text or "").strip(SPACES) for text in (element.text, *(child.tail for child in self._children))):
            raise refusal(element, "text stands where only elements may")

    def optional(self, *names: str, namespace: str | None = None) -> Element | None:
        """Return the next child if it has one of these names, in the namespace of the element or another; else None."""
        if self._next == len(self._children):
            return None
        found = self._children[self._next]
        if local_name(found) not in names or namespace_of(found) != (namespace or self._namespace):
            return None
        self._next += 1
        return found

    def one(self, *names: str, namespace: str | None = None) -> Element:
        """Return the next child, which has to have one of these names.

        Raises:
            FrameError: it has not, or there is none.
        """
        found = self.optional(*names, namespace=namespace)
        if found is None:
            raise refusal(self._element, f"{' or '.join(names)} is missing, or not at its place")
        return found

    def filled(self, name: str) -> Element | None:
        """Return the same as :meth:`optional`, None too where it has nothing in it: many write what they have nothing for."""
        found = self.optional(name)
        if found is None or len(found) or (found.text or "").strip(SPACES) or found.attrib:
            return found
        return None

    def several(self, name: str, *, least: int = 0) -> list[Element]:
        """Return the next children that have this name.

        Raises:
            FrameError: there are fewer than ``least``.
        """
        found = [self.one(name) for _ in range(least)]
        while (more := self.optional(name)) is not None:
            found.append(more)
        return found

    def foreign(self) -> list[Element]:
        """Return all the children that are left, at least one, each of another namespace than the element.

        Raises:
            FrameError: there is none, or one of the same namespace.
        """
        found = self._children[self._next :]
        self._next = len(self._children)
        if not found:
            raise refusal(self._element, "it is empty", remedy="leave it out")
        for child in found:
            if namespace_of(child) in (self._namespace, ""):
                raise refusal(child, "an element of the object's or extension's own namespace is due here")
        return found

    def end(self) -> None:
        """Check that there are no more children.

        Raises:
            FrameError: there are.
        """
        if self._next < len(self._children):
            raise refusal(
                self._children[self._next],
                "it does not belong here: it is unknown, of another namespace, there once too often or out of order",
            )


def _check_attributes(element: Element, allowed: tuple[str, ...]) -> None:
    for name in element.attrib:
        if name not in allowed and name not in _HINTS:
            raise refusal(element, f"the attribute {ascii(str(name))[1:-1][:_LONGEST_SHOWN]} is unknown here")


def attribute(element: Element, name: str, default: str | None = None) -> str:
    """Return an attribute, as a token.

    Raises:
        FrameError: it is missing, and there is no default.
    """
    found = element.get(name, default)
    if found is None:
        raise refusal(element, f"the attribute {name} is missing")
    return collapsed(found)


def choice(element: Element, name: str, choices: Mapping[str, _Read], default: str | None = None) -> _Read:
    """Return what an attribute chooses.

    Raises:
        FrameError: it is missing, or none of the choices.
    """
    found = attribute(element, name, default)
    if found not in choices:
        raise refusal(element, f"the attribute {name} is none of {', '.join(choices)}")
    return choices[found]


def empty(element: Element) -> None:
    """Check that an element has neither attributes nor children nor text.

    Raises:
        FrameError: it has.
    """
    Content(element).end()
    if (element.text or "").strip(SPACES):
        raise refusal(element, "it is not empty")


# ---- text -----------------------------------------------------------------------------------------------------------


def text(element: Element, *attributes: str) -> str:
    """Return the text in an element, to the last space.

    Raises:
        FrameError: there are children, or other attributes than these.
    """
    _check_attributes(element, attributes)
    if len(element):
        # Without its name, which may be a piece of a code that was not escaped.
        raise refusal(element, "an element stands where only text may")
    return element.text or ""


def line(element: Element, *attributes: str) -> str:
    """Return the text in an element as a line, a ``normalizedString``: each white space is a space.

    Raises:
        FrameError: there are children, or other attributes than these.
    """
    return re.sub("[\t\n\r]", " ", text(element, *attributes))


def language(element: Element | None) -> str:
    """Return the language of the text in an element: its attribute ``lang``, or English."""
    return "en" if element is None else language_of(element.get("lang", ""))


def domain_name(element: Element, *attributes: str) -> str:
    """Return the domain name in an element, as a token.

    Raises:
        FrameError: there are children, or other attributes than these.
        Unheld: it is not in ASCII, so no name that DNS has.
    """
    found = token(element, *attributes)
    if not found.isascii():
        raise Unheld
    return found


def token(element: Element, *attributes: str) -> str:
    """Return the text in an element as a token: single spaces, none at its ends.

    Raises:
        FrameError: there are children, or other attributes than these.
    """
    return collapsed(text(element, *attributes))


def optional_token(element: Element | None) -> str | None:
    """Return the same as :func:`token`, None of what is not there.

    Raises:
        FrameError: there are children or attributes.
    """
    return None if element is None else token(element)


def number(element: Element, *attributes: str) -> int:
    """Return the whole number in an element, which is not negative.

    Raises:
        FrameError: there is none.
    """
    return parse_number(element, token(element, *attributes), "it")


def parse_number(element: Element, found: str, what: str) -> int:
    """Return the whole number that a text of an element says; ``what`` it is goes into the message.

    Raises:
        FrameError: it says none.
    """
    match = _NUMBER.fullmatch(found)
    if match is None:
        raise refusal(element, f"{what} is no whole number, or too large a one")
    return int(match[1])


def boolean(element: Element) -> bool:
    """Return the truth value in an element.

    Raises:
        FrameError: there is none.
    """
    found = token(element)
    if found not in _BOOLEANS:
        raise refusal(element, "it is neither true nor false")
    return _BOOLEANS[found]


def boolean_attribute(element: Element, name: str, default: str | None = None) -> bool:
    """Return the truth value of an attribute.

    Raises:
        FrameError: it is missing, or none.
    """
    return choice(element, name, _BOOLEANS, default)


def instant(element: Element) -> datetime:
    """Return the instant in an element, down to whole seconds; without an offset it is in UTC (RFC 5730 section 2.4).

    Raises:
        FrameError: there is none.
        Unheld: it lies beyond the years 1 to 9999.
    """
    match = _INSTANT.fullmatch(token(element))
    if match is not None:
        with contextlib.suppress(ValueError):
            return _instant(match)
    raise refusal(
        element,
        "it is no instant",
        remedy="ask its sender for one such as 2026-11-21T12:00:00Z",
        rule="RFC 5730 section 2.4",
    )


def _instant(match: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    ends_day = hour == 24 and not minute and not second
    is_held = 1 <= year <= 9999
    # Years repeat after 400, so that what is no date is told from what is none of the calendar's.
    found = datetime(
        year if is_held else 2000 + year % 400, month, day, 0 if ends_day else hour, minute, second, tzinfo=_zone(match)
    )
    if not is_held:
        raise Unheld
    try:
        return (found + _DAY if ends_day else found).astimezone(UTC)
    except OverflowError:
        raise Unheld from None


def _zone(match: re.Match[str]) -> timezone:
    if match[8] is None:
        return UTC
    offset = timedelta(hours=int(match[9]), minutes=int(match[10]))
    if offset > _LONGEST_OFFSET or int(match[10]) > 59:
        raise ValueError
    return timezone(offset if match[8] == "+" else -offset)


def optional_instant(element: Element | None) -> datetime | None:
    """Return the same as :func:`instant`, None of what is not there.

    Raises:
        FrameError: there is none in it.
        Unheld: it lies beyond the years 1 to 9999.
    """
    return None if element is None else instant(element)


# ---- elements that a table knows ------------------------------------------------------------------------------------


def read_known(element: Element, readers: Mapping[str, Reader[_Read]]) -> _Read | Part:
    """Return what the reader for the name of an element makes of it; where there is none, or no value, the element kept.

    Args:
        element: the element.
        readers: them, by name with namespace: ``{urn:...}name``.

    Raises:
        FrameError: the reader refuses it.
    """
    reader = readers.get(element.tag)
    if reader is not None:
        with contextlib.suppress(Unheld):
            return reader(element)
    with within(element):
        return Part.of(element)


def qualified(namespace: str, name: str) -> str:
    """Return a name with its namespace, as lxml and tables of readers have it.

    >>> qualified("urn:x", "create")
    '{urn:x}create'
    """
    return f"{{{namespace}}}{name}"
