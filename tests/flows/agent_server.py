"""The process from which agents of benchmarks/forks_agent.py are forked, as those of the local stack are.

python -m tests.flows.agent_server SOCKET USER
"""

import os
import sys
from pathlib import Path

from benchmarks import forks_agent
from towpath.agent.configuration import AgentConfiguration
from towpath.agent.fork_server import ForkServer, Request, prepare_child
from towpath.agent.start import modules
from towpath.agent.zygote import preload
from towpath.orchestration.profile import note_settings, share_tls_contexts
from towpath.orchestration.server import prepare
from towpath.settings import Settings


def main() -> None:
    """As towpath/cli/fork_server.py."""
    path, user = sys.argv[1:]
    prepare(Settings.load(os.environ))
    note_settings(os.environ)
    forks_agent.install()
    preload(modules(AgentConfiguration(None)))
    share_tls_contexts()
    ForkServer(Path(path), [int(user)], _agent).serve()


def _agent(request: Request) -> int:
    prepare_child(request)
    return forks_agent.main()


if __name__ == "__main__":
    main()
