"""The steps of a transfer on the signed big zone, as the drivers carry them out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from zonekit.apex import (
    TtlChange,
    change_ns,
    lower_ttls,
    merge_dnskeys,
    resign_dnskeys,
    restore_ttls,
    with_serial,
    withdraw_dnskeys,
)
from zonekit.dnskeys import Dnskey, parse_dnskeys
from zonekit.files import read_keys
from zonekit.instants import SignatureValidity, parse_instant
from zonekit.keys import SigningKey
from zonekit.names import name_text
from zonekit.ttl import Ttl
from zonekit.zones import Zone

CAP: Final = Ttl(600)
_TTL: Final = Ttl(3600)
_NAME_SERVERS: Final = ("ns1.other.example.", "ns2.other.example.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step.

    Attributes:
        name: what the tables call it.
        carry_out: makes the new zone.
        after: the step whose outcome it starts from; none for the zone as it was signed.
    """

    name: str
    carry_out: Callable[[Operator, Zone], Zone]
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who carries the steps out."""

    own: tuple[SigningKey, ...]
    foreign: tuple[Dnskey, ...]
    validity: SignatureValidity

    @classmethod
    def of(cls, origin: str, own: str, other: str, inception: str, expiration: str) -> Operator:
        """Read the operator's keys, and the public ones of the other operator."""
        texts = [path.read_text() for path in sorted(Path(other).glob("*.key"))]
        return cls(
            own=tuple(read_keys(own, origin)),
            foreign=tuple(parse_dnskeys(texts)),
            validity=SignatureValidity(inception=parse_instant(inception), expiration=parse_instant(expiration)),
        )

    def merge(self, zone: Zone) -> Zone:
        return merge_dnskeys(zone, self.foreign, signers=self.own, validity=self.validity)

    def withdraw(self, zone: Zone) -> Zone:
        return withdraw_dnskeys(zone, self.foreign, signers=self.own, validity=self.validity)

    def resign(self, zone: Zone) -> Zone:
        return resign_dnskeys(zone, signers=self.own, validity=self.validity)

    def lower(self, zone: Zone) -> Zone:
        return lower_ttls(zone, CAP, signers=self.own, validity=self.validity).zone

    def restore(self, zone: Zone) -> Zone:
        owner = name_text(zone.apex)
        changes = [TtlChange(owner=owner, rdtype=rdtype, old_ttl=_TTL, new_ttl=CAP) for rdtype in ("NS", "DNSKEY")]
        return restore_ttls(zone, changes, signers=self.own, validity=self.validity).zone

    def change_ns(self, zone: Zone) -> Zone:
        return change_ns(zone, _NAME_SERVERS, signers=self.own, validity=self.validity)

    def bump_serial(self, zone: Zone) -> Zone:
        return with_serial(zone, signers=self.own, validity=self.validity)

    def merge_and_lower(self, zone: Zone) -> Zone:
        return self.lower(self.merge(zone))


STEPS: Final = {
    step.name: step
    for step in (
        Step(name="merge two DNSKEYs", carry_out=Operator.merge),
        Step(name="withdraw them", carry_out=Operator.withdraw, after="merge two DNSKEYs"),
        Step(name="re-sign the DNSKEY RRset", carry_out=Operator.resign),
        Step(name="lower the TTLs of NS and DNSKEY", carry_out=Operator.lower),
        Step(name="restore them", carry_out=Operator.restore, after="lower the TTLs of NS and DNSKEY"),
        Step(name="change NS", carry_out=Operator.change_ns),
        Step(name="bump the serial", carry_out=Operator.bump_serial),
    )
}
BOTH: Final = Step(name="merge and lower", carry_out=Operator.merge_and_lower)
