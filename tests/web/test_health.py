"""How the relay tells machines that it is well."""

from flask.testing import FlaskClient

from relay.web.access import Access
from relay.web.app import Services, create_app
from tests.web.ledgers import NOON, ScriptedLedger


def client_on(ledger: ScriptedLedger) -> FlaskClient:
    services = Services(access=Access(), submit=lambda _: True, store=ledger, now=lambda: NOON)
    return create_app(services).test_client()


def test_a_process_that_answers_is_healthy_whatever_the_store_does() -> None:
    answer = client_on(ScriptedLedger(is_gone=True)).get("/healthz")

    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})


def test_ready_means_the_store_answers_and_a_worker_was_seen() -> None:
    answer = client_on(ScriptedLedger()).get("/readyz")

    assert (answer.status_code, answer.get_json()) == (200, {"status": "ready"})


def test_not_ready_without_a_worker() -> None:
    answer = client_on(ScriptedLedger(workers=0)).get("/readyz")

    assert (answer.status_code, answer.get_json()["reasons"]) == (
        503,
        ["no delivery worker has been seen for 30 seconds; is `relay worker` running?"],
    )


def test_not_ready_without_the_store_and_no_word_of_its_address() -> None:
    answer = client_on(ScriptedLedger(is_gone=True)).get("/readyz")

    assert (answer.status_code, answer.get_json()["reasons"]) == (503, ["the database does not answer"])


def test_metrics_count_answers_and_rows() -> None:
    client = client_on(ScriptedLedger(stuck=2))
    client.post("/hooks/circleci", data=b'{"id": "1", "type": "x"}', content_type="application/json")

    lines = client.get("/metrics").get_data(as_text=True).splitlines()

    assert 'relay_webhooks_total{result="accepted"} 1.0' in lines
    assert "relay_accept_seconds_count 1.0" in lines
    assert 'relay_rows{state="stuck"} 2.0' in lines
    assert "relay_oldest_waiting_seconds 1.5" in lines


def test_metrics_go_on_without_the_store() -> None:
    answer = client_on(ScriptedLedger(is_gone=True)).get("/metrics")

    assert answer.status_code == 200
    assert "relay_rows" not in answer.get_data(as_text=True)


def test_the_real_store_can_be_asked_all_this(client: FlaskClient) -> None:
    answers = {path: client.get(path) for path in ("/healthz", "/readyz", "/metrics")}

    assert {path: answer.status_code for path, answer in answers.items()} == {
        "/healthz": 200,
        "/readyz": 503,
        "/metrics": 200,
    }
    assert 'relay_rows{state="planning"} 0.0' in answers["/metrics"].get_data(as_text=True)
