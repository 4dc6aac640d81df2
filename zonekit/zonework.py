"""What is done with the zones of a batch: they are signed, merged or verified, and put in place together.

Each zone is a *draft* that takes step after step until it is staged, is up to date, or fails. Keys get their names before the
zones that publish them (:mod:`zonekit.staging`). What is told of a zone is what nobody would notice otherwise.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from zonekit import rdata as rd
from zonekit.algorithms import Algorithm
from zonekit.apex import merge_dnskeys
from zonekit.crews import Batch, ZoneOutcome, ZoneResult, internal_error
from zonekit.denial import Denial
from zonekit.dnskeys import Dnskey, parse_dnskeys
from zonekit.errors import FileError, FleetError, KeyFileExists, SigningError, ZonekitError
from zonekit.files import (
    PRIVATE_MODE,
    PUBLIC_MODE,
    file_errors,
    looks_like_private_key,
    read_keys_among,
    read_text,
    shown_path,
)
from zonekit.findings import Finding, Severity
from zonekit.fleetfiles import (
    KEY_SUFFIXES,
    LOOKED_AT,
    is_there,
    key_files_in,
    name_in_key_files,
    octets_of,
    opened_directory,
    origin_of,
)
from zonekit.instants import DEFAULT_INCEPTION_MARGIN, SignatureValidity, epoch_seconds, instant_text
from zonekit.keyfiles import render_key_file, render_private_file
from zonekit.keys import SEP_FLAG, KeyRole, KeyTiming, KeyUse, SigningKey, generate_csk, generate_ksk, generate_zsk
from zonekit.names import from_wire_name, parse_origin
from zonekit.nodes import signature_expirations
from zonekit.recipes import Recipe
from zonekit.render import iter_zone_text
from zonekit.serials import SerialPolicy, change_serial, latest_serial, not_raised, serial_gt
from zonekit.signing import DEFAULT_DNSKEY_TTL, Jitter, sign_zone
from zonekit.staging import Staging, begun, joined
from zonekit.verifying import verify_zone
from zonekit.verifying.verification import joined as joined_findings
from zonekit.zonefile import Misfits, parse_rrsets, parse_zone_with_findings
from zonekit.zones import RRset, Zone

_DIGEST_OCTETS: Final = 16
_GROUP_OCTETS: Final = 2**20  # of zone files that take each step together
_MODULUS: Final = 2**32


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningRules:
    """How each zone of a fleet is signed.

    Attributes:
        signatures_validity: how long new signatures are valid.
        signatures_refresh: how long before its first signature expires a zone is signed anew.
        denial: NSEC or NSEC3; when not given, what the zone has, else NSEC.
        dnskey_ttl: the TTL of the DNSKEY RRset, in seconds, where the zone does not have one yet.
        serial: the new serial, counted from that of the zone file or from the one signed last, whichever is later.
        jitter: how far expirations are spread.
        flagged_keys: what a key with the SEP flag is, KSK or CSK; key files do not tell the two apart.
        generate: the algorithm of the keys that are generated for a zone of which there is no key file at all, a KSK and
            a ZSK or a CSK; None where a zone without keys fails.

    Raises:
        FleetError: signatures that would be signed anew as soon as they are made, or ``flagged_keys`` is ZSK.
    """

    signatures_validity: timedelta = timedelta(days=14)
    signatures_refresh: timedelta = timedelta(days=5)
    denial: Denial | None = None
    dnskey_ttl: int = DEFAULT_DNSKEY_TTL
    serial: SerialPolicy = SerialPolicy.KEEP
    jitter: Jitter | None = None
    flagged_keys: KeyRole = KeyRole.KSK
    generate: Algorithm | None = None

    def __post_init__(self) -> None:
        spread = timedelta(0) if self.jitter is None else self.jitter.interval
        if not timedelta(0) <= self.signatures_refresh < self.signatures_validity - spread:
            raise FleetError(
                f"signatures valid for {self.signatures_validity - spread} would be made anew"
                f" {self.signatures_refresh} before they expire, which is always",
                remedy="give a longer validity or a shorter refresh",
            )
        if self.flagged_keys is KeyRole.ZSK:
            raise FleetError("a key with the SEP flag is no ZSK", remedy="say KSK or CSK")


@dataclass(frozen=True, slots=True, kw_only=True)
class MergingRules:
    """How another operator's DNSKEYs are merged into each zone of a fleet.

    Attributes:
        signatures_validity: how long new signatures are valid.
        signatures_refresh: how long before its first signature expires a zone is merged anew.
        serial: the new serial, counted from that of the zone file or from the one merged last, whichever is later.
        flagged_keys: what a key of one's own with the SEP flag is, KSK or CSK.
    """

    signatures_validity: timedelta = timedelta(days=14)
    signatures_refresh: timedelta = timedelta(days=5)
    serial: SerialPolicy = SerialPolicy.INCREMENT
    flagged_keys: KeyRole = KeyRole.KSK


# ---- drafts ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Earlier:
    """The file that is replaced, and what its recipe says, if it has one."""

    status: os.stat_result
    recipe: Recipe | None = None
    is_whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _OwnKeys:
    """The keys of a zone, each for what it is for now."""

    signing: tuple[SigningKey, ...]
    published: tuple[SigningKey, ...] = ()

    @property
    def ds_tags(self) -> tuple[int, ...]:
        """The key tags of those that sign and that a DS may point to."""
        flagged = [key for key in self.signing if key.flags & SEP_FLAG]
        return tuple(sorted(key.key_tag for key in flagged or self.signing))

    def update(self, digest: hashlib.blake2b) -> None:
        """Add to a digest which keys they are."""
        for keys in (self.signing, self.published):
            digest.update(b"%d keys\n" % len(keys))
            for rdata in sorted(key.dnskey_rdata for key in keys):
                digest.update(rdata)


@dataclass(slots=True, kw_only=True)
class _Draft:
    """A zone that something is made of, as far as that has come; with a result it has come to its end."""

    zone: str
    key_files: tuple[str, ...]
    octets: bytes = b""
    foreign: str = ""
    earlier: _Earlier | None = None
    own: _OwnKeys = _OwnKeys(signing=())
    new_keys: dict[str, SigningKey] = field(default_factory=dict)
    digest: str = ""
    findings: tuple[Finding, ...] = ()
    made: Zone | None = None
    text: bytes = b""
    result: ZoneResult | None = None
    problem: str = ""

    @property
    def is_under_way(self) -> bool:
        """Whether there is more to do."""
        return self.result is None

    @property
    def new_key_files(self) -> list[str]:
        """The names of the files of its new keys."""
        return [f"{name}{suffix}" for name in self.new_keys for suffix in KEY_SUFFIXES]

    def end(self, result: ZoneResult) -> None:
        """End it, and let go of what is not needed any more."""
        self.result = result
        self.octets = self.text = b""
        self.foreign = ""
        self.made = None

    def fail(self, problem: str) -> None:
        """End it with what went wrong."""
        self.end(ZoneResult.FAILED)
        self.problem = problem

    def note(
        self,
        code: str,
        message: str,
        *,
        severity: Severity = Severity.WARNING,
        rdtype: str = "",
        remedy: str = "",
        rule: str = "",
    ) -> None:
        """Note what should be known of it."""
        noted = zone_finding(self.zone, code, message, severity=severity, rdtype=rdtype, remedy=remedy, rule=rule)
        self.findings += (noted,)

    def outcome(self) -> ZoneOutcome:
        """What became of it, now that all is in place that is to be there."""
        is_done = self.result is None
        return ZoneOutcome(
            zone=self.zone,
            result=self.result or ZoneResult.DONE,
            problem=self.problem,
            findings=self.findings,
            new_keys=tuple(self.new_keys) if is_done else (),
        )


def zone_finding(
    zone: str,
    code: str,
    message: str,
    *,
    severity: Severity = Severity.WARNING,
    rdtype: str = "",
    remedy: str = "",
    rule: str = "",
) -> Finding:
    """A finding about a zone as a whole."""
    return Finding(
        code=code, severity=severity, owner=f"{zone}.", rdtype=rdtype, message=message, remedy=remedy, rule=rule
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """Where a batch is worked on.

    Attributes:
        zones: where zone files are staged.
        keys: where key files are, if any are made.
        beside: the directory of what else there is of each zone, opened; -1 where there is none.
    """

    zones: Staging
    keys: Staging | None
    beside: int


def _staging(directory: str, batch: Batch, what: str) -> Staging:
    """Where files of a batch are staged."""
    return Staging(directory, f"{batch.number}.{what}", part_of=f"{batch.part_of}.{what}" if batch.part_of else "")


_Zones: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
_Step: TypeAlias = Callable[[_Draft, _Desk], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Making:
    """Work that makes a file of each zone file, with a recipe as its first line.

    Some zones take each step together, for the processor does a thing sooner when it has just done it: a fifth of all the
    time of a fleet of small zones.
    """

    source: str
    output: str
    key_directory: str
    suffix: str
    now: datetime
    runs: tuple[tuple[str, str], ...]

    def outcomes(self, batch: Batch) -> list[ZoneOutcome]:
        """Make them, and put them in place together."""
        with contextlib.ExitStack() as opened:
            for directory, run in self.runs:
                opened.enter_context(joined(directory, run))
            is_again = opened.enter_context(begun(self.output, batch.number)) or bool(batch.part_of)
            beside = self._directory_beside
            desk = _Desk(
                zones=opened.enter_context(_staging(self.output, batch, "zones")),
                keys=opened.enter_context(_staging(self.key_directory, batch, "keys")) if self._makes_keys else None,
                beside=-1 if beside is None else opened.enter_context(opened_directory(beside)),
            )
            # After what a dead worker left was put right: the keys that it made are those of the zone.
            zones = self._with_new_key_files(batch.zones) if is_again and self._makes_keys else batch.zones
            drafts = [_Draft(zone=zone, key_files=key_files) for zone, key_files in zones]
            for group in self._groups_read(drafts, desk):
                for step in self._steps:
                    _take(step, group, desk)
            self._put_in_place([draft for draft in drafts if draft.is_under_way], desk)
        return [draft.outcome() for draft in drafts]

    def _with_new_key_files(self, zones: _Zones) -> _Zones:
        """The zones of a batch that somebody began before, each with the key files that it has by now."""
        if all(key_files for _, key_files in zones):
            return zones
        found = key_files_in(self.key_directory)
        return tuple((zone, found.get(name_in_key_files(zone), ())) for zone, _ in zones)

    @property
    def _makes_keys(self) -> bool:
        return False

    @property
    def _directory_beside(self) -> str | None:
        """The directory of what else there is of each zone."""
        return None

    @property
    def _steps(self) -> Sequence[_Step]:
        """What makes a staged file of a zone that was read."""
        raise NotImplementedError

    def _groups_read(self, drafts: Iterable[_Draft], desk: _Desk) -> Iterator[list[_Draft]]:
        """Read the zone files, and yield as many as may be held at once."""
        group: list[_Draft] = []
        octets = 0
        for draft in drafts:
            group.append(draft)
            _take(self._read, [draft], desk)
            octets += len(draft.octets)
            if octets >= _GROUP_OCTETS:
                yield group
                group, octets = [], 0
        yield group

    def _read(self, draft: _Draft, desk: _Desk) -> None:
        name = origin_of(draft.zone) + self.suffix
        draft.octets = octets_of(os.path.join(self.source, name))
        draft.earlier = self._earlier(name)

    def _earlier(self, name: str) -> _Earlier | None:
        """What is there to be replaced; anything but a plain file, and a private key, is refused."""
        path = os.path.join(self.output, name)
        with file_errors(path, "cannot be written"):
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            try:
                status = os.fstat(descriptor)
                octets = os.read(descriptor, LOOKED_AT) if stat.S_ISREG(status.st_mode) else b""
            finally:
                os.close(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise FileError("is not a plain file and is not replaced", path=shown_path(path), remedy="remove it first")
        if looks_like_private_key(octets):
            raise KeyFileExists(
                "holds a private key, and keys are never replaced", path=shown_path(path), remedy="move the key away"
            )
        recipe = Recipe.parse(octets)
        is_whole = recipe is not None and recipe.fits(octets, status.st_size)
        return _Earlier(status=status, recipe=recipe, is_whole=is_whole)

    def _find_keys(self, draft: _Draft, flagged: KeyRole) -> None:
        """Find the keys of a zone among its files, each for what it is for now."""
        found, findings = read_keys_among(draft.key_files, self.key_directory, draft.zone)
        if flagged is KeyRole.CSK:
            found = tuple(
                dataclasses.replace(key, role=KeyRole.CSK) if key.role is KeyRole.KSK else key for key in found
            )
        signing = tuple(key for key in found if key.timing.use_at(self.now) is KeyUse.SIGN)
        if not signing:
            raise SigningError(
                f"{draft.zone}: no key of it in {shown_path(self.key_directory)} is in use at {instant_text(self.now)}",
                remedy="see the keys and their timing with zonekit show, or generate some",
            )
        published = tuple(key for key in found if key.timing.use_at(self.now) is KeyUse.PUBLISH)
        draft.own = _OwnKeys(signing=signing, published=published)
        draft.findings += findings

    def _compare(self, draft: _Draft, parts: Iterable[bytes], rules: SigningRules | MergingRules) -> None:
        """End with a zone that is up to date; else note by which recipe it is made."""
        digest = hashlib.blake2b(digest_size=_DIGEST_OCTETS)
        for octets in (_recipe_of(rules), *parts):
            digest.update(b"%d octets\n" % len(octets))
            digest.update(octets)
        draft.own.update(digest)
        draft.digest = digest.hexdigest()
        earlier = draft.earlier
        if earlier is None:
            return
        if earlier.recipe is None:
            draft.note(
                "not-made-here",
                "the file that is replaced was made by no fleet: its serial and its keys were not looked at",
                remedy="see that the new serial is after the one in service, and that the DS is of one of the keys",
            )
            return
        left = earlier.recipe.until - self.now
        # What lasts longer than anything made now was made by a clock that was wrong, and may not be valid yet.
        lasts = rules.signatures_refresh < left <= rules.signatures_validity + DEFAULT_INCEPTION_MARGIN
        if earlier.is_whole and earlier.recipe.digest == draft.digest and lasts:
            draft.end(ZoneResult.CURRENT)
        elif not set(earlier.recipe.key_tags) & set(draft.own.ds_tags):
            tags = ", ".join(map(str, earlier.recipe.key_tags))
            draft.note(
                "keys-replaced",
                f"it was signed with key {tags} and is not any more: under a DS of that key it does not validate",
                rdtype="DNSKEY",
                remedy="see whether this is the right key directory",
                rule="RFC 6781 section 4.1.2",
            )

    def _next_serial(self, draft: _Draft, policy: SerialPolicy) -> int:
        """Choose the serial; note one by which nobody would know that the zone is another."""
        assert draft.made is not None
        recipe = None if draft.earlier is None else draft.earlier.recipe
        before = None if recipe is None else recipe.serial
        change = change_serial(latest_serial(draft.made.serial, before, policy), policy, self.now)
        draft.findings += change.findings(draft.made.apex)
        if before is not None and not serial_gt(change.new, before):
            draft.findings += (not_raised(draft.made.apex, change.new, before),)
        return change.new

    def _parse(self, draft: _Draft, desk: _Desk) -> None:
        path = os.path.join(self.source, draft.zone + self.suffix)
        parsed = parse_zone_with_findings(draft.octets, draft.zone, file=shown_path(path))
        draft.made, draft.octets = parsed.zone, b""
        draft.findings += parsed.findings

    def _print(self, draft: _Draft, until: datetime) -> None:
        assert draft.made is not None
        text = "".join(iter_zone_text(draft.made)).encode()
        recipe = Recipe(
            serial=draft.made.serial,
            until=until,
            octets=len(text),
            key_tags=draft.own.ds_tags,
            digest=draft.digest,
        )
        draft.text = recipe.line().encode() + text
        draft.made = None

    def _stage(self, draft: _Draft, desk: _Desk) -> None:
        like = None if draft.earlier is None else draft.earlier.status
        desk.zones.write(draft.zone + self.suffix, draft.text, mode=PUBLIC_MODE, like=like)
        draft.text = b""

    def _put_in_place(self, drafts: Sequence[_Draft], desk: _Desk) -> None:
        """Put what is staged in place, keys first; what cannot be put there fails."""
        zones, keys = desk.zones, desk.keys
        if zones.is_empty:
            return
        try:
            zones.sync()
            if keys is not None and not keys.is_empty:
                keys.sync()
                keys.seal()
                _take(_place_keys, drafts, desk)
                keys.sync_names()
            _take(self._place, drafts, desk)
            zones.sync_names()
        except ZonekitError as error:
            for draft in drafts:
                if draft.is_under_way:
                    draft.fail(str(error))

    def _place(self, draft: _Draft, desk: _Desk) -> None:
        desk.zones.move(draft.zone + self.suffix)


def _place_keys(draft: _Draft, desk: _Desk) -> None:
    assert desk.keys is not None
    desk.keys.move_new(draft.new_key_files)


def _take(step: _Step, drafts: Iterable[_Draft], desk: _Desk) -> None:
    """Take a step with each draft that is under way; what goes wrong with one ends that one."""
    for draft in drafts:
        if draft.is_under_way:
            try:
                step(draft, desk)
            except ZonekitError as error:
                _give_up(draft, desk, str(error))
            except Exception as error:
                _give_up(draft, desk, internal_error(error))


def _give_up(draft: _Draft, desk: _Desk, problem: str) -> None:
    """End with a zone, of which nothing stays staged."""
    draft.fail(problem)
    if desk.keys is not None:
        for name in draft.new_key_files:
            desk.keys.drop(name)


def _first_expiration(zone: Zone, now: datetime) -> datetime:
    """When the first signature of a signed zone expires (RFC 4034 section 3.1.5)."""
    present = epoch_seconds(now)
    half = _MODULUS // 2
    nodes = (node for _, node in zone.nodes())
    left = min((each - present + half) % _MODULUS - half for each in signature_expirations(nodes))
    return now + timedelta(seconds=left)


# What is the same for all zones of a run.
_validity: Final = functools.lru_cache(maxsize=4)(SignatureValidity.starting)
_timing: Final = functools.lru_cache(maxsize=4)(KeyTiming.starting)


@functools.lru_cache(maxsize=4)
def _recipe_of(rules: SigningRules | MergingRules) -> bytes:
    """What of the rules makes a difference to the zone itself."""
    rules = dataclasses.replace(rules, signatures_refresh=timedelta(0))
    if isinstance(rules, SigningRules):
        rules = dataclasses.replace(rules, generate=None)
    return repr(rules).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing(_Making):
    """Sign zones."""

    rules: SigningRules

    @property
    def _makes_keys(self) -> bool:
        return self.rules.generate is not None

    @property
    def _steps(self) -> Sequence[_Step]:
        return (
            self._take_keys,
            self._parse,
            self._check_unsigned,
            self._sign,
            self._print_signed,
            self._stage_keys,
            self._stage,
        )

    def _take_keys(self, draft: _Draft, desk: _Desk) -> None:
        """Read the keys, or make them; then see whether all is up to date."""
        if draft.key_files or not self._makes_keys:
            self._find_keys(draft, self.rules.flagged_keys)
        else:
            self._generate(draft)
        self._compare(draft, (b"sign", draft.octets), self.rules)

    def _generate(self, draft: _Draft) -> None:
        """Make keys for a zone that was never signed."""
        zone = draft.zone
        if draft.earlier is not None:
            made = "was signed here before" if draft.earlier.recipe else "stands in the output directory already"
            raise SigningError(
                f"{zone}: it {made}, and {shown_path(self.key_directory)} has no key of it: with new keys it would not"
                " validate",
                remedy="give the directory of its keys, or remove the zone from the output directory",
            )
        algorithm, timing = self.rules.generate, _timing(self.now)
        assert algorithm is not None
        if self.rules.flagged_keys is KeyRole.CSK:
            keys: tuple[SigningKey, ...] = (generate_csk(zone, algorithm=algorithm, timing=timing),)
        else:
            ksk = generate_ksk(zone, algorithm=algorithm, timing=timing)
            keys = (ksk, generate_zsk(zone, algorithm=algorithm, timing=timing, avoid=[ksk.key_tag]))
        draft.own = _OwnKeys(signing=keys)
        draft.new_keys = {key.name: key for key in keys}

    def _check_unsigned(self, draft: _Draft, desk: _Desk) -> None:
        """Refuse new keys for a zone that has some already."""
        if draft.new_keys and draft.made is not None and draft.made.find(draft.made.apex, rd.DNSKEY) is not None:
            raise SigningError(
                f"{draft.zone}: it has DNSKEYs already, and {shown_path(self.key_directory)} has no key of it: with new keys"
                " it would not validate",
                remedy="give the directory of its keys, or remove the DNSKEYs from the zone file if no DS points to them",
            )

    def _sign(self, draft: _Draft, desk: _Desk) -> None:
        rules, zone = self.rules, draft.made
        assert zone is not None
        draft.made = sign_zone(
            zone,
            draft.own.signing,
            published=draft.own.published,
            validity=_validity(self.now, rules.signatures_validity),
            denial=rules.denial,
            dnskey_ttl=rules.dnskey_ttl,
            serial=self._next_serial(draft, rules.serial),
            jitter=rules.jitter,
        )

    def _print_signed(self, draft: _Draft, desk: _Desk) -> None:
        rules = self.rules
        spread = timedelta(0) if rules.jitter is None else rules.jitter.interval
        self._print(draft, _validity(self.now, rules.signatures_validity).expiration - spread)

    def _stage_keys(self, draft: _Draft, desk: _Desk) -> None:
        for name, key in draft.new_keys.items():
            assert desk.keys is not None
            desk.keys.write(f"{name}.key", render_key_file(key).encode(), mode=PUBLIC_MODE, exact=True)
            desk.keys.write(f"{name}.private", render_private_file(key).encode(), mode=PRIVATE_MODE, exact=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merging(_Making):
    """Merge another operator's DNSKEYs into zones."""

    foreign_directory: str
    foreign_suffix: str
    rules: MergingRules

    @property
    def _steps(self) -> Sequence[_Step]:
        return (self._take_keys, self._parse, self._merge, self._stage)

    def _take_keys(self, draft: _Draft, desk: _Desk) -> None:
        """Read both operators' keys, as far as there are any; then see whether all is up to date."""
        if not is_there(draft.zone + self.foreign_suffix, desk.beside, self._foreign_file(draft)):
            self._leave_alone(draft)
            return
        draft.foreign = read_text(self._foreign_file(draft))
        self._find_keys(draft, self.rules.flagged_keys)
        self._compare(draft, (b"merge", draft.foreign.encode(), draft.octets), self.rules)

    def _leave_alone(self, draft: _Draft) -> None:
        """End with a zone for which there are no foreign DNSKEYs; what was merged while there were some, stays."""
        draft.end(ZoneResult.LEFT_ALONE)
        if draft.earlier is not None:
            path = os.path.join(self.output, draft.zone + self.suffix)
            draft.note(
                "foreign-keys-gone",
                f"{shown_path(path)} was made before, there is no {shown_path(self._foreign_file(draft))} any more, and it"
                " is not made anew",
                remedy="put that file back, or serve the zone without foreign keys and remove the merged one",
            )

    @property
    def _directory_beside(self) -> str | None:
        return self.foreign_directory

    def _foreign_file(self, draft: _Draft) -> str:
        return os.path.join(self.foreign_directory, draft.zone + self.foreign_suffix)

    def _foreign_keys(self, draft: _Draft) -> tuple[Dnskey, ...]:
        try:
            return parse_dnskeys(draft.foreign, owner=from_wire_name(parse_origin(draft.zone)))
        except ZonekitError as error:
            raise error.within(shown_path(self._foreign_file(draft))) from None

    def _merge(self, draft: _Draft, desk: _Desk) -> None:
        rules, zone = self.rules, draft.made
        assert zone is not None
        validity = _validity(self.now, rules.signatures_validity)
        serial = self._next_serial(draft, rules.serial)
        draft.made = merge_dnskeys(
            zone, self._foreign_keys(draft), signers=draft.own.signing, validity=validity, serial=serial
        )
        until = _first_expiration(draft.made, self.now)
        if until - self.now <= rules.signatures_refresh:
            draft.note(
                "signatures-expire",
                f"the first signature of the zone {'expired' if until < self.now else 'expires'} at {instant_text(until)}",
                severity=Severity.ERROR if until < self.now else Severity.WARNING,
                rdtype="RRSIG",
                remedy="sign the zone anew, then merge it again",
                rule="RFC 4034 section 3.1.5",
            )
        self._print(draft, until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifying:
    """Verify zones."""

    source: str
    suffix: str
    now: datetime
    severity: Severity
    ds_directory: str | None

    def outcomes(self, batch: Batch) -> list[ZoneOutcome]:
        """Verify them one after the other."""
        with contextlib.ExitStack() as opened:
            beside = -1 if self.ds_directory is None else opened.enter_context(opened_directory(self.ds_directory))
            return [self._outcome(zone, beside) for zone, _ in batch.zones]

    def _outcome(self, zone: str, beside: int) -> ZoneOutcome:
        try:
            findings = self._findings(origin_of(zone), beside)
        except ZonekitError as error:
            return ZoneOutcome(zone=zone, result=ZoneResult.FAILED, problem=str(error))
        except Exception as error:
            return ZoneOutcome(zone=zone, result=ZoneResult.FAILED, problem=internal_error(error))
        told = tuple(finding for finding in findings if finding.severity >= self.severity)
        return ZoneOutcome(zone=zone, result=ZoneResult.DONE, findings=told)

    def _findings(self, zone: str, beside: int) -> tuple[Finding, ...]:
        path = os.path.join(self.source, zone + self.suffix)
        octets = octets_of(path)
        parsed = parse_zone_with_findings(octets, zone, file=shown_path(path), misfits=Misfits.KEEP)
        found = verify_zone(parsed.zone, now=self.now, ds=self._ds(zone, parsed.zone, beside))
        return joined_findings(found.findings, parsed.findings)

    def _ds(self, zone: str, parsed: Zone, beside: int) -> RRset | None:
        """The DS RRset at the parent, where there is a file of it."""
        if self.ds_directory is None:
            return None
        name = f"dsset-{zone}."
        path = os.path.join(self.ds_directory, name)
        if not is_there(name, beside, path):
            return None
        for rrset in parse_rrsets(
            read_text(path), from_wire_name(parsed.apex), file=shown_path(path), default_ttl=3600
        ):
            if rrset.type_text == "DS" and rrset.owner.lower() == parsed.apex.lower():
                return rrset
        raise FileError(f"has no DS record of {zone}", path=shown_path(path), remedy="see what dnssec-signzone wrote")
