"""A real EPP client speaks with the server of the tests, and what it sends arrives as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.epp.examples import EXAMPLES
from tests.epp.net_epp import converse
from tests.epp.serving import serving

GREETING = EXAMPLES["rfc5730-greeting"]
COMMANDS = [frame for frame in EXAMPLES.values() if b"<command>" in frame]
RESPONSES = [frame for frame in EXAMPLES.values() if b"<response>" in frame]


def test_every_frame_arrives_as_it_was_and_so_does_every_answer(tmp_path: Path) -> None:
    arrived: list[tuple[str, bytes]] = []
    answers = iter(RESPONSES)

    def handle(client: str, frame: bytes) -> bytes:
        arrived.append((client, frame))
        return next(answers)

    sent = (COMMANDS * len(RESPONSES))[: len(RESPONSES)]
    with serving(handle, GREETING, clients=["gaining"], directory=tmp_path) as server:
        received = converse(server, "gaining", sent, tmp_path)
    assert arrived == [("gaining", frame) for frame in sent]
    assert received == [GREETING, *RESPONSES]


def test_an_echo_brings_back_every_command(tmp_path: Path) -> None:
    with serving(lambda _, frame: frame, GREETING, clients=["losing"], directory=tmp_path) as server:
        assert converse(server, "losing", COMMANDS, tmp_path) == [GREETING, *COMMANDS]


def test_a_frame_that_is_not_well_formed_is_not_sent(tmp_path: Path) -> None:
    with (
        serving(lambda _, frame: frame, GREETING, clients=["losing"], directory=tmp_path) as server,
        pytest.raises(AssertionError, match="well formed"),
    ):
        converse(server, "losing", [b"<epp>"], tmp_path)
