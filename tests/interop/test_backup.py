"""docs/guides/backup.md on a real PostgreSQL: what was saved comes back, by the lines that stand there."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.chart import example, needs_helm, pods, rendered
from tests.interop.servers import running_server
from tests.interop.stores import POSTGRES, SECRET, Stores
from tests.ports import free_port
from tests.unit.guides.commands import DATABASE, ROOT, lines_to_run
from towpath.errors import TowpathError
from towpath.orchestration.api import PrefectApi
from towpath.orchestration.keys import lock_name
from towpath.orchestration.server_objects import make_object, missing_objects

pytestmark = [needs_helm, pytest.mark.timeout(1800)]

LOCK = {"names": [lock_name("prod")], "slots": 1, "mode": "concurrency", "lease_duration": 60}


def follow(guide: str, programs: tuple[str, ...], stores: Stores, folder: Path) -> list[str]:
    """Run the lines of a guide that begin with one of the programs; the lines."""
    environ = {
        "PATH": f"{POSTGRES[-1]}:{os.environ['PATH']}",
        "PGHOST": "127.0.0.1", "PGPORT": str(stores.database), "PGUSER": "prefect",
    }  # fmt: skip
    lines = [line for _, line in lines_to_run(ROOT / "docs/guides" / guide) if line.startswith(programs)]
    for line in lines:
        done = subprocess.run(
            line, shell=True, cwd=folder, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}: {done.stderr}"
    return lines


def names(api: PrefectApi, kind: str) -> set[str]:
    return {each["name"] for each in api.post(f"/{kind}/filter", {})}


def test_what_was_saved_comes_back_and_locks_are_free(stores: Stores, tmp_path: Path) -> None:
    pod, port = pods(rendered(example("gitops")))["towpath-server"], free_port()
    api = PrefectApi(f"http://127.0.0.1:{port}/api", login=SECRET)
    run: dict[str, Any] = {}
    with running_server(stores, "prefect", pod, port, tmp_path / "log"):
        for wanted in missing_objects(api, [None, "prod"]):
            make_object(api, wanted)
        flow = api.post("/flows/", {"name": "before"})
        run = api.post("/flow_runs/", {"flow_id": flow["id"], "name": "waits", "state": {"type": "PAUSED"}})
        held = api.request("POST", "/v2/concurrency_limits/increment-with-lease", LOCK)
        assert held.content["limits"]
        assert [line.split()[0] for line in follow("backup.md", ("pg_dump",), stores, tmp_path)] == [
            "pg_dump"
        ]
        api.post("/flows/", {"name": "after"})
        assert {"before", "after"} <= names(api, "flows")
    restore = ("dropdb", "createdb", "pg_restore", "psql")
    assert [line.split()[0] for line in follow("backup.md", restore, stores, tmp_path)] == list(restore)
    with running_server(stores, "prefect", pod, port, tmp_path / "log"):
        assert "before" in names(api, "flows")
        assert "after" not in names(api, "flows")
        assert api.get(f"/flow_runs/{run['id']}")["state"]["type"] == "PAUSED"
        assert {"towpath-build", "towpath-prod"} <= names(api, "work_pools")
        assert missing_objects(api, [None, "prod"]) == []
        assert api.request("POST", "/v2/concurrency_limits/increment-with-lease", LOCK).content["limits"]


def test_a_lock_that_is_held_in_a_dump_would_stay_held(stores: Stores, tmp_path: Path) -> None:
    """Why the guide frees them."""
    pod, port = pods(rendered(example("gitops")))["towpath-server"], free_port()
    api = PrefectApi(f"http://127.0.0.1:{port}/api", login=SECRET, retries=0)
    with running_server(stores, "prefect", pod, port, tmp_path / "log"):
        for wanted in missing_objects(api, ["prod"]):
            make_object(api, wanted)
        stores.sql("UPDATE concurrency_limit_v2 SET active_slots = 1")
        with pytest.raises(TowpathError):
            api.post("/v2/concurrency_limits/increment-with-lease", LOCK)
        stores.sql("UPDATE concurrency_limit_v2 SET active_slots = 0")
        assert api.post("/v2/concurrency_limits/increment-with-lease", LOCK)["limits"]
        assert follow("sizing.md", DATABASE, stores, tmp_path)
