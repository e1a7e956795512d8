"""One fault per file, named by the file; the exact message stands in its first lines."""

from pathlib import Path

import pytest

from relay.config import load_text
from relay.errors import ConfigError
from tests.config.kinds import ACTIONS, ENVIRON, NOTIFIERS

FOLDER = Path(__file__).parents[1] / "fixtures" / "config" / "bad"
MARK = "# expect: "


def messages(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_text(text, "relay.yaml", NOTIFIERS, ACTIONS, ENVIRON)
    return [str(fault).removeprefix("relay.yaml:") for fault in caught.value.faults]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_bad_file_is_refused_with_exactly_this_message(path: Path) -> None:
    text = path.read_text()
    expected = [line.removeprefix(MARK) for line in text.splitlines() if line.startswith(MARK)]

    assert messages(text) == expected


def test_a_fault_never_repeats_a_value_from_the_environment() -> None:
    text = """
version: 1
server: { public_url: "${WRONG}", bind: "${WRONG}", insecure: "${WRONG}" }
defaults: { timezone: "${WRONG}", dedupe: "${WRONG}", template: "${WRONG}", state: { key: ["${WRONG}"] } }
people: { team: { members: ["${WRONG}"] } }
notifiers:
  console: { type: "${WRONG}" }
  mail: { type: email, from: "a", to: [b], port: "${WRONG}", style: "${WRONG}" }
  slack: { type: slack, webhook: "${WRONG}" }
templates: { standard: { title: "{{ ${WRONG} }}" } }
routes:
  - name: "+${WRONG}"
    match: { branch: "/${WRONG}(/", status: "${WRONG}" }
    when: "${WRONG}"
    notify: ["${WRONG}", "dm:${WRONG}"]
    mention: ["${WRONG}"]
    template: "${WRONG}"
"""

    found = messages(text)

    assert len(found) >= 18
    assert not [message for message in found if "hunter2" in message]
