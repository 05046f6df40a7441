"""The fork server of the local stack's agents: `python -m towpath.cli.fork_server SOCKET USER…`.

It is no verb: `towpath local up` starts it, and `towpath agent` runs in its children.
"""

import os
import pwd
import sys
from pathlib import Path

from towpath.agent.configuration import AgentConfiguration
from towpath.agent.fork_server import ForkServer, Request, prepare_child
from towpath.agent.start import UNUSED, modules
from towpath.agent.zygote import preload
from towpath.cli.main import run
from towpath.cli.ui.output import filtered_output
from towpath.orchestration.profile import note_settings, share_tls_contexts
from towpath.orchestration.server import prepare
from towpath.redact import install_log_redaction
from towpath.settings import Settings


def main() -> None:
    """Import what agents need, and fork them until SIGTERM."""
    path, *users = sys.argv[1:]
    install_log_redaction()
    with filtered_output("agent"):  # handlers of logs keep the streams that they find when they are imported
        prepare(Settings.load(os.environ))
        note_settings(os.environ)
        names = [*modules(AgentConfiguration(None)), *modules(AgentConfiguration("any")), "towpath.cli.agent"]
        preload(dict.fromkeys(names), UNUSED)
        share_tls_contexts()
        ForkServer(Path(path), [_uid(user) for user in users], _agent).serve()


def _uid(user: str) -> int:
    return int(user) if user.isdigit() else pwd.getpwnam(user).pw_uid


def _agent(request: Request) -> int:
    prepare_child(request)
    run()
    return 0


if __name__ == "__main__":
    main()
