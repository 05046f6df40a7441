"""A database that cannot be reached; migrations on a real PostgreSQL are in tests/interop/test_server.py."""

import asyncio
import socket

import pytest
from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL, temporary_settings

from towpath.errors import TransientError
from towpath.orchestration import server_database
from towpath.orchestration.server_database import main, prepare


def nowhere() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return f"postgresql+asyncpg://prefect:secret-of-a-test@127.0.0.1:{port}/prefect"


def test_what_cannot_be_reached_is_told_at_once_and_given_up_in_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with (
        temporary_settings({PREFECT_API_DATABASE_CONNECTION_URL: nowhere()}),
        pytest.raises(TransientError, match="the database cannot be reached: "),
    ):
        asyncio.run(prepare(wait=1.5))
    said = capsys.readouterr().err
    assert said.count("waiting for the database: ") == 1
    assert "secret-of-a-test" not in said


def test_the_program_ends_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def away(wait: float = 0) -> str:
        raise TransientError("the database cannot be reached: refused")

    monkeypatch.setattr(server_database, "prepare", away)
    assert main() == 1
    assert capsys.readouterr().err == "error: the database cannot be reached: refused\n"
