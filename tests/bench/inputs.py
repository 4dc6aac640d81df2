"""The zones and keys that are signed: made here, the same in every run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Final

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
    next_day: bool = False

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

    def lines(self) -> Iterator[str]:
        """Yield the zone file: A, TXT and MX in turn; the next day the serial is another, and the data of one in 100."""
        yield f"$ORIGIN {BIG_ORIGIN}.\n$TTL 3600\n"  # ldns-read-zone is not told it otherwise
        yield f"@ IN SOA ns1 hostmaster {_SERIAL + 100 * self.next_day} 7200 3600 1209600 3600\n"
        yield "@ IN NS ns1\n@ IN NS ns2\nns1 IN A 192.0.2.1\nns2 IN A 192.0.2.2\n"
        for number in range(self.rrsets - _APEX_RRSETS):
            changed = self.next_day and number % (_UNCHANGED + 1) == _UNCHANGED
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


ODD_ORIGIN: Final = "odd.example"
_ODD_HEAD: Final = f"""\
$ORIGIN {ODD_ORIGIN}.
$TTL 1h
@ IN SOA ns1 hostmaster {_SERIAL} 2h 1h 2w 1h
  IN NS ns1
ns1 IN A 192.0.2.1
"""
_ODD_HEAD_RECORDS: Final = 3
# Types, spellings and layouts that the big zone has none of, as far as every reader here takes them: not $GENERATE, and no
# class before the TTL.
_ODD_PAGE: Final = r"""
; ---- group {number}; what follows stands below a name of its own
$ORIGIN g{number}.odd.example.
@ 1d IN TXT "group {number}" ; a comment; and another
	1d IN TXT ( "in parentheses" ; with a comment in them
		"over two lines" )
svc 300 SVCB 1 target{number} alpn="h2,h3" port=8443 ipv4hint=192.0.2.1,192.0.2.2
web 5m HTTPS 1 . alpn=h3,h2 ipv6hint=2001:db8::{group:x}
alias HTTPS 0 pool.odd.example.
@ 1d CAA 0 issue "ca.example; policy=ev"
  1d CAA 128 iodef "mailto:security@example"
_443._tcp.web TLSA 3 1 1 ( 0D6FCE13243AA7BF4A4B2B0E4F0E5F5C
	1A1B2C3D4E5F60718293A4B5{digits} )
host SSHFP 4 2 123456789abcdef67890123456789abcdef67890123456789abcdef1{digits}
@ NAPTR 100 50 "s" "SIP+D2U" "" _sip._udp
enum NAPTR 10 100 "u" "E2U+sip" "!^.*$!sip:info{number}@example.com!" .
host LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
_http._tcp URI 10 1 "https://www.example.com/path/{number}"
_imap._tcp 1h30m IN SRV 0 5 993 mail
c93f1e4._smimecert SMIMEA 3 1 1 0D6FCE13243AA7BF4A4B2B0E4F0E5F5C1A1B2C3D4E5F60718293A4B5{digits}
c93f1e4._openpgpkey OPENPGPKEY mQENBFVHm5sBCADDXjYvs6JQkG0w{digits}
cert CERT PKIX 12345 RSASHA256 MIIBIjANBgkqhkiG9w0BAQEFAAOC{digits}
new TYPE65280 \# 8 0A0B0C0D{digits}
known TYPE1 \# 4 C0000201
text TXT "a quote \" and a backslash \\ and \200\007" bare "semi;colon"
long TXT "v=DKIM1; k=rsa; " "p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA{digits}" "QIDAQAB"
child NS ns.child
child DS 60485 8 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4{digits}
ns.child AAAA 2001:0DB8:0:0:0:0:0:{group:x}
old HINFO "PC-Intel" "Redhat Linux 7.1"
who RP hostmaster.odd.example. text
elsewhere DNAME other{number}.example.
with\.dot 0 A 192.0.2.7
MixedCase PTR Target.Odd.Example.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OddZone:
    """A zone of types and spellings that are rare, the same page of them again and again."""

    PAGE_RECORDS: ClassVar[int] = 29

    pages: int

    @property
    def records(self) -> int:
        """How many there are."""
        return _ODD_HEAD_RECORDS + self.PAGE_RECORDS * self.pages

    def lines(self) -> Iterator[str]:
        """Yield the zone file."""
        yield _ODD_HEAD
        page = _ODD_PAGE.replace(r"\t", "\t")
        for number in range(self.pages):
            yield page.format(number=number, group=number % 0xFFFF, digits=f"{number:08}")


def write_zone_file(zone: BigZone | OddZone, path: Path) -> None:
    """Write the zone file."""
    with path.open("w", encoding="ascii") as file:
        file.writelines(zone.lines())


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
