"""Our images, built by a real Docker Engine and run as the chart runs them: no root, nothing to write on."""

import uuid
from collections.abc import Iterator

import pytest

from tests.images.engine import ROOT, Engine, running_engine
from towpath.adapters.images import docker

pytestmark = pytest.mark.timeout(3000)

DOCKERFILE = "deployments/image/Dockerfile"
LIMIT = 350e6
WRITABLE = {"tmpfs": {"/tmp": "mode=1777", "/home/towpath": "uid=10001,mode=0700"}}
AGENT_YAML = """\
apiVersion: towpath.dev/v1
environment: prod
repository: {url: "https://git.example.com/environments.git"}
prefect: {api: "http://127.0.0.1:9/api"}
cluster: {kubeconfig: in-cluster}
keys: {signing: /etc/towpath/keys/prod, trusted: /etc/towpath/allowed_signers}
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with running_engine() as found:
        yield found


def build(engine: Engine, target: str) -> str:
    return docker.build(
        ROOT,
        DOCKERFILE,
        target=target,
        build_args={"BASE": engine.base},
        network="host",
        docker_host=engine.host,
        timeout=2700,
    )


@pytest.fixture(scope="module")
def agent(engine: Engine) -> str:
    return build(engine, "agent")


@pytest.fixture(scope="module")
def server(engine: Engine) -> str:
    return build(engine, "server")


@pytest.mark.parametrize("name", ["server", "agent"])
def test_images_are_small_and_run_as_a_user(
    engine: Engine, name: str, request: pytest.FixtureRequest
) -> None:
    image = request.getfixturevalue(name)
    told = engine.config(image)
    assert told["Size"] <= LIMIT, told["Size"]
    assert told["Config"]["User"] == "10001:10001"
    assert told["Config"]["Healthcheck"]["Test"][0] == "CMD"
    assert told["Config"]["Labels"]["org.opencontainers.image.title"] == f"Towpath {name}"
    assert told["Config"]["Labels"]["org.opencontainers.image.base.name"] == engine.base
    code, said = engine.run(image, "sh", "-c", "id -u; id -un; touch /opt/x; echo a > ~/a && cat ~/a")
    assert (code, said.splitlines()[:2], said.splitlines()[-1]) == (0, ["10001", "towpath"], "a")
    assert "Read-only file system" in said


def test_the_server_is_prefect_and_knows_postgresql_and_redis(engine: Engine, server: str) -> None:
    code, said = engine.run(server, "prefect", "version", **WRITABLE)
    assert code == 0, said
    assert "3.9" in said
    modules = "asyncpg, prefect_redis.messaging, prefect_redis.ordering, prefect_redis.lease_storage"
    code, said = engine.run(
        server, "python", "-c", f"import towpath.orchestration.server_database, {modules}"
    )
    assert (code, said) == (0, "")


def test_the_server_answers_its_health_check(engine: Engine, server: str) -> None:
    """On SQLite in its home."""
    check = engine.config(server)["Config"]["Healthcheck"]["Test"][1:]
    script = (
        "prefect server start --host=0.0.0.0 --port=4200 > /tmp/log 2>&1 & for i in $(seq 120); do sleep 1;"
        f' python -c "{check[-1]}" 2>/dev/null && exit 0; done; cat /tmp/log; exit 1'
    )
    code, said = engine.run(server, "sh", "-c", script, **WRITABLE)
    assert code == 0, said


def test_an_agent_says_what_it_lacks(engine: Engine, agent: str) -> None:
    script = f"cat > /tmp/agent.yaml <<'E'\n{AGENT_YAML}E\ntowpath agent --config /tmp/agent.yaml --check"
    code, said = engine.run(agent, "sh", "-c", script, **WRITABLE)
    assert code == 1, said
    assert "Traceback" not in said
    assert "/etc/towpath/keys/prod" in said


def test_an_agent_has_all_that_flows_and_verbs_import(engine: Engine, agent: str) -> None:
    script = (
        "import importlib, pkgutil, flows, tasks, towpath\n"
        "left_out = ('towpath.local', 'towpath.demo', 'towpath.orchestration.server_',"
        " 'towpath.orchestration.busy_database', 'towpath.orchestration.origin_guard')\n"
        "for package in (flows, tasks, towpath):\n"
        "    for each in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        if not each.name.startswith(left_out) and not each.name.endswith('__main__'):\n"
        "            importlib.import_module(each.name)\n"
        "from towpath.config.cel import *\n"
        "print('all')\n"
    )
    code, said = engine.run(agent, "python", "-c", script, **WRITABLE)
    assert (code, said.strip()) == (0, "all"), said


def test_an_agent_renders_and_checks_a_repository(engine: Engine, agent: str) -> None:
    script = (
        "set -e; cd /tmp; git version; kustomize version; helm version --short;"
        " ssh-keygen -t ed25519 -N '' -f key;"
        " towpath init repo --image registry.example.com/shop:1 --environments dev,prod;"
        " towpath check --repo repo"
    )
    code, said = engine.run(agent, "sh", "-c", script, **WRITABLE)
    assert code == 0, said
    assert "v4.3.1" in said


def test_no_process_compiles_what_it_imports(engine: Engine, agent: str) -> None:
    """A start that finds compiled files writes none; here it could."""
    script = (
        "export PYTHONPYCACHEPREFIX=; unset PYTHONPYCACHEPREFIX; python -v -c 'import flows.promote' 2>&1"
        " | grep -c '^# code object from .*\\.py$' || true"
    )
    code, said = engine.run(agent, "sh", "-c", script, **WRITABLE)
    assert (code, said.strip()) == (0, "0")


@pytest.mark.parametrize("target", ["server", "agent-base"])
def test_a_second_build_gives_the_same_layers(engine: Engine, target: str) -> None:
    """Whatever the first one left is not used. `agent-base` is the agent without its programs in Go."""
    first = engine.layers(build(engine, target))
    tag = f"towpath-again:{uuid.uuid4().hex[:8]}"
    how = {
        "dockerfile": DOCKERFILE,
        "target": target,
        "network_mode": "host",
        "buildargs": {"BASE": engine.base},
    }
    with engine.client() as client:
        said = client.build(path=str(ROOT), tag=tag, nocache=True, rm=True, decode=True, **how)
        assert [each["error"] for each in said if "error" in each] == []
    try:
        assert engine.layers(tag) == first
    finally:
        with engine.client() as client:
            client.remove_image(tag)
