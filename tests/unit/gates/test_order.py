"""The order of a graph is a condition of the gate, and a looser one is told and not in force."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from towpath.config import parse_config
from towpath.config.protected import Policy, parse_policy, policy_data, protected_part
from towpath.engine.policy.protection import in_force
from towpath.gates.evaluate import Facts, GateVerdict, evaluate_gate, verified_before
from towpath.gates.loosening import judge_policy
from towpath.release.model import EnvironmentRelease, Release, ScanSummary, one_image

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
TEXT = """\
apiVersion: towpath.dev/v2
apps: {hello: {image: r.example.com/hello, source: {repository: ../hello.git}}}
environments:
  - {name: dev, namespace: dev}
  - {name: eu, namespace: eu, after: [dev]}
  - {name: us, namespace: us, after: [dev]}
  - {name: last, namespace: last, after: AFTER, gate: {soak: 1h}}
scan: {scanners: []}
"""
RELEASE = Release(
    app="hello", images=one_image("hello", "r.example.com/hello", f"sha256:{1:064x}"), commit="1" * 40,
    source="", subject="", author="", built_at="2026-01-01T00:00:00Z", flow_run="",
    scan=ScanSummary("passed", ()),
)  # fmt: skip


def there(minutes: int | None) -> EnvironmentRelease:
    at = None if minutes is None else (NOW - timedelta(minutes=minutes)).isoformat()
    return EnvironmentRelease(RELEASE, "2026-02-01T00:00:00Z", "x", verified_at=at)


def judged(after: str, **states: EnvironmentRelease) -> GateVerdict:
    facts = Facts(parse_config(TEXT.replace("AFTER", after)), "last", RELEASE, NOW, states=states)
    return evaluate_gate("promotion", facts)


def reasons(after: str, **states: EnvironmentRelease) -> tuple[str, ...]:
    return judged(after, **states).reasons


def test_the_environments_before_that_have_verified_it_are_named() -> None:
    states = {"eu": there(90), "us": there(None), "dev": there(5)}
    facts = Facts(parse_config(TEXT.replace("AFTER", "[eu, us]")), "last", RELEASE, NOW, states=states)
    assert verified_before(facts) == {"eu": there(90).verified_at}


def test_it_soaks_until_the_last_of_all_and_the_first_of_any_lets_it_go() -> None:
    assert judged("[eu, us]", eu=there(10), us=there(30)).soaks == 50 * 60
    assert judged("{any: [eu, us]}", eu=there(10), us=there(30)).soaks == 30 * 60
    assert judged("[eu, us]", eu=there(10)).soaks == 0, "us comes first"


def test_all_of_several_must_have_it_verified_and_soaked() -> None:
    assert reasons("[eu, us]", eu=there(90), us=there(61)) == ()
    [first, second] = reasons("[eu, us]", eu=there(None))
    assert first.endswith("must be verified in eu first; it is there, but not verified yet")
    assert second.endswith("must be verified in us first, and nothing is released there")
    assert reasons("[eu, us]", eu=there(90), us=there(30)) == (
        "hello 1111111 must soak in us for 1:00:00; 30 min to go",
    )


def test_any_of_several_is_enough_and_the_one_that_soaked_counts() -> None:
    assert reasons("{any: [eu, us]}", eu=there(90)) == ()
    assert reasons("{any: [eu, us]}", eu=there(90), us=there(5)) == ()
    assert reasons("{any: [eu, us]}", eu=there(10)) == (
        "hello 1111111 must soak in eu for 1:00:00; 50 min to go",
    )
    other = replace(there(90), release=replace(RELEASE, commit="2" * 40, images=()))
    [told] = reasons("{any: [eu, us]}", us=other)
    assert told.endswith("must be verified in eu or us first: nothing is released in eu; us runs 2222222")


def policy(after: str) -> Policy:
    return protected_part(parse_config(TEXT.replace("AFTER", after)), {}, {})


def test_a_looser_order_is_told_and_the_signed_one_stays_in_force() -> None:
    signed = policy("[eu, us]")
    assert parse_policy(policy_data(signed)) == signed
    judged = judge_policy(signed, policy("{any: [eu, us]}"), NOW)
    [loosened] = judged.loosened
    assert loosened.where == "environments.last.gate.after"
    assert set(judged.policy.environments["last"].needs) >= {("eu",), ("us",)}
    assert judge_policy(policy("{any: [eu, us]}"), signed, NOW).loosened == ()
    assert judge_policy(policy("[eu]"), signed, NOW).loosened == ()
    assert judge_policy(signed, policy("[eu]"), NOW).policy.environments["last"].needs == (("eu",), ("us",))


def test_a_list_that_becomes_a_graph_is_told_and_the_list_stays_in_force() -> None:
    listed = protected_part(parse_config(re.sub(r", after: (\[dev\]|AFTER)", "", TEXT)), {}, {})
    assert listed.environments["last"].needs == (("us",),)
    judged = judge_policy(listed, policy("[us]"), NOW)
    assert [(each.where, each.what) for each in judged.loosened if "last" in each.where] == [
        ("environments.last.gate.after", "us -> us, also until a newer release came")
    ]
    assert judged.policy.environments["last"] == listed.environments["last"]
    both = judge_policy(listed, policy("[eu, us]"), NOW).policy.environments["last"]
    assert (both.verified_in, both.in_one_of) == ("us", (("eu",),))
    assert not [each for each in judge_policy(policy("[us]"), listed, NOW).loosened if "last" in each.where]


def test_what_the_signed_list_asks_is_in_force_though_the_files_have_a_graph() -> None:
    listed = protected_part(parse_config(re.sub(r", after: (\[dev\]|AFTER)", "", TEXT)), {}, {})
    files = parse_config(TEXT.replace("AFTER", "[us]"))
    found = in_force(files, judge_policy(listed, policy("[us]"), NOW).policy)
    assert found.environment("last").after is None, "no release counts there that a newer one replaced"
    assert found.needs("last") == (("us",),)
    graph = in_force(files, judge_policy(policy("[eu, us]"), policy("[us]"), NOW).policy)
    assert graph.needs("last") == (("us",), ("eu",))
    assert [each.name for each in graph.followers("eu")] == ["last"]
