"""Where results go: the zone to a file or standard output, what a person should know to standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, assert_never

import click

from zonekit.cli.arguments import STANDARD_STREAM, usage_error
from zonekit.cli.exits import BadInput, one_line
from zonekit.cli.inputs import is_key_name
from zonekit.cli.progress import Progress
from zonekit.denial import Denial, Nsec, Nsec3, OptOut
from zonekit.dnskeys import Dnskey
from zonekit.files import write_octets, write_text
from zonekit.findings import Finding
from zonekit.keys import SigningKey
from zonekit.rewriting import Way, ZoneOctets
from zonekit.sealing import iter_sealed_signed_text
from zonekit.signing import PreparedZone
from zonekit.zones import Zone

if TYPE_CHECKING:
    from concurrent.futures import Executor


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a zone is to be written.

    Attributes:
        path: the file; None for standard output.
    """

    path: str | None

    @classmethod
    def chosen(
        cls, *, source: str, output: str | None, in_place: bool, as_json: bool, inputs: Iterable[str] = ()
    ) -> Target:
        """Return what ``-f`` and ``--in-place`` ask for.

        Args:
            source: the file of the zone.
            output: what ``-f`` says.
            in_place: whether to write over ``source``.
            as_json: whether standard output is for JSON.
            inputs: the other files that the command reads and that must outlive it.

        Raises:
            UsageError: they contradict each other, or JSON and the zone would both go to standard output.
            BadInput: the zone would be written over a key file, over another input, or over its source without
                ``--in-place``.
        """
        if in_place and output is not None:
            raise usage_error("give -f or --in-place, not both")
        if in_place and source == STANDARD_STREAM:
            raise usage_error("standard input cannot be changed in place")
        path = source if in_place else None if output in (None, STANDARD_STREAM) else output
        if path is None and as_json:
            raise usage_error("--json prints to standard output: give -f or --in-place for the zone")
        if path is not None:
            refuse_key_file(path)
        if path is not None and not in_place:
            if same_file(path, source):
                raise BadInput(f"{path}: this is the input itself; give --in-place to write over it")
            cls(path=path).spare(inputs)
        return cls(path=path)

    def spare(self, inputs: Iterable[str]) -> None:
        """Check that the zone would not be written over one of these files, which are read too.

        Raises:
            BadInput: it would.
        """
        for other in inputs:
            if self.path is not None and same_file(self.path, other):
                raise BadInput(f"{self.path}: this is {other}, which is read too; give -f another file")

    @property
    def way(self) -> Way:
        """How a zone file may be changed: what went to standard output cannot be taken back, so not by the apex alone."""
        return Way.WHOLE if self.path is None else Way.APEX

    def write(self, zone: Zone, *, progress: Progress, executor: Executor | None = None) -> None:
        """Write the zone; a file is replaced as a whole or not at all."""
        self.write_octets(ZoneOctets.of(zone, executor=executor), progress=progress)

    def write_octets(self, octets: ZoneOctets, *, progress: Progress) -> None:
        """Write the octets of a zone file; a file is replaced as a whole or not at all."""
        if self.path is not None:
            write_octets(self.path, progress.counted("writing", octets.pieces, total=octets.count))
            return
        for piece in octets.pieces:
            sys.stdout.write(piece.decode("ascii"))
        sys.stdout.flush()

    def write_signed(self, prepared: PreparedZone, *, progress: Progress, executor: Executor | None = None) -> None:
        """Sign a zone and write it, to a file each part as soon as it is signed; standard output gets a zone that is whole.

        A file is replaced as a whole or not at all.
        """
        if self.path is None:
            self.write(prepared.sign(executor=executor), progress=progress, executor=executor)
            return
        pieces = iter_sealed_signed_text(prepared, executor=executor)
        write_text(self.path, progress.counted("signing", pieces, total=len(prepared.unsigned.blocks) + 2))

    def __str__(self) -> str:
        return "standard output" if self.path is None else self.path


def refuse_key_file(path: str) -> None:
    """Raise where a path, or what it is a symbolic link to, is the name of a key file.

    Raises:
        BadInput: it is.
    """
    target = os.path.realpath(path)
    if is_key_name(path):
        raise BadInput(f"{path}: this is the name of a key file, and nothing else goes there")
    if is_key_name(target):
        raise BadInput(f"{path}: this is a link to the key file {target}, and nothing else goes there")


def same_file(path: str, other: str) -> bool:
    """Whether two paths lead to one file, be it there yet or not."""
    if STANDARD_STREAM in (path, other):
        return False
    try:
        return os.path.samefile(path, other)
    except OSError:
        return os.path.realpath(path) == os.path.realpath(other)


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object to standard output."""
    click.echo(json_text(value), nl=False)


def json_text(value: Mapping[str, Any]) -> str:
    """Return one JSON object as text, its members in the order given, with a final newline."""
    return json.dumps(value, indent=2) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """What a command says on standard error beside errors."""

    quiet: bool

    def say(self, text: str) -> None:
        """Say one line."""
        if not self.quiet:
            click.echo(one_line(text), err=True)

    def insist(self, text: str) -> None:
        """Say one line, quiet or not."""
        click.echo(one_line(text), err=True)

    def report(self, findings: Iterable[Finding]) -> None:
        """Say each finding."""
        for finding in findings:
            self.say(str(finding))


def finding_object(finding: Finding) -> dict[str, str]:
    """Return a finding for JSON."""
    return {
        "code": finding.code,
        "severity": finding.severity.name.lower(),
        "owner": finding.owner,
        "type": finding.rdtype,
        "message": finding.message,
        "remedy": finding.remedy,
        "rule": finding.rule,
    }


def finding_objects(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """Return findings for JSON."""
    return [finding_object(finding) for finding in findings]


def key_objects(keys: Iterable[SigningKey]) -> list[dict[str, Any]]:
    """Return the operator's own keys for JSON: their public facts."""
    return [{"role": key.role.value, "key_tag": key.key_tag, "algorithm": int(key.algorithm)} for key in keys]


def dnskey_objects(keys: Iterable[Dnskey]) -> list[dict[str, Any]]:
    """Return DNSKEYs for JSON."""
    return [
        {"role": role_text(key), "key_tag": key.key_tag, "algorithm": key.algorithm, "flags": key.flags} for key in keys
    ]


def role_text(key: Dnskey) -> str:
    """Return what a DNSKEY's flags say that it is; a CSK looks like a KSK."""
    return "KSK" if key.is_sep else "ZSK"


def keys_text(keys: Iterable[SigningKey]) -> str:
    """Return the operator's own keys in words."""
    return ", ".join([f"{key.role.value} {key.key_tag}" for key in keys]) or "no key"


def dnskeys_text(keys: Iterable[Dnskey]) -> str:
    """Return DNSKEYs in words."""
    return ", ".join([f"{role_text(key)} {key.key_tag}" for key in keys]) or "no key"


def denial_text(denial: Denial) -> str:
    """Return the kind of denial in words."""
    match denial:
        case Nsec():
            return "NSEC"
        case Nsec3():
            opt_out = ", opt-out" if denial.opt_out is OptOut.ON else ""
            return f"NSEC3 (iterations {denial.iterations}, salt {denial.salt.hex() or '-'}{opt_out})"
        case _:
            assert_never(denial)
