"""Git, hardened: known URLs only, no hooks, submodules, filters, prompts or configuration but our own.

A URL is mirrored once into the cache (`mirror`), a commit is checked out once into an immutable folder
(`checkout`), history is read from the mirror (`read`), and changes are made as one commit on top of the
branch's newest (`write`).
"""

from towpath.adapters.git.allowed_url import check_url
from towpath.adapters.git.checkout import (
    Checkout,
    checkouts_of,
    earlier_checkout,
    fetch_checkout,
    folder_checkout,
    last_checkout,
    resolve_revision,
)
from towpath.adapters.git.file_history import file_history
from towpath.adapters.git.head import branch_head
from towpath.adapters.git.lineage import authors_since, commits_after, earlier_commits
from towpath.adapters.git.noted_head import note_head, noted_head
from towpath.adapters.git.read import (
    CommitInfo,
    is_ancestor,
    keep_open,
    list_files,
    list_trees,
    log,
    log_files,
    outside_history,
    read_commit,
    read_file,
    read_file_at,
    tree_id,
)
from towpath.adapters.git.remote_files import remote_refs, remote_tree
from towpath.adapters.git.since import commits_touching, texts_after
from towpath.adapters.git.verify import judge_commits, verify_commits
from towpath.adapters.git.work_tree import is_tracked, work_tree_checkout
from towpath.adapters.git.write.commit import commit_files
from towpath.adapters.git.write.propose import propose_files

__all__ = [
    "Checkout",
    "CommitInfo",
    "authors_since",
    "branch_head",
    "check_url",
    "checkouts_of",
    "commit_files",
    "commits_after",
    "commits_touching",
    "earlier_checkout",
    "earlier_commits",
    "fetch_checkout",
    "file_history",
    "folder_checkout",
    "is_ancestor",
    "is_tracked",
    "judge_commits",
    "keep_open",
    "last_checkout",
    "list_files",
    "list_trees",
    "log",
    "log_files",
    "note_head",
    "noted_head",
    "outside_history",
    "propose_files",
    "read_commit",
    "read_file",
    "read_file_at",
    "remote_refs",
    "remote_tree",
    "resolve_revision",
    "texts_after",
    "tree_id",
    "verify_commits",
    "work_tree_checkout",
]
