"""Values that never print, and the mask for texts that may hold one."""

import copy
import json
import pickle

import pytest
from pydantic import BaseModel, ValidationError

from relay.secret import Masker, Secret

VALUE = "correct-horse"


class Model(BaseModel):
    token: Secret


@pytest.mark.parametrize(
    "printed",
    [
        str(Secret(VALUE)),
        repr(Secret(VALUE)),
        f"{Secret(VALUE)}",
        f"{Secret(VALUE)!r:>5}".strip(),
        f"{Secret(VALUE):s}",
        "%s" % Secret(VALUE),  # noqa: UP031 - one more way to print
    ],
    ids=["str", "repr", "format", "repr in a width", "format with a spec", "percent"],
)
def test_a_secret_prints_as_stars(printed: str) -> None:
    assert printed == "***"


def test_only_reveal_tells_the_value() -> None:
    assert Secret(VALUE).reveal() == VALUE


def test_a_secret_inside_other_values_prints_as_stars() -> None:
    assert str({"token": Secret(VALUE), "all": [Secret(VALUE)]}) == "{'token': ***, 'all': [***]}"


def test_an_empty_secret_is_false() -> None:
    assert (bool(Secret("")), bool(Secret(VALUE))) == (False, True)


def test_secrets_are_equal_by_value() -> None:
    assert Secret(VALUE) == Secret(VALUE) != Secret("another")
    assert len({Secret(VALUE), Secret(VALUE)}) == 1


def test_a_secret_is_not_its_value() -> None:
    assert Secret(VALUE) != VALUE


@pytest.mark.parametrize("leak", [pickle.dumps, copy.deepcopy, copy.copy])
def test_a_secret_is_not_copied_out(leak: object) -> None:
    with pytest.raises(TypeError, match="a Secret is not pickled"):
        leak(Secret(VALUE))  # type: ignore[operator]  # one of the three above


def test_a_secret_is_not_json() -> None:
    with pytest.raises(TypeError):
        json.dumps({"token": Secret(VALUE)})


def test_a_model_reads_a_secret_from_text_and_writes_stars() -> None:
    model = Model.model_validate({"token": VALUE})

    assert model.token.reveal() == VALUE
    assert (repr(model), model.model_dump_json()) == ("Model(token=***)", '{"token":"***"}')


def test_a_model_takes_a_secret_as_it_is() -> None:
    assert Model(token=Secret(VALUE)).token == Secret(VALUE)


def test_a_model_refuses_what_is_no_text() -> None:
    with pytest.raises(ValidationError, match="wanted a text"):
        Model.model_validate({"token": 1234})


def test_the_schema_of_a_secret_is_a_text() -> None:
    assert Model.model_json_schema()["properties"]["token"]["type"] == "string"


def test_a_mask_hides_each_secret_wherever_it_stands() -> None:
    mask = Masker([VALUE, "battery-staple"])

    assert mask("a correct-horse and a battery-staple, correct-horses") == "a *** and a ***, ***s"


def test_of_two_secrets_the_longer_is_hidden_first() -> None:
    assert Masker(["horse", "correct-horse"])("correct-horse") == "***"


def test_what_a_pattern_would_mean_is_taken_literally() -> None:
    assert Masker(["a.c*d"])("abcd a.c*d") == "abcd ***"


@pytest.mark.parametrize("value", ["", "ab", "abc"])
def test_values_too_short_to_be_secrets_are_left(value: str) -> None:
    assert Masker([value])("abc ab") == "abc ab"


def test_a_mask_of_nothing_changes_nothing() -> None:
    assert Masker()("as it is") == "as it is"


def test_a_mask_does_not_print_what_it_hides() -> None:
    assert VALUE not in repr(Masker([VALUE]))
