"""Whose keys are whose in what was seen, and what they sign: both operators' sides of a transfer.

Each zone may publish keys of the other. A key belongs to the zone that it signs; one that signs nothing, to the only zone
that has it, or to whom it is known to be of. One that nobody can tell is taken for the losing operator's, whose keys the
gaining zone has to publish in any case; so is one that signs both zones, as where a gaining server still answers with the
losing zone. One that signs nothing, and that the gaining zone alone has and a DS leads to, is nobody's: it may be a gaining
key that stands by, or the losing KSK that the losing zone has dropped.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from zonekit import rdata as rd
from zonekit.dnskeys import Dnskey, dnskeys_of, signer_of
from zonekit.ds import matches_ds
from zonekit.keys import DNSKEY_PROTOCOL
from zonekit.names import WireName, name_text
from zonekit.nodes import HEADER_OCTETS
from zonekit.signatures import Signer, verify_rrset
from zonekit.transfer.sightings import Sighting, Unseen
from zonekit.transfer.versions import SIGNING_ALGORITHMS, Source
from zonekit.zones import RRset, Zone

_OPERATORS: Final = (Source.LOSING, Source.GAINING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One operator's side, as far as it was seen.

    Attributes:
        source: whose side it is.
        zone: its zone; None where none was seen.
        keys: the keys in its DNSKEY RRset that validators use, whoever's they are.
        own: the keys of this operator, in its zone or known from elsewhere.
        nobodys: the keys in its zone of which it is not known whose they are.
        signing_dnskey: the keys, whoever's they are, that a signature over its DNSKEY RRset names, whether that is good or not.
        dnskey_signers: those of them whose signature over it is good.
        signer_sets: by which keys each RRset of its zone but DNSKEY, CDS and CDNSKEY is signed: each set of signers that there is.
    """

    source: Source
    zone: Zone | None
    keys: tuple[Dnskey, ...] = ()
    own: tuple[Dnskey, ...] = ()
    nobodys: tuple[Dnskey, ...] = ()
    signing_dnskey: tuple[Dnskey, ...] = ()
    dnskey_signers: tuple[Dnskey, ...] = ()
    signer_sets: frozenset[frozenset[Signer]] = frozenset()

    @property
    def data_signers(self) -> frozenset[Signer]:
        """The signers of anything but DNSKEY, CDS and CDNSKEY."""
        return frozenset().union(*self.signer_sets)

    @property
    def own_signers(self) -> tuple[Dnskey, ...]:
        """Its own keys with a good signature over its DNSKEY RRset."""
        return tuple(key for key in self.dnskey_signers if key in self.own)

    @property
    def sep_keys(self) -> tuple[Dnskey, ...]:
        """What the parent may have a DS of: its keys that sign its DNSKEY RRset, or could where none was seen to.

        A ZSK that signs it beside a KSK is not among them.
        """
        named = tuple(key for key in self.signing_dnskey if key in self.own)
        return tuple(key for key in named if key.is_sep) or named or tuple(key for key in self.own if key.is_sep)

    @property
    def keys_for_others(self) -> tuple[Dnskey, ...]:
        """The keys that the other side has to publish: all of its own but those that are for DNSKEY RRsets alone.

        Those are the keys with the SEP flag where KSKs and ZSKs are apart: one with the flag signs the DNSKEY RRset, and none
        signs data. Merging takes those that sign nothing too (:func:`zonekit.dnskeys.keys_to_take`), in case one of them signed
        data before; in a zone with KSKs that is for its operator to know. Where its zone was not seen, what has to be published
        are the ZSKs, or what there is instead.
        """
        if self.zone is None:
            return tuple(key for key in self.own if not key.is_sep) or self.own
        has_ksk = any(key.is_sep for key in self.signing_dnskey if key in self.own)
        has_csk = any(key.is_sep and signer_of_key(key) in self.data_signers for key in self.own)
        if not self.data_signers or not has_ksk or has_csk:
            return self.own
        return tuple(key for key in self.own if not key.is_sep)

    def name_servers(self) -> frozenset[str]:
        """Return the names of the servers in its apex NS RRset, in lower case; none where no zone was seen."""
        return frozenset() if self.zone is None else servers_in(self.zone.apex_rrset(rd.NS))

    def addresses(self, server: str) -> frozenset[bytes]:
        """Return the addresses that its zone has for a name server."""
        found = [] if self.zone is None else [self.zone.get(server, rdtype) for rdtype in (rd.A, rd.AAAA)]
        return frozenset(rdata for rrset in found if rrset is not None for rdata in rrset.rdatas)


def servers_in(ns: RRset) -> frozenset[str]:
    """Return the names in an NS RRset in presentation form, in lower case."""
    return frozenset(name_text(name).lower() for name in ns.rdatas)


def sides_of(sighting: Sighting) -> dict[Source, Side]:
    """Return both sides of what was seen."""
    seen = {source: _seen(sighting, source) for source in _OPERATORS}
    signed_by = {source: {signer for signers in seen[source][2] for signer in signers} for source in _OPERATORS}
    return {source: _side(sighting, source, seen, signed_by) for source in _OPERATORS}


_SeenZone = tuple[Zone | None, tuple[Dnskey, ...], frozenset[frozenset[Signer]], set[Signer]]


def _seen(sighting: Sighting, source: Source) -> _SeenZone:
    """A zone, its keys, the sets of signers over its data, and the signers of its DNSKEY RRset."""
    zone = sighting.zone(source)
    if not isinstance(zone, Zone):
        return None, (), frozenset(), set()
    dnskeys = zone.get("@", rd.DNSKEY)
    keys = () if dnskeys is None else tuple(filter(_is_usable, dnskeys_of(dnskeys)))
    sets: set[frozenset[Signer]] = set()
    of_dnskey: set[Signer] = set()
    for _, _, rrsets in zone.walk():
        by_covered: defaultdict[int, set[Signer]] = defaultdict(set)
        for rdtype, covers, records in rrsets:
            if rdtype == rd.RRSIG:
                by_covered[covers] |= {signer_of(record[HEADER_OCTETS:]) for record in records}
        of_dnskey |= by_covered.get(rd.DNSKEY, set())
        sets |= {frozenset(found) for covers, found in by_covered.items() if covers not in rd.KSK_SIGNED_TYPES}
    return zone, keys, frozenset(sets), of_dnskey


def _is_usable(key: Dnskey) -> bool:
    """Whether validators use a key, for signatures by which zones are signed (RFC 4034 section 2.1, RFC 5011 section 2.1)."""
    return (
        key.is_zone_key
        and not key.is_revoked
        and key.protocol == DNSKEY_PROTOCOL
        and key.algorithm in SIGNING_ALGORITHMS
    )


def _side(
    sighting: Sighting,
    source: Source,
    seen: dict[Source, _SeenZone],
    signed_by: dict[Source, set[Signer]],
) -> Side:
    zone, keys, sets, of_dnskey = seen[source]
    other = Source.GAINING if source is Source.LOSING else Source.LOSING
    others_keys = seen[other][1]
    signers, others_signers = (signed_by[each] | seen[each][3] for each in (source, other))
    known, known_other = (tuple(filter(_is_usable, sighting.keys.get(each, ()))) for each in (source, other))
    own: list[Dnskey] = []
    nobodys: list[Dnskey] = []
    for key in keys:
        signs = signer_of_key(key) in signers
        signs_other = key in others_keys and signer_of_key(key) in others_signers
        if key in known:
            own.append(key)
        elif signs and signs_other:
            if source is Source.LOSING and key not in known_other:
                own.append(key)
        elif signs:
            own.append(key)
        elif key in known_other or signs_other:
            continue  # the other operator's, published here
        elif source is Source.LOSING:
            own.append(key)
        elif key not in others_keys:
            (nobodys if led_to(sighting.parent_ds, key.owner, (key,)) else own).append(key)
    own += [key for key in known if key not in own]
    everyone = tuple(dict.fromkeys((*keys, *own)))
    signing = () if zone is None else tuple(key for key in everyone if signer_of_key(key) in of_dnskey)
    return Side(
        source=source,
        zone=zone,
        keys=keys,
        own=tuple(own),
        nobodys=tuple(nobodys),
        signing_dnskey=signing,
        dnskey_signers=tuple(key for key in signing if zone is not None and _signs_dnskeys(zone, key, sighting.at)),
        signer_sets=sets,
    )


def _signs_dnskeys(zone: Zone, key: Dnskey, at: datetime) -> bool:
    """Whether a key's signature over the DNSKEY RRset is good at an instant (RFC 4035 section 5.3)."""
    dnskeys, rrsigs = zone.get("@", rd.DNSKEY), zone.signatures("@", rd.DNSKEY)
    if dnskeys is None or rrsigs is None or key.dnskey_rdata not in dnskeys.rdatas:
        return False
    return is_signed_by(key, dnskeys, rrsigs, at)


def is_signed_by(key: Dnskey, rrset: RRset, rrsigs: RRset, at: datetime) -> bool:
    """Return whether one of the signatures over an RRset is a key's, and good at an instant (RFC 4035 section 5.3)."""
    alone = RRset(owner=key.owner, rdtype=rd.DNSKEY, ttl=rrset.ttl, rdatas=(key.dnskey_rdata,))
    return verify_rrset(rrset, rrsigs, alone, now=at)


def signer_of_key(key: Dnskey) -> Signer:
    """Return what signatures name a key by."""
    return key.algorithm, key.key_tag


def led_to(ds: RRset | Unseen, apex: WireName, keys: tuple[Dnskey, ...]) -> tuple[Dnskey, ...]:
    """Return the keys that a DS of the parent leads to (RFC 4034 section 5.2)."""
    rdatas = ds.rdatas if isinstance(ds, RRset) else ()
    return tuple(key for key in keys if any(matches_ds(rdata, apex, key.dnskey_rdata) for rdata in rdatas))
