import pytest

from towpath.applyset.prune_file import dump_prune_file, load_confirmed_deletions, parse_prune_file
from towpath.errors import ConfigError
from towpath.formats.versions import V2
from towpath.objects import ObjectRef

VOLUME = ObjectRef("", "PersistentVolumeClaim", "prod", "data")
WEB = ObjectRef("apps", "Deployment", "prod", "web")


def test_what_is_printed_is_what_is_confirmed() -> None:
    text = dump_prune_file([(VOLUME, "u1"), (WEB, "u2")], V2, "moved")
    assert parse_prune_file(text) == {VOLUME: "u1", WEB: "u2"}


def test_no_file_confirms_nothing(tmp_path) -> None:
    assert load_confirmed_deletions(tmp_path, "hello", "prod") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "prune.yaml:1: must be a mapping that begins with `apiVersion: towpath.dev/v2`"),
        ("reason: x", "prune.yaml:1: must have `objects`"),
        ("objects: all", "`objects` must be a list"),
        ("objects: []\nforce: true", "must have `objects`"),
        ("objects:\n- {kind: Secret, name: a}", "prune.yaml:2: .*`uid`"),
        ('objects:\n- {kind: Secret, name: "*", uid: ""}', "prune.yaml:2: .*`uid`"),
        ("objects:\n- {kind: Secret, name: a, uid: u, all: true}", "prune.yaml:2: .*`uid`"),
    ],
)
def test_a_confirmation_names_objects_exactly(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_prune_file(text)
