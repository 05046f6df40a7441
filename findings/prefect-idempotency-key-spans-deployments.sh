#!/usr/bin/env bash
# In Prefect, an idempotency key used for one deployment starts nothing in another deployment of the same flow.
#
# Version:   prefect 3.9.1 (server inside the process, SQLite)
# Behaviour: POST /deployments/ID/create_flow_run looks for a run of the same *flow* with this key. Two deployments of
#            one flow, staging and prod, therefore share their keys: the request to prod is answered with the run
#            of staging, with staging's parameters and with success (200). No run of prod is ever made.
# Expected:  the key belongs to the deployment in whose address it is given: 201, and a run of its own.
# Seen:      staging: 201, a run of staging
#            prod:    200, a run of staging
#            runs in all: 1
# Needs:     Python 3.11 or newer; a minute or two, most of it the installation.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'prefect==3.9.1' 'fastapi==0.150.0'

export PREFECT_HOME="$work/prefect" PREFECT_SERVER_ANALYTICS_ENABLED=false
"$work/venv/bin/python" - 2>"$work/log" <<'EOF' || { cat "$work/log" >&2; exit 1; }
from prefect.server.api.server import create_app
from starlette.testclient import TestClient

with TestClient(create_app(ephemeral=True)) as server:

    def post(path: str, **body: object) -> tuple[int, dict]:
        answer = server.post(f"/api/{path}", json=body)
        return answer.status_code, answer.json()

    _, flow = post("flows/", name="promote")
    ids = {}
    for name in ("staging", "prod"):
        _, made = post("deployments/", name=name, flow_id=flow["id"], parameters={"environment": name})
        ids[made["id"]] = name

    seen = []
    for id, name in ids.items():
        status, run = post(f"deployments/{id}/create_flow_run", idempotency_key="shop-1.4")
        seen.append((name, status, ids[run["deployment_id"]], run["parameters"]["environment"]))
        print(f"{name}: {status}, a run of {seen[-1][2]}")
    _, runs = post("flow_runs/filter")
    print("runs in all:", len(runs))

assert seen == [("staging", 201, "staging", "staging"), ("prod", 200, "staging", "staging")], seen
assert len(runs) == 1, runs
EOF
echo "as described"
