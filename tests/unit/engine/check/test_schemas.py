"""`towpath check` by schemas: files and lines, environments and their versions, custom kinds of all apps."""

import textwrap
from pathlib import Path

import pytest

from towpath.engine.check.repository import Checked, check_repository
from towpath.errors import UnknownNameError
from towpath.settings import Settings

TOOLS = Settings.load({"HOME": str(Path.home())}).tools
DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: databases.example.com}
spec:
  group: example.com
  names: {kind: Database, plural: databases}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}
"""
DATABASE = """\
apiVersion: example.com/v1
kind: Database
metadata: {name: main}
spec:
  sise: 3
"""
POD = """\
# a comment
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: nginx
      port: 80
"""


def check(
    root: Path,
    files: dict[str, str],
    *,
    kubernetes: str = "",
    flag: str | None = None,
    renderer: str = "plain",
) -> Checked:
    names = sorted({path.split("/")[0] for path in files})
    apps = "".join(f"  {name}: {{image: registry.example.com/a, renderer: {renderer}}}\n" for name in names)
    named = f", kubernetes: {kubernetes}" if kubernetes else ""
    environment = f"{{name: dev, namespace: dev, allowClusterScoped: [CustomResourceDefinition]{named}}}"
    (root / "towpath.yaml").write_text(
        f"apiVersion: towpath.dev/v2\napps:\n{apps}environments:\n  - {environment}\n"
    )
    for name in names:
        (root / "apps" / name / "dev").mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        file = root / "apps" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
    return check_repository(root, tools=TOOLS, kubernetes=flag)


def shown(checked: Checked) -> list[str]:
    return [str(finding) for finding in checked.findings]


def test_a_finding_names_the_line_of_the_field(tmp_path: Path) -> None:
    checked = check(tmp_path, {"a/base/pod.yaml": POD})
    expected = "Pod web: `spec.containers[0].port` is an unknown field; did you mean `ports`?"
    assert shown(checked) == [f"apps/a/base/pod.yaml:9: {expected}"]


def test_an_object_of_a_list_has_its_own_line(tmp_path: Path) -> None:
    listed = """\
        apiVersion: v1
        kind: List
        items:
          - {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
          - apiVersion: v1
            kind: ConfigMap
            metadata: {name: b}
            dta: {}
        """
    (found,) = shown(check(tmp_path, {"a/dev/list.yaml": listed}))
    assert found.startswith("apps/a/dev/list.yaml:8: ConfigMap b: `dta` is an unknown field")


def test_a_kustomize_resource_has_the_line_of_the_field(tmp_path: Path) -> None:
    files = {
        "a/base/kustomization.yaml": "resources: [pod.yaml]\n",
        "a/base/pod.yaml": POD,
        "a/dev/kustomization.yaml": "namespace: dev\nresources: [../base]\n",
    }
    (found,) = shown(check(tmp_path, files, renderer="kustomize"))
    assert found.startswith("apps/a/base/pod.yaml:9: Pod web: ")


def test_of_a_chart_the_template_is_named(tmp_path: Path) -> None:
    files = {
        "a/base/Chart.yaml": "apiVersion: v2\nname: a\nversion: 0.1.0\n",
        "a/base/templates/pod.yaml": POD,
        "a/dev/values.yaml": "x: 1\n",
    }
    (found,) = shown(check(tmp_path, files, renderer="helm"))
    assert found.startswith("apps/a/base/templates/pod.yaml: Pod web: ")


def test_a_custom_object_is_judged_by_the_definition_of_another_app(tmp_path: Path) -> None:
    checked = check(tmp_path, {"db/dev/db.yaml": DATABASE, "operator/dev/crd.yaml": DEFINITION})
    expected = "Database main: `spec.sise` is an unknown field; did you mean `size`?"
    assert shown(checked) == [f"apps/db/dev/db.yaml:5: {expected}"]
    assert checked.notes == ()


def test_a_custom_kind_that_nothing_defines_is_noted(tmp_path: Path) -> None:
    checked = check(tmp_path, {"db/dev/db.yaml": DATABASE})
    assert checked.findings == ()
    (note,) = checked.notes
    assert note.startswith("Database of example.com/v1: no schema")


@pytest.mark.parametrize("named", ['"1.35"', "v1.35", '"1.35.4"'])
def test_an_environment_names_the_version(tmp_path: Path, named: str) -> None:
    old = "{apiVersion: batch/v1beta1, kind: CronJob, metadata: {name: a}}\n"
    (found,) = shown(check(tmp_path, {"a/dev/old.yaml": old}, kubernetes=named))
    assert "batch/v1beta1 is not served by Kubernetes 1.35; served is batch/v1" in found


def test_a_version_that_is_a_number_must_be_quoted(tmp_path: Path) -> None:
    (found,) = shown(check(tmp_path, {"a/dev/pod.yaml": POD}, kubernetes="1.30"))
    assert found.startswith("towpath.yaml:5: ")


def test_the_nearest_known_version_stands_for_another_one(tmp_path: Path) -> None:
    checked = check(tmp_path, {"a/dev/pod.yaml": POD}, kubernetes='"1.12"')
    assert len(checked.findings) == 1
    (note,) = checked.notes
    assert note.startswith("environment dev: no schemas of Kubernetes 1.12 are known; those of ")


def test_the_version_of_the_command_line_must_be_known(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError):
        check(tmp_path, {"a/dev/pod.yaml": POD}, flag="1.12")
    assert len(check(tmp_path, {"a/dev/pod.yaml": POD}, kubernetes='"1.12"', flag="1.35").notes) == 0


def test_a_name_whose_pods_are_refused_is_a_note_with_its_line_and_no_finding(tmp_path: Path) -> None:
    name = "a" * 60
    stateful_set = f"""\
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {name}
spec:
  selector: {{matchLabels: {{app: a}}}}
  template:
    metadata: {{labels: {{app: a}}}}
    spec: {{containers: [{{name: a, image: nginx}}]}}
"""
    checked = check(tmp_path, {"a/dev/set.yaml": stateful_set})
    assert checked.findings == ()
    (note,) = checked.notes
    assert note.startswith(f"apps/a/dev/set.yaml:4: StatefulSet {name}: `metadata.name` has 60 characters; ")


def test_many_notes_on_names_are_counted(tmp_path: Path) -> None:
    name = f"{{}}-{'a' * 250}"[:250]
    one = """\
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: %s}
spec:
  selector: {matchLabels: {app: a}}
  template:
    metadata: {labels: {app: a}}
    spec: {containers: [{name: a, image: nginx}]}
"""
    files = {f"a/dev/{number}.yaml": one % name.format(number) for number in range(53)}
    checked = check(tmp_path, files)
    assert (checked.findings, len(checked.notes)) == ((), 51)
    assert checked.notes[-1] == "3 more notes on names of objects"
