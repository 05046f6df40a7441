"""One `git` command: what it may read of this machine, and what its failures mean."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from towpath.adapters.git.allowed_url import Remote
from towpath.adapters.process import MAX_OUTPUT, CommandError, Completed, run
from towpath.errors import (
    MissingPartError,
    RefusedError,
    TowpathError,
    TransientError,
    UnknownNameError,
)
from towpath.settings import GIT_CONFIG

_PASSED = (
    "PATH",
    "HOME",
    "USER",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "GIT_SSH_COMMAND",
    "GIT_SSL_CAINFO",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "no_proxy",
    "NO_PROXY",
)
_OPTIONS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.symlinks": "true",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "maintenance.auto": "false",
    "push.followTags": "false",
    "push.gpgSign": "false",
    "submodule.recurse": "false",
}
_MISSING = re.compile(
    r"repository .*not found|does not appear to be a git repository|does not exist|returned error: 404", re.I
)
_TOO_LARGE = re.compile(
    r"^(fatal|error): .*(File too large|died of signal 25|invalid index-pack output)", re.M
)
"""What Git says when it may not write a file as large."""
_NO_RIGHT = re.compile(
    r"authentication failed|could not read (username|password)|permission denied|access denied|"
    r"host key verification failed|returned error: 40[13]|redirect",
    re.I,
)


def environment(remote: Remote | None = None) -> dict[str, str]:
    """The whole environment of a `git` process: nothing of the user's or the system's configuration."""
    options = {**_OPTIONS, **dict(remote.options if remote else ())}
    env = {name: os.environ[name] for name in _PASSED if name in os.environ}
    env |= {
        "LC_ALL": "C.UTF-8",
        "LANGUAGE": "C",
        "GIT_ALLOW_PROTOCOL": remote.protocols if remote else "none",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": str(len(options)),
        # A file of the machine: Git asks no other place whether the repository of another user is safe.
        "GIT_CONFIG_GLOBAL": os.environ.get(GIT_CONFIG) or os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LITERAL_PATHSPECS": "1",
    }
    env.setdefault(
        "GIT_SSH_COMMAND",
        "ssh -oBatchMode=yes -oConnectTimeout=15 -oStrictHostKeyChecking=yes -oClearAllForwardings=yes",
    )
    for index, (name, value) in enumerate(options.items()):
        env[f"GIT_CONFIG_KEY_{index}"] = name
        env[f"GIT_CONFIG_VALUE_{index}"] = value
    return env


def git(  # noqa: PLR0913
    folder: Path,
    *args: str,
    remote: Remote | None = None,
    timeout: float = 60.0,
    input: str | None = None,  # noqa: A002
    codes: Sequence[int] = (0,),
    env: dict[str, str] | None = None,
    max_output: int = MAX_OUTPUT,
    max_file: int | None = None,
) -> Completed:
    """Run `git --git-dir FOLDER ARGS`; with `remote`, a failure is translated as one of that URL's.

    `max_output` and `max_file` are limits in bytes, of each stream and of each file that it writes.
    """
    command = ["git", "--git-dir", str(folder), *args]
    try:
        return run(
            command,
            env=environment(remote) | (env or {}),
            timeout=timeout,
            input=input,
            codes=codes,
            max_output=max_output,
            max_file=max_file,
        )
    except CommandError as error:
        if remote is None:
            raise
        if max_file and _TOO_LARGE.search(error.output):
            raise RefusedError(f"Git repository {remote} sends more than may be fetched of it") from error
        raise translate(remote, error, timeout) from error


def translate(remote: Remote, error: CommandError, timeout: float) -> TowpathError:
    """What a failed fetch or push means; everything that is not known to be final may go away by itself."""
    if error.timed_out:
        return TransientError(f"Git repository {remote} did not answer within {timeout:g} s")
    said = [line for line in error.output.splitlines() if line.strip()]
    reason = next((line for line in said if line.startswith(("fatal:", "error:"))), said[-1] if said else "")
    if _NO_RIGHT.search(error.output):
        return MissingPartError(
            f"Git repository {remote} refused us: {reason}",
            remedy="Give this machine the right to it: a key for ssh, ~/.netrc for https.",
        )
    if _MISSING.search(error.output):
        return UnknownNameError("Git repository", str(remote))
    return TransientError(f"Git repository {remote} cannot be reached: {reason}")
