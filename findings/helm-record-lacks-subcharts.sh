#!/usr/bin/env bash
# The record that Helm keeps of a release, chart and all, has the chart's subcharts neither as files nor as templates.
#
# Version:   helm v4.3.1
# Behaviour: what is recorded of a release (here: printed by a client's dry run) has `chart` with its Chart.yaml,
#            templates, files and values. Of a subchart in charts/ it has the name in `dependencies`, and its
#            default values nowhere; `manifest` has the subchart's objects all the same.
# Expected:  a chart that renders to the manifest beside it: so that a release can be moved, compared, or upgraded
#            with other values, from its record alone, when the chart itself is gone.
# Seen:      templates: templates/config.yaml; sources in the manifest: top/charts/sub/templates/config.yaml,
#            top/templates/config.yaml; rendered again from the record: top/templates/config.yaml
# Needs:     Go 1.26 or newer; building helm takes a minute or more.
set -euo pipefail
command -v go >/dev/null || { echo "this script needs Go 1.26 or newer, and there is no go" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

GOBIN="$work" go install helm.sh/helm/v4/cmd/helm@v4.3.1 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
cd "$work"
for chart in top top/charts/sub; do
    mkdir -p "$chart/templates"
    printf 'apiVersion: v2\nname: %s\nversion: 1.0.0\n' "${chart##*/}" > "$chart/Chart.yaml"
    printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {colour: {{ .Values.colour }}}\n' \
        "${chart##*/}" > "$chart/templates/config.yaml"
    echo 'colour: blue' > "$chart/values.yaml"
done
printf 'dependencies:\n- {name: sub, version: 1.0.0}\n' >> top/Chart.yaml

sources() { sed -n 's/^# Source: //p' | sort -u | tr '\n' ' '; }
export HELM_CACHE_HOME="$work/cache" HELM_CONFIG_HOME="$work/config" HELM_DATA_HOME="$work/data"
./helm install shop top --dry-run=client --output json > record.json
python3 - <<'EOF'
import base64, json, pathlib

record = json.load(open("record.json"))
chart, again = record["chart"], pathlib.Path("again")
print("templates:", *(each["name"] for each in chart["templates"]))
for each in chart["templates"]:
    path = again / each["name"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(base64.b64decode(each["data"]))
named = {key: value for key, value in chart["metadata"].items() if key != "dependencies"}
(again / "Chart.yaml").write_text(json.dumps(named))
(again / "values.yaml").write_text(json.dumps(chart["values"]))
pathlib.Path("manifest").write_text(record["manifest"])
EOF
before=$(sources < manifest)
after=$(./helm template shop again | sources)
echo "sources in the manifest: $before"
echo "rendered again from the record: $after"
[ "$before" = "top/charts/sub/templates/config.yaml top/templates/config.yaml " ]
[ "$after" = "top/templates/config.yaml " ]
echo "as described"
