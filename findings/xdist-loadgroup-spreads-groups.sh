#!/usr/bin/env bash
# With pytest 9.2, `--dist loadgroup` of pytest-xdist 3.8 spreads the tests of one group over several workers.
#
# Versions:  pytest 9.2.0 and pytest-xdist 3.8.0; pytest 8.4.2 beside them
# Behaviour: tests with the same mark xdist_group("one") are to run on one worker. The mark is read when the tests
#            are collected; with the newer pytest the group does not reach the scheduler, and nothing warns.
# Expected:  one worker for the group in both.
# Seen:      pytest 8.4.2: 1 worker; pytest 9.2.0: more than 1
# Needs:     Python 3.11 or newer.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/test_group.py" <<'EOF'
import os
import time

import pytest


@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("number", range(12))
def test_of_the_group(number):
    time.sleep(0.05)
    with open(os.environ["SEEN"], "a") as file:
        file.write(os.environ["PYTEST_XDIST_WORKER"] + "\n")
EOF

workers() {
  python3 -m venv "$work/$1"
  "$work/$1/bin/pip" install --quiet --disable-pip-version-check "pytest==$1" pytest-xdist==3.8.0
  (cd "$work" && SEEN="$work/seen-$1" "$work/$1/bin/pytest" -q -p no:cacheprovider -n 3 --dist loadgroup test_group.py > /dev/null)
  sort -u "$work/seen-$1" | wc -l
}

old=$(workers 8.4.2)
new=$(workers 9.2.0)
echo "workers of one group: pytest 8.4.2: $old, pytest 9.2.0: $new"
[ "$old" -eq 1 ] && [ "$new" -gt 1 ]
