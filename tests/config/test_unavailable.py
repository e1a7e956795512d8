"""What is not there yet is refused, never ignored."""

import pytest

from relay.config import load_text
from relay.config.unavailable import NOT_YET
from relay.errors import ConfigError
from tests.config.kinds import ACTIONS, NOTIFIERS

CHILD = "routes: [{notify: console, routes: [{match: {change: broke}, %s}]}]"
ROUTES = "routes: [{notify: console}]"


def file_with(entry: str) -> str:
    """The smallest file that uses an entry of the table."""
    section, _, rest = entry.partition(".")
    key, _, value = rest.partition("=")
    notifier, routes, top = "", ROUTES, ""
    if section == "notifiers":
        notifier = f", {key}: {value or 'x'}"
    elif section == "actions":
        top = f"actions: {{again: {{type: again, {key}: x}}}}\n"
    elif section == "routes":
        routes = CHILD % f"{key}: x"
    elif section == "fields":
        routes = f"routes: [{{match: {{not: [{{{key}.x: y}}]}}, notify: console}}]"
    elif entry.startswith("notify="):
        routes = f'routes: [{{notify: "{entry.removeprefix("notify=")}author"}}]'
    else:
        top = f"{entry}: {{}}\n"
    return f"version: 1\nnotifiers: {{console: {{type: console{notifier}}}}}\n{top}{routes}\n"


@pytest.mark.parametrize("entry", sorted(NOT_YET))
def test_each_entry_of_the_table_is_refused(entry: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(file_with(entry), "relay.yaml", NOTIFIERS, ACTIONS, {})

    problems = [fault.problem for fault in caught.value.faults]
    assert any(problem.endswith("is not available in this release yet; remove it") for problem in problems)


@pytest.mark.parametrize("entry", sorted(entry for entry in NOT_YET if not entry.startswith("fields.")))
def test_what_is_not_there_gives_no_other_fault(entry: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(file_with(entry), "relay.yaml", NOTIFIERS, ACTIONS, {})

    assert len(caught.value.faults) == 1
