"""The key of recorded digests, and digests of Secrets with and without it."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from towpath.applyset.apply_object import ApplyObject, prepare_objects, with_recorded_digests
from towpath.applyset.digest_key import KEY_NAME, key_of, key_ref, new_key_secret, sealed
from towpath.applyset.inventory import OwnedObject, Owner
from towpath.drift.extras import is_extra
from towpath.drift.work_queue import judge_object
from towpath.engine.source.render import Rendered, digest_of
from towpath.fields.canonical import digest
from towpath.objects import Manifest, ObjectRef, ref_of

OWNER = Owner("hello", "dev", "dev")
KEY, OTHER = b"k" * 32, b"o" * 32


def secret(**fields: Any) -> Manifest:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "dev"}, **fields}


def container(**fields: Any) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "dev"},
        "spec": {"containers": [{"name": "c", **fields}]},
    }


def configmap(**data: str) -> Manifest:
    metadata = {"name": "c", "namespace": "dev"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def prepared(manifest: Manifest, key: bytes | None = None) -> ApplyObject:
    (made,) = prepare_objects([manifest], OWNER, key=key)
    return made


def rendered(*objects: Manifest) -> Rendered:
    return Rendered("hello", "dev", "dev", objects, digest_of(objects))


SECRETS = [
    secret(stringData={"colour": "guess-me"}),
    secret(data={"colour": base64.b64encode(b"guess-me").decode()}),
    secret(stringData={"short": "1"}),
    secret(data={"a": "MQ=="}, stringData={"a": "guess-me"}),
    secret(immutable=True, type="kubernetes.io/basic-auth", stringData={"password": "guess-me"}),
]


@pytest.mark.parametrize("manifest", SECRETS)
def test_a_secrets_recorded_digest_is_none_that_can_be_computed_without_the_key(manifest: Manifest) -> None:
    made = prepared(manifest, KEY)
    computed = {digest(each) for each in (manifest, made.manifest, made.initial, made.manifest.get("data"))}
    assert made.plain_digest in computed
    assert made.applied_digest not in computed
    assert made.applied_digest != prepared(manifest, OTHER).applied_digest
    assert made.applied_digest == prepared(json.loads(json.dumps(manifest)), KEY).applied_digest
    assert len(made.applied_digest) == len(made.plain_digest) == 32


@pytest.mark.parametrize("manifest", SECRETS)
def test_without_a_key_nobody_knows_whether_git_has_changed_a_secret(manifest: Manifest) -> None:
    made = prepared(manifest)
    assert made.applied_digest == ""
    assert not made.is_recorded("")
    assert not made.is_recorded(prepared(manifest, KEY).applied_digest)
    assert made.is_recorded(made.plain_digest), "by a former version"


@pytest.mark.parametrize("data", [{}, {"data": {}}, {"stringData": {"a": ""}}, {"data": None}])
def test_a_secret_without_values_needs_no_key(data: dict[str, Any]) -> None:
    made = prepared(secret(**data))
    assert made.applied_digest == made.plain_digest
    assert not rendered(secret(**data)).holds_values
    assert prepared(secret(**data), KEY).is_recorded(made.applied_digest)


def test_other_kinds_have_the_same_digest_with_and_without_a_key() -> None:
    made = prepared(configmap(a="1"), KEY)
    assert made.applied_digest == prepared(configmap(a="1")).applied_digest
    assert not made.plain_digest


@pytest.mark.parametrize("manifest", SECRETS)
def test_what_a_former_version_recorded_counts_until_it_is_replaced(manifest: Manifest) -> None:
    made = prepared(manifest, KEY)
    assert made.is_recorded(made.plain_digest)
    assert made.is_recorded(made.applied_digest)
    assert not made.is_recorded("")
    assert not made.is_recorded(sealed(OTHER, made.plain_digest))
    ref = made.ref
    old = {ref: OwnedObject(ref, "uid", "print", made.plain_digest)}
    assert with_recorded_digests(old, {ref: made})[ref].applied_digest == made.applied_digest
    assert with_recorded_digests(old, {}) == old
    changed = {ref: replace(old[ref], applied_digest="0" * 32)}
    assert with_recorded_digests(changed, {ref: made}) == changed
    gone = with_recorded_digests(old, {ObjectRef("", "ConfigMap", "dev", "x"): prepared(configmap())})
    assert gone[ref].applied_digest == ""


def test_a_watch_takes_a_former_digest_for_the_same() -> None:
    made = prepared(SECRETS[0], KEY)
    owned = OwnedObject(made.ref, "u", "f", made.plain_digest)

    def unapplied(plain: str) -> bool:
        wanted = replace(made.wanted, plain_digest=plain)
        finding = judge_object(OWNER, made.ref, wanted, owned, None)
        return finding is not None and not finding.drifted

    assert unapplied("")
    assert not unapplied(made.plain_digest)
    assert unapplied("another")


HOLDING = [
    *SECRETS[:2],
    container(env=[{"name": "DB_PASS", "value": "guess-me"}]),
    container(args=["--token=guess-me"]),
    container(command=["sh", "-c", "curl -u me:guess-me https://x"]),
    configmap(url="postgresql://u:guess-me@db/x"),
    configmap(API_TOKEN="guess-me"),
]


@pytest.mark.parametrize("manifest", HOLDING)
def test_the_digest_of_a_rendering_with_secret_values_is_recorded_with_the_key(manifest: Manifest) -> None:
    made = rendered(manifest, configmap(a="1"))
    assert made.holds_values
    assert made.names_secrets
    recorded = {made.recorded_digest(key) for key in (None, KEY, OTHER)}
    assert len(recorded) == 3
    assert made.digest not in recorded
    assert all(each.startswith("sha256:") and len(each) == len(made.digest) for each in recorded)
    assert made.is_recorded(made.digest, KEY)
    assert made.is_recorded(made.recorded_digest(KEY), KEY)
    assert not made.is_recorded(made.recorded_digest(OTHER), KEY)
    text = json.dumps(manifest).replace("guess-me", "another").replace("Z3Vlc3MtbWU=", "YW5vdGhlcg==")
    other = rendered(json.loads(text), configmap(a="1"))
    assert other.recorded_digest(KEY) != made.recorded_digest(KEY)
    assert other.recorded_digest(None) == made.recorded_digest(None), "the values are left out"
    assert rendered(manifest).recorded_digest(None) != made.recorded_digest(None)


@pytest.mark.parametrize("value", ["1", "x", "on", "no", "é"])
def test_the_shortest_value_of_a_secret_needs_the_key_too(value: str) -> None:
    """Without it a change to another value would not be seen."""
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"A": value}}
    made, other = rendered(manifest), rendered({**manifest, "stringData": {"A": f"{value}2"}})
    assert made.holds_values
    assert made.recorded_digest(KEY) != other.recorded_digest(KEY)


def test_a_rendering_without_secret_values_has_its_plain_digest() -> None:
    made = rendered(configmap(a="1"), container(image="x"))
    assert not made.holds_values
    assert made.recorded_digest(KEY) == made.recorded_digest(None) == made.digest


@pytest.mark.parametrize(
    "broken",
    [
        *(None, {}, {"data": None}, {"data": {}}, {"data": {"other": "a"}}),
        *({"data": {"key": ""}}, {"data": {"key": "!"}}, {"data": {"key": 5}}, {"data": {"key": "c2hvcnQ="}}),
    ],
)
def test_a_secret_without_a_whole_key_has_none(broken: Manifest | None) -> None:
    assert key_of(broken) is None


def test_each_namespace_has_a_key_of_its_own_that_no_app_owns() -> None:
    one, other = new_key_secret("a"), new_key_secret("a")
    assert key_of(one) != key_of(other)
    assert len(key_of(one) or b"") == 32
    assert ref_of(one) == key_ref("a") == ObjectRef("", "Secret", "a", KEY_NAME)
    assert not any("applyset" in label for label in one["metadata"]["labels"])
    assert not is_extra(one)
