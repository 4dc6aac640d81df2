"""The peers' verdicts can be trusted: they accept what is valid at the given instant and nothing else."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.peers import (
    PACKAGE_OF,
    REQUIRED,
    Verdict,
    assert_accepted,
    assert_dnssec_verify_accepts,
    assert_every_verifier_accepts,
    dnssec_verify,
    kzonecheck,
    ldns_verify_zone,
    named_checkzone,
    named_compilezone,
    require_peer,
    run_peer,
)

ROOT = Path(__file__).parent.parent
INCEPTION = datetime(2031, 5, 1, 12, tzinfo=UTC)
EXPIRATION = INCEPTION + timedelta(days=14)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zone that BIND has signed, valid in a year when no test runs."""
    directory = tmp_path_factory.mktemp("bind")
    (directory / "zone").write_text(
        "$TTL 3600\n@ SOA ns.example.nl. host.example.nl. 1 3600 600 86400 300\n@ NS ns\nns A 192.0.2.53\n"
    )
    for options in (["-f", "KSK"], []):
        made = run_peer(["dnssec-keygen", "-q", "-a", "13", *options, "example.nl"], cwd=directory, at=INCEPTION)
        assert made.returncode == 0, made.stderr
    instants = [f"{instant:%Y%m%d%H%M%S}" for instant in (INCEPTION, EXPIRATION)]
    command = ["dnssec-signzone", "-q", "-S", "-s", instants[0], "-e", instants[1], "-o", "example.nl", "zone"]
    done = run_peer(command, cwd=directory, at=INCEPTION + timedelta(days=1))
    assert done.returncode == 0, done.stdout + done.stderr
    return directory / "zone.signed"


def verdicts(zone: Path, now: datetime) -> list[Verdict]:
    return [dnssec_verify(zone, "example.nl", now), ldns_verify_zone(zone, now), kzonecheck(zone, "example.nl", now)]


@pytest.mark.parametrize("now", [INCEPTION, INCEPTION + timedelta(days=7), EXPIRATION - timedelta(seconds=1)])
def test_every_verifier_accepts_within_the_validity(signed: Path, now: datetime) -> None:
    assert_every_verifier_accepts(signed, "example.nl", now)
    assert_dnssec_verify_accepts(signed, "example.nl.", now)


@pytest.mark.parametrize("now", [INCEPTION - timedelta(seconds=1), EXPIRATION + timedelta(seconds=1)])
def test_every_verifier_refuses_outside_the_validity(signed: Path, now: datetime) -> None:
    for verdict in verdicts(signed, now):
        assert not verdict.accepted, str(verdict)
        with pytest.raises(AssertionError, match=verdict.program):
            assert_accepted(verdict)


def test_every_verifier_refuses_a_changed_record(signed: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed"
    changed.write_text(signed.read_text().replace("192.0.2.53", "192.0.2.54"))
    for verdict in verdicts(changed, INCEPTION + timedelta(days=7)):
        assert not verdict.accepted, str(verdict)


def test_named_reads_a_good_zone_and_refuses_a_bad_one(signed: Path, tmp_path: Path) -> None:
    assert_accepted(named_checkzone(signed, "example.nl"))
    assert_accepted(named_compilezone(signed, "example.nl", tmp_path / "compiled"))
    assert "ns.example.nl.\t" in (tmp_path / "compiled").read_text()
    bad = tmp_path / "bad"
    bad.write_text("www 60 IN A 192.0.2.1\n")
    assert not named_checkzone(bad, "example.nl").accepted
    assert not named_compilezone(bad, "example.nl", tmp_path / "not-compiled").accepted


def test_a_naive_instant_is_refused(signed: Path) -> None:
    naive = INCEPTION.replace(tzinfo=None)
    with pytest.raises(AssertionError, match="an instant is aware"):
        dnssec_verify(signed, "example.nl", naive)
    with pytest.raises(AssertionError, match="an instant is aware"):
        ldns_verify_zone(signed, naive)
    with pytest.raises(AssertionError, match="an instant is aware"):
        kzonecheck(signed, "example.nl", naive)


def test_a_missing_peer_skips_the_test_and_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(REQUIRED, raising=False)
    monkeypatch.setattr("tests.peers._SEARCH_PATH", "/nonexistent")
    with pytest.raises(pytest.skip.Exception, match=r"kzonesign is missing.*knot-dnssecutils"):
        require_peer("kzonesign")


def test_a_missing_peer_fails_the_test_where_peers_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REQUIRED, "1")
    monkeypatch.setattr("tests.peers._SEARCH_PATH", "/nonexistent")
    with pytest.raises(pytest.fail.Exception, match=r"kzonesign is missing.*knot-dnssecutils"):
        require_peer("kzonesign")


def test_a_missing_perl_module_is_a_missing_peer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(REQUIRED, raising=False)
    monkeypatch.setattr("tests.peers._PERL_MODULES", tmp_path)
    with pytest.raises(pytest.skip.Exception, match=r"Net::EPP::Client is missing.*libnet-epp-perl"):
        require_peer("Net::EPP::Client")


def test_a_program_that_is_not_in_the_table_is_an_error_of_the_test() -> None:
    with pytest.raises(KeyError):
        require_peer("no-such-program")


def test_the_packages_to_install_are_those_of_the_table() -> None:
    command = [sys.executable, "-m", "tests.peers", "names"]
    listed = subprocess.check_output(command, cwd=ROOT, text=True).split()
    assert listed == sorted(set(listed))
    assert set(PACKAGE_OF.values()) <= set(listed)
