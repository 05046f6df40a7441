import base64
import json
from typing import Any

import pytest

from towpath.adapters.kubernetes.fields import KubeconfigError
from towpath.adapters.kubernetes.kubeconfig import (
    Chosen,
    ClusterEntry,
    Impersonation,
    Kubeconfig,
    UserEntry,
    choose,
    merge,
    parse,
    validate,
)

V1 = "client.authentication.k8s.io/v1"


def content(**more: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": "https://k"}}],
        "users": [{"name": "u", "user": {"token": "t0ken"}}],
        **more,
    }


def read(made: object, file: str = "/home/me/.kube/config") -> Kubeconfig:
    return parse(json.dumps(made).encode(), file)


def with_user(**user: object) -> Chosen:
    return choose(read(content(users=[{"name": "u", "user": user}])), None)


def test_relative_paths_start_at_the_folder_of_the_file() -> None:
    cluster = {"server": "https://k", "certificate-authority": "pki/ca.crt"}
    user = {"client-certificate": "../a.crt", "client-key": "/abs/a.key", "tokenFile": "./token"}
    made = read(content(clusters=[{"name": "k", "cluster": cluster}], users=[{"name": "u", "user": user}]))
    assert made.clusters["k"].authority_file == "/home/me/.kube/pki/ca.crt"
    found = made.users["u"]
    assert found.certificate_file == "/home/me/a.crt"
    assert found.key_file == "/abs/a.key"
    assert found.token_file == "/home/me/.kube/token"


@pytest.mark.parametrize(
    ("command", "found"),
    [("aws", "aws"), ("./aws", "/home/me/.kube/aws"), ("bin/aws", "/home/me/.kube/bin/aws"), ("/a", "/a")],
)
def test_a_plugin_with_a_slash_is_a_path(command: str, found: str) -> None:
    plugin = with_user(exec={"apiVersion": V1, "command": command, "interactiveMode": "Never"}).user.plugin
    assert plugin is not None and plugin.command == found


def test_all_of_impersonation_is_read() -> None:
    extra = {"scopes": ["a", "b"], "none": None}
    who = {"as": "n", "as-uid": "1", "as-groups": ["g", "h"], "as-user-extra": extra}
    found = with_user(token="t0ken", **who).user.impersonation
    assert found == Impersonation("n", "1", ("g", "h"), (("scopes", ("a", "b")), ("none", ())))


def test_a_plugin_is_not_run_where_the_file_has_other_credentials() -> None:
    plugin = {"apiVersion": V1, "command": "x", "interactiveMode": "Never"}
    assert with_user(exec=plugin).user.plugin
    assert not with_user(exec=plugin, token="t0ken").user.plugin
    assert not with_user(exec=plugin, tokenFile="t").user.plugin
    assert not with_user(exec=plugin, **{"client-certificate": "c", "client-key": "k"}).user.plugin


def test_yaml_of_other_styles() -> None:
    text = """
    # written by hand
    contexts: [{name: c, context: &same {cluster: k, user: u}}, {name: d, context: *same}]
    clusters:
    - name: k
      cluster: {server: 'https://k', insecure-skip-tls-verify: no}
    users: ~
    current-context: d
    """
    made = parse(text.encode(), "/config")
    assert choose(made, None).cluster == ClusterEntry("https://k")
    assert choose(made, "c").user == UserEntry()


def test_values_do_not_show_in_what_is_printed() -> None:
    secret = "s3cr3t-value"
    plugin = {"command": "x", "args": [secret], "env": [{"name": "A", "value": secret}]}
    key = base64.b64encode(secret.encode()).decode()
    cluster = {"server": "https://k", "proxy-url": f"http://a:{secret}@p"}
    user = {"token": secret, "password": secret, "client-key-data": key, "exec": plugin}
    made = read(content(clusters=[{"name": "k", "cluster": cluster}], users=[{"name": "u", "user": user}]))
    assert secret not in repr(made) and secret not in repr(choose(made, None))


@pytest.mark.parametrize(
    "change",
    [
        {"users": [{"name": "u", "user": {"token": 12345678}}]},
        {"users": [{"name": "u", "user": {"token": ["12345678"]}}]},
        {"users": [{"name": "u", "user": "12345678"}]},
        {"users": [{"name": "u", "user": {"client-key-data": "12345678!"}}]},
        {"users": [{"name": "u", "user": {"client-key-data": "MTIzNDU2Nzg"}}]},
        {"users": [{"name": "u", "user": {"exec": {"env": {"A": "12345678"}}}}]},
        {"users": [{"name": "u", "user": {"exec": {"args": [12345678]}}}]},
        {"users": [{"name": "u", "user": {"as-groups": "12345678"}}]},
        {"users": [{"name": "u", "user": {"as-user-extra": ["12345678"]}}]},
        {"users": {"u": {"token": "12345678"}}},
        {"users": ["12345678"]},
        {"users": [{"name": "u", "user": {}}, {"name": "u", "user": {"token": "12345678"}}]},
        {"users": [{"name": 12345678, "user": {}}]},
        {"clusters": [{"name": "k", "cluster": {"server": True}}]},
        {"clusters": [{"name": "k", "cluster": {"insecure-skip-tls-verify": "true"}}]},
        {"clusters": [{"name": "k", "cluster": {"extensions": [{"name": "a"}, {"name": "a"}]}}]},
        {"contexts": [{"name": "c", "context": {"namespace": 1}}]},
        {"current-context": 1},
        {"kind": "Secret"},
        {"apiVersion": "v1beta1"},
    ],
    ids=repr,
)
def test_a_value_of_the_wrong_type_makes_the_file_unusable(change: dict[str, Any]) -> None:
    with pytest.raises(KubeconfigError, match=r"^/home/me/.kube/config") as caught:
        read(content(**change))
    assert "12345678" not in str(caught.value).replace("name '12345678'", "")


@pytest.mark.parametrize("text", ["{", "a: b: c", "a: 1\na: 2", "a: !py x", "\x00", "--- {a: b}\n--- {a: b}"])
def test_broken_yaml_names_the_file(text: str) -> None:
    with pytest.raises(KubeconfigError, match=r"^/config"):
        parse(text.encode(), "/config")


def test_of_several_files_the_first_to_name_something_gives_all_of_it() -> None:
    first = read(content(users=[{"name": "u", "user": {}}], **{"current-context": ""}), "/a/config")
    other = {"server": "https://other", "certificate-authority": "ca.crt"}
    second = read(
        content(
            clusters=[{"name": "k", "cluster": other}, {"name": "l", "cluster": other}],
            contexts=[{"name": "d", "context": {"cluster": "l", "user": "u"}}],
            **{"current-context": "d"},
        ),
        "/b/config",
    )
    merged = merge([first, second])
    assert merged.current_context == "d"
    assert merged.clusters["k"].server == "https://k"
    assert merged.clusters["l"].authority_file == "/b/ca.crt"
    assert merged.users["u"] == UserEntry()  # not the second's token
    assert choose(merged, None) == Chosen("d", "l", merged.clusters["l"], "u", UserEntry())
    assert merge([]) == Kubeconfig()


@pytest.mark.parametrize(
    ("change", "context", "message"),
    [
        ({"current-context": None}, None, "no current-context"),
        ({}, "d", "no context 'd'"),
        ({"contexts": []}, None, "no context 'c'"),
        ({"clusters": []}, None, "names cluster 'k', which is not there"),
    ],
)
def test_what_is_not_there(change: dict[str, Any], context: str | None, message: str) -> None:
    with pytest.raises(KubeconfigError, match=message):
        choose(read(content(**change)), context)


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ({"client-certificate": "c"}, "without its `client-key`"),
        ({"client-certificate": "c", "client-certificate-data": "YQ==", "client-key": "k"}, "both `client-c"),
        ({"client-certificate": "c", "client-key": "k", "client-key-data": "YQ=="}, "both `client-key`"),
        ({"as-groups": ["g"]}, "without `as`"),
        ({"as-user-extra": {"a": ["b"]}}, "without `as`"),
        ({"exec": {"apiVersion": V1, "interactiveMode": "Never"}}, "no `command`"),
        ({"exec": {"command": "c", "interactiveMode": "Never"}}, "apiVersion ''"),
        ({"exec": {"command": "c", "apiVersion": V1}}, "an `interactiveMode`"),
        ({"exec": {"command": "c", "apiVersion": V1, "interactiveMode": "never"}}, "an `interactiveMode`"),
        (
            {"exec": {"command": "c", "apiVersion": V1, "interactiveMode": "Never", "env": [{"value": "v"}]}},
            "without a name",
        ),
    ],
    ids=repr,
)
def test_what_kubectl_refuses_in_a_user(user: dict[str, Any], message: str) -> None:
    with pytest.raises(KubeconfigError, match=message):
        validate(with_user(**user))


def test_authority_by_data_and_by_file() -> None:
    cluster = {"server": "https://k", "certificate-authority": "ca.crt", "certificate-authority-data": "YQ=="}
    with pytest.raises(KubeconfigError, match="both `certificate-authority`"):
        validate(choose(read(content(clusters=[{"name": "k", "cluster": cluster}])), None))
    cluster["certificate-authority-data"] = ""
    validate(choose(read(content(clusters=[{"name": "k", "cluster": cluster}])), None))
