"""`towpath init` writes everything or nothing."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from towpath.cli.init import command
from towpath.config import load_config, resolve_source_url
from towpath.errors import ConfigError, RefusedError, TerminalError


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
