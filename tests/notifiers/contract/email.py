"""E-mail: RFC 5321 (SMTP), RFC 5322 (headers), and what Gmail shows."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage

from tests.fakes.sink import Request
from tests.notifiers.contract import reading
from tests.notifiers.contract.contract import Contract, Reading, Refusal, Verdict, in_bytes, over

ELEMENTS = ("html", "body", "div", "h3", "p", "a", "b", "code", "pre", "br", "table", "tr", "td")
ONCE = ("From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "List-Id")


def parsed(request: Request) -> EmailMessage:
    return message_from_bytes(request.body, policy=policy.default)


def part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content())


def read(request: Request) -> Reading:
    mail = parsed(request)
    seen = reading.html(part(mail, "html"), ELEMENTS)
    copies = [name for name in ("Bcc", "Cc") if mail[name]]
    twice = [name for name in ONCE if len(mail.get_all(name, [])) != 1]
    others = [] if request.path == "ops@example.com" else [f"sent to {request.path}"]
    return Reading(links=seen.links, broken=(*seen.broken, *copies, *twice, *others))


def faults(request: Request) -> Iterator[str]:
    mail = parsed(request)
    yield from over("subject", str(mail["Subject"]), 200)
    yield from over("html", part(mail, "html"), 100_000, in_bytes)
    yield from over("text", part(mail, "plain"), 100_000, in_bytes)
    for line in request.body.splitlines():
        yield from over("line", line, 998)


def said(text: str, verdict: Verdict) -> Refusal:
    return Refusal(name=text, said=text, verdict=verdict)


CONTRACTS = (
    Contract(
        name="smtp",
        options=lambda url: {"smtp": url, "from": "ci@example.com", "to": "ops@example.com"},
        read=read,
        faults=faults,
        over="mail",
        threads=True,
        refusals=(
            said("421 closing", Verdict.TEMPORARY),
            said("450 mailbox busy", Verdict.TEMPORARY),
            said("451 local error", Verdict.TEMPORARY),
            said("452 no storage", Verdict.TEMPORARY),
            said("535 authentication failed", Verdict.DEAD),
            said("550 no such mailbox", Verdict.PERMANENT),
            said("552 too large", Verdict.PERMANENT),
            said("554 refused", Verdict.PERMANENT),
        ),
    ),
)
