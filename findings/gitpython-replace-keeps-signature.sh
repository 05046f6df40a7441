#!/usr/bin/env bash
# GitPython's Commit.replace copies the old commit's signature onto the new one, where it is bad.
#
# Versions:  GitPython 3.2.1; seen with git 2.39.5 and OpenSSH 9.2
# Behaviour: Commit.replace(message=...) makes a new commit from the attributes of an old one, and the signature is
#            one of those attributes. It covers the old text, so Git calls the new commit's signature bad (B).
#            Nothing is signed anew, although commit.gpgSign is true.
# Expected:  as `git commit --amend` does: signed again, or at least unsigned (N). Git says bad (B) also of
#            a commit that somebody has tampered with, and the two cannot be told apart.
# Seen:      signed by git: G    after Commit.replace: B    after git commit --amend: G
# Needs:     Python 3.11 or newer, git 2.34 or newer, ssh-keygen of OpenSSH 8.8 or newer.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check GitPython==3.2.1

ssh-keygen -q -t ed25519 -N '' -C '' -f "$work/key"
echo "agent@example.org $(cat "$work/key.pub")" > "$work/allowed"
git init -q "$work/repository"
cd "$work/repository"
git config user.name Agent
git config user.email agent@example.org
git config gpg.format ssh
git config user.signingKey "$work/key"
git config commit.gpgSign true
git config gpg.ssh.allowedSignersFile "$work/allowed"

git commit -q --allow-empty -m 'promote shop'
by_git=$(git log -1 --format='%G?')
"$work/venv/bin/python" - <<'EOF'
import git

repository = git.Repo(".")
repository.head.reference.commit = repository.head.commit.replace(message="promote shop to staging\n")
EOF
replaced=$(git log -1 --format='%G?')
git commit -q --amend -m 'promote shop to prod' --allow-empty
amended=$(git log -1 --format='%G?')

seen="signed by git: $by_git    after Commit.replace: $replaced    after git commit --amend: $amended"
echo "$seen"
[ "$seen" = "signed by git: G    after Commit.replace: B    after git commit --amend: G" ]
echo "as described"
