"""An app of several images: each is built of one commit, or elsewhere and kept beside those that are."""

import pytest

from tests.flows.bench import DEPLOYMENT, IMAGE, TOWPATH, Bench, git
from towpath.adapters.images import docker
from towpath.evidence.bundle import decode_bundle
from towpath.evidence.statement import ReleaseEvidence, decode_statement
from towpath.release.model import ReleaseImage, id_of_images

WORKER, PROXY = "127.0.0.1:5000/worker", "127.0.0.1:5000/proxy"
BUILT = f"web: {IMAGE}, worker: {{repository: {WORKER}, target: worker}}"
PROXIED = f"proxy: {{repository: {PROXY}, prebuilt: true}}"
PUSHED, PROXY_DIGEST = f"sha256:{7:064x}", f"sha256:{9:064x}"


def towpath(images: str) -> str:
    return TOWPATH.replace(f"image: {IMAGE}", f"images: {{{images}}}")


def overlays(*images: str) -> dict[str, str]:
    """Deployments that run the images."""
    texts = [
        DEPLOYMENT.replace("name: hello", f"name: {image.rpartition('/')[2]}").replace(IMAGE, image)
        for image in images
    ]
    return {f"apps/hello/{name}/deployment.yaml": "---\n".join(texts) for name in ("dev", "prod")}


def release_id(**digests: str) -> str:
    places = {"web": IMAGE, "worker": WORKER, "proxy": PROXY}
    return id_of_images(tuple(ReleaseImage(name, places[name], digests[name]) for name in sorted(digests)))


def evidence(bench: Bench, digest: str) -> ReleaseEvidence:
    return decode_statement(decode_bundle(bench.bundles[digest][-1]).payload)


def into_dev(bench: Bench, revision: str) -> str:
    run = bench.start("deliver/deliver", app="hello", revision=revision)
    assert run.state.is_completed(), run.state.message
    follows = bench.successor(run, "dev")
    assert follows is not None
    promoted = bench.work(follows.id)
    assert promoted.state.is_completed(), promoted.state.message
    state = bench.state("dev")
    assert state is not None
    return state.release.id


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> list[tuple[str, str | None]]:
    """What is built: repository, and target."""
    made: list[tuple[str, str | None]] = []
    real = docker.build

    def build(*args, tag: str, target: str | None, **more):  # type: ignore[no-untyped-def]
        made.append((tag.rpartition(":")[0], target))
        return real(*args, tag=tag, target=target, **more)

    monkeypatch.setattr(docker, "build", build)
    return made


def test_all_images_are_built_of_one_commit_and_tested_once(
    bench: Bench, builds: list[tuple[str, str | None]]
) -> None:
    bench.push("environments", {"towpath.yaml": towpath(BUILT), **overlays(IMAGE, WORKER)}, "Two images")
    commit = bench.push("hello", {"app.py": "1", "Dockerfile": "FROM scratch AS test\n"}, "Begin")
    assert into_dev(bench, commit) == release_id(web=PUSHED, worker=PUSHED)
    assert builds == [(IMAGE, None), (WORKER, "worker"), (IMAGE, "test")]
    assert [bench.calls.count(each) for each in ("scan", "push", "record")] == [2, 2, 1]
    said = evidence(bench, PUSHED)
    assert ([each.name for each in said.images], said.commit) == ([IMAGE, WORKER], commit)
    overlay = git(bench.environments, "show", "main:apps/hello/dev/deployment.yaml")
    assert (f"{IMAGE}@{PUSHED}" in overlay, f"{WORKER}@{PUSHED}" in overlay) == (True, True)
    bench.calls.clear()
    run = bench.start("deliver/deliver", app="hello", revision=commit)
    assert run.state.is_completed()
    assert bench.calls == [], "it is released already"


def test_an_image_is_built_with_the_arguments_of_the_source_and_its_own(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, real = list[dict[str, str]](), docker.build

    def build(*args, build_args: dict[str, str], **more):  # type: ignore[no-untyped-def]
        given.append(dict(build_args))
        return real(*args, **more)

    monkeypatch.setattr(docker, "build", build)
    images = f"web: {IMAGE}, worker: {{repository: {WORKER}, buildArgs: {{B: '3', C: '4'}}}}"
    config = towpath(images).replace("../hello.git", "../hello.git, buildArgs: {A: '1', B: '2'}")
    bench.push("environments", {"towpath.yaml": config, **overlays(IMAGE, WORKER)}, "Arguments")
    commit = bench.push("hello", {"app.py": "args", "Dockerfile": "FROM scratch AS test\n"}, "Begin")
    run = bench.start("deliver/deliver", app="hello", revision=commit)
    assert run.state.is_completed(), run.state.message
    source = {"A": "1", "B": "2"}
    assert given == [source, {"A": "1", "B": "3", "C": "4"}, source]


@pytest.fixture
def mixed(bench: Bench) -> Bench:
    files = {"towpath.yaml": towpath(f"web: {IMAGE}, {PROXIED}"), **overlays(IMAGE, PROXY)}
    bench.push("environments", files, "One is built elsewhere")
    return bench


def test_what_is_built_elsewhere_comes_in_beside_it_and_stays(mixed: Bench) -> None:
    first = mixed.push("hello", {"app.py": "1", "Dockerfile": "FROM scratch AS test\n"}, "Begin")
    run = mixed.start("deliver/deliver", app="hello", revision=first)
    assert "dev runs no proxy of hello yet" in run.state.message
    assert into_dev(mixed, f"{first},{PROXY}@{PROXY_DIGEST}") == release_id(web=PUSHED, proxy=PROXY_DIGEST)
    assert mixed.calls[:5] == ["build", "test", "pull", "scan", "scan"]
    assert (evidence(mixed, PUSHED).commit, evidence(mixed, PUSHED).prebuilt) == (first, False)
    newer = f"sha256:{8:064x}"
    mixed.calls.clear()
    assert into_dev(mixed, f"{PROXY}@{newer}") == release_id(web=PUSHED, proxy=newer)
    assert mixed.calls[:5] == ["pull", "pull", "scan", "scan", "record"], "web stays, and is not built again"
    said = evidence(mixed, newer)
    assert (said.commit, said.previous) == (first, release_id(web=PUSHED, proxy=PROXY_DIGEST))
    second = mixed.push("hello", {"app.py": "2"}, "Go on")
    assert into_dev(mixed, second) == release_id(web=PUSHED, proxy=newer)


def test_an_image_that_is_built_here_is_not_brought_in(mixed: Bench) -> None:
    run = mixed.start("deliver/deliver", app="hello", revision=f"{IMAGE}@{PUSHED}")
    assert "hello has a `source`, so its image web is built here" in run.state.message
    assert mixed.calls == []
