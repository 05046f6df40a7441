"""Where an environment takes signed approvals: names alone count for nothing, and statements stay in Git."""

import base64
import json
from datetime import UTC, datetime, timedelta

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun

from tests.flows.approvals import approve, waiting_in_prod
from tests.flows.bench import TOWPATH, Bench
from tests.flows.test_promote import question
from towpath.evidence.approval import ApprovalStatement, decode_approval
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.signing import sign_approval
from towpath.gates.signed_approval import join_signed, split_signed
from towpath.orchestration.keys import asked_key
from towpath.release.commit_message import STATEMENT_TRAILER, parse_trailers

KEYS = {name: PrivateKey.generate() for name in ("alice", "bob")}
PEOPLE = "people:\n" + "".join(f"  {name}: {{keys: [{key.public.openssh}]}}\n" for name, key in KEYS.items())


def sign(run: FlowRun, name: str, decision: str = "approve") -> str:
    """What `towpath approve --sign` puts into the form of a waiting run."""
    with get_client(sync_client=True) as client:
        text = client.read_flow_run_input(run.id, asked_key(run.state.state_details.pause_key))
    now = datetime.now(UTC)
    times = {"at": now.isoformat(), "expires": (now + timedelta(days=1)).isoformat()}
    asked = {**json.loads(json.loads(text)), **times, "approver": name, "decision": decision}
    return join_signed(*sign_approval(ApprovalStatement(**asked), KEYS[name]))


def test_only_signed_answers_let_it_in_and_what_was_signed_is_in_the_commit(bench: Bench) -> None:
    signed = TOWPATH.replace("required: 2", "required: 2, kind: signed") + PEOPLE
    assert "kind: signed" in signed
    bench.push("environments", {"towpath.yaml": signed}, "Signed approvals only")
    run = waiting_in_prod(bench, bench.release(1))
    run = approve(bench, run, "alice")
    assert "prod takes signed answers only" in question(run)
    first = sign(run, "alice")
    run = approve(bench, run, "alice", statement=first)
    assert "Awaited: 1 of bob, carol. Approved by alice (signed)." in question(run)
    back = sign(run, "alice", "withdraw")
    run = bench.answer(
        run, decision="withdraw", approver="alice", digest=run.parameters["digest"], statement=back
    )
    assert "Awaited: 2 of alice, bob, carol." in question(run)
    run = approve(bench, run, "alice", statement=first)
    assert "alice has said something else at" in question(run)
    run = approve(bench, run, "alice", statement=sign(run, "alice"))
    run = approve(bench, run, "bob", statement=sign(run, "bob"))
    assert run.state.is_completed(), run.state.message
    [promotion] = [name for name in bench.subjects() if name.startswith("Promote") and "prod" in name]
    trailers = parse_trailers(bench.message_of(promotion))
    assert trailers["Towpath-Approved-By"] == ["alice", "bob"]
    kept = [split_signed(base64.b64decode(text).decode()) for text in trailers[STATEMENT_TRAILER]]
    assert [decode_approval(content).approver for content, _ in kept] == ["alice", "bob"]
