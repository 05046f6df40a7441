"""YAML that is made to harm."""

from tests.traps.repository import Trap, bomb, configmap, merges, plain

YAML = {
    "alias bomb": plain("aliases followed", bomb()),
    "merge-key bomb": plain("aliases followed", merges()),
    "merge of a list of merges": plain("aliases followed", merges() + "\nz: {<<: [*a39, *a38]}"),
    "anchors without end": plain("anchors", "\n".join(f"- &a{n} 1" for n in range(5_000))),
    "alias to itself": plain("not (yet) there", "a: &x [*x]"),
    "duplicate key": plain("same key twice", configmap() + "kind: Secret\n"),
    "duplicate key by another type": plain("same key twice", "1: a\n'1': b"),
    "deep flow nesting": plain("deeper than", "[" * 100_000),
    "deep mapping nesting": plain("deeper than", "{a: " * 100_000),
    "deep block nesting": plain("deeper than", "- " * 100_000),
    "deep keys": plain("deeper than", "? " * 50_000),
    "deep JSON": Trap("plain", "deeper than", {"dev/a.json": '{"a":' * 50_000}),
    "huge scalar": plain(
        "larger than an API server takes", configmap(more="data: {k: '" + "x" * 3_000_000 + "'}\n")
    ),
    "huge file": plain("larger than 8 MiB", b"# " + b"x" * (9 << 20)),
    "many values": plain("values", "a: [" + "1," * 300_000 + "]"),
    "many values in many files": Trap(
        "plain", "values", {f"dev/{n}.yaml": "a: [" + "1," * 100_000 + "]" for n in range(9)}
    ),
    "many documents": plain("more than 5,000 documents", "---\na: 1\n" * 6_000),
    "many files": Trap("plain", "more than 5,000 files", {f"dev/{n}.yaml": "" for n in range(5_001)}),
    "tabs": plain("not valid YAML", "a:\n\tb: 1"),
    "NUL": plain("a character that YAML does not allow", b"a: \0"),
    "control character": plain("a character that YAML does not allow", b"a: \x07"),
    "invalid UTF-8": plain("not UTF-8", b"a: \xff\xfe"),
    "UTF-16": plain("not UTF-8", "a: 1".encode("utf-16")),
    "key that is a list": plain("not a plain value", "? [a, b]\n: 1"),
    "tag that makes an object": plain("tag", "a: !!python/object/apply:os.system [id]"),
    "tag of a language": plain("tag", "!!js/function 'x'"),
    "tag that is binary": plain("tag", "a: !!binary aGk="),
    "YAML directive of a future": plain("not valid YAML", "%YAML 9.0\n---\na: 1"),
    "number too large": plain("digits", configmap(more="data: {a: " + "9" * 5_000 + "}\n")),
    "not a number": plain("JSON cannot hold", configmap(more="data: {a: .nan}\n")),
    "infinite number": plain("JSON cannot hold", configmap(more="data: {a: -.inf}\n")),
    "end in the middle": plain("not valid YAML", "a: [1, 2"),
    "half a surrogate": plain("not valid YAML", configmap(more='data: {a: "\\ud800"}\n')),
}
