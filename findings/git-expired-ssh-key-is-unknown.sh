#!/usr/bin/env bash
# A commit signed with an expired SSH key has the status U, the same as one by a stranger; never X or Y.
#
# Versions:  git 2.39.5 and OpenSSH 9.2, as found on the machine
# Behaviour: git log's manual gives X to an expired signature and Y to a good one by an expired key. That holds for
#            GnuPG. For SSH keys, Git asks ssh-keygen who signed; a line of the allowed signers whose valid-before
#            has passed matches nobody, so the key counts as unknown. Status U, and the signer's name is empty.
# Expected:  Y, and the name of the signer whose key has run out.
# Seen:      signed before the end: G signer=agent@example.org
#            signed after the end:  U signer=
#            signed by a stranger:  U signer=
# Needs:     git 2.35 or newer, ssh-keygen of OpenSSH 8.8 or newer. Nothing is installed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
git --version
ssh -V

ssh-keygen -q -t ed25519 -N '' -C '' -f "$work/known"
ssh-keygen -q -t ed25519 -N '' -C '' -f "$work/stranger"
echo "agent@example.org valid-before=\"20220101\" $(cat "$work/known.pub")" > "$work/allowed"
git init -q "$work/repository"
cd "$work/repository"
git config user.name Agent
git config user.email agent@example.org
git config gpg.format ssh
git config gpg.ssh.allowedSignersFile "$work/allowed"

signed() { # KEY DATE: how Git judges a commit that was signed with this key at this time
    GIT_AUTHOR_DATE=$2 GIT_COMMITTER_DATE=$2 git -c user.signingKey="$work/$1" commit -q -S --allow-empty -m "by $1"
    git log -1 --format='%G? signer=%GS' 2>/dev/null
}

before=$(signed known 2021-06-01T12:00:00Z)
after=$(signed known 2023-06-01T12:00:00Z)
stranger=$(signed stranger 2021-06-01T12:00:00Z)
echo "signed before the end: $before"
echo "signed after the end:  $after"
echo "signed by a stranger:  $stranger"
[ "$before" = "G signer=agent@example.org" ]
[ "$after" = "U signer=" ]
[ "$stranger" = "U signer=" ]
echo "as described"
