#!/usr/bin/env bash
# A Prefect flow that returns a Scheduled state, so as to run again later, ends its process with an error.
#
# Version:   prefect 3.9.1 (server inside the process, SQLite)
# Behaviour: A flow may return a state, and the server takes over the one it returns: Failed is Failed, and Scheduled
#            is Scheduled for that time. But the call then asks the state for its result, which a run that has not
#            ended has none of, and raises UnfinishedRun. The program of the run ends with 1, though all went well;
#            who starts it as a process, as Prefect's workers do, takes 1 for a crash.
# Expected:  the call returns, as the run is where the flow has put it, and the program ends with 0.
# Seen:      state at the server: SCHEDULED in an hour
#            the call raises UnfinishedRun: Run is in SCHEDULED state, its result is not available.
#            exit code 1
# Needs:     Python 3.11 or newer; a minute or two, most of it the installation.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'prefect==3.9.1' 'fastapi==0.150.0'

export PREFECT_HOME="$work/prefect" PREFECT_SERVER_ANALYTICS_ENABLED=false PREFECT_SERVER_ALLOW_EPHEMERAL_MODE=true
export PREFECT_LOGGING_LEVEL=CRITICAL
cat > "$work/again.py" <<'EOF'
from datetime import datetime, timedelta, timezone

from prefect import flow
from prefect.states import Scheduled


@flow
def again():
    return Scheduled(scheduled_time=datetime.now(timezone.utc) + timedelta(hours=1))


if __name__ == "__main__":
    again()
EOF
cat > "$work/look.py" <<'EOF'
from prefect.client.orchestration import get_client

with get_client(sync_client=True) as client:
    (run,) = client.read_flow_runs()
soon = (run.state.state_details.scheduled_time - run.state.timestamp).total_seconds()
print(f"state at the server: {run.state.type.value} {'in an hour' if 3500 < soon <= 3600 else soon}")
EOF
code=0
"$work/venv/bin/python" "$work/again.py" >"$work/log" 2>&1 || code=$?
state=$("$work/venv/bin/python" "$work/look.py" 2>"$work/look.log") || { cat "$work/look.log" >&2; exit 1; }
raised=$(grep '^prefect.exceptions.' "$work/log" | tail -1)
printf '%s\nthe call raises %s\nexit code %s\n' "$state" "${raised#prefect.exceptions.}" "$code"
[ "$state" = 'state at the server: SCHEDULED in an hour' ] && [ "$code" = 1 ]
[ "$raised" = 'prefect.exceptions.UnfinishedRun: Run is in SCHEDULED state, its result is not available.' ]
echo "as described"
