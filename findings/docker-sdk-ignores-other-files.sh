#!/usr/bin/env bash
# The Docker SDK for Python and Docker itself do not leave the same files out for the same .dockerignore.
#
# Versions:  docker 7.2.0 (PyPI), github.com/moby/patternmatcher v0.6.1 (Go: what docker build matches with)
# Behaviour: the SDK has its own translation of patterns. In **.log it reads "any folders, then a file
#            whose whole name is .log"; and it does not know that a backslash makes the next character an
#            ordinary one, so \#notes and \[draft\] leave out nothing.
# Expected:  the SDK sends the context that docker build would send.
# Seen:      pattern      sent by the SDK                     sent by docker build
#            **.log       #notes [draft] app.log sub/x.log    #notes [draft]
#            \#notes      #notes [draft] app.log sub/x.log    [draft] app.log sub/x.log
#            \[draft\]    #notes [draft] app.log sub/x.log    #notes app.log sub/x.log
#            **/*.log     #notes [draft]                      #notes [draft]
# Needs:     Python 3.11 or newer, Go 1.19 or newer. No Docker Engine.
set -euo pipefail
command -v go >/dev/null || { echo "this script needs Go 1.19 or newer, and there is no go" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check docker==7.2.0
mkdir -p "$work/go" "$work/context/sub"
touch "$work/context/"{'#notes','[draft]',app.log,sub/x.log}

cd "$work/go"
cat > main.go <<'EOF'
package main

import (
	"fmt"
	"os"

	"github.com/moby/patternmatcher"
)

func main() {
	for _, file := range os.Args[2:] {
		if ignored, err := patternmatcher.MatchesOrParentMatches(file, os.Args[1:2]); err != nil || !ignored {
			fmt.Print(file, " ")
		}
	}
}
EOF
{
    go mod init example.org/ignored && go get github.com/moby/patternmatcher@v0.6.1 && go build -o ignored .
} 2>log || { cat log >&2; exit 1; }

sdk='import sys, docker.utils.build as b; r, p = sys.argv[1:]; f = ["#notes", "[draft]", "app.log", "sub/x.log"]
print(*sorted(set(f) & set(b.exclude_paths(r, [p]))), "")'
compare() { # PATTERN, WHAT THE SDK SENDS, WHAT DOCKER BUILD SENDS
    a=$("$work/venv/bin/python" -c "$sdk" "$work/context" "$1")
    b=$("$work/go/ignored" "$1" '#notes' '[draft]' app.log sub/x.log)
    printf '%-12s %-35s %s\n' "$1" "$a" "$b"
    [ "$a" = "$2 " ] && [ "$b" = "$3 " ]
}
all='#notes [draft] app.log sub/x.log'
compare '**.log' "$all" '#notes [draft]'
compare '\#notes' "$all" '[draft] app.log sub/x.log'
compare '\[draft\]' "$all" '#notes app.log sub/x.log'
compare '**/*.log' '#notes [draft]' '#notes [draft]'
echo "as described"
