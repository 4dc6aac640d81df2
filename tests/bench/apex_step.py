"""What a transfer does to a signed zone, beside signing it again: merge DNSKEYs and lower two TTLs."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Final

from tests.bench.big_zone import BigZoneFiles, signzone_options
from tests.bench.inputs import BIG_ORIGIN, write_keys
from tests.bench.lab import Lab, Section, Unit
from tests.bench.measuring import Kind, Row, Sample, driver, progress, run, run_together, verify_zone

_BIND: Final = "dnssec-signzone -P, DNSKEYs added, file to file"
_FOREIGN_KEYS: Final = 2


def measure(lab: Lab) -> list[Section]:
    """Measure zonekit, and BIND once."""
    files = BigZoneFiles.make(lab)
    signed = files.ensure_signed(lab)
    other_keys = lab.directory / "other operator's keys"
    write_keys(BIG_ORIGIN, other_keys, now=lab.now)
    progress("changing the signed big zone")

    output = lab.directory / "merged and lowered"
    command = driver(
        "apex", signed, BIG_ORIGIN, files.keys, other_keys, lab.inception_text, lab.expiration_text, output
    )
    repeated = run([*command, str(lab.scale.apex_repetitions)])
    rows = [
        Row(
            name=f"zonekit {step}, in memory",
            kind=Kind.ZONEKIT,
            items=1,
            samples=tuple(
                Sample(cpu_seconds=cpu, wall_seconds=wall, peak_kib=repeated.sample.peak_kib) for cpu, wall in times
            ),
        )
        for step, times in json.loads(repeated.output).items()
    ]
    once = run([*command, "0"]).sample
    outputs = [output]
    rows.append(Row(name="zonekit, both, file to file", kind=Kind.ZONEKIT, items=1, samples=(once,)))
    if found := lab.find("dnssec-signzone"):
        outputs.append(lab.directory / "signed again")
        rows.append(_signed_again_by_bind(lab, files, found[0], outputs[-1]))
    progress("  verifying what they wrote")
    run_together([partial(verify_zone, path, BIG_ORIGIN, verifier=lab.verifier()) for path in outputs])
    return [
        Section(
            name="apex-step",
            title=f"Merging {_FOREIGN_KEYS} DNSKEYs into the signed zone of {files.zone.signed_records} records,"
            " and lowering the TTLs of NS and DNSKEY",
            unit=Unit.MILLISECONDS,
            rows=tuple(rows),
            notes=(
                f"in memory: the median of {lab.scale.apex_repetitions} times; file to file: whole programs, once",
                "dnssec-signzone merges only: no option of it lowers the TTLs of chosen RRsets",
            ),
        )
    ]


def _signed_again_by_bind(lab: Lab, files: BigZoneFiles, program: str, output: Path) -> Row:
    """The other operator's DNSKEYs added to the signed zone, and dnssec-signzone asked to put it right."""
    changed = lab.directory / "DNSKEYs added"
    shutil.copy(files.ensure_signed(lab), changed)
    with changed.open("a", encoding="ascii") as zone:
        for key in sorted((lab.directory / "other operator's keys").glob("K*.key")):
            zone.write(key.read_text())
    options = signzone_options(lab, files.keys, BIG_ORIGIN, output, threads=1)
    sample = run([program, *options, changed], cwd=lab.directory).sample
    return Row(name=_BIND, kind=Kind.PEER, items=1, samples=(sample,))
