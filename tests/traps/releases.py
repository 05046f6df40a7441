# ruff: noqa: E501  (a trap reads best on one line)
"""A release is recorded, and the app's image runs by a tag all the same: where it hides, or how it is written."""

from tests.traps.checkout import DIGEST, RELEASE
from tests.traps.repository import CONFIG, Trap

POD = "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{name: a, image: '{}'}}, {{name: b, image: '{}'}}]}}\n"
CUSTOM = "---\napiVersion: example.com/v1\nkind: Worker\nmetadata: {{name: w}}\n{}\n"
OURS = "127.0.0.1:5000/x"


def written(other: str, image: str = "registry.example.com/x") -> Trap:
    """The app's `image`, and beside it the same one in `other` words."""
    return Trap(
        "plain",
        "not by digest",
        {
            "dev/a.yaml": POD.format(f"{image}@{DIGEST}", other),
            "dev/release.yaml": RELEASE.replace(OURS, image),
        },
        more=lambda root: (
            (root / "towpath.yaml").write_text(CONFIG.replace("RENDERER", "plain").replace(OURS, image))
            and None
        ),
        at="apps/x/dev/a.yaml:1",
    )


def hidden(fields: str) -> Trap:
    return Trap(
        "plain",
        "not by digest",
        {
            "dev/a.yaml": POD.format(f"{OURS}@{DIGEST}", "busybox") + CUSTOM.format(fields),
            "dev/release.yaml": RELEASE,
        },
        at="apps/x/dev/a.yaml:6",
    )


RELEASES = {
    "image by Docker Hub's short name": written("team/x:latest", "docker.io/team/x"),
    "image by another name of Docker Hub": written("index.docker.io/team/x:latest", "docker.io/team/x"),
    "image of Docker Hub's library": written("x:1", "docker.io/library/x"),
    "image by a registry in capitals": written("Registry.Example.COM/x:1"),
    "image by the registry's usual port": written("registry.example.com:443/x:1"),
    "image between blanks": written(" registry.example.com/x:1"),
    "image as repository and tag": hidden(f"spec: {{image: {{repository: '{OURS}', tag: v1}}}}"),
    "image as registry, repository and tag": hidden(
        "spec: {image: {registry: '127.0.0.1:5000', repository: x, tag: v1}}"
    ),
    "image as a repository alone": hidden(f"spec: {{image: {{repository: '{OURS}'}}}}"),
    "image by a longer key": hidden(f"spec: {{workerImage: '{OURS}:v1'}}"),
    "image in a list": hidden(f"spec: {{images: ['busybox', '{OURS}:v1']}}"),
    "image in the data of a custom resource": hidden(
        f"data: {{template: {{containers: [{{name: a, image: '{OURS}:v1'}}]}}}}"
    ),
}
