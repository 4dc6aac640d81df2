"""The zones and keys that are signed: made here, the same in every run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from zonekit.files import write_key
from zonekit.keys import KeyTiming, generate_ksk, generate_zsk

BIG_ORIGIN: Final = "bench.example"
_APEX_RRSETS: Final = 4  # SOA, NS, and two addresses below it
_SERIAL: Final = 2026112100
_UNCHANGED: Final = 99  # of a hundred RRsets


class DenialKind(StrEnum):
    """What denies existence; with NSEC3 no salt, no extra iterations and no opt-out (RFC 9276 section 3.1)."""

    NSEC = "nsec"
    NSEC3 = "nsec3"


@dataclass(frozen=True, slots=True, kw_only=True)
class BigZone:
    """How many records there are in the big zone, plain and signed with a KSK and a ZSK."""

    rrsets: int
    denial: DenialKind = DenialKind.NSEC

    @property
    def owners(self) -> int:
        """Every RRset has a name of its own, save SOA and NS."""
        return self.rrsets - 1

    @property
    def signatures(self) -> int:
        """One for each RRset, each NSEC or NSEC3, and the DNSKEY and the NSEC3PARAM RRset."""
        return self.rrsets + self.owners + 1 + self._params

    @property
    def records(self) -> int:
        """One for each RRset; there are two in the NS RRset."""
        return self.rrsets + 1

    @property
    def signed_records(self) -> int:
        """Those, two DNSKEYs, the NSEC3PARAM, an NSEC or NSEC3 for each owner, and the signatures."""
        return self.records + 2 + self._params + self.owners + self.signatures

    @property
    def _params(self) -> int:
        return 1 if self.denial is DenialKind.NSEC3 else 0

    def lines(self, *, next_day: bool = False) -> Iterator[str]:
        """Yield the zone file: A, TXT and MX in turn; on the next day the serial is another, and the data of one in 100."""
        yield "$TTL 3600\n"
        yield f"@ IN SOA ns1 hostmaster {_SERIAL + 100 * next_day} 7200 3600 1209600 3600\n"
        yield "@ IN NS ns1\n@ IN NS ns2\nns1 IN A 192.0.2.1\nns2 IN A 192.0.2.2\n"
        for number in range(self.rrsets - _APEX_RRSETS):
            changed = next_day and number % (_UNCHANGED + 1) == _UNCHANGED
            match number % 3:
                case 0:
                    net = "203.0" if changed else "192.0"
                    yield f"host{number:06} IN A {net}.{number % 256}.{number // 256 % 256}\n"
                case 1:
                    rest = "~all" if changed else "-all"
                    yield f'host{number:06} IN TXT "v=spf1 include:spf{number}.bench.example {rest}"\n'
                case _:
                    yield f"host{number:06} IN MX {20 if changed else 10} mail{number % 50}\n"


# What a small company's zone at a hosting provider looks like.
_HOSTING_ZONE: Final = """\
$TTL 3600
@ 86400 IN SOA ns1.hoster.example. hostmaster.hoster.example. {serial} 14400 3600 1209600 300
@ 86400 IN NS ns1.hoster.example.
@ 86400 IN NS ns2.hoster.example.
@ IN A 192.0.2.{octet}
@ IN AAAA 2001:db8:{group:x}::80
@ IN MX 10 mail
@ IN MX 20 mx2.hoster.example.
@ IN TXT "v=spf1 mx include:_spf.hoster.example -all"
@ IN CAA 0 issue "ca.example"
www IN CNAME @
mail IN A 198.51.100.{octet}
mail IN AAAA 2001:db8:{group:x}::25
webmail IN CNAME webmail.hoster.example.
autoconfig IN CNAME autoconfig.hoster.example.
ftp IN CNAME www
_dmarc IN TXT "v=DMARC1; p=quarantine; rua=mailto:dmarc@{origin}"
s{number}._domainkey IN TXT "v=DKIM1; k=ed25519; p={dkim}"
_autodiscover._tcp 300 IN SRV 0 5 443 autodiscover.hoster.example.
* 600 IN A 192.0.2.{octet}
"""
_TRADES: Final = ("bakery", "bicycle-repair", "dentist", "florist", "garage", "notary", "veterinary-clinic", "yoga")
HOSTING_RECORDS: Final = 19
HOSTING_SIGNATURES: Final = 28  # 17 RRsets, DNSKEY, and an NSEC at each of 10 names
KEYS_A_ZONE: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class HostingZone:
    """One of many small zones that differ in their names and addresses."""

    number: int

    @property
    def origin(self) -> str:
        """The name of the zone."""
        return f"{_TRADES[self.number % len(_TRADES)]}-{self.number}.example"

    @property
    def text(self) -> str:
        """The zone file."""
        return _HOSTING_ZONE.format(
            serial=_SERIAL,
            origin=self.origin,
            number=self.number,
            octet=1 + self.number % 254,
            group=self.number,
            dkim=f"{self.number:043}=",
        )


def write_big_zone(zone: BigZone, path: Path, *, next_day: bool = False) -> None:
    """Write the zone file."""
    with path.open("w", encoding="ascii") as file:
        file.writelines(zone.lines(next_day=next_day))


def write_hosting_zones(count: int, directory: Path) -> list[HostingZone]:
    """Write the zone files, each named by its origin and ``.zone``."""
    directory.mkdir(parents=True)
    zones = [HostingZone(number=number) for number in range(count)]
    for zone in zones:
        (directory / f"{zone.origin}.zone").write_text(zone.text, encoding="ascii")
    return zones


def write_keys(origin: str, directory: Path, *, now: datetime) -> None:
    """Write a KSK and a ZSK, active from ``now``, as BIND keeps them; the peers take them too."""
    directory.mkdir(parents=True)
    timing = KeyTiming.starting(now)
    ksk = generate_ksk(origin, timing=timing)
    for key in (ksk, generate_zsk(origin, timing=timing, avoid=[ksk.key_tag])):
        write_key(key, directory)
