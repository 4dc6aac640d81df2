"""Values -> text: zone files, named.conf stanzas, the hand-over sheet.

A zone file is written by code, block by block, because it may have millions of lines; everything small is a template.
Templates print and never compute: a variable that is missing is an error, and so is a value that did not go through one
of the filters ``quoted``, ``word``, ``shell``, ``code``, ``html``, ``line`` and ``xml``. So nothing that a zone, a key or a peer supplies
leaves the place it was meant for, in a template of the user's own either.

Dsset and key files are in :mod:`zonekit.ds` and :mod:`zonekit.keyfiles`, beside the code that reads them.
"""

from __future__ import annotations

import enum
import functools
import html
import ipaddress
import re
import shlex
from binascii import b2a_base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from zonekit import rdata as rd
from zonekit.algorithms import Algorithm, new_key_bits, require_may_sign
from zonekit.denial import Denial, Nsec, Nsec3, OptOut
from zonekit.ds import matches_ds
from zonekit.errors import DomainNameError, RenderError, SigningKeyError
from zonekit.executing import done_in_order
from zonekit.instants import rrsig_time_text
from zonekit.keys import REVOKE_FLAG, SEP_FLAG, KeyRole, key_file_stem, key_tag
from zonekit.names import ROOT, WireName, name_end, name_text, order_key, parse_origin
from zonekit.nodes import HEADER_OCTETS, Node, PackedRRset, rdata_of, split_node, ttl_of
from zonekit.rdata import print_rdata
from zonekit.resources import TemplateDirectory, template_loader
from zonekit.ttl import MAX_TTL, Ttl, duration_text, to_ttl
from zonekit.zones import Block, RRset, Zone

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import dns.name
    import jinja2

# ---- zone files -----------------------------------------------------------------------------------------------------

_OWNER_COLUMNS: Final = 24
_NO_OWNER: Final = " " * _OWNER_COLUMNS
_RDATA_COLUMN: Final = _NO_OWNER + " " * 18
_NUMBER_COLUMNS: Final = 10
_NSEC: Final = rd.NSEC
_RRSIG: Final = rd.RRSIG
_SIGNER_AT: Final = 18  # octets of an RRSIG before the signer's name (RFC 4034 section 3.1)
_MOST_SIGNATURE_HEADS: Final = 64
_EXPIRATION_AT: Final = HEADER_OCTETS + 8
_EXPIRATION_END: Final = _EXPIRATION_AT + 4
_SOA_NUMBERS: Final = ("refresh", "retry", "expire", "minimum and negative TTL")


def render_zone(zone: Zone) -> str:
    """Return the zone as a master file (RFC 1035 section 5).

    Owners stand in canonical order, relative to ``$ORIGIN`` and each shown once; every record has its TTL; an RRset is
    followed by its signatures; names in the data are absolute. The text is ASCII, the same zone gives the same text,
    and reading it gives the same zone, letter case included.

    >>> soa = RRset.from_text("example.nl.", 3600, "SOA", "ns1.example.net. admin.example.nl. 1 7200 3600 1209600 300")
    >>> ns = RRset.from_text("example.nl.", 86400, "NS", "ns1.example.net.")
    >>> print(render_zone(Zone.from_rrsets("example.nl", [soa, ns])), end="")
    ; zone example.nl., serial 1
    $ORIGIN example.nl.
    @                         3600 IN SOA     ns1.example.net. admin.example.nl. (
                                              1          ; serial
                                              7200       ; refresh (2h)
                                              3600       ; retry (1h)
                                              1209600    ; expire (14d)
                                              300        ; minimum and negative TTL (5m)
                                              )
                             86400 IN NS      ns1.example.net.
    """
    return "".join(iter_zone_text(zone))


def iter_zone_text(zone: Zone, *, executor: Executor | None = None) -> Iterator[str]:
    """Yield the text of :func:`render_zone` in pieces: the head with the apex, then a run of owners at a time.

    With an ``executor`` its workers print the pieces, some at a time; they come in order all the same.
    """
    yield head_text(zone)
    yield from done_in_order(functools.partial(block_text, zone.apex), zone.blocks, executor)


def head_text(zone: Zone) -> str:
    """Return the first piece of :func:`iter_zone_text`: what stands before the first owner below the apex."""
    lines = [line for packed in sorted(split_node(zone.apex_node), key=_apex_order) for line in _apex_lines(packed)]
    owner = name_text(zone.apex)
    shown = "@" if zone.apex != ROOT else "."
    first = shown.ljust(_OWNER_COLUMNS) + lines[0][_OWNER_COLUMNS:]
    return "".join([f"; zone {owner}, serial {zone.serial}\n$ORIGIN {owner}\n", first, *lines[1:]])


_APEX_FIRST: Final = {rd.SOA: -2, rd.NS: -1}
_time_remark: Final = functools.lru_cache(maxsize=256)(duration_text)  # fleets have few SOA times


def _apex_order(packed: PackedRRset) -> tuple[int, bool]:
    """SOA first, then NS, then the rest by number; each before its signatures."""
    rdtype, covered, _ = packed
    about = covered if rdtype == rd.RRSIG else rdtype
    return _APEX_FIRST.get(about, about), rdtype == rd.RRSIG


def _apex_lines(packed: PackedRRset) -> Iterator[str]:
    rdtype, _, records = packed
    head = _record_head(rdtype, ttl_of(records[0]))
    for record in records:
        rdata = rdata_of(record)
        if rdtype == rd.SOA:
            yield f"{head}{_soa_text(rdata)}"
        elif rdtype in (rd.DNSKEY, rd.CDNSKEY):
            yield f"{head}{rd.print_rdata(rdtype, rdata)}{_dnskey_comment(rdata)}\n"
        else:
            yield f"{head}{rd.print_rdata(rdtype, rdata)}\n"


@functools.lru_cache(maxsize=1024)
def _record_head(rdtype: int, ttl: int) -> str:
    """Everything before the data of a record whose owner was already shown."""
    return f"{_NO_OWNER}{ttl:>6} IN {rd.type_text(rdtype):<7} "


def _soa_text(rdata: bytes) -> str:
    rname_at = name_end(rdata)
    numbers_at = name_end(rdata, rname_at)
    serial, *times = [int.from_bytes(rdata[at : at + 4], "big") for at in range(numbers_at, numbers_at + 20, 4)]
    rows = [(serial, "serial")]
    rows += [(time, f"{what} ({_time_remark(time)})") for time, what in zip(times, _SOA_NUMBERS, strict=True)]
    return "".join(
        [
            f"{name_text(rdata[:rname_at])} {name_text(rdata[rname_at:numbers_at])} (\n",
            *[f"{_RDATA_COLUMN}{number:<{_NUMBER_COLUMNS}} ; {what}\n" for number, what in rows],
            f"{_RDATA_COLUMN})\n",
        ]
    )


def _dnskey_comment(rdata: bytes) -> str:
    """What BIND writes behind a DNSKEY: its role, algorithm and key tag."""
    flags, algorithm = int.from_bytes(rdata[:2], "big"), rdata[3]
    if algorithm == 0 or len(rdata) < 5:
        return ""  # the delete form of RFC 8078 section 4 is no key
    role = "KSK" if flags & SEP_FLAG else "ZSK"
    if flags & REVOKE_FLAG:
        role = f"revoked {role}"
    return f" ; {role}; alg = {_algorithm_text(algorithm)} ; key id = {key_tag(rdata)}"


def _algorithm_text(number: int) -> str:
    try:
        return Algorithm(number).name
    except ValueError:
        return str(number)


def block_text(apex: WireName, block: Block) -> str:
    """Return the lines of one block. A function at the top of a module, so that a worker process can be told of it."""
    printer = _BlockPrinter(apex)
    shown, absolute = _owner_texts(block.owners, apex)
    # The NSEC record of an owner most often names the next one, whose text is at hand.
    next_owners, next_texts = (*block.owners[1:], apex), (*absolute[1:], name_text(apex))
    return "".join(map(printer.node_text, shown, block.nodes, next_owners, next_texts))


def _owner_texts(owners: Sequence[WireName], apex: WireName) -> tuple[list[str], list[str]]:
    """The owners as the zone file shows them, and absolute."""
    suffix = f".{name_text(apex)}" if apex != ROOT else "."
    shown: list[str] = []
    absolute: list[str] = []
    for owner in owners:
        text = _plain_relative_text(owner, apex)
        if text is None:
            shown.append(name_text(owner, apex))
            absolute.append(name_text(owner))
        else:
            shown.append(text)
            absolute.append(text + suffix)
    return shown, absolute


def _plain_relative_text(owner: WireName, apex: WireName) -> str | None:
    """An owner relative to the apex, if it has nothing to escape and lies below it, letter for letter; else None."""
    labels = owner[1 : -len(apex)]
    dots = 0
    length = owner[0]
    while length < len(labels):
        length, labels = length + labels[length] + 1, labels[:length] + b"." + labels[length + 1 :]
        dots += 1
    plain = length == len(labels) and labels.translate(None, b"-_.*").isalnum() and labels.count(b".") == dots
    return labels.decode("ascii") if plain and owner.endswith(apex) else None


class _BlockPrinter:
    """Prints the nodes of one block, and what many of its records have in common only once.

    This runs once for every record of a zone: hence the records are read from the node where they lie. Signatures differ
    in the signature itself and, when their making is spread over time, in the expiration.
    """

    __slots__ = ("_apex", "_around_expirations", "_heads", "_signature_at", "_signature_heads")

    def __init__(self, apex: WireName) -> None:
        self._apex = apex
        self._signature_at = HEADER_OCTETS + _SIGNER_AT + len(apex)
        self._heads: dict[bytes, str] = {}
        self._signature_heads: dict[bytes, tuple[str, int, int]] = {}
        self._around_expirations: dict[bytes, tuple[str, str]] = {}

    def node_text(self, owner_text: str, node: Node, next_owner: WireName, next_text: str) -> str:
        """The lines of a node, each RRset followed by its signatures, the owner on the first."""
        signature_at, signature_heads, heads = self._signature_at, self._signature_heads, self._heads
        data: list[tuple[int, str]] = []
        signatures: dict[int, str] = {}
        start, end = 0, len(node)
        while start < end:
            known = signature_heads.get(node[start : start + signature_at])
            if known is not None:
                head, covered, octets = known
                signature = b2a_base64(node[start + signature_at : start + octets], newline=False).decode()
                signatures[covered] = signatures.get(covered, "") + f"{head}{signature}\n"
                start += octets
                continue
            header = node[start : start + 8]
            head = heads.get(header) or self._learn_head(header)
            rdtype = node[start] << 8 | node[start + 1]
            rdata_at = start + HEADER_OCTETS
            stop = rdata_at + (node[start + 8] << 8 | node[start + 9])
            if rdtype == _NSEC and node.startswith(next_owner, rdata_at):
                data.append((rdtype, f"{head}{next_text}{rd.bitmap_text(node[rdata_at + len(next_owner) : stop])}\n"))
            elif rdtype != _RRSIG:
                data.append((rdtype, f"{head}{print_rdata(rdtype, node[rdata_at:stop])}\n"))
            else:
                covered = node[rdata_at] << 8 | node[rdata_at + 1]
                signatures[covered] = signatures.get(covered, "") + self._signature_line(head, node[start:stop])
            start = stop
        return f"{owner_text.ljust(_OWNER_COLUMNS - 1)} {_interleaved(data, signatures)[_OWNER_COLUMNS:]}"

    def _learn_head(self, header: bytes) -> str:
        """Remember what stands before the data of records with this type, class and TTL."""
        rdtype, ttl = int.from_bytes(header[:2], "big"), int.from_bytes(header[4:8], "big")
        return self._heads.setdefault(header, _record_head(rdtype, ttl))

    def _signature_line(self, head: str, record: bytes) -> str:
        """The line of an RRSIG record, and remember how it begins if it is one of the first."""
        signature_at = self._signature_at
        if record[HEADER_OCTETS + _SIGNER_AT : signature_at] != self._apex:
            return f"{head}{print_rdata(_RRSIG, record[HEADER_OCTETS:])}\n"
        if len(self._signature_heads) < _MOST_SIGNATURE_HEADS:
            text = head + rd.rrsig_head_text(record[HEADER_OCTETS:signature_at])
            covered = record[HEADER_OCTETS] << 8 | record[HEADER_OCTETS + 1]
            self._signature_heads[record[:signature_at]] = text, covered, len(record)
            return f"{text}{b2a_base64(record[signature_at:], newline=False).decode()}\n"
        around = record[:_EXPIRATION_AT] + record[_EXPIRATION_END:signature_at]
        expiration = _time_text(int.from_bytes(record[_EXPIRATION_AT:_EXPIRATION_END], "big"))
        if around not in self._around_expirations:
            text = print_rdata(_RRSIG, record[HEADER_OCTETS:signature_at])
            before, _, behind = text.partition(f" {expiration} ")
            self._around_expirations[around] = f"{head}{before} ", f" {behind}"
        before, behind = self._around_expirations[around]
        return f"{before}{expiration}{behind}{b2a_base64(record[signature_at:], newline=False).decode()}\n"


def _time_text(seconds: int) -> str:
    """The same as :func:`rrsig_time_text`, for the many different times of one day."""
    days, second = divmod(seconds, 86400)
    minute, second = divmod(second, 60)
    return f"{_day_text(days)}{minute // 60:02}{minute % 60:02}{second:02}"


@functools.lru_cache(maxsize=1024)
def _day_text(days: int) -> str:
    """The first half of an RRSIG time (RFC 4034 section 3.2), which the signatures of a zone share."""
    return rrsig_time_text(days * 86400)[:8]


def _interleaved(data: list[tuple[int, str]], signatures: dict[int, str]) -> str:
    """The lines of data, each type's last one followed by its signatures; signatures over nothing come last."""
    text, previous = "", 0
    for rdtype, line in data:
        if rdtype != previous:
            text += signatures.pop(previous, "")
            previous = rdtype
        text += line
    text += signatures.pop(previous, "")
    return text + "".join(signatures.values()) if signatures else text


# ---- templates ------------------------------------------------------------------------------------------------------

_WORD: Final = re.compile(r"[A-Za-z0-9._:-]+", re.ASCII)
_BACKTICKS: Final = re.compile(r"`+")


def render_template(name: str, /, *, own_templates: TemplateDirectory | None = None, **values: object) -> str:
    """Return the text of a template: the user's own of this file name if there is one, else the one shipped.

    Every value that a template prints goes through a filter that says where it stands: ``quoted`` (a string of
    named.conf), ``word`` (a keyword, number or address there), ``shell`` (an argument of a command), ``code`` (in
    Markdown), ``html`` (text or a quoted attribute of HTML), ``line`` (one line of plain text) or ``xml`` (text or a quoted
    attribute of XML; an :class:`XmlElement` as it is). Whole numbers need none.

    Args:
        name: the file name of the template.
        own_templates: the user's directory of templates.
        values: what the template may print.

    Raises:
        RenderError: no such template, one with a mistake in it, one that prints a variable that is missing or a value
            without a filter, or a value that has control characters in it.
    """
    import jinja2

    directory = own_templates if own_templates is None or isinstance(own_templates, str) else own_templates.__fspath__()
    try:
        return _environment(directory).get_template(name).render(values)
    except RenderError as error:
        raise error.within(f"template {name!r}") from None
    except jinja2.TemplateNotFound as error:
        raise RenderError(f"there is no template {error.name!r}") from None
    except jinja2.TemplateSyntaxError as error:
        raise RenderError(f"template {error.name!r}, line {error.lineno}: {error.message}") from None
    except Exception as error:  # a template of the user's own can go wrong in any way
        raise RenderError(f"template {name!r} cannot be printed: {error or type(error).__name__}") from error


@functools.lru_cache(maxsize=16)
def _environment(own_templates: str | None) -> jinja2.Environment:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=template_loader(own_templates),
        undefined=jinja2.StrictUndefined,
        finalize=_refuse_unfiltered,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters = {name: _marking(escape) for name, escape in _FILTERS.items()}
    return environment


class _Fit(str):
    """Text that went through a filter and may be printed. Whatever is made from it is plain text again."""

    __slots__ = ()


class XmlElement(str):
    """The markup of an element that was read from XML: the filter ``xml`` prints it as it is."""

    __slots__ = ()


def _marking(escape: Callable[[str], str]) -> Callable[[object], str]:
    """The filter that applies ``escape`` to a text and marks the outcome as fit to print."""

    import jinja2

    def apply(value: object) -> str:
        if isinstance(value, jinja2.Undefined):
            return str(value)  # which raises, and names the variable
        if not isinstance(value, str):
            raise RenderError(
                f"a filter takes text, not {type(value).__name__}", remedy="print whole numbers without a filter"
            )
        return _Fit(escape(value))

    return apply


def _refuse_unfiltered(value: object) -> object:
    """Called with every value that a template is about to print."""
    import jinja2

    if isinstance(value, _Fit | jinja2.Undefined) or (isinstance(value, int) and not isinstance(value, bool)):
        return value  # an undefined value raises when it is printed, and names itself
    raise RenderError(
        f"a value of type {type(value).__name__} is printed without a filter",
        remedy=f"use one of {', '.join(sorted(_FILTERS))}",
    )


def _checked_line(text: str) -> str:
    if not text.isprintable():
        culprit = next(character for character in text if not character.isprintable())
        raise RenderError(f"there is the control character {culprit!a} in a value to print", remedy="take it out")
    return text


def _xml(text: str) -> str:
    """Text for an element or a quoted attribute of XML, in one line, which comes out of it as it went in."""
    if isinstance(text, XmlElement):
        return text
    if _NOT_XML.search(text):
        raise RenderError("there is a character in a value to print that XML cannot carry", remedy="take it out")
    return html.escape(text).translate(_XML_SPACES)


_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_XML_SPACES: Final = {ord(space): f"&#{ord(space)};" for space in "\t\n\r"}


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _word(text: str) -> str:
    if not _WORD.fullmatch(text):
        raise RenderError(
            f"{text[:60]!a} is not one word of letters, digits and . _ : -",
            remedy="print it with the quoted filter where named.conf takes a string",
        )
    return text


def _code(text: str) -> str:
    """A code span of Markdown, between more backticks than there are in a row in the text."""
    fence = "`" * (max(map(len, _BACKTICKS.findall(text)), default=0) + 1)
    padding = " " if "`" in text else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def _of_line(escape: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: escape(_checked_line(text))


_FILTERS: Final[dict[str, Callable[[str], str]]] = {
    "quoted": _of_line(_quoted),
    "word": _of_line(_word),
    "shell": _of_line(shlex.quote),
    "code": _of_line(_code),
    "html": _of_line(html.escape),
    "line": _of_line(str),
    "xml": _xml,
}


# ---- named.conf -----------------------------------------------------------------------------------------------------

_BUILT_IN_POLICIES: Final = frozenset(("default", "insecure", "none"))
_HOUR_TTL: Final = Ttl(3600)
_DAY_TTL: Final = Ttl(86400)
_PLAIN_NSEC: Final = Nsec()
# named spreads expirations over half a day unless told otherwise, and 9.16 has no option that tells it.
_NAMED_JITTER: Final = timedelta(hours=12)
_LONGEST_DURATION: Final = timedelta(seconds=MAX_TTL)


class InlineSigning(enum.Enum):
    """Whether named signs a copy of the zone file (``inline-signing``), under ``dnssec-policy``.

    ``YES``: the file stays unsigned and named keeps the signed zone beside it. named 9.18 then drops every DNSKEY that
    is not its own, without a word, from the file and from a dynamic update, which it answers with NOERROR: such a zone
    cannot take part in a transfer between two signing operators.

    ``NO``: named signs the zone itself, which is a dynamic one, and keeps foreign DNSKEYs that a dynamic update adds. It
    gives them the TTL that the policy says (``dnskey-ttl``), whatever TTL the update asked for.
    """

    NO = "no"
    YES = "yes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secondary:
    """A server that may transfer the zone and is told of changes.

    Attributes:
        address: its IPv4 or IPv6 address.
        key: the name of the TSIG key it uses, which named.conf defines; transfers are then by key, from any address.

    Raises:
        RenderError: not an address, or a key name that is no domain name.
    """

    address: str
    key: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.address, str):
            raise RenderError(
                f"the address of a secondary is text, not {type(self.address).__name__}",
                remedy="give it as 192.0.2.1 or 2001:db8::1",
            )
        try:
            address = ipaddress.ip_address(self.address)
        except ValueError:
            raise RenderError(
                f"{self.address[:60]!a} is not an IP address", remedy="give it as 192.0.2.1 or 2001:db8::1"
            ) from None
        if getattr(address, "scope_id", None) is not None:
            raise RenderError(
                f"{address}: a link-local address with a zone is no address of a secondary",
                remedy="give an address that is routed",
                rule="RFC 4007 section 6",
            )
        object.__setattr__(self, "address", str(address))
        if self.key is not None and not _is_key_name(self.key):
            raise RenderError(
                f"the TSIG key of the secondary {address} has a name that is no domain name",
                remedy="give the name that its key statement in named.conf has, or leave it out",
                rule="RFC 8945 section 4.2",
            )


def _is_key_name(name: str) -> bool:
    try:
        return isinstance(name, str) and parse_origin(_checked_line(name)) != ROOT
    except DomainNameError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyKey:
    """A key that named makes and rolls under a policy.

    Attributes:
        role: what it signs.
        algorithm: the algorithm it signs with.
        lifetime: how long until named rolls it; None for never.
        bits: the size of an RSA key; None for named's own choice.

    Raises:
        AlgorithmError: an unknown algorithm, or one that must not sign any more (RFC 9905 section 2).
        RenderError: bits for an algorithm whose keys have one size, bits of RSA outside 2048 to 4096, or a lifetime that
            is not a positive whole number of seconds.
    """

    role: KeyRole
    algorithm: Algorithm = Algorithm.ECDSAP256SHA256
    lifetime: timedelta | None = None
    bits: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "algorithm", require_may_sign(self.algorithm))
        try:
            new_key_bits(self.algorithm, self.bits)
        except SigningKeyError as error:
            raise RenderError(error.problem, remedy=error.remedy, rule=error.rule) from None
        if self.lifetime is not None:
            _check_duration("lifetime", self.lifetime, least=timedelta(seconds=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class DnssecPolicy:
    """A ``dnssec-policy`` of named; the fields are its options and have its defaults, the TTL cap and NSEC apart.

    Attributes:
        name: what zones call it by.
        keys: for each algorithm a KSK and a ZSK, or a CSK.
        dnskey_ttl: the TTL of the DNSKEY RRset, also where a dynamic update added keys with another.
        publish_safety: added to the time that a new key is published before it signs.
        retire_safety: added to the time that an old key stays after it last signed.
        signatures_refresh: how long before their expiration signatures are made anew.
        signatures_validity: how long signatures are valid.
        max_zone_ttl: no TTL in the zone is higher.
        zone_propagation_delay: from an update to the last secondary serving it.
        parent_ds_ttl: the TTL of the DS RRset at the parent.
        parent_propagation_delay: the same as ``zone_propagation_delay``, for the parent's servers.
        denial: NSEC, or NSEC3 without salt and extra iterations.

    Raises:
        RenderError: a policy that named would refuse: a name that is taken, an algorithm without a KSK or a ZSK, a
            validity under 12 hours, a refresh of 90 % of it or more, a lifetime too short to roll in, NSEC3 parameters
            against RFC 9276.
    """

    name: str
    keys: tuple[PolicyKey, ...]
    dnskey_ttl: int = _HOUR_TTL
    publish_safety: timedelta = timedelta(hours=1)
    retire_safety: timedelta = timedelta(hours=1)
    signatures_refresh: timedelta = timedelta(days=5)
    signatures_validity: timedelta = timedelta(days=14)
    max_zone_ttl: int = _DAY_TTL
    zone_propagation_delay: timedelta = timedelta(minutes=5)
    parent_ds_ttl: int = _DAY_TTL
    parent_propagation_delay: timedelta = timedelta(hours=1)
    denial: Denial = _PLAIN_NSEC

    def __post_init__(self) -> None:
        if not self.name or self.name in _BUILT_IN_POLICIES:
            raise RenderError(f"a dnssec-policy cannot be called {self.name!r}", remedy="give it a name of its own")
        for ttl in (self.dnskey_ttl, self.max_zone_ttl, self.parent_ds_ttl):
            to_ttl(ttl)
        for option in ("publish_safety", "retire_safety", "zone_propagation_delay", "parent_propagation_delay"):
            _check_duration(option, getattr(self, option))
        _check_duration("signatures_refresh", self.signatures_refresh, least=timedelta(seconds=1))
        _check_duration("signatures_validity", self.signatures_validity, least=_NAMED_JITTER)
        if self.signatures_refresh * 10 >= self.signatures_validity * 9:
            raise RenderError(
                f"dnssec-policy {self.name!r}: signatures-refresh {duration_text(self.signatures_refresh)} is 90 % or more"
                f" of signatures-validity {duration_text(self.signatures_validity)}",
                remedy="refresh later or sign for longer",
            )
        if isinstance(self.denial, Nsec3) and (self.denial.iterations or self.denial.salt):
            raise RenderError(
                f"dnssec-policy {self.name!r}: NSEC3 with a salt or extra iterations",
                remedy="use neither",
                rule="RFC 9276 section 3.1",
            )
        self._check_keys()

    def _check_keys(self) -> None:
        roles: dict[Algorithm, set[KeyRole]] = {}
        for key in self.keys:
            roles.setdefault(key.algorithm, set()).add(key.role)
            needed = self._rollover_interval(key.role)
            if key.lifetime is not None and key.lifetime <= needed:
                raise RenderError(
                    f"dnssec-policy {self.name!r}: a {key.role.value} with lifetime {duration_text(key.lifetime)} ends"
                    f" before it can be rolled, which takes {duration_text(needed)}",
                    remedy="give it a longer lifetime",
                    rule="RFC 7583 section 3",
                )
        if not roles:
            raise RenderError(f"dnssec-policy {self.name!r} has no keys", remedy="give it a KSK and a ZSK, or a CSK")
        for algorithm, held in roles.items():
            if KeyRole.CSK not in held and held != {KeyRole.KSK, KeyRole.ZSK}:
                raise RenderError(
                    f"dnssec-policy {self.name!r}: {algorithm.name} has a {held.pop().value} alone",
                    remedy="give it a KSK and a ZSK, or a CSK",
                )

    def _rollover_interval(self, role: KeyRole) -> timedelta:
        """The longer of Ipub and Iret (RFC 7583 section 3.2.1 and 3.3.1), which is what named holds a lifetime against."""
        publish = timedelta(seconds=self.dnskey_ttl) + self.publish_safety + self.zone_propagation_delay
        retire_ds = timedelta(seconds=self.parent_ds_ttl) + self.parent_propagation_delay + self.retire_safety
        resign = self.signatures_validity - self.signatures_refresh
        retire_zsk = timedelta(seconds=self.max_zone_ttl) + self.zone_propagation_delay + self.retire_safety + resign
        match role:
            case KeyRole.KSK:
                return max(publish, retire_ds)
            case KeyRole.ZSK:
                return max(publish, retire_zsk)
            case KeyRole.CSK:
                return max(publish, retire_ds, retire_zsk)


def _check_duration(option: str, value: timedelta, *, least: timedelta = timedelta(0)) -> None:
    if not least <= value <= _LONGEST_DURATION or value % timedelta(seconds=1):
        raise RenderError(
            f"{option.replace('_', '-')} {value} is not a whole number of seconds from {duration_text(least)}",
            remedy="give a timedelta in whole seconds",
        )


def render_presigned_stanza(
    origin: str | dns.name.Name,
    *,
    file: str,
    secondaries: Sequence[Secondary] = (),
    own_templates: TemplateDirectory | None = None,
) -> str:
    """Return the ``zone`` statement of a primary that serves a signed file as it stands (BIND 9.16 to 9.20).

    named signs nothing and takes no dynamic update; ``rndc reload`` puts a new file into service.

    Args:
        origin: the zone.
        file: the path of the zone file; a relative one counts from named's ``directory``.
        secondaries: who may transfer the zone; nobody when there are none.
        own_templates: the user's directory of templates; the template is ``named-presigned.conf.j2``.

    Raises:
        DomainNameError: the origin is not a domain name.
        RenderError: control characters in a value, or a template that cannot be printed.

    >>> print(render_presigned_stanza("example.nl", file="/var/lib/bind/example.nl.signed"), end="")
    zone "example.nl" {
        type primary;
        file "/var/lib/bind/example.nl.signed";
        dnssec-policy none;
        allow-update { none; };
        allow-transfer { none; };
    };
    """
    return render_template(
        "named-presigned.conf.j2",
        own_templates=own_templates,
        zone=_conf_name(origin),
        file=file,
        secondaries=tuple(secondaries),
    )


def render_policy_stanza(
    origin: str | dns.name.Name,
    *,
    file: str,
    policy: str,
    inline_signing: InlineSigning,
    key_directory: str | None = None,
    secondaries: Sequence[Secondary] = (),
    own_templates: TemplateDirectory | None = None,
) -> str:
    """Return the ``zone`` statement of a primary that named signs under a ``dnssec-policy`` (BIND 9.16 to 9.20).

    Args:
        origin: the zone.
        file: the path of the zone file.
        policy: the name of the policy; see :func:`render_dnssec_policy`.
        inline_signing: whether the file stays unsigned, and what becomes of foreign DNSKEYs. With ``NO`` the zone takes
            dynamic updates by ``nsupdate -l`` on the server itself.
        key_directory: where named keeps the keys; None for named's own choice.
        secondaries: who may transfer the zone; nobody when there are none.
        own_templates: the user's directory of templates; the template is ``named-policy-zone.conf.j2``.

    Raises:
        DomainNameError: the origin is not a domain name.
        RenderError: control characters in a value, or a template that cannot be printed.

    >>> print(render_policy_stanza("example.nl", file="example.nl", policy="std", inline_signing=InlineSigning.NO), end="")
    zone "example.nl" {
        type primary;
        file "example.nl";
        dnssec-policy "std";
        inline-signing no;
        update-policy local;
        allow-transfer { none; };
    };
    """
    return render_template(
        "named-policy-zone.conf.j2",
        own_templates=own_templates,
        zone=_conf_name(origin),
        file=file,
        policy=policy,
        inline_signing=inline_signing.value,
        dynamic=inline_signing is InlineSigning.NO,
        key_directory=key_directory,
        secondaries=tuple(secondaries),
    )


def render_dnssec_policy(policy: DnssecPolicy, *, own_templates: TemplateDirectory | None = None) -> str:
    """Return the ``dnssec-policy`` statement of a policy (BIND 9.16 to 9.20).

    Args:
        policy: the policy.
        own_templates: the user's directory of templates; the template is ``named-dnssec-policy.conf.j2``.

    Raises:
        RenderError: control characters in the name, or a template that cannot be printed.
    """
    keys = [
        {
            "role": key.role.value.lower(),
            "lifetime": "unlimited" if key.lifetime is None else duration_text(key.lifetime),
            "algorithm": int(key.algorithm),
            "bits": key.bits,
        }
        for key in policy.keys
    ]
    options: dict[str, int | timedelta] = {
        "dnskey-ttl": policy.dnskey_ttl,
        "publish-safety": policy.publish_safety,
        "retire-safety": policy.retire_safety,
        "signatures-refresh": policy.signatures_refresh,
        "signatures-validity": policy.signatures_validity,
        "signatures-validity-dnskey": policy.signatures_validity,
        "max-zone-ttl": policy.max_zone_ttl,
        "zone-propagation-delay": policy.zone_propagation_delay,
        "parent-ds-ttl": policy.parent_ds_ttl,
        "parent-propagation-delay": policy.parent_propagation_delay,
    }
    return render_template(
        "named-dnssec-policy.conf.j2",
        own_templates=own_templates,
        name=policy.name,
        keys=keys,
        options={option: duration_text(value) for option, value in options.items()},
        opt_out=_opt_out_text(policy.denial),
    )


def _opt_out_text(denial: Denial) -> str | None:
    """What the NSEC3 parameters say of opt-out; None for NSEC."""
    match denial:
        case Nsec():
            return None
        case Nsec3(opt_out=OptOut.ON):
            return "yes"
        case Nsec3():
            return "no"


def _conf_name(origin: str | dns.name.Name) -> str:
    """The zone's name as named.conf has it: without the final dot."""
    text = name_text(parse_origin(origin))
    return text if text == "." else text[:-1]


# ---- the hand-over sheet --------------------------------------------------------------------------------------------

DEFAULT_LOWERED_TTL: Final = Ttl(600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """What the gaining operator asks of the losing one before the name servers change.

    Attributes:
        dnskeys: the DNSKEY records of the gaining operator to publish; their TTL does not matter.
        ds: the DS records of the gaining operator, which the registrar adds at the parent.
        ns: the NS RRset of the apex as the losing operator serves it now.
        dnskey_ttl: the TTL of the DNSKEY RRset as the losing operator serves it now.
        lowered_ttl: what the TTLs of the two are to be lowered to; one that is lower already stays.

    Raises:
        RenderError: another type than the name says, owners that differ, or, where a key with the SEP flag is among the
            DNSKEY records, a DS record that points to none of them.
    """

    dnskeys: RRset
    ds: RRset
    ns: RRset
    dnskey_ttl: int
    lowered_ttl: int = DEFAULT_LOWERED_TTL

    def __post_init__(self) -> None:
        for rrset, rdtype in ((self.dnskeys, rd.DNSKEY), (self.ds, rd.DS), (self.ns, rd.NS)):
            if rrset.rdtype != rdtype:
                raise RenderError(
                    f"a hand-over sheet needs a {rd.type_text(rdtype)} RRset here, not {rrset.type_text}",
                    remedy="give the gaining operator's DNSKEY, DS and NS RRsets, each in its place",
                )
            if order_key(rrset.owner) != order_key(self.ns.owner):
                raise RenderError(
                    f"{name_text(rrset.owner)} {rrset.type_text} is not of the zone {name_text(self.ns.owner)}",
                    remedy="give the three RRsets of one zone",
                )
        to_ttl(self.dnskey_ttl)
        to_ttl(self.lowered_ttl)
        self._check_ds()

    def _check_ds(self) -> None:
        keys = [rdata for rdata in self.dnskeys.rdatas if int.from_bytes(rdata[:2], "big") & SEP_FLAG]
        for ds in self.ds.rdatas if keys else ():
            if not any(matches_ds(ds, self.dnskeys.owner, key) for key in keys):
                raise RenderError(
                    f"{name_text(self.ds.owner)}: the DS with key tag {int.from_bytes(ds[:2], 'big')} points to none of"
                    " the keys with the SEP flag to publish",
                    remedy="give the DS records of the gaining operator's own KSK or CSK",
                    rule="RFC 4034 section 5.2",
                )

    @property
    def new_dnskey_ttl(self) -> Ttl:
        """The TTL that the DNSKEY RRset is to have."""
        return to_ttl(min(self.dnskey_ttl, self.lowered_ttl))

    @property
    def new_ns_ttl(self) -> Ttl:
        """The TTL that the NS RRset is to have."""
        return to_ttl(min(self.ns.ttl, self.lowered_ttl))


def render_handover_sheet(handover: Handover, *, own_templates: TemplateDirectory | None = None) -> str:
    """Return the sheet for the losing operator, in Markdown: the records to add, how, and how to see that it worked.

    It says the commands for BIND, Knot DNS and PowerDNS, and what each of them does with foreign DNSKEYs.

    Args:
        handover: what is asked.
        own_templates: the user's directory of templates; the template is ``handover.md.j2``.

    Raises:
        RenderError: a template that cannot be printed.
    """
    zone = name_text(handover.ns.owner)
    dnskeys = handover.dnskeys.with_ttl(handover.new_dnskey_ttl)
    servers = [name_text(rdata) for rdata in handover.ns.rdatas]
    return render_template(
        "handover.md.j2",
        own_templates=own_templates,
        zone=zone,
        dnskeys=[
            {
                "record": record,
                "record_with_comment": f"{record}{_dnskey_comment(rdata)}",
                "data": rd.print_rdata(rd.DNSKEY, rdata),
                "file": f"{key_file_stem(dnskeys.owner, rdata[3], key_tag(rdata))}.key",
                "tag": key_tag(rdata),
                "role": "KSK" if int.from_bytes(rdata[:2], "big") & SEP_FLAG else "ZSK",
            }
            for record, rdata in zip(dnskeys.text().split("\n"), dnskeys.rdatas, strict=True)
        ],
        ds_records=[f"{zone} IN DS {rd.print_rdata(rd.DS, rdata)}" for rdata in handover.ds.rdatas],
        ns_records=handover.ns.with_ttl(handover.new_ns_ttl).text().split("\n"),
        servers=[{"name": server, "dig_argument": f"@{server}"} for server in servers],
        purge_pattern=f"{zone}$",
        dnskey_ttl=int(handover.dnskey_ttl),
        new_dnskey_ttl=int(handover.new_dnskey_ttl),
        ns_ttl=int(handover.ns.ttl),
        new_ns_ttl=int(handover.new_ns_ttl),
    )
