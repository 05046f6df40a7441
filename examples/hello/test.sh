#!/bin/sh
# Tests of the built application: start it, ask it, stop it.   sh test.sh FOLDER
set -u
app=$1
failed=0
export PORT=18080

check() { # WHAT, TEXT, WANTED PART
    case $2 in
    *"$3"*) echo "ok    $1" ;;
    *)
        echo "FAIL  $1: no '$3' in '$2'"
        failed=1
        ;;
    esac
}

# nc and not wget: name resolution of a static busybox needs files that the base image does not have.
ask() { printf 'GET %s HTTP/1.0\r\n\r\n' "$1" | nc -w 2 127.0.0.1 "$PORT" 2>&1; }

. ./test.env
"$app/serve" &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
    ask /healthz | grep -q '^ok' && break
    sleep 0.2
done

check "it is alive" "$(ask /healthz)" "ok"
check "the page shows the version" "$(ask /)" "hello $(cat VERSION)"
check "the page shows the greeting" "$(ask /)" "<h1>good &lt;morning&gt;</h1>"
check "an unknown page is not found" "$(ask /nothing)" "404"

kill "$pid"
for _ in 1 2 3 4 5 6 7 8 9 10; do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
done
check "it ends when asked to" "$(kill -0 "$pid" 2>&1)" "No such process"

exit "$failed"
