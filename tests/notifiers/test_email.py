"""E-mail as a mail program reads it."""

from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest
from pydantic import ValidationError

from relay.errors import DeliveryError
from relay.model import Answer
from relay.notifiers.email import SUBJECT, Email
from relay.people import PersonSpec
from relay.transport import Transport
from tests.factories import make_commit, make_event
from tests.fakes.mail import MailServer
from tests.notifiers.factories import make_broken, make_message, make_outgoing


def make(**more: Any) -> Email:
    options = {"smtp": "smtp://mail.example.com", "from": "CI <ci@example.com>", "to": ["ops@example.com"]}
    return Email.model_validate({**options, **more})


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


def test_a_good_answer(transport: Transport) -> None:
    with MailServer() as server:
        email = make(smtp=server.url)
        answer = email.send(make_message(email), make_outgoing(), transport)

    assert answer == Answer(status=250)
    assert server.mails[0].sender == "ci@example.com"


@pytest.mark.parametrize(("said", "permanent"), [("451 later", False), ("552 too big", True)])
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
        ({"to": ["a b@example.com"]}, "'a b@example.com' is not an e-mail address"),
    ],
)
def test_wrong_options_are_refused_without_telling_secrets(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        make(**options)

    assert problem in str(caught.value)
    assert "s3cret" not in str(caught.value)
