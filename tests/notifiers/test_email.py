"""E-mail as a mail program reads it."""

from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest
from pydantic import ValidationError

from relay.errors import DeliveryError
from relay.model import Answer, Button, Fact, Message
from relay.notifiers.email import SUBJECT, Email
from relay.people import PersonSpec
from relay.transport import Transport
from tests.factories import make_commit, make_event
from tests.fakes.mail import MailServer
from tests.notifiers.factories import make_broken, make_message, make_outgoing


def make(**more: Any) -> Email:
    options = {"smtp": "smtp://mail.example.com", "from": "CI <ci@example.com>", "to": ["ops@example.com"]}
    return Email.model_validate({**options, **more})


def headers(email: Email, **outgoing: Any) -> EmailMessage:
    return email.payload(make_message(email), make_outgoing(**outgoing))


def send(transport: Transport, server: MailServer, **outgoing: Any) -> Answer:
    email = make(smtp=server.url, to=["ops@example.com", "bob@example.com"], style="thread")
    return email.send(make_message(email), make_outgoing(**outgoing), transport)


def received(transport: Transport, outgoing: Any = None, **event: Any) -> EmailMessage:
    """What arrives at a real mail server."""
    told = replace(make_broken(), **event)
    with MailServer() as server:
        email = make(smtp=server.url, to=["ops@example.com", "Bob <bob@example.com>"])
        email.send(make_message(email, told), outgoing or make_outgoing(events=(told,)), transport)
    return server.mails[0].parsed()


def part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def test_headers(transport: Transport) -> None:
    mail = received(transport)

    assert mail["Subject"] == "🔴 api / build-and-deploy broke on main"
    assert mail["From"] == "CI <ci@example.com>"
    assert mail["To"] == "ops@example.com, Bob <bob@example.com>"
    assert mail["Message-ID"] == "<01kaqz000000000000delivery@example.com>"
    assert mail["Date"] == "Mon, 23 Nov 2026 12:00:00 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Id"] == "CI results <relay.example.com>"
    assert mail["References"] == mail["In-Reply-To"]


def test_the_text_part_in_full(transport: Transport) -> None:
    event = make_broken()

    text = part(received(transport, make_outgoing(mentions=(PersonSpec(key="alice"),))), "plain")

    assert text == (
        "🔴 api / build-and-deploy broke on main\n\n"
        f"Fix <!channel> & login ({event.commit.url}) by Alice Archer\n- Run tests exit code 2\n\n"
        "Pipeline: #7812\nTook: 4 min 12 s\nCommit: a1b2c3d\n\n"
        f"Open in CircleCI: {event.url}\nCommit: {event.commit.url}\n\n"
        "For alice\n\n"
        f"-- \nroute trunk-broke · event {event.id} (https://relay.example.com/events/{event.id})\n"
    )


def test_the_html_part_escapes_what_strangers_wrote(transport: Transport) -> None:
    event = make_broken()

    text = part(received(transport, url="https://example.com/?a=1&b=2"), "html")

    assert f'<a href="{event.commit.url}">Fix &lt;!channel&gt; &amp; login</a> by Alice Archer<br>' in text
    assert '<a href="https://example.com/?a=1&amp;b=2">Open in CircleCI</a>' in text
    assert "border-left:4px solid #cf222e" in text
    assert "<tr><td>Took&nbsp;</td><td>4 min 12 s</td></tr>" in text


def test_a_stranger_cannot_add_headers_or_elements(transport: Transport) -> None:
    hostile = "x\r\nBcc: evil@example.com\r\n\r\n<script>alert(1)</script>"

    mail = received(transport, branch=hostile, commit=make_commit(subject=hostile))

    assert mail["Bcc"] is None
    assert mail["Subject"] == (
        "🔴 api / build-and-deploy broke on x Bcc: evil@example.com <script>alert(1)</script>"
    )
    assert "<script>" not in part(mail, "html")


def test_a_subject_is_kept_short(transport: Transport) -> None:
    mail = received(
        transport, branch="ü" * 500, tag=None, workflow=replace(make_broken().workflow, name="n" * 500)
    )

    assert len(mail["Subject"]) <= SUBJECT


def test_results_of_one_workflow_on_one_branch_share_a_conversation() -> None:
    email = make()
    root, later, elsewhere = (
        email.payload(make_message(email), make_outgoing(events=(event,)))["References"]
        for event in (make_event(), make_event(id="e2", number=9), make_event(branch="next"))
    )

    assert root == later != elsewhere


@pytest.mark.parametrize("style", ["thread", "update"])
def test_messages_of_one_subject_share_a_conversation(style: str) -> None:
    email = make(style=style)
    first, later, other = (headers(email, subject=subject)["References"] for subject in ("p-1", "p-1", "p-2"))

    assert first == later != other


def test_a_thread_over_a_real_server(transport: Transport) -> None:
    with MailServer() as server:
        root = send(transport, server, subject="p-1", delivery_id="d1").receipt
        second = send(transport, server, subject="p-1", delivery_id="d2", card=root).receipt
        send(transport, server, subject="p-1", delivery_id="d3", card=second)

    first, *later = (mail.parsed() for mail in server.mails)
    assert [mail["In-Reply-To"] for mail in later] == [first["Message-ID"]] * 2
    assert [mail["References"] for mail in later] == [f"{first['References']} {first['Message-ID']}"] * 2
    assert [mail["Message-ID"] for mail in later] == ["<d2@example.com>", "<d3@example.com>"]


@pytest.mark.parametrize("style", ["post", "thread", "update"])
@pytest.mark.parametrize("card", [{}, {"message_id": "<root@example.com>"}])
def test_each_attempt_has_the_same_message_id(style: str, card: dict[str, str]) -> None:
    email = make(style=style)
    ids = {headers(email, attempt=attempt, card=card)["Message-ID"] for attempt in (1, 2, 3)}

    assert len(ids) == 1


def test_it_can_thread_but_not_edit() -> None:
    assert (make().can_thread, make().can_edit) == (True, False)


def test_a_post_leaves_no_receipt(transport: Transport) -> None:
    with MailServer() as server:
        email = make(smtp=server.url)
        answer = email.send(make_message(email), make_outgoing(), transport)

    assert answer.receipt == {}


@pytest.mark.parametrize("where", ["mailto:ops@example.com?subject=stop", "https://example.com/stop"])
def test_people_are_told_how_to_unsubscribe(where: str) -> None:
    assert headers(make(unsubscribe=where))["List-Unsubscribe"] == f"<{where}>"


def test_without_the_option_nothing_is_said_about_unsubscribing() -> None:
    assert headers(make())["List-Unsubscribe"] is None


def test_a_direct_message_goes_to_that_person_alone(transport: Transport) -> None:
    alice = PersonSpec(key="alice", emails=("*+alice@users.example.com", "alice@example.com"))
    with MailServer() as server:
        send(transport, server, direct=alice)

    assert server.mails[0].recipients == ("alice@example.com",)
    assert server.mails[0].parsed()["To"] == "alice@example.com"


@pytest.mark.parametrize(
    ("emails", "address"),
    [
        (("*@example.com", "alice@example.com", "a@example.com"), "alice@example.com"),
        (("*@example.com",), None),
        ((), None),
        (("alice@example.com\r\nBcc: evil@example.com",), None),
    ],
)
def test_a_person_is_reached_at_the_first_address_written_out(
    emails: tuple[str, ...], address: str | None
) -> None:
    assert make().address_of(PersonSpec(key="alice", emails=emails)) == address


def test_nobody_is_written_to_who_has_no_address(transport: Transport) -> None:
    with MailServer() as server, pytest.raises(DeliveryError, match="alice has no e-mail") as caught:
        send(transport, server, direct=PersonSpec(key="alice"))

    assert caught.value.permanent
    assert server.mails == []


def test_recipients_that_are_refused_are_told_one_by_one(transport: Transport) -> None:
    with MailServer(refuse={"bob@example.com": "550 no such user"}) as server:
        answer = send(transport, server)

    assert answer.excerpt == "not accepted for 1 of 2 recipients: bob@example.com: 550 no such user"


@pytest.mark.parametrize(("code", "permanent"), [("450", False), ("452", False), ("550", True)])
def test_when_all_are_refused_the_code_decides(transport: Transport, code: str, permanent: bool) -> None:
    refuse = dict.fromkeys(("ops@example.com", "bob@example.com"), f"{code} no")
    with MailServer(refuse=refuse) as server, pytest.raises(DeliveryError) as caught:
        send(transport, server)

    assert (caught.value.permanent, caught.value.is_dead) == (permanent, False)


def test_a_wrong_password_ends_it_for_all_messages(transport: Transport) -> None:
    with MailServer(login=("ci", "right")) as server:
        email = make(smtp=f"smtp://ci:wr0ng-one@127.0.0.1:{server.port}")
        with pytest.raises(DeliveryError) as caught:
            email.send(make_message(email), make_outgoing(), transport)

    assert (caught.value.status, caught.value.is_dead) == (535, True)
    assert "wr0ng-one" not in f"{caught.value} {caught.value.excerpt}"


def test_either_part_stays_below_100_kilobytes(transport: Transport) -> None:
    wide = "\U0001f534" * 10_000
    facts = tuple(Fact(name=wide, value=wide) for _ in range(100))
    buttons = tuple(Button(text=wide, url="https://example.com/" + "&" * 900) for _ in range(100))
    message = Message(title=wide[:300], body=wide, facts=facts, buttons=buttons, footer=wide)
    with MailServer() as server:
        make(smtp=server.url).send(message, make_outgoing(), transport)

    mail = server.mails[0].parsed()
    assert all(len(part(mail, kind).encode()) < 100_000 for kind in ("plain", "html"))


def test_what_is_sent_has_seven_bits_and_short_lines(transport: Transport) -> None:
    with MailServer() as server:
        email = make(smtp=server.url)
        email.send(Message(title="ü", body="é" * 5000), make_outgoing(), transport)

    assert server.mails[0].content.isascii()
    assert max(map(len, server.mails[0].content.splitlines())) <= 998


def test_a_message_is_the_same_each_time() -> None:
    first, second = (headers(make()).as_bytes() for _ in range(2))

    assert first == second


def test_a_good_answer(transport: Transport) -> None:
    with MailServer() as server:
        email = make(smtp=server.url)
        answer = email.send(make_message(email), make_outgoing(), transport)

    assert answer == Answer(status=250)
    assert server.mails[0].sender == "ci@example.com"


@pytest.mark.parametrize(
    ("said", "permanent"),
    [("421 busy", False), ("451 later", False), ("552 too big", True), ("554 no", True)],
)
def test_a_bad_answer(transport: Transport, said: str, permanent: bool) -> None:
    with MailServer(at_data=said) as server:
        email = make(smtp=server.url)
        with pytest.raises(DeliveryError) as caught:
            email.send(make_message(email), make_outgoing(), transport)

    assert caught.value.permanent is permanent


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"smtp": "http://u:s3cret@mail.example.com"}, "smtp: wanted smtp://user:password@host:port"),
        ({"from": "nobody"}, "'nobody' is not an e-mail address"),
        ({"to": []}, "to: wanted 1 to 50 addresses"),
        ({"to": "a@example.com\r\nBcc: b@example.com"}, "is not an e-mail address"),
        ({"unsubscribe": "javascript:x"}, "unsubscribe: wanted mailto:name@example.com or https://"),
        ({"unsubscribe": "mailto:a@example.com>\r\nBcc: b"}, "unsubscribe: wanted mailto:"),
        ({"to": ["a b@example.com"]}, "'a b@example.com' is not an e-mail address"),
    ],
)
def test_wrong_options_are_refused_without_telling_secrets(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        make(**options)

    assert problem in str(caught.value)
    assert "s3cret" not in str(caught.value)
