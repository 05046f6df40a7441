#!/usr/bin/env bash
# The same CEL expression, on the same conditions in another order, is true or an error.
#
# Versions:  cel-python 0.5.0 (import celpy) and common-expression-language 0.10.0 (import cel, made in Rust)
# Behaviour: in CEL, exists() joins its elements as || does, and || forgets an error of one side when the other is
#            true. cel-python does so in any order. The other library does it for ||, but ends exists() at the first
#            element that lacks the field: in a status whose first condition has no reason, nothing exists.
# Expected:  true from both, in both orders; or else an error in both orders.
# Seen:      celpy: reason last True, reason first True        cel: reason last KeyError, reason first True
#            and from both: missing.reason == "Done" || true  is True
# Needs:     Python 3.11 or newer.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check cel-python==0.5.0 common-expression-language==0.10.0

"$work/venv/bin/python" - <<'EOF'
import cel
import celpy
from celpy.adapter import json_to_cel

EXISTS = 'conditions.exists(c, c.reason == "Done")'
EITHER = 'conditions[0].reason == "Done" || true'
reason_last = [{"type": "Seen"}, {"type": "Ready", "reason": "Done"}]
reason_first = reason_last[::-1]


def by_celpy(expression: str, conditions: list) -> str:
    environment = celpy.Environment()
    program = environment.program(environment.compile(expression))
    return str(bool(program.evaluate({"conditions": json_to_cel(conditions)})))


def by_cel(expression: str, conditions: list) -> str:
    try:
        return str(cel.evaluate(expression, {"conditions": conditions}))
    except KeyError as error:
        return f"KeyError {error}"


for library, wanted in ((by_celpy, "True"), (by_cel, "KeyError 'reason'")):
    last, first = library(EXISTS, reason_last), library(EXISTS, reason_first)
    either = library(EITHER, reason_last)
    print(f"{library.__name__}: reason last {last}, reason first {first}, with || {either}")
    assert (last, first, either) == (wanted, "True", "True")
EOF
echo "as described"
