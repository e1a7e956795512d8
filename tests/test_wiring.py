"""From a configuration to the parts."""

from pathlib import Path

from relay import wiring
from tests.relays import make_relay

TEXT = """\
version: 1
circleci:
  url: https://ci.example.com
  token: s3cret
  ca_bundle: /etc/ssl/ours.pem
  proxy: http://proxy.example.com:3128
notifiers: { console: { type: console } }
routes: [{ notify: console }]
"""


def test_the_way_to_circleci_is_that_of_the_configuration(tmp_path: Path) -> None:
    connection = wiring.connection_of(make_relay(tmp_path, TEXT).config)

    assert (connection.root, connection.ca_bundle) == ("https://ci.example.com", "/etc/ssl/ours.pem")
    assert connection.proxies == {
        "http": "http://proxy.example.com:3128",
        "https": "http://proxy.example.com:3128",
    }
