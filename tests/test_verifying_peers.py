"""The verifier beside dnssec-verify, ldns-verify-zone and kzonecheck, and before zones that other signers made."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

import dns.query
import dns.zone
import pytest

from tests.disagreements import BIND, DISAGREEMENTS, KNOT, LDNS, PEERS, disagreement
from tests.drafts import ZONE_TEXT, base, zone_lines
from tests.faults import FAULTS, Fault, inject
from tests.keyring import NOW, VALIDITY
from tests.peers import Verdict, dnssec_verify, kzonecheck, ldns_verify_zone, require_peer, run_peer
from zonekit import rdata as rd
from zonekit.algorithms import Algorithm
from zonekit.denial import Denial, Nsec, Nsec3, OptOut, denial_of
from zonekit.files import read_zone
from zonekit.findings import Severity
from zonekit.instants import from_epoch_seconds
from zonekit.verifying import verify_zone
from zonekit.zones import Zone


def verdict_of(peer: str, path: Path) -> Verdict:
    if peer == BIND:
        return dnssec_verify(path, "example.nl", NOW)
    return ldns_verify_zone(path, NOW) if peer == LDNS else kzonecheck(path, "example.nl", NOW)


# ---- every fault ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS.values(), ids=str)
def test_peers_agree_on_a_fault_or_the_disagreement_is_known(fault: Fault, tmp_path: Path) -> None:
    injected = inject(base(fault.bases[0]), [fault], Random(fault.name))
    if injected.ds is not None:
        return  # none of the peers is told what the parent has
    assert verify_zone(injected.zone, now=NOW).is_clean is fault.is_clean
    path = tmp_path / "zone"
    path.write_text("".join(zone_lines(injected.zone)))
    for peer in PEERS:
        verdict = verdict_of(peer, path)
        known = disagreement(fault.name, peer)
        if known is None:
            assert verdict.accepted is fault.is_clean, f"zonekit says {fault.severity}; {verdict}"
        else:
            assert verdict.accepted is not fault.is_clean, f"no disagreement any more: {known.what}; {verdict}"


def test_every_disagreement_is_on_a_fault() -> None:
    assert {name for each in DISAGREEMENTS for name in each.faults} <= FAULTS.keys()
    assert {each.peer for each in DISAGREEMENTS} == {BIND, LDNS, KNOT}


# ---- zones that others signed ---------------------------------------------------------------------------------------

DATED: Final = (Algorithm.RSASHA1, Algorithm.NSEC3RSASHA1)
DENIALS: Final = (Nsec(), Nsec3(), Nsec3(opt_out=OptOut.ON))
# RFC 4034 appendix A.1 and RFC 5155 section 2: RSASHA1 goes with NSEC, and its alias with NSEC3 as well.
SIGNINGS: Final = [
    (algorithm, denial)
    for algorithm in Algorithm
    for denial in DENIALS
    if algorithm is not Algorithm.RSASHA1 or isinstance(denial, Nsec)
]


def assert_clean(zone: Zone, algorithm: Algorithm, denial: Denial, now: datetime = NOW) -> None:
    """Fail unless nothing is wrong with a zone but that its algorithm is dated; and unless it is signed as it should be."""
    verification = verify_zone(zone, now=now)
    told = "\n".join(map(str, verification.findings))
    expected = {"algorithm-dated"} if algorithm in DATED else set()
    assert {finding.code for finding in verification.at_least(Severity.WARNING)} == expected, told
    assert {rdata[3] for rdata in zone.apex_rrset(rd.DNSKEY).rdatas} == {algorithm}
    assert denial_of(zone) == denial
    assert verification.signatures >= verification.rrsets > 60


@pytest.fixture(scope="module")
def key_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for each algorithm with a KSK and a ZSK that dnssec-keygen made."""
    directory = tmp_path_factory.mktemp("keys")
    for algorithm in Algorithm:
        (directory / str(algorithm.value)).mkdir()
        size = ["-b", "2048"] if algorithm <= Algorithm.RSASHA512 else []
        for flags in (["-f", "KSK"], []):
            command = ["dnssec-keygen", "-q", "-a", str(algorithm.value), *size, *flags, "example.nl"]
            made = run_peer(command, cwd=directory / str(algorithm.value), at=VALIDITY.inception)
            assert made.returncode == 0, made.stderr
    return directory


def with_keys(key_directory: Path, algorithm: Algorithm, folder: Path, text: str = ZONE_TEXT) -> list[str]:
    """Put the zone and the keys of an algorithm into a folder; return the base names of the keys."""
    shutil.copytree(key_directory / str(algorithm.value), folder, dirs_exist_ok=True)
    (folder / "zone").write_text(text)
    return [path.stem for path in sorted(folder.glob("K*.private"))]


TIMES: Final = [f"{instant:%Y%m%d%H%M%S}" for instant in (VALIDITY.inception, VALIDITY.expiration)]


def dnssec_signzone(folder: Path, denial: Denial) -> Zone:
    options = ["-3", "-", "-H", "0"] if isinstance(denial, Nsec3) else []
    options += ["-A"] if isinstance(denial, Nsec3) and denial.opt_out is OptOut.ON else []
    command = ["dnssec-signzone", "-q", "-S", "-s", TIMES[0], "-e", TIMES[1], *options, "-o", "example.nl"]
    done = run_peer([*command, "-f", "signed", "zone"], cwd=folder, at=NOW)
    assert done.returncode == 0, done.stdout + done.stderr
    return read_zone(folder / "signed", origin="example.nl")


@pytest.mark.parametrize(("algorithm", "denial"), SIGNINGS, ids=str)
def test_what_dnssec_signzone_signs_is_clean(
    key_directory: Path, tmp_path: Path, algorithm: Algorithm, denial: Denial
) -> None:
    with_keys(key_directory, algorithm, tmp_path)
    assert_clean(dnssec_signzone(tmp_path, denial), algorithm, denial)


def ldns_signzone(folder: Path, denial: Denial, keys: list[str]) -> Zone:
    options = ["-n", "-t", "0"] if isinstance(denial, Nsec3) else []
    options += ["-p"] if isinstance(denial, Nsec3) and denial.opt_out is OptOut.ON else []
    command = ["ldns-signzone", "-i", TIMES[0], "-e", TIMES[1], *options, "-f", "signed", "zone", *keys]
    done = run_peer(command, cwd=folder)
    assert done.returncode == 0, done.stderr
    return read_zone(folder / "signed", origin="example.nl")


@pytest.mark.parametrize(("algorithm", "denial"), SIGNINGS, ids=str)
def test_what_ldns_signzone_signs_is_clean(
    key_directory: Path, tmp_path: Path, algorithm: Algorithm, denial: Denial
) -> None:
    keys = with_keys(key_directory, algorithm, tmp_path)
    assert_clean(ldns_signzone(tmp_path, denial, keys), algorithm, denial)


@pytest.mark.parametrize("denial", DENIALS[:2], ids=str)
def test_other_signers_follow_rfc_9077(key_directory: Path, tmp_path: Path, denial: Denial) -> None:
    keys = with_keys(key_directory, Algorithm.ECDSAP256SHA256, tmp_path, ZONE_TEXT.replace("@ SOA", "@ 300 SOA"))
    for zone in (ldns_signzone(tmp_path, denial, keys), dnssec_signzone(tmp_path, denial)):
        assert {rrset.ttl for rrset in zone.rrsets() if rrset.rdtype in (rd.NSEC, rd.NSEC3)} == {300}
        assert verify_zone(zone, now=NOW).findings == ()


KNOT_NAMES: Final = {
    Algorithm.RSASHA1: "rsasha1",
    Algorithm.NSEC3RSASHA1: "rsasha1-nsec3-sha1",
    Algorithm.RSASHA256: "rsasha256",
    Algorithm.RSASHA512: "rsasha512",
    Algorithm.ECDSAP256SHA256: "ecdsap256sha256",
    Algorithm.ECDSAP384SHA384: "ecdsap384sha384",
    Algorithm.ED25519: "ed25519",
    Algorithm.ED448: "ed448",
}


@pytest.mark.parametrize(("algorithm", "denial"), SIGNINGS, ids=str)
def test_what_kzonesign_signs_is_clean(tmp_path: Path, algorithm: Algorithm, denial: Denial) -> None:
    (tmp_path / "example.nl.zone").write_text(ZONE_TEXT)
    uses_nsec3 = isinstance(denial, Nsec3)
    opts_out = isinstance(denial, Nsec3) and denial.opt_out is OptOut.ON
    (tmp_path / "knot.conf").write_text(
        f"""database:
    storage: {tmp_path}
policy:
  - id: default-policy
    algorithm: {KNOT_NAMES[algorithm]}
    nsec3: {"on" if uses_nsec3 else "off"}
    nsec3-iterations: 0
    nsec3-salt-length: 0
    nsec3-opt-out: {"on" if opts_out else "off"}
    cds-cdnskey-publish: always
zone:
  - domain: example.nl
    storage: {tmp_path}
    dnssec-policy: default-policy
    dnssec-signing: on
"""
    )
    (tmp_path / "out").mkdir()
    done = run_peer(
        ["kzonesign", "-c", "knot.conf", "-o", "out", "-t", f"{NOW.timestamp():.0f}", "example.nl"], cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert_clean(read_zone(tmp_path / "out" / "example.nl.zone", origin="example.nl"), algorithm, denial)


# ---- PowerDNS, which signs while it answers -------------------------------------------------------------------------

PDNS_NAMES: Final = KNOT_NAMES | {Algorithm.ECDSAP256SHA256: "ecdsa256", Algorithm.ECDSAP384SHA384: "ecdsa384"}
PDNS_ZONES: Final = {
    f"zone{number}.example": signing
    for number, signing in enumerate(
        [(algorithm, Nsec() if algorithm is not Algorithm.NSEC3RSASHA1 else Nsec3()) for algorithm in Algorithm]
        + [(Algorithm.ECDSAP256SHA256, denial) for denial in DENIALS[1:]]
    )
}


@pytest.fixture(scope="module")
def powerdns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A PowerDNS server on a port of the loopback interface, with a zone for each algorithm and each way of denial."""
    require_peer("pdnsutil")
    folder = tmp_path_factory.mktemp("pdns")
    body = ZONE_TEXT.partition("\n")[2]
    stanzas = []
    for origin in PDNS_ZONES:
        (folder / origin).write_text(f"$ORIGIN {origin}.\n{body}")
        stanzas.append(f'zone "{origin}" {{ type master; file "{folder / origin}"; }};\n')
    (folder / "named.conf").write_text("".join(stanzas))
    (folder / "pdns.conf").write_text(
        f"launch=bind\nbind-config={folder}/named.conf\nbind-dnssec-db={folder}/dnssec.db\nsocket-dir={folder}\n"
        "local-address=127.0.0.1\nallow-axfr-ips=127.0.0.1\nsecurity-poll-suffix=\nloglevel=3\n"
    )

    def pdnsutil(*words: str) -> None:
        done = run_peer(["pdnsutil", f"--config-dir={folder}", *words], cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr

    pdnsutil("create-bind-db", f"{folder}/dnssec.db")
    for origin, (algorithm, denial) in PDNS_ZONES.items():
        size = ["2048"] if algorithm <= Algorithm.RSASHA512 else []
        for role in ("ksk", "zsk"):
            pdnsutil("add-zone-key", origin, role, *size, "active", "published", PDNS_NAMES[algorithm])
        if isinstance(denial, Nsec3):
            pdnsutil("set-nsec3", origin, f"1 {denial.opt_out.value} 0 -")
    port = _free_port()
    command = [
        require_peer("pdns_server"),
        f"--config-dir={folder}",
        f"--local-port={port}",
        "--daemon=no",
        "--guardian=no",
    ]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "LC_ALL": "C.UTF-8"})
        try:
            _wait_for(server, port, folder / "log")
            yield port
        finally:
            server.kill()
            server.wait()


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_for(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until the server takes connections."""
    for _ in range(600):
        assert server.poll() is None, log.read_text(errors="replace")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(log.read_text(errors="replace"))


@pytest.mark.parametrize("origin", PDNS_ZONES)
def test_what_powerdns_signs_is_clean(powerdns: int, origin: str) -> None:
    algorithm, denial = PDNS_ZONES[origin]
    transfer = dns.query.xfr("127.0.0.1", origin, port=powerdns, relativize=False, timeout=60, lifetime=60)
    zone = Zone.from_dnspython(dns.zone.from_xfr(transfer, relativize=False))
    # It signs by its own clock; so the instant to judge at is one within what it signed.
    inception = int.from_bytes(zone.signatures("@", "SOA").rdatas[0][12:16], "big")
    assert_clean(zone, algorithm, denial, now=from_epoch_seconds(inception) + timedelta(days=8))
