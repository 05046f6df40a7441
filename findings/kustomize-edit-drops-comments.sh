#!/usr/bin/env bash
# `kustomize edit set image` with the value that is there already sorts the entries and loses what was said of them.
#
# Version:   kustomize v5.8.1
# Behaviour: the file is read into a structure and written anew. Comments above a line are kept, but are gathered
#            above the next top-level key; those at the end of a line are gone; entries and their keys are sorted.
#            So the commit shows more than the new image, and a remark now stands beside another entry.
# Expected:  no change at all here, since the same tag is set; comments stay with what they describe.
# Seen:      api now comes before web; newName: api is added; "# approved" is gone; "# the shop's front" and
#            "# the interface" stand together above images:
# Needs:     Go 1.24 or newer; building kustomize takes a minute or more.
set -euo pipefail
command -v go >/dev/null || { echo "this script needs Go 1.24 or newer, and there is no go" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

GOBIN="$work" go install sigs.k8s.io/kustomize/kustomize/v5@v5.8.1 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
digest=sha256:$(printf '1%.0s' {1..64})
mkdir "$work/app"
cd "$work/app"

cat > kustomization.yaml <<EOF
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
images:
# the shop's front
- name: web
  digest: $digest # approved
# the interface
- name: api
  newTag: "1.0"
EOF
cp kustomization.yaml ../before.yaml

"$work/kustomize" edit set image api=api:1.0

cat > ../wanted.yaml <<EOF
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
# the shop's front
# the interface
images:
- name: api
  newName: api
  newTag: "1.0"
- digest: $digest
  name: web
EOF
diff -u ../before.yaml kustomization.yaml || true
diff -u ../wanted.yaml kustomization.yaml
echo "as described"
