"""Prefect's API and UI for uvicorn, as `prefect server start --no-services` serves them, behind the guard."""

import os

from towpath.orchestration.people_guard import VARIABLE, PeopleGuard, people_of


def create_app() -> PeopleGuard:
    """For pods of the chart's server in front of which people sign in."""
    from prefect.server.api.server import create_app as prefect_app

    people = people_of(os.environ[VARIABLE], os.environ["PREFECT_SERVER_API_AUTH_STRING"])
    return PeopleGuard(prefect_app(final=True, webserver_only=True), people)
