#!/usr/bin/env bash
# In `.dockerignore`, `|`, `{` and `}` mean themselves, until the same pattern has a wildcard.
#
# Versions:  github.com/moby/patternmatcher v0.6.1, with which Docker and BuildKit read `.dockerignore`
# Behaviour: the documented syntax is that of Go's filepath.Match and `**`, in which these letters are plain. A
#            pattern without a wildcard is compared as it is; one with a wildcard becomes a regular expression, in
#            which other special letters are escaped, but not these three. So `a|b*` leaves out the file `a`, and
#            `x{2}*` leaves `x{2}y` in the image and takes out `xxy`.
# Expected:  the answers of filepath.Match, in every line.
# Seen:      a|b* matches a, x{2}* matches xxy and not x{2}y; a|b does not match a.
# Needs:     Go 1.21 or newer.
set -euo pipefail
command -v go >/dev/null || { echo "no Go here"; exit 2; }
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
export GOPATH="$work/go" GOCACHE="$work/cache" GOTOOLCHAIN=local GOFLAGS=-mod=mod

cat > main.go <<'EOF'
package main

import (
	"fmt"
	"path/filepath"

	"github.com/moby/patternmatcher"
)

func main() {
	tries := [][2]string{{"a|b*", "a|bc"}, {"a|b*", "a"}, {"x{2}*", "x{2}y"}, {"x{2}*", "xxy"}, {"a|b", "a"}}
	for _, try := range tries {
		ignored, err := patternmatcher.Matches(try[1], []string{try[0]})
		if err != nil {
			panic(err)
		}
		plain, _ := filepath.Match(try[0], try[1])
		fmt.Println(try[0], try[1], ignored, plain)
	}
}
EOF
go mod init finding 2>/dev/null
go get github.com/moby/patternmatcher@v0.6.1 2>/dev/null

go run . | tee seen
diff - seen <<'EOF'
a|b* a|bc true true
a|b* a true false
x{2}* x{2}y false true
x{2}* xxy true false
a|b a false false
EOF
echo "as described"
