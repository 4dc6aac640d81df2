"""A real EPP client as a peer: Net::EPP (Debian's libnet-epp-perl), which registrars run."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.epp.serving import EppServer
from tests.peers import require_peer, run_peer

CLIENT: Final = "Net::EPP::Client"
_PROGRAM: Final = Path(__file__).with_suffix(".pl")
_SECONDS: Final = 60


def converse(server: EppServer, client: str, frames: Sequence[bytes], directory: Path) -> list[bytes]:
    """Return the greeting and the answers that Net::EPP gets to these frames as this client; one that it refuses fails.

    It reads each frame from a file of ``directory`` and sends none that is not well-formed.
    """
    require_peer(CLIENT)
    paths = [directory / f"frame-{number}.xml" for number in range(len(frames))]
    for path, frame in zip(paths, frames, strict=True):
        path.write_bytes(frame)
    certificates = server.certificates
    done = run_peer(
        ["perl", _PROGRAM, str(_SECONDS), str(server.port), certificates.authority, certificates.of(client), *paths]
    )
    assert done.returncode == 0, done.stderr
    return [base64.b64decode(line, validate=True) for line in done.stdout.splitlines()]
