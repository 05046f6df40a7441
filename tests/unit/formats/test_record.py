"""Every file that Towpath writes has a version; one of a newer version is refused as a whole, by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from towpath.applyset.prune_file import dump_prune_file, parse_prune_file
from towpath.config import parse_config
from towpath.errors import ConfigError
from towpath.formats.record import RecordForm, read_record, version_of, write_record
from towpath.formats.versions import V1, V2
from towpath.gates.pause import dump_pauses, parse_pauses
from towpath.release.quarantine import dump_quarantine, parse_quarantine
from towpath.release.release_file import dump_release_file, parse_release_file

OLD = Path(__file__).parent / "v1"
"""Files as the last Towpath that knew only towpath.dev/v1 wrote them."""

READERS: dict[str, Callable[[str, str], Any]] = {
    "release.yaml": parse_release_file,
    "quarantine.yaml": parse_quarantine,
    "pauses.yaml": parse_pauses,
    "prune.yaml": parse_prune_file,
}
WRITERS: dict[str, Callable[[Any, Any], str | None]] = {
    "release.yaml": dump_release_file,
    "quarantine.yaml": dump_quarantine,
    "pauses.yaml": dump_pauses,
    "prune.yaml": lambda confirmed, version: dump_prune_file(confirmed.items(), version, "moved"),
}


@pytest.mark.parametrize("name", READERS)
def test_a_file_of_v1_is_read_and_written_as_before_to_the_byte(name: str) -> None:
    text = (OLD / name).read_text()
    assert version_of(text, name) == V1
    assert WRITERS[name](READERS[name](text, name), V1) == text


@pytest.mark.parametrize("name", READERS)
def test_a_file_of_v2_says_the_same_and_begins_with_its_version(name: str) -> None:
    said = READERS[name]((OLD / name).read_text(), name)
    text = WRITERS[name](said, V2)
    assert text is not None
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines[0] == "apiVersion: towpath.dev/v2"
    assert version_of(text, name) == V2
    assert READERS[name](text, name) == said
    assert WRITERS[name](READERS[name](text, name), V2) == text


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("key", ["colour", "signature", "towpath", "0", "on"])
def test_a_newer_version_is_refused_with_its_name_and_its_unknown_keys(name: str, key: str) -> None:
    text = WRITERS[name](READERS[name]((OLD / name).read_text(), name), V2)
    assert text is not None
    newer = text.replace("towpath.dev/v2", "towpath.dev/v3", 1) + f"'{key}': {{a: 1}}\n"
    with pytest.raises(ConfigError) as caught:
        READERS[name](newer, name)
    assert f"{name}:2: is written for towpath.dev/v3, and this Towpath knows up to towpath.dev/v2" in str(
        caught.value
    )
    assert f"it has keys that are not known here: `{key}`" in str(caught.value)
    assert "Upgrade Towpath" in str(caught.value.remedy)


@pytest.mark.parametrize("name", READERS)
def test_a_newer_version_without_new_keys_is_refused_too(name: str) -> None:
    text = WRITERS[name](READERS[name]((OLD / name).read_text(), name), V2)
    assert text is not None
    with pytest.raises(ConfigError, match=r"is written for towpath\.dev/v12") as caught:
        READERS[name](text.replace("towpath.dev/v2", "towpath.dev/v12", 1), name)
    assert "not known here" not in str(caught.value)


@pytest.mark.parametrize("name", READERS)
def test_a_key_that_is_not_known_is_refused_never_dropped(name: str) -> None:
    old = (OLD / name).read_text()
    new = WRITERS[name](READERS[name](old, name), V2)
    assert new is not None
    for text in (f"{new}colour: red\n", new.replace("\n- ", "\n- colour: red\n  ", 1)):
        if text != new:
            with pytest.raises(ConfigError, match=rf"^{name}:\d+: "):
                READERS[name](text, name)
    inside = old.replace("\n- ", "\n- colour: red\n  ", 1)
    if inside != old:
        with pytest.raises(ConfigError, match=rf"^{name}:\d+: "):
            READERS[name](inside, name)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("release.yaml", "release: {images: {}}\n", "release.yaml:1: `images` is known since towpath.dev/v2"),
        (
            "release.yaml",
            "apiVersion: towpath.dev/v1\nrelease: {}\n",
            "release.yaml:1: `apiVersion` is known since towpath.dev/v2",
        ),
        (
            "release.yaml",
            "apiVersion: towpath.dev/v2\nrelease:\n  app: x\n  digest: x\n",
            "release.yaml:4: `digest` is a key of towpath.dev/v1; towpath.dev/v2 has `images`",
        ),
        (
            "quarantine.yaml",
            "# why\n- {release: x, reason: y, at: z}\n",
            "quarantine.yaml:2: `release` is known since towpath.dev/v2; `towpath migrate` rewrites",
        ),
        (
            "quarantine.yaml",
            "apiVersion: towpath.dev/v2\nreleases:\n- {digest: x, reason: y, at: z}\n",
            "quarantine.yaml:3: `digest` is a key of towpath.dev/v1; towpath.dev/v2 has `release`",
        ),
        ("pauses.yaml", "apiVersion: towpath.dev/v1\npauses: []\n", "pauses.yaml:1: `apiVersion` is known"),
        ("pauses.yaml", "pauses: []\n", "pauses.yaml:1: must be a mapping that begins with `apiVersion: tow"),
        ("quarantine.yaml", "releases: []\n", "quarantine.yaml:1: must be a mapping that begins with"),
        ("prune.yaml", "apiVersion: towpath.dev/v1\nobjects: []\n", "prune.yaml:1: `apiVersion` is known"),
        ("prune.yaml", "apiVersion: apps/v1\nobjects: []\n", "apiVersion: must be `towpath.dev/v2`, not"),
        ("pauses.yaml", "apiVersion: 2\npauses: []\n", "apiVersion: must be `towpath.dev/v2`"),
        ("release.yaml", "apiVersion:\nrelease: {}\n", "apiVersion: must be `towpath.dev/v2`"),
        ("quarantine.yaml", "apiVersion: towpath.dev/v2\n", "must have the list `releases`"),
        ("pauses.yaml", "apiVersion: towpath.dev/v2\npauses: {}\n", "must have the list `pauses`"),
        ("release.yaml", "text\n", "release.yaml:1: must be a mapping"),
    ],
)
def test_a_key_of_another_version_is_told_with_its_line(name: str, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        READERS[name](text, name)
    assert said in str(caught.value)


def test_an_empty_file_has_no_version_and_says_nothing() -> None:
    assert version_of("# nothing\n", "pauses/dev.yaml") == V1
    assert version_of(None, "pauses/dev.yaml") == V1
    assert parse_pauses("# nothing\n", "pauses/dev.yaml") == ()


def test_many_unknown_keys_are_counted() -> None:
    form = RecordForm("pauses", {"apiVersion": {}, "pauses": {}}, items="pauses")
    text = "apiVersion: towpath.dev/v3\n" + "".join(f"k{number}: 1\n" for number in range(14))
    with pytest.raises(ConfigError, match=r"`k9` and 4 more"):
        read_record(text, "pauses/dev.yaml", form)
    assert write_record({"pauses": []}, V2, form) == "apiVersion: towpath.dev/v2\npauses: []\n"


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ("budget: 1\n", "`budget`"),
        ("notices: [a]\n", "`notices`"),
        ("apps: {x: {image: r.example.com/x, owner: a}}\n", "`apps.x.owner`"),
    ],
)
def test_a_newer_towpath_yaml_is_refused_with_its_unknown_keys(more: str, named: str) -> None:
    text = f"apiVersion: towpath.dev/v3\nenvironments: [{{name: dev, namespace: dev, canary: 1}}]\n{more}"
    with pytest.raises(ConfigError, match=r"towpath\.yaml:1: is written for towpath\.dev/v3") as caught:
        parse_config(text)
    assert named in str(caught.value)
    assert "`environments[0].canary`" in str(caught.value)
    assert "Upgrade Towpath" in str(caught.value.remedy)
