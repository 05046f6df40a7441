#!/usr/bin/env bash
# An in-toto statement made with the in-toto project's own Python library does not hold the integers that it was given.
#
# Versions:  in-toto-attestation 0.9.3, protobuf 7.36.2
# Behaviour: the predicate of a Statement is a protobuf Struct, which knows one kind of number, the double. So 3
#            is written as 3.0, and an integer above 2^53 loses its last digits. validate() has no objection.
#            Who signs the statement signs the changed numbers; the same predicate by json.dumps has another digest.
# Expected:  a statement is JSON, so integers stay what they are; or a number that does not fit is refused.
# Seen:      given   {"attempt": 3, "runId": 9007199254740993}
#            written {"attempt": 3.0, "runId": 9007199254740992.0}
# Needs:     Python 3.11 or newer.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check in-toto-attestation==0.9.3 protobuf==7.36.2

"$work/venv/bin/python" - <<'EOF'
import json

from google.protobuf.json_format import MessageToJson
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement

given = {"attempt": 3, "runId": 2**53 + 1}
image = ResourceDescriptor(name="shop", digest={"sha256": "0" * 64})
statement = Statement([image.pb], "https://example.org/build/v1", given)
statement.validate()
written = json.dumps(json.loads(MessageToJson(statement.pb))["predicate"], sort_keys=True)

print("given  ", json.dumps(given, sort_keys=True))
print("written", written)
assert written == '{"attempt": 3.0, "runId": 9007199254740992.0}'
EOF
echo "as described"
