"""``zonekit epp read``: what it prints, the exit codes, the pipe into a merge, and never an authinfo code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from lxml import etree

from tests.epp.examples import EXAMPLES
from tests.epp.strategies import frames
from tests.keyring import NOW, VALIDITY, csk
from tests.test_cli import refuse, run, succeed
from zonekit import rdata as rd
from zonekit.cli import epp as epp_commands
from zonekit.cli import frames as frame_words
from zonekit.cli.app import Later
from zonekit.cli.exits import BAD_INPUT, REFUSED
from zonekit.cli.frames import frame_lines, frame_object
from zonekit.dnskeys import dnskeys_of, parse_dnskeys
from zonekit.epp import DomainTransfer, Frame, read_frame
from zonekit.files import read_zone, write_key, write_zone
from zonekit.instants import instant_text
from zonekit.signing import sign_zone
from zonekit.zonefile import parse_zone

GAINING = Path("fixtures/keys/gaining.dnskeys")
BOUND_SECONDS = 120


@pytest.fixture
def message(tmp_path: Path) -> Path:
    """A poll message with relayed keys."""
    path = tmp_path / "message.xml"
    path.write_bytes(EXAMPLES["rfc8063-poll-response"])
    return path


def secrets_of(octets: bytes) -> list[str]:
    return [str(each.text) for each in etree.fromstring(octets).iter("{*}pw", "{*}newPW")]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_told_without_its_secrets(name: str) -> None:
    octets = EXAMPLES[name]
    plain = succeed("epp", "read", "-", text=octets, secrets=secrets_of(octets)).stdout
    assert plain and plain == "".join(f"{line}\n" for line in frame_lines(read_frame(octets)))
    printed = succeed("epp", "read", "-", "--json", text=octets, secrets=secrets_of(octets)).stdout
    told = json.loads(printed)
    assert list(told) == ["means", "keys", "frame"]
    assert told["means"] == plain.splitlines()
    assert told["frame"] == frame_object(read_frame(octets))


@given(frames())
def test_there_are_words_for_every_frame(frame: Frame) -> None:
    lines = frame_lines(frame)
    assert lines and not [line for line in lines if re.match("it has a [A-Z]", line)]
    assert frame_object(frame)["kind"] == type(frame).__name__
    json.dumps(frame_object(frame))


def test_a_value_without_words_of_its_own_is_told_by_its_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    words = {kind: tell for kind, tell in frame_words._WORDS.items() if kind is not DomainTransfer}
    monkeypatch.setattr(frame_words, "_WORDS", words)
    assert frame_lines(read_frame(EXAMPLES["rfc5731-transfer-request"]))[:4] == [
        "it has a DomainTransfer",
        "its operation: request",
        "its name: example.nl.",
        'its period: {"kind": "Period", "number": 1, "unit": "y"}',
    ]


def test_a_key_relay_is_told_in_plain_words(message: Path) -> None:
    assert succeed("epp", "read", message).stdout.splitlines() == [
        "done with 1301 (ack to dequeue): Command completed successfully; ack to dequeue",
        "5 messages in the queue; the oldest is 4720, put there at 2026-11-22T12:00:01Z",
        "it says: Keys were relayed.",
        "gaining relays 2 keys of example.nl. to losing, at 2026-11-22T12:00:00Z",
        "the key KSK 49490, algorithm 13 ECDSAP256SHA256, to be published for P2M5D from then",
        "the key ZSK 921, algorithm 13 ECDSAP256SHA256, to be published for P2M5D from then",
        "the server calls this answer REG-2658, the client's command NL-2658",
    ]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("rfc5730-hello", "a client asks the server for its greeting"),
        ("rfc5730-logout", "the client ends its session"),
        ("rfc5730-poll-request", "the client asks for the oldest message of its queue"),
        ("rfc5730-poll-empty", "done with 1300 (no messages): Command completed successfully; no messages"),
        ("rfc5731-transfer-request", "transfer example.nl. to this client, with an authinfo code"),
        ("rfc5731-transfer-approve", "approve the transfer of example.nl."),
        ("rfc5731-info-response-locked", "it has the status serverUpdateProhibited"),
        ("rfc5910-update-rem-all", "remove all of its DS and keys"),
        ("rfc5910-update-urgent", "do it at once"),
        (
            "rfc5732-info",
            "it has something that zonekit has no words for: the element info of urn:ietf:params:xml:ns:epp-1.0",
        ),
    ],
)
def test_what_each_frame_means(name: str, line: str) -> None:
    assert line in succeed("epp", "read", "-", text=EXAMPLES[name]).stdout.splitlines()


def test_nothing_in_a_frame_commands_a_terminal() -> None:
    evil = EXAMPLES["rfc5730-poll-marked-up"].replace(b"<msg>", "<msg>\u202e\u0085\u2028&#10;evil".encode())
    printed = succeed("epp", "read", "-", text=evil).stdout
    assert all(line.isprintable() for line in printed.split("\n"))


# ---- keys -----------------------------------------------------------------------------------------------------------


def test_the_keys_are_those_that_were_relayed(message: Path) -> None:
    printed = succeed("epp", "read", message, "--keys", "-o", "Example.NL").stdout
    assert set(parse_dnskeys(printed)) == set(parse_dnskeys(GAINING.read_text()))
    assert json.loads(succeed("epp", "read", message, "--json").stdout)["keys"] == printed.splitlines()


def signed_zone_in(directory: Path) -> Path:
    """A signed zone, and its key in the directory ``keys`` beside it."""
    text = "@ 3600 SOA ns1.example.net. hostmaster 7 7200 3600 1209600 300\n@ NS ns1.example.net.\n"
    signed = directory / "example.nl.signed"
    write_zone(sign_zone(parse_zone(text, "example.nl"), [csk()], validity=VALIDITY), signed)
    (directory / "keys").mkdir()
    write_key(csk(), directory / "keys")
    return signed


def test_a_pipe_takes_the_relayed_keys_into_the_zone(message: Path, tmp_path: Path) -> None:
    signed = signed_zone_in(tmp_path)
    program = [sys.executable, "-m", "zonekit.cli"]
    reading = subprocess.Popen([*program, "epp", "read", message, "--keys", "-o", "example.nl"], stdout=subprocess.PIPE)
    with reading:
        merging = subprocess.run(
            [
                *program,
                "merge",
                signed,
                "-K",
                tmp_path / "keys",
                "-z",
                "--foreign",
                "-",
                "-i",
                "--now",
                instant_text(NOW),
            ],
            stdin=reading.stdout,
            capture_output=True,
            text=True,
            timeout=BOUND_SECONDS,
            check=False,
        )
        assert reading.wait(BOUND_SECONDS) == 0
    assert merging.returncode == 0, merging.stderr
    dnskeys = read_zone(signed).apex_rrset(rd.DNSKEY)
    assert set(dnskeys_of(dnskeys)) >= set(parse_dnskeys(GAINING.read_text()))


def test_a_key_that_was_relayed_twice_is_refused_by_the_merge(tmp_path: Path) -> None:
    doubled = re.sub(
        rb"(?s)(<keyrelay:keyRelayData>.*?</keyrelay:keyRelayData>)", rb"\1\1", EXAMPLES["rfc8063-poll-response"]
    )
    keys = succeed("epp", "read", "-", "--keys", text=doubled).stdout
    assert len(keys.splitlines()) == 4
    signed = signed_zone_in(tmp_path)
    before = signed.read_bytes()
    options = ("-K", tmp_path / "keys", "-z", "--foreign", "-", "-i", "--now", instant_text(NOW))
    result = run("merge", signed, *options, text=keys)
    assert result.exit_code == REFUSED and "twice" in result.stderr
    assert signed.read_bytes() == before


@pytest.mark.parametrize("options", [(), ("--keys",), ("--json",)])
def test_a_frame_about_another_domain_is_refused(message: Path, options: tuple[str, ...]) -> None:
    line = refuse(REFUSED, "epp", "read", message, *options, "-o", "example.org")
    assert "example.nl." in line and "example.org." in line
    line = refuse(REFUSED, "epp", "read", "-", *options, "-o", "example.org", text=EXAMPLES["rfc5731-info-response"])
    assert "example.nl." in line and "example.org." in line


@pytest.mark.parametrize("name", ["rfc5730-hello", "rfc5731-info-response", "rfc5910-info-response-key"])
def test_a_frame_that_relays_no_keys_hands_none_on(name: str) -> None:
    result = run("epp", "read", "-", "--keys", text=EXAMPLES[name])
    assert (result.exit_code, result.stdout) == (REFUSED, "")
    assert "<stdin>: this frame relays no keys" in result.stderr


# ---- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "line 1: no well-formed XML"),
        (b"<!DOCTYPE epp><epp/>", "line 1: a document type"),
        (b"<epp/>", "epp: the root element is no epp of"),
        (b"<a>" + b" " * 2**20 + b"</a>", "it has more than 1048576 octets"),
        (
            EXAMPLES["rfc8063-poll-response"].replace(b"<secDNS:flags>257", b"<secDNS:flags>many"),
            "epp/response/resData/infData/keyRelayData[1]/keyData/flags: it is no whole number",
        ),
    ],
)
@pytest.mark.parametrize("options", [(), ("--keys",)])
def test_what_is_no_frame_is_one_line_and_nothing_else(
    text: bytes, problem: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "frame.xml"
    file.write_bytes(text)
    line = refuse(BAD_INPUT, "epp", "read", file, *options)
    assert line.startswith(f"{file}: {problem}")
    assert run("epp", "read", file, *options).stdout == ""
    assert refuse(BAD_INPUT, "epp", "read", "-", *options, text=text).startswith(f"<stdin>: {problem}")


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    assert "cannot be read" in refuse(BAD_INPUT, "epp", "read", tmp_path / "frame.xml")


def test_without_lxml_one_line_names_the_extra(message: Path) -> None:
    program = "import sys; sys.modules['lxml'] = None\nfrom zonekit.cli import main\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", program, "epp", "read", str(message)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (BAD_INPUT, "")
    assert done.stderr == "zonekit: EPP frames need lxml, which is not installed; run: pip install 'zonekit[epp]'\n"


# ---- the group ------------------------------------------------------------------------------------------------------


def test_a_word_that_is_no_command_goes_to_the_command_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Later("STEP", "zonekit.cli.show:show", "")
    monkeypatch.setattr(epp_commands, "STEP", steps)
    assert "there-is-no-such-step" in refuse(BAD_INPUT, "epp", "there-is-no-such-step"), (
        "the word is its first argument"
    )
    assert succeed("epp", "read", "-", text=EXAMPLES["rfc5730-hello"]).stdout
    assert "No such option" in refuse(BAD_INPUT, "epp", "--there-is-no-such-option")


def test_without_a_command_of_steps_it_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epp_commands, "STEP", None)
    assert re.search(r"No such command 'nothing'; see zonekit epp --help", refuse(BAD_INPUT, "epp", "nothing"))
