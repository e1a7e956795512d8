"""The JSON Schema says the same as the loader, as far as a schema can."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from relay import notifiers
from relay.config import json_schema, loader
from relay.config.meanings import MEANINGS
from relay.config.tree import plain
from relay.fields import ALL
from tests.config.kinds import NOTIFIERS

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "config"


def written(path: Path) -> Any:
    node, _ = loader.read(path.read_text(), path.name)
    assert node is not None
    return plain(node)


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json_schema(NOTIFIERS, {})


@pytest.fixture(scope="module")
def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema)


def test_it_is_a_schema_of_its_draft(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("name", ["smallest", "complete"])
def test_good_files_fit_as_they_are_written(name: str, validator: Draft202012Validator) -> None:
    found = [error.message for error in validator.iter_errors(written(FIXTURES / "good" / f"{name}.yaml"))]

    assert found == []


def test_the_example_fits_with_the_notifiers_there_are() -> None:
    validator = Draft202012Validator(json_schema(notifiers.types(), {}))

    assert [error.message for error in validator.iter_errors(written(ROOT / "config.example.yaml"))] == []


@pytest.mark.parametrize(
    "name",
    [
        "button_without_url",
        "chat_id_is_number",
        "duration_unreadable",
        "duration_without_unit",
        "flag_is_word",
        "group_without_by",
        "hook_secret_is_text",
        "ignore_status_unknown",
        "list_instead_of_file",
        "match_field_unknown",
        "match_field_unknown_in_block",
        "match_is_list",
        "match_text_is_number",
        "notifier_alias_key_missing",
        "notifier_is_text",
        "notifier_key_missing",
        "notifier_key_unknown",
        "notifier_type_missing",
        "notifier_type_unknown",
        "notifier_value_kind",
        "notify_is_mapping",
        "password_is_number",
        "person_key_unknown",
        "route_key_unknown",
        "routes_empty",
        "routes_is_mapping",
        "routes_missing",
        "section_unknown",
        "server_key_unknown",
        "state_key_empty",
        "template_key_unknown",
        "template_service_key_unknown",
        "version_missing",
        "version_unknown",
    ],
)
def test_bad_files_do_not_fit(name: str, validator: Draft202012Validator) -> None:
    assert not validator.is_valid(written(FIXTURES / "bad" / f"{name}.yaml"))


def test_an_editor_completes_every_field_that_can_be_matched(schema: dict[str, Any]) -> None:
    properties = schema["$defs"]["Match"]["properties"]

    assert properties["project.slug"]["description"].startswith("`gh/acme/api`; for some organisations")
    assert {"any", "all", "not", "failed_steps.name", "author.bot"} <= properties.keys()
    assert "failed_jobs.name" in properties
    assert "failure.class" in properties


def test_an_editor_offers_the_words_of_a_closed_set(schema: dict[str, Any]) -> None:
    choice = schema["$defs"]["Match"]["properties"]["change"]["anyOf"][0]["anyOf"][0]

    assert choice["enum"][:3] == ["first_success", "first_failure", "broke"]


def test_keys_and_options_carry_their_descriptions(schema: dict[str, Any]) -> None:
    route = schema["$defs"]["Route"]["properties"]

    assert route["stop"]["description"] == "When this route matches, the routes after it are not tried."
    assert (
        schema["$defs"]["Slack"]["properties"]["webhook"]["description"]
        == "The address of an incoming webhook."
    )


def test_defaults_are_left_out_because_a_secret_could_be_one(schema: dict[str, Any]) -> None:
    assert "'default':" not in str(schema)


def test_every_field_has_a_meaning() -> None:
    assert ALL.keys() == MEANINGS.keys()
