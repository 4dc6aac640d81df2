"""Those who take the steps of a transfer: operators of several kinds, a registrar and a parent that scans.

Each does what its step says by its own means. What it signs itself it changes with zonekit's steps and files; what a program
signs it changes as the operator of that program would.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import dns.dnssec
import dns.rdatatype
import dns.rrset
from dns.name import Name

from tests.lab.asking import query
from tests.lab.authorities import Authority, NamedServer, PdnsServer
from tests.lab.operators import Operator
from tests.lab.parent import DELEGATION_TTL, Parent, validity
from tests.lab.processes import COMMAND_SECONDS
from zonekit.apex import TtlChange, change_ns, lower_ttls, merge_dnskeys, restore_ttls, withdraw_dnskeys
from zonekit.denial import Denial
from zonekit.dnskeys import Dnskey
from zonekit.ds import CsyncFlag, dsset_text, make_cdnskey, make_cds, make_csync, make_ds
from zonekit.files import write_zone
from zonekit.keys import SigningKey
from zonekit.signing import sign_zone
from zonekit.zonefile import parse_rrsets
from zonekit.zones import RRset, Zone

LOWERED_TTL: Final = 2
"""What the TTLs of NS and DNSKEY are lowered to."""


class LosingSide(Protocol):
    """What the operator that has the domain does in a transfer."""

    @property
    def operator(self) -> Operator[Authority]:
        """Its servers."""

    def publish_keys(self, keys: Sequence[Dnskey]) -> None:
        """Put the other side's DNSKEYs into its DNSKEY RRset."""

    def lower_ttls(self) -> None:
        """Lower the TTLs of its apex NS and DNSKEY RRsets."""

    def change_ns(self, hosts: Sequence[str]) -> None:
        """Name other servers in its apex NS RRset."""

    def publish_cds(self, keys: Sequence[Dnskey]) -> None:
        """Ask the parent for the DS of these keys."""

    def publish_csync(self) -> None:
        """Ask the parent for the NS RRset."""

    def stop(self) -> None:
        """Answer for the domain no more."""


# ---- an operator with zonekit's files -------------------------------------------------------------------------------


@dataclass
class WithFiles:
    """An operator that signs with zonekit, and whose servers load the file; it may lose a domain, or gain one.

    Attributes:
        operator: its servers.
        zone: the zone as it is now.
        path: where its file is.
        keys: what signs it; none where it is not signed.
        is_served: whether its servers have it.
    """

    operator: Operator[Authority]
    zone: Zone
    path: Path
    keys: tuple[SigningKey, ...] = ()
    is_served: bool = False
    lowered: tuple[TtlChange, ...] = field(default=(), init=False)

    def serve(self) -> None:
        """Load the zone at every server."""
        self.is_served = True
        self._change_to(self.zone)

    def sign(self, denial: Denial | None = None, *, dnskey_ttl: int) -> None:
        """Sign the zone, which is not served yet."""
        self._change_to(sign_zone(self.zone, self.keys, validity=validity(), denial=denial, dnskey_ttl=dnskey_ttl))

    def publish_keys(self, keys: Sequence[Dnskey]) -> None:
        self._change_to(merge_dnskeys(self.zone, keys, signers=self.keys, validity=validity()))

    def withdraw_keys(self, keys: Iterable[Dnskey]) -> None:
        """Take the other side's DNSKEYs out again."""
        self._change_to(withdraw_dnskeys(self.zone, keys, signers=self.keys, validity=validity()))

    def lower_ttls(self) -> None:
        changed = lower_ttls(self.zone, LOWERED_TTL, signers=self.keys, validity=validity() if self.keys else None)
        self.lowered += changed.changes
        self._change_to(changed.zone)

    def restore_ttls(self) -> None:
        """Raise them to what they were before."""
        valid = validity() if self.keys else None
        self._change_to(restore_ttls(self.zone, self.lowered, signers=self.keys, validity=valid).zone)

    def change_ns(self, hosts: Sequence[str]) -> None:
        valid = validity() if self.keys else None
        self._change_to(change_ns(self.zone, hosts, signers=self.keys, validity=valid))

    def publish_cds(self, keys: Sequence[Dnskey]) -> None:
        self._publish(make_cds(keys, ttl=LOWERED_TTL), make_cdnskey(keys, ttl=LOWERED_TTL))

    def publish_csync(self) -> None:
        self._publish(csync_of(self.zone.origin, self.zone.serial))

    def stop(self) -> None:
        self.operator.drop(self.zone.origin)

    def _publish(self, *rrsets: RRset) -> None:
        self._change_to(
            sign_zone(self.zone.replace(*rrsets), self.keys, validity=validity(), serial=self.zone.serial + 1)
        )

    def _change_to(self, zone: Zone) -> None:
        self.zone = zone
        write_zone(zone, self.path)
        if self.is_served:
            self.operator.load(zone)


def csync_of(origin: Name, serial: int) -> RRset:
    """What asks the parent to take the NS RRset at once, as of this serial."""
    flags = CsyncFlag.IMMEDIATE | CsyncFlag.SOAMINIMUM
    return make_csync(origin.to_text(), serial=serial, types=["NS"], flags=flags, ttl=LOWERED_TTL)


# ---- operators whose programs sign ----------------------------------------------------------------------------------


@dataclass
class LosingPdns:
    """PowerDNS that signs live; records are put into its database, DNSKEYs of others among them (``direct-dnskey``).

    It gives DNSKEY the SOA's MINIMUM as TTL, so that there is nothing to lower.
    """

    operator: Operator[PdnsServer]
    origin: Name

    def publish_keys(self, keys: Sequence[Dnskey]) -> None:
        self._replace("DNSKEY", LOWERED_TTL, [_rdata_text(key) for key in keys])

    def lower_ttls(self) -> None:
        self._replace("NS", LOWERED_TTL, self.operator.hosts)

    def change_ns(self, hosts: Sequence[str]) -> None:
        self._replace("NS", LOWERED_TTL, hosts)

    def publish_cds(self, keys: Sequence[Dnskey]) -> None:
        raise NotImplementedError("it takes no part in a scanned transfer")

    def publish_csync(self) -> None:
        raise NotImplementedError("it takes no part in a scanned transfer")

    def stop(self) -> None:
        self.operator.drop(self.origin)

    def _replace(self, rdtype: str, ttl: int, contents: Iterable[str]) -> None:
        name = self.origin.to_text(omit_final_dot=True)
        self.operator.servers[0].pdnsutil("replace-rrset", name, "@", rdtype, str(ttl), *contents)
        self.operator.servers[0].pdnsutil("increase-serial", name)
        self.operator.servers[0].pdnsutil("rectify-zone", name)


@dataclass
class LosingPolicy:
    """named with ``dnssec-policy`` and ``inline-signing no``, changed by dynamic update; its policy sets the DNSKEY TTL."""

    operator: Operator[NamedServer]
    origin: Name

    def publish_keys(self, keys: Sequence[Dnskey]) -> None:
        self._update(add=[_rrset(self.origin, LOWERED_TTL, "DNSKEY", [_rdata_text(key) for key in keys])])

    def lower_ttls(self) -> None:
        self._update(add=[_rrset(self.origin, LOWERED_TTL, "NS", self.operator.hosts)])

    def change_ns(self, hosts: Sequence[str]) -> None:
        self._update(
            add=[_rrset(self.origin, LOWERED_TTL, "NS", hosts)],
            remove=[_rrset(self.origin, LOWERED_TTL, "NS", self.operator.hosts)],
        )

    def publish_cds(self, keys: Sequence[Dnskey]) -> None:
        raise NotImplementedError("its policy publishes CDS records of its own")

    def publish_csync(self) -> None:
        raise NotImplementedError("it takes no part in a scanned transfer")

    def stop(self) -> None:
        self.operator.drop(self.origin)

    def _update(self, add: Iterable[RRset], remove: Iterable[RRset] = ()) -> None:
        self.operator.servers[0].update(
            self.origin,
            add=[rrset.to_dnspython() for rrset in add],
            remove=[rrset.to_dnspython() for rrset in remove],
        )


def _rdata_text(key: Dnskey) -> str:
    return key.text().split(" DNSKEY ", 1)[1]


def _rrset(origin: Name, ttl: int, rdtype: str, contents: Iterable[str]) -> RRset:
    return RRset.from_text(origin, ttl, rdtype, *contents)


# ---- the parent -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Registrar:
    """Somebody who asks the parent for changes, and gets them."""

    parent: Parent
    origin: Name

    def change_ds(self, keys: Sequence[Dnskey]) -> None:
        """Have the DS of these keys there, and no other."""
        self.parent.change_ds(self.origin, make_ds(keys, ttl=DELEGATION_TTL) if keys else None)

    def change_ns(self, hosts: Sequence[str]) -> None:
        """Have these name servers there."""
        self.parent.change_ns(self.origin, hosts)


@dataclass(frozen=True)
class Scanner:
    """The parent's scanner: it takes DS from CDS with ``dnssec-cds`` (RFC 7344), and NS from CSYNC (RFC 7477)."""

    parent: Parent
    origin: Name
    directory: Path

    def scan_ds(self, addresses: Iterable[str]) -> None:
        """Take the DS RRset from what all of these servers say, and leave it where they say nothing new."""
        found = {self._new_ds(address) for address in addresses}
        (agreed,) = found
        self.parent.change_ds(self.origin, agreed)

    def scan_ns(self, addresses: Iterable[str]) -> None:
        """Take the NS RRset that all of these servers have a CSYNC record for."""
        (agreed,) = {self._new_ns(address) for address in addresses}
        self.parent.change_ns(self.origin, agreed)

    def _new_ds(self, address: str) -> RRset:
        child = "".join(
            f"{rrset}\n"
            for rdtype in ("DNSKEY", "CDS", "CDNSKEY")
            for rrset in query(address, self.origin, rdtype, recursion=False).answer
        )
        present = self.parent.zone.get(self.origin, "DS")
        assert present is not None, f"{self.origin} has no DS that its CDS could be held against"
        (self.directory / "child").write_text(child)
        (self.directory / "dsset").write_text(dsset_text(present))
        words = ["dnssec-cds", "-s", "-1d", "-f", "child", "-d", "dsset", "-T", str(DELEGATION_TTL)]
        ran = subprocess.run(
            [*words, self.origin.to_text()],
            check=False,
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        assert ran.returncode == 0, f"{self.origin}: dnssec-cds: {ran.stderr}\n{child}"
        (made,) = parse_rrsets(ran.stdout, origin=self.origin.to_text())
        return made

    def _new_ns(self, address: str) -> tuple[str, ...]:
        keys = self._answer(address, "DNSKEY")
        trusted = {self.origin: keys}
        csync, soa, ns = (self._answer(address, rdtype, trusted) for rdtype in ("CSYNC", "SOA", "NS"))
        assert soa[0].serial >= csync[0].serial, f"{self.origin}: the CSYNC record is of a later serial"
        return tuple(sorted(each.target.to_text() for each in ns))

    def _answer(
        self, address: str, rdtype: str, trusted: Mapping[Name, dns.rrset.RRset] | None = None
    ) -> dns.rrset.RRset:
        """An RRset from a server, validated with the keys that are trusted, or by itself."""
        answer = query(address, self.origin, rdtype, recursion=False).answer
        wanted = dns.rdatatype.from_text(rdtype)
        rrset = next(each for each in answer if each.rdtype == wanted)
        rrsig = next(each for each in answer if each.rdtype == dns.rdatatype.RRSIG)
        dns.dnssec.validate(rrset, rrsig, trusted or {self.origin: rrset})
        return rrset
