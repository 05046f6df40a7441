"""What `towpath install` makes at a real Prefect server: once, and nothing the second time."""

import pytest
from prefect.settings import get_current_settings

from towpath.errors import TransientError
from towpath.install.parts import Parts
from towpath.install.reach import Reach
from towpath.install.secrets import Found
from towpath.install.server import Server, plan_server, plan_unknown, prepare_server
from towpath.orchestration.api import PrefectApi

ENVIRONMENTS = (None, "far")
"""Of no other test."""


@pytest.fixture
def server(prefect_server: None) -> Server:
    return Server(PrefectApi(str(get_current_settings().api.url)), ENVIRONMENTS)


def test_pools_locks_automation_and_deployments_are_made_once(server: Server) -> None:
    first = {f"{each.ref.kind} {each.ref.name}": each.action for each in plan_server(server)}
    assert first["WorkPool towpath-far"] == first["ConcurrencyLimit environment-far"] == "create"
    assert first["Deployment promote/promote-far"] == "create"
    assert first.keys() == {f"{each.ref.kind} {each.ref.name}" for each in plan_unknown(ENVIRONMENTS)}
    prepare_server(server)
    assert {each.action for each in plan_server(server)} == {"unchanged"}
    pool = server.api.get("/work_pools/towpath-far")
    assert pool["type"] == "towpath"
    reconcile = server.api.get("/deployments/name/reconcile/reconcile-far")
    assert reconcile["work_pool_name"] == "towpath-far"
    assert len(reconcile["schedules"]) == 2

    server.api.request("PATCH", f"/deployments/{reconcile['id']}", {"parameters": {"environment": "other"}})
    changed = [each for each in plan_server(server) if each.action != "unchanged"]
    assert [(each.ref.name, each.action, each.reason) for each in changed] == [
        ("reconcile/reconcile-far", "configure", "parameters")
    ]
    prepare_server(server)
    assert {each.action for each in plan_server(server)} == {"unchanged"}


def test_the_server_is_reached_with_the_credential_of_its_secret(prefect_server: None) -> None:
    url = str(get_current_settings().api.url)
    with Reach(url).api(Parts(), Found({})) as api:
        assert isinstance(api.get("/admin/version"), str)


def test_a_server_that_does_not_answer_says_so() -> None:
    reach = Reach("http://127.0.0.1:9/api")
    with pytest.raises(TransientError, match="stopped answering"), reach.api(Parts(), Found({})):
        pass
