"""What the schemas of EPP let a text be, for the values that become frames (RFC 5730 section 4, RFC 5731 section 4)."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Final

from zonekit.errors import EppError, PlanError, TimeError
from zonekit.transfer import values
from zonekit.transfer.values import Check, Fields

_NAME: Final = re.compile(r"(?:[a-z0-9_-]+\.)+", re.ASCII)
_LANGUAGE: Final = re.compile("[a-zA-Z]{1,8}(?:-[a-zA-Z0-9]{1,8})*")
_VERSION: Final = re.compile(r"[1-9]+\.[0-9]+")
_SPACES: Final = re.compile("[ \t\n\r]+")
_LINE_ENDS: Final = frozenset("\t\n\r")
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def check_fields(fields: Fields, value: object, whose: str) -> None:
    """Check the fields of a frozen value, and put what the checks return in their place.

    Raises:
        EppError: a field is missing, has the wrong type or is out of bounds.
        ZonekitError: an instant or a name that is none, as :mod:`zonekit.instants` and :mod:`zonekit.names` refuse it.
    """
    try:
        fields.check(value, whose)
    except PlanError as error:
        raise EppError(error.problem, remedy=error.remedy, rule=error.rule) from None


def domain_name(value: object, where: str) -> str:
    """Return a domain name as zonekit holds it: absolute, in lower case; frames have it without the last dot.

    Raises:
        EppError: it is the root, or has other characters than those of host names and ``_``.
        DomainNameError: it is no domain name.
    """
    name = str(values.host(value, where))
    if name == ".":
        raise EppError(f"{where} is the root", remedy="give the name of a domain or host", rule="RFC 5730")
    if not _NAME.fullmatch(name):
        raise EppError(
            f"{where} is {name[:60]}, with characters that no host name has",
            remedy="give letters, digits and hyphens; for other letters the A-label, xn--",
            rule="RFC 5890 section 2.3.2.1",
        )
    return name


def address(value: object, where: str) -> str:
    """Return an address that a server may have, in its shortest form.

    Raises:
        EppError: it is that of no server at all, or has a zone.
        PlanError: it is no address.
    """
    found = str(values.address(value, where))
    if "%" in found or found in ("::", "0.0.0.0"):
        raise EppError(f"{where} is {found}, where no server is", remedy="give one that is routed", rule="RFC 5732")
    return found


def xml_text(value: object, where: str) -> str:
    """Return a text that XML can carry and that comes out as it went in.

    Raises:
        EppError: it is no text, or has a character that XML does not know.
    """
    if not isinstance(value, str):
        raise EppError(f"{where} is no text", remedy="give a text")
    if _NOT_XML.search(value):
        raise EppError(f"{where} has a character that XML cannot carry", remedy="leave control characters out")
    return value


def collapsed(text: str) -> str:
    """Return a text as XML Schema reads one of type ``token``: single spaces, none at its ends.

    >>> collapsed("  example\\n nl ")
    'example nl'
    """
    return _SPACES.sub(" ", text).strip(" ")


def line(least: int, most: int) -> Check:
    """Return what checks a text of one line, a ``normalizedString``, of so many characters."""

    def check(value: object, where: str) -> str:
        found = xml_text(value, where)
        if not _LINE_ENDS.isdisjoint(found):
            raise EppError(f"{where} is not of one line, or has tabs", remedy="write it in one line")
        return _check_length(found, where, least, most)

    return check


def token(least: int, most: int) -> Check:
    """Return what checks a text without spaces at its ends, runs of spaces or line ends, of so many characters."""

    def check(value: object, where: str) -> str:
        found = xml_text(value, where)
        if found != collapsed(found):
            raise EppError(f"{where} has spaces that EPP does not keep", remedy="write single spaces, none at the ends")
        return _check_length(found, where, least, most)

    return check


def _check_length(text: str, where: str, least: int, most: int) -> str:
    if not least <= len(text) <= most:
        raise EppError(
            f"{where} has {len(text)} characters", remedy=f"give {least} to {most}", rule="RFC 5730 section 4"
        )
    return text


message = line(0, 2**31 - 1)
"""Checks what a server says to people."""
client_id = token(3, 16)
"""Checks the identifier of a client: ``clIDType``."""
transaction_id = token(3, 64)
"""Checks a transaction identifier: ``trIDStringType``."""


def language(value: object, where: str) -> str:
    """Return the tag of a language.

    Raises:
        EppError: it is none.
    """
    if not isinstance(value, str) or not _LANGUAGE.fullmatch(value):
        raise EppError(f"{where} is no language", remedy="give a tag such as en or nl-NL", rule="RFC 5646")
    return value


def language_of(text: str) -> str:
    """Return the tag of a language that a sender gave: English where it gave none, and ``en-US`` where it wrote ``en_US``.

    >>> language_of("en_US")
    'en-US'
    """
    found = collapsed(text).replace("_", "-")
    return found or "en"


def version(value: object, where: str) -> str:
    """Return a version of the protocol.

    Raises:
        EppError: it is none.
    """
    if not isinstance(value, str) or not _VERSION.fullmatch(value):
        raise EppError(f"{where} is no version", remedy="give 1.0", rule="RFC 5730 section 4")
    return value


_AN_INSTANT: Final = "give one, such as datetime.now(UTC).replace(microsecond=0)"


def instant(value: object, where: str) -> datetime:
    """Return an instant in UTC; one of a registry need not lie within the 136 years of an RRSIG.

    Raises:
        TimeError: it is naive, or not in whole seconds.
    """
    if not isinstance(value, datetime) or value.utcoffset() is None or value.microsecond:
        raise TimeError(f"{where} is no aware instant in whole seconds", remedy=_AN_INSTANT)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise TimeError(f"{where} is beyond the calendar", remedy="give another") from None


def some(values: tuple[object, ...], what: str) -> None:
    """Check that there is at least one of something.

    Raises:
        EppError: there is none.
    """
    if not values:
        raise EppError(f"no {what} is given", remedy="give at least one", rule="RFC 5730 section 4")


def secret(value: object, where: str) -> str:
    """Return an authinfo code or a password that EPP can carry; a refusal does not show it.

    Raises:
        EppError: it has a character that does not come out as it went in.
    """
    found = xml_text(value, where)
    if not _LINE_ENDS.isdisjoint(found):
        raise EppError(f"{where} is not of one line", remedy="give the code as it was handed out")
    return found


def secret_in(*kinds: type) -> Check:
    """Return what checks that something is a value with a secret in it; a refusal does not show what was given in its place."""
    names = " or ".join(kind.__name__ for kind in kinds)

    def check(value: object, where: str) -> object:
        if not isinstance(value, kinds):
            raise EppError(
                f"{where} is a {type(value).__name__} and no {names}", remedy=f"give a value of type {names}"
            )
        return value

    return check


def roid(value: object, where: str) -> str:
    """Return a repository object identifier: ``roidType``.

    Raises:
        EppError: it is none.
    """
    found = value if isinstance(value, str) else ""
    parts = found.split("-")
    if len(parts) != 2 or not (_is_word(parts[0], 80, "_") and _is_word(parts[1], 8)):
        raise EppError(f"{where} is no repository object identifier", remedy="give one such as EXAMPLE1-REP")
    return found


def _is_word(text: str, most: int, besides: str = "") -> bool:
    """Whether a text is of what XML Schema's ``\\w`` is: neither punctuation nor separators nor the rest."""
    return 1 <= len(text) <= most and all(
        character in besides or unicodedata.category(character)[0] not in "PZC" for character in text
    )
