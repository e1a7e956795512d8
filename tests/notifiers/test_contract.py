"""What every notifier keeps to, whatever the service: the services are described in `contract/`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import ValidationError

from relay import notifiers
from relay.accounts import account_about
from relay.errors import DeliveryError
from relay.markup import MARKUPS
from relay.model import Answer, Change, Event
from relay.notifiers.base import Conversation, Notifier
from relay.people import PersonSpec
from relay.transport import Transport
from tests.factories import make_event
from tests.fakes.sink import Play, Request, Sink
from tests.notifiers.contract import contracts_of
from tests.notifiers.contract.contract import EVIL, SECRET, Contract, Refusal, Verdict, says, texts_in
from tests.notifiers.contract.email import parsed, part
from tests.notifiers.contract.places import Place, idle, make, open_place
from tests.notifiers.contract.texts import HOSTILE, LONG, is_harmless, leads_astray
from tests.notifiers.contract.zulip import fields_of
from tests.notifiers.factories import (
    DIGEST,
    MOST_FAILED,
    fixture_events,
    make_account,
    make_broken,
    make_filled,
    make_hostile_addresses,
    make_message,
    make_outgoing,
)

TYPES = sorted(notifiers.types())
EACH = [pytest.param(name, each, id=f"{name}-{each.name}") for name in TYPES for each in contracts_of(name)]
GATHERING = [each for each in EACH if notifiers.types()[str(each.values[0])].gathers]
OVER_HTTP = [
    pytest.param(name, each, id=f"{name}-{each.name}")
    for name in TYPES
    for each in contracts_of(name)
    if each.over == "http"
]
MARKED = [
    pytest.param(name, each, id=f"{name}-{each.name}")
    for name in TYPES
    for each in contracts_of(name)
    if notifiers.types()[name].markup != "plain"
]
CONVERSATIONS = [
    pytest.param(name, each, style, id=f"{name}-{each.name}-{style}")
    for name in TYPES
    for each in contracts_of(name)
    for style, is_possible in (("update", each.edits), ("thread", each.threads))
    if is_possible and name != "googlechat"  # which knows its threads by a key and gives no receipt
]
REFUSALS = [
    pytest.param(name, each, refusal, id=f"{name}-{each.name}-{refusal.name}")
    for name in TYPES
    for each in contracts_of(name)
    for refusal in each.refusals
]
WAITS = {
    "header, whole": (Play(status=429, headers={"Retry-After": "7"}), 7.0),
    "header, fraction": (Play(status=429, headers={"Retry-After": "2.5"}), 2.5),
    "body, whole": (says(429, {"retry_after": 3}), 3.0),
    "body, fraction": (says(429, {"retry_after": 0.75}), 0.75),
    "body, milliseconds": (says(429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 1500}), 1.5),
    "body, inside": (says(429, {"ok": False, "parameters": {"retry_after": 35}}), 35.0),
}


def tell(place: Place, *events: Event) -> Answer:
    return place.send(make_message(place.notifier, *events), make_outgoing(events=events))


def sent(place: Place, contract: Contract, *events: Event) -> Sequence[Request]:
    """What came of telling these events: nothing where they do not concern the service."""
    before = len(place.taken())
    try:
        tell(place, *events)
    except DeliveryError as error:
        if not (contract.is_choosy and error.permanent and error.status is None):
            raise
    return place.taken() if contract.over == "screen" else place.taken()[before:]


def texts_of(request: Request, contract: Contract) -> Iterator[str]:
    """Everything in the request that somebody may see."""
    if contract.over == "mail":
        mail = parsed(request)
        yield from (str(value) for value in mail.values())
        yield from (part(mail, kind) for kind in ("plain", "html"))
    elif contract.over == "screen":
        yield request.body.decode()
    elif "form-urlencoded" in request.headers.get("Content-Type", ""):
        yield from fields_of(request).values()
    elif request.body:
        yield from texts_in(request.json())


def check(requests: Sequence[Request], contract: Contract) -> None:
    """Nothing in what was sent breaks a limit, pings, leads astray, breaks out or is unsafe to show."""
    for request in requests:
        assert list(contract.faults(request)) == []
        reading = contract.read(request)
        assert reading.pings == ()
        assert [link for link in reading.links if leads_astray(*link)] == []
        assert reading.broken == ()
        if not contract.takes_raw_text:
            assert [text for text in texts_of(request, contract) if not is_harmless(text)] == []


@pytest.mark.parametrize("name", TYPES)
def test_each_type_is_described(name: str) -> None:
    assert contracts_of(name), f"tests/notifiers/contract/{name}.py is missing or has no CONTRACTS"


def test_each_file_is_a_type() -> None:
    files = {path.stem for path in Path(notifiers.__file__).parent.glob("*.py")} - {"__init__", "base"}

    assert set(TYPES) == files


@pytest.mark.parametrize(("name", "contract"), EACH)
def test_every_fixture_is_told_within_the_limits(name: str, contract: Contract) -> None:
    with open_place(name, contract) as place:
        requests = [each for event in fixture_events().values() for each in sent(place, contract, event)]

    assert requests
    check(requests, contract)


@pytest.mark.parametrize(("name", "contract"), EACH)
def test_its_reader_sees_links_where_there_are_some(name: str, contract: Contract) -> None:
    event = make_filled("x")
    with open_place(name, contract) as place:
        requests = sent(place, contract, event)

    links = [link for request in requests for link in contract.read(request).links]
    assert bool(links) is contract.has_links


@pytest.mark.parametrize(
    ("name", "contract"),
    [param for param in EACH if isinstance(param.values[1], Contract) and param.values[1].person],
)
def test_whom_the_configuration_mentions_is_pinged_and_nobody_else(name: str, contract: Contract) -> None:
    alice = PersonSpec(key="alice", ids=contract.person or {}, logins=contract.person or {})
    event = make_filled(HOSTILE["pings"])
    with open_place(name, contract) as place:
        place.send(make_message(place.notifier, event), make_outgoing(events=(event,), mentions=(alice,)))

    assert tuple(ping for each in place.taken() for ping in contract.read(each).pings) == contract.pinged


@pytest.mark.parametrize(("name", "contract"), EACH)
def test_ten_thousand_characters_everywhere_stay_within_the_limits(name: str, contract: Contract) -> None:
    failed = 5 if contract.takes_raw_text else MOST_FAILED
    events = [make_filled(text, failed) for text in LONG.values()]
    with open_place(name, contract) as place:
        requests = [each for event in events for each in sent(place, contract, event)]

    assert len(requests) >= len(LONG) or contract.over == "screen"
    check(requests, contract)


@pytest.mark.parametrize(("name", "contract"), EACH)
def test_five_hundred_events_in_one_message_stay_within_the_limits(name: str, contract: Contract) -> None:
    kinds = (make_event(change=Change.BROKE), make_filled("<&*" * 100, failed=2))
    events = tuple(replace(kinds[n % 2], id=f"e{n}") for n in range(500))
    with open_place(name, contract) as place:
        requests = sent(place, contract, *events)

    assert requests
    check(requests, contract)


@pytest.mark.parametrize(("name", "contract"), GATHERING)
def test_a_digest_of_five_thousand_hostile_events_stays_within_the_limits(
    name: str, contract: Contract
) -> None:
    texts = (*HOSTILE.values(), *LONG.values())
    worst = tuple(replace(make_filled(text, failed=2), id=f"e{n}") for n, text in enumerate(texts))
    quiet = tuple(make_event(id=f"f{n}", branch=f"topic-{n}") for n in range(5000 - len(worst)))
    account = account_about((*worst, *quiet))
    told = tuple(each.event for each in account.places)
    more = account.count - len(told)
    with open_place(name, contract) as place:
        message = make_account(place.notifier, account)
        place.send(message, make_outgoing(events=told, more_events=more, reason=DIGEST))
        requests = place.taken()

    assert requests
    check(requests, contract)


@pytest.mark.parametrize(("name", "contract", "style"), CONVERSATIONS)
def test_a_conversation_goes_on_within_the_limits(name: str, contract: Contract, style: str) -> None:
    texts = (*HOSTILE.values(), *LONG.values())
    card: Mapping[str, str] = {}
    receipts = []
    with open_place(name, contract, style=style) as place:
        for event in map(make_filled, texts):
            outgoing = make_outgoing(events=(event,), subject="p-1", card=card)
            card = place.send(make_message(place.notifier, event), outgoing).receipt
            receipts.append(card)
        requests = place.taken()

    assert receipts[1:] == receipts[:-1]
    check(requests, contract)


@pytest.mark.parametrize(("name", "contract"), MARKED)
def test_its_reader_sees_what_unescaped_text_would_do(name: str, contract: Contract) -> None:
    """Else the tests about hostile text would prove nothing."""
    broken = " ".join(HOSTILE[key] for key in ("pings", "marked pings", "links", "elements"))
    with open_place(name, contract) as place:
        message = make_message(place.notifier, make_filled("x"))
        place.send(
            replace(message, title=broken[:250], body=broken), make_outgoing(events=(make_filled("x"),))
        )

    with pytest.raises(AssertionError):
        check(place.taken(), contract)


@pytest.mark.parametrize(("name", "contract"), EACH)
def test_hostile_text_stays_text(name: str, contract: Contract) -> None:
    with open_place(name, contract) as place:
        for text in HOSTILE.values():
            check(sent(place, contract, make_filled(text)), contract)


@pytest.mark.parametrize(("name", "contract"), EACH)
def test_hostile_addresses_lead_nowhere(name: str, contract: Contract) -> None:
    addresses = (
        "javascript:alert(1)",
        f"https://u:p@{EVIL}/",
        f"https://{EVIL})](>|\"'<b>\r\nX: y",
        "//x",
        "\x00",
    )
    with open_place(name, contract) as place:
        for text in (*addresses, *HOSTILE.values()):
            requests = sent(place, contract, make_hostile_addresses(text))
            links = [link for request in requests for link in contract.read(request).links]
            assert [url for _, url in links if urlsplit(url).scheme not in ("http", "https")] == []
            assert [url for _, url in links if "@" in urlsplit(url).netloc] == []


@pytest.mark.parametrize(("name", "contract"), EACH)
def test_several_hostile_events_in_one_message_stay_text(name: str, contract: Contract) -> None:
    events = tuple(replace(make_filled(text), id=key) for key, text in HOSTILE.items())
    with open_place(name, contract) as place:
        check(sent(place, contract, *events), contract)


@pytest.mark.parametrize(("name", "contract", "refusal"), REFUSALS)
def test_a_documented_refusal_is_understood(name: str, contract: Contract, refusal: Refusal) -> None:
    with open_place(name, contract, refusal) as place, pytest.raises(DeliveryError) as caught:
        tell(place, make_filled("x", failed=2))

    error = caught.value
    verdict = Verdict.DEAD if error.is_dead else Verdict.PERMANENT if error.permanent else Verdict.TEMPORARY
    assert verdict is refusal.verdict, error
    assert refusal.retry_after is None or error.retry_after == pytest.approx(refusal.retry_after)


@pytest.mark.parametrize("how", WAITS)
@pytest.mark.parametrize(("name", "contract"), OVER_HTTP)
def test_too_many_requests_is_temporary_and_says_how_long(name: str, contract: Contract, how: str) -> None:
    play, wait = WAITS[how]
    refusal = Refusal(name=how, verdict=Verdict.TEMPORARY, play=play)
    with open_place(name, contract, refusal) as place, pytest.raises(DeliveryError) as caught:
        tell(place, make_filled("x", failed=2))

    assert not caught.value.permanent
    assert caught.value.retry_after == (wait if contract.hints_at_waits else None)


@pytest.mark.parametrize(("name", "contract"), OVER_HTTP)
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 410, 413, 422, 429, 500, 503])
def test_an_answer_of_nonsense_tells_no_secret(
    name: str,
    contract: Contract,
    status: int,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    body = json.dumps(dict.fromkeys(("error", "message", "description", "errcode", "msg"), contract.key))
    told = ""
    with Sink(default=Play(status=status, body=body.encode())) as sink:
        notifier, transport, event = make(name, contract, sink.url), Transport(), make_filled("x")
        try:
            answer = notifier.send(make_message(notifier, event), make_outgoing(events=(event,)), transport)
            told = f"{answer.excerpt} {dict(answer.receipt)}"
        except DeliveryError as error:
            told = f"{error} {error!r} {error.excerpt}"
        transport.close()

    out, err = capfd.readouterr()
    assert SECRET not in f"{told} {caplog.text} {out} {err}"


@pytest.mark.parametrize(("name", "contract"), OVER_HTTP)
def test_a_cut_connection_is_temporary_and_tells_no_secret(name: str, contract: Contract) -> None:
    refusal = Refusal(name="cut", verdict=Verdict.TEMPORARY, play=Play(cut=True))
    with open_place(name, contract, refusal) as place, pytest.raises(DeliveryError) as caught:
        tell(place, make_filled("x", failed=2))

    assert not caught.value.permanent
    assert SECRET not in f"{caught.value} {caught.value.excerpt}"


@pytest.mark.parametrize(("name", "contract"), EACH)
def test_no_secret_is_in_what_is_sent(name: str, contract: Contract) -> None:
    with open_place(name, contract) as place:
        requests = sent(place, contract, make_filled("x"))

    assert requests
    for request in requests:
        bodies = request.body.decode()
        if contract.secret_at:
            bodies = json.dumps({k: v for k, v in request.json().items() if k != contract.secret_at})
        assert SECRET not in bodies


@pytest.mark.parametrize(("name", "contract"), EACH)
def test_no_secret_is_in_what_is_told_of_it(name: str, contract: Contract) -> None:
    made = idle(name, contract)

    told = (
        f"{made!r} {made} {made.model_dump()} {made.model_dump_json()} {made.destination()} {made.remarks()}"
    )
    assert SECRET not in told


@pytest.mark.parametrize(("name", "contract"), EACH)
def test_no_secret_is_in_the_complaint_about_a_wrong_option(name: str, contract: Contract) -> None:
    with pytest.raises(ValidationError) as caught:
        idle(name, contract, nonsense=SECRET)

    assert "Extra inputs are not permitted" in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(("name", "contract"), EACH)
def test_no_option_that_is_needed_may_be_left_out(name: str, contract: Contract) -> None:
    options = dict(contract.options("http://127.0.0.1:9"))
    optional = {"allow_private", "api_url", "sign_with", "headers"}

    for key in options.keys() - optional:
        with pytest.raises(ValidationError) as caught:
            notifiers.types()[name].model_validate({k: v for k, v in options.items() if k != key})
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize(("name", "contract"), EACH)
def test_it_edits_and_threads_as_far_as_the_service_lets_it(name: str, contract: Contract) -> None:
    made = idle(name, contract)

    assert (made.can_edit, made.can_thread) == (contract.edits, contract.threads)


@pytest.mark.parametrize(("name", "contract"), EACH)
def test_a_style_is_possible_or_refused_in_words(name: str, contract: Contract) -> None:
    assert idle(name, contract, style="update").style == "update"
    if contract.threads:
        assert idle(name, contract, style="thread").conversation is not Conversation.NONE
    else:
        with pytest.raises(ValidationError):
            idle(name, contract, style="thread")


@pytest.mark.parametrize(("name", "contract"), EACH)
def test_a_payload_is_the_same_each_time(name: str, contract: Contract) -> None:
    made = idle(name, contract)
    event = make_filled("x")
    first, second = (
        made.payload(make_message(made, event), make_outgoing(events=(event,))) for _ in range(2)
    )

    assert str(first) == str(second)


@pytest.mark.parametrize(("name", "contract"), EACH)
def test_its_destination_is_stable_and_begins_with_its_type(name: str, contract: Contract) -> None:
    first, second = (idle(name, contract).destination() for _ in range(2))

    assert first == second
    assert first.partition(":")[0] == name


@pytest.mark.parametrize(("name", "contract"), EACH)
def test_what_is_common_to_all_is_understood(name: str, contract: Contract) -> None:
    made = idle(name, contract, timeout="1m", template="short", fallback="mail", shadow=True)

    assert (made.type, made.seconds, made.template, made.fallback) == (name, 60.0, "short", ("mail",))
    assert made.markup in MARKUPS


@pytest.mark.parametrize("timeout", [10, "10", "soon", ""])
def test_a_timeout_has_a_unit(timeout: object) -> None:
    with pytest.raises(ValidationError):
        notifiers.types()["console"].model_validate({"timeout": timeout})


@pytest.mark.parametrize("name", TYPES)
def test_every_option_is_explained(name: str) -> None:
    properties = notifiers.types()[name].model_json_schema()["properties"]

    assert [key for key, value in properties.items() if key != "type" and not value.get("description")] == []


@pytest.mark.parametrize("name", TYPES)
def test_a_type_is_called_as_its_file(name: str) -> None:
    assert issubclass(notifiers.types()[name], Notifier)
    assert notifiers.types()[name].model_fields["type"].default == name


def test_a_message_that_is_filled_tells_the_event() -> None:
    console = notifiers.types()["console"].model_validate({})

    assert "broke" in make_message(console, make_broken()).title
