#!/bin/sh
# The page at /: the greeting this environment was configured with, and the version that says it.
escape() { printf '%s' "$1" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g'; }
version=$(cat ../../VERSION)

printf 'Content-Type: text/html; charset=utf-8\r\n\r\n'
printf '<!doctype html>\n<html lang="en">\n<title>hello %s</title>\n' "$(escape "$version")"
printf '<h1>%s</h1>\n' "$(escape "${GREETING:-hello}")"
printf '<p>hello %s, served by %s</p>\n</html>\n' "$(escape "$version")" "$(hostname)"
