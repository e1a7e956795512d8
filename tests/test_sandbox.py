"""Templates and conditions can neither reach out nor run away, and say what is wrong with them."""

import time
from pathlib import Path
from typing import Any

import pytest

from relay.errors import TemplateError
from relay.fields import ALL, FIELDS
from relay.markup import MARKUPS
from relay.model import Author, Build, Event, FailedStep
from relay.sandbox import (
    check_template,
    compile_condition,
    compile_template,
    compile_text,
    environment,
    names_of,
)
from tests.factories import NOON, make_commit, make_event

EVENT = make_event()


def run(text: str, event: Event = EVENT, markup: str = "plain", **names: Any) -> str:
    return compile_template(text, environment(MARKUPS[markup]))({**names_of(event), **names})


def problem_of(text: str, **names: Any) -> str:
    with pytest.raises(TemplateError) as caught:
        run(text, **names)
    return str(caught.value)


# conditions


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("branch == 'main' and status == 'failed'", True),
        ("author.known and not author.bot", False),
        ("duration > 200", True),
        ("'clean' in commit.subject | lower or tag", False),
        ("branch.startswith('ma') and event == 'workflow'", True),
        ("failed_steps | length == 1 and failed_steps[0].exit_code == 2", True),
        ("'Run tests' in failed_steps.name", True),
        ("failed_steps | selectattr('exit_code', 'gt', 1) | list | length > 0", True),
        ("build.parameters.items == 'mine'", True),
        ("build.parameters['deploy to'] == 'eu'", True),
        ("build.parameters.nothing is defined", False),
        ("previous.number is none and failed_jobs | length == 0", True),
        ("failure.class == 'flaky'", False),
        ("pipeline.number % 2 == 0", True),
        ("started_at.weekday() == 0", True),
    ],
)
def test_a_condition_is_decided_by_the_event(text: str, value: bool) -> None:
    event = make_event(
        commit=make_commit(subject="Fix the login"),
        failed_steps=(FailedStep(name="Run tests", exit_code=2),),
        build=Build(parameters={"items": "mine", "deploy to": "eu"}),
    )

    assert compile_condition(text)(event) is value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("brnch == 'main'", "`brnch` is not a field, did you mean branch?"),
        ("author.knwn", "`author.knwn` is not a field, did you mean author.known?"),
        ("commit.author.nmae", "`commit.author.nmae` is not a field, did you mean commit.author.name?"),
        ("failed_steps.nam", "`failed_steps.nam` is not a field, did you mean failed_steps.name?"),
        ("author['knwn']", "`author.knwn` is not a field, did you mean author.known?"),
        ("zzz", "`zzz` is not a field"),
        ("emoji == 'x'", "`emoji` is not a field"),
        ("branch.nope()", "`branch.nope` is not a field, and a text has no nope"),
        ("status.is_bad", "`status.is_bad` is not a field, and a text has no is_bad"),
        ("branch | lowr", "there is no filter `lowr`, did you mean lower?"),
        ("branch is definde", "there is no test `definde`, did you mean defined?"),
        ("{{ branch }}", "a condition is one expression, without {{ }}"),
        ("branch ==", "unexpected 'end of template'"),
        ("branch branch", "chunk after expression"),
        ("", "unexpected 'end of template'"),
        ("2 ** 3", "** is not available in templates"),
        ("branch == '" + "x" * 20_000 + "'", "longer than 20,000 characters"),
    ],
)  # fmt: skip
def test_a_wrong_condition_is_refused_when_loaded(text: str, problem: str) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_condition(text)

    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("build.parameters.nothing == 1", "'dict object' has no attribute 'nothing'"),
        ("number > branch", "'>' not supported between instances of 'int' and 'str'"),
        ("1 / 0", "division by zero"),
        ("tag.startswith('v')", "'None' has no attribute 'startswith'"),
    ],
)
def test_a_condition_that_cannot_be_decided_says_so(text: str, problem: str) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_condition(text)(EVENT)

    assert str(caught.value) == problem


def test_every_field_of_the_schema_can_be_asked_for() -> None:
    for name in ALL:
        compile_condition(f"{name} is defined")(EVENT)


def test_every_field_of_a_webhook_is_there() -> None:
    assert all(compile_condition(f"{name} is defined")(EVENT) for name in FIELDS)


# templates, their names


def test_local_names_are_fine() -> None:
    text = "{% set who = author.name %}{% for step in failed_steps %}{{ who }} {{ step.name }}{% endfor %}"

    assert check_template(text) == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{ emojy }}", "`emojy` is not a field, did you mean emoji?"),
        (
            "{% for s in failed_steps[:3] %}{{ s.nme }}{% endfor %}",
            "`failed_steps.nme` is not a field, did you mean failed_steps.name?",
        ),
        ("{% if branch %}{{ brunch }}{% endif %}", "`brunch` is not a field, did you mean branch?"),
        ("{{ branch | truncat(3) }}", "there is no filter `truncat`, did you mean truncate?"),
        ("{% endif %}", "Encountered unknown tag 'endif'."),
        ("{% macro m() %}{% endmacro %}", "macros are not available in templates"),
        ("{% import 'x' as x %}", "imports are not available in templates"),
        (
            "{% extends 'x' %}",
            "a template cannot extend another; blocks it leaves out come from the standard one",
        ),
        ("{% for x in y recursive %}{% endfor %}", "`y` is not a field"),
        ("{% for x in [1] recursive %}{% endfor %}", "recursive loops are not available in templates"),
        ("{% include branch %}", "include wants a file name in quotes"),
        ("{% filter upper %}{% endfilter %}", "FilterBlock is not available in templates"),
        ("\n\n{{ 2 ** 3 }}", "line 3: ** is not available in templates"),
        ("x" * 20_001, "longer than 20,000 characters"),
        ("{{ " + "[" * 60 + "]" * 60 + " }}", "nested more than 50 deep"),
    ],
)  # fmt: skip
def test_a_wrong_template_is_told_when_loaded(text: str, problem: str) -> None:
    assert check_template(text) == (problem,)


def test_the_template_of_the_documentation_is_right() -> None:
    text = (
        "{{ commit.subject | truncate(120) }} by {{ author.name }}\n"
        "{% for job in failed_jobs[:5] %}- {{ job.name }}: "
        "{{ job.first_error | default('no log', true) | truncate(200) }}\n{% endfor %}"
    )
    event = make_event(notes={"failed_jobs": [{"name": "e2e", "first_error": None}]})

    assert check_template(text) == ()
    assert run(text, event) == f"{event.commit.subject} by Alice Archer\n- e2e: no log\n"


def test_all_wrong_names_are_told_at_once() -> None:
    assert len(check_template("{{ brnch }} {{ tagg }} {{ author.nam }}")) == 3


# templates, their values


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ tag }}|{{ none }}", "|"),
        ("{{ tag | default('no tag', true) }}", "no tag"),
        ("{{ 45 | duration }}, {{ 0.25 | duration }}", "45 s, 0.2 s"),
        ("{{ 7500 | duration }}, {{ 3600 | duration }}", "2 h 5 min, 1 h"),
        ("{{ 59.9 | duration }}, {{ 100000 | duration }}, {{ none | duration }}", "1 min, 1 d 3 h, "),
        ("{{ 'abcdefgh' | truncate(5) }} {{ none | truncate(5) }}", "abcd… "),
        ("{{ 1 | plural('test') }}, {{ 3 | plural('test') }}", "1 test, 3 tests"),
        ("{{ 2 | plural('story', 'stories') }}", "2 stories"),
        ("{{ commit.sha | short_sha }}", "a1b2c3d"),
        ("{{ 'a b/ü' | urlencode }}", "a%20b%2F%C3%BC"),
        ("{{ ['b', 'a', 'b'] | unique | sort | join(', ') | upper }}", "A, B"),
        ("{{ [{'n': 1}, {'n': 2}] | map(attribute='n') | join('+') }}", "1+2"),
        ("{{ 'aXbX' | replace('X', '-') }}", "a-b-"),
        ("{{ {'a': [1, none]} | tojson }}", '{"a": [1, null]}'),
        ("{{ 2.345 | round(1) }} {{ 7 * 6 }} {{ 7 % 4 }} {{ 1 + 2 }}", "2.3 42 3 3"),
        ("{{ 'a' + 'b' }} {{ 1 ~ none ~ 2 }} {{ [1] + [2] }}", "ab 12 [1, 2]"),
        ("{{ started_at | ago }}", "4 min ago"),
        ("{{ finished_at | time('%H:%M') }}", "13:00"),
        ("{% for s in none %}x{% endfor %}", ""),
        ("{% for k, v in {'a': 1} | items %}{{ k }}{{ v }}{% endfor %}", "a1"),
        ("{{ 'x' if false }}", ""),
        ("{{ 'Grüße'.upper() }}", "GRÜSSE"),
    ],
)  # fmt: skip
def test_values_are_worded(text: str, said: str) -> None:
    from zoneinfo import ZoneInfo

    assert run(text, now=NOON, timezone=ZoneInfo("Europe/Paris")) == said


def test_plain_text_is_escaped_when_put_out_and_marked_text_is_not() -> None:
    event = make_event(branch="<!here>", url="https://example.com/")

    assert run("{{ branch }} {{ link(branch, url) }}", event, "slack") == (
        "&lt;!here&gt; <https://example.com/|&lt;!here&gt;>"
    )


@pytest.mark.parametrize(
    "text", ["{{ bold('a') ~ branch }}", "{{ bold('a') + branch }}", "{{ [bold('a'), branch] | join }}"]
)
def test_joining_marked_text_escapes_the_rest(text: str) -> None:
    assert run(text, make_event(branch="<b>"), "slack") == "*a*&lt;b&gt;"


def test_marked_text_is_truncated_as_a_whole() -> None:
    assert run("{{ link('abc', 'https://example.com') | truncate(20) }}", EVENT, "slack") == "…"


# traps

THOUSAND = "{% for n in range(1000) %}"
HOSTILE = [
    "{{ 'a' * 300000000 }}",
    "{{ [1] * 300000000 }}",
    "{{ '%900000000d' % 1 }}",
    "{{ '%900000000d' | format(1) }}",
    "{{ 'a'.center(300000000) }}",
    "{{ 'a'.ljust(300000000) }}",
    "{{ 'a'.zfill(300000000) }}",
    "{{ 'a'.expandtabs(300000000) }}",
    "{{ '{:900000000}'.format(1) }}",
    "{{ 'a' | center(300000000) }}",
    "{{ 'a' | indent(300000000) }}",
    "{{ 'a' | wordwrap(1, wrapstring='b') }}",
    "{{ 'ab' | batch(3, 'x') }}",
    "{{ 9 ** 999999999 }}",
    "{{ 5 | round(-999999999) }}",
    "{{ started_at | time('%999999999d') }}",
    "{{ started_at.strftime('%999999999d') }}",
    "{{ range(1000000000) | list }}",
    "{{ range(1000000000) | length }}",
    THOUSAND + THOUSAND + THOUSAND + "{% endfor %}" * 3,
    THOUSAND + THOUSAND + "{% if loop.last %}{{ 'a' | length }}{% endif %}" + "{% endfor %}" * 2,
    THOUSAND + "x" * 10_000 + "{% endfor %}",
    "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x ~ x %}" * 40 + "{{ x | length }}",
    "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x + x %}" * 40 + "{{ x | length }}",
    "{% set x = [1, 2] %}" + "{% set x = x + x %}" * 40 + "{{ x | length }}",
    "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x | replace('a', x) %}" * 10 + "{{ x | length }}",
    "{% set x = range(1000) | list %}" + "{% set x = x | join(x | join) %}" * 3 + "{{ x | length }}",
    "{% set x = [1] %}{% set y = [1] %}" + "{% set x = [x, x] %}{% set y = [y, y] %}" * 25 + "{{ x == y }}",
    "{% set x = {'a': 1} %}" + "{% set x = {'a': x, 'b': x} %}" * 25 + "{{ x }}",
    "{% set x = 'aaaaaaaaaaaaaaaa' %}" + "{% set x = x ~ x %}" * 13 + "{{ [" + "x," * 2000 + "] }}",
    "{% set n = 99999999999 %}" + "{% set n = n * n %}" * 30 + "{{ n }}",
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{ " + "-" * 5000 + "1 }}",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:40])
def test_a_template_that_takes_too_much_is_stopped_at_once(text: str) -> None:
    start = time.process_time()

    problem_of(text)

    assert time.process_time() - start < 1.0


def test_work_is_counted_the_same_each_time() -> None:
    text = "{% for a in range(1000) %}{% for b in range(N) %}{{ '' }}{% endfor %}{% endfor %}ok"

    assert run(text.replace("N", "30")) == "ok"
    assert problem_of(text.replace("N", "100")) == "the template does too much work"


def test_one_template_leaves_the_next_all_its_work() -> None:
    text = "{% for a in range(1000) %}{% for b in range(30) %}{{ '' }}{% endfor %}{% endfor %}ok"

    assert [run(text) for _ in range(5)] == ["ok"] * 5


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__ }}", "{{ ''['__class__'] }}", "{{ [].__class__ }}", "{{ range.__globals__ }}",
        "{{ link.__func__ }}", "{{ link.__self__ }}", "{{ self.__init__ }}", "{{ author.__class__ }}",
        "{{ author['__dict__'] }}", "{{ names[0]['__class__'] }}", "{{ '' | attr('__class__') }}",
        "{{ ['a'] | map(attribute='__class__') | join }}", "{{ lipsum }}", "{{ namespace() }}",
        "{{ environ }}", "{{ config }}", "{{ '' | safe }}", "{{ 'x'.join(['a']) }}", "{{ status.is_bad }}",
        "{{ author.name.encode() }}", "{{ loop }}", "{{ context }}", "{{ environment }}", "{{ caller() }}",
        "{{ [1].append(2) }}", "{{ {}.update({}) }}", "{{ started_at.tzinfo }}", "{{ (1).real }}",
    ],
)  # fmt: skip
def test_nothing_but_fields_can_be_reached(text: str) -> None:
    assert problem_of(text)


def test_keys_of_mappings_hide_their_methods() -> None:
    event = make_event(build=Build(parameters={"items": "key", "keys": "other"}))

    assert run("{{ build.parameters.items }} {{ build.parameters.keys }}", event) == "key other"
    assert problem_of("{{ build.parameters.values }}") == "'dict object' has no attribute 'values'"


def test_text_of_a_stranger_is_not_a_template() -> None:
    assert run("{{ author.name }}", make_event(author=Author(name="{{ 7 * 7 }}"))) == "{{ 7 * 7 }}"


# files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "messages"
    inside.mkdir()
    (inside / "part.j2").write_text("part of {{ branch }}")
    (inside / "again.j2").write_text("x{% include 'again.j2' %}{% include 'again.j2' %}")
    (tmp_path / "outside.j2").write_text("outside")
    return inside


def run_in(folder: Path, text: str) -> str:
    return compile_template(text, environment(MARKUPS["plain"], [folder]))(names_of(EVENT))


def test_a_template_may_include_a_file_of_its_folder(folder: Path) -> None:
    assert run_in(folder, "{% include 'part.j2' %}!") == "part of main!"


@pytest.mark.parametrize("name", ["../outside.j2", "/etc/hostname", "nothing.j2"])
def test_other_files_cannot_be_included(folder: Path, name: str) -> None:
    with pytest.raises(TemplateError):
        run_in(folder, f"{{% include '{name}' %}}")


def test_a_file_that_includes_itself_is_stopped(folder: Path) -> None:
    with pytest.raises(TemplateError, match="the template does too much work"):
        run_in(folder, "{% include 'again.j2' %}")


# texts that no service shows


def test_a_key_is_made_without_escaping() -> None:
    key = compile_text("{{ project.slug }} {{ branch }}")

    assert key(make_event(branch="a&<b>")) == "gh/acme/api a&<b>"


def test_a_key_with_a_wrong_name_is_refused() -> None:
    with pytest.raises(TemplateError, match=r"`project\.slog` is not a field"):
        compile_text("{{ project.slog }}")
