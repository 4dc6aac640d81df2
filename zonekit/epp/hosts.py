"""Host objects: the addresses of name servers in the domain, where a registry keeps them apart (RFC 5732)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from zonekit.epp import checks
from zonekit.epp.checks import check_fields
from zonekit.errors import EppError
from zonekit.transfer import values
from zonekit.transfer.values import Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCreate:
    """``create``: make a host object (RFC 5732 section 3.2.1).

    Attributes:
        name: its name.
        addresses: its addresses; one that lies in no domain of this registry has none.

    Raises:
        EppError, DomainNameError: a field is none that EPP can carry.
    """

    name: str
    addresses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_fields(_CREATE, self, "a host create")


_ADDRESSES: Final = values.tuple_of(checks.address)
_CREATE: Final = Fields(needed={"name": checks.domain_name, "addresses": _ADDRESSES})


@dataclass(frozen=True, slots=True, kw_only=True)
class HostUpdate:
    """``update``: change the addresses of a host object (RFC 5732 section 3.2.5).

    Attributes:
        name: its name.
        add: addresses that it gets.
        remove: addresses that it loses.

    Raises:
        EppError: it changes nothing, adds what it removes, or has a field that EPP cannot carry.
        DomainNameError: the name is none.
    """

    name: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_fields(_UPDATE, self, "a host update")
        if not self.add and not self.remove:
            raise EppError(f"{self.name}: a host update changes nothing", remedy="leave it out", rule="RFC 5732")
        both = sorted(set(self.add) & set(self.remove))
        if both:
            raise EppError(f"{self.name}: {', '.join(both)} is added and removed", remedy="leave it out of both")


_UPDATE: Final = Fields(needed={"name": checks.domain_name, "add": _ADDRESSES, "remove": _ADDRESSES})


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCreateData:
    """A host object that was made: ``creData`` (RFC 5732 section 3.2.1).

    Raises:
        EppError, DomainNameError, TimeError: a field is none that EPP can carry.
    """

    name: str
    created: datetime

    def __post_init__(self) -> None:
        check_fields(_CREATE_DATA, self, "a host that was created")


_CREATE_DATA: Final = Fields(needed={"name": checks.domain_name, "created": checks.instant})
