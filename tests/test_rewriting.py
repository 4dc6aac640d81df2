"""Zone files changed by their apex alone: the same file and the same refusal as reading and writing all of it gives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.keyring import NOW, VALIDITY, ksk, zsk
from tests.peers import assert_every_verifier_accepts
from tests.strategies import signable_zones
from zonekit import rdata as rd
from zonekit import rewriting
from zonekit.apex import (
    ChangedTtls,
    ParentRecords,
    TtlScope,
    change_ns,
    lower_ttls,
    merge_dnskeys,
    resign_dnskeys,
    restore_ttls,
    with_serial,
    withdraw_dnskeys,
)
from zonekit.denial import Denial, Nsec, Nsec3, OptOut, hashed_owner
from zonekit.dnskeys import parse_dnskeys
from zonekit.errors import FileError, KeyFileExists, SigningError, ZoneFileError, ZonekitError
from zonekit.files import read_zone, write_text, write_zone
from zonekit.instants import SignatureValidity
from zonekit.names import name_text
from zonekit.render import render_zone
from zonekit.rewriting import OpenZone, Way, ZoneOctets, open_zone, rewrite_zone
from zonekit.sealing import iter_sealed_text
from zonekit.signing import sign_zone
from zonekit.ttl import Ttl
from zonekit.zonefile import parse_zone
from zonekit.zones import RRset, Zone

KEYS = (ksk(), zsk())
FOREIGN = (*parse_dnskeys(ksk(number=1)), *parse_dnskeys(zsk(number=1)))
LATER = SignatureValidity.starting(NOW + timedelta(days=1), timedelta(days=14))
HEAD = "@ 3600 SOA ns1.example.net. admin 7 7200 3600 1209600 300\n@ 3600 NS ns1.example.net.\n"
BODY = "".join(f"host{number} 3600 A 192.0.2.{number}\n" for number in range(8)) + 'text 60 TXT "a @ $ ( \\" \\\\ ;"\n'

Step = Callable[[Zone], Zone]


def merged(zone: Zone) -> Zone:
    return merge_dnskeys(zone, FOREIGN, signers=KEYS, validity=LATER)


def withdrawn(zone: Zone) -> Zone:
    return withdraw_dnskeys(zone, FOREIGN, signers=KEYS, validity=LATER)


def lowered(zone: Zone) -> Zone:
    return lower_ttls(zone, 60, signers=KEYS, validity=LATER).zone


def restored(zone: Zone) -> Zone:
    changes = lower_ttls(zone, 60, signers=KEYS, validity=LATER).changes
    return restore_ttls(lowered(zone), changes, signers=KEYS, validity=LATER).zone


AT_APEX: dict[str, Step] = {
    "nothing": lambda zone: zone,
    "merge": merged,
    "merge, then withdraw": lambda zone: withdrawn(merged(zone)),
    "re-sign DNSKEY": lambda zone: resign_dnskeys(zone, signers=KEYS, validity=LATER),
    "lower TTLs": lowered,
    "restore TTLs": restored,
    "change NS": lambda zone: change_ns(zone, ["ns1.example.org."], signers=KEYS, validity=LATER),
    "bump the serial": lambda zone: with_serial(zone, signers=KEYS, validity=LATER),
}
BEYOND_APEX: dict[str, Step] = {
    "lower TTLs in the whole zone": lambda zone: (
        lower_ttls(zone, 60, types=None, scope=TtlScope.ZONE, signers=KEYS, validity=LATER).zone
    ),
    "lower the TTL of the SOA": lambda zone: lower_ttls(zone, 60, types=["SOA"], signers=KEYS, validity=LATER).zone,
    "a name server in the zone": lambda zone: change_ns(zone, ["host1"], signers=KEYS, validity=LATER),
}
REFUSED: dict[str, Step] = {
    "withdraw what is not there": withdrawn,
    "withdraw the key that signs": lambda zone: withdraw_dnskeys(
        zone, parse_dnskeys(zsk()), signers=KEYS, validity=LATER
    ),
    "no signers": lambda zone: with_serial(zone, signers=(), validity=LATER),
    "a serial that is past": lambda zone: with_serial(zone, 1, signers=KEYS, validity=LATER),
    "a name server that has no address": lambda zone: change_ns(zone, ["nobody"], signers=KEYS, validity=LATER),
}
STEPS = (
    AT_APEX
    | BEYOND_APEX
    | REFUSED
    | {
        "publish CDS": lambda zone: resign_dnskeys(
            zone, signers=KEYS, validity=LATER, parent_records=ParentRecords.PUBLISH
        )
    }
)


def signed(text: str = BODY, denial: Denial = Nsec(), *more: RRset) -> Zone:
    plain = parse_zone(HEAD + text, "example.nl").replace(*more)
    return sign_zone(plain, KEYS, validity=VALIDITY, denial=denial)


def zonemd() -> RRset:
    return RRset(
        owner=parse_zone(HEAD, "example.nl").apex,
        rdtype=rd.ZONEMD,
        ttl=Ttl(60),
        rdatas=(bytes(4) + b"\x01\x01" + bytes(48),),
    )


def sealed_octets(zone: Zone) -> bytes:
    return "".join(iter_sealed_text(zone)).encode("ascii")


def outcome(do: Callable[[], object], written: Path) -> bytes | str:
    """What a change comes to: the octets written, or the refusal."""
    try:
        do()
    except ZonekitError as error:
        assert not written.exists()
        return f"{type(error).__name__}: {error}"
    return written.read_bytes()


def the_long_way(source: Path, step: Step, target: Path) -> bytes | str:
    return outcome(lambda: write_zone(step(read_zone(source, origin="example.nl")), target), target)


def same_as_the_long_way(directory: Path, octets: bytes, step: Step) -> Way | None:
    """Change a file both ways, hold the outcomes equal, and return which way it went, or None for a refusal."""
    source, target, other = directory / "source", directory / "target", directory / "other"
    for path in (target, other):
        path.unlink(missing_ok=True)
    source.write_bytes(octets)
    ways: list[Way] = []
    found = outcome(lambda: ways.append(rewrite_zone(source, step, target, origin="example.nl")), target)
    assert found == the_long_way(source, step, other)
    assert sorted(path.name for path in directory.iterdir() if path.name.startswith(".")) == []
    return ways[0] if ways else None


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rewriting")


@pytest.fixture
def nothing_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("the whole file was read")

    monkeypatch.setattr(rewriting, "read_zone_with_findings", refuse)


# ---- the law --------------------------------------------------------------------------------------------------------


@st.composite
def signed_zones(draw: st.DrawFn) -> Zone:
    zone = draw(signable_zones())
    if draw(st.integers(0, 3)) == 3:
        zone = zone.replace(zonemd())
    return sign_zone(
        zone, KEYS, validity=VALIDITY, denial=draw(st.sampled_from((Nsec(), Nsec3(), Nsec3(opt_out=OptOut.ON))))
    )


@settings(max_examples=60)
@given(signed_zones(), st.sampled_from(sorted(STEPS)))
def test_for_every_zone_and_step_the_file_is_the_one_that_reading_and_writing_all_gives(
    place: Path, zone: Zone, step: str
) -> None:
    way = same_as_the_long_way(place, sealed_octets(zone), STEPS[step])
    assert way in ((Way.WHOLE, None) if zone.get("@", "ZONEMD") else (Way.APEX, Way.WHOLE, None))


@pytest.mark.parametrize("denial", [Nsec(), Nsec3(), Nsec3(opt_out=OptOut.ON), Nsec3(iterations=3, salt=b"\xab")])
@pytest.mark.parametrize("step", sorted(AT_APEX))
def test_a_step_at_the_apex_reads_nothing_else(
    tmp_path: Path, denial: Denial, step: str, nothing_is_read_whole: None
) -> None:
    zone = signed(denial=denial)
    source = tmp_path / "zone"
    write_zone(zone, source)
    assert rewrite_zone(source, AT_APEX[step]) is Way.APEX
    changed = AT_APEX[step](zone)
    assert parse_zone(source.read_bytes()) == changed
    body = render_zone(zone).partition("\nhost0")[2]
    assert body == render_zone(changed).partition("\nhost0")[2]
    assert source.read_text().partition("\nhost0")[2].startswith(body)


def test_a_zone_of_nothing_but_its_apex_is_changed_by_it(tmp_path: Path, nothing_is_read_whole: None) -> None:
    write_zone(signed(""), tmp_path / "zone")
    assert rewrite_zone(tmp_path / "zone", merged) is Way.APEX
    assert read_zone(tmp_path / "zone") == merged(signed(""))


def test_an_unsigned_zone_is_changed_by_its_apex(tmp_path: Path, nothing_is_read_whole: None) -> None:
    zone = parse_zone(HEAD + BODY, "example.nl")
    write_zone(zone, tmp_path / "zone")
    assert rewrite_zone(tmp_path / "zone", lambda zone: lower_ttls(zone, 60).zone) is Way.APEX
    assert read_zone(tmp_path / "zone") == lower_ttls(zone, 60).zone


@pytest.mark.parametrize("step", sorted(BEYOND_APEX))
def test_what_needs_more_than_the_apex_gets_it(tmp_path: Path, step: str) -> None:
    assert same_as_the_long_way(tmp_path, sealed_octets(signed()), BEYOND_APEX[step]) is Way.WHOLE


def test_cds_go_in_by_the_apex_unless_an_nsec3_below_it_has_to_tell_of_them(tmp_path: Path) -> None:
    publish = STEPS["publish CDS"]
    assert same_as_the_long_way(tmp_path, sealed_octets(signed()), publish) is Way.APEX
    with_nsec3 = signed(denial=Nsec3())
    assert same_as_the_long_way(tmp_path, sealed_octets(with_nsec3), publish) is Way.WHOLE
    again = sealed_octets(publish(with_nsec3))  # where they stand already the bitmap is right
    assert same_as_the_long_way(tmp_path, again, publish) is Way.APEX


def test_an_nsec3_whose_bitmap_was_wrong_is_put_right_all_the_same(tmp_path: Path) -> None:
    zone = signed(denial=Nsec3())
    wrong = zone.replace(RRset.from_text("example.nl.", 60, "TXT", "not in the bitmap"))
    assert same_as_the_long_way(tmp_path, sealed_octets(wrong), merged) is Way.WHOLE


def test_a_zonemd_is_made_of_the_whole_zone(tmp_path: Path) -> None:
    octets = sealed_octets(signed(BODY, Nsec(), zonemd()))
    assert same_as_the_long_way(tmp_path, octets, merged) is Way.WHOLE


def test_a_key_that_may_have_signed_below_the_apex_is_looked_for_there(tmp_path: Path) -> None:
    both = sign_zone(parse_zone(HEAD + BODY, "example.nl"), (*KEYS, ksk(number=1), zsk(number=1)), validity=VALIDITY)
    assert same_as_the_long_way(tmp_path, sealed_octets(both), withdrawn) is Way.WHOLE


@pytest.mark.parametrize("step", sorted(REFUSED))
def test_what_is_refused_is_refused_in_the_same_words(tmp_path: Path, step: str) -> None:
    assert same_as_the_long_way(tmp_path, sealed_octets(signed()), REFUSED[step]) is None


def test_a_refusal_at_the_apex_of_a_sealed_file_needs_no_reading(tmp_path: Path, nothing_is_read_whole: None) -> None:
    write_zone(signed(), tmp_path / "zone")
    before = (tmp_path / "zone").read_bytes()
    with pytest.raises(SigningError, match="is not in the zone"):
        rewrite_zone(tmp_path / "zone", withdrawn)
    assert (tmp_path / "zone").read_bytes() == before
    assert os.listdir(tmp_path) == ["zone"]


# ---- other hands ----------------------------------------------------------------------------------------------------

# Every way in which a line can belong to the apex, or change what lines mean (RFC 1035 section 5.1).
APEX_LINES = (
    *('@ 60 TXT "x"\n', "@\t60 IN DNSKEY 256 3 13 {key}\n", "@ NS ns9.example.net.\n", "example.nl. 60 TXT x\n"),
    *("EXAMPLE.NL. 60 TXT x\n", "\\101xample.nl. 60 TXT x\n", "e\\xample.nl. 60 TXT x\n", "( @ 60 TXT x )\n"),
    *("(\n@ 60 TXT x )\n", "$ORIGIN nl.\nexample 60 TXT x\n", "$ORIGIN .\nexample.nl 60 TXT x\n", "$TTL 60\n@ TXT x\n"),
    *("@ 60 IN CDS 0 0 0 00\n", "@ 60 TYPE65280 \\# 1 00\n", "@ 60 DS 1 13 2 {digest}\n", "@(60)TXT x\n", "@;\n"),
    *("  60 TXT x\n", "\t60 TXT x\n", ' 60 TXT "x"\n', "$GENERATE 1-2 @ TXT $\n", "$INCLUDE other\n", "$INCLUDE o @\n"),
    *("@ 60 IN SOA ns1.example.net. admin 9 1 1 1 1\n", "@ CH TXT x\n", '"@" 60 TXT x\n', "host1 60 A 192.0.2.99\n"),
    *("\r\n@ 60 TXT x\r\n", "host1 60 CNAME host2\n", "; a comment\n", "\n", "www 60 TXT (\n", "www 60 A 1.2.3.4.5\n"),
)
EDITS = tuple(line.replace("{key}", "A" * 86 + "==").replace("{digest}", "00" * 32) for line in APEX_LINES)


@st.composite
def edited(draw: st.DrawFn, octets: bytes) -> bytes:
    """A zone file after somebody's editor: lines added or written over, octets changed, lines gone or moved."""
    lines = octets.splitlines(keepends=True)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines)))
        text = draw(st.one_of(st.sampled_from(EDITS), st.sampled_from(EDITS), st.text(max_size=12))).encode()
        match draw(st.sampled_from(("insert", "insert", "write over", "remove", "move", "octet"))):
            case "insert":
                lines.insert(at, text)
            case "write over" if at < len(lines):
                # As long as before, so that nothing but the checksum tells.
                lines[at] = (text.removesuffix(b"\n") + b" " * len(lines[at]))[: len(lines[at]) - 1] + b"\n"
            case "remove" if at < len(lines):
                del lines[at]
            case "move" if at < len(lines):
                lines.insert(draw(st.integers(0, len(lines) - 1)), lines.pop(at))
            case "octet" if at < len(lines):
                place = draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:place] + text[:1] + lines[at][place + 1 :]
            case _:
                pass
    return b"".join(lines)


ZONES = [signed(), signed(denial=Nsec3())]


@settings(max_examples=250)
@given(st.sampled_from(ZONES), st.data(), st.sampled_from(("merge", "bump the serial", "lower TTLs", "change NS")))
def test_whatever_an_editor_does_the_outcome_is_that_of_reading_all(
    place: Path, zone: Zone, data: st.DataObject, step: str
) -> None:
    same_as_the_long_way(place, data.draw(edited(sealed_octets(zone))), STEPS[step])


@pytest.mark.parametrize("line", EDITS)
@pytest.mark.parametrize("where", ["first", "middle", "last", "after the seal", "same length"])
def test_a_line_that_somebody_added_is_read(tmp_path: Path, line: str, where: str) -> None:
    lines = sealed_octets(signed()).splitlines(keepends=True)
    added = line.encode()
    match where:
        case "first":
            lines.insert(next(at for at, text in enumerate(lines) if text.startswith(b"host0")), added)
        case "middle":
            lines.insert(next(at for at, text in enumerate(lines) if text.startswith(b"host5")), added)
        case "last":
            lines.insert(-1, added)
        case "after the seal":
            lines.append(added)
        case "same length":
            at = next(at for at, text in enumerate(lines) if text.startswith(b"host5"))
            room = len(lines[at])
            lines[at] = added.removesuffix(b"\n").ljust(room - 1)[: room - 1] + b"\n"
    assert same_as_the_long_way(tmp_path, b"".join(lines), merged) is not Way.APEX


def test_a_record_of_the_apex_further_down_takes_part_in_the_step(tmp_path: Path) -> None:
    octets = sealed_octets(signed())
    room = next(line for line in octets.splitlines() if line.startswith(b"host5"))
    line = f"@ 86400 NS {'n' * (len(room) - 25)}.example.net.".encode().ljust(len(room))
    (tmp_path / "zone").write_bytes(octets.replace(room, line[: len(room)]))
    assert rewrite_zone(tmp_path / "zone", lowered) is Way.WHOLE
    assert len(read_zone(tmp_path / "zone").apex_rrset(rd.NS).rdatas) == 2


def test_a_file_that_another_program_wrote_is_read_and_then_sealed(tmp_path: Path) -> None:
    (tmp_path / "zone").write_text(render_zone(signed()))
    assert rewrite_zone(tmp_path / "zone", merged) is Way.WHOLE
    assert rewrite_zone(tmp_path / "zone", lowered) is Way.APEX
    assert read_zone(tmp_path / "zone") == lowered(merged(signed()))


def test_a_seal_that_breaks_while_the_file_is_copied_is_found_before_anything_is_replaced(tmp_path: Path) -> None:
    write_zone(signed(), tmp_path / "zone")

    def step(zone: Zone) -> Zone:
        text = (tmp_path / "zone").read_text()
        (tmp_path / "zone").write_text(text.replace("192.0.2.5\n", "192.0.2.6\n"))  # into the file that is open
        return merged(zone)

    assert rewrite_zone(tmp_path / "zone", step) is Way.WHOLE
    host = read_zone(tmp_path / "zone").get("host5", "A")
    assert host is not None and host.text().endswith("192.0.2.6")


def test_who_replaces_the_file_meanwhile_does_not_disturb(tmp_path: Path, nothing_is_read_whole: None) -> None:
    write_zone(signed(), tmp_path / "zone")

    def step(zone: Zone) -> Zone:
        write_text(tmp_path / "zone", "something else")
        return merged(zone)

    assert rewrite_zone(tmp_path / "zone", step, tmp_path / "target") is Way.APEX
    assert read_zone(tmp_path / "target") == merged(signed())


# ---- verdicts of others ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("denial", [Nsec(), Nsec3()])
def test_every_verifier_accepts_a_file_that_was_changed_by_its_apex(
    tmp_path: Path, denial: Denial, nothing_is_read_whole: None
) -> None:
    write_zone(signed(denial=denial), tmp_path / "zone")
    for step in (merged, lowered, AT_APEX["change NS"], withdrawn, AT_APEX["bump the serial"]):
        assert rewrite_zone(tmp_path / "zone", step) is Way.APEX
        assert_every_verifier_accepts(tmp_path / "zone", "example.nl", NOW + timedelta(days=2))


# ---- files ----------------------------------------------------------------------------------------------------------


def test_a_link_stays_a_link_and_a_mode_stays_a_mode(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    write_zone(signed(), tmp_path / "below" / "zone")
    (tmp_path / "below" / "zone").chmod(0o640)
    (tmp_path / "zone").symlink_to("below/zone")
    assert rewrite_zone(tmp_path / "zone", merged) is Way.APEX
    assert (tmp_path / "zone").is_symlink()
    assert (tmp_path / "below" / "zone").stat().st_mode & 0o777 == 0o640
    assert read_zone(tmp_path / "zone") == merged(signed())


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    write_zone(signed(), tmp_path / "zone")
    key = tmp_path / "Kexample.nl.+013+12345.private"
    key.write_text("Private-key-format: v1.3\n")
    with pytest.raises(KeyFileExists):
        rewrite_zone(tmp_path / "zone", merged, key)
    assert key.read_text() == "Private-key-format: v1.3\n"


def test_a_pipe_is_read_once_and_whole(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(sealed_octets(signed())), daemon=True)
    writer.start()
    assert rewrite_zone(tmp_path / "pipe", merged, tmp_path / "target") is Way.WHOLE
    writer.join(10)
    assert read_zone(tmp_path / "target") == merged(signed())


@pytest.mark.parametrize("path", ["absent", ".", "a\0b", "half \ud800"])
def test_a_path_that_cannot_be_read_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(FileError):
        rewrite_zone(os.path.join(tmp_path, path), merged)


@pytest.mark.parametrize("octets", [b"", b"\n", b"; zone example.nl., serial 1\n", b"\0" * 100, b"\xff"])
def test_a_file_that_is_no_zone_is_refused_by_the_reader(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "zone").write_bytes(octets)
    with pytest.raises(ZoneFileError):
        rewrite_zone(tmp_path / "zone", merged, origin="example.nl")
    assert (tmp_path / "zone").read_bytes() == octets


_KILLED = """
import os, signal, sys
from zonekit.rewriting import rewrite_zone
from zonekit.apex import lower_ttls

def hook(event, arguments):
    if event == "os.rename":
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
rewrite_zone(sys.argv[1], lambda zone: lower_ttls(zone, 60).zone)
"""


def test_a_process_that_is_killed_leaves_the_old_file(tmp_path: Path) -> None:
    write_zone(parse_zone(HEAD + BODY, "example.nl"), tmp_path / "zone")
    before = (tmp_path / "zone").read_bytes()
    killed = subprocess.run([sys.executable, "-c", _KILLED, tmp_path / "zone"], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "zone").read_bytes() == before


# ---- for who writes elsewhere ---------------------------------------------------------------------------------------


def lower(zone: Zone) -> ChangedTtls:
    return lower_ttls(zone, 60, signers=KEYS, validity=LATER)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[OpenZone]:
    write_zone(signed(), tmp_path / "zone")
    with open_zone(tmp_path / "zone") as zone:
        yield zone


def test_what_the_step_comes_to_is_returned_and_written(opened: OpenZone) -> None:
    written: list[bytes] = []
    done = opened.change(lower, lambda done, octets: written.extend(octets.pieces))
    assert done.changes == lower(signed()).changes
    assert b"".join(written) == sealed_octets(lower(signed()).zone)
    assert (opened.way, opened.findings, opened.apex) == (Way.APEX, (), signed().apex)


def test_settling_finds_a_broken_seal_before_anything_is_written(tmp_path: Path) -> None:
    write_zone(signed(), tmp_path / "zone")
    text = (tmp_path / "zone").read_text()
    (tmp_path / "zone").write_text(text.replace("192.0.2.5\n", "192.0.2.6\n"))
    written: list[int] = []
    with open_zone(tmp_path / "zone") as opened:
        assert opened.way is Way.APEX
        opened.settle()
        assert opened.way is Way.WHOLE
        opened.change(lower, lambda done, octets: written.append(sum(map(len, octets.pieces))))
    assert len(written) == 1


def test_a_file_can_be_asked_to_be_read_whole(tmp_path: Path) -> None:
    write_zone(signed(), tmp_path / "zone")
    with open_zone(tmp_path / "zone", way=Way.WHOLE) as opened:
        assert opened.way is Way.WHOLE
        assert opened.change(lower, lambda done, octets: None).zone == lower(signed()).zone


def test_an_error_in_writing_is_not_tried_again(opened: OpenZone) -> None:
    tries: list[ZoneOctets] = []

    def write(done: ChangedTtls, octets: ZoneOctets) -> None:
        tries.append(octets)
        raise FileError("cannot be written", path="somewhere")

    with pytest.raises(FileError, match="cannot be written"):
        opened.change(lower, write)
    assert len(tries) == 1


# ---- steps that are none of zonekit's -------------------------------------------------------------------------------


def test_a_zone_that_comes_from_elsewhere_is_written_as_a_whole(tmp_path: Path) -> None:
    path, other = tmp_path / "zone", signed("only 60 A 192.0.2.9\n")
    for step in (lambda _: other, lambda _: merged(other)):
        write_zone(signed(), path)
        assert rewrite_zone(path, step) is Way.WHOLE
        assert read_zone(path) == step(signed())


@pytest.mark.parametrize("answers", [True, False], ids=["goes on", "refuses"])
def test_a_step_that_takes_no_answer_for_an_answer_is_done_again(tmp_path: Path, answers: bool) -> None:
    path = tmp_path / "zone"

    def step(zone: Zone) -> Zone:
        try:
            there = zone.get("host1", "A") is not None
        except Exception:
            there = False
        if not there and not answers:
            raise SigningError("host1 is not there")
        return with_serial(zone, 8 if there else 1000, signers=KEYS, validity=LATER)

    write_zone(signed(), path)
    assert rewrite_zone(path, step) is Way.WHOLE
    assert read_zone(path).serial == 8


def test_what_else_stands_at_the_hash_of_the_apex_is_not_made_up(tmp_path: Path) -> None:
    path = tmp_path / "zone"
    hashed = name_text(hashed_owner(Nsec3().hash(signed().apex), signed().apex))
    zone = signed(f"{hashed} 3600 A 192.0.2.1\n", Nsec3())
    low = lower_ttls(zone, 60, types=["A"], scope=TtlScope.ZONE, signers=KEYS, validity=LATER)
    write_zone(low.zone, path)
    assert (
        rewrite_zone(path, lambda zone: restore_ttls(zone, low.changes, signers=KEYS, validity=LATER).zone) is Way.WHOLE
    )
    restored_rrset = read_zone(path).get(hashed, "A")
    assert restored_rrset is not None
    assert restored_rrset.ttl == 3600


def test_a_file_that_was_renamed_by_hand_is_read_as_a_whole(tmp_path: Path) -> None:
    path, label = tmp_path / "zone", "a" * 60
    head = HEAD.replace(" admin ", " admin.example.net. ")
    write_zone(parse_zone(f"{head}{label}.{label}.{label} 60 A 192.0.2.1\n", "example.nl"), path)
    path.write_text(path.read_text().replace("example.nl.", f"{'b' * 60}.{'c' * 20}.nl."))
    before = path.read_bytes()
    with pytest.raises(ZoneFileError, match="255"):
        rewrite_zone(path, with_serial)
    assert path.read_bytes() == before
