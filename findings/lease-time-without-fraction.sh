#!/usr/bin/env bash
# A Lease that is read and written back unchanged holds another text, if its time fell on a whole second.
#
# Versions:  kubernetes 37.0.1 and lightkube 1.0.1, two Python clients written independently of each other
# Behaviour: a Lease's renewTime is a MicroTime, for which Kubernetes reads and writes exactly six digits after the
#            second (in Go the layout 2006-01-02T15:04:05.000000Z07:00). Both clients turn it into a datetime, and
#            write that without a fraction where it is zero. One renewal in a million is affected, or each one
#            of a holder that rounds to seconds.
# Expected:  the text that was read, whatever the digits are.
# Seen:      kubernetes: ...10:00:00.250000Z -> ...10:00:00.250000+00:00   ...10:00:00.000000Z -> ...10:00:00+00:00
#            lightkube:  ...10:00:00.250000Z -> ...10:00:00.250000Z        ...10:00:00.000000Z -> ...10:00:00Z
# Needs:     Python 3.11 or newer. No cluster: only reading and writing of the object is shown.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    kubernetes==37.0.1 lightkube==1.0.1 lightkube-models==1.37.0.8

"$work/venv/bin/python" - <<'EOF'
import json

from kubernetes.client import ApiClient
from lightkube.resources.coordination_v1 import Lease


def lease(renewed: str) -> dict:
    kind = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "agent"}}
    return {**kind, "spec": {"renewTime": renewed}}


def by_kubernetes(document: dict) -> str:
    api = ApiClient()
    read = api.deserialize(json.dumps(document), "V1Lease", "application/json")
    return api.sanitize_for_serialization(read)["spec"]["renewTime"]


def by_lightkube(document: dict) -> str:
    return Lease.from_dict(document).to_dict()["spec"]["renewTime"]


day = "2024-05-01T10:00:00"
for client, fraction, whole in ((by_kubernetes, ".250000+00:00", "+00:00"), (by_lightkube, ".250000Z", "Z")):
    for given, wanted in ((".250000Z", fraction), (".000000Z", whole)):
        written = client(lease(day + given))
        print(f"{client.__name__}: {day}{given} -> {written}")
        assert written == day + wanted, written
EOF
echo "as described"
