"""The words that operators use for phases and states."""

import re

from towpath.health.verdict import Status

_WORDS = {
    Status.HEALTHY: """
        ready running active available healthy bound succeeded success successful completed complete finished
        established deployed installed online normal valid ok operational synced enabled applied created
        provisioned connected accepted passed green up stable reconciled initialized attached done resolved
        compliant issued executed loaded published imported exists inuse succeed serving listening streaming
        reachable current registered joined attached working processed started idle
        updated allocated configured propagated subscribed realized admitted""",
    Status.DEGRADED: """
        fail failed failure error errored degraded unhealthy invalid rejected lost crashed crashloopbackoff
        unavailable offline noncompliant faulted broken red aborted denied timeout timedout conflict
        configerror validationfailed failedvalidation partiallyfailed createfailed updatefailed
        deletefailed syncfailed critical misconfiguration
        unreachable expired stuck fatal misconfigured outofsync rolledback inerror failing missing
        nothealthy forbidden cancelled canceled disconnected warning down partialsuccess partialfailure
        partiallysucceeded partiallycompleted""",
    Status.PROGRESSING: """
        notready pending inprogress requested bootstrap queued new scheduled planned submitted yellow
        recovery""",
    Status.SUSPENDED: """
        suspended paused stopped hibernated disabled pausing suspending hibernating sleeping halted
        poweroff cordoned""",
}
_VERDICTS = {word: status for status, words in _WORDS.items() for word in words.split()}
_SENTENCE_STARTS = {
    Status.DEGRADED: re.compile(r"(failed|failure|error|unable|cannot|could not)\b.+ ", re.IGNORECASE),
    Status.PROGRESSING: re.compile(r"waiting", re.IGNORECASE),
}
"""How sentences begin that report a failure, or a wait."""
_MAX_WORDS = 3
_NOUNS = {"cluster", "state", "status", "phase", "all", "is", "fully"}
_NEGATIONS = {"not", "no", "non", "never", "without", "un"}


def status_of(text: str) -> Status | None:  # noqa: PLR0911
    """`Running`, and the last words of `STATE_FAILED`, `ClusterRollingUpgrading`, `ImportInProgress`.

    An unknown word that ends in -ing is Progressing. None when the text tells nothing.
    """
    if verdict := _VERDICTS.get(re.sub(r"[^a-z]", "", text.lower())):
        return verdict
    if by_start := next((status for status, start in _SENTENCE_STARTS.items() if start.match(text)), None):
        return by_start
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", text)]
    if len(words) == 2 and words[0] == "not" and _VERDICTS.get(words[1]) is Status.HEALTHY:
        return Status.PROGRESSING
    if not 0 < len(words) <= _MAX_WORDS or not _NEGATIONS.isdisjoint(words):
        return None
    if not {"error", "errors", "failed", "failure", "failures"}.isdisjoint(words):
        return Status.DEGRADED
    verdict = _VERDICTS.get("".join(words[-2:])) or _VERDICTS.get(words[-1])
    doing = [word for word in (words[0], words[-1]) if word.endswith("ing")]
    continues = verdict is Status.HEALTHY or words[-1] == "down"
    if doing and (verdict is None or (continues and doing[0] not in _VERDICTS)):
        return Status.PROGRESSING  # ScalingUp and ScalingDown too
    return None if verdict is Status.HEALTHY and not _NOUNS.issuperset(words[:-1]) else verdict
