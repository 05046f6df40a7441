"""The process from which verbs of tests are forked: `python -m tests.verb_server SOCKET USER`.

It has imported what verbs import. Not Prefect, which reads its settings when it is imported: most verbs do
without it.
"""

import pkgutil
import sys
from pathlib import Path

import towpath
from towpath.agent.fork_server import ForkServer, Request, prepare_child
from towpath.agent.zygote import preload
from towpath.cli.main import run

OTHERS = ("agent", "demo", "door", "local", "orchestration")
"""What these verbs do without."""


def main() -> None:
    path, user = sys.argv[1:]
    sys.argv = ["towpath"]
    preload(
        module.name
        for module in pkgutil.walk_packages(towpath.__path__, "towpath.")
        if not module.name.removeprefix("towpath.").startswith(OTHERS)
    )
    assert "prefect" not in sys.modules
    ForkServer(Path(path), [int(user)], _verb).serve()


def _verb(request: Request) -> int:
    prepare_child(request)
    # What the log of this server was may be a pipe now.
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    run()
    return 0


if __name__ == "__main__":
    main()
