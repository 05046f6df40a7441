"""Values of hundreds of kilobytes: their pieces are known, at a bounded cost."""

import json
import subprocess
import sys

import pytest

from towpath.redact.known_values import KnownValues


def long_value(kind: str) -> str:
    """Some 200 kB."""
    words = [f"canary-{number:05}-{number * 7919 % 99991:05}" for number in range(10_000)]
    if kind == "json":
        return json.dumps({"users": [{"name": f"u{at}", "password": word} for at, word in enumerate(words)]})
    joint = {"line": "", "lines": "\n", "settings": "\nsetting="}[kind]
    return joint.join(words)


@pytest.mark.parametrize("kind", ["line", "lines", "settings", "json"])
def test_a_long_value_is_known_in_time_and_memory(kind: str) -> None:
    program = """
import base64, resource, sys, time
from tests.unit.test_redact_long import long_value
from towpath.redact import redact, remember_secret
value = long_value(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
remember_secret(value)
code = base64.b64encode(value.encode()).decode()
wrapped = base64.encodebytes(value.encode()).decode()
words = value if sys.argv[1] == "line" else "x canary-00042-32625 y"
for text in (value, words, code, wrapped):
    masked = redact(text)
    print("canary" in masked, any(part in masked for part in (code[400:440], code[4000:4040])))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024 < 150, time.process_time() < 60)
"""
    command = [sys.executable, "-c", program, kind]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [*["False False"] * 4, "True True"]


def test_more_long_values_than_a_process_can_know_cost_no_more() -> None:
    known = KnownValues()
    known.add(f"{number}" + "x" * 1024 * 1024 for number in range(40))
    assert sum(map(len, known._long)) <= 4 * 1024 * 1024
    known.add(["short-canary"])
    assert known.mask("a short-canary b") == "a *** b"


def test_a_long_value_can_be_forgotten() -> None:
    known, line = KnownValues(), "of-a-long-value"
    value = f"{line}\n" * 3000
    known.add([value])
    assert known.mask(f"a {line} b") == "a *** b"
    known.discard(value)
    assert known.mask(f"a {line} b") == f"a {line} b"
