"""Two images of Debian's static busybox: the pause image of pods, and the base image of the example.

Both are reproducible byte for byte and need no Docker Engine: containerd imports a tar file, a registry takes
four requests.
"""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from towpath.adapters.process import run
from towpath.errors import TransientError
from towpath.local.common.http import request
from towpath.local.common.stack import Stack
from towpath.local.parts.configuration import PAUSE_IMAGE
from towpath.local.programs.tools import require

BASE_IMAGE = "base/busybox"
BASE_TAG = "1"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
# Process 1 of a pod must handle SIGTERM itself: the kernel takes no default action for process 1.
_WAIT = ("/bin/busybox", "sh", "-c", "trap 'exit 0' TERM INT; while :; do sleep 86400 & wait; done")


@dataclass(frozen=True, slots=True)
class Image:
    """An image of one layer."""

    config: bytes
    layer: bytes
    manifest: bytes


def busybox_image(program: Path, architecture: str, *, command: Sequence[str] = ("/bin/sh",)) -> Image:
    """busybox with all its applets, a root and a nobody user, and /tmp."""
    layer = _layer(program)
    packed = gzip.compress(layer, 6, mtime=0)
    config = _json(
        {
            "architecture": architecture,
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {"Cmd": list(command), "Env": ["PATH=/bin:/usr/bin:/sbin:/usr/sbin"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
            "history": [
                {"created": "1970-01-01T00:00:00Z", "created_by": "towpath local up: static busybox"}
            ],
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": {"mediaType": _CONFIG, "size": len(config), "digest": _digest(config)},
            "layers": [{"mediaType": _LAYER, "size": len(packed), "digest": _digest(packed)}],
        }
    )
    return Image(config, packed, manifest)


def _layer(program: Path) -> bytes:
    applets = run([program, "--list"]).stdout.split()
    passwd = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
    group = b"root:x:0:\nnogroup:x:65534:\n"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for folder, mode in (
            ("bin", 0o755),
            ("etc", 0o755),
            ("root", 0o700),
            ("tmp", 0o1777),
            ("usr", 0o755),
        ):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        for name, mode, content in (
            ("bin/busybox", 0o755, program.read_bytes()),
            ("etc/passwd", 0o644, passwd),
            ("etc/group", 0o644, group),
        ):
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = mode, len(content)
            tar.addfile(entry, io.BytesIO(content))
        for applet in sorted(set(applets) - {"busybox"}):
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname, entry.mode = tarfile.LNKTYPE, "bin/busybox", 0o755
            tar.addfile(entry)
    return buffer.getvalue()


def architecture() -> str:
    """This machine's architecture as image manifests name it: amd64, arm64."""
    import platform

    machine = platform.machine()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def import_pause_image(stack: Stack) -> None:
    """Import the pause image into containerd, where kubelet looks for it."""
    image = busybox_image(require("busybox", stack.settings), architecture(), command=_WAIT)
    archive = stack.layout.run / "pause.tar"
    archive.write_bytes(_docker_archive(image, PAUSE_IMAGE))
    run(
        [
            require("ctr", stack.settings),
            "--address",
            stack.layout.run / "containerd" / "containerd.sock",
            "--namespace=k8s.io",
            "images",
            "import",
            archive,
        ],
        timeout=60.0,
    )
    archive.unlink()


def push_base_image(stack: Stack) -> None:
    """Push the base image of the example to the stack's registry."""
    image = busybox_image(require("busybox", stack.settings), architecture())
    base = f"http://{stack.registry}/v2/{BASE_IMAGE}"
    for blob in (image.config, image.layer):
        if request("HEAD", f"{base}/blobs/{_digest(blob)}").ok:
            continue
        location = request("POST", f"{base}/blobs/uploads/", b"").headers.get("location", "")
        joint = "&" if "?" in location else "?"
        reply = request(
            "PUT", f"{location}{joint}digest={_digest(blob)}", blob, content_type="application/octet-stream"
        )
        if not reply.ok:
            raise TransientError(
                f"the registry refused a layer of {BASE_IMAGE}: {reply.status} {reply.body!r}"
            )
    reply = request("PUT", f"{base}/manifests/{BASE_TAG}", image.manifest, content_type=_MANIFEST)
    if not reply.ok:
        raise TransientError(f"the registry refused {BASE_IMAGE}:{BASE_TAG}: {reply.status} {reply.body!r}")


def _docker_archive(image: Image, name: str) -> bytes:
    """The image in the format of `docker save`, which `ctr images import` reads."""
    index = _json([{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}])
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for file, content in (
            ("config.json", image.config),
            ("layer.tar", gzip.decompress(image.layer)),
            ("manifest.json", index),
        ):
            entry = tarfile.TarInfo(file)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
