"""towpath.yaml: what is right is typed, what is wrong is named with file, line and key."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from towpath.config import Config, config_schema, load_config, parse_config, resolve_source_url
from towpath.config.checks import shared_namespaces
from towpath.errors import ConfigError, RefusedError, UnknownNameError
from towpath.fields.managed_fields import TakenBack
from towpath.formats.versions import KEYS, VERSIONS

EXAMPLE = Path(__file__).parents[3] / "examples/environments"
HEAD = "apiVersion: towpath.dev/v1\n"
TWO = HEAD + "environments:\n  - {name: dev, namespace: dev}\n  - {name: prod, namespace: prod}\n"


def app(text: str) -> str:
    return f"{TWO}apps:\n  hello:\n    image: example.com/hello\n{text}"


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text)
    return caught.value.message.splitlines()


def test_the_example_is_right() -> None:
    config = load_config(EXAMPLE)
    assert [environment.name for environment in config.environments] == ["dev", "staging", "prod"]
    assert config.app("hello").name == "hello"
    assert config.environment("prod").gate.approvals.approvers == ("alice", "bob")


def test_defaults() -> None:
    dev = parse_config(TWO).environment("dev")
    assert (dev.drift, dev.extras_mode_of("", "Role"), dev.on_failure) == ("heal", "report", "rollback")
    assert (dev.prune.limit, dev.prune.share) == (3, 0.2)
    assert (dev.timeout, dev.gate.soak) == (timedelta(seconds=120), timedelta())
    assert dev.allow_cluster_scoped == ("Namespace",)


def test_the_order_of_environments() -> None:
    config = parse_config(TWO)
    assert config.followers("dev") == (config.environment("prod"),)
    assert config.followers("prod") == ()
    assert config.needs("prod") == (("dev",),)
    assert config.needs("dev") == ()


def test_unknown_names_say_the_nearest() -> None:
    config = parse_config(app(""))
    with pytest.raises(UnknownNameError, match="Did you mean hello"):
        config.app("helo")
    with pytest.raises(UnknownNameError, match="Did you mean prod"):
        config.environment("prd")


def test_models_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        parse_config(TWO).environment("dev").name = "x"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (app("    imag: x\n"), "towpath.yaml:8: unknown key `imag` in apps.hello; did you mean `image`?"),
        (
            app("    source: {repository: ../x, brunch: main}\n"),
            "towpath.yaml:8: unknown key `brunch` in apps.hello.source; did you mean `branch`?",
        ),
        (
            app("    smoke:\n      - service: hello\n        port: 80\n        stat: 200\n"),
            "towpath.yaml:11: unknown key `stat` in apps.hello.smoke[0]; did you mean `status`?",
        ),
        (
            TWO.replace("dev}", "dev, on_failure: hold}"),
            "towpath.yaml:3: unknown key `on_failure` in environments[0]; did you mean `onFailure`?",
        ),
        (TWO + "scans: {}\n", "towpath.yaml:5: unknown key `scans`; did you mean `scan`?"),
        (
            TWO + "qqq: 1\n",
            "towpath.yaml:5: unknown key `qqq`; known are apiVersion, apps, environments, scan",
        ),
        (
            app("    renderer: kustomise\n"),
            "towpath.yaml:8: apps.hello.renderer: must be 'kustomize', 'helm' or 'plain', not \"kustomise\"",
        ),
        (
            app('    smoke: [{service: hello, port: "80"}]\n'),
            "towpath.yaml:8: apps.hello.smoke[0].port: must be a valid integer",
        ),
        (TWO + "apps: {x: {}}\n", "towpath.yaml:5: `image` is missing in apps.x"),
        (TWO + "apps: {x: 1}\n", "towpath.yaml:5: apps.x: must be a mapping"),
        (
            TWO.replace("dev}", "dev, timeout: 60}"),
            "towpath.yaml:3: environments[0].timeout: must be a duration such as 90s, 5m, 1h30m or 7d",
        ),
        (
            app("    source: {repository: x, context: ../..}\n"),
            "towpath.yaml:8: apps.hello.source.context: must be a path inside of the repository",
        ),
        (app("    image: x/y\n"), "towpath.yaml:8: duplicate key `image`, first on line 7"),
        ("{}", "towpath.yaml:1: `apiVersion` is missing"),
        ("[]", "towpath.yaml:1: must be a mapping that begins with `apiVersion: towpath.dev/v2`"),
        ("", "towpath.yaml:1: must be a mapping that begins with `apiVersion: towpath.dev/v2`"),
        (
            TWO.replace("/v1", "/v0"),
            "towpath.yaml:1: apiVersion: must be 'towpath.dev/v1' or 'towpath.dev/v2',"
            ' not "towpath.dev/v0"',
        ),
        (TWO.replace("name: prod", "name: dev"), "towpath.yaml:4: environment `dev` is there twice"),
        (
            TWO.replace("name: dev", "name: base"),
            "towpath.yaml:3: `base` is the folder that environments share; choose another name",
        ),
        (
            TWO.replace("prod}", "prod, gate: {verifiedIn: deb}}"),
            "towpath.yaml:4: verifiedIn: no environment before `prod` is called `deb`; did you mean `dev`?",
        ),
        (
            TWO.replace("prod}", "prod, gate: {approvals: {required: 2, from: [a, a]}}}"),
            "towpath.yaml:4: 2 approvals are required, but only 1 may approve; add names under `from`",
        ),
        (
            TWO + "scan: {ignore: [{id: x, until: 2027-13-01, reason: y}]}\n",
            "towpath.yaml:5: scan.ignore[0].until: must be a valid date",
        ),
    ],
)
def test_a_mistake_is_named_with_file_line_and_key(text: str, said: str) -> None:
    assert problems(text)[0].startswith(said)


@pytest.mark.parametrize(
    "image",
    [
        "hello",
        "example.com/hello:1",
        "example.com/hello@sha256:00",
        "-x/y",
        "example.com/Hello",
        "https://x/y",
    ],
)
def test_images_that_are_no_repository(image: str) -> None:
    assert "must be REGISTRY/REPOSITORY" in problems(f"{TWO}apps: {{x: {{image: '{image}'}}}}\n")[0]


@pytest.mark.parametrize(
    "image", ["127.0.0.1:5000/hello", "localhost/a/b", "[::1]:5000/x", "r.example.com/a/b_c.d"]
)
def test_images_that_are(image: str) -> None:
    assert parse_config(f"{TWO}apps: {{x: {{image: '{image}'}}}}\n").app("x").image == image


def test_all_mistakes_come_at_once_in_the_order_of_their_lines() -> None:
    text = app("    imag: x\n    renderer: y\n").replace("name: dev", "nam: dev") + "foo: 1\n"
    lines = [int(line.split(":")[1]) for line in problems(text)]
    assert lines == sorted(lines)
    assert set(lines) == {3, 8, 9, 10}


def test_off_is_text_and_durations_add_up() -> None:
    text = TWO.replace("dev}", "dev, drift: off, timeout: 1h30m5s}")
    dev = parse_config(text).environment("dev")
    assert dev.drift == "off"
    assert dev.timeout == timedelta(hours=1, minutes=30, seconds=5)


def test_the_mode_of_one_app_is_an_exception() -> None:
    dev = parse_config(
        app("").replace("dev}", "dev, drift: report, apps: {hello: {drift: heal}}}")
    ).environment("dev")
    assert (dev.drift_mode_of("hello"), dev.drift_mode_of("other")) == ("heal", "report")


def test_extras_for_all_or_by_kind() -> None:
    text = TWO.replace("dev}", "dev, extras: %s}")
    assert parse_config(text % "prune").environment("dev").extras_mode_of("", "Role") == "prune"
    kinds = "{'*': ignore, Role: prune, Certificate.cert-manager.io: report}"
    dev = parse_config(text % kinds).environment("dev")
    assert dev.extras_mode_of("rbac.authorization.k8s.io", "Role") == "prune"
    assert dev.extras_mode_of("", "ConfigMap") == "ignore"
    assert dev.extras_mode_of("cert-manager.io", "Certificate") == "report"
    assert dev.extra_kinds == (("cert-manager.io", "Certificate"),)
    only = parse_config(text % "{Secret: ignore}").environment("dev")
    assert (only.extras_mode_of("", "Secret"), only.extras_mode_of("", "ConfigMap")) == ("ignore", "report")


@pytest.mark.parametrize(
    ("extras", "kind", "name", "mode"),
    [
        ("{'*': prune, ConfigMap/ca-*: ignore}", "ConfigMap", "ca-7", "ignore"),
        ("{'*': prune, ConfigMap/ca-*: ignore}", "ConfigMap", "my-ca-7", "prune"),
        ("{'*': prune, ConfigMap/ca-*: ignore}", "Secret", "ca-7", "prune"),
        ("{'*': prune, '*/ca-?': report}", "Secret", "ca-7", "report"),
        ("{'*': prune, '*/ca-?': report}", "Secret", "ca-77", "prune"),
        ("{Role: prune, Role/a*: report, Role/*b: ignore}", "Role", "ab", "ignore"),
        ("{Role: ignore, Role.rbac.authorization.k8s.io/old.*: prune}", "Role", "old.x", "prune"),
        ("{'RoleBinding/team:*': ignore}", "RoleBinding", "team:a", "ignore"),
        ("{ConfigMap/UP*: ignore}", "ConfigMap", "up", "report"),
    ],
)
def test_extras_by_patterns_of_names(extras: str, kind: str, name: str, mode: str) -> None:
    dev = parse_config(TWO.replace("dev}", f"dev, extras: {extras}}}")).environment("dev")
    group = "rbac.authorization.k8s.io" if kind.startswith("Role") else ""
    assert dev.extras_mode_of(group, kind, name) == mode


def test_a_kind_with_a_reported_name_is_searched_though_others_are_ignored() -> None:
    text = TWO.replace(
        "dev}", "dev, extras: {'*': ignore, ConfigMap/old-*: prune, Gate.example.com/x: ignore}}"
    )
    dev = parse_config(text).environment("dev")
    assert dev.searches_extras("", "ConfigMap")
    assert not dev.searches_extras("", "Secret")
    assert dev.extra_kinds == (("example.com", "Gate"),)


@pytest.mark.parametrize(
    "key", ["ConfigMap/", "configmap/a", "ConfigMap/a b", "ConfigMap/[ab]", "/a", "a/b/c"]
)
def test_no_pattern_of_names(key: str) -> None:
    with pytest.raises(ConfigError, match="must be a kind"):
        parse_config(TWO.replace("dev}", f"dev, extras: {{'{key}': ignore}}}}"))


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("extras: delete", "extras: must be 'report', 'ignore' or 'prune', not \"delete\""),
        ("extras: {Role: delete}", "extras.Role: must be 'report', 'ignore' or 'prune', not \"delete\""),
        ("extras: {role: prune}", "must be a kind (Role), a kind with its group"),
        ("extras: 1", "extras: must be a mapping"),
        ("ignore: [{kind: Role}]", "ignore[0]: must have `pointer` (a field), `manager`"),
        ("apps: {helo: {drift: off}}", "apps: there is no app `helo`; did you mean `hello`?"),
        (
            "apps: {hello: {drft: off}}",
            "unknown key `drft` in environments[0].apps.hello; did you mean `drift`?",
        ),
    ],
)
def test_what_is_wrong_about_drift_is_named(key: str, said: str) -> None:
    [problem] = problems(app("").replace("dev}", f"dev, {key}}}"))
    assert problem.startswith("towpath.yaml:3: ")
    assert said in problem


def test_an_ignore_rule_names_a_field_a_manager_or_both() -> None:
    rules = "[{kind: Role, pointer: /a}, {kind: '*', manager: vpa}, {kind: A, pointer: /c, manager: d}]"
    dev = parse_config(TWO.replace("dev}", f"dev, ignore: {rules}}}")).environment("dev")
    assert [(rule.pointer, rule.manager) for rule in dev.ignore] == [
        ("/a", None),
        (None, "vpa"),
        ("/c", "d"),
    ]


def test_no_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="towpath init"):
        load_config(tmp_path)


def test_a_file_that_is_a_link_out_of_the_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("canary")
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo/towpath.yaml").symlink_to("../secret")
    with pytest.raises(ConfigError, match="leads out") as caught:
        load_config(tmp_path / "repo")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "environments", "url"),
    [
        ("../hello.git", "https://host/team/environments.git", "https://host/team/hello.git"),
        ("../../other/hello.git", "https://host/team/environments.git/", "https://host/other/hello.git"),
        ("./hello.git", "/srv/git/environments.git", "/srv/git/environments.git/hello.git"),
        ("../hello.git", "file:///srv/git/environments.git", "file:///srv/git/hello.git"),
        ("../hello.git", "git@host:team/environments.git", "git@host:team/hello.git"),
        ("../hello.git", "git@host:environments.git", "git@host:hello.git"),
        ("https://other/x.git", "/srv/git/environments.git", "https://other/x.git"),
    ],
)
def test_relative_sources(source: str, environments: str, url: str) -> None:
    hello = parse_config(app(f"    source: {{repository: {source}}}\n")).app("hello")
    assert resolve_source_url(hello, environments) == url


def test_a_relative_source_cannot_lead_above_the_host() -> None:
    hello = parse_config(app("    source: {repository: ../../../../x}\n")).app("hello")
    with pytest.raises(ConfigError, match="above"):
        resolve_source_url(hello, "https://host/team/environments.git")


def test_an_app_without_source() -> None:
    with pytest.raises(ConfigError, match="no `source`"):
        resolve_source_url(parse_config(app("")).app("hello"), "https://host/x")


def test_the_schema_knows_the_keys_as_they_are_written() -> None:
    schema = config_schema()
    json.dumps(schema)
    environment = schema["$defs"]["Environment"]
    assert environment["additionalProperties"] is False
    assert "allowClusterScoped" in environment["properties"]
    assert "from" in schema["$defs"]["Approvals"]["properties"]
    deprecated = {name for name, key in environment["properties"].items() if key.get("deprecated")}
    assert deprecated == {each.name for each in KEYS["towpath.yaml"] if each.deprecated}
    assert schema["properties"]["apiVersion"]["enum"] == list(VERSIONS)
    assert set(schema["properties"]) == {field.alias or name for name, field in Config.model_fields.items()}


@pytest.mark.parametrize(
    ("smoke", "said"),
    [
        ("{}", "exactly one of"),
        ("{service: web, port: 80, url: 'https://a'}", "exactly one of"),
        ("{service: web}", "`service` and `port` go together"),
        ("{url: 'file:///etc/passwd'}", "smoke"),
    ],
)
def test_a_smoke_check_asks_one_thing(smoke: str, said: str) -> None:
    text = "apiVersion: towpath.dev/v1\nenvironments: [{name: dev, namespace: dev}]\n"
    with pytest.raises(ConfigError, match=said):
        parse_config(f"{text}apps: {{a: {{image: r.example.com/a, smoke: [{smoke}]}}}}\n")


@pytest.mark.parametrize("path", ["kubeconfig", "../kubeconfig", "apps/hello/kubeconfig"])
def test_a_kubeconfig_is_never_taken_from_the_repository(path: str) -> None:
    text = "apiVersion: towpath.dev/v1\nenvironments: [{name: dev, namespace: dev, kubeconfig: %s}]\n"
    with pytest.raises(ConfigError, match="kubeconfig"):
        parse_config(text % path)


@pytest.mark.parametrize(
    "text",
    [
        f"{TWO}scan:\n",
        f"{TWO}scan: {{block: , scanners: , ignore: }}\n",
        f"{TWO}healthCheckExprs:\n  # - kind: Database\n",
        *(
            f"{HEAD}environments:\n  - name: dev\n    namespace: dev\n    {field}:\n      # nothing yet\n"
            "  - {name: prod, namespace: prod}\n"
            for field in ("allowClusterScoped", "apps", "extras", "ignore", "prune", "gate")
        ),
        f"{HEAD}environments:\n  - {{name: dev, namespace: dev, gate: {{approvals: }}}}\n"
        "  - {name: prod, namespace: prod, gate: {approvals: {from: }}}\n",
    ],
)
def test_a_list_or_mapping_whose_entries_are_all_comments_counts_as_absent(text: str) -> None:
    assert parse_config(text) == parse_config(TWO)


def test_null_below_an_app_and_for_a_whole_entry_counts_as_absent() -> None:
    assert parse_config(app("    smoke:\n")) == parse_config(app(""))
    text = f"{HEAD}environments:\n  - {{name: dev, namespace: dev, apps: {{hello: }}}}\napps:\n"
    text += "  hello: {image: example.com/hello}\n"
    assert parse_config(text).environment("dev").drift_mode_of("hello") == "heal"
    assert problems(f"{TWO}apps:\n  hello:\n") == ["towpath.yaml:6: `image` is missing in apps.hello"]


@pytest.mark.parametrize("field", ["drift", "timeout", "onFailure", "allowExec", "namespace", "name"])
def test_a_single_value_that_is_null_is_a_mistake(field: str) -> None:
    fields = {"name": "dev", "namespace": "dev"} | {field: "null"}
    text = f"{HEAD}environments:\n  - {{{', '.join(f'{key}: {value}' for key, value in fields.items())}}}\n"
    assert field in problems(text)[0]


def test_null_stays_null_where_it_has_a_meaning() -> None:
    text = app("    source: {repository: ../hello.git, testTarget: null}\n")
    source = parse_config(text).app("hello").source
    assert source is not None
    assert source.test_target is None


def test_arguments_of_a_build_are_names_and_texts() -> None:
    text = app("    source: {repository: ../hello.git, buildArgs: {BASE: debian, A_1: ''}}\n")
    assert "towpath.dev/v2" in " ".join(problems(text))
    source = parse_config(text.replace("dev/v1", "dev/v2")).app("hello").source
    assert source is not None
    assert source.build_args == {"BASE": "debian", "A_1": ""}
    for bad in ("{A-1: x}", "{1A: x}", "{A: 1}", "[A]"):
        wrong = app(f"    source: {{repository: ../hello.git, buildArgs: {bad}}}\n").replace(
            "dev/v1", "dev/v2"
        )
        assert "buildArgs" in problems(wrong)[0], bad


@pytest.mark.parametrize(("poll", "seconds"), [("null", None), ("10s", 10), ("60s", 60), ("1h30m", 5400)])
def test_how_often_a_source_is_polled(poll: str, seconds: float | None) -> None:
    text = app(f"    source: {{repository: ../hello.git, poll: {poll}}}\n").replace("dev/v1", "dev/v2")
    source = parse_config(text).app("hello").source
    assert source is not None
    assert (source.poll and source.poll.total_seconds()) == seconds


@pytest.mark.parametrize("poll", ["9s", "0s", "60", "often", "'-60s'", "{every: 60s}"])
def test_a_source_is_not_polled_so(poll: str) -> None:
    text = app(f"    source: {{repository: ../hello.git, poll: {poll}}}\n")
    assert "source.poll" in problems(text.replace("dev/v1", "dev/v2"))[0]
    assert "`poll` is known since towpath.dev/v2" in problems(text)[0]


def test_fields_of_images_in_custom_resources() -> None:
    text = app("    imageFields:\n      - {kind: Engine.example.com, pointer: /spec/nodes/*/run}\n")
    (rule,) = parse_config(text).app("hello").image_rules
    assert (rule.kind, rule.pointer) == ("Engine.example.com", "/spec/nodes/*/run")


@pytest.mark.parametrize(
    "rule", ["{kind: engine, pointer: /a}", "{kind: Engine, pointer: a}", "{kind: Engine}"]
)
def test_a_wrong_field_of_an_image_is_named_with_its_line(rule: str) -> None:
    assert "towpath.yaml:9: " in problems(app(f"    imageFields:\n      - {rule}\n"))[0]


def test_no_apps_at_all_must_be_meant() -> None:
    assert problems(f"{TWO}apps:\n  # hello: {{image: example.com/hello}}\n") == [
        "towpath.yaml:5: apps: must be a mapping"
    ]
    assert parse_config(f"{TWO}apps: {{}}\n") == parse_config(TWO)


def test_from_whom_fields_are_taken_back() -> None:
    dev = parse_config(
        app("").replace("dev}", "dev, peopleTools: [corp-console], apps: {hello: {takeOver: [helm, Argo]}}}")
    ).environment("dev")
    assert dev.taken_back("hello") == TakenBack(("corp-console",), ("Argo", "helm"))
    assert dev.taken_back("other") == TakenBack(("corp-console",))


@pytest.mark.parametrize("manager", ["kube-controller-manager", "kube-scheduler", "kubelet", "towpath"])
def test_nothing_is_taken_over_from_the_cluster_itself(manager: str) -> None:
    with pytest.raises(ConfigError, match="part of Kubernetes or Towpath"):
        parse_config(app("").replace("dev}", f"dev, apps: {{hello: {{takeOver: [{manager}]}}}}}}"))


THREE = """apiVersion: towpath.dev/v2
environments:
  - {name: dev, namespace: dev}
  - {name: staging, namespace: staging}
  - {name: prod, namespace: prod}
apps:
  shop:
    image: example.com/shop
"""


def test_an_app_passes_environments_by_that_it_does_not_name() -> None:
    config = parse_config(THREE + "    environments: [dev, prod]\n  other: {image: example.com/other}\n")
    assert [config.may_be_in("shop", each) for each in ("dev", "staging", "prod")] == [True, False, True]
    after = (*config.followers("dev", "shop"), *config.followers("dev", "other"))
    assert [each.name for each in after] == ["prod", "staging"]
    assert (config.needs("prod", "shop"), config.needs("prod", "other")) == ((("dev",),), (("staging",),))
    with pytest.raises(RefusedError, match="shop does not run in staging: its `environments`"):
        config.require_in("shop", "staging")
    config.require_in("other", "staging")


def test_an_app_begins_in_the_first_environment_that_it_names() -> None:
    config = parse_config(THREE + "    environments: [prod, staging]\n")
    assert config.first_environments("shop")[0].name == "staging"
    assert config.needs("staging", "shop") == ()


@pytest.mark.parametrize(
    ("places", "problem"),
    [
        ("[]", "towpath.yaml:9: apps.shop.environments: the app is in no environment"),
        ("[dev, stagin]", "there is no environment `stagin`; did you mean `staging`?"),
        ("[dev, dev]", "`dev` is there twice"),
    ],
)
def test_wrong_environments_of_an_app_are_told_with_their_line(places: str, problem: str) -> None:
    (found,) = problems(f"{THREE}    environments: {places}\n")
    assert problem in found and found.startswith("towpath.yaml:9: ")


def test_environments_of_an_app_are_known_since_v2() -> None:
    (found,) = problems(app("    environments: [dev]\n"))
    assert "`environments` is known since towpath.dev/v2" in found


NAMESPACED = """apiVersion: towpath.dev/v2
environments:
  - {name: dev, namespace: dev, namespaces: [kube-system, "team-*"]}
  - {name: prod, namespace: prod}
apps:
  shop: {image: example.com/shop, namespace: "shop-{environment}"}
  blog: {image: example.com/blog}
  crds: {renderer: plain, environments: [prod], namespace: infra}
"""


def test_an_app_has_a_namespace_of_its_own_or_the_environments() -> None:
    dev, prod = parse_config(NAMESPACED).environments
    assert [dev.namespace_of(each) for each in ("shop", "blog")] == ["shop-dev", "dev"]
    assert (dev.managed_namespaces, prod.managed_namespaces) == (
        ("dev", "shop-dev"),
        ("prod", "infra", "shop-prod"),
    )
    assert prod.others_namespaces("shop") == {"infra": "crds"}
    assert [*shared_namespaces(parse_config(NAMESPACED))] == []
    one = parse_config(NAMESPACED.replace("shop-{environment}", "shop"))
    assert "environments dev, prod have the same namespace shop" in "".join(shared_namespaces(one))


@pytest.mark.parametrize(
    ("before", "after", "line", "problem"),
    [
        ("image: example.com/blog", "image: a.example/b, namespace: shop-dev", 7, "is `shop`'s own in dev"),
        ('"shop-{environment}"', "s" * 64, 6, "must be the name of a namespace"),
        ('"shop-{environment}"', "'" + "s" * 61 + "{environment}'", 6, "is no name of"),
        ("kube-system", "Kube", 3, "or a pattern of names"),
    ],
)
def test_namespaces_that_overlap_or_are_none_are_told_with_their_line(
    before: str, after: str, line: int, problem: str
) -> None:
    found = problems(NAMESPACED.replace(before, after))
    assert any(each.startswith(f"towpath.yaml:{line}: ") and problem in each for each in found), found
