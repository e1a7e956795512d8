"""The outbound edge, against real servers on the loopback."""

import io
import socket
import threading
import time
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest

from relay.errors import DeliveryError
from relay.model import ANSWER_LIMIT, Answer
from relay.secret import Secret
from relay.transport import Reply, Transport
from relay.transport.addresses import addresses_of, is_public
from relay.transport.mail import parse_server
from tests.factories import NOON
from tests.fakes.mail import MailServer
from tests.fakes.sink import Play, Sink, elapsed_since
from tests.fakes.tls import CERTIFICATE, client_context

TOKEN = "xoxb-123456-very-secret"


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = Transport(clock=lambda: NOON)
    yield made
    made.close()


def post(transport: Transport, sink: Sink, path: str = "/hook", **options: Any) -> Answer:
    return transport.post(f"{sink.url}{path}", **{"json": {"a": 1}, "allow_private": True, **options})


def error_of(transport: Transport, play: Play, **options: Any) -> DeliveryError:
    with Sink(play) as sink, pytest.raises(DeliveryError) as caught:
        post(transport, sink, **options)
    return caught.value


def test_json_is_sent_as_utf8(transport: Transport) -> None:
    with Sink() as sink:
        post(transport, sink, json={"text": "grün 🟢"})

    assert sink.requests[0].body == '{"text":"grün 🟢"}'.encode()
    assert sink.requests[0].headers["Content-Type"] == "application/json; charset=utf-8"


def test_half_a_surrogate_pair_does_not_stop_a_request(transport: Transport) -> None:
    with Sink() as sink:
        post(transport, sink, json={"text": "bad \ud800"})

    assert sink.requests[0].json() == {"text": "bad ?"}


def test_a_good_answer_is_kept_short_and_harmless(transport: Transport) -> None:
    with Sink(Play(status=201, body=b"made\x1b[31m\n" + b"x" * 5000)) as sink:
        answer = post(transport, sink)

    assert answer.status == 201
    assert answer.excerpt == ("made␛[31m " + "x" * 5000)[:ANSWER_LIMIT]


def test_connections_are_reused(transport: Transport) -> None:
    with Sink() as sink:
        post(transport, sink)
        post(transport, sink)

    assert len({request.connection for request in sink.requests}) == 1


def test_cookies_are_not_kept(transport: Transport) -> None:
    with Sink(Play(headers={"Set-Cookie": "session=1"})) as sink:
        post(transport, sink)
        post(transport, sink)

    assert "Cookie" not in sink.requests[1].headers


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 422])
def test_a_refusal_is_permanent(transport: Transport, status: int) -> None:
    error = error_of(transport, Play(status=status, body=b"no"))

    assert (error.permanent, error.status, error.excerpt) == (True, status, "no")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 529])
def test_a_hiccup_is_temporary(transport: Transport, status: int) -> None:
    error = error_of(transport, Play(status=status))

    assert (error.permanent, error.status) == (False, status)


def test_a_redirect_is_not_followed_and_permanent(transport: Transport) -> None:
    error = error_of(transport, Play(status=307, headers={"Location": "/elsewhere"}))

    assert (str(error), error.permanent) == ("HTTP 307: redirects are not followed", True)


@pytest.mark.parametrize(
    ("headers", "body", "wait"),
    [
        ({"Retry-After": "30"}, b"", 30.0),
        ({"Retry-After": "0.75"}, b"", 0.75),
        ({"Retry-After": "Mon, 23 Nov 2026 12:01:30 GMT"}, b"", 90.0),
        ({"Retry-After": "Mon, 23 Nov 2026 11:00:00 GMT"}, b"", 0.0),
        ({"Retry-After": "soon"}, b"", None),
        ({"Retry-After": "nan"}, b"", None),
        ({"Retry-After": "-5"}, b"", 0.0),
        ({}, b'{"retry_after": 1.337, "global": false}', 1.337),
        ({}, b'{"parameters": {"retry_after": 17}}', 17.0),
        ({}, b'{"retry_after_ms": 2500}', 2.5),
        ({}, b'{"retry_after": true}', None),
        ({}, b"[]", None),
        ({}, b"", None),
    ],
    ids=[
        "seconds", "fraction", "date", "past date", "word", "nan", "negative",
        "discord", "telegram", "matrix", "bool", "list", "nothing",
    ],
)  # fmt: skip
def test_a_wait_that_is_asked_for_is_understood(
    transport: Transport, headers: dict[str, str], body: bytes, wait: float | None
) -> None:
    assert error_of(transport, Play(status=429, headers=headers, body=body)).retry_after == wait


def test_a_refused_connection_is_temporary_and_names_only_the_host(transport: Transport) -> None:
    with Sink() as sink:
        url = sink.url

    with pytest.raises(DeliveryError) as caught:
        transport.post(f"{url}/services/{TOKEN}", json={}, allow_private=True)

    assert str(caught.value) == "http://127.0.0.1: connection refused"
    assert not caught.value.permanent


def test_a_cut_connection_is_temporary(transport: Transport) -> None:
    error = error_of(transport, Play(cut=True))

    assert (str(error), error.permanent) == ("http://127.0.0.1: the connection was cut", False)


def test_a_body_shorter_than_announced_is_temporary(transport: Transport) -> None:
    error = error_of(
        transport, Play(headers={"Content-Length": "100", "Connection": "close"}, body=b"x"), timeout=0.3
    )

    assert not error.permanent


def test_a_silent_server_is_given_up_in_time(transport: Transport) -> None:
    start = time.monotonic()

    error = error_of(transport, Play(wait=5.0), timeout=0.3)

    assert (str(error), error.permanent) == ("http://127.0.0.1: no answer within 0.3 s", False)
    assert elapsed_since(start) < 2


@pytest.mark.parametrize("body", [b"", b"x" * 1000], ids=["headers", "body"])
def test_a_server_that_drips_is_given_up_in_time(transport: Transport, body: bytes) -> None:
    start = time.monotonic()
    headers = {"Content-Length": str(len(body))} if body else {f"X-{n}": "x" * 50 for n in range(50)}

    error = error_of(transport, Play(drip=0.02, headers=headers, body=body), timeout=0.5)

    assert str(error) == "http://127.0.0.1: no answer within 0.5 s"
    assert elapsed_since(start) < 2


def test_an_endless_answer_is_cut_off(transport: Transport) -> None:
    with Sink(Play(body=b"y" * 10_000_000)) as sink:
        answer = post(transport, sink)

    assert answer.excerpt == "y" * ANSWER_LIMIT


def test_a_judge_may_read_the_answer(transport: Transport) -> None:
    def judge(reply: Reply) -> Answer:
        return Answer(status=reply.status, receipt={"ts": reply.json()["ts"]})

    with Sink(Play(body=b'{"ts": "12.5"}')) as sink:
        assert post(transport, sink, judge=judge).receipt == {"ts": "12.5"}


def test_secrets_of_url_and_headers_are_masked_in_what_the_server_says(transport: Transport) -> None:
    said = f"unknown hook /services/T0/{TOKEN}, key s3cr3t-key".encode()
    with Sink(Play(status=404, body=said)) as sink, pytest.raises(DeliveryError) as caught:
        transport.post(
            Secret(f"{sink.url}/services/T0/{TOKEN}"),
            json={},
            headers={"Authorization": Secret("s3cr3t-key")},
            allow_private=True,
        )

    assert caught.value.excerpt == "unknown hook ***, key ***"
    assert sink.requests[0].headers["Authorization"] == "s3cr3t-key"


@pytest.mark.parametrize(
    "url", ["ftp://example.com", "example.com/x", "http://", "http://[::1", "javascript:x"]
)
def test_only_web_addresses_are_tried(transport: Transport, url: str) -> None:
    with pytest.raises(DeliveryError, match="the URL is not one of http or https") as caught:
        transport.post(url, json={})

    assert caught.value.permanent


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "LOCALHOST.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "10.1.2.3",
        "169.254.169.254",
        "127.1",
    ],
)
def test_the_relays_own_network_is_refused(transport: Transport, host: str) -> None:
    with Sink() as sink, pytest.raises(DeliveryError, match="a private address; set allow_private") as caught:
        transport.post(f"http://{host}:{sink.port}/", json={})

    assert caught.value.permanent
    assert sink.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1", "ff02::1", "::ffff:10.0.0.1",
        "2002:7f00:1::", "64:ff9b::7f00:1", "not an address",
    ],
)  # fmt: skip
def test_private_addresses_are_known(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_public_addresses_are_known(address: str) -> None:
    assert is_public(address)


def found(*addresses: str) -> list[Any]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in addresses]


def test_of_several_addresses_only_public_ones_are_used() -> None:
    assert addresses_of("hook", 80, False, lambda *_: found("10.0.0.1", "8.8.8.8")) == ("8.8.8.8",)


def test_a_name_that_leads_inside_is_refused() -> None:
    made = Transport(look_up=lambda *_: found("127.0.0.1"))
    with Sink() as sink, pytest.raises(DeliveryError, match=r"hook\.example\.com is a private address"):
        made.post(f"http://hook.example.com:{sink.port}/", json={})
    made.close()

    assert sink.requests == []


def test_a_name_is_looked_up_once_and_its_answer_used() -> None:
    asked: list[str] = []

    def look_up(host: str, port: int) -> list[Any]:
        asked.append(host)
        return found("127.0.0.1")

    made = Transport(look_up=look_up)
    with Sink() as sink:
        made.post(f"http://hook.example.com:{sink.port}/", json={}, allow_private=True)
        made.close()

    assert asked == ["hook.example.com"]
    assert sink.requests[0].headers["Host"] == f"hook.example.com:{sink.port}"


def test_an_unknown_name_is_temporary() -> None:
    def look_up(host: str, port: int) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    made = Transport(look_up=look_up)
    with pytest.raises(DeliveryError) as caught:
        made.post("http://hook.example.com/secret-path", json={})
    made.close()

    assert str(caught.value) == "http://hook.example.com: name or service not known"
    assert not caught.value.permanent


def to_the_sink(host: str, port: int) -> list[Any]:
    return found("127.0.0.1")


def test_https_checks_the_name_and_not_the_address_it_connects_to() -> None:
    made = Transport(look_up=to_the_sink)
    with Sink(secure=True) as sink:
        url = f"https://hook.example.com:{sink.port}/"
        answer = made.post(url, json={}, allow_private=True, verify=str(CERTIFICATE))
        made.close()

    assert answer.status == 200


@pytest.mark.parametrize(
    ("host", "verify", "problem"),
    [
        ("hook.example.com", True, "the certificate is not valid: "),
        ("other.example.com", str(CERTIFICATE), "the certificate is not valid: Hostname mismatch"),
    ],
)
def test_a_certificate_that_is_not_valid_is_temporary(host: str, verify: bool | str, problem: str) -> None:
    made = Transport(look_up=to_the_sink)
    with Sink(secure=True) as sink:
        with pytest.raises(DeliveryError) as caught:
            made.post(f"https://{host}:{sink.port}/s3cret", json={}, allow_private=True, verify=verify)
        made.close()

    assert str(caught.value).startswith(f"https://{host}: {problem}")
    assert "s3cret" not in str(caught.value)
    assert not caught.value.permanent
    assert sink.requests == []


def test_a_proxy_from_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with Sink() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        made = Transport()
        made.post("http://hook.example.com/x", json={})
        made.close()

    assert proxy.requests[0].path == "http://hook.example.com/x"


def test_a_server_that_drips_through_a_proxy_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    start = time.monotonic()
    with Sink(Play(drip=0.02, body=b"x" * 1000)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        made = Transport()
        with pytest.raises(DeliveryError, match=r"no answer within 0\.5 s"):
            made.post("http://hook.example.com/x", json={}, timeout=0.5)
        made.close()

    assert elapsed_since(start) < 2


def test_threads_share_a_transport(transport: Transport) -> None:
    with Sink() as sink:
        threads = [threading.Thread(target=post, args=(transport, sink, f"/{n}")) for n in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(request.path for request in sink.requests) == sorted(f"/{n}" for n in range(12))


def test_what_is_shown_is_printed_on_lines_of_its_own() -> None:
    stream = io.StringIO()

    Transport(stream=stream).show("one\ntwo")

    assert stream.getvalue() == "one\ntwo\n"


# mail


def make_mail(*recipients: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "ci@example.com"
    message["To"] = ", ".join(recipients or ("alice@example.com",))
    message["Subject"] = "api broke"
    message.set_content("Grüße")
    return message


def mail_error(transport: Transport, server: MailServer, *recipients: str) -> DeliveryError:
    with server, pytest.raises(DeliveryError) as caught:
        transport.mail(Secret(server.url), make_mail(*recipients))
    return caught.value


def test_mail_is_handed_in(transport: Transport) -> None:
    with MailServer() as server:
        answer = transport.mail(Secret(server.url), make_mail("alice@example.com", "bob@example.com"))

    assert answer == Answer(status=250)
    assert server.mails[0].recipients == ("alice@example.com", "bob@example.com")
    assert server.mails[0].parsed()["Subject"] == "api broke"


def test_mail_is_handed_in_with_a_password(transport: Transport) -> None:
    with MailServer(login=("ci", "p@ss/word")) as server:
        transport.mail(Secret(f"smtp://ci:p%40ss%2Fword@127.0.0.1:{server.port}"), make_mail())

    assert len(server.mails) == 1


@pytest.mark.parametrize(
    ("tls", "url"),
    [
        ("starttls", "smtp://ci:right@localhost:{}?starttls"),
        ("from the start", "smtps://ci:right@localhost:{}"),
    ],
)
def test_mail_is_handed_in_over_tls(tls: str, url: str) -> None:
    made = Transport(tls=client_context)
    with MailServer(tls=tls, login=("ci", "right")) as server:
        made.mail(Secret(url.format(server.port)), make_mail())

    assert len(server.mails) == 1


def test_a_mail_server_nobody_vouches_for_gets_no_password(transport: Transport) -> None:
    with MailServer(tls="from the start") as server, pytest.raises(DeliveryError) as caught:
        transport.mail(Secret(f"smtps://ci:right@localhost:{server.port}"), make_mail())

    assert "certificate verify failed" in str(caught.value)
    assert server.mails == []


def test_a_wrong_password_is_permanent_and_not_told(transport: Transport) -> None:
    with MailServer(login=("ci", "right")) as server, pytest.raises(DeliveryError) as caught:
        transport.mail(Secret(f"smtp://ci:wrong-password@127.0.0.1:{server.port}"), make_mail())

    assert (caught.value.permanent, caught.value.status) == (True, 535)
    assert "wrong-password" not in str(caught.value) + caught.value.excerpt


@pytest.mark.parametrize(
    ("said", "permanent"),
    [("421 closing", False), ("450 busy", False), ("452 full", False), ("550 spam", True), ("554 no", True)],
)
def test_an_answer_to_a_mail_decides_by_its_first_digit(
    transport: Transport, said: str, permanent: bool
) -> None:
    error = mail_error(transport, MailServer(at_data=said))

    assert (str(error), error.permanent) == (f"SMTP {said[:3]}: {said[4:]}", permanent)


def test_a_recipient_who_is_refused_is_reported(transport: Transport) -> None:
    with MailServer(refuse={"bob@example.com": "550 unknown user"}) as server:
        answer = transport.mail(Secret(server.url), make_mail("alice@example.com", "bob@example.com"))

    assert answer.excerpt == "not accepted for 1 of 2 recipients: bob@example.com: 550 unknown user"
    assert server.mails[0].recipients == ("alice@example.com",)


def test_when_all_recipients_are_refused_it_is_permanent(transport: Transport) -> None:
    error = mail_error(transport, MailServer(refuse={"alice@example.com": "550 unknown user"}))

    assert (str(error), error.permanent) == ("SMTP 550: unknown user (alice@example.com)", True)


def test_when_one_of_the_refused_may_be_accepted_later_it_is_temporary(transport: Transport) -> None:
    refuse = {"alice@example.com": "550 unknown user", "bob@example.com": "450 greylisted"}

    error = mail_error(transport, MailServer(refuse=refuse), "alice@example.com", "bob@example.com")

    assert (str(error), error.permanent) == ("SMTP 450: greylisted (bob@example.com)", False)


def test_a_mail_server_without_starttls_is_not_trusted_with_less(transport: Transport) -> None:
    with MailServer() as server, pytest.raises(DeliveryError, match="STARTTLS") as caught:
        transport.mail(Secret(f"{server.url}?starttls"), make_mail())

    assert caught.value.permanent
    assert server.mails == []


def test_no_mail_server_is_temporary(transport: Transport) -> None:
    with Sink() as sink:
        port = sink.port

    with pytest.raises(DeliveryError, match=f"smtp://127.0.0.1:{port}: Connection refused") as caught:
        transport.mail(Secret(f"smtp://u:password@127.0.0.1:{port}"), make_mail())

    assert not caught.value.permanent


def test_a_mail_server_that_drips_is_given_up_in_time(transport: Transport) -> None:
    start = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,))
        thread.start()
        with pytest.raises(DeliveryError, match=r"no answer within 0\.4 s"):
            transport.mail(Secret(f"smtp://127.0.0.1:{listening.getsockname()[1]}"), make_mail(), timeout=0.4)
        thread.join()

    assert elapsed_since(start) < 2


def drip(listening: socket.socket) -> None:
    """Greets one client, a letter at a time, until it is gone."""
    client, _ = listening.accept()
    with client:
        try:
            for _ in range(500):
                client.sendall(b"2")
                time.sleep(0.02)
        except OSError:
            return


@pytest.mark.parametrize(
    ("url", "host", "port", "tls"),
    [
        ("smtp://mail.example.com", "mail.example.com", 25, "none"),
        ("smtp://mail.example.com?starttls", "mail.example.com", 587, "starttls"),
        ("smtp://u:p@mail.example.com:2525?starttls", "mail.example.com", 2525, "starttls"),
        ("smtps://mail.example.com", "mail.example.com", 465, "from the start"),
    ],
)
def test_mail_server_urls_are_read(url: str, host: str, port: int, tls: str) -> None:
    server = parse_server(Secret(url))

    assert (server.host, server.port, server.tls) == (host, port, tls)


@pytest.mark.parametrize("url", ["http://h", "smtp://", "smtp://h:x", "smtp://h?tls=no", "mail.example.com"])
def test_other_mail_server_urls_are_refused_without_being_told(url: str) -> None:
    with pytest.raises(ValueError, match=r"^wanted smtp://user:password@host:port"):
        parse_server(Secret(url))
