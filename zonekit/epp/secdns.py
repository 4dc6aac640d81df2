"""DS and keys as a registry takes and tells them: the DNSSEC extension of EPP, secDNS-1.1 (RFC 5910).

A registry takes DS records (``dsData``), with or without the key each is made of, or keys that it makes the DS records of
itself (``keyData``); never both in one frame.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from zonekit.ds import DsData, KeyData
from zonekit.epp.checks import check_fields
from zonekit.errors import DsError, EppError
from zonekit.transfer import values
from zonekit.transfer.values import Fields

MAX_SIG_LIFE: Final = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MalformedDs:
    """A DS with a digest that is of the wrong length for its type: it delegates to nothing, and can be told and removed.

    Attributes:
        key_tag: ``keyTag``.
        alg: ``alg``.
        digest_type: ``digestType``.
        digest: ``digest``, hexadecimal in capitals; it may be empty.

    Raises:
        EppError: it is the DS of a digest of the right length, or a field is none of a DS.
    """

    key_tag: int
    alg: int
    digest_type: int
    digest: str

    def __post_init__(self) -> None:
        check_fields(_MALFORMED, self, "a malformed DS")
        try:
            DsData(key_tag=self.key_tag, alg=self.alg, digest_type=self.digest_type, digest=self.digest)
        except DsError:
            return
        raise EppError("this DS is not malformed", remedy="give a DsData", rule="RFC 4034 section 5.1.4")


def _hexadecimal(value: object, where: str) -> str:
    if not isinstance(value, str) or not _HEXADECIMAL.fullmatch(value):
        raise EppError(f"{where} is not hexadecimal", remedy="give pairs of digits", rule="RFC 4034 section 5.3")
    return value.upper()


_HEXADECIMAL: Final = re.compile("(?:[0-9A-Fa-f]{2})*")
_MALFORMED: Final = Fields(
    needed={
        "key_tag": values.number(0, 2**16 - 1),
        "alg": values.number(0, 2**8 - 1),
        "digest_type": values.number(0, 2**8 - 1),
        "digest": _hexadecimal,
    }
)


AnyDs: TypeAlias = DsData | MalformedDs
"""A DS as a registry has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryDs:
    """A DS at a registry, ``dsData``.

    Attributes:
        ds: its fields; one that zonekit would not make is a :class:`MalformedDs`.
        key: the key that it is made of, for a registry that wants to see it (RFC 5910 section 4.1); None where it is not given.

    Raises:
        EppError: a field has the wrong type.
    """

    ds: AnyDs
    key: KeyData | None = None

    def __post_init__(self) -> None:
        check_fields(_DS, self, "a DS at a registry")


def _ds(value: object, where: str) -> object:
    return value if isinstance(value, MalformedDs) else values.a(DsData)(value, where)


_DS: Final = Fields(needed={"ds": _ds}, optional={"key": values.a(KeyData)})


@dataclass(frozen=True, slots=True, kw_only=True)
class SecDns:
    """The DNSSEC data of a delegation: what a registry tells in ``infData`` and takes in ``create`` and ``add``.

    Attributes:
        ds: DS records.
        keys: keys, where the registry makes the DS records itself.
        max_sig_life: the longest validity in seconds that a child wants for the parent's signatures of its DS RRset
            (section 3.3); None where nobody says.

    Raises:
        EppError: DS and keys, neither, one of them twice, or a field of the wrong type.
    """

    ds: tuple[RegistryDs, ...] = ()
    keys: tuple[KeyData, ...] = ()
    max_sig_life: int | None = None

    def __post_init__(self) -> None:
        check_fields(_SECDNS, self, "DNSSEC data")
        _check_one_interface(self.ds, self.keys, "DNSSEC data")
        if not self.ds and not self.keys:
            raise EppError("DNSSEC data has neither DS nor keys", remedy="leave it out", rule="RFC 5910 section 4")


_LISTS: Final = {"ds": values.tuple_of(values.a(RegistryDs)), "keys": values.tuple_of(values.a(KeyData))}
_SECDNS: Final = Fields(needed=_LISTS, optional={"max_sig_life": values.number(1, MAX_SIG_LIFE)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What leaves the DNSSEC data of a delegation.

    Attributes:
        ds: DS records; each goes by all of its fields.
        keys: keys.
        everything: all there is, whatever it is: ``rem all`` (section 5.2.5).

    Raises:
        EppError: more than one of them, none, or a field of the wrong type.
    """

    ds: tuple[RegistryDs, ...] = ()
    keys: tuple[KeyData, ...] = ()
    everything: bool = False

    def __post_init__(self) -> None:
        check_fields(_REMOVAL, self, "a removal")
        _check_one_interface(self.ds, self.keys, "a removal")
        if self.everything is bool(self.ds or self.keys):
            raise EppError(
                "a removal is either of everything or of what it names",
                remedy="name the DS or the keys, or say everything",
                rule="RFC 5910 section 5.2.5",
            )


_REMOVAL: Final = Fields(needed={**_LISTS, "everything": values.flag})


@dataclass(frozen=True, slots=True, kw_only=True)
class SecDnsUpdate:
    """A change of the DNSSEC data of a delegation; what leaves it goes before what is added (section 5.2.5).

    Attributes:
        remove: what leaves it.
        add: what is added.
        max_sig_life: the new longest validity of the parent's signatures, in seconds.
        urgent: whether the registry is asked to do it at once; one that does not offer that refuses the frame.

    Raises:
        EppError: it changes nothing, removes by DS what it adds by key or the other way, or has a field of the wrong type.
    """

    remove: Removal | None = None
    add: SecDns | None = None
    max_sig_life: int | None = None
    urgent: bool = False

    def __post_init__(self) -> None:
        check_fields(_UPDATE, self, "a DNSSEC update")
        if self.remove is None and self.add is None and self.max_sig_life is None:
            raise EppError("a DNSSEC update changes nothing", remedy="leave it out", rule="RFC 5910 section 5.2.5")
        if self.remove is not None and self.add is not None:
            _check_one_interface(
                (*self.remove.ds, *self.add.ds), (*self.remove.keys, *self.add.keys), "a DNSSEC update", twice=False
            )


_UPDATE: Final = Fields(
    needed={"urgent": values.flag},
    optional={
        "remove": values.a(Removal),
        "add": values.a(SecDns),
        "max_sig_life": values.number(1, MAX_SIG_LIFE),
    },
)


def _check_one_interface(
    ds: tuple[RegistryDs, ...], keys: tuple[KeyData, ...], whose: str, *, twice: bool = True
) -> None:
    if ds and keys:
        raise EppError(
            f"{whose} has DS and keys", remedy="give what the registry takes, one of them", rule="RFC 5910 section 4"
        )
    if twice and (len(set(ds)) < len(ds) or len(set(keys)) < len(keys)):
        raise EppError(f"{whose} has a DS or a key twice", remedy="give each once")
