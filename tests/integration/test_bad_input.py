"""What people get wrong, and what they are told: a clear error, exit code 1, no traceback, nothing lost."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from towpath.adapters.process import Completed
from towpath.demo.source import working_copy
from towpath.demo.world import World
from towpath.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

CLOSED = "http://127.0.0.1:1/api"
"""Nothing listens there."""


@pytest.fixture
def nothing_lost(demo: World) -> Iterator[None]:
    """Registry and environment repository are the same afterwards."""
    before = demo.tags(), demo.commits()
    yield
    assert (demo.tags(), demo.commits()) == before


def refused(demo: World, *args: str, **environ: str) -> str:
    """Run `towpath` with bad input; what it said."""
    other = replace(demo, environ={**demo.environ, **environ})
    return said(other.towpath(*args, codes=(1,)))


def said(done: Completed) -> str:
    assert "Traceback" not in done.stdout + done.stderr
    assert "This is a bug" not in done.stderr
    return done.stdout + done.stderr


def branch_with(demo: World, name: str, file: str, text: str) -> str:
    """Push a branch of the source repository that differs in one file."""
    folder = working_copy(demo)
    (folder / file).write_text(text)
    demo.git("checkout", "--quiet", "-b", name, cwd=folder)
    demo.git("add", "--all", cwd=folder)
    demo.git("commit", "--quiet", "-m", f"Break {file}", cwd=folder)
    demo.git("push", "--quiet", "--force", "origin", name, cwd=folder)
    return name


def test_no_environment_repository(demo: World, tmp_path: Path) -> None:
    bare = {"PATH": demo.environ["PATH"], "HOME": str(tmp_path)}
    text = said(replace(demo, environ=bare).towpath("history", "hello", codes=(1,)))
    assert "TOWPATH_ENVIRONMENTS" in text
    assert "towpath local up" in text


def test_unknown_app(demo: World, nothing_lost: None) -> None:
    text = refused(demo, "deliver", "helo")
    assert "unknown app 'helo'" in text
    assert "hello" in text


def test_unknown_environment(demo: World, nothing_lost: None) -> None:
    text = refused(demo, "reconcile", "produ")
    assert "unknown environment 'produ'" in text
    assert "prod" in text


def test_unknown_revision(demo: World, nothing_lost: None) -> None:
    text = refused(demo, "deliver", "hello", "--revision", "no-such-branch")
    assert "unknown revision 'no-such-branch'" in text


def test_wrong_key_in_towpath_yaml_names_file_line_key_and_the_nearest_right_key(
    demo: World, tmp_path: Path
) -> None:
    examples = Path(__file__).parents[2] / "examples" / "environments"
    shutil.copytree(examples, tmp_path / "repo")
    config = tmp_path / "repo" / "towpath.yaml"
    config.write_text(config.read_text().replace("    renderer:", "    rendrer:"))
    line = next(n for n, text in enumerate(config.read_text().splitlines(), 1) if "rendrer" in text)
    text = refused(demo, "check", "--repo", str(tmp_path / "repo"))
    assert f"towpath.yaml:{line}: unknown key `rendrer`" in text
    assert "`renderer`" in text


def test_dockerfile_that_fails(demo: World, nothing_lost: None) -> None:
    base = f"FROM {demo.image_repository().partition('/')[0]}/base/busybox:1\n"
    branch = branch_with(demo, "bad-dockerfile", "Dockerfile", base + "RUN echo oh-dear && exit 7\n")
    text = refused(demo, "deliver", "hello", "--revision", branch)
    assert "oh-dear" in text


def test_tests_that_fail(demo: World, nothing_lost: None) -> None:
    branch = branch_with(demo, "bad-test", "test.sh", "echo one test failed; exit 1\n")
    text = refused(demo, "deliver", "hello", "--revision", branch)
    assert "one test failed" in text


def test_cluster_unreachable(demo: World, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: x\n"
        "clusters: [{name: x, cluster: {server: 'https://127.0.0.1:1'}}]\n"
        "users: [{name: x, user: {token: x}}]\n"
        "contexts: [{name: x, context: {cluster: x, user: x}}]\n"
    )
    text = refused(demo, "plan", "hello", "dev", KUBECONFIG=str(kubeconfig))
    assert "https://127.0.0.1:1" in text


@pytest.mark.parametrize(
    "args",
    [("status",), ("deliver", "hello"), ("approve", "hello", "--as", "alice", "--yes"), ("reconcile", "dev")],
)
def test_prefect_server_not_running_says_how_to_start_it(demo: World, args: tuple[str, ...]) -> None:
    text = refused(demo, *args, PREFECT_API_URL=CLOSED)
    assert CLOSED in text
    assert "towpath local up" in text


@pytest.mark.alone
def test_registry_down_and_the_delivery_again_when_it_is_back(demo: World, stack: object) -> None:
    before = demo.commits()
    branch = branch_with(demo, "registry-down", "README.md", "A change that needs a new image.\n")
    settings: Settings = stack.settings  # type: ignore[attr-defined]
    stack.stop("registry")  # type: ignore[attr-defined]
    try:
        text = refused(demo, "deliver", "hello", "--revision", branch)
        assert "registry" in text
        assert demo.commits() == before
    finally:
        stack.start("registry")  # type: ignore[attr-defined]
    assert settings.environments
    done = demo.towpath("deliver", "hello", "--revision", branch, "--again")
    assert "dev" in said(done)
