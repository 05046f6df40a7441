from towpath.kube.canonical import canonical_json, digest, without_server_fields


def test_order_of_keys_does_not_count() -> None:
    assert canonical_json({"b": 1, "a": [{"d": 1, "c": 2}]}) == '{"a":[{"c":2,"d":1}],"b":1}'
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1})


def test_comparable_leaves_the_input_alone() -> None:
    live = {"metadata": {"name": "a", "uid": "u", "labels": {}}, "status": {}, "spec": 1}
    assert without_server_fields(live) == {"metadata": {"name": "a"}, "spec": 1}
    assert live["status"] == {}
