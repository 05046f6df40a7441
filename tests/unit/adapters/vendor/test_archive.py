"""Archives that people who mean harm would make are refused, and nothing of them is written."""

import gzip
import io
import tarfile

import pytest

from tests.chart_server import chart_archive, chart_files, tar_gz
from towpath.adapters.vendor import archive
from towpath.adapters.vendor.archive import unpack
from towpath.errors import RefusedError


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


def test_a_chart_is_unpacked_below_its_folder() -> None:
    assert unpack(chart_archive("shop", "1.0.0"), "it") == chart_files("shop", "1.0.0")
    assert unpack(tar_gz({"./shop/a": b"1"}, special("shop/empty", tarfile.DIRTYPE)), "it") == {"a": b"1"}


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "shop/../../x",
        "/shop/x",
        "shop/.git/hooks/post-checkout",
        "shop/a\\..\\b",
        "shop//x",
        "shop/\x1b[2J",
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(RefusedError, match=r"leads elsewhere|folder of Git"):
        unpack(tar_gz({"shop/Chart.yaml": b"", name: b"x"}), "it")
    with pytest.raises(RefusedError, match=r"leads elsewhere|folder of Git"):
        unpack(tar_gz({"shop/Chart.yaml": b""}, special(name, tarfile.DIRTYPE)), "it")


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.SYMTYPE, "Chart.yaml"),
        (tarfile.LNKTYPE, "shop/Chart.yaml"),
        (tarfile.LNKTYPE, "../../etc/passwd"),
        (tarfile.CHRTYPE, ""),
        (tarfile.BLKTYPE, ""),
        (tarfile.FIFOTYPE, ""),
        (tarfile.GNUTYPE_SPARSE, ""),
    ],
)
def test_what_is_no_file_is_refused(kind: bytes, target: str) -> None:
    with pytest.raises(RefusedError):
        unpack(tar_gz({"shop/Chart.yaml": b""}, special("shop/x", kind, target)), "it")


def test_a_link_does_not_lead_a_later_file_out() -> None:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as members:
        members.addfile(special("shop/x", tarfile.SYMTYPE, "/tmp"))
        info = tarfile.TarInfo("shop/x/owned")
        info.size = 1
        members.addfile(info, io.BytesIO(b"1"))
    with pytest.raises(RefusedError, match="link"):
        unpack(gzip.compress(raw.getvalue()), "it")


def test_a_path_that_a_comment_gives_is_judged_as_well() -> None:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as members:
        info = tarfile.TarInfo("shop/harmless")
        info.pax_headers = {"path": "shop/../../x"}
        members.addfile(info)
    with pytest.raises(RefusedError, match="leads elsewhere"):
        unpack(gzip.compress(raw.getvalue()), "it")
    long = "shop/" + "/".join(["folder"] * 40) + "/x"
    assert set(unpack(tar_gz({long: b""}), "it")) == {long.removeprefix("shop/")}


def test_bombs_are_refused_before_they_are_unpacked() -> None:
    one_file = tar_gz({"shop/zeros": bytes(archive.MAX_BYTES + 1)})
    assert len(one_file) < 100_000
    with pytest.raises(RefusedError, match="larger than"):
        unpack(one_file, "it")
    many = tar_gz({f"shop/{index}": bytes(4 << 20) for index in range(5)})
    with pytest.raises(RefusedError, match="more than"):
        unpack(many, "it")
    with pytest.raises(RefusedError, match="more than"):
        unpack(tar_gz({f"shop/{index}": b"" for index in range(6_000)}), "it")
    # A comment whose size is told as 8 GiB, of which zeros follow.
    head = special("shop/x", tarfile.XHDTYPE)
    head.size = (8 << 30) - 1
    with pytest.raises(RefusedError):
        unpack(gzip.compress(head.tobuf(tarfile.USTAR_FORMAT) + bytes(100 << 20)), "it")
    assert unpack(gzip.compress(bytes(200 << 20)), "it") == {}  # it ends where it begins


def test_heads_inside_of_heads_are_refused() -> None:
    head = special("shop/x", tarfile.XHDTYPE).tobuf(tarfile.USTAR_FORMAT)
    with pytest.raises(RefusedError):
        unpack(gzip.compress(head * 5_000), "it")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"\x1f\x8b",
        gzip.compress(b"no tar"),
        chart_archive("shop", "1.0.0")[:-40],
        b"<html>",
    ],
    ids=["nothing", "a zip", "a beginning", "no tar", "an end that is missing", "a page"],
)
def test_what_is_no_whole_archive_is_refused(content: bytes) -> None:
    with pytest.raises(RefusedError, match="not a whole tar archive"):
        unpack(content, "it")


@pytest.mark.parametrize(
    "files", [{"a/x": b"", "b/x": b""}, {"Chart.yaml": b""}, {"shop/a": b"", "Chart.yaml": b""}]
)
def test_a_chart_is_one_folder(files: dict[str, bytes]) -> None:
    with pytest.raises(RefusedError, match="more than one folder"):
        unpack(tar_gz(files), "it")
