"""OpenSSH's `ssh-keygen`: signs texts with a person's key, from a file, ssh-agent or a security key."""

import os
import shutil
from pathlib import Path

from towpath.adapters.process import CommandError, run
from towpath.errors import MissingPartError, TerminalError
from towpath.evidence.ssh_signature import parse_ssh_signature

PROGRAM = "ssh-keygen"
INSTALL = "Install OpenSSH's client (Debian: apt-get install openssh-client)."
TIMEOUT = 60.0
"""Seconds for a signature: with a security key its owner must touch it."""
_PASSED = (
    *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR"),
    *("SSH_AUTH_SOCK", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "SSH_SK_PROVIDER", "DISPLAY", "WAYLAND_DISPLAY"),
)


def require_program() -> str:
    """The path of `ssh-keygen`; MissingPartError when this machine lacks it."""
    path = shutil.which(PROGRAM)
    if path is None:
        raise MissingPartError(
            f"this machine lacks {PROGRAM}, which signs commits and approvals", remedy=INSTALL
        )
    return path


def sign_with_ssh(content: bytes, key: Path, namespace: str, *, timeout: float = TIMEOUT) -> str:
    """The signature of `content` by a key file, or by ssh-agent when `key` is a public file.

    MissingPartError where the program is missing, TerminalError when it does not sign.
    """
    program = require_program()
    if not key.is_file():
        raise MissingPartError(
            f"there is no key file {key}",
            remedy="Name your SSH key, or its `.pub` file when ssh-agent holds it.",
        )
    environment = {name: os.environ[name] for name in _PASSED if name in os.environ} | {"LC_ALL": "C.UTF-8"}
    command = [program, "-Y", "sign", "-q", "-n", namespace, "-f", str(key.absolute())]
    try:
        signature = run(command, env=environment, input=content, timeout=timeout).stdout
    except CommandError as error:
        raise TerminalError(
            f"{PROGRAM} does not sign with {key}: {error.output or error.message}",
            remedy="A key with a passphrase must be in ssh-agent (`ssh-add`), and a security key be touched;"
            " a private key file may be readable by its owner only.",
        ) from error
    parse_ssh_signature(signature)
    return signature
