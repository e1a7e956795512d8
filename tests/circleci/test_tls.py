"""Certificates are checked, by the configured authorities where there are any."""

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from relay.circleci.connection import Connection
from relay.circleci.errors import Unreachable
from relay.circleci.facade import CircleCI
from relay.circleci.http import Http

TLS = Path(__file__).parents[1] / "fixtures" / "tls"  # self-signed for localhost, of no use elsewhere


class _Quiet(HTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not like the certificate goes away."""


class _Me(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"login": "alice"}')

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def https_url() -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "localhost.crt", TLS / "localhost.key")
    listener = _Quiet(("127.0.0.1", 0), _Me)
    listener.socket = context.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"https://127.0.0.1:{listener.server_port}"
    listener.shutdown()
    listener.server_close()


def test_an_unknown_certificate_is_refused_at_once(https_url: str) -> None:
    circle = CircleCI(Http(Connection(base_url=https_url)))

    with pytest.raises(Unreachable, match=r"TLS failed: self.signed certificate") as raised:
        circle.v1_1.retry("acme/api", 1)
    circle.close()

    assert raised.value.lasting
    assert not raised.value.sent


def test_the_configured_bundle_is_used_before_the_environments(
    https_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    circle = CircleCI(Http(Connection(base_url=https_url, ca_bundle=str(TLS / "localhost.crt"))))

    assert circle.v2.me().login == "alice"
    circle.close()
