"""From a commit to a release, and on its way to the first environment. Runs in the pool `build`."""

from tasks.image import build, push, scan, test
from tasks.prebuilt import is_prebuilt, record_prebuilt, recorded_prebuilt, scan_prebuilt, take
from tasks.release import record, recorded
from tasks.runs.chain import start_promotion
from tasks.runs.run_identity import identify_run
from tasks.runs.step import towpath_flow
from tasks.source import checkout
from towpath.orchestration import keys


@towpath_flow
def deliver(app: str, revision: str, environment: str = "") -> str:
    """Build, test, scan and push `revision` (a commit, branch or tag) of `app`, then start its promotion.

    Images with their digest (`REGISTRY/NAME@sha256:…`, commas between them) are prebuilt: scanned only.
    Beside a revision they are the images that are not built of it. `environment`: only there; empty: in each
    environment that comes first.
    """
    if is_prebuilt(revision):
        prebuilt = take(app, revision, environment)
        identify_run(keys.deliver_name(app, prebuilt.short_id), [keys.app_tag(app)])
        release = recorded_prebuilt(prebuilt)
        if release is None:
            release = record_prebuilt(prebuilt, scan_prebuilt(prebuilt))
        firsts = prebuilt.first_environments
    else:
        source = checkout(app, revision, environment)
        identify_run(
            keys.deliver_name(app, source.short_id), [keys.app_tag(app), keys.commit_tag(source.short_id)]
        )
        release = recorded(source)
        if release is None:
            built = test(build(source))
            scanned = scan(built)
            release = record(source, push(built, scanned), scanned)
        firsts = source.first_environments
    for first in firsts:
        start_promotion(release, first)
    return f"{app} {release.short_id} is {release.references}"
