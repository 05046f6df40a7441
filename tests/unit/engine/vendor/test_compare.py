"""What the repository itself shows of what is vendored."""

import pytest

from tests.unit.engine.vendor.vendored import Vendored
from towpath.engine.vendor.compare import folder_digest, is_declared, vendor_problems
from towpath.errors import RefusedError
from towpath.vendor.lock import LockedEntry, dump_lock
from towpath.vendor.model import parse_vendor_file

DIGEST = f"sha256:{'a' * 64}"
OCI = "{name: a, path: v/a, oci: r.io/a, version: '%s'}"
GIT = "{name: a, path: v/a, git: {repository: 'https://e.com/x', revision: %s}}"


@pytest.mark.parametrize(
    ("text", "source", "version", "declared"),
    [
        (OCI % "^1", "oci://r.io/a", "1.2.0", True),
        (OCI % "1.2.0", "oci://r.io/a", "v1.2.0", True),
        (OCI % "^1", "oci://r.io/a", "2.0.0", False),
        (OCI % "^1", "oci://r.io/b", "1.2.0", False),
        (GIT % "main", "https://e.com/x", "main", True),
        (GIT % "main", "https://e.com/x", "v1", False),
    ],
)
def test_what_is_locked_is_what_is_declared(text: str, source: str, version: str, *, declared: bool) -> None:
    (entry,) = parse_vendor_file(f"apiVersion: towpath.dev/v2\nvendor:\n- {text}\n").vendor
    assert is_declared(entry, LockedEntry("a", "v/a", source, version, DIGEST)) is declared
    assert not is_declared(entry, LockedEntry("a", "v/a", source, version, DIGEST, include=("x",)))


def test_a_lock_without_declarations_is_told(repo: Vendored) -> None:
    lock = dump_lock([LockedEntry("a", "v/a", "s", "1", DIGEST)])
    (repo.root / "vendor.lock.yaml").write_text(lock)
    assert [str(each) for each in vendor_problems(repo.root)] == [
        "vendor.lock.yaml: there is no vendor.yaml that it belongs to"
    ]
    (repo.root / "vendor.lock.yaml").write_text("vendor: [")
    assert next(vendor_problems(repo.root)).file == "vendor.lock.yaml"


@pytest.mark.parametrize(
    "url", ["ext::sh -c x", "-u", "ftp://e.com/x", "http://e.com/x", "https://169.254.169.254/x"]
)
def test_a_url_that_git_would_not_be_asked_is_a_problem(repo: Vendored, url: str) -> None:
    repo.declare(f"{{name: a, path: v/a, git: {{repository: '{url}', revision: main}}}}")
    (problem,) = vendor_problems(repo.root)
    assert (problem.file, problem.line) == ("vendor.yaml", 3)
    assert "vendored yet" not in problem.message


def test_a_folder_behind_a_link_is_a_problem(repo: Vendored) -> None:
    (repo.root / "v").symlink_to(repo.folder)
    with pytest.raises(RefusedError, match="symbolic link"):
        folder_digest(repo.root, "v/a")
    repo.declare(OCI % "1")
    lock = dump_lock([LockedEntry("a", "v/a", "oci://r.io/a", "1.0.0", DIGEST)])
    (repo.root / "vendor.lock.yaml").write_text(lock)
    assert "symbolic link" in next(vendor_problems(repo.root)).message
