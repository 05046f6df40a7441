"""What an environment's agent publishes beside the branch: signed by the agent, verified by readers."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from towpath.adapters.git.write.state_ref import MAX_BYTES, read_state_ref, write_state_ref
from towpath.drift.published import STALE, STATE_FILE, PublishedState, state_ref
from towpath.drift.published_text import decode_state, encode_state
from towpath.engine.source.commits import AUTHOR
from towpath.engine.source.keys import load_trusted_keys
from towpath.errors import UntrustedSignatureError
from towpath.settings import GIT_TIMEOUT, Settings


@dataclass(frozen=True, slots=True)
class Published:
    """What was read. `signed_by` is empty where this machine has no trusted keys, so that nothing is proven.

    `age` is as old as it was when it was read.
    """

    state: PublishedState
    commit: str
    signed_by: str
    age: timedelta

    @property
    def stale(self) -> bool:
        """Whether its agent should have renewed it by now."""
        return self.age > STALE


def publish_state(settings: Settings, state: PublishedState) -> str:
    """Replace what is published of an environment; the commit that has it.

    Raises MissingPartError without a signing key, RefusedError where the other side takes no such ref,
    TransientError when it does not answer.
    """
    return write_state_ref(
        settings.environments_url(),
        state_ref(state.environment),
        STATE_FILE,
        encode_state(state, MAX_BYTES),
        f"State of {state.environment}\n",
        author=AUTHOR,
        signing_key=settings.signing_key_file(),
        cache=settings.cache,
        allow_file=settings.git_allow_file,
        timeout=GIT_TIMEOUT,
    )


def read_published(settings: Settings, environment: str, now: datetime | None = None) -> Published | None:
    """What the environment's agent last published; None when it never did.

    Where this machine has trusted keys, EvidenceError unless the environment's own agent has signed it.
    """
    trusted = load_trusted_keys(settings.trusted_keys) if settings.trusted_keys else None
    ref = state_ref(environment)
    found = read_state_ref(
        settings.environments_url(),
        ref,
        STATE_FILE,
        trusted=trusted,
        signers=(environment,),
        cache=settings.cache,
        allow_file=settings.git_allow_file,
        timeout=GIT_TIMEOUT,
    )
    if found is None:
        return None
    verdict = found.verdict
    if verdict is not None and not verdict.trusted:
        raise UntrustedSignatureError(
            f"what {ref} holds (commit {found.commit[:7]}) was not published by {environment}'s agent:"
            f" {verdict.reason}",
            remedy=verdict.remedy or None,
        )
    state = decode_state(found.content, environment, MAX_BYTES)
    age = max((now or datetime.now(UTC)) - state.time, timedelta())
    return Published(state, found.commit, verdict.principal if verdict else "", age)
