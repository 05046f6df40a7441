"""What a watcher makes of a Prefect server's answers."""

from towpath.adapters.endpoint import Response, serve
from towpath.orchestration.in_process import RunsHere

LIMIT = "/v2/concurrency_limits/environment-dev"


def busy(answer: Response) -> bool | None:
    server = serve("127.0.0.1:0", {LIMIT: lambda: answer})
    try:
        return RunsHere(f"http://127.0.0.1:{server.server_address[1]}", "dev", lambda _: None).busy()
    finally:
        server.shutdown()
        server.server_close()


def test_only_the_servers_own_answer_counts() -> None:
    assert busy(Response('{"active_slots": 1}')) is True
    assert busy(Response('{"active_slots": 0}')) is False
    for page in ("<html>back soon</html>", "[]", "{}", "null"):
        assert busy(Response(page)) is None
    assert busy(Response("", 503)) is None
