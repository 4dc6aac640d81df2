"""Signing RRsets and zones: laws over random zones, and refusals.

Beside it stand the RFCs' signatures in test_signing_vectors.py, the peers' verdicts in test_signing_peers.py, what lets an
earlier signature stay in test_reuse.py, and single corners in test_signing_details.py.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.keyring import NOW, SIGNING_ALGORITHMS, VALIDITY, csk, ksk, zsk
from tests.signed_zones import assert_signed
from tests.strategies import ORIGIN, names, rrsets, signable_zones
from zonekit import rdata as rd
from zonekit import signing as signing_module
from zonekit import zones as zones_module
from zonekit.algorithms import Algorithm
from zonekit.apex import ParentRecords, TtlScope, lower_ttls, merge_dnskeys
from zonekit.denial import Denial, Nsec, Nsec3, OptOut, denial_of, hashed_owner
from zonekit.dnskeys import parse_dnskeys
from zonekit.errors import SigningError, TimeError
from zonekit.files import write_signed_zone, write_zone
from zonekit.instants import SignatureValidity, epoch_seconds
from zonekit.keys import SigningKey, generate_csk, key_tag
from zonekit.names import from_wire_name, name_text
from zonekit.nodes import pack_record
from zonekit.signatures import verify_rrset
from zonekit.signing import Jitter, Reuse, prepare_signing, sign_rrset, sign_zone
from zonekit.ttl import Ttl
from zonekit.zones import RRset, Zone

KEYS = (ksk(), zsk())
DENIALS: tuple[Denial, ...] = (
    Nsec(),
    Nsec3(),
    Nsec3(opt_out=OptOut.ON),
    Nsec3(iterations=3, salt=b"\xaa\xbb"),
)
denials = st.sampled_from(DENIALS)


def small_zone(*more: RRset) -> Zone:
    return Zone.from_rrsets(
        "example.nl",
        [
            RRset.from_text("example.nl.", 3600, "SOA", "ns1.example.net. admin.example.nl. 7 7200 3600 1209600 300"),
            RRset.from_text("example.nl.", 86400, "NS", "ns1.example.net.", "ns2.example.net."),
            RRset.from_text("www.example.nl.", 3600, "A", "192.0.2.1"),
            *more,
        ],
    )


# ---- one RRset ------------------------------------------------------------------------------------------------------


@given(names(ORIGIN).flatmap(rrsets), st.sampled_from(SIGNING_ALGORITHMS))
def test_what_is_signed_verifies(rrset: RRset, algorithm: Algorithm) -> None:
    key = zsk(algorithm)
    rrsigs = sign_rrset(rrset, [key], validity=VALIDITY)
    dnskeys = RRset(owner=ORIGIN, rdtype=rd.DNSKEY, ttl=rrset.ttl, rdatas=(key.dnskey_rdata,))
    assert verify_rrset(rrset, rrsigs, dnskeys, now=NOW)
    assert verify_rrset(rrset.with_ttl(0), rrsigs, dnskeys, now=NOW)


@given(names(ORIGIN).flatmap(rrsets), st.data())
def test_a_signature_is_good_for_nothing_else(rrset: RRset, data: st.DataObject) -> None:
    key = zsk()
    rrsigs = sign_rrset(rrset, [key], validity=VALIDITY)
    dnskeys = RRset(owner=ORIGIN, rdtype=rd.DNSKEY, ttl=rrset.ttl, rdatas=(key.dnskey_rdata,))
    others = RRset(owner=ORIGIN, rdtype=rd.DNSKEY, ttl=rrset.ttl, rdatas=(ksk().dnskey_rdata,))
    flipped = bytearray(rrsigs.rdatas[0])
    flipped[data.draw(st.integers(18 + len(ORIGIN), len(flipped) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    forged = RRset(owner=rrsigs.owner, rdtype=rd.RRSIG, ttl=rrsigs.ttl, rdatas=(bytes(flipped),), covers=rrset.rdtype)
    assert not verify_rrset(rrset, forged, dnskeys, now=NOW)
    assert not verify_rrset(rrset, rrsigs, others, now=NOW)
    assert not verify_rrset(rrset, rrsigs, dnskeys, now=VALIDITY.inception - timedelta(seconds=1))
    assert not verify_rrset(rrset, rrsigs, dnskeys, now=VALIDITY.expiration + timedelta(seconds=1))
    assert verify_rrset(rrset, rrsigs, dnskeys, now=VALIDITY.inception)
    assert verify_rrset(rrset, rrsigs, dnskeys, now=VALIDITY.expiration)
    if rrset.ttl < 2**31 - 1:
        assert not verify_rrset(rrset.with_ttl(rrset.ttl + 1), rrsigs, dnskeys, now=NOW)


def test_a_wildcard_answer_verifies_under_the_name_that_was_asked_for() -> None:
    wildcard = RRset.from_text("*.example.nl.", 300, "A", "192.0.2.9")
    rrsigs = sign_rrset(wildcard, [zsk()], validity=VALIDITY)
    dnskeys = RRset(owner=ORIGIN, rdtype=rd.DNSKEY, ttl=300, rdatas=(zsk().dnskey_rdata,))
    expanded = RRset.from_text("a.b.example.nl.", 300, "A", "192.0.2.9")
    moved = RRset(owner=expanded.owner, rdtype=rd.RRSIG, ttl=300, rdatas=rrsigs.rdatas, covers=rd.A)
    assert verify_rrset(expanded, moved, dnskeys, now=NOW)
    other = RRset.from_text("a.b.example.nl.", 300, "A", "192.0.2.10")
    assert not verify_rrset(other, moved, dnskeys, now=NOW)


def test_names_in_data_are_signed_in_lower_case() -> None:
    upper = RRset.from_text("WWW.example.nl.", 300, "MX", "10 MAIL.example.NL.")
    lower = RRset.from_text("www.example.nl.", 300, "MX", "10 mail.example.nl.")
    assert sign_rrset(upper, [zsk()], validity=VALIDITY).rdatas == sign_rrset(lower, [zsk()], validity=VALIDITY).rdatas


def test_rrsigs_are_not_signed() -> None:
    rrsigs = sign_rrset(RRset.from_text("example.nl.", 300, "A", "192.0.2.1"), [zsk()], validity=VALIDITY)
    with pytest.raises(SigningError, match=r"RRSIGs are not signed .*RFC 4035 section 2\.2"):
        sign_rrset(rrsigs, [zsk()], validity=VALIDITY)


def test_an_rrset_outside_the_zone_is_not_signed() -> None:
    with pytest.raises(SigningError, match=r"www\.example\.org\. is outside the zone of the keys, example\.nl\."):
        sign_rrset(RRset.from_text("www.example.org.", 300, "A", "192.0.2.1"), [zsk()], validity=VALIDITY)


def test_signing_with_no_key_is_refused() -> None:
    with pytest.raises(SigningError, match="no key to sign with"):
        sign_rrset(RRset.from_text("example.nl.", 300, "A", "192.0.2.1"), [], validity=VALIDITY)


def test_a_naive_instant_is_refused() -> None:
    rrset = RRset.from_text("example.nl.", 300, "A", "192.0.2.1")
    rrsigs = sign_rrset(rrset, [zsk()], validity=VALIDITY)
    with pytest.raises(TimeError, match="no time zone"):
        verify_rrset(rrset, rrsigs, rrset, now=datetime(2026, 11, 21))


# ---- signers elsewhere ----------------------------------------------------------------------------------------------


class FakeHsm:
    """A signer that is not LocalSigner, as one in an HSM would be."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key
        self.calls = 0

    def sign(self, data: bytes) -> bytes:
        self.calls += 1
        return self._key.signer.sign(data)


class BrokenHsm:
    def sign(self, data: bytes) -> bytes:
        raise RuntimeError("PIN 1234 is wrong")


def with_signer(key: SigningKey, signer: object) -> SigningKey:
    return SigningKey(
        owner=key.owner,
        algorithm=key.algorithm,
        flags=key.flags,
        public_key=key.public_key,
        role=key.role,
        signer=signer,  # type: ignore[arg-type]
    )


def test_a_key_in_an_hsm_signs_like_any_other() -> None:
    hsm = FakeHsm(zsk())
    signed = sign_zone(small_zone(), [ksk(), with_signer(zsk(), hsm)], validity=VALIDITY)
    assert signed == sign_zone(small_zone(), KEYS, validity=VALIDITY)
    assert hsm.calls > 0


def test_a_signer_that_does_not_fit_its_dnskey_is_refused() -> None:
    with pytest.raises(SigningError, match="does not sign for this DNSKEY"):
        sign_zone(small_zone(), [ksk(), with_signer(zsk(), FakeHsm(ksk()))], validity=VALIDITY)


@pytest.mark.parametrize("answer", [None, "x" * 64, bytearray(64), b"", bytes(63)], ids=repr)
def test_a_signer_that_returns_no_signature_is_refused(answer: object) -> None:
    class Odd:
        """Signs well once, to pass the first question."""

        def __init__(self) -> None:
            self.asked = 0

        def sign(self, data: bytes) -> bytes:
            self.asked += 1
            return zsk().signer.sign(data) if self.asked == 1 else answer  # type: ignore[return-value]

    with pytest.raises(SigningError, match="what came back is not 64 octets of signature"):
        sign_zone(small_zone(), [ksk(), with_signer(zsk(), Odd())], validity=VALIDITY)
    with pytest.raises(SigningError, match="does not sign for this DNSKEY"):
        sign_zone(
            small_zone(),
            [ksk(), with_signer(zsk(), type("Always", (), {"sign": lambda _, __: answer})())],
            validity=VALIDITY,
        )


def test_a_dnskey_that_is_revoked_or_of_another_protocol_verifies_nothing() -> None:
    rrset = RRset.from_text("example.nl.", 300, "A", "192.0.2.1")
    for flags, protocol, good in ((256, 3, True), (256, 2, False), (256 | 128, 3, False), (0, 3, False)):
        rdata = flags.to_bytes(2, "big") + bytes((protocol, 13)) + zsk().public_key
        made = sign_rrset(rrset, [zsk()], validity=VALIDITY).rdatas[0]
        head = made[:16] + key_tag(rdata).to_bytes(2, "big") + made[18 : 18 + len(ORIGIN)]
        signature = zsk().signer.sign(head + ORIGIN + pack_record(rd.A, 300, rrset.rdatas[0]))
        rrsigs = RRset(owner=ORIGIN, rdtype=rd.RRSIG, ttl=Ttl(300), rdatas=(head + signature,), covers=rd.A)
        dnskeys = RRset(owner=ORIGIN, rdtype=rd.DNSKEY, ttl=Ttl(300), rdatas=(rdata,))
        assert verify_rrset(rrset, rrsigs, dnskeys, now=NOW) is good


def test_what_a_failing_signer_says_is_not_passed_on() -> None:
    with pytest.raises(SigningError, match="failed: RuntimeError") as refusal:
        sign_zone(small_zone(), [ksk(), with_signer(zsk(), BrokenHsm())], validity=VALIDITY)
    assert "1234" not in str(refusal.value)
    assert refusal.value.__cause__ is None


# ---- a zone ---------------------------------------------------------------------------------------------------------


@given(signable_zones(), denials)
def test_a_signed_zone_is_what_the_rfcs_say(zone: Zone, denial: Denial) -> None:
    assert_signed(sign_zone(zone, KEYS, validity=VALIDITY, denial=denial), KEYS, denial, NOW)


@settings(max_examples=10)
@given(signable_zones(), denials, st.sampled_from(SIGNING_ALGORITHMS))
def test_every_algorithm_signs_zones(zone: Zone, denial: Denial, algorithm: Algorithm) -> None:
    keys = [ksk(algorithm), zsk(algorithm)]
    assert_signed(sign_zone(zone, keys, validity=VALIDITY, denial=denial), keys, denial, NOW)


@settings(max_examples=10)
@given(signable_zones(), denials)
def test_several_algorithms_sign_at_once(zone: Zone, denial: Denial) -> None:
    keys = [csk(), ksk(Algorithm.ED25519), zsk(Algorithm.ED25519), zsk(number=1)]
    assert_signed(sign_zone(zone, keys, validity=VALIDITY, denial=denial), keys, denial, NOW)


@given(signable_zones(), denials)
def test_a_csk_signs_everything(zone: Zone, denial: Denial) -> None:
    signed = sign_zone(zone, [csk()], validity=VALIDITY, denial=denial)
    assert_signed(signed, [csk()], denial, NOW)


@given(signable_zones(), denials, st.randoms(use_true_random=False))
def test_signing_twice_gives_the_same_bytes_in_any_order_of_input(
    zone: Zone, denial: Denial, shuffler: random.Random
) -> None:
    once = sign_zone(zone, KEYS, validity=VALIDITY, denial=denial)
    shuffled = list(zone.rrsets())
    shuffler.shuffle(shuffled)
    again = sign_zone(Zone.from_rrsets(zone.origin, shuffled), KEYS[::-1], validity=VALIDITY, denial=denial)
    assert list(once.nodes()) == list(again.nodes())
    assert list(sign_zone(once, KEYS, validity=VALIDITY, denial=denial).nodes()) == list(once.nodes())


@given(signable_zones(), denials, denials)
def test_changing_the_denial_leaves_nothing_of_the_old_one(zone: Zone, before: Denial, after: Denial) -> None:
    changed = sign_zone(sign_zone(zone, KEYS, validity=VALIDITY, denial=before), KEYS, validity=VALIDITY, denial=after)
    assert changed == sign_zone(zone, KEYS, validity=VALIDITY, denial=after)


@given(signable_zones(), denials)
def test_signing_changes_nothing_but_dnssec_records(zone: Zone, denial: Denial) -> None:
    signed = sign_zone(zone, KEYS, validity=VALIDITY, denial=denial)
    added = {rd.RRSIG, rd.NSEC, rd.NSEC3, rd.NSEC3PARAM, rd.DNSKEY}
    assert [rrset for rrset in signed.rrsets() if rrset.rdtype not in added] == list(zone.rrsets())


def test_a_process_pool_gives_the_same_bytes() -> None:
    hosts = [RRset.from_text(f"h{number}.example.nl.", 300, "A", "192.0.2.1") for number in range(1100)]
    cut = [
        RRset.from_text("h500.sub.example.nl.", 300, "NS", "ns.h500.sub.example.nl."),
        *[RRset.from_text(f"g{number}.h500.sub.example.nl.", 300, "A", "192.0.2.1") for number in range(1100)],
    ]
    zone = small_zone(*hosts, *cut)
    with ProcessPoolExecutor(2) as pool:
        for denial in (Nsec(), Nsec3(opt_out=OptOut.ON)):
            alone = sign_zone(zone, KEYS, validity=VALIDITY, denial=denial)
            assert list(alone.nodes()) == list(
                sign_zone(zone, KEYS, validity=VALIDITY, denial=denial, executor=pool).nodes()
            )


def test_the_dnskey_rrset_keeps_its_ttl_and_its_foreign_keys() -> None:
    foreign = ksk(number=1)
    dnskeys = RRset(owner=ORIGIN, rdtype=rd.DNSKEY, ttl=777, rdatas=(foreign.dnskey_rdata,))
    signed = sign_zone(small_zone(dnskeys), KEYS, validity=VALIDITY, dnskey_ttl=60)
    published = signed.apex_rrset(rd.DNSKEY)
    assert published.ttl == 777
    assert set(published.rdatas) == {foreign.dnskey_rdata, *(key.dnskey_rdata for key in KEYS)}
    assert sign_zone(small_zone(), KEYS, validity=VALIDITY, dnskey_ttl=60).apex_rrset(rd.DNSKEY).ttl == 60


# ---- block borders --------------------------------------------------------------------------------------------------


@given(signable_zones(max_names=12), denials, st.integers(1, 3))
def test_nothing_depends_on_where_blocks_end(zone: Zone, denial: Denial, owners: int) -> None:
    signed = sign_zone(zone, KEYS, validity=VALIDITY, denial=denial)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zones_module, "BLOCK_OWNERS", owners)
        patch.setattr(signing_module, "BLOCK_OWNERS", owners)
        cut_up = Zone.from_rrsets("example.nl", zone.rrsets())
        assert len(cut_up.blocks) >= len(zone) // (owners + 1)
        again = sign_zone(cut_up, KEYS, validity=VALIDITY, denial=denial)
        assert list(again.nodes()) == list(signed.nodes())
        assert [(owner, status) for owner, status, _ in cut_up.walk()] == [
            (owner, status) for owner, status, _ in zone.walk()
        ]
        for owner, _ in zone.nodes():
            name = from_wire_name(owner)
            while name != zone.origin:
                assert cut_up.status(name) is zone.status(name)
                name = name.parent()
        due = Reuse(previous=again, now=LATER)
        assert list(sign_zone(cut_up, KEYS, validity=LATER_VALIDITY, denial=denial, reuse=due).nodes()) == list(
            again.nodes()
        )


def test_what_is_signed_into_a_file_is_what_is_signed_and_then_written(tmp_path: Path) -> None:
    hosts = [RRset.from_text(f"h{number}.example.nl.", 300, "A", "192.0.2.1") for number in range(2100)]
    zone = small_zone(*hosts)
    with ProcessPoolExecutor(2) as pool:
        for denial in DENIALS:
            write_zone(sign_zone(zone, KEYS, validity=VALIDITY, denial=denial), tmp_path / "then written")
            prepared = prepare_signing(zone, KEYS, validity=VALIDITY, denial=denial)
            write_signed_zone(prepared, tmp_path / "in one go", executor=pool)
            assert (tmp_path / "in one go").read_bytes() == (tmp_path / "then written").read_bytes()


def test_a_signer_that_fails_on_the_way_leaves_the_old_file(tmp_path: Path) -> None:
    class FailsLater(FakeHsm):
        left = 5

        def sign(self, data: bytes) -> bytes:
            self.left -= 1
            if not self.left:
                raise OSError("the device is gone")
            return super().sign(data)

    hosts = [RRset.from_text(f"h{number}.example.nl.", 300, "A", "192.0.2.1") for number in range(9)]
    prepared = prepare_signing(
        small_zone(*hosts), [ksk(), with_signer(zsk(), FailsLater(zsk()))], validity=VALIDITY, denial=Nsec()
    )
    path = tmp_path / "signed"
    path.write_text("what was there")
    with pytest.raises(
        SigningError, match=r"example\.nl\. [A-Z]+: signing with key \d+ \(algorithm 13\) failed: OSError"
    ):
        write_signed_zone(prepared, path)
    assert path.read_text() == "what was there"
    assert list(tmp_path.iterdir()) == [path]


class CountingExecutor(Executor):
    """Runs work here and now, and counts it."""

    def __init__(self) -> None:
        self.calls = 0

    def submit(self, work: object, /, *args: object, **kwargs: object) -> Future[object]:
        assert callable(work)
        self.calls += 1
        done: Future[object] = Future()
        done.set_result(work(*args, **kwargs))
        return done


def test_the_executor_that_is_given_does_the_work() -> None:
    executor = CountingExecutor()
    sign_zone(small_zone(), KEYS, validity=VALIDITY, executor=executor)
    assert executor.calls == 1
    sign_zone(small_zone(), KEYS, validity=VALIDITY, denial=Nsec3(), executor=executor)
    assert executor.calls == 4  # once for the hashes; the NSEC3 records before the first name are a segment as well


class LocalHsm:
    """A signer that cannot leave its process, for a lock cannot be pickled."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key
        self._lock = threading.Lock()

    def sign(self, data: bytes) -> bytes:
        with self._lock:
            return self._key.signer.sign(data)


def test_a_signer_that_cannot_travel_to_a_process_is_refused() -> None:
    keys = [replace(key, signer=LocalHsm(key)) for key in KEYS]
    with (
        ProcessPoolExecutor(1) as pool,
        pytest.raises(SigningError, match=r"cannot be pickled.* or with one of threads"),
    ):
        sign_zone(small_zone(), keys, validity=VALIDITY, executor=pool)
    with ThreadPoolExecutor(1) as threads:
        assert sign_zone(small_zone(), keys, validity=VALIDITY, executor=threads) == sign_zone(
            small_zone(), KEYS, validity=VALIDITY
        )


def test_what_goes_wrong_in_an_executor_is_not_taken_for_a_signer_that_cannot_travel() -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    unsendable = [replace(key, signer=LocalHsm(key)) for key in KEYS]
    for keys in (KEYS, unsendable):
        with pytest.raises(RuntimeError, match="shutdown"):
            sign_zone(small_zone(), keys, validity=VALIDITY, executor=executor)


# ---- NSEC3 owners that are names of the zone --------------------------------------------------------------------------

APEX_HASH = name_text(hashed_owner(Nsec3().hash(ORIGIN), ORIGIN))


@pytest.mark.parametrize(
    "there",
    [
        RRset.from_text(APEX_HASH, 300, "A", "192.0.2.1"),
        RRset.from_text(APEX_HASH, 300, "CNAME", "www.example.nl."),
        RRset.from_text(APEX_HASH, 300, "NS", "ns.example.net."),
        RRset.from_text(APEX_HASH, 300, "DNAME", "example.org."),
        RRset.from_text("example.nl.", 300, "DNAME", "example.org."),
        RRset.from_text(f"below.{APEX_HASH}", 300, "A", "192.0.2.1"),
    ],
    ids=lambda rrset: rrset.text().split(" IN ")[1] + " at " + rrset.text()[:12],
)
def test_an_nsec3_is_signed_wherever_its_hash_falls(there: RRset) -> None:
    zone = small_zone(there)
    if there.type_text == "DNAME" and there.owner == ORIGIN:
        zone = zone.remove("www", "A")
    signed = sign_zone(zone, KEYS, validity=VALIDITY, denial=Nsec3())
    for step in (
        signed,
        merge_dnskeys(
            signed, parse_dnskeys(ksk(number=1)), signers=KEYS, validity=VALIDITY, parent_records=ParentRecords.PUBLISH
        ),
        lower_ttls(signed, 60, types=None, scope=TtlScope.ZONE, signers=KEYS, validity=VALIDITY).zone,
    ):
        chain = [rrset for rrset in step.rrsets() if rrset.rdtype == rd.NSEC3]
        assert chain
        for nsec3 in chain:
            rrsigs = step.signatures(nsec3.name, rd.NSEC3)
            assert rrsigs is not None
            assert verify_rrset(nsec3, rrsigs, step.apex_rrset(rd.DNSKEY), now=NOW)
            assert {int.from_bytes(rdata[4:8], "big") for rdata in rrsigs.rdatas} == {nsec3.ttl}


# ---- signatures that stay -------------------------------------------------------------------------------------------


def rrsigs_of(zone: Zone) -> dict[tuple[str, int], RRset]:
    return {
        (name_text(rrset.owner).lower(), rrset.covers): rrset for rrset in zone.rrsets() if rrset.rdtype == rd.RRSIG
    }


LATER = NOW + timedelta(days=3)
LATER_VALIDITY = SignatureValidity.starting(LATER, timedelta(days=14))


@given(signable_zones(), denials, st.booleans())
def test_nothing_due_and_nothing_changed_keeps_every_signature(zone: Zone, denial: Denial, zonemd: bool) -> None:
    if zonemd:
        zone = zone.replace(RRset.from_text("example.nl.", 300, "ZONEMD", f"7 1 1 {'00' * 48}"))
    before = sign_zone(zone, KEYS, validity=VALIDITY, denial=denial)
    after = sign_zone(zone, KEYS, validity=LATER_VALIDITY, denial=denial, reuse=Reuse(previous=before, now=LATER))
    assert list(after.nodes()) == list(before.nodes())


@given(signable_zones(), signable_zones(), denials)
def test_a_changed_zone_keeps_the_signatures_of_what_did_not_change(old: Zone, new: Zone, denial: Denial) -> None:
    before = sign_zone(old, KEYS, validity=VALIDITY, denial=denial)
    after = sign_zone(new, KEYS, validity=LATER_VALIDITY, denial=denial, reuse=Reuse(previous=before, now=LATER))
    assert_signed(after, KEYS, denial, LATER)
    kept = rrsigs_of(before)
    for (owner, covered), rrsigs in rrsigs_of(after).items():
        was, now = before.get(owner, covered), after.get(owner, covered)
        assert now is not None
        same = was is not None and list(was.rdatas) == list(now.rdatas) and was.ttl == now.ttl
        same = same and (owner, covered) in kept  # it may have been occluded then
        assert (rrsigs == kept.get((owner, covered))) is same


@given(signable_zones())
def test_signatures_within_the_refresh_time_are_made_anew(zone: Zone) -> None:
    before = sign_zone(zone, KEYS, validity=VALIDITY)
    due = VALIDITY.expiration - timedelta(days=5)
    fresh = SignatureValidity.starting(due, timedelta(days=14))
    after = sign_zone(zone, KEYS, validity=fresh, reuse=Reuse(previous=before, now=due))
    assert after == sign_zone(zone, KEYS, validity=fresh)
    a_second_earlier = Reuse(previous=before, now=due - timedelta(seconds=1))
    assert sign_zone(zone, KEYS, validity=fresh, reuse=a_second_earlier) == before


@given(signable_zones(), denials)
def test_signatures_of_a_key_that_left_are_not_kept(zone: Zone, denial: Denial) -> None:
    before = sign_zone(zone, [ksk(), zsk(number=1)], validity=VALIDITY, denial=denial)
    after = sign_zone(zone, KEYS, validity=LATER_VALIDITY, denial=denial, reuse=Reuse(previous=before, now=LATER))
    assert_signed(after, KEYS, denial, LATER)


def test_any_key_tag_is_recognised_among_signatures_to_keep() -> None:
    # A key tag is two octets, and some of those are letters.
    for _ in range(60):
        keys = [generate_csk("example.nl", algorithm=Algorithm.ED25519)]
        before = sign_zone(small_zone(), keys, validity=VALIDITY)
        after = sign_zone(small_zone(), keys, validity=LATER_VALIDITY, reuse=Reuse(previous=before, now=LATER))
        assert after == before


def altered(zone: Zone, change: Callable[[bytes], bytes], ttl: int | None = None) -> Zone:
    """The zone with its signature over www's A changed."""
    rrsigs = zone.signatures("www", "A")
    assert rrsigs is not None
    rdatas = tuple(map(change, rrsigs.rdatas))
    new_ttl = rrsigs.ttl if ttl is None else Ttl(ttl)
    return zone.replace(RRset(owner=rrsigs.owner, rdtype=rd.RRSIG, ttl=new_ttl, rdatas=rdatas, covers=rd.A))


@pytest.mark.parametrize(
    "change",
    [
        lambda zone: altered(zone, lambda rdata: rdata[:4] + (7200).to_bytes(4, "big") + rdata[8:]),
        lambda zone: altered(zone, lambda rdata: rdata[:3] + b"\x02" + rdata[4:]),
        lambda zone: altered(zone, lambda rdata: rdata[:18] + b"\x02nl\x00" + rdata[18 + len(ORIGIN) :]),
        lambda zone: altered(zone, lambda rdata: rdata, ttl=60),
        lambda zone: zone.replace(RRset(owner=ORIGIN, rdtype=rd.DNSKEY, ttl=Ttl(3600), rdatas=(ksk().dnskey_rdata,))),
    ],
    ids=["Original TTL", "labels", "signer", "TTL", "DNSKEY gone"],
)
def test_a_signature_that_no_longer_fits_is_not_kept(change: Callable[[Zone], Zone]) -> None:
    before = change(sign_zone(small_zone(), KEYS, validity=VALIDITY))
    after = sign_zone(small_zone(), KEYS, validity=LATER_VALIDITY, reuse=Reuse(previous=before, now=LATER))
    fresh = sign_zone(small_zone(), KEYS, validity=LATER_VALIDITY)
    assert after.signatures("www", "A") == fresh.signatures("www", "A")


@pytest.mark.parametrize("refresh", [timedelta(days=12), timedelta(days=30000), timedelta(days=40000)])
def test_a_refresh_time_beyond_the_validity_keeps_nothing(refresh: timedelta) -> None:
    before = sign_zone(small_zone(), KEYS, validity=VALIDITY)
    reuse = Reuse(previous=before, now=LATER, signatures_refresh=refresh)
    assert sign_zone(small_zone(), KEYS, validity=LATER_VALIDITY, reuse=reuse) == sign_zone(
        small_zone(), KEYS, validity=LATER_VALIDITY
    )


def test_signatures_that_have_not_begun_are_not_kept() -> None:
    early = SignatureValidity(inception=NOW + timedelta(days=1), expiration=NOW + timedelta(days=30))
    before = sign_zone(small_zone(), KEYS, validity=early)
    after = sign_zone(small_zone(), KEYS, validity=VALIDITY, reuse=Reuse(previous=before, now=NOW))
    assert after == sign_zone(small_zone(), KEYS, validity=VALIDITY)


# ---- what denies existence ------------------------------------------------------------------------------------------


@given(signable_zones(), denials)
def test_a_zone_keeps_the_denial_it_has(zone: Zone, denial: Denial) -> None:
    signed = sign_zone(zone, KEYS, validity=VALIDITY, denial=denial)
    assert denial_of(zone) is None
    assert denial_of(signed) == denial
    assert sign_zone(signed, KEYS, validity=VALIDITY) == signed
    assert sign_zone(zone, KEYS, validity=VALIDITY, reuse=Reuse(previous=signed, now=NOW)) == signed
    assert denial_of(sign_zone(zone, KEYS, validity=VALIDITY)) == Nsec()


def test_of_two_nsec3_chains_the_one_that_is_there_is_kept() -> None:
    salted = Nsec3(salt=b"\xaa")
    signed = sign_zone(small_zone(), KEYS, validity=VALIDITY, denial=salted)
    param = RRset(owner=ORIGIN, rdtype=rd.NSEC3PARAM, ttl=Ttl(0), rdatas=(Nsec3().param_rdata(),))
    assert denial_of(signed.add(param)) == salted


def test_a_denial_that_is_not_known_is_refused() -> None:
    zone = small_zone().replace(RRset.from_text("example.nl.", 0, "NSEC3PARAM", "2 0 0 -"))
    with pytest.raises(SigningError, match="NSEC3 hash algorithm 2 is not known; sign with NSEC"):
        sign_zone(zone, KEYS, validity=VALIDITY)
    assert_signed(sign_zone(zone, KEYS, validity=VALIDITY, denial=Nsec()), KEYS, Nsec(), NOW)


# ---- jitter ---------------------------------------------------------------------------------------------------------


@given(signable_zones(), denials, st.integers(0, 2**32))
def test_jitter_is_bounded_and_the_same_for_the_same_seed(zone: Zone, denial: Denial, seed: int) -> None:
    jitter = Jitter(interval=timedelta(days=2), seed=seed)
    signed = sign_zone(zone, KEYS, validity=VALIDITY, denial=denial, jitter=jitter)
    assert_signed(signed, KEYS, denial, NOW)
    assert list(signed.nodes()) == list(sign_zone(zone, KEYS, validity=VALIDITY, denial=denial, jitter=jitter).nodes())
    latest = epoch_seconds(VALIDITY.expiration)
    for rrsigs in rrsigs_of(signed).values():
        expirations = {int.from_bytes(rdata[8:12], "big") for rdata in rrsigs.rdatas}
        assert all(latest - 2 * 86400 <= expiration <= latest for expiration in expirations)


def test_jitter_spreads_expirations() -> None:
    hosts = [RRset.from_text(f"h{number}.example.nl.", 300, "A", "192.0.2.1") for number in range(200)]
    signed = sign_zone(small_zone(*hosts), KEYS, validity=VALIDITY, jitter=Jitter(interval=timedelta(days=2)))
    expirations = {int.from_bytes(rrsigs.rdatas[0][8:12], "big") for rrsigs in rrsigs_of(signed).values()}
    assert len(expirations) > 300


def test_jitter_that_eats_the_validity_is_refused() -> None:
    with pytest.raises(SigningError, match="no validity at all"):
        sign_zone(small_zone(), KEYS, validity=VALIDITY, jitter=Jitter(interval=timedelta(days=15)))
    with pytest.raises(SigningError, match="whole number of seconds"):
        Jitter(interval=timedelta(seconds=-1))


# ---- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ((), "no key to sign with; give a KSK and a ZSK, or a CSK"),
        ((ksk(),), r"algorithm ECDSAP256SHA256 has no ZSK; add a ZSK.*RFC 4035 section 2\.2"),
        ((zsk(),), "algorithm ECDSAP256SHA256 has no KSK"),
        ((ksk(), zsk(Algorithm.ED25519)), "algorithm ECDSAP256SHA256 has no ZSK"),
        ((ksk(), zsk(), zsk()), "the same key is given twice"),
        ((ksk(owner="example.org"), zsk(owner="example.org")), r"the keys belong to example\.org\."),
        ((ksk(), zsk(owner="example.org")), r"different zones: example\.nl\. and example\.org\."),
    ],
)
def test_keys_that_cannot_sign_the_zone_are_refused(keys: tuple[SigningKey, ...], reason: str) -> None:
    with pytest.raises(SigningError, match=reason):
        sign_zone(small_zone(), keys, validity=VALIDITY)


def test_reuse_refuses_times_that_make_no_sense() -> None:
    signed = sign_zone(small_zone(), KEYS, validity=VALIDITY)
    with pytest.raises(TimeError):
        Reuse(previous=signed, now=datetime(2026, 11, 21))
    with pytest.raises(SigningError, match="negative"):
        Reuse(previous=signed, now=NOW, signatures_refresh=timedelta(days=-1))
