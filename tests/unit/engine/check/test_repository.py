import os
import shutil
from pathlib import Path

import pytest

from towpath.config import load_config
from towpath.engine.check.repository import check_repository
from towpath.engine.source.render import digest_of, released_apps, render_app
from towpath.errors import RefusedError, UnknownNameError
from towpath.formats.versions import V2
from towpath.release.model import EnvironmentRelease, Release, ScanSummary, one_image
from towpath.release.release_file import dump_release_file
from towpath.settings import Settings

EXAMPLE = Path(__file__).parents[4] / "examples/environments"
TOOLS = Settings.load({"HOME": str(Path.home())}).tools
DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "environments"))


def release(root: Path, environment: str, *, digest: str = DIGEST) -> None:
    """What a promotion writes."""
    made = Release(
        app="hello", images=one_image("hello", "127.0.0.1:5000/hello", digest),
        commit="c" * 40, source="x", subject="x",
        author="x", built_at="2026-01-01T00:00:00Z", scan=ScanSummary(status="passed"), flow_run="r",
    )  # fmt: skip
    record = EnvironmentRelease(
        release=made, promoted_at="2026-01-01T00:00:00Z", promoted_by="x", promoted_from=None,
        approved_by=(), flow_run="r", verified_at=None, rolls_back=None,
    )  # fmt: skip
    folder = root / "apps/hello" / environment
    (folder / "release.yaml").write_text(dump_release_file(record, V2))
    with (folder / "kustomization.yaml").open("a") as file:
        file.write(f"images:\n  - name: 127.0.0.1:5000/hello\n    digest: {DIGEST}\n")


def test_the_example_has_no_findings(repository: Path) -> None:
    checked = check_repository(repository, tools=TOOLS)
    assert checked.findings == ()
    assert checked.objects == 25


def test_every_environment_of_the_example_can_be_rebuilt_from_git_alone(repository: Path) -> None:
    config = load_config(repository)
    for environment in config.environments:
        objects = render_app(repository, config, "hello", environment.name, tools=TOOLS).objects
        named = {(each["kind"], each["metadata"]["name"]): each for each in objects}
        label = named["Namespace", environment.namespace]["metadata"]["labels"]
        assert label["towpath.dev/environment"] == environment.name
        (subject,) = named["RoleBinding", "towpath"]["subjects"]
        assert subject["name"] == f"towpath-{environment.name}"


def test_an_app_without_release_is_not_rendered_for_its_environment(repository: Path) -> None:
    config = load_config(repository)
    assert list(released_apps(repository, config, "dev")) == []
    release(repository, "dev")
    (app,) = released_apps(repository, config, "dev")
    result = render_app(repository, config, app, "dev", tools=TOOLS)
    assert result.namespace == "dev"
    assert result.digest == digest_of(tuple(reversed(result.objects)))


def test_a_release_that_the_overlay_does_not_run_is_refused(repository: Path) -> None:
    release(repository, "dev", digest="sha256:" + "b" * 64)
    with pytest.raises(RefusedError, match=r"apps/hello/base/deployment\.yaml:1: .*release\.yaml says"):
        render_app(repository, load_config(repository), "hello", "dev", tools=TOOLS)


def test_unknown_names_are_told(repository: Path) -> None:
    config = load_config(repository)
    with pytest.raises(UnknownNameError, match="app 'hallo'"):
        render_app(repository, config, "hallo", "dev", tools=TOOLS)
    with pytest.raises(UnknownNameError, match="environment 'test'"):
        render_app(repository, config, "hello", "test", tools=TOOLS)


def test_all_findings_come_in_one_run(repository: Path) -> None:
    (repository / "apps/hello/dev/config.yaml").write_text("a: 1\na: 2\n")
    (repository / "apps/hello/quarantine.yaml").write_text("[")
    with (repository / "apps/hello/prod/poddisruptionbudget.yaml").open("a") as file:
        file.write("---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: rbac.authorization.k8s.io/v1\n")
        file.write("  kind: ClusterRole\n  metadata: {name: smuggled}\n")
    shutil.rmtree(repository / "apps/hello/staging")
    (repository / "apps/stranger").mkdir()
    said = [str(finding) for finding in check_repository(repository, tools=TOOLS).findings]
    for part in (
        "apps/hello/dev/config.yaml:2: the same key twice",
        "quarantine.yaml",
        "ClusterRole smuggled is cluster-scoped",
        "apps.hello has a folder for prod, and none for staging",
        "apps/stranger: no app of this name",
    ):
        assert any(part in each for each in said), (part, said)


def test_findings_of_towpath_yaml_have_their_lines(repository: Path) -> None:
    path = repository / "towpath.yaml"
    path.write_text(path.read_text().replace("renderer:", "render:").replace("approvals:", "approval:"))
    said = [str(finding) for finding in check_repository(repository).findings]
    assert len(said) == 2
    assert all(each.startswith("towpath.yaml:") for each in said)


def test_two_apps_that_declare_one_object_are_told(repository: Path) -> None:
    path = repository / "towpath.yaml"
    path.write_text(path.read_text().replace("apps:\n", "apps:\n  second: {image: 127.0.0.1:5000/second}\n"))
    shutil.copytree(repository / "apps/hello", repository / "apps/second")
    said = [str(finding) for finding in check_repository(repository, tools=TOOLS).findings]
    assert any("Deployment dev/hello is declared by app" in each for each in said)


@pytest.mark.parametrize(
    "path",
    [
        "towpath.yaml",
        "apps/hello/quarantine.yaml",
        "apps/hello/dev/release.yaml",
        "apps/hello/base/rbac.yaml",
    ],
)
def test_pipes_and_links_out_of_the_checkout_are_refused_without_reading_them(
    repository: Path, path: str
) -> None:
    file = repository / path
    file.unlink(missing_ok=True)
    file.symlink_to("/etc/passwd")
    (finding, *_) = check_repository(repository, tools=TOOLS).findings
    assert "leads out of the repository" in finding.message
    assert "root:" not in str(finding)
    file.unlink()
    os.mkfifo(file)
    (finding, *_) = check_repository(repository, tools=TOOLS).findings
    assert "is not a regular file" in finding.message


def test_a_renamed_environment_folder_is_an_error_and_no_deletion(repository: Path) -> None:
    release(repository, "dev")
    (repository / "apps/hello/dev").rename(repository / "apps/hello/development")
    said = [str(finding) for finding in check_repository(repository, tools=TOOLS).findings]
    assert any("apps.hello has a folder for staging, and none for dev" in each for each in said)
    assert any("apps/hello/development: has a release" in each for each in said)


def test_pauses_are_read_and_must_name_what_there_is(repository: Path) -> None:
    (repository / "pauses").mkdir()
    good = "- {app: helo, until: '2026-01-01T00:00:00Z', reason: x}\n"
    (repository / "pauses/prod.yaml").write_text(good)
    (repository / "pauses/dev.yaml").write_text("- {until: tomorrow, reason: x}\n")
    (repository / "pauses/prd.yaml").write_text(good)
    found = [str(finding) for finding in check_repository(repository, tools=TOOLS).findings]
    assert [line.partition(": ")[0] for line in found] == [
        "pauses/dev.yaml:1",
        "pauses/prd.yaml",
        "pauses/prod.yaml",
    ]
    assert "must be a time with its zone" in found[0]
    assert "no environment of this name" in found[1]
    assert "there is no app `helo`" in found[2]


def test_a_renderer_that_is_missing_is_one_finding_and_the_rest_is_judged(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/none")
    config = (repository / "towpath.yaml").read_text()
    more = "".join(
        f"  {app}:\n    image: 127.0.0.1:5000/x\n    renderer: {renderer}\n"
        for app, renderer in (("chart", "helm"), ("chart2", "helm"), ("plain", "plain"), ("pair", "plain"))
    )
    (repository / "towpath.yaml").write_text(config.replace("apps:\n", f"apps:\n{more}", 1))
    for environment in ("dev", "staging", "prod"):
        for app in ("chart", "chart2", "plain", "pair"):
            folder = repository / "apps" / app / environment
            folder.mkdir(parents=True)
            (folder / "values.yaml").write_text("a: 1\n")
        (repository / f"apps/plain/{environment}/values.yaml").write_text("a: [b\n")
    for app in ("chart", "chart2"):
        base = repository / "apps" / app / "base"
        (base / "templates").mkdir(parents=True)
        (base / "Chart.yaml").write_text(f"apiVersion: v2\nname: {app}\nversion: 1.0.0\n")
        (base / "values.yaml").write_text("a: 1\n")
    said = [str(finding) for finding in check_repository(repository, tools=Path("/none")).findings]
    missing = [each for each in said if each.startswith("towpath.yaml: ")]
    assert len([each for each in missing if "`helm` is not installed" in each]) == 1, said
    assert any("Not judged: chart, chart2 (2 apps)" in each for each in missing), said
    assert any("Not judged: hello (1 app)" in each for each in missing), said
    assert any("apps/plain/dev/values.yaml" in each for each in said), "the others are judged"


def test_a_pause_of_a_whole_environment_is_read_as_one_of_an_app(repository: Path) -> None:
    (repository / "pauses").mkdir()
    file = repository / "pauses/prod.yaml"
    file.write_text("- {until: '2026-01-01T00:00:00Z', reason: x}\n")
    assert check_repository(repository, tools=TOOLS).findings == ()
    file.write_text("- {until: tomorrow, reason: x}\n- {until: '2026-01-01T00:00:00Z'}\n")
    found = [str(finding) for finding in check_repository(repository, tools=TOOLS).findings]
    assert [line.partition(": ")[0] for line in found] == ["pauses/prod.yaml:1", "pauses/prod.yaml:2"]


def crds(root: Path, *environments: str, more: str = "") -> None:
    """An app without images: it has folders, and no release."""
    config = root / "towpath.yaml"
    config.write_text(
        config.read_text().replace("apps:\n", f"apps:\n  crds:\n    renderer: plain\n{more}", 1)
    )
    for environment in environments:
        folder = root / "apps/crds" / environment
        folder.mkdir(parents=True)
        (folder / "limits.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: limits}\n")


def test_an_app_without_images_is_where_it_has_a_folder_and_needs_no_release(repository: Path) -> None:
    crds(repository, "dev", "prod")
    assert check_repository(repository, tools=TOOLS).findings == ()
    config = load_config(repository)
    assert [*released_apps(repository, config, "dev")] == ["crds"]
    assert [*released_apps(repository, config, "staging")] == []
    assert render_app(repository, config, "crds", "prod").objects[0]["metadata"]["namespace"] == "prod"


def test_an_app_without_images_in_no_environment_is_told_with_its_line(repository: Path) -> None:
    crds(repository)
    (found,) = check_repository(repository, tools=TOOLS).findings
    lines = (repository / "towpath.yaml").read_text().splitlines()
    assert (found.file, lines[found.line - 1].strip()) == ("towpath.yaml", "crds:")
    assert "apps.crds is in no environment: there is none of the folders apps/crds/dev" in found.message


def test_what_an_app_without_images_must_not_have_is_told_by_file(repository: Path) -> None:
    crds(repository, "dev", more="    promote: manifests\n")
    (repository / "apps/crds/dev/release.yaml").write_text("release: {}\n")
    (repository / "verified/dev").mkdir(parents=True)
    (repository / "verified/dev/crds.yaml").write_text("apiVersion: towpath.dev/v3\ncommit: x\n")
    found = [f"{each.file}: {each.message}" for each in check_repository(repository, tools=TOOLS).findings]
    for told in (
        "apps/crds/dev/release.yaml: crds has no images, so no release of it is promoted",
        "verified/dev/crds.yaml: is written for towpath.dev/v3",
    ):
        assert any(told in each for each in found), found


def test_a_cluster_scoped_object_of_an_app_without_images_is_allowed_by_the_environment(
    repository: Path,
) -> None:
    crds(repository, "dev")
    role = (
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: viewer}\nrules: []\n"
    )
    (repository / "apps/crds/dev/role.yaml").write_text(role)
    (found,) = check_repository(repository, tools=TOOLS).findings
    assert found.file == "apps/crds/dev/role.yaml"
    assert "ClusterRole viewer is cluster-scoped and not allowed" in found.message


def without_staging(root: Path, more: str = "") -> None:
    config = root / "towpath.yaml"
    text = config.read_text().replace("towpath.dev/v1", "towpath.dev/v2")
    config.write_text(text.replace("  hello:\n", f"  hello:\n{more}", 1))
    shutil.rmtree(root / "apps/hello/staging")


def test_a_folder_between_two_others_is_missed_unless_the_app_names_its_environments(
    repository: Path,
) -> None:
    without_staging(repository)
    (found,) = check_repository(repository, tools=TOOLS).findings
    assert found.message.startswith("apps.hello has a folder for prod, and none for staging")
    assert "`environments: [dev, prod]`" in found.message
    config = repository / "towpath.yaml"
    config.write_text(
        config.read_text().replace("  hello:\n", "  hello:\n    environments: [dev, prod]\n", 1)
    )
    assert check_repository(repository, tools=TOOLS).findings == ()


def test_a_folder_for_an_environment_that_the_app_names_must_be_there(repository: Path) -> None:
    without_staging(repository, more="    environments: [dev, staging]\n")
    (found,) = check_repository(repository, tools=TOOLS).findings
    assert (found.file, found.message) == ("apps/hello/staging", "there is no such folder")


def test_an_app_with_folders_for_the_first_environments_only_is_there(repository: Path) -> None:
    shutil.rmtree(repository / "apps/hello/prod")
    assert check_repository(repository, tools=TOOLS).findings == ()
