"""The commands that change a signed zone say and write the same, whether they changed the file by its apex or as a whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.keyring import NOW, VALIDITY, ksk, zsk
from tests.peers import assert_dnssec_verify_accepts
from zonekit import rewriting
from zonekit.apex import lower_ttls, merge_dnskeys
from zonekit.cli.app import cli
from zonekit.denial import Denial, Nsec, Nsec3
from zonekit.dnskeys import parse_dnskeys
from zonekit.files import write_key, write_text, write_zone
from zonekit.instants import instant_text
from zonekit.render import render_zone
from zonekit.signing import sign_zone
from zonekit.zonefile import parse_zone
from zonekit.zones import Zone

AT = ["--now", instant_text(NOW), "--json"]
TEXT = """\
@ 3600 SOA ns1.example.net. admin 7 7200 3600 1209600 300
@ 3600 NS ns1.example.net.
www 3600 A 192.0.2.1
"""
MERGE = ("merge", "zone", "-K", "keys", "--foreign", "foreign", *AT)
COMMANDS: dict[str, tuple[str, ...]] = {
    "merge": (*MERGE, "-i"),
    "merge to another file": (*MERGE, "-f", "other"),
    "merge with CDS": (*MERGE, "-i", "--publish-cds"),
    "merge, the serial ahead of the policy": (*MERGE, "-i", "--serial", "unixtime"),
    "merge that is too large": (*MERGE, "-i", "--max-response", "300"),
    "merge without signers": ("merge", "zone", "--foreign", "foreign", *AT, "-i"),
    "withdraw": ("withdraw", "merged", "-K", "keys", "--foreign", "foreign", *AT, "-i"),
    "withdraw by key tag": ("withdraw", "merged", "-K", "keys", "--key-tag", str(ksk(number=1).key_tag), *AT, "-i"),
    "withdraw what is not there": ("withdraw", "zone", "-K", "keys", "--foreign", "foreign", *AT, "-i"),
    "withdraw what signs": ("withdraw", "zone", "-K", "keys", "--key-tag", str(zsk().key_tag), *AT, "-i"),
    "lower": ("lower-ttl", "zone", "-K", "keys", "--save", "saved", *AT, "-i"),
    "lower nothing": ("lower-ttl", "zone", "-K", "keys", "--ttl", "1d", *AT, "-i"),
    "lower all of it": ("lower-ttl", "zone", "-K", "keys", "--all", "--zone", "--ttl", "60", *AT, "-i"),
    "restore": ("lower-ttl", "lowered", "-K", "keys", "--restore", "changes", *AT, "-i"),
    "the wrong origin": (*MERGE, "-i", "-o", "example.com"),
}
NEEDS_ALL = {"lower all of it", "the wrong origin", "withdraw what signs"}


def make_files(directory: Path, denial: Denial, *, sealed: bool) -> None:
    zone = sign_zone(parse_zone(TEXT, "example.nl"), (ksk(), zsk()), validity=VALIDITY, denial=denial)
    foreign = (*parse_dnskeys(ksk(number=1)), *parse_dnskeys(zsk(number=1)))
    lowered = lower_ttls(zone, signers=(ksk(), zsk()), validity=VALIDITY)
    merged = merge_dnskeys(zone, foreign, signers=(ksk(), zsk()), validity=VALIDITY)

    def write(made: Zone, name: str) -> None:
        if sealed:
            write_zone(made, directory / name)
        else:
            write_text(directory / name, render_zone(made))

    for made, name in ((zone, "zone"), (merged, "merged"), (lowered.zone, "lowered")):
        write(made, name)
    changes = [
        {"owner": each.owner, "type": each.rdtype, "old_ttl": each.old_ttl, "new_ttl": each.new_ttl}
        for each in lowered.changes
    ]
    (directory / "changes").write_text(json.dumps({"zone": "example.nl.", "serial": 8, "changes": changes}))
    (directory / "foreign").write_text("".join(f"example.nl. IN DNSKEY {key.text()}\n" for key in foreign))
    (directory / "keys").mkdir()
    for key in (ksk(), zsk()):
        write_key(key, directory / "keys")


def run_in(directory: Path, command: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> tuple[Result, dict[str, bytes]]:
    """Run a command among the files of a directory, and return what it said and what is there afterwards."""
    monkeypatch.chdir(directory)
    result = CliRunner().invoke(cli, command, prog_name="zonekit")
    assert result.exit_code in (0, 1, 2), result.output
    return result, {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


@pytest.mark.parametrize("denial", [Nsec(), Nsec3()])
@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_said_and_written_is_the_same_either_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, denial: Denial
) -> None:
    (tmp_path / "sealed").mkdir()
    (tmp_path / "plain").mkdir()
    make_files(tmp_path / "sealed", denial, sealed=True)
    make_files(tmp_path / "plain", denial, sealed=False)
    whole, written_whole = run_in(tmp_path / "plain", COMMANDS[name], monkeypatch)
    if name not in NEEDS_ALL and not (name == "merge with CDS" and denial == Nsec3()):

        def refuse(*arguments: object, **options: object) -> None:
            raise AssertionError("the whole file was read")

        monkeypatch.setattr(rewriting, "read_zone_with_findings", refuse)
    by_apex, written_by_apex = run_in(tmp_path / "sealed", COMMANDS[name], monkeypatch)
    assert (by_apex.exit_code, by_apex.stdout, by_apex.stderr) == (whole.exit_code, whole.stdout, whole.stderr)
    assert written_by_apex.keys() == written_whole.keys()

    if whole.exit_code == 0:
        written = COMMANDS[name][1] if "-i" in COMMANDS[name] else "other"
        assert written_by_apex[written] == written_whole[written]
        assert_dnssec_verify_accepts(tmp_path / "sealed" / written, "example.nl", NOW)
    assert written_by_apex.get("saved") == written_whole.get("saved")


def test_a_refusal_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_files(tmp_path, Nsec(), sealed=True)
    before = (tmp_path / "zone").read_bytes()
    result, written = run_in(tmp_path, COMMANDS["withdraw what signs"], monkeypatch)
    assert result.exit_code == 1
    assert written["zone"] == before


def test_a_zone_for_standard_output_is_read_whole_because_what_is_out_is_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_files(tmp_path, Nsec(), sealed=True)
    broken = (tmp_path / "zone").read_text().replace("192.0.2.1\n", "192.0.2.x\n")
    (tmp_path / "zone").write_text(broken)
    result, _ = run_in(tmp_path, [word for word in MERGE if word != "--json"], monkeypatch)
    assert (result.exit_code, result.stdout) == (2, "")


def test_findings_about_a_file_that_was_edited_are_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_files(tmp_path, Nsec(), sealed=True)
    text = (tmp_path / "zone").read_text()
    line = next(line for line in text.splitlines() if line.startswith("www"))
    # As long as before, so that it is found while the file is copied; the record in its place is outside the zone.
    (tmp_path / "zone").write_text(text.replace(line, "www.example.com. 60 A 192.0.2.1".ljust(len(line))))
    result, written = run_in(tmp_path, COMMANDS["lower"], monkeypatch)
    assert result.exit_code == 0, result.output
    findings = [(finding["code"], finding["type"]) for finding in json.loads(result.stdout)["findings"]]
    assert findings == [("out-of-zone", "A"), ("out-of-zone", "RRSIG"), ("out-of-zone", "NSEC")]
    assert result.stderr.count("out-of-zone") == 3
    assert json.loads(written["saved"])["changes"]
