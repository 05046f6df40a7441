"""`towpath init` writes everything or nothing."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from towpath.cli.init import command
from towpath.config import load_config, resolve_source_url
from towpath.errors import ConfigError, RefusedError, TerminalError, UnknownNameError


def invoke(*args: str) -> str:
    result = CliRunner().invoke(command, args, catch_exceptions=False, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.output


def test_a_new_repository(tmp_path: Path) -> None:
    said = invoke(
        str(tmp_path / "new"), "--image", "example.com/team/my_shop:1", "--environments", "test, live"
    )
    assert "towpath check --repo" in said
    config = load_config(tmp_path / "new")
    assert list(config.apps) == ["my-shop"]
    assert [each.name for each in config.environments] == ["test", "live"]


def test_nothing_is_overwritten_and_nothing_half_written(tmp_path: Path) -> None:
    (tmp_path / "apps/shop/prod").mkdir(parents=True)
    (tmp_path / "apps/shop/prod/kustomization.yaml").write_text("mine\n")
    with pytest.raises(RefusedError, match="is there already"):
        invoke(str(tmp_path), "--image", "example.com/shop")
    assert (tmp_path / "apps/shop/prod/kustomization.yaml").read_text() == "mine\n"
    assert not (tmp_path / "towpath.yaml").exists()


def test_an_app_is_added_to_a_repository_that_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    invoke(str(folder), "--image", "example.com/team/shop:1")
    before = (folder / "towpath.yaml").read_text().replace("    namespace: dev\n", "    namespace: first\n")
    (folder / "towpath.yaml").write_text(f"{before}# the end\n")
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    said = invoke(str(folder), "--image", "example.com/team/blog:1")
    assert "blog is added, for dev, staging, prod" in said
    invoke(str(folder), "--image", "example.com/team/mail:1", "--environments", "dev,staging")
    config = load_config(folder)
    assert list(config.apps) == ["shop", "blog", "mail"]
    assert config.app("mail").environments == ("dev", "staging")
    after = (folder / "towpath.yaml").read_text()
    assert all(line in after.splitlines() for line in before.splitlines())
    assert "# the end" in after
    overlay = (folder / "apps/blog/dev/kustomization.yaml").read_text()
    assert "namespace: first" in overlay
    assert "namespace.yaml" not in overlay
    assert not (folder / "apps/blog/dev/namespace.yaml").exists(), "shop has it"
    changed = {path for path, content in files.items() if path.read_bytes() != content}
    assert changed == {folder / "towpath.yaml"}
    assert not list(folder.glob(".towpath*"))


@pytest.mark.parametrize(
    ("args", "error", "said"),
    [
        (("--image", "example.com/shop"), RefusedError, "app shop is in towpath.yaml already"),
        (("--image", "example.com/b", "--environments", "deb"), UnknownNameError, "Did you mean dev"),
    ],
)
def test_what_cannot_be_added_writes_nothing(
    tmp_path: Path, args: tuple[str, ...], error: type[Exception], said: str
) -> None:
    folder = tmp_path / "new"
    invoke(str(folder), "--image", "example.com/shop:1")
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(error, match=said):
        invoke(str(folder), *args)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == files


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (("--image", "Not/An Image"), TerminalError),
        (("--image", "example.com/x", "--environments", "Dev"), ConfigError),
        (("--image", "example.com/x", "--environments", "dev,dev"), ConfigError),
        (("--image", "example.com/x", "--environments", ""), ConfigError),
        (("--image", "example.com/x", "--environments", "build"), ConfigError),
    ],
)
def test_wrong_names_write_nothing(tmp_path: Path, args: tuple[str, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        invoke(str(tmp_path / "new"), *args)
    assert not (tmp_path / "new").exists()


def test_a_folder_named_base_does_not_name_the_app(tmp_path: Path) -> None:
    manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec: {template: {spec: {containers: [{name: shop, image: example.com/shop}]}}}\n"  # noqa: E501
    (tmp_path / "shop/base").mkdir(parents=True)
    (tmp_path / "shop/base/deployment.yaml").write_text(manifest)
    invoke(str(tmp_path / "new"), "--from", str(tmp_path / "shop/base"))
    assert list(load_config(tmp_path / "new").apps) == ["shop"]


def test_manifests_with_a_link_out_of_their_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("canary")
    (tmp_path / "from").mkdir()
    (tmp_path / "from/a.yaml").symlink_to("../secret.yaml")
    with pytest.raises(ConfigError, match="leads out"):
        invoke(str(tmp_path / "new"), "--from", str(tmp_path / "from"))


def test_what_comes_next_is_said_up_to_the_first_release(tmp_path: Path) -> None:
    said = invoke(str(tmp_path / "new"), "--image", "example.com/shop")
    for step in ("towpath check --repo", "git init -b main", "export TOWPATH_ENVIRONMENTS="):
        assert step in said
    config = load_config(tmp_path / "new")
    with pytest.raises(ConfigError, match="has no `source`") as caught:
        resolve_source_url(config.app("shop"), "https://git.example.com/environments.git")
    assert "source: {repository:" in str(caught.value.remedy)


@pytest.mark.parametrize(
    ("image", "whole"),
    [
        ("foo", "docker.io/library/foo"),
        ("foo:1.4", "docker.io/library/foo"),
        ("team/shop", "docker.io/team/shop"),
        ("team/shop:1.4", "docker.io/team/shop"),
        ("library/nginx", "docker.io/library/nginx"),
    ],
)
def test_an_image_without_a_registry_is_asked_for_one(tmp_path: Path, image: str, whole: str) -> None:
    done = CliRunner().invoke(command, [str(tmp_path / "new"), "--image", image])
    assert done.exit_code == 2
    assert f"'{image}' names no registry" in done.output
    assert whole in done.output.replace("\n", "")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("image", ["localhost/a", "localhost:5000/a", "127.0.0.1:5000/a/b:1", "ghcr.io/a/b"])
def test_an_image_with_a_registry_is_taken(tmp_path: Path, image: str) -> None:
    done = CliRunner().invoke(command, [str(tmp_path / "new"), "--image", image])
    assert done.exit_code == 0, done.output


def test_what_was_left_out_of_a_folder_is_told(tmp_path: Path) -> None:
    manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec: {template: {spec: {containers: [{name: shop, image: example.com/shop}]}}}\n"  # noqa: E501
    (tmp_path / "deploy").mkdir()
    for name, text in (("shop.yaml", manifest), ("values.yaml", "a: 1\n"), ("package.json", "{}")):
        (tmp_path / "deploy" / name).write_text(text)
    said = invoke(str(tmp_path / "new"), "--from", str(tmp_path / "deploy"))
    assert "Left out, as no object of the app is in them: package.json, values.yaml" in said
    assert not (tmp_path / "new/apps/deploy/base/values.yaml").exists()
