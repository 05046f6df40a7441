"""`towpath door --check`: what the door needs, asked before it starts. Nothing is changed."""

from collections.abc import Iterator

from towpath.door.door_file import DoorFile, Issuer
from towpath.door.issuer_keys import fetch_keys
from towpath.door.rules import Rules
from towpath.errors import MissingPartError, TowpathError
from towpath.findings import Finding, broken, look_at
from towpath.orchestration import keys
from towpath.orchestration.api import NotFoundError, PrefectApi
from towpath.orchestration.server import prepare
from towpath.printable import pluralize
from towpath.settings import Settings


def check_up(file: DoorFile, settings: Settings) -> Iterator[Finding]:
    """Each part in turn; one that is missing does not hide the others."""
    yield look_at("secrets", lambda: _secrets(file))
    for name, issuer in file.issuers.items():
        yield look_at(f"issuer {name}", lambda issuer=issuer: _issuer(issuer))  # type: ignore[misc]
    try:
        api = PrefectApi(prepare(settings, knock=True), read_timeout=10.0, retries=1)
    except TowpathError as error:
        yield broken("Prefect server", error)
        return
    yield look_at("Prefect server", lambda: _server(api))
    yield look_at(f"deployment {keys.deployment(keys.DELIVER)}", lambda: _deployment(api))
    api.close()


def _secrets(file: DoorFile) -> str:
    rules = Rules.of(file)
    return f"those of {pluralize(len(rules.by_name), 'allowed source')}"


def _issuer(issuer: Issuer) -> str:
    return pluralize(len(fetch_keys(issuer)), "key")


def _server(api: PrefectApi) -> str:
    api.get("/health")
    return api.url


def _deployment(api: PrefectApi) -> str:
    try:
        api.get(f"/deployments/name/{keys.deployment(keys.DELIVER)}")
    except NotFoundError as error:
        raise MissingPartError(
            "there is none",
            remedy="`towpath deployments` writes it, `prefect --no-prompt deploy --all` creates it.",
        ) from error
    return "there"
