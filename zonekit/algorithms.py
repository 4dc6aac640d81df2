"""DNSSEC algorithms and digests: number, mnemonic, status, public keys in wire form, signing and verifying.

What may still be used is data, not code: :data:`STATUS` says for each algorithm what the recommendations say of signing
and of validating with it. Algorithms 5 and 7 rest on SHA-1 and may only be verified (RFC 9905). All else here follows
from the number: how a public key is laid out in a DNSKEY (RFC 3110 for RSA, RFC 6605 for ECDSA, RFC 8080 for EdDSA), how a
signature is laid out in an RRSIG, and which key makes and checks it. The arithmetic is the ``cryptography`` package's.
"""

from __future__ import annotations

import enum
import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias, TypeGuard, assert_never, cast

from zonekit.arithmetic import ec, ed448, ed25519, exceptions, hashes, padding, rsa, utils
from zonekit.errors import AlgorithmError, SigningKeyError

PrivateKey: TypeAlias = (
    "rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey"
)
PublicKey: TypeAlias = "rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey"


class Algorithm(enum.IntEnum):
    """The DNSSEC algorithms zonekit knows, by number; the names are BIND's mnemonics."""

    RSASHA1 = 5
    NSEC3RSASHA1 = 7
    RSASHA256 = 8
    RSASHA512 = 10
    ECDSAP256SHA256 = 13
    ECDSAP384SHA384 = 14
    ED25519 = 15
    ED448 = 16


class DigestType(enum.IntEnum):
    """The digests of a DS record zonekit knows, by number."""

    SHA1 = 1
    SHA256 = 2
    SHA384 = 4


class Requirement(enum.Enum):
    """How strongly something is asked for or advised against, in the words of RFC 2119."""

    MUST = "MUST"
    RECOMMENDED = "RECOMMENDED"
    MAY = "MAY"
    NOT_RECOMMENDED = "NOT RECOMMENDED"
    MUST_NOT = "MUST NOT"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgorithmStatus:
    """What the recommendations say of one algorithm.

    Attributes:
        signing: of making keys and signatures with it.
        validating: of validating signatures made with it.
        rule: the document that says so.
    """

    signing: Requirement
    validating: Requirement
    rule: str


STATUS: Final[Mapping[Algorithm, AlgorithmStatus]] = MappingProxyType(
    {
        number: AlgorithmStatus(signing=signing, validating=validating, rule=rule)
        for number, signing, validating, rule in (
            (Algorithm.RSASHA1, Requirement.MUST_NOT, Requirement.MUST, "RFC 9905 section 2"),
            (Algorithm.NSEC3RSASHA1, Requirement.MUST_NOT, Requirement.MUST, "RFC 9905 section 2"),
            (Algorithm.RSASHA256, Requirement.MUST, Requirement.MUST, "RFC 9904"),
            (Algorithm.RSASHA512, Requirement.NOT_RECOMMENDED, Requirement.MUST, "RFC 9904"),
            (Algorithm.ECDSAP256SHA256, Requirement.MUST, Requirement.MUST, "RFC 9904"),
            (Algorithm.ECDSAP384SHA384, Requirement.MAY, Requirement.RECOMMENDED, "RFC 9904"),
            (Algorithm.ED25519, Requirement.RECOMMENDED, Requirement.RECOMMENDED, "RFC 9904"),
            (Algorithm.ED448, Requirement.MAY, Requirement.RECOMMENDED, "RFC 9904"),
        )
    }
)

RSA_ALGORITHMS: Final = frozenset({Algorithm.RSASHA1, Algorithm.NSEC3RSASHA1, Algorithm.RSASHA256, Algorithm.RSASHA512})
# RFC 5702 section 2 allows algorithm 8 from 512 bits and algorithm 10 from 1024. Keys in service may have 1024; less is
# within reach, since moduli of 829 bits have been factored in public. New keys have 2048 (NIST SP 800-131A).
MIN_RSA_BITS: Final = 1024
MIN_NEW_RSA_BITS: Final = 2048
DEFAULT_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 4096
# BIND takes no key with a longer public exponent, so its resolvers could not validate with it.
MAX_RSA_EXPONENT_BITS: Final = 35

_RSA_EXPONENT: Final = 65537
_MNEMONICS: Final[Mapping[str, Algorithm]] = {
    **Algorithm.__members__,
    "RSASHA1-NSEC3-SHA1": Algorithm.NSEC3RSASHA1,
}
_DIGEST_MNEMONICS: Final[Mapping[str, DigestType]] = {
    **DigestType.__members__,
    "SHA-1": DigestType.SHA1,
    "SHA-256": DigestType.SHA256,
    "SHA-384": DigestType.SHA384,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Curve:
    """What ECDSA over one curve needs (RFC 6605 section 4).

    The signature is made deterministically (RFC 6979), so that the same zone signed twice is the same bytes.
    """

    curve: ec.EllipticCurve
    scheme: ec.ECDSA
    octets: int


_COORDINATE_OCTETS: Final[Mapping[int, int]] = {Algorithm.ECDSAP256SHA256: 32, Algorithm.ECDSAP384SHA384: 48}


@functools.cache
def _curve(algorithm: Algorithm) -> _Curve:
    """Return what ECDSA of this algorithm needs."""
    is_p256 = algorithm is Algorithm.ECDSAP256SHA256
    digest: hashes.HashAlgorithm = hashes.SHA256() if is_p256 else hashes.SHA384()
    return _Curve(
        curve=ec.SECP256R1() if is_p256 else ec.SECP384R1(),
        scheme=ec.ECDSA(digest, deterministic_signing=True),
        octets=_COORDINATE_OCTETS[algorithm],
    )


@functools.cache
def _rsa_scheme(algorithm: Algorithm) -> tuple[padding.PKCS1v15, hashes.HashAlgorithm]:
    """Return the padding and the digest of RSA signatures (RFC 5702 section 3, RFC 3110 section 3)."""
    match algorithm:
        case Algorithm.RSASHA256:
            return padding.PKCS1v15(), hashes.SHA256()
        case Algorithm.RSASHA512:
            return padding.PKCS1v15(), hashes.SHA512()
        case _:
            return padding.PKCS1v15(), hashes.SHA1()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edwards:
    """One twisted Edwards curve ``a x^2 + y^2 = 1 + d x^2 y^2`` modulo ``prime`` (RFC 8032 sections 5.1 and 5.2)."""

    prime: int
    a: int
    d: int
    key_octets: int
    signature_octets: int
    cofactor_bits: int


_EDWARDS: Final[Mapping[int, _Edwards]] = {
    Algorithm.ED25519: _Edwards(
        prime=2**255 - 19,
        a=-1,
        d=-121665 * pow(121666, -1, 2**255 - 19) % (2**255 - 19),
        key_octets=32,
        signature_octets=64,
        cofactor_bits=3,
    ),
    Algorithm.ED448: _Edwards(
        prime=2**448 - 2**224 - 1, a=1, d=-39081, key_octets=57, signature_octets=114, cofactor_bits=2
    ),
}


def parse_algorithm(value: str | int) -> Algorithm:
    """Return the algorithm that a mnemonic, in any letter case, or a number names.

    Raises:
        AlgorithmError: zonekit does not know it.

    >>> parse_algorithm("ecdsap256sha256"), parse_algorithm("8")
    (<Algorithm.ECDSAP256SHA256: 13>, <Algorithm.RSASHA256: 8>)
    """
    number = _parse_number(value, _MNEMONICS)
    try:
        return Algorithm(number)
    except ValueError:
        raise AlgorithmError(
            f"DNSSEC algorithm {_shown(value)} is unknown or not supported",
            remedy="use one of "
            + ", ".join(f"{algorithm.name} ({algorithm})" for algorithm in Algorithm if may_sign(algorithm)),
            rule="RFC 9904",
        ) from None


def parse_digest_type(value: str | int) -> DigestType:
    """Return the DS digest type that a mnemonic, in any letter case and with or without hyphen, or a number names.

    Raises:
        AlgorithmError: zonekit does not know it.

    >>> parse_digest_type("sha-256"), parse_digest_type(4)
    (<DigestType.SHA256: 2>, <DigestType.SHA384: 4>)
    """
    number = _parse_number(value, _DIGEST_MNEMONICS)
    try:
        return DigestType(number)
    except ValueError:
        raise AlgorithmError(
            f"DS digest type {_shown(value)} is unknown or not supported",
            remedy="use SHA256 (2) or SHA384 (4)",
            rule="RFC 9904",
        ) from None


def _parse_number(value: str | int, mnemonics: Mapping[str, int]) -> int:
    """Return the number that ``value`` says; 0, which both registries reserve, for a mnemonic nobody knows."""
    if isinstance(value, int):
        return value
    if value.isascii() and value.isdigit() and len(value) <= 3:
        return int(value)
    return mnemonics.get(value.upper(), 0)


def _shown(value: str | int) -> str:
    return ascii(value[:40]) if isinstance(value, str) else str(int(value))


def may_sign(algorithm: int) -> bool:
    """Whether keys and signatures may still be made with this algorithm; False for one zonekit does not know.

    >>> may_sign(13), may_sign(5)
    (True, False)
    """
    status = STATUS.get(algorithm)  # type: ignore[call-overload]  # an int finds the IntEnum it equals
    return status is not None and status.signing is not Requirement.MUST_NOT


def require_may_sign(algorithm: int) -> Algorithm:
    """Return the algorithm, checked: keys and signatures may still be made with it.

    Raises:
        AlgorithmError: unknown, or one that must not sign any more (RFC 9905 section 2).
    """
    known = parse_algorithm(algorithm)
    if not may_sign(known):
        raise AlgorithmError(
            f"algorithm {known} ({known.name}) must not be used for new keys and signatures, only to verify old ones",
            remedy="use ECDSAP256SHA256, algorithm 13",
            rule=STATUS[known].rule,
        )
    return known


def digest(digest_type: int, data: bytes) -> bytes:
    """Return the digest of ``data``. SHA-1 is among them, for reading DS records that are already there.

    Raises:
        AlgorithmError: an unknown digest type.

    >>> digest(DigestType.SHA256, b"").hex()[:16]
    'e3b0c44298fc1c14'
    """
    known = parse_digest_type(digest_type)
    match known:
        case DigestType.SHA1:
            return hashlib.sha1(data, usedforsecurity=False).digest()
        case DigestType.SHA256:
            return hashlib.sha256(data).digest()
        case DigestType.SHA384:
            return hashlib.sha384(data).digest()
        case _:
            assert_never(known)


def verify_signature(algorithm: int, public_key: bytes, signature: bytes, data: bytes) -> bool:
    """Whether ``signature``, as it stands in an RRSIG, is one of ``data`` by the key ``public_key`` of a DNSKEY.

    False also for a signature of the wrong length and for a public key that is none: such a key verifies nothing.
    A weak key that is in service, such as RSA of 512 bits, still verifies here; :func:`check_public_key` refuses it.

    Raises:
        AlgorithmError: zonekit does not know the algorithm.
    """
    try:
        _verifier(algorithm, public_key)(signature, data)
    except (exceptions.InvalidSignature, ValueError):
        return False
    return True


@functools.lru_cache(maxsize=1024)
def _verifier(algorithm: int, public_key: bytes) -> Callable[[bytes, bytes], None]:
    """Return what checks a signature against data and raises InvalidSignature when it does not hold."""
    known = parse_algorithm(algorithm)
    try:
        key = _load_public_key(known, public_key)
    except SigningKeyError:
        return _verify_nothing
    if isinstance(key, rsa.RSAPublicKey):
        verify_rsa, (rsa_padding, digest) = key.verify, _rsa_scheme(known)
        return lambda signature, data: verify_rsa(signature, data, rsa_padding, digest)
    if isinstance(key, ec.EllipticCurvePublicKey):
        verify_ecdsa, scheme, octets = key.verify, _curve(known).scheme, _curve(known).octets
        return lambda signature, data: verify_ecdsa(_ecdsa_der(signature, octets), data, scheme)
    return key.verify


def _verify_nothing(signature: bytes, data: bytes) -> None:
    raise exceptions.InvalidSignature


def _ecdsa_der(signature: bytes, octets: int) -> bytes:
    """Return r and s as the library takes them (RFC 6605 section 4)."""
    if len(signature) != 2 * octets:
        raise exceptions.InvalidSignature
    return utils.encode_dss_signature(
        int.from_bytes(signature[:octets], "big"), int.from_bytes(signature[octets:], "big")
    )


def can_verify(algorithm: int, public_key: bytes) -> bool:
    """Whether the public key field of a DNSKEY holds a key, however weak, that signatures can be held against.

    Raises:
        AlgorithmError: zonekit does not know the algorithm.
    """
    return _verifier(algorithm, public_key) is not _verify_nothing


@functools.lru_cache(maxsize=1024)
def check_public_key(algorithm: int, public_key: bytes) -> int:
    """Return the size in bits of the key in a DNSKEY's public key field, after checking that it is a sound one.

    RSA is sound with a modulus of 1024 to 4096 bits without leading zero octets and an odd exponent of at least 3 and
    at most 35 bits; ECDSA and EdDSA with a point on the curve, for EdDSA one of no small order.

    Raises:
        AlgorithmError: zonekit does not know the algorithm.
        SigningKeyError: the key is malformed, too weak or too large.
    """
    known = parse_algorithm(algorithm)
    if known in RSA_ALGORITHMS:
        _check_rsa_numbers(known, _rsa_numbers(public_key))
    key = _load_public_key(known, public_key)
    if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        return key.key_size
    _check_edwards_point(known, public_key)
    return len(public_key) * 8


def signature_length(algorithm: int, public_key: bytes) -> int:
    """Return the length in octets of the signatures in an RRSIG by this key.

    Raises:
        AlgorithmError: zonekit does not know the algorithm.
        SigningKeyError: an RSA key that is malformed.

    >>> signature_length(13, bytes(64))
    64
    """
    known = parse_algorithm(algorithm)
    if known in _COORDINATE_OCTETS:
        return 2 * _COORDINATE_OCTETS[known]
    if known in _EDWARDS:
        return _EDWARDS[known].signature_octets
    return (_rsa_numbers(public_key).n.bit_length() + 7) // 8


def is_private_key(key: object) -> TypeGuard[PrivateKey]:
    """Whether this is a private key of a kind that DNSSEC has an algorithm for."""
    return isinstance(
        key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
    )


def public_key_octets(key: PrivateKey | PublicKey) -> bytes:
    """Return the public key as it stands in a DNSKEY's public key field (RFC 3110, RFC 6605 or RFC 8080)."""
    public = key.public_key() if is_private_key(key) else cast(PublicKey, key)
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        exponent = numbers.e.to_bytes((numbers.e.bit_length() + 7) // 8, "big")
        # RFC 3110 section 2: one octet says the length, or a zero octet and then two.
        length = len(exponent).to_bytes(1, "big") if len(exponent) < 256 else b"\x00" + len(exponent).to_bytes(2, "big")
        return length + exponent + numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
    if isinstance(public, ec.EllipticCurvePublicKey):
        # RFC 6605 section 4: both coordinates at full width.
        point, octets = public.public_numbers(), (public.key_size + 7) // 8
        return point.x.to_bytes(octets, "big") + point.y.to_bytes(octets, "big")
    return public.public_bytes_raw()


def generate_private_key(algorithm: int, *, bits: int | None = None) -> PrivateKey:
    """Return a new private key; for RSA of ``bits`` bits, 2048 unless told otherwise.

    Raises:
        AlgorithmError: unknown, or one that must not sign any more (RFC 9905 section 2).
        SigningKeyError: ``bits`` outside 2048 to 4096, or given where the algorithm alone decides the size.
    """
    known = require_may_sign(algorithm)
    size = new_key_bits(known, bits)
    if size is not None:
        return rsa.generate_private_key(_RSA_EXPONENT, size)
    if known in _COORDINATE_OCTETS:
        return ec.generate_private_key(_curve(known).curve)
    return ed25519.Ed25519PrivateKey.generate() if known is Algorithm.ED25519 else ed448.Ed448PrivateKey.generate()


def new_key_bits(algorithm: Algorithm, bits: int | None = None) -> int | None:
    """Return the size of a new RSA key, 2048 unless told otherwise; None where the algorithm alone decides the size.

    Raises:
        SigningKeyError: ``bits`` outside 2048 to 4096, or given where the algorithm alone decides the size.

    >>> new_key_bits(Algorithm.RSASHA256), new_key_bits(Algorithm.ED25519)
    (2048, None)
    """
    if algorithm in RSA_ALGORITHMS:
        size = DEFAULT_RSA_BITS if bits is None else bits
        if not isinstance(size, int) or not MIN_NEW_RSA_BITS <= size <= MAX_RSA_BITS:
            raise SigningKeyError(
                f"a new RSA key has {MIN_NEW_RSA_BITS} to {MAX_RSA_BITS} bits, not {size!a}",
                remedy="use 2048 bits, or an ECDSA key, which is smaller and stronger",
                rule="NIST SP 800-131A, RFC 5702 section 2",
            )
        return size
    if bits is not None:
        raise SigningKeyError(
            f"keys of algorithm {algorithm} ({algorithm.name}) have one size, and {bits!a} bits were asked for",
            remedy="leave the bits out",
        )
    return None


def check_private_key(algorithm: int, private_key: PrivateKey) -> Algorithm:
    """Return the algorithm, after checking that ``private_key`` is of its kind, of a sound size, and may sign.

    Raises:
        AlgorithmError: unknown, or one that must not sign any more (RFC 9905 section 2).
        SigningKeyError: a key of another kind, or an RSA key too weak or too large.
    """
    known = require_may_sign(algorithm)
    match private_key:
        case rsa.RSAPrivateKey():
            fits = known in RSA_ALGORITHMS
        case ec.EllipticCurvePrivateKey():
            fits = known in _COORDINATE_OCTETS and private_key.curve.name == _curve(known).curve.name
        case ed25519.Ed25519PrivateKey():
            fits = known is Algorithm.ED25519
        case ed448.Ed448PrivateKey():
            fits = known is Algorithm.ED448
        case _:
            fits = False
    if not fits:
        raise SigningKeyError(
            f"a private key of type {type(private_key).__name__} is none of algorithm {known} ({known.name})",
            remedy="give the private key that belongs to this DNSKEY",
        )
    if isinstance(private_key, rsa.RSAPrivateKey):
        _check_rsa_numbers(known, private_key.public_key().public_numbers())
    return known


def signing_function(algorithm: int, private_key: PrivateKey) -> Callable[[bytes], bytes]:
    """Return what makes a signature of data, as it stands in an RRSIG; the same data gives the same signature.

    Raises:
        AlgorithmError: unknown, or one that must not sign any more (RFC 9905 section 2).
        SigningKeyError: ``private_key`` is not one of this algorithm.
    """
    known = check_private_key(algorithm, private_key)
    if isinstance(private_key, rsa.RSAPrivateKey):
        sign_rsa, (rsa_padding, digest) = private_key.sign, _rsa_scheme(known)
        return lambda data: sign_rsa(data, rsa_padding, digest)
    if isinstance(private_key, ec.EllipticCurvePrivateKey):
        return _ecdsa_signing_function(private_key, _curve(known))
    return private_key.sign


def _ecdsa_signing_function(private_key: ec.EllipticCurvePrivateKey, curve: _Curve) -> Callable[[bytes], bytes]:
    """Return what signs and takes r and s out of the DER that comes back, both at full width (RFC 6605 section 4).

    This runs once for every RRset of a zone. The DER is ``30 L 02 LR R 02 LS S`` with lengths of one octet, where R and S
    have a zero octet in front when their first bit is set and no leading zeros otherwise; slicing it takes a quarter of
    the time of reading it into integers and writing them out.
    """
    sign, scheme, octets = private_key.sign, curve.scheme, curve.octets

    def sign_and_flatten(data: bytes) -> bytes:
        der = sign(data, scheme)
        end = 4 + der[3]
        return der[4:end][-octets:].rjust(octets, b"\x00") + der[end + 2 :][-octets:].rjust(octets, b"\x00")

    return sign_and_flatten


def rsa_private_key(numbers: rsa.RSAPrivateNumbers) -> rsa.RSAPrivateKey:
    """Return the RSA key of these numbers, after checking that they belong together.

    That its primes are prime is not tested. The library would, in 40 ms for every key of a fleet; a key that was damaged
    fails the arithmetic here, and one whose public half is not the DNSKEY's is refused further on.

    Raises:
        SigningKeyError: the numbers do not fit one another.
    """
    p, q, d = numbers.p, numbers.q, numbers.d
    n, e = numbers.public_numbers.n, numbers.public_numbers.e
    # RFC 8017 section 3.2: what the private key's eight numbers are to one another.
    fits = (
        min(p, q) > 2
        and p * q == n
        and e * d % (p - 1) == e * d % (q - 1) == 1
        and (numbers.dmp1, numbers.dmq1) == (d % (p - 1), d % (q - 1))
        and q * numbers.iqmp % p == 1
    )
    if fits:
        try:
            return numbers.private_key(unsafe_skip_rsa_key_validation=True)
        except ValueError:
            pass
    raise SigningKeyError("the numbers of the RSA private key do not fit one another", rule="RFC 8017 section 3.2")


def _load_public_key(algorithm: Algorithm, public_key: bytes) -> PublicKey:
    """Return the key that a DNSKEY's public key field holds.

    Raises:
        SigningKeyError: it holds none.
    """
    if algorithm in RSA_ALGORITHMS:
        numbers = _rsa_numbers(public_key)
        try:
            return numbers.public_key()
        except ValueError:
            raise _malformed(algorithm, "exponent and modulus make no key", "RFC 3110 section 2") from None
    if algorithm in _COORDINATE_OCTETS:
        curve = _curve(algorithm)
        if len(public_key) != 2 * curve.octets:
            raise _wrong_length(algorithm, public_key, 2 * curve.octets, "RFC 6605 section 4")
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(curve.curve, b"\x04" + public_key)
        except ValueError:
            raise _malformed(algorithm, "the point is not on the curve", "RFC 6605 section 4") from None
    if len(public_key) != _EDWARDS[algorithm].key_octets:
        raise _wrong_length(algorithm, public_key, _EDWARDS[algorithm].key_octets, "RFC 8080 section 3")
    if algorithm is Algorithm.ED25519:
        return ed25519.Ed25519PublicKey.from_public_bytes(public_key)
    return ed448.Ed448PublicKey.from_public_bytes(public_key)


def _malformed(algorithm: Algorithm, fault: str, rule: str) -> SigningKeyError:
    return SigningKeyError(
        f"the public key of algorithm {algorithm} ({algorithm.name}) is malformed: {fault}", rule=rule
    )


def _wrong_length(algorithm: Algorithm, public_key: bytes, octets: int, rule: str) -> SigningKeyError:
    return _malformed(algorithm, f"it has {len(public_key)} octets where {octets} are due", rule)


def _rsa_numbers(public_key: bytes) -> rsa.RSAPublicNumbers:
    """Return exponent and modulus of an RSA public key (RFC 3110 section 2).

    Raises:
        SigningKeyError: cut short, with a leading zero octet, or with a modulus of more than 4096 bits.
    """
    rule = "RFC 3110 section 2"
    if public_key[:1] == b"\x00":
        length, start = int.from_bytes(public_key[1:3], "big"), 3
        if length < 256:
            raise SigningKeyError(
                "the RSA public key says the length of its exponent in three octets for one", rule=rule
            )
    else:
        length, start = int.from_bytes(public_key[:1], "big"), 1
    exponent, modulus = public_key[start : start + length], public_key[start + length :]
    if not length or not modulus:
        raise SigningKeyError(f"the RSA public key is cut short at {len(public_key)} octets", rule=rule)
    if not exponent[0] or not modulus[0]:
        raise SigningKeyError("the RSA public key has a leading zero octet in its exponent or modulus", rule=rule)
    if len(modulus) * 8 > MAX_RSA_BITS:
        raise SigningKeyError(f"the RSA modulus has {len(modulus)} octets, more than {MAX_RSA_BITS} bits", rule=rule)
    return rsa.RSAPublicNumbers(int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big"))


def _check_rsa_numbers(algorithm: Algorithm, numbers: rsa.RSAPublicNumbers) -> None:
    """Check that an RSA key is one that validators take and that nobody can break at once.

    Raises:
        SigningKeyError: it is not.
    """
    bits = numbers.n.bit_length()
    if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
        raise SigningKeyError(
            f"the RSA modulus has {bits} bits, outside {MIN_RSA_BITS} to {MAX_RSA_BITS}",
            remedy="use a key of 2048 bits",
            rule="NIST SP 800-131A, RFC 5702 section 2",
        )
    if numbers.n % 2 == 0:
        raise _malformed(algorithm, "the modulus is even", "RFC 8017 section 3.1")
    if numbers.e.bit_length() > MAX_RSA_EXPONENT_BITS:
        raise SigningKeyError(
            f"the RSA exponent has {numbers.e.bit_length()} bits, and BIND takes no more than {MAX_RSA_EXPONENT_BITS}",
            remedy="use a key with exponent 65537",
        )
    if numbers.e < 3 or numbers.e % 2 == 0:
        raise _malformed(algorithm, f"the exponent {numbers.e} is not an odd number from 3", "RFC 8017 section 3.1")


def _check_edwards_point(algorithm: Algorithm, public_key: bytes) -> None:
    """Check that an EdDSA public key is the encoding of a point on the curve, and of one of no small order.

    A key of small order is no secret: anybody can sign with it. All of it needs y alone, since both the curve and the
    doubling of a point have x only as a square: ``x^2 = (1 - y^2) / (a - d y^2)``.

    Raises:
        SigningKeyError: it is not.
    """
    curve = _EDWARDS[algorithm]
    prime = curve.prime
    # RFC 8032 sections 5.1.2 and 5.2.2: y in little-endian order, and in the last octet's first bit the sign of x.
    y = int.from_bytes(public_key, "little") & ~(1 << (curve.key_octets * 8 - 1))
    if y >= prime:
        raise _malformed(algorithm, "the coordinate is not below the field's prime", "RFC 8032 section 5")
    if pow(_x_squared(curve, y), (prime - 1) // 2, prime) == prime - 1:
        raise _malformed(algorithm, "the point is not on the curve", "RFC 8032 section 5")
    for _ in range(curve.cofactor_bits):
        x_squared, y_squared = _x_squared(curve, y), y * y % prime
        y = (y_squared - curve.a * x_squared) * pow(1 - curve.d * x_squared * y_squared, -1, prime) % prime
    if y == 1:
        raise _malformed(algorithm, "the point is of small order, so that anybody can sign", "RFC 8032 section 5")


def _x_squared(curve: _Edwards, y: int) -> int:
    return (1 - y * y) * pow(curve.a - curve.d * y * y, -1, curve.prime) % curve.prime
