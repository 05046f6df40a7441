#!/usr/bin/env bash
# What PyYAML writes as a string, a YAML 1.2 reader takes for a number.
#
# Versions:  PyYAML 6.0.3 (writes YAML 1.1), ruamel.yaml 0.19.1 (reads YAML 1.2)
# Behaviour: safe_dump puts quotes only around what YAML 1.1 itself would misread. In YAML 1.1 a float needs a dot
#            and "08" is no octal number, so a short hash such as 2042445980e8, and 1e3 and 08, are written bare.
#            YAML 1.2 knows them as numbers. PyYAML reads its own file back unchanged, so a round trip shows nothing.
# Expected:  a dumper that quotes "1.5" also quotes every other string that looks like a number.
# Seen:      commit: 2042445980e8  -> 2.04244598e+17
#            author: 08            -> 8
#            subject: 1e3          -> 1000.0
#            version: '1.5'        -> '1.5'
# Needs:     Python 3.11 or newer.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pyyaml==6.0.3 ruamel.yaml==0.19.1

"$work/venv/bin/python" - <<'EOF'
import yaml
from ruamel.yaml import YAML

written = {"commit": "2042445980e8", "author": "08", "subject": "1e3", "version": "1.5"}
text = yaml.safe_dump(written, sort_keys=False)
read = YAML(typ="safe").load(text)
for line, value in zip(text.splitlines(), read.values(), strict=True):
    print(f"{line:<22} -> {value!r}")

assert text == "commit: 2042445980e8\nauthor: 08\nsubject: 1e3\nversion: '1.5'\n", text
assert yaml.safe_load(text) == written, "PyYAML does not read its own file back"
assert read == {"commit": 2.04244598e17, "author": 8, "subject": 1000.0, "version": "1.5"}, read
EOF
echo "as described"
