import pytest

from towpath.errors import UnknownNameError
from towpath.schemas.versions import known_versions, load_schemas, resolve_version


@pytest.mark.parametrize("named", ["1.35", "v1.35", "1.35.4", "v1.35.4+k3s1"])
def test_a_version_is_known_in_each_of_its_forms(named: str) -> None:
    assert resolve_version(named) == "1.35"


@pytest.mark.parametrize("named", ["1.2", "2.35", "latest", "", "1.35\n"])
def test_another_version_is_refused(named: str) -> None:
    with pytest.raises(UnknownNameError):
        resolve_version(named)


def test_the_newest_version_is_the_default() -> None:
    assert resolve_version(None) == known_versions()[-1]


@pytest.mark.parametrize("version", known_versions())
def test_every_reference_of_a_version_leads_to_a_definition(version: str) -> None:
    schemas = load_schemas(version)
    assert {*schemas.kinds.values()} <= set(schemas.definitions)
    assert ("apps/v1", "Deployment") in schemas.kinds
    assert schemas.served("autoscaling", "HorizontalPodAutoscaler") == ["autoscaling/v1", "autoscaling/v2"]
