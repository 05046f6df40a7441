"""What loosens needs an owner's signature, what tightens does not; and the strictest of both is in force."""

from datetime import UTC, datetime

import pytest

from towpath.config import parse_config
from towpath.config.protected import (
    Paused,
    Policy,
    Quarantined,
    parse_policy,
    policy_data,
    protected_part,
)
from towpath.gates.loosening import PolicyInForce, judge_policy, with_records

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
KEYS = {name: f"ssh-ed25519 AAAA{name}" for name in ("alice", "bob", "eve")}
CONFIG = f"""\
apiVersion: towpath.dev/v2
apps:
  hello: {{image: example.com/hello, source: {{repository: ../hello}}}}
  vendor: {{image: example.com/vendor}}
people:
  alice: {{names: [Alice L], addresses: [alice@example.com], groups: [leads], keys: [{KEYS["alice"]}]}}
  bob: {{addresses: [bob@example.com], groups: [leads]}}
environments:
  - {{name: dev, namespace: dev}}
  - {{name: staging, namespace: staging}}
  - name: prod
    namespace: prod
    gate:
      soak: 1h
      approvals: {{required: 2, from: [carol], groups: [leads], kind: signed, expires: 1d}}
scan:
  scanners: [secret, vuln]
  block: [CRITICAL, HIGH]
  ignore: [{{id: CVE-1, until: 2026-06-01, reason: not reachable}}]
"""
BAD = Quarantined(release="sha256:" + "a" * 64, at="2026-01-01T00:00:00Z", reason="never ready")
PAUSE = Paused(until="2026-01-01T14:00:00+00:00", reason="migration")
OF_HELLO = Paused(app="hello", until="2026-01-01T16:00:00+00:00")


def policy(
    text: str = CONFIG,
    *,
    quarantine: tuple[Quarantined, ...] = (BAD,),
    pauses: tuple[Paused, ...] = (PAUSE, OF_HELLO),
) -> Policy:
    return protected_part(parse_config(text), {"hello": quarantine}, {"prod": pauses})


SIGNED = policy()


def judged(*replaced: tuple[str, str], **records: tuple[object, ...]) -> PolicyInForce:
    text = CONFIG
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    return judge_policy(SIGNED, policy(text, **records), NOW)  # type: ignore[arg-type]


def told(enforced: PolicyInForce) -> list[str]:
    return list(map(str, enforced.loosened))


def test_the_signed_policy_itself_is_in_force() -> None:
    enforced = judged()
    assert enforced.loosened == ()
    assert enforced.policy.quarantine == SIGNED.quarantine
    assert enforced.policy.pauses == SIGNED.pauses
    assert enforced.policy.scan == SIGNED.scan


@pytest.mark.parametrize(
    "change",
    [
        ("soak: 1h", "soak: 2h"),
        ("required: 2", "required: 3"),
        ("from: [carol], ", ""),
        ("expires: 1d", "expires: 1h"),
        ("dev}", "dev, gate: {approvals: {required: 1, groups: [leads], kind: signed}}}"),
        ("[CRITICAL, HIGH]", "[CRITICAL, HIGH, MEDIUM]"),
        ("[secret, vuln]", "[secret, vuln, misconfig]"),
        ("until: 2026-06-01", "until: 2026-02-01"),
        ("ignore: [{id: CVE-1, until: 2026-06-01, reason: not reachable}]", "endOfLife: block"),
        ("bob: {addresses: [bob@example.com], groups: [leads]}", "bob: {addresses: [bob@example.com]}"),
        (f", keys: [{KEYS['alice']}]", ""),
        ("bob: {addresses: [bob@example.com]", "bob: {addresses: [bob@example.com, b@home.example]"),
        ("  bob:", "  dana: {addresses: [dana@example.com]}\n  bob:"),
        (
            "  vendor: {image: example.com/vendor}",
            "  vendor: {image: example.com/v, source: {repository: v}}",
        ),
        ("environments:", "# a comment\nenvironments:"),
    ],
)
def test_what_tightens_or_changes_nothing_is_free_and_in_force(change: tuple[str, str]) -> None:
    assert told(judged(change)) == []


PROD = "environments.prod.gate"
DEV = "  - {name: dev, namespace: dev}\n"
BOB = "  bob: {addresses: [bob@example.com], groups: [leads]}"
OTHER_APP = "  other: {image: example.com/x}\n  vendor:"
NO_SOURCE = "has no `source`, so nothing proves its releases"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("soak: 1h", "soak: 59m"), f"{PROD}.soak: 1:00:00 -> 0:59:00"),
        (("required: 2", "required: 1"), f"{PROD}.approvals.required: 2 -> 1"),
        (("kind: signed", "kind: declared"), f"{PROD}.approvals.kind: signed -> declared"),
        (("expires: 1d", "expires: 7d"), f"{PROD}.approvals.expires: 1 day, 0:00:00 -> 7 days, 0:00:00"),
        (("from: [carol]", "from: [carol, eve]"), f"{PROD}.approvals: eve may approve"),
        (("  bob:", "  eve: {groups: [leads]}\n  bob:"), f"{PROD}.approvals: eve may approve"),
        (("soak: 1h", "verifiedIn: dev\n      soak: 1h"), f"{PROD}.verifiedIn: staging -> dev"),
        (("  - {name: staging, namespace: staging}\n", ""), f"{PROD}.verifiedIn: staging -> dev"),
        (
            (DEV, ""),
            "environments.staging.gate.verifiedIn: dev -> nowhere",
        ),
        (
            (
                "  - {name: dev, namespace: dev}\n",
                "  - {name: new, namespace: n}\n  - {name: dev, namespace: d}\n",
            ),
            "environments.new: is not in the signed policy",
        ),
        (("[CRITICAL, HIGH]", "[CRITICAL]"), "scan.block: HIGH removed"),
        (("[secret, vuln]", "[secret]"), "scan.scanners: vuln removed"),
        (("[secret, vuln]", "[]"), "scan.scanners: secret, vuln removed"),
        (
            ("until: 2026-06-01", "until: 2026-06-02"),
            "scan.ignore: CVE-1 until 2026-06-02, signed until",
        ),
        (
            ("ignore: [", "ignore: [{id: CVE-2, until: 2026-02-01, reason: x}, "),
            "scan.ignore: CVE-2 until 2026-02-01",
        ),
        (("  block:", "  endOfLife: allow\n  block:"), "scan.endOfLife: block -> allow"),
        (("bob: {", f"bob: {{keys: [{KEYS['eve']}], "), "people.bob.keys: 1 added"),
        ((KEYS["alice"], KEYS["eve"]), "people.alice.keys: 1 added"),
        (("addresses: [alice@example.com], ", ""), "people.alice: alice@example.com removed"),
        (("names: [Alice L], ", ""), "people.alice: Alice L removed"),
        (
            (
                "  bob: {addresses: [bob@example.com], groups: [leads]}",
                "  carol: {addresses: [bob@example.com]}",
            ),
            "",
        ),
        (
            (", source: {repository: ../hello}", ""),
            f"apps.hello: {NO_SOURCE}",
        ),
        (
            ("  vendor:", OTHER_APP),
            "apps.other: has no `source`, so nothing",
        ),
    ],
)
def test_what_loosens_is_told_and_not_in_force(change: tuple[str, str], said: str) -> None:
    enforced = judged(change)
    if said:
        assert any(each.startswith(said) for each in told(enforced)), told(enforced)
    again = judge_policy(SIGNED, enforced.policy, NOW)
    kept = [each for each in again.loosened if not each.app and "not in the signed" not in each.what]
    assert kept == [], "what is in force is itself no looser than what was signed"


def test_the_strictest_of_both_is_in_force_field_by_field() -> None:
    enforced = judged(("soak: 1h", "soak: 3h"), ("required: 2", "required: 1"), ("[carol]", "[eve]"))
    gate = enforced.policy.environments["prod"]
    assert gate.soak.total_seconds() == 3 * 3600
    assert gate.approvals.required == 2
    assert gate.approvals.approvers == ("alice", "bob")  # Eve is not signed, and Carol was taken away


def test_a_spelling_moved_to_another_person_stays_where_it_was_signed() -> None:
    enforced = judged(
        ("addresses: [alice@example.com], ", ""),
        ("  bob:", "  zoe: {addresses: [alice@example.com]}\n  bob:"),
    )
    assert "people.alice: alice@example.com removed" in told(enforced)
    assert "alice@example.com" in enforced.policy.people["alice"].spellings
    assert enforced.policy.people["zoe"].spellings == ()


def test_who_is_removed_and_may_still_approve_stays_known() -> None:
    line = next(each for each in CONFIG.splitlines(keepends=True) if "  alice:" in each)
    enforced = judged((line, ""), ("from: [carol]", "from: [carol, alice]"))
    assert "people.alice: removed, and may still approve" in told(enforced)
    assert "alice@example.com" in enforced.policy.people["alice"].spellings
    gone = judged((line, ""))
    assert told(gone) == []
    assert "alice" not in gone.policy.environments["prod"].approvals.approvers


def test_a_person_with_the_name_of_a_listed_approver_brings_no_key_of_his_own() -> None:
    enforced = judged(("  bob:", f"  carol: {{keys: [{KEYS['eve']}]}}\n  bob:"))
    assert told(enforced) == ["people.carol.keys: 1 added"]
    assert enforced.policy.people["carol"].public_keys == ()


def test_a_release_leaves_quarantine_only_signed() -> None:
    enforced = judged(quarantine=())
    assert told(enforced) == ["apps/hello/quarantine.yaml: sha256:aaaaaaaaaaaa released"]
    assert enforced.policy.quarantine == {"hello": (BAD,)}
    more = Quarantined(release="sha256:" + "b" * 64, at="2026-01-01T01:00:00Z")
    assert told(judged(quarantine=(more, BAD))) == []


@pytest.mark.parametrize(
    ("pauses", "said"),
    [
        ((OF_HELLO,), ["pauses/prod.yaml: pause until 2026-01-01T14:00:00+00:00 ended"]),
        ((PAUSE,), ["pauses/prod.yaml: pause of hello until 2026-01-01T16:00:00+00:00 ended"]),
        (
            (Paused(until="2026-01-01T13:00:00+00:00"), OF_HELLO),
            ["pauses/prod.yaml: pause until 2026-01-01T14:00:00+00:00 ended"],
        ),
        ((Paused(until="2026-01-01T15:00:00+01:00"), OF_HELLO), []),  # the same moment
        ((Paused(until="2026-01-02T00:00:00+00:00"), OF_HELLO), []),
    ],
)
def test_a_pause_ends_before_its_time_only_signed(pauses: tuple[Paused, ...], said: list[str]) -> None:
    enforced = judged(pauses=pauses)
    assert told(enforced) == said
    ends = {each.until for each in enforced.policy.pauses["prod"]}
    assert not said or said[0].split(" until ")[1].removesuffix(" ended") in ends


def test_a_pause_that_is_over_needs_no_signature() -> None:
    late = datetime(2026, 1, 1, 17, 0, tzinfo=UTC)
    assert judge_policy(SIGNED, policy(pauses=()), late).loosened == ()


def test_records_that_came_later_belong_to_what_was_signed() -> None:
    later = Quarantined(release="sha256:" + "c" * 64, at="2026-01-01T11:00:00Z")
    signed = with_records(SIGNED, {"hello": (later,), "shop": (later,)}, {"dev": (PAUSE,)})
    enforced = judge_policy(signed, policy(), NOW)
    assert [(each.app, each.environment) for each in enforced.loosened] == [
        ("hello", ""),
        ("shop", ""),
        ("", "dev"),
    ]
    assert enforced.policy.quarantine["hello"] == (BAD, later)


def test_an_environment_or_an_app_without_source_that_nobody_signed_is_known_as_such() -> None:
    enforced = judged(
        ("environments:\n", "environments:\n  - {name: lab, namespace: lab}\n"),
        ("  vendor:", OTHER_APP),
    )
    assert enforced.unknown == {"lab"}
    assert enforced.unsigned == {"other"}


def test_there_and_back_as_data() -> None:
    data = policy_data(SIGNED)
    assert parse_policy(data) == SIGNED
    assert data["environments"]["prod"]["soak"] == "3600s"
    for broken, said in [
        ({**data, "extra": 1}, "unknown key `extra`"),
        ({**data, "pauses": {"prod": [{"until": "soon"}]}}, "pauses.prod"),
        ({**data, "pauses": {"prod": [{"until": "2026-01-01T00:00:00"}]}}, "with its zone"),
        ({**data, "environments": []}, "must be a mapping"),
        ({**data, "environments": {"prod": {"soak": "long"}}}, "must be a duration"),
    ]:
        with pytest.raises(ValueError, match=said):
            parse_policy(broken)


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ("[dev, prod]", "apps.hello.environments: staging removed, and asked before"),
        ("[prod]", "apps.hello.environments: dev, staging removed, and asked before"),
        ("[dev, staging]", ""),
        ("[dev, staging, prod]", ""),
    ],
)
def test_an_app_passes_environments_by_only_signed(places: str, said: str) -> None:
    there = CONFIG.replace("{repository: ../hello}}", f"{{repository: ../hello}}, environments: {places}}}")
    enforced = judge_policy(policy(), policy(there), NOW)
    assert [str(each) for each in enforced.loosened] == ([said] if said else [])
    assert enforced.unsigned == ({"hello"} if said else set())
    assert judge_policy(policy(there), policy(there), NOW).loosened == ()
