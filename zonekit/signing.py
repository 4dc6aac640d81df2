"""Signing RRsets and whole zones (RFC 4034, RFC 4035, RFC 5155).

``sign_zone`` takes an unsigned or signed zone and returns the signed one. It signs every authoritative RRset and
nothing else: DNSKEY, CDS and CDNSKEY with the KSKs, the rest with the ZSKs, everything with a CSK. Signatures are
deterministic (RFC 6979, Ed25519, Ed448, PKCS #1 v1.5), so the same zone, keys and validity give the same bytes.

Blocks of a zone are signed one by one, each on its own, which is what makes an executor worth passing in.
"""

from __future__ import annotations

import bisect
import enum
import functools
import itertools
import operator
import pickle
import struct
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar, assert_never

from zonekit import rdata as rd
from zonekit.algorithms import Algorithm, check_public_key, signature_length, verify_signature
from zonekit.denial import (
    DENIAL_TYPES,
    Denial,
    Link,
    Nsec,
    Nsec3,
    OptOut,
    denial_of,
    is_insecure_delegation,
    link_owner,
    nsec3_bitmap,
    nsec3_records,
    nsec_record,
    order_links,
    types_to_list,
)
from zonekit.dnskeys import dnskeys_of, key_tag_collisions, signer_of, union
from zonekit.ds import DnskeyHolder, asks_for
from zonekit.errors import SigningError
from zonekit.executing import done_in_order
from zonekit.instants import SignatureValidity, epoch_seconds, serial_before, utc
from zonekit.keys import REVOKE_FLAG, ZONE_KEY_FLAG, LocalSigner, SigningKey, key_tag
from zonekit.names import WireName, from_wire_name, is_subdomain, label_count, name_text, order_key
from zonekit.nodes import (
    CLASS_IN,
    HEADER,
    Node,
    PackedRRset,
    Record,
    join_node,
    rdata_of,
    signature_tags,
    split_node,
    ttl_of,
    with_ttl,
)
from zonekit.serials import soa_with_serial
from zonekit.signable import check_signable
from zonekit.signatures import PublishedKeys, Signer, keys_by_signer, signed_data
from zonekit.ttl import Ttl, to_ttl
from zonekit.zonemd import current_zonemd
from zonekit.zones import (
    BLOCK_OWNERS,
    Block,
    NameStatus,
    RRset,
    Zone,
    cut_blocks,
    missing_ancestors,
    pack_rrset,
    view_rrset,
    walk_block,
)

if TYPE_CHECKING:
    from concurrent.futures import Executor

DEFAULT_DNSKEY_TTL: Final = Ttl(3600)

_RRSIG_FIELDS: Final = struct.Struct(">HBBIII")  # up to the key tag (RFC 4034 section 3.1)
_MOST_EARLIER: Final = 4 * BLOCK_OWNERS
_TIMES: Final = struct.Struct(">II")  # expiration and inception in an RRSIG (RFC 4034 section 3.1.5)
_TYPE_OF: Final = operator.itemgetter(0)  # of a packed RRset
_SEE_THE_LOG: Final = "see the log of the device or service that keeps the key"

_Made = TypeVar("_Made")


class ForeignRecords(enum.Enum):
    """What becomes of DNSKEYs that are none of the given keys, and of RRSIGs that none of the given keys made.

    Attributes:
        KEEP: both stay, the RRSIGs where :func:`sign_zone` says.
        DROP_SIGNATURES: the DNSKEYs stay.
        DROP: neither stays, nor does a CDS or CDNSKEY record that asks the parent for the DS of such a DNSKEY.
    """

    KEEP = "keep"
    DROP_SIGNATURES = "drop signatures"
    DROP = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """Signatures to keep from an earlier signing.

    A signature stays, byte for byte, when it covers the same RRset with the same TTL, was made by one of the present
    keys, has begun, and does not expire within ``signatures_refresh``. The earlier zone is trusted to hold signatures
    that were good: it is what this signer wrote, not what somebody sent.

    Attributes:
        previous: the zone as it was signed before.
        now: the instant that ``signatures_refresh`` counts from.
        signatures_refresh: how long before its expiration a signature is made anew (BIND's signatures-refresh).

    Raises:
        TimeError: ``now`` is naive.
        SigningError: ``signatures_refresh`` is negative.
    """

    previous: Zone
    now: datetime
    signatures_refresh: timedelta = timedelta(days=5)

    def __post_init__(self) -> None:
        object.__setattr__(self, "now", utc(self.now))
        if self.signatures_refresh < timedelta(0):
            raise SigningError(f"signatures_refresh is negative: {self.signatures_refresh}", remedy="give 0 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Jitter:
    """Expirations spread over time, so that re-signing is spread as well.

    Each RRset's signatures expire up to ``interval`` before the validity's expiration. How much before depends on
    ``seed``, owner and type alone: the same seed gives the same zone.

    Raises:
        SigningError: the interval is negative or not in whole seconds.
    """

    interval: timedelta
    seed: int = 0

    def __post_init__(self) -> None:
        if self.interval < timedelta(0) or self.interval % timedelta(seconds=1):
            raise SigningError(
                f"a jitter interval of {self.interval}", remedy="give a whole number of seconds, 0 or more"
            )

    def seconds_for(self, owner: WireName, rdtype: int) -> int:
        """Return by how many seconds the signatures of this RRset expire earlier."""
        span = self.interval // timedelta(seconds=1)
        subject = b"%d " % self.seed + rdtype.to_bytes(2, "big") + owner.lower()
        return zlib.crc32(subject) % (span + 1)


# ---- one RRset ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Pen:
    """One key, and the part of its RRSIGs that is the same everywhere.

    ``after_times`` is what its RRSIG records have between inception and signature: the key tag and the signer's name.
    """

    key: SigningKey
    signer_name: WireName
    inception: int
    expiration: int
    jitter: Jitter | None
    signature_octets: int
    signer: Signer
    after_times: bytes
    _heads: dict[tuple[int, bytes], tuple[bytes, bytes]] = field(default_factory=dict)
    _starts: dict[tuple[int, bytes], bytes] = field(default_factory=dict)

    def sign(self, owner: WireName, labels: int, record: Record, signed_data: bytes) -> Record:
        """The RRSIG record over RRs given in canonical form, one of which is ``record`` (RFC 4034 section 3.1.8.1)."""
        heads = self._heads.get((labels, record[:8]))
        if heads is None:
            heads = self._heads_for(owner, record[0] << 8 | record[1], labels, ttl_of(record))
            if self.jitter is None:
                self._heads[labels, record[:8]] = heads
        head, record_head = heads
        try:
            signature = self.key.signer.sign(head + signed_data)
        except Exception as error:  # whatever an HSM's library raises; its text might hold anything
            raise self._failure(owner, record, type(error).__name__) from None
        if not isinstance(signature, bytes) or len(signature) != self.signature_octets:
            raise self._failure(owner, record, f"what came back is not {self.signature_octets} octets of signature")
        return record_head + signature

    def _heads_for(self, owner: WireName, rdtype: int, labels: int, ttl: int) -> tuple[bytes, bytes]:
        """The RRSIG's data and its record, each up to the signature."""
        expiration = (
            self.expiration if self.jitter is None else self.expiration - self.jitter.seconds_for(owner, rdtype)
        )
        fields = _RRSIG_FIELDS.pack(rdtype, self.key.algorithm, labels, ttl, expiration, self.inception)
        head = fields + self.after_times
        return head, HEADER.pack(rd.RRSIG, CLASS_IN, ttl, len(head) + self.signature_octets) + head

    def before_times(self, labels: int, record: Record) -> bytes:
        """What its RRSIG records have before the expiration over the RRset of a record, whenever they are made."""
        start = self._starts.get((labels, record[:8]))
        if start is None:
            rdtype, _, ttl, _ = HEADER.unpack_from(record)
            octets = rd.RRSIG_FIXED_OCTETS + len(self.signer_name) + self.signature_octets
            header = HEADER.pack(rd.RRSIG, CLASS_IN, ttl, octets)
            start = header + rdtype.to_bytes(2, "big") + bytes((self.key.algorithm, labels)) + ttl.to_bytes(4, "big")
            self._starts[labels, record[:8]] = start
        return start

    def _failure(self, owner: WireName, record: Record, reason: str) -> SigningError:
        return SigningError(
            f"{name_text(owner)} {rd.type_text(record[0] << 8 | record[1])}: signing with key {self.key.key_tag}"
            f" (algorithm {int(self.key.algorithm)}) failed: {reason}",
            remedy=_SEE_THE_LOG,
        )


def _make_pens(
    keys: Iterable[SigningKey], apex: WireName, validity: SignatureValidity, jitter: Jitter | None
) -> tuple[_Pen, ...]:
    inception, expiration = epoch_seconds(validity.inception), epoch_seconds(validity.expiration)
    if jitter is not None and expiration - jitter.interval // timedelta(seconds=1) <= inception:
        raise SigningError(
            f"a jitter of {jitter.interval} leaves some signatures no validity at all", remedy="give a shorter interval"
        )
    signer_name = apex.lower()
    ordered = sorted(keys, key=lambda key: (key.algorithm, key.key_tag))
    return tuple(
        _Pen(
            key,
            signer_name,
            inception,
            expiration,
            jitter,
            signature_length(key.algorithm, key.public_key),
            (key.algorithm.value, key.key_tag),
            key.key_tag.to_bytes(2, "big") + signer_name,
        )
        for key in ordered
    )


def sign_rrset(
    rrset: RRset, keys: Iterable[SigningKey], *, validity: SignatureValidity, jitter: Jitter | None = None
) -> RRset:
    """Return the RRSIGs over an RRset, one by each of ``keys`` whatever their role (RFC 4034 section 3).

    Raises:
        SigningError: no keys, keys of different zones, an RRset that is not within the keys' zone, or RRSIGs, which
            are never signed (RFC 4035 section 2.2).
    """
    chosen = tuple(keys)
    sign = rrset_signer(chosen, validity=validity, jitter=jitter)
    check_signers(chosen)
    return sign(rrset)


def rrset_signer(
    keys: Iterable[SigningKey], *, validity: SignatureValidity, jitter: Jitter | None = None
) -> Callable[[RRset], RRset]:
    """Return a function that makes the RRSIGs over one RRset after the other; for the rest like :func:`sign_rrset`."""
    chosen = tuple(keys)
    if not chosen:
        raise SigningError("there is no key to sign with", remedy="give at least one")
    apex = _common_owner(chosen)
    pens = _make_pens(chosen, apex, validity, jitter)

    def sign(rrset: RRset) -> RRset:
        if rrset.rdtype == rd.RRSIG:
            raise SigningError(f"{name_text(rrset.owner)}: RRSIGs are not signed", rule="RFC 4035 section 2.2")
        if not is_subdomain(rrset.owner, apex):
            raise SigningError(
                f"{name_text(rrset.owner)} is outside the zone of the keys, {name_text(apex)}",
                remedy="sign it with the keys of its own zone",
                rule="RFC 4035 section 2.2",
            )
        return view_rrset(
            rrset.owner,
            (rd.RRSIG, rrset.rdtype, _sign(rrset.owner.lower(), label_count(rrset.owner), pack_rrset(rrset), pens)),
        )

    return sign


def is_signed_here(status: NameStatus, rdtype: int) -> bool:
    """Whether an RRset of this type, at a name that is this in its zone, is signed (RFC 4035 section 2.2).

    An NSEC3 is signed wherever it is: its owner is a hash, which may fall on a delegation or below a DNAME.
    """
    if rdtype == rd.NSEC3:
        return True
    match status:
        case NameStatus.APEX | NameStatus.AUTHORITATIVE:
            return rdtype != rd.RRSIG
        case NameStatus.DELEGATION:
            return rdtype in (rd.DS, rd.NSEC)
        case NameStatus.OCCLUDED | NameStatus.EMPTY_NON_TERMINAL | NameStatus.ABSENT:
            return False
        case _:
            assert_never(status)


def _sign(owner: WireName, labels: int, packed: PackedRRset, pens: Sequence[_Pen]) -> list[Record]:
    """The RRSIG records over one packed RRset, in canonical order; ``owner`` is in lower case, its labels counted."""
    rdtype, _, records = packed
    data = signed_data(owner, rdtype, records)
    if len(pens) == 1:
        return [pens[0].sign(owner, labels, records[0], data)]
    return sorted([pen.sign(owner, labels, records[0], data) for pen in pens], key=rdata_of)


# ---- a zone ---------------------------------------------------------------------------------------------------------


def sign_zone(
    zone: Zone,
    keys: Iterable[SigningKey],
    *,
    validity: SignatureValidity,
    published: Iterable[DnskeyHolder] = (),
    denial: Denial | None = None,
    dnskey_ttl: int = DEFAULT_DNSKEY_TTL,
    serial: int | None = None,
    reuse: Reuse | None = None,
    jitter: Jitter | None = None,
    foreign_records: ForeignRecords = ForeignRecords.KEEP,
    executor: Executor | None = None,
) -> Zone:
    """Return the zone signed with ``keys`` (RFC 4035 section 2).

    The keys join the DNSKEY RRset; DNSKEYs of others that are in it stay. NSEC and NSEC3 chains are built anew, and so
    are all signatures by these keys, save those that ``reuse`` lets stay. A ZONEMD RRset, where there is one, is
    recomputed (RFC 8976).

    RRSIGs of others stay over authoritative RRsets that signing does not change, while they are made over the RRset's
    TTL, good over its data and not expired when the validity begins; whether they are good shows where their DNSKEY is in
    the zone. The DNSKEY RRset changes when a key joins it, and the SOA with its serial: then those lose the signatures of
    others, also of a key that the parent's DS is of; NSEC, NSEC3, NSEC3PARAM and ZONEMD lose them always. So what stays is
    never all that an algorithm needs: where the others sign with another one, drop their signatures.

    Args:
        zone: the zone, unsigned or signed before.
        keys: the operator's own keys, for each algorithm a KSK and a ZSK, or a CSK.
        validity: from when until when the signatures are valid.
        published: keys of the operator that join the DNSKEY RRset and do not sign, as before and after a rollover;
            signatures that they made before go.
        denial: NSEC, or NSEC3 with its parameters; when not given, what ``zone`` has, else what the earlier version of
            ``reuse`` has, else NSEC.
        dnskey_ttl: the TTL of the DNSKEY RRset, in seconds, where the zone does not have one yet.
        serial: the new SOA serial; the one that the zone has when not given.
        reuse: an earlier signed version whose signatures stay where they still fit.
        jitter: how far expirations are spread.
        foreign_records: what becomes of the DNSKEYs and RRSIGs of others: of all that are neither in ``keys`` nor in
            ``published``.
        executor: where blocks are signed; here and now when there is none.

    Raises:
        SigningError: no keys, keys of another zone, an algorithm with a KSK but no ZSK or the other way round (RFC 4035
            section 2.2), a signer that does not sign for its DNSKEY, one that cannot be pickled for the processes of
            ``executor``, an NSEC3 chain that is to stay and cannot be made again, an NSEC3 hash collision, or a zone that no
            validator could make sense of (see :func:`zonekit.signable.check_signable`).
        KeyTagCollision: two different keys of one algorithm have one key tag.
        SigningKeyError: one of ``published`` is no sound key.
        SerialError: ``serial`` is before the present one.
        TtlError: ``dnskey_ttl`` is not a TTL.
    """
    prepared = prepare_signing(
        zone,
        keys,
        validity=validity,
        published=published,
        denial=denial,
        dnskey_ttl=dnskey_ttl,
        serial=serial,
        reuse=reuse,
        jitter=jitter,
        foreign_records=foreign_records,
    )
    return prepared.sign(executor=executor)


def prepare_signing(
    zone: Zone,
    keys: Iterable[SigningKey],
    *,
    validity: SignatureValidity,
    published: Iterable[DnskeyHolder] = (),
    denial: Denial | None = None,
    dnskey_ttl: int = DEFAULT_DNSKEY_TTL,
    serial: int | None = None,
    reuse: Reuse | None = None,
    jitter: Jitter | None = None,
    foreign_records: ForeignRecords = ForeignRecords.KEEP,
) -> PreparedZone:
    """Return a zone of which all is decided and checked that :func:`sign_zone` decides and checks before it signs.

    For whoever wants the file of the signed zone and not the zone: :func:`zonekit.write_signed_zone` has each part printed
    where it was signed, so that the signed zone is never held as a whole. The arguments and the errors are those of
    :func:`sign_zone`; what a signer fails at and a hash that two names share come out when it is signed.
    """
    own, silent = tuple(keys), tuple(published)
    _check_zone_keys(zone, own, silent, foreign_records)
    check_signers(own)
    if serial is not None and serial != zone.serial:
        zone = _with_unsigned(zone, soa_with_serial(zone.soa, serial))
    earlier = None if reuse is None else reuse.previous
    chosen = denial or denial_of(zone) or (None if earlier is None else denial_of(earlier)) or Nsec()
    own_dnskeys = RRset(
        owner=zone.apex,
        rdtype=rd.DNSKEY,
        ttl=to_ttl(dnskey_ttl),
        rdatas=tuple(key.dnskey_rdata for key in (*own, *silent)),
    )
    bare = _without_old_signatures(zone, PublishedKeys.of(own_dnskeys).signers, foreign_records)
    if foreign_records is ForeignRecords.DROP:
        bare = _without_foreign_keys(bare, own_dnskeys)
    prepared = _with_apex_records(bare, own_dnskeys, chosen)
    since = epoch_seconds(validity.inception)
    check_signable(prepared, since=since)
    recipe = Recipe(
        apex=zone.apex,
        denial=chosen,
        denial_ttl=zone.negative_ttl,
        zone_pens=_make_pens([key for key in own if key.signs_zone], zone.apex, validity, jitter),
        dnskey_pens=_make_pens([key for key in own if key.signs_dnskey], zone.apex, validity, jitter),
        published=PublishedKeys.of(prepared.apex_rrset(rd.DNSKEY)),
        since=since,
        lasting=_Lasting.of(own, reuse),
    )
    return PreparedZone(prepared, recipe, earlier)


@dataclass(frozen=True, slots=True)
class PreparedZone:
    """A zone that is ready to be signed, from :func:`prepare_signing`.

    Attributes:
        unsigned: the zone with its DNSKEY and NSEC3PARAM RRsets and without the signatures and the denial that are made anew.
        recipe: how it is signed.
        earlier: the version whose signatures may stay.
    """

    unsigned: Zone
    recipe: Recipe
    earlier: Zone | None

    @property
    def apex(self) -> WireName:
        """The apex name in wire form."""
        return self.unsigned.apex

    @property
    def serial(self) -> int:
        """The SOA serial that the signed zone has."""
        return self.unsigned.serial

    @property
    def denial(self) -> Denial:
        """What will deny existence in it."""
        return self.recipe.denial

    @property
    def has_zonemd(self) -> bool:
        """Whether it has a digest over all of its records (RFC 8976), which comes last."""
        return self.unsigned.get("@", rd.ZONEMD) is not None

    def sign(self, *, executor: Executor | None = None) -> Zone:
        """Return the zone signed; see :func:`sign_zone`."""
        segments = self.segments(executor=executor)
        apex = self.sign_apex(next(segments))
        blocks: list[Block] = []
        tags: set[int] = set()
        for block, found in self.run(_sign_and_tell, segments, executor=executor):
            blocks.append(block)
            tags |= found
        signed = Zone.from_blocks(apex.apex, apex.apex_node, blocks, signature_tags=frozenset(tags))
        return _with_zonemd(signed, self.recipe, self.earlier)

    def sign_apex(self, segment: Segment) -> Zone:
        """Return a zone of nothing but the signed apex, which is the first of the segments."""
        return Zone.from_blocks(self.apex, sign_segment(self.recipe, segment).nodes[0], ())

    def segments(self, *, executor: Executor | None = None) -> Iterator[Segment]:
        """Yield what can be signed each on its own, in canonical order; the apex alone is the first.

        Raises:
            SigningError: two names have the same NSEC3 hash (RFC 5155 section 7.1).
        """
        apex = Segment((self.apex,), (self.unsigned.apex_node,), is_apex=True)
        cuts = [self.unsigned.cut_above(block.owners[0]) for block in self.unsigned.blocks]
        if isinstance(self.denial, Nsec3):
            found = _hashed_segments(self, self.denial, apex, cuts, executor)
        else:
            found = _listed_segments(self.unsigned, apex, cuts)
        for segment in found:
            yield segment if self.earlier is None else replace(segment, earlier=_earlier_nodes(self.earlier, segment))

    def run(
        self,
        work: Callable[[Recipe, Segment], _Made],
        segments: Iterable[Segment],
        *,
        executor: Executor | None,
    ) -> Iterator[_Made]:
        """Yield what ``work`` makes of each segment, in order.

        Raises:
            SigningError: the processes of the executor cannot be sent what it takes.
        """
        try:
            yield from done_in_order(functools.partial(work, self.recipe), segments, executor)
        except (pickle.PicklingError, TypeError, AttributeError):
            if executor is None or _can_travel(self.recipe):
                raise
            raise SigningError(
                "a signer cannot be pickled, and so not be sent to the processes of the executor",
                remedy="sign without an executor, or with one of threads",
            ) from None


@dataclass(frozen=True, slots=True)
class _Lasting:
    """Which signatures of an earlier signing stay; none where no key is of both signings.

    Attributes:
        signers: the present keys that the earlier zone published too.
        now: seconds since 1970.
        refresh_seconds: how long before its expiration a signature is made anew.
    """

    signers: frozenset[Signer]
    now: int
    refresh_seconds: int

    @classmethod
    def of(cls, keys: Sequence[SigningKey], reuse: Reuse | None) -> _Lasting:
        """What ``reuse`` comes to with these keys."""
        published = None if reuse is None else reuse.previous.get("@", rd.DNSKEY)
        if reuse is None or published is None:
            return cls(frozenset(), 0, 0)
        # Only where no other key shared the tag is it certain that this very key made a signature.
        before = keys_by_signer(published.rdatas)
        signers = frozenset(
            signer for key in keys if before.get(signer := (key.algorithm.value, key.key_tag)) == (key.dnskey_rdata,)
        )
        return cls(signers, epoch_seconds(reuse.now), -(-reuse.signatures_refresh // timedelta(seconds=1)))

    def keeps(self, record: Record, pen: _Pen, before_times: bytes) -> bool:
        """Whether a signature stays over an RRset, of which ``before_times`` is what this pen's have."""
        times_at, signature_at = len(before_times), len(record) - pen.signature_octets
        expiration, inception = _TIMES.unpack_from(record, times_at)
        tag_at = times_at + _TIMES.size
        tag_and_signer = record[tag_at : tag_at + 2] + record[tag_at + 2 : signature_at].lower()
        return (
            pen.signer in self.signers
            and record.startswith(before_times)
            and tag_and_signer == pen.after_times
            and self._lasts(inception, expiration)
        )

    def keeps_all(self, records: bytes, pen: _Pen, all_before_times: Sequence[bytes]) -> bool:
        """Whether these records are signatures of this pen that stay, one for each of ``all_before_times``, in order.

        It may be False where a signer is not spelled in lower case.
        """
        if not all_before_times:
            return not records
        length = len(all_before_times[0]) + _TIMES.size + len(pen.after_times) + pen.signature_octets
        if pen.signer not in self.signers or len(records) != length * len(all_before_times):
            return False
        layout = f">{len(all_before_times[0])}sII{len(pen.after_times)}s{pen.signature_octets}x"
        cut = struct.iter_unpack(layout, records)
        for before_times, (begin, expiration, inception, end) in zip(all_before_times, cut, strict=True):
            if begin != before_times or end != pen.after_times or not self._lasts(inception, expiration):
                return False
        return True

    def _lasts(self, inception: int, expiration: int) -> bool:
        """Whether a signature has begun, has not expired, and does not within the time in which it is made anew."""
        return (
            not serial_before(self.now, inception)
            and serial_before(self.now, expiration)
            and (expiration - self.now) % 2**32 > self.refresh_seconds
        )


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that the signatures of a segment depend on besides the segment; this is what travels to a worker process."""

    apex: WireName
    denial: Denial
    denial_ttl: int
    zone_pens: tuple[_Pen, ...]
    dnskey_pens: tuple[_Pen, ...]
    published: PublishedKeys
    since: int
    lasting: _Lasting

    def pens_for(self, status: NameStatus, rdtype: int) -> tuple[_Pen, ...]:
        """The keys that sign this RRset; none where it is not authoritative (RFC 4035 section 2.2)."""
        if status is NameStatus.AUTHORITATIVE and rdtype != rd.RRSIG:
            return self.zone_pens  # nearly all there is
        if status is NameStatus.APEX and rdtype in rd.KSK_SIGNED_TYPES:
            return self.dnskey_pens
        return self.zone_pens if is_signed_here(status, rdtype) else ()

    def signatures(
        self,
        owner: WireName,
        labels: int,
        status: NameStatus,
        packed: PackedRRset,
        earlier: dict[tuple[int, int], list[Record]],
    ) -> list[Record]:
        """The RRSIG records over one RRset: reused where they may be, else made. ``owner`` is in lower case."""
        pens = self.pens_for(status, packed[0])
        if not pens:
            return []
        if earlier and earlier.get((packed[0], 0)) == packed[2]:
            return self._reused(owner, labels, packed, pens, earlier.get((rd.RRSIG, packed[0]), []))
        return _sign(owner, labels, packed, pens)

    def _reused(
        self, owner: WireName, labels: int, packed: PackedRRset, pens: tuple[_Pen, ...], earlier: list[Record]
    ) -> list[Record]:
        kept: list[Record] = []
        missing: list[_Pen] = []
        for pen in pens:
            before_times = pen.before_times(labels, packed[2][0])
            record = next((record for record in earlier if self.lasting.keeps(record, pen, before_times)), None)
            if record is None:
                missing.append(pen)
            else:
                kept.append(record)
        if missing:
            kept += _sign(owner, labels, packed, missing)
        return sorted(kept, key=rdata_of)

    def sign_owner(
        self, owner: WireName, status: NameStatus, rrsets: list[PackedRRset], earlier_nodes: dict[WireName, Node]
    ) -> Node:
        """The node of an owner with its signatures, beside those of others that it already has."""
        lowered, labels = owner.lower(), label_count(owner)
        if not earlier_nodes and status is NameStatus.AUTHORITATIVE and rd.RRSIG not in map(_TYPE_OF, rrsets):
            pens = self.zone_pens  # nearly all there is: nothing to reuse, and nothing of others
            made = [(rd.RRSIG, rrset[0], _sign(lowered, labels, rrset, pens)) for rrset in rrsets]
            return join_node([*rrsets, *made])
        earlier_node = earlier_nodes.get(lowered)
        if earlier_node is not None and self._stays_whole(labels, status, rrsets, earlier_node):
            return earlier_node
        earlier = {} if earlier_node is None else {found[:2]: found[2] for found in split_node(earlier_node)}
        signed: list[PackedRRset] = []
        foreign: dict[int, list[Record]] = {}
        for rrset in rrsets:
            if rrset[0] == rd.RRSIG:
                foreign[rrset[1]] = rrset[2]
            else:
                signed.append(rrset)
        for rrset in tuple(signed):
            made_anew = self.signatures(lowered, labels, status, rrset, earlier)
            if made_anew and rrset[0] in foreign:
                made_anew = sorted(made_anew + self.staying(foreign[rrset[0]], view_rrset(owner, rrset)), key=rdata_of)
            if made_anew:
                signed.append((rd.RRSIG, rrset[0], made_anew))
        return join_node(signed)

    def _stays_whole(self, labels: int, status: NameStatus, rrsets: list[PackedRRset], earlier_node: Node) -> bool:
        """Whether an earlier node has just these RRsets, and over each one signature, which stays.

        So nearly all nodes of a zone that is signed again are found without being taken apart. It may be False of a node
        that stays all the same: one with several signatures over an RRset, or the apex.
        """
        if len(self.zone_pens) != 1 or status is NameStatus.APEX:
            return False
        pen = self.zone_pens[0]
        before = after = b""
        starts: list[bytes] = []
        for rdtype, _, records in sorted(rrsets):
            if rdtype == rd.RRSIG:
                return False
            if rdtype < rd.RRSIG:
                before += b"".join(records)
            else:
                after += b"".join(records)
            if self.pens_for(status, rdtype):
                starts.append(pen.before_times(labels, records[0]))
        start, stop = len(before), len(earlier_node) - len(after)
        return (
            start <= stop
            and earlier_node.startswith(before)
            and earlier_node.endswith(after)
            and self.lasting.keeps_all(earlier_node[start:stop], pen, starts)
        )

    def staying(self, rrsigs: list[Record], over: RRset) -> list[Record]:
        """Those RRSIGs of others that may stay, with the TTL of what they cover (RFC 4034 section 3)."""
        return [
            with_ttl(record, over.ttl)
            for record in rrsigs
            if self.published.may_stay(rdata_of(record), over, self.since)
        ]


def _check_zone_keys(
    zone: Zone, keys: Sequence[SigningKey], silent: Sequence[DnskeyHolder], foreign: ForeignRecords
) -> None:
    apex = name_text(zone.apex)
    if not keys:
        raise SigningError(f"{apex}: there is no key to sign with", remedy="give a KSK and a ZSK, or a CSK")
    for owner in (_common_owner(keys), *(key.owner for key in silent)):
        if order_key(owner) != order_key(zone.apex):
            raise SigningError(
                f"{apex}: the keys belong to {name_text(owner)}", remedy="give the keys that were made for this zone"
            )
    rdatas = [key.dnskey_rdata for key in keys]
    if len(set(rdatas)) < len(rdatas):
        raise SigningError(f"{apex}: the same key is given twice", remedy="drop one")
    before = None if foreign is ForeignRecords.DROP else zone.get("@", rd.DNSKEY)
    for collision in key_tag_collisions((*(() if before is None else dnskeys_of(before)), *keys, *silent)):
        raise collision
    for key in silent:
        rdata = key.dnskey_rdata
        if int.from_bytes(rdata[:2], "big") & (ZONE_KEY_FLAG | REVOKE_FLAG) != ZONE_KEY_FLAG:
            raise SigningError(
                f"{apex}: DNSKEY {key_tag(rdata)} is not a zone key, or revoked",
                remedy="publish keys that validators use",
                rule="RFC 4034 section 2.1.1",
            )
        if rdata[3] in frozenset(Algorithm):
            check_public_key(rdata[3], rdata[4:])
    for algorithm in sorted({key.algorithm for key in keys}):
        of_algorithm = [key for key in keys if key.algorithm == algorithm]
        for needed, there in (
            ("KSK", any(key.signs_dnskey for key in of_algorithm)),
            ("ZSK", any(key.signs_zone for key in of_algorithm)),
        ):
            if not there:
                raise SigningError(
                    f"{apex}: algorithm {algorithm.name} has no {needed}",
                    remedy=f"add a {needed}, or give the key the role CSK",
                    rule="RFC 4035 section 2.2",
                )


def _common_owner(keys: Sequence[SigningKey]) -> WireName:
    owners = {key.owner.lower(): key.owner for key in keys}
    if len(owners) > 1:
        names = " and ".join(sorted(name_text(owner) for owner in owners.values()))
        raise SigningError(f"the keys belong to different zones: {names}", remedy="give the keys of one zone alone")
    return keys[0].owner


_SIGNER_TEST: Final = b"zonekit asks a signer for one signature before it signs a zone"


def check_signers(keys: Iterable[SigningKey]) -> None:
    """Check that each key's signer signs for its DNSKEY; a key that holds its private key was checked when it was made.

    Raises:
        SigningError: a signer elsewhere fails, or its signature is not good by the DNSKEY.
    """
    for key in keys:
        if isinstance(key.signer, LocalSigner):
            continue
        place = f"{name_text(key.owner)}: the signer of key {key.key_tag} (algorithm {int(key.algorithm)})"
        try:
            signature = key.signer.sign(_SIGNER_TEST)
        except Exception as error:  # whatever an HSM's library raises; its text might hold anything
            raise SigningError(f"{place} failed: {type(error).__name__}", remedy=_SEE_THE_LOG) from None
        is_octets = isinstance(signature, bytes)
        if not is_octets or not verify_signature(key.algorithm, key.public_key, signature, _SIGNER_TEST):
            raise SigningError(
                f"{place} does not sign for this DNSKEY",
                remedy="check that it uses the private key of this DNSKEY and returns the RRSIG form of the signature",
            )


_REDONE: Final = DENIAL_TYPES | {rd.RRSIG}
_RRSIG_HEADER: Final = HEADER.pack(rd.RRSIG, CLASS_IN, 0, 0)[:4]
_REDONE_HEADERS: Final = tuple(HEADER.pack(rdtype, CLASS_IN, 0, 0)[:4] for rdtype in sorted(_REDONE))


def _without_old_signatures(zone: Zone, ours: Collection[Signer], foreign: ForeignRecords) -> Zone:
    """The zone without denial records and without our signatures, which are made anew, and perhaps those of others."""

    def bare(node: Node, redone: frozenset[int] = _REDONE) -> Node:
        rrsets = split_node(node)
        if all(rrset[0] not in redone for rrset in rrsets):
            return node
        data = [rrset for rrset in rrsets if rrset[0] not in redone]
        signed_types = {rrset[0] for rrset in data} - {rd.ZONEMD}
        theirs = [
            (rd.RRSIG, covers, [record for record in records if signer_of(rdata_of(record)) not in ours])
            for rdtype, covers, records in rrsets
            if rdtype == rd.RRSIG and covers in signed_types and foreign is ForeignRecords.KEEP
        ]
        return join_node([*data, *(rrset for rrset in theirs if rrset[2])])

    blocks: list[Block] = []
    for block in zone.blocks:
        # A search through all octets of a block spares most that were never signed the look at each owner.
        octets = b"".join(block.nodes)
        if not any(header in octets for header in _REDONE_HEADERS):
            blocks.append(block)
            continue
        nodes = tuple(map(bare, block.nodes))
        if all(nodes):
            blocks.append(Block(block.owners, nodes))
        elif any(nodes):
            pairs = [pair for pair in zip(block.owners, nodes, strict=True) if pair[1]]
            blocks.extend(cut_blocks(pairs))
    return Zone.from_blocks(zone.apex, bare(zone.apex_node, _REDONE | {rd.NSEC3PARAM}), blocks)


def _without_foreign_keys(zone: Zone, own: RRset) -> Zone:
    """The zone without the DNSKEYs of others, and without CDS and CDNSKEY records that ask for the DS of one."""
    published = zone.get("@", rd.DNSKEY)
    if published is None:
        return zone
    foreign = [rdata for rdata in published.rdatas if rdata not in own.rdatas]
    zone = zone.remove("@", rd.DNSKEY)
    for rdtype in (rd.CDS, rd.CDNSKEY):
        asking = zone.get("@", rdtype)
        if asking is not None:
            zone = zone.remove("@", rdtype)
            left = tuple(rdata for rdata in asking.rdatas if not asks_for(rdtype, rdata, zone.apex, foreign))
            if left:
                zone = zone.replace(RRset(owner=asking.owner, rdtype=rdtype, ttl=asking.ttl, rdatas=left))
    # With the TTL that the RRset had: it is what caches may hold it for.
    return zone.replace(own.with_ttl(published.ttl))


def _with_unsigned(zone: Zone, rrset: RRset) -> Zone:
    """The zone with an RRset in place of another, and without the signatures over that."""
    if zone.find(rrset.owner, rd.RRSIG, rrset.rdtype) is not None:
        zone = zone.remove(from_wire_name(rrset.owner), rd.RRSIG, rrset.rdtype)
    return zone.replace(rrset)


def _with_apex_records(zone: Zone, own: RRset, denial: Denial) -> Zone:
    """The zone with its DNSKEY RRset and, for NSEC3, its NSEC3PARAM RRset."""
    published = zone.get("@", rd.DNSKEY)
    dnskeys = own if published is None else union(published, own)
    if dnskeys != published:
        zone = _with_unsigned(zone, dnskeys)
    if isinstance(denial, Nsec3):
        # TTL 0: no resolver asks for it, and a secondary that does wants the present one (RFC 5155 section 4).
        zone = zone.replace(RRset(owner=zone.apex, rdtype=rd.NSEC3PARAM, ttl=Ttl(0), rdatas=(denial.param_rdata(),)))
    return zone


# -- the segments of a zone


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of owners that is signed on its own: of consecutive names, and of consecutive NSEC3 records among them.

    Attributes:
        owners: the names.
        nodes: their packed records.
        is_apex: whether this is the apex, which stands alone.
        cut: the topmost delegation or DNAME above the first name.
        following: the name that the NSEC of the last name leads to; nothing where the denial is NSEC3.
        links: the links of the NSEC3 chain that stand among the names, in order.
        next_link: the one that the last of them leads to.
        earlier: what these owners had in the version whose signatures may stay.
    """

    owners: tuple[WireName, ...]
    nodes: tuple[Node, ...]
    is_apex: bool = False
    cut: WireName | None = None
    following: WireName = b""
    links: tuple[Link, ...] = ()
    next_link: Link = b""
    earlier: dict[WireName, Node] = field(default_factory=dict)

    def walk(self) -> Iterator[tuple[WireName, NameStatus, list[PackedRRset]]]:
        """Yield each name with what it is and its RRsets."""
        if self.is_apex:
            yield self.owners[0], NameStatus.APEX, split_node(self.nodes[0])
        else:
            yield from walk_block(Block(self.owners, self.nodes), self.cut)


def _listed_segments(zone: Zone, apex: Segment, cuts: Sequence[WireName | None]) -> Iterator[Segment]:
    """The apex and the blocks, each with the name that its NSEC chain goes on with."""
    following = [zone.apex]
    for block, cut in zip(reversed(zone.blocks), reversed(cuts), strict=True):
        if cut is None:
            first: WireName | None = block.owners[0]
        else:
            walked = walk_block(block, cut)
            first = next((owner for owner, status, _ in walked if status is not NameStatus.OCCLUDED), None)
        following.append(following[-1] if first is None else first)
    after = reversed(following)
    yield replace(apex, following=next(after))
    for block, cut in zip(zone.blocks, cuts, strict=True):
        yield Segment(block.owners, block.nodes, cut=cut, following=next(after))


def _hashed_segments(
    prepared: PreparedZone, denial: Nsec3, apex: Segment, cuts: Sequence[WireName | None], executor: Executor | None
) -> Iterator[Segment]:
    """The apex, and the names with the NSEC3 records among them; no segment has more than a block's of either."""
    zone = prepared.unsigned
    blocks = [Segment(block.owners, block.nodes, cut=cut) for block, cut in zip(zone.blocks, cuts, strict=True)]
    links, _ = _links_of(prepared.recipe, apex)
    empty: dict[WireName, WireName] = {}
    for more, names in prepared.run(_links_of, blocks, executor=executor):
        links += more
        # What stands above the first name of a block may be among the names of another one.
        empty |= {name.lower(): name for name in names if zone.node(name) is None}
    links += [denial.link(name, rd.type_bitmap(())) for name in empty.values()]
    chain = order_links(links, zone.apex)
    chain_ends = (*chain, chain[0])

    def run_of(owners: tuple[WireName, ...], nodes: tuple[Node, ...], start: int, stop: int) -> Segment:
        cut = zone.cut_above(owners[0]) if owners else None
        return Segment(owners, nodes, cut=cut, links=tuple(chain[start:stop]), next_link=chain_ends[stop])

    yield apex
    place = 0
    for index in range(-1, len(blocks)):
        owners, nodes = (blocks[index].owners, blocks[index].nodes) if index >= 0 else ((), ())
        following = blocks[index + 1].owners[0] if index + 1 < len(blocks) else None
        end = len(chain) if following is None else _place_in(chain, following, zone.apex)
        begun = 0
        while end - place > BLOCK_OWNERS:
            stop = place + BLOCK_OWNERS
            reached = bisect.bisect_left(owners, order_key(link_owner(chain[stop], zone.apex)), key=order_key)
            yield run_of(owners[begun:reached], nodes[begun:reached], place, stop)
            begun, place = reached, stop
        if begun < len(owners) or place < end:
            yield run_of(owners[begun:], nodes[begun:], place, end)
        place = end


def _place_in(chain: Sequence[Link], name: WireName, apex: WireName) -> int:
    """How many links have owners before a name."""
    return bisect.bisect_left(chain, order_key(name), key=lambda link: order_key(link_owner(link, apex)))


def _links_of(recipe: Recipe, segment: Segment) -> tuple[list[Link], list[WireName]]:
    """The links of an NSEC3 chain for these names, and the names above them that are not among them."""
    denial = recipe.denial
    assert isinstance(denial, Nsec3)
    links: list[Link] = []
    names: list[WireName] = []
    for owner, status, rrsets in segment.walk():
        if status is NameStatus.OCCLUDED:
            continue
        if denial.opt_out is OptOut.OFF or not is_insecure_delegation(status, rrsets):
            links.append(denial.link(owner, nsec3_bitmap(status, rrsets)))
            names.append(owner)
    return links, list(missing_ancestors(names, recipe.apex))


def _earlier_nodes(earlier: Zone, segment: Segment) -> dict[WireName, Node]:
    """What the owners of a segment had before."""
    if segment.is_apex:
        return {earlier.apex.lower(): earlier.apex_node}
    owners = list(segment.owners[:1] + segment.owners[-1:])
    owners += [link_owner(link, earlier.apex) for link in segment.links[:1] + segment.links[-1:]]
    nodes = earlier.nodes_between(min(owners, key=order_key), max(owners, key=order_key))
    found = {owner.lower(): node for owner, node in itertools.islice(nodes, _MOST_EARLIER)}
    if len(found) < _MOST_EARLIER:
        return found
    # Much that is there no more: what goes to a worker is what there still is.
    wanted = {owner.lower() for owner in segment.owners}
    wanted |= {link_owner(link, earlier.apex).lower() for link in segment.links}
    found = {owner: node for owner, node in found.items() if owner in wanted}
    return found | {owner.lower(): node for owner, node in nodes if owner.lower() in wanted}


def sign_segment(recipe: Recipe, segment: Segment) -> Block:
    """Return the owners of a segment with their signatures and their denial."""
    if isinstance(recipe.denial, Nsec3):
        pairs = _sign_names(recipe, segment)
        if segment.links:
            chain = _sign_chain(recipe, recipe.denial, segment)
            pairs = list(_joined(sorted([*pairs, *chain], key=_owner_order))) if pairs else chain
    else:
        pairs = _sign_listed_names(recipe, segment)
    owners, nodes = zip(*pairs, strict=True)
    return Block(owners, nodes)


def _sign_and_tell(recipe: Recipe, segment: Segment) -> tuple[Block, frozenset[int]]:
    """A segment signed, and the key tags in its signatures."""
    block = sign_segment(recipe, segment)
    return block, signed_key_tags(segment, block)


def signed_key_tags(segment: Segment, signed: Block) -> frozenset[int]:
    """Return the key tags in the signatures of a segment that was signed."""
    octets = b"".join(segment.nodes)
    if segment.earlier or _RRSIG_HEADER in octets:
        return frozenset(signature_tags(signed.nodes))
    # Every signature was just made, and each RRset has one by every key: the first owner that has any tells.
    found = (signature_tags([node]) for node in signed.nodes)
    return frozenset(next(filter(None, found), ()))


def _sign_listed_names(recipe: Recipe, segment: Segment) -> list[tuple[WireName, Node]]:
    """The names with the NSEC records that list them."""
    signed: list[tuple[WireName, Node]] = []
    next_name = segment.following
    for owner, status, rrsets in reversed(list(segment.walk())):
        if status is NameStatus.OCCLUDED:
            signed.append(_occluded(owner, rrsets))
            continue
        rdtypes = types_to_list(status, rrsets)
        record = nsec_record(next_name, (*rdtypes, rd.RRSIG, rd.NSEC), recipe.denial_ttl)
        next_name = owner
        signed.append((owner, recipe.sign_owner(owner, status, [*rrsets, (rd.NSEC, 0, [record])], segment.earlier)))
    signed.reverse()
    return signed


def _sign_names(recipe: Recipe, segment: Segment) -> list[tuple[WireName, Node]]:
    """The names, whose denial stands elsewhere."""
    return [
        _occluded(owner, rrsets)
        if status is NameStatus.OCCLUDED
        else (owner, recipe.sign_owner(owner, status, rrsets, segment.earlier))
        for owner, status, rrsets in segment.walk()
    ]


def _occluded(owner: WireName, rrsets: Iterable[PackedRRset]) -> tuple[WireName, Node]:
    """A name below a delegation or a DNAME, where nothing is signed."""
    return owner, join_node([rrset for rrset in rrsets if rrset[0] != rd.RRSIG])


def _sign_chain(recipe: Recipe, denial: Nsec3, segment: Segment) -> list[tuple[WireName, Node]]:
    """The NSEC3 records of a segment."""
    records = nsec3_records(denial, recipe.apex, segment.links, segment.next_link, recipe.denial_ttl)
    if segment.earlier:
        status = NameStatus.AUTHORITATIVE
        return [
            (owner, recipe.sign_owner(owner, status, [(rd.NSEC3, 0, [record])], segment.earlier))
            for owner, record in records
        ]
    labels, pens = label_count(recipe.apex) + 1, recipe.zone_pens

    def signed(owner: WireName, record: Record) -> Node:
        return b"".join([*_sign(owner.lower(), labels, (rd.NSEC3, 0, [record]), pens), record])  # RRSIG is before NSEC3

    return [(owner, signed(owner, record)) for owner, record in records]


def _owner_order(pair: tuple[WireName, Node]) -> bytes:
    return order_key(pair[0])


def _joined(pairs: Iterable[tuple[WireName, Node]]) -> Iterator[tuple[WireName, Node]]:
    """Pairs in order, with one for each owner: the owner of an NSEC3 may be a name of the zone as well."""
    held: tuple[WireName, Node] | None = None
    for pair in pairs:
        if held is None:
            held = pair
        elif held[0].lower() == pair[0].lower():
            held = (held[0], join_node([*split_node(held[1]), *split_node(pair[1])]))
        else:
            yield held
            held = pair
    if held is not None:
        yield held


def _can_travel(recipe: Recipe) -> bool:
    try:
        pickle.dumps(recipe)
    except Exception:  # pickle.PicklingError, TypeError, AttributeError, and what a signer of somebody else's raises
        return False
    return True


# -- ZONEMD


def _with_zonemd(zone: Zone, recipe: Recipe, earlier: Zone | None) -> Zone:
    zonemd = current_zonemd(zone)
    if zonemd is None:
        return zone
    held = {} if earlier is None else {found[:2]: found[2] for found in split_node(earlier.apex_node)}
    apex = zone.apex
    made = recipe.signatures(apex.lower(), label_count(apex), NameStatus.APEX, pack_rrset(zonemd), held)
    return zone.replace(zonemd, view_rrset(apex, (rd.RRSIG, rd.ZONEMD, made)))
