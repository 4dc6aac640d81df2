"""What the schemas of EPP let a text be, for the values that become frames (RFC 5730 section 4, RFC 5731 section 4)."""

from __future__ import annotations

import re
from typing import Final

from zonekit.errors import EppError, PlanError
from zonekit.transfer import values
from zonekit.transfer.values import Check, Fields

_ROID: Final = re.compile(r"\w{1,80}-\w{1,8}")
_LONGEST_NAME: Final = 255
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
        EppError: it is the root, or longer than a name may be in EPP.
        DomainNameError: it is no domain name.
    """
    name = str(values.host(value, where))
    if name == "." or len(name) > _LONGEST_NAME:
        raise EppError(f"{where} is the root or too long", remedy="give a name of 1 to 255 characters", rule="RFC 5730")
    return name


def xml_text(value: object, where: str) -> str:
    """Return a text that XML can carry and that comes out as it went in.

    Raises:
        EppError: it is no text, has a character that XML does not know, or a carriage return, which XML turns into another.
    """
    if not isinstance(value, str):
        raise EppError(f"{where} is no text", remedy="give a text")
    if "\r" in value or _NOT_XML.search(value):
        raise EppError(f"{where} has a character that XML cannot carry", remedy="leave control characters out")
    return value


def token(least: int, most: int) -> Check:
    """Return what checks a text without spaces at its ends, runs of spaces or line ends, of so many characters."""

    def check(value: object, where: str) -> str:
        found = xml_text(value, where)
        if found != " ".join(found.split(" ")).strip() or re.search(r"[\t\n]|  ", found):
            raise EppError(f"{where} has spaces that EPP does not keep", remedy="write single spaces, none at the ends")
        if not least <= len(found) <= most:
            raise EppError(
                f"{where} has {len(found)} characters", remedy=f"give {least} to {most}", rule="RFC 5730 section 4"
            )
        return found

    return check


client_id = token(3, 16)
"""Checks the identifier of a client: ``clIDType``."""
transaction_id = token(3, 64)
"""Checks a transaction identifier: ``trIDStringType``."""


def secret(value: object, where: str) -> str:
    """Return an authinfo code or a password that EPP can carry; a refusal does not show it.

    Raises:
        EppError: it is empty, or has a character that does not come out as it went in.
    """
    found = xml_text(value, where)
    if not found or "\n" in found or "\t" in found:
        raise EppError(f"{where} is empty or not of one line", remedy="give the code as it was handed out")
    return found


def roid(value: object, where: str) -> str:
    """Return a repository object identifier: ``roidType``.

    Raises:
        EppError: it is none.
    """
    if not isinstance(value, str) or not _ROID.fullmatch(value):
        raise EppError(f"{where} is no repository object identifier", remedy="give one such as EXAMPLE1-REP")
    return value
