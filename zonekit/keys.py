"""Signing keys: generating them, key tags, PEM, and the seam for keys that live elsewhere.

A :class:`SigningKey` is a DNSKEY together with something that signs for it. That something is a :class:`Signer`: bytes in,
signature out. :class:`LocalSigner` does it with a private key in memory; a key in an HSM or a KMS is an object with the
same one method, handed to :func:`from_signer`.

Private key material leaves this module only through :func:`export_private_key`, :func:`private_key_pem` and pickling
(which carries keys to worker processes). It is in no repr, no message and no comparison.

Generating a key is the one thing here that does not give the same answer twice.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from zonekit.algorithms import (
    Algorithm,
    PrivateKey,
    check_public_key,
    generate_private_key,
    is_private_key,
    parse_algorithm,
    public_key_octets,
    require_may_sign,
    rsa_private_key,
    signing_function,
    verify_signature,
)
from zonekit.arithmetic import ec, ed448, ed25519, exceptions, rsa, serialization
from zonekit.errors import KeyFileError, SigningKeyError, TimeError
from zonekit.instants import utc
from zonekit.names import WireName, check_wire_name, labels_of, name_text, parse_origin
from zonekit.ttl import Ttl, to_ttl

if TYPE_CHECKING:
    import dns.name

ZONE_KEY_FLAG: Final = 0x0100
REVOKE_FLAG: Final = 0x0080
SEP_FLAG: Final = 0x0001
DNSKEY_PROTOCOL: Final = 3

_RSAMD5: Final = 1
_TAGS: Final = 2**16
_MAX_GENERATIONS: Final = 100
_TEST_DATA: Final = b"zonekit checks that a signer and its DNSKEY belong together"
_MAX_PASSWORD_OCTETS: Final = 1023  # the cryptography package takes no longer one
_TAG_FIELDS: Final = frozenset(("predecessor", "successor"))
_FILE_NAME_OCTETS: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_")


class KeyRole(enum.Enum):
    """What a key signs: a KSK the DNSKEY RRset, a ZSK the rest of the zone, a CSK both."""

    KSK = "KSK"
    ZSK = "ZSK"
    CSK = "CSK"

    @property
    def flags(self) -> int:
        """The DNSKEY flags of a key with this role: 256, or 257 with the SEP flag (RFC 4034 section 2.1.1)."""
        return ZONE_KEY_FLAG if self is KeyRole.ZSK else ZONE_KEY_FLAG | SEP_FLAG


class Signer(Protocol):
    """What signs: the seam for keys in an HSM or a KMS."""

    def sign(self, data: bytes) -> bytes:
        """Return the signature of ``data`` as it stands in an RRSIG.

        For ECDSA that is r and s, each at the full width of the curve, and not the DER that most libraries make
        (RFC 6605 section 4).
        """
        ...


class LocalSigner:
    """Signs with a private key in memory; the same data gives the same signature, for ECDSA too (RFC 6979).

    Pickling it carries the private key along, as PKCS#8; what comes out at the other end reads the key when it first
    signs.

    Raises:
        AlgorithmError: an unknown algorithm, or one that must not sign any more (RFC 9905 section 2).
        SigningKeyError: ``private_key`` is not one of this algorithm.
    """

    __slots__ = ("_algorithm", "_pkcs8", "_private_key", "_public_key", "_sign")

    def __init__(self, private_key: PrivateKey, algorithm: Algorithm | str | int) -> None:
        self._algorithm = parse_algorithm(algorithm)
        self._private_key: PrivateKey | None = private_key
        self._pkcs8: bytes | None = None
        self._public_key: bytes | None = None
        self._sign: Callable[[bytes], bytes] | None = signing_function(self._algorithm, private_key)

    def sign(self, data: bytes) -> bytes:
        """Return the signature of ``data`` as it stands in an RRSIG."""
        sign = self._sign
        if sign is None:
            sign = self._sign = signing_function(self._algorithm, self.export_private_key())
        return sign(data)

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm it signs with."""
        return self._algorithm

    @property
    def public_key(self) -> bytes:
        """The public key as it stands in a DNSKEY."""
        if self._public_key is None:
            self._public_key = public_key_octets(self.export_private_key())
        return self._public_key

    def export_private_key(self) -> PrivateKey:
        """Return the private key itself."""
        if self._private_key is None:
            assert self._pkcs8 is not None
            self._private_key = _load_pkcs8(self._pkcs8)
        return self._private_key

    def __repr__(self) -> str:
        return f"<LocalSigner {self._algorithm.name}>"

    def __reduce__(self) -> tuple[Callable[[int, bytes], LocalSigner], tuple[int, bytes]]:
        if self._pkcs8 is None:
            self._pkcs8 = self.export_private_key().private_bytes(
                serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        return _restore_local_signer, (int(self._algorithm), self._pkcs8)


def _restore_local_signer(algorithm: int, pkcs8: bytes) -> LocalSigner:
    """Rebuild a signer from its parts without reading the key yet (for pickle)."""
    signer = LocalSigner.__new__(LocalSigner)
    signer._algorithm = Algorithm(algorithm)
    signer._private_key = signer._public_key = signer._sign = None
    signer._pkcs8 = pkcs8
    return signer


def _load_pkcs8(pkcs8: bytes) -> PrivateKey:
    """Return the private key of a PKCS#8 text that this module wrote."""
    private_key = serialization.load_der_private_key(pkcs8, None, unsafe_skip_rsa_key_validation=True)
    assert is_private_key(private_key)
    return private_key


def _check_tags(tags: Iterable[int]) -> frozenset[int]:
    """Return the key tags, each checked to be one."""
    checked = list(tags)
    for tag in checked:
        if not isinstance(tag, int):
            raise SigningKeyError(f"a key tag is a whole number, not {type(tag).__name__}", rule="RFC 4034 appendix B")
        if not 0 <= tag < _TAGS:
            raise SigningKeyError(f"{tag} is not a key tag, which is 0 to 65535", rule="RFC 4034 appendix B")
    return frozenset(checked)


class KeyUse(enum.Enum):
    """What a key is for at some instant, by its timing."""

    SIGN = "sign"
    PUBLISH = "publish"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTiming:
    """What BIND keeps beside a key: when it does what, in BIND's words. None where nothing was said.

    Raises:
        TimeError: what is not a datetime, or an instant that is naive or not in whole seconds.
        SigningKeyError: a key tag outside 0 to 65535.
    """

    created: datetime | None = None
    publish: datetime | None = None
    activate: datetime | None = None
    revoke: datetime | None = None
    inactive: datetime | None = None
    delete: datetime | None = None
    ds_publish: datetime | None = None
    ds_removed: datetime | None = None
    sync_publish: datetime | None = None
    sync_delete: datetime | None = None
    predecessor: int | None = None
    successor: int | None = None

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is None or each.name in _TAG_FIELDS:
                continue
            if not isinstance(value, datetime):
                raise TimeError(
                    f"the timing field {each.name} is a {type(value).__name__}", remedy="give an aware datetime or None"
                )
            object.__setattr__(self, each.name, utc(value))
        _check_tags(tag for tag in (self.predecessor, self.successor) if tag is not None)

    @classmethod
    def starting(cls, now: datetime) -> KeyTiming:
        """Return the timing of a key that is made, published and used from ``now``, as dnssec-keygen gives it."""
        return cls(created=now, publish=now, activate=now)

    def use_at(self, now: datetime) -> KeyUse:
        """Return what BIND would use the key for; one without any timing signs as soon as it is there.

        ``revoke`` is not looked at: a revoked key has other flags and another key tag, and is no SigningKey.

        Raises:
            TimeError: ``now`` is naive or not in whole seconds.
        """
        instant = utc(now)

        def passed(event: datetime | None) -> bool:
            return event is not None and event <= instant

        if self == NO_TIMING:
            return KeyUse.SIGN
        if passed(self.delete):
            return KeyUse.NONE
        if passed(self.activate) and not passed(self.inactive):
            return KeyUse.SIGN
        return KeyUse.PUBLISH if passed(self.publish) or passed(self.activate) else KeyUse.NONE


NO_TIMING: Final = KeyTiming()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SigningKey:
    """A DNSKEY and what signs for it.

    Attributes:
        owner: the apex of the zone, in wire form.
        algorithm: the algorithm it signs with.
        flags: 256 for a ZSK, 257 for a KSK or CSK (RFC 4034 section 2.1.1).
        public_key: the public key field of the DNSKEY.
        role: what it signs.
        signer: what makes the signatures.
        timing: what BIND keeps beside the key.
        dnskey_ttl: the TTL that its file asks for the DNSKEY; None where it asks for none.
        dnskey_rdata: the rdata of the DNSKEY: flags, protocol 3, algorithm, public key (RFC 4034 section 2.1).
        key_tag: the key tag (RFC 4034 appendix B).

    Raises:
        DomainNameError: the owner is not a whole name in wire form.
        AlgorithmError: an unknown algorithm, or one that must not sign any more (RFC 9905 section 2).
        TtlError: a ``dnskey_ttl`` outside 0 to 2^31-1.
        SigningKeyError: flags that do not fit the role, an unsound public key, or one that is not the public half of the
            signer's private key (which only a :class:`LocalSigner` tells; for others see :func:`from_signer`).
    """

    owner: WireName
    algorithm: Algorithm
    flags: int
    public_key: bytes
    role: KeyRole
    signer: Signer = field(compare=False)
    timing: KeyTiming = NO_TIMING
    dnskey_ttl: Ttl | None = None
    dnskey_rdata: bytes = field(init=False, compare=False)
    key_tag: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        check_wire_name(self.owner)
        object.__setattr__(self, "algorithm", require_may_sign(self.algorithm))
        if self.dnskey_ttl is not None:
            to_ttl(self.dnskey_ttl)
        if self.flags != self.role.flags:
            raise SigningKeyError(
                f"{name_text(self.owner)}: a key with flags {self.flags} is no {self.role.value} for signing",
                remedy=f"a {self.role.value} has flags {self.role.flags}",
                rule="RFC 4034 section 2.1.1, RFC 5011 section 2.1",
            )
        if not isinstance(self.signer, LocalSigner):
            check_public_key(self.algorithm, self.public_key)
        elif self.signer.algorithm is not self.algorithm or self.signer.public_key != self.public_key:
            raise SigningKeyError(
                f"{name_text(self.owner)}: the private key does not belong to the public key of its DNSKEY",
                remedy="check that both halves come from the same key",
            )
        rdata = struct.pack(">HBB", self.flags, DNSKEY_PROTOCOL, self.algorithm) + self.public_key
        object.__setattr__(self, "dnskey_rdata", rdata)
        object.__setattr__(self, "key_tag", key_tag(rdata))

    def __repr__(self) -> str:
        return f"<SigningKey {self.role.value} {name_text(self.owner)} {int(self.algorithm)}/{self.key_tag}>"

    @property
    def signs_dnskey(self) -> bool:
        """Whether it signs the DNSKEY RRset, and CDS and CDNSKEY with it."""
        return self.role is not KeyRole.ZSK

    @property
    def signs_zone(self) -> bool:
        """Whether it signs everything but the DNSKEY RRset."""
        return self.role is not KeyRole.KSK

    @property
    def name(self) -> str:
        """The name of its files without extension, such as ``Kexample.nl.+013+12345``."""
        return key_file_stem(self.owner, self.algorithm, self.key_tag)


def key_tag(dnskey_rdata: bytes) -> int:
    """Return the key tag of a DNSKEY (RFC 4034 appendix B; appendix B.1 for algorithm 1).

    Raises:
        SigningKeyError: cut short before the public key.

    >>> key_tag(bytes.fromhex("0101030d") + bytes(64))
    1038
    """
    if len(dnskey_rdata) < 5:
        raise SigningKeyError("a DNSKEY is cut short before its public key", rule="RFC 4034 section 2.1")
    if dnskey_rdata[3] == _RSAMD5:
        return int.from_bytes(dnskey_rdata[-3:-1], "big")
    even = dnskey_rdata if len(dnskey_rdata) % 2 == 0 else dnskey_rdata + b"\x00"
    total: int = sum(struct.unpack(f">{len(even) // 2}H", even))
    return (total + (total >> 16)) & 0xFFFF


def key_file_stem(owner: WireName, algorithm: int, tag: int) -> str:
    """Return the name BIND gives the files of a key, without extension.

    Letters are lower case, and every octet but letters, digits, ``-`` and ``_`` is written as ``%`` and two hexadecimal
    digits, so that no owner name can lead out of a directory.

    >>> from zonekit.names import parse_origin
    >>> key_file_stem(parse_origin("128/26.2.0.192.in-addr.arpa"), 13, 529)
    'K128%2F26.2.0.192.in-addr.arpa.+013+00529'
    """
    labels = [
        "".join([chr(octet) if octet in _FILE_NAME_OCTETS else f"%{octet:02X}" for octet in label.lower()])
        for label in labels_of(owner)
    ]
    return f"K{'.'.join(labels)}.+{algorithm:03}+{tag:05}"


def generate_ksk(
    owner: str | dns.name.Name,
    *,
    algorithm: Algorithm | str | int = Algorithm.ECDSAP256SHA256,
    bits: int | None = None,
    avoid: Iterable[int] = (),
    timing: KeyTiming = NO_TIMING,
) -> SigningKey:
    """Return a new key-signing key of the zone ``owner``.

    Args:
        bits: the size of an RSA key, 2048 to 4096, 2048 unless told otherwise; for other algorithms there is nothing to
            say.
        avoid: the key tags of the keys that will stand beside it, of this algorithm and from any operator. The new key
            has none of them, neither as it is nor revoked, and no revoked key of theirs has its tag: key tags that
            collide cost every validator extra work, and some give up (RFC 4034 appendix B, CVE-2023-50387).

    Raises:
        DomainNameError: ``owner`` is not a domain name.
        AlgorithmError: an unknown algorithm, or one that must not sign any more (RFC 9905 section 2).
        SigningKeyError: bits that the algorithm does not allow, or no key tag left to choose.

    >>> key = generate_ksk("example.nl")
    >>> key.flags, key.algorithm.name, key.signs_dnskey, key.signs_zone
    (257, 'ECDSAP256SHA256', True, False)
    """
    return _generate(owner, KeyRole.KSK, algorithm, bits, avoid, timing)


def generate_zsk(
    owner: str | dns.name.Name,
    *,
    algorithm: Algorithm | str | int = Algorithm.ECDSAP256SHA256,
    bits: int | None = None,
    avoid: Iterable[int] = (),
    timing: KeyTiming = NO_TIMING,
) -> SigningKey:
    """Return a new zone-signing key of the zone ``owner``. See :func:`generate_ksk`."""
    return _generate(owner, KeyRole.ZSK, algorithm, bits, avoid, timing)


def generate_csk(
    owner: str | dns.name.Name,
    *,
    algorithm: Algorithm | str | int = Algorithm.ECDSAP256SHA256,
    bits: int | None = None,
    avoid: Iterable[int] = (),
    timing: KeyTiming = NO_TIMING,
) -> SigningKey:
    """Return a new combined signing key of the zone ``owner``: one that signs everything. See :func:`generate_ksk`."""
    return _generate(owner, KeyRole.CSK, algorithm, bits, avoid, timing)


def _generate(
    owner: str | dns.name.Name,
    role: KeyRole,
    algorithm: Algorithm | str | int,
    bits: int | None,
    avoid: Iterable[int],
    timing: KeyTiming,
) -> SigningKey:
    name = parse_origin(owner)
    known = parse_algorithm(algorithm)
    taken = _check_tags(avoid)
    for _ in range(_MAX_GENERATIONS):
        signer = LocalSigner(generate_private_key(known, bits=bits), known)
        key = _local_key(signer, name, role, timing)
        if not taken or not _collides(key, taken):
            return key
    raise SigningKeyError(
        f"{name_text(name)}: {_MAX_GENERATIONS} new keys all had a key tag among the {len(taken)} to avoid",
        remedy="avoid fewer key tags",
        rule="RFC 4034 appendix B",
    )


def _local_key(
    signer: LocalSigner, owner: WireName, role: KeyRole, timing: KeyTiming, dnskey_ttl: Ttl | None = None
) -> SigningKey:
    return SigningKey(
        owner=owner,
        algorithm=signer.algorithm,
        flags=role.flags,
        public_key=signer.public_key,
        role=role,
        signer=signer,
        timing=timing,
        dnskey_ttl=dnskey_ttl,
    )


def _collides(key: SigningKey, taken: frozenset[int]) -> bool:
    """Whether the key has one of these tags, now or when revoked, or the tag that one of those keys has when revoked.

    Revoking adds 128 to the sum that the tag is made of, which adds 128 to the tag, or 129 with the carry.
    """
    revoked = key_tag(struct.pack(">H", key.flags | REVOKE_FLAG) + key.dnskey_rdata[2:])
    candidates = {key.key_tag, revoked, (key.key_tag - 128) % _TAGS, (key.key_tag - 129) % _TAGS}
    return not taken.isdisjoint(candidates)


def from_signer(
    signer: Signer,
    *,
    owner: str | dns.name.Name,
    algorithm: Algorithm | str | int,
    public_key: bytes,
    role: KeyRole,
    timing: KeyTiming = NO_TIMING,
) -> SigningKey:
    """Return a signing key around something that signs, such as an HSM, after one test signature.

    Raises:
        DomainNameError: ``owner`` is not a domain name.
        AlgorithmError: an unknown algorithm, or one that must not sign any more (RFC 9905 section 2).
        SigningKeyError: an unsound public key, or a test signature that it does not verify. What the signer itself raises
            passes through.

    >>> local = LocalSigner(generate_private_key(15), 15)
    >>> from_signer(local, owner="example.nl", algorithm=15, public_key=local.public_key, role=KeyRole.CSK).flags
    257
    """
    key = SigningKey(
        owner=parse_origin(owner),
        algorithm=parse_algorithm(algorithm),
        flags=role.flags,
        public_key=public_key,
        role=role,
        signer=signer,
        timing=timing,
    )
    signature = signer.sign(_TEST_DATA)
    if not isinstance(signature, bytes) or not verify_signature(key.algorithm, public_key, signature, _TEST_DATA):
        raise SigningKeyError(
            f"{key.name}: the signer's test signature does not verify with the public key given",
            remedy="check that both are of the same key, and that sign() returns r and s at full width, not DER",
            rule="RFC 6605 section 4",
        )
    return key


def load_pem(
    pem: bytes | str,
    *,
    owner: str | dns.name.Name,
    role: KeyRole,
    algorithm: Algorithm | str | int | None = None,
    password: bytes | None = None,
    timing: KeyTiming = NO_TIMING,
) -> SigningKey:
    """Return the signing key whose private half is in this PEM text: PKCS#8, or the older form of RSA and EC keys.

    Args:
        algorithm: 8 or 10 for an RSA key, which fits both; for other keys it may be left out.
        password: what the text is encrypted with, if it is.

    Raises:
        DomainNameError: ``owner`` is not a domain name.
        AlgorithmError: an unknown algorithm, or one that must not sign any more (RFC 9905 section 2).
        KeyFileError: the text is not a private key in PEM, or the password is wrong or missing.
        SigningKeyError: a key of another kind than the algorithm asks for, or too weak.
    """
    # What is no text is no PEM either; a codec's exception would carry all of it along.
    octets = pem.encode(errors="replace") if isinstance(pem, str) else pem
    private_key = _load_private_pem(octets, password)
    if isinstance(private_key, rsa.RSAPrivateKey):
        private_key = rsa_private_key(private_key.private_numbers())
    chosen = _algorithm_of(private_key) if algorithm is None else parse_algorithm(algorithm)
    return _local_key(LocalSigner(private_key, chosen), parse_origin(owner), role, timing)


def _load_private_pem(pem: bytes, password: bytes | None) -> PrivateKey:
    refusal = KeyFileError(
        "the text is not a private key in PEM, or the password is wrong",
        remedy="give a PKCS#8 text that begins with BEGIN PRIVATE KEY",
    )
    private_key = None
    try:
        private_key = serialization.load_pem_private_key(pem, password, unsafe_skip_rsa_key_validation=True)
    except TypeError:
        refusal = KeyFileError(
            "the PEM text is encrypted and no password was given, or the other way round",
            remedy="give the password exactly when the text begins with BEGIN ENCRYPTED PRIVATE KEY",
        )
    except (ValueError, exceptions.UnsupportedAlgorithm):
        pass
    if private_key is None:
        raise refusal  # from here, so that it carries nothing of the library's exception along
    if not is_private_key(private_key):
        raise _no_algorithm(type(private_key).__name__)
    return private_key


def _algorithm_of(private_key: PrivateKey) -> Algorithm:
    """Return the one algorithm a private key fits.

    Raises:
        SigningKeyError: it fits none, or, being RSA, more than one.
    """
    match private_key:
        case ed25519.Ed25519PrivateKey():
            return Algorithm.ED25519
        case ed448.Ed448PrivateKey():
            return Algorithm.ED448
        case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()):
            return Algorithm.ECDSAP256SHA256
        case ec.EllipticCurvePrivateKey(curve=ec.SECP384R1()):
            return Algorithm.ECDSAP384SHA384
        case rsa.RSAPrivateKey():
            raise SigningKeyError(
                "an RSA key fits more than one algorithm", remedy="say which: RSASHA256 (8) or RSASHA512 (10)"
            )
        case _:
            raise _no_algorithm(f"curve {private_key.curve.name}")


def _no_algorithm(kind: str) -> SigningKeyError:
    return SigningKeyError(
        f"there is no DNSSEC algorithm for a private key of type {kind}",
        remedy="use RSA, ECDSA on P-256 or P-384, Ed25519 or Ed448",
        rule="RFC 9904",
    )


def export_private_key(key: SigningKey) -> PrivateKey:
    """Return the private key itself.

    Raises:
        SigningKeyError: it cannot be had, because another signer than a :class:`LocalSigner` keeps it.
    """
    if not isinstance(key.signer, LocalSigner):
        raise SigningKeyError(
            f"{key.name}: the private key cannot be exported from a {type(key.signer).__name__}",
            remedy="export it with the tools of the device that keeps it, or generate a key that is kept here",
        )
    return key.signer.export_private_key()


def private_key_pem(key: SigningKey, *, password: bytes | None = None) -> bytes:
    """Return the private key as PKCS#8 in PEM, encrypted with ``password`` unless that is None.

    Raises:
        SigningKeyError: it cannot be had, because another signer than a :class:`LocalSigner` keeps it; or a password that
            is not 1 to 1023 octets.

    >>> private_key_pem(generate_zsk("example.nl")).splitlines()[0]
    b'-----BEGIN PRIVATE KEY-----'
    """
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        if not isinstance(password, bytes) or not 1 <= len(password) <= _MAX_PASSWORD_OCTETS:
            raise SigningKeyError(
                f"{key.name}: the password for its PEM text is not 1 to {_MAX_PASSWORD_OCTETS} octets",
                remedy="give it as bytes, or None to write the private key in the clear",
            )
        encryption = serialization.BestAvailableEncryption(password)
    return export_private_key(key).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
