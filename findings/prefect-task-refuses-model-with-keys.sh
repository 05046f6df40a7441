#!/usr/bin/env bash
# A Prefect task cannot be called with a pydantic model that has a field called `keys`.
#
# Version:   prefect 3.9.1, pydantic 2
# Behaviour: before a task runs, Prefect looks into its arguments for futures and states. Of a pydantic model it makes
#            `dict(model)`; Python's dict() takes whatever has an attribute `keys` for a mapping and calls it. With a
#            field of that name the call fails before the body runs, also when the field is empty.
# Expected:  the task gets its argument: pydantic accepts the name, and both model_dump() and JSON work.
# Seen:      PublicKeys: alice
#            Keys: TypeError: 'tuple' object is not callable
# Needs:     Python 3.11 or newer; a minute or two, most of it the installation.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'prefect==3.9.1' 'fastapi==0.150.0'

export PREFECT_HOME="$work/prefect" PREFECT_SERVER_ANALYTICS_ENABLED=false PREFECT_LOGGING_LEVEL=CRITICAL
cat >"$work/try.py" <<'EOF'
from prefect import task
from prefect.testing.utilities import prefect_test_harness
from pydantic import BaseModel


class PublicKeys(BaseModel):
    name: str
    public_keys: tuple[str, ...] = ()


class Keys(BaseModel):
    name: str
    keys: tuple[str, ...] = ()


@task
def name_of(person: BaseModel) -> str:
    return person.name


seen = {}
with prefect_test_harness(server_startup_timeout=120):
    for person in (PublicKeys(name="alice"), Keys(name="alice")):
        assert type(person).model_validate_json(person.model_dump_json()) == person
        try:
            seen[type(person).__name__] = name_of(person)
        except TypeError as error:
            seen[type(person).__name__] = f"TypeError: {error}"

for model, result in seen.items():
    print(f"{model}: {result}")
assert seen == {"PublicKeys": "alice", "Keys": "TypeError: 'tuple' object is not callable"}, seen
EOF
"$work/venv/bin/python" "$work/try.py" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
echo "as described"
