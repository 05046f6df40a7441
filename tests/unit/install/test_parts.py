"""What is read of the chart's parts: from every example of values."""

import pytest

from tests.chart import EXAMPLES, example, needs_helm, rendered
from towpath.install.parts import Entry, Parts, read_parts
from towpath.objects import ObjectRef

pytestmark = needs_helm

HOME = "towpath-system"


def parts(name: str) -> Parts:
    return read_parts(rendered(example(name)))


def entry(kind: str, name: str, key: str = "") -> Entry:
    return Entry(ObjectRef("", kind, HOME, name), key)


@pytest.mark.parametrize("values", EXAMPLES, ids=lambda path: path.stem)
def test_each_agent_of_an_example_has_its_key_and_those_that_it_trusts(values) -> None:
    found = read_parts(rendered(values))
    assert found.agents
    for agent in found.agents:
        assert agent.signing == entry("Secret", f"towpath-agent-{agent.name}-keys", agent.name)
        assert agent.trusted == entry("ConfigMap", "towpath-trusted-keys", "allowed_signers")
        assert {agent.signing, agent.trusted} <= found.needed.keys()


def test_environments_and_their_namespaces() -> None:
    found = parts("all-in-one")
    assert (found.environments, found.builds) == (("dev", "prod", "staging"), True)
    assert found.places == {"dev": ("dev",), "shop-prod": ("prod",), "shop-staging": ("staging",)}
    assert parts("gitops").places == {}, "rights are given beside it"
    assert (parts("agent-alone").environments, parts("agent-alone").builds) == (("prod-eu",), False)


def test_agents_share_a_lease_in_their_own_cluster_and_have_no_other_place_by_its_rights() -> None:
    assert [agent.name for agent in parts("all-in-one").agents if agent.shares] == ["dev", "prod", "staging"]
    assert [agent.name for agent in parts("gitops").agents if agent.shares] == ["tools"]


def test_the_address_of_the_api_as_people_reach_it() -> None:
    assert parts("all-in-one").api == "https://prefect.example.com/api"
    assert parts("agent-alone").api == "https://prefect.example.com/api"
    assert parts("trial").api == "", "only pods reach http://towpath-server.towpath-system.svc:4200/api"


def test_what_pods_do_not_start_without() -> None:
    needed = parts("all-in-one").needed
    assert entry("Secret", "towpath-prefect", "auth-string") in needed
    assert entry("Secret", "towpath-database", "password") in needed
    assert entry("ConfigMap", "database-ca", "ca.crt") in needed
    assert needed[entry("Secret", "towpath-pull", ".dockerconfigjson")] == "towpath-agent-prod"
    assert not [each for each in needed if each.ref.name.startswith("towpath-agent-") and not each.key], (
        "what the chart makes itself"
    )


def test_passwords_of_the_small_database_and_redis() -> None:
    found = parts("trial")
    assert found.trial_database == entry("Secret", "towpath-database", "password")
    assert found.trial_redis
    assert found.trial_redis.url == entry("Secret", "towpath-redis", "url")
    assert found.trial_redis.password == entry("Secret", "towpath-redis", "password")
    assert found.trial_redis.host == "towpath-redis"
    assert (parts("all-in-one").trial_database, parts("all-in-one").trial_redis) == (None, None)


def test_people_sign_in_beside_the_server_whose_address_is_not_theirs() -> None:
    found = parts("sso")
    assert found.cookie == entry("Secret", "towpath-sso-cookie", "cookie-secret")
    assert found.needed[entry("Secret", "towpath-sso-client", "client-secret")] == "towpath-sso"
    assert found.api == "", "programs do not sign in"
    assert parts("all-in-one").cookie is None
