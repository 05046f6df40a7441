#!/bin/sh
# The page at /: the greeting this environment was configured with, and the version that says it.
escape() { printf '%s' "$1" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g'; }
version=$(cat ../../VERSION)

# The mistake: no environment sets GREETING_LANGUAGE; only test.env does.
if [ -z "${GREETING_LANGUAGE:-}" ]; then
    printf 'Status: 503 Service Unavailable\r\nContent-Type: text/plain\r\n\r\nGREETING_LANGUAGE is not set\n'
    exit
fi

printf 'Content-Type: text/html; charset=utf-8\r\n\r\n'
printf '<!doctype html>\n<html lang="%s">\n<title>hello %s</title>\n' "$(escape "$GREETING_LANGUAGE")" "$(escape "$version")"
printf '<h1>%s</h1>\n' "$(escape "${GREETING:-hello}")"
printf '<p>hello %s, served by %s</p>\n</html>\n' "$(escape "$version")" "$(hostname)"
