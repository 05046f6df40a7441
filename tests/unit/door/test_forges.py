"""Webhooks of the three forges over a real socket: their signatures, and which pushes start a run."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest

from tests.unit.door.issuer import COMMIT
from tests.unit.door.opened import HOOK_SECRET, SECRET, Answer, Opened

ZERO = "0" * 40
TAG_OBJECT = "e" * 40


def sha256(secret: str, content: bytes) -> str:
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def github(body: bytes, secret: str = HOOK_SECRET, event: str = "push") -> dict[str, str]:
    return {"X-GitHub-Event": event, "X-Hub-Signature-256": f"sha256={sha256(secret, body)}"}


def gitea(body: bytes, secret: str = HOOK_SECRET, event: str = "push") -> dict[str, str]:
    return {"X-Gitea-Event": event, "X-Gitea-Signature": sha256(secret, body)}


def gitlab(_body: bytes, secret: str = HOOK_SECRET, event: str = "Push Hook") -> dict[str, str]:
    return {"X-Gitlab-Event": event, "X-Gitlab-Token": secret}


def gitlab_signed(
    body: bytes, secret: str = HOOK_SECRET, event: str = "Push Hook", at: float | None = None
) -> dict[str, str]:
    timestamp = str(int(time.time() if at is None else at))
    content = f"id-1.{timestamp}.".encode() + body
    made = base64.b64encode(hmac.digest(secret.encode(), content, hashlib.sha256)).decode()
    return {
        "X-Gitlab-Event": event,
        "webhook-id": "id-1",
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{made}",
    }


SIGNED = {"github": github, "gitea": gitea, "gitlab": gitlab}
NAMES = {"github": "acme/shop", "gitea": "acme/two", "gitlab": "acme/web/site"}


def push(forge: str, **changed: Any) -> dict[str, Any]:
    """A push of one commit to main, as the forge writes it; only what the door reads, and a little more."""
    content: dict[str, Any] = {
        "ref": "refs/heads/main",
        "before": "a" * 40,
        "after": COMMIT,
        "commits": [{"id": COMMIT, "message": "é"}],
    }
    if forge == "gitlab":
        content |= {
            "object_kind": "push",
            "checkout_sha": COMMIT,
            "project": {"path_with_namespace": NAMES[forge]},
        }
    else:
        content |= {
            "deleted": False,
            "head_commit": {"id": COMMIT},
            "repository": {"full_name": NAMES[forge], "name": "shop"},
        }
    return content | changed


def send(
    door: Opened, forge: str, content: Any, headers: dict[str, str] | None = None, **options: Any
) -> Answer:
    body = json.dumps(content).encode()
    given = SIGNED[forge](body, **options) if headers is None else headers
    return door.ask("POST", f"/hooks/{forge}", body, {"Content-Type": "application/json", **given})


@pytest.mark.parametrize("forge", SIGNED)
def test_a_push_starts_one_run_for_each_app(door: Opened, forge: str) -> None:
    first = send(door, forge, push(forge))
    assert first.status == 202, first.text
    again = send(door, forge, push(forge))
    assert (again.status, len(door.prefect.runs)) == (200, 2 if forge == "gitea" else 1)
    assert all(run["parameters"]["revision"] == COMMIT for run in door.prefect.runs.values())


@pytest.mark.parametrize("forge", SIGNED)
def test_a_signature_of_another_secret_starts_nothing(door: Opened, forge: str) -> None:
    for secret in (SECRET, "", HOOK_SECRET[:-1], HOOK_SECRET + " x"):
        assert send(door, forge, push(forge), secret=secret).status == 401
    assert send(door, forge, push(forge), headers={}).status == 401
    assert door.prefect.runs == {}


@pytest.mark.parametrize("forge", ["github", "gitea"])
def test_a_signature_is_of_its_body(door: Opened, forge: str) -> None:
    stolen = SIGNED[forge](json.dumps(push(forge)).encode())
    assert send(door, forge, push(forge, after="b" * 40), headers=stolen).status == 401
    upper = {name: value.upper() if "Signature" in name else value for name, value in stolen.items()}
    assert send(door, forge, push(forge), headers=upper).status == 401
    assert door.prefect.runs == {}


def test_a_forge_speaks_for_its_own_repositories(door: Opened) -> None:
    for forge, name in (("github", "acme/two"), ("gitea", "acme/shop"), ("gitea", "acme/none")):
        content = push(forge, repository={"full_name": name})
        assert send(door, forge, content).status == 401
    assert send(door, "gitlab", push("gitlab", project={"path_with_namespace": "acme/shop"})).status == 401
    assert door.prefect.runs == {}


def test_gitlab_s_signing_token(door: Opened) -> None:
    body = json.dumps(push("gitlab")).encode()
    assert send(door, "gitlab", push("gitlab"), gitlab_signed(body)).status == 202
    for wrong in (
        gitlab_signed(body, SECRET),
        gitlab_signed(body + b" "),
        gitlab_signed(body, at=time.time() - 400),
        {**gitlab_signed(body), "webhook-id": "id-2"},
        {**gitlab_signed(body), "webhook-timestamp": "x"},
        {**gitlab_signed(body), "webhook-signature": "v1,"},
        {**gitlab_signed(body, SECRET), "X-Gitlab-Token": HOOK_SECRET},
    ):
        assert send(door, "gitlab", push("gitlab", checkout_sha="b" * 40), wrong).status == 401
    assert len(door.prefect.runs) == 1
    several = gitlab_signed(body)
    several["webhook-signature"] = f"v2,x v1,AAAA {several['webhook-signature']}"
    assert send(door, "gitlab", push("gitlab"), several).status == 200


@pytest.mark.parametrize(
    ("forge", "changed"),
    [
        ("github", {"ref": "refs/heads/feature"}),
        ("github", {"ref": "refs/tags/x1"}),
        ("github", {"ref": "refs/heads/main", "deleted": True, "after": ZERO, "head_commit": None}),
        ("gitea", {"ref": "refs/heads/feature"}),
        ("gitea", {"after": ZERO}),
        ("gitea", {"ref": "refs/pull/1/head"}),
        ("gitlab", {"ref": "refs/heads/feature"}),
        ("gitlab", {"checkout_sha": None, "after": ZERO}),
        ("gitlab", {"object_kind": "merge_request"}),
    ],
)
def test_pushes_that_start_nothing_are_answered_well(
    door: Opened, forge: str, changed: dict[str, Any]
) -> None:
    answer = send(door, forge, push(forge, **changed))
    assert (answer.status, set(answer.json)) == (200, {"ignored"})
    assert door.prefect.runs == {}


@pytest.mark.parametrize(
    ("forge", "event"),
    [
        ("github", "ping"),
        ("github", "pull_request"),
        ("github", "create"),
        ("github", ""),
        ("gitea", "create"),
        ("gitea", "pull_request_sync"),
        ("gitlab", "Merge Request Hook"),
        ("gitlab", "System Hook"),
        ("gitlab", ""),
    ],
)
def test_other_events_start_nothing(door: Opened, forge: str, event: str) -> None:
    answer = send(door, forge, push(forge), event=event)
    assert (answer.status, answer.json, door.prefect.runs) == (200, {"ignored": "no push"}, {})


def test_an_annotated_tag_is_delivered_at_its_commit(door: Opened) -> None:
    assert send(door, "github", push("github", ref="refs/tags/v1", after=TAG_OBJECT)).status == 202
    content = push("gitlab", ref="refs/tags/v1", object_kind="tag_push", after=TAG_OBJECT)
    assert send(door, "gitlab", content, event="Tag Push Hook").json == {
        "ignored": "acme/web/site may not have refs/tags/v1 delivered"
    }
    (run,) = door.prefect.runs.values()
    assert run["parameters"]["revision"] == COMMIT


def test_a_hook_repeats_no_delivery_that_failed(door: Opened) -> None:
    (run,) = send(door, "github", push("github")).json["deliveries"]
    door.prefect.set_state(run["id"], "FAILED")
    assert send(door, "github", push("github")).status == 200
    assert len(door.prefect.runs) == 1


@pytest.mark.parametrize(
    ("forge", "changed"),
    [
        ("github", {"repository": None}),
        ("github", {"repository": {"full_name": 1}}),
        ("github", {"repository": "acme/shop"}),
        ("github", {"ref": None}),
        ("github", {"after": "main"}),
        ("github", {"after": None}),
        ("gitea", {"after": 12}),
        ("gitlab", {"project": []}),
        ("gitlab", {"checkout_sha": "x"}),
    ],
)
def test_content_that_no_forge_sends(door: Opened, forge: str, changed: dict[str, Any]) -> None:
    assert send(door, forge, push(forge, **changed)).status == 400
    assert door.prefect.runs == {}
