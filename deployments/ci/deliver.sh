#!/bin/sh
# Asks the door (`towpath door`) for the delivery of a commit, and follows it until it has ended or waits for people.
# Needs sh, curl and sha256sum (or shasum). Ends with 0 when it is done or waits for approval or time, with 1 when it failed.
#
#   deliver.sh https://door.example.com [APP]
#
# Who asks is proven by one of
#   TOWPATH_TOKEN             an OIDC token of the CI system (GitLab: id_tokens)
#   GitHub Actions            its own token, with `permissions: id-token: write`; TOWPATH_AUDIENCE is the token's audience
#   TOWPATH_SECRET(_FILE)     a secret that signs the request; then these say for what, if the CI system does not:
#                             TOWPATH_REPOSITORY (OWNER/NAME), TOWPATH_REF (refs/heads/…, refs/tags/…), TOWPATH_COMMIT
# TOWPATH_TIMEOUT: seconds to follow (3600; 0 does not follow). TOWPATH_INTERVAL: seconds between two looks (5).
set -eu

door=${1:?"usage: deliver.sh DOOR-URL [APP]"}
door=${door%/}
app=${2:-}
timeout=${TOWPATH_TIMEOUT:-3600}
interval=${TOWPATH_INTERVAL:-5}
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

fail() {
  echo "deliver: $1" >&2
  exit 1
}

hex() { od -An -v -tx1 | tr -d ' \n'; }

sha256() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi | cut -c1-64
}

# HEX XOR -> the escapes of `printf %b` for at least 64 bytes. No secret is an argument of a program.
escapes() {
  left=$1 made='' count=0
  while [ -n "$left" ] || [ "$count" -lt "$3" ]; do
    rest=${left#??}
    byte=${left%"$rest"}
    left=$rest
    made="$made\\0$(printf '%03o' $((0x${byte:-0} ^ $2)))"
    count=$((count + 1))
  done
  printf '%s' "$made"
}

# The HMAC-SHA256 of a file by the secret (RFC 2104).
hmac() {
  key=$(printf '%s' "$secret" | hex)
  [ "${#key}" -le 128 ] || key=$(printf '%s' "$secret" | sha256)
  inner=$({ printf '%b' "$(escapes "$key" 0x36 64)"; cat "$1"; } | sha256)
  { printf '%b' "$(escapes "$key" 0x5c 64)"; printf '%b' "$(escapes "$inner" 0 32)"; } | sha256
}

quoted() { printf '%s' "$1" | sed 's/[\\"]/\\&/g'; }

ref_of_ci() {
  if [ -n "${GITHUB_REF:-}" ]; then
    echo "$GITHUB_REF"
  elif [ -n "${CI_COMMIT_TAG:-}" ]; then
    echo "refs/tags/$CI_COMMIT_TAG"
  elif [ -n "${CI_COMMIT_BRANCH:-}" ]; then
    echo "refs/heads/$CI_COMMIT_BRANCH"
  elif [ -n "${TAG_NAME:-}" ]; then
    echo "refs/tags/$TAG_NAME"
  elif [ -n "${BRANCH_NAME:-}" ]; then
    echo "refs/heads/$BRANCH_NAME"
  elif [ -n "${GIT_BRANCH:-}" ]; then
    echo "refs/heads/${GIT_BRANCH#origin/}"
  fi
}

secret=${TOWPATH_SECRET:-}
if [ -z "$secret" ] && [ -n "${TOWPATH_SECRET_FILE:-}" ]; then
  secret=$(cat "$TOWPATH_SECRET_FILE")
fi
token=${TOWPATH_TOKEN:-}
if [ -z "$token$secret" ] && [ -n "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ]; then
  printf 'header = "Authorization: bearer %s"\n' "$ACTIONS_ID_TOKEN_REQUEST_TOKEN" >"$work/github"
  curl -sSf --max-time 30 --retry 3 --config "$work/github" -o "$work/token" \
    "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=${TOWPATH_AUDIENCE:-$door}" || fail "GitHub gave no token"
  token=$(sed -n 's/.*"value" *: *"\([^"]*\)".*/\1/p' "$work/token")
fi
[ -n "$token$secret" ] || fail "no TOWPATH_TOKEN, TOWPATH_SECRET or TOWPATH_SECRET_FILE, and no token of GitHub Actions"

# Writes body and headers of one request; a signed one is made anew each time, because it counts once.
prepare() {
  if [ -n "$token" ]; then
    if [ -n "$app" ]; then printf '{"app": "%s"}' "$(quoted "$app")"; fi >"$work/body"
    printf 'header = "Authorization: Bearer %s"\n' "$token" >"$work/headers"
  else
    commit=${TOWPATH_COMMIT:-${GITHUB_SHA:-${CI_COMMIT_SHA:-${GIT_COMMIT:-}}}}
    ref=${TOWPATH_REF:-$(ref_of_ci)}
    repository=${TOWPATH_REPOSITORY:-${GITHUB_REPOSITORY:-${CI_PROJECT_PATH:-}}}
    [ -n "$commit" ] && [ -n "$ref" ] && [ -n "$repository" ] ||
      fail "set TOWPATH_REPOSITORY, TOWPATH_REF and TOWPATH_COMMIT"
    {
      printf '{"repository": "%s", "ref": "%s", "commit": "%s", ' \
        "$(quoted "$repository")" "$(quoted "$ref")" "$(quoted "$commit")"
      [ -z "$app" ] || printf '"app": "%s", ' "$(quoted "$app")"
      printf '"nonce": "%s"}' "$(head -c 16 /dev/urandom | hex)"
    } >"$work/body"
    now=$(date +%s)
    { printf '%s.' "$now"; cat "$work/body"; } >"$work/signed"
    printf 'header = "X-Towpath-Timestamp: %s"\nheader = "X-Towpath-Signature: sha256=%s"\n' \
      "$now" "$(hmac "$work/signed")" >"$work/headers"
  fi
  printf 'header = "Content-Type: application/json"\nheader = "Accept: text/plain"\n' >>"$work/headers"
}

attempt=0
while :; do
  prepare
  status=$(curl -sS --max-time 60 --config "$work/headers" --data-binary "@$work/body" -o "$work/answer" \
    -w '%{http_code}' "$door/deliver") || status=000
  case $status in
    200 | 202) break ;;
    000 | 429 | 502 | 503 | 504) attempt=$((attempt + 1)) ;;
    *) fail "the door answered $status: $(cat "$work/answer")" ;;
  esac
  [ "$attempt" -lt 6 ] || fail "the door answered $status, again and again"
  sleep $((attempt * interval))
done

failed=0
end=$(($(date +%s) + timeout))
while read -r id name state how address; do
  echo "deliver: $name, $how run: $address"
  [ "$timeout" -gt 0 ] || continue
  told=''
  while :; do
    if curl -sS --max-time 30 -f -H 'Accept: text/plain' -o "$work/state" "$door/deliveries/$id" 2>"$work/error"; then
      # Each run of its way on a line, after one word for all: told when something has changed.
      now=$(cat "$work/state")
      if [ "$now" != "$told" ]; then
        sed '1d; s/^/deliver:   /' "$work/state"
        told=$now
      fi
      state=$(head -n 1 "$work/state")
    fi
    case $state in
      succeeded) break ;;
      waiting)
        echo "deliver: $name waits for approval, or until its release has soaked"
        break
        ;;
      failed)
        failed=1
        break
        ;;
    esac
    if [ "$(date +%s)" -ge "$end" ]; then
      echo "deliver: $name is still $state after $timeout s" >&2
      failed=1
      break
    fi
    sleep "$interval"
  done
done <"$work/answer"
[ "$failed" -eq 0 ] || fail "a delivery failed, or did not end in time"
