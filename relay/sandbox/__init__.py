"""Templates and conditions from the configuration, run where they can neither reach out nor run away."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Template, nodes
from jinja2.parser import Parser
from jinja2.runtime import Context

from relay.errors import TemplateError
from relay.model import Event
from relay.sandbox.environment import RENDER_ERRORS, Environment, Speaks, put_out, reason
from relay.sandbox.limits import MAX_SOURCE, metered
from relay.sandbox.names import WORDS, fields_in, names_of, problems_of

__all__ = [
    "WORDS",
    "AsIs",
    "Environment",
    "Program",
    "check_template",
    "compile_condition",
    "compile_template",
    "compile_text",
    "environment",
    "fields_of_condition",
    "names_of",
    "put_out",
    "template_problems",
]


class Unmarked(str):
    """Never made: text that is not shown needs no markup."""

    __slots__ = ()


class AsIs:
    """For conditions, keys and addresses, which no service shows: nothing is escaped."""

    marked: type[str] = Unmarked

    def text(self, value: object) -> str:
        return "" if value is None else str(value)

    def json(self, value: Any) -> str:
        raise TemplateError("tojson is for message templates")

    def cut(self, text: str, limit: int) -> str:
        return text[:limit]

    def functions(self) -> Mapping[str, Callable[..., str]]:
        return dict.fromkeys(("bold", "code", "code_block", "link"), _not_here)


def _not_here(*_args: object) -> str:
    raise TemplateError("bold, code and link are for message templates")


class Program:
    """A compiled template: names in, text out."""

    __slots__ = ("_globals", "_template")

    def __init__(self, template: Template) -> None:
        self._template = template
        self._globals = dict(template.globals)

    def __call__(self, names: Mapping[str, Any]) -> str:
        """Raises TemplateError, also when the template takes too much."""
        return put_out(self._template.root_render_func(self._context(names)))

    def blocks(self) -> tuple[str, ...]:
        return tuple(self._template.blocks)

    def block(self, name: str, names: Mapping[str, Any]) -> str:
        """The text of one block alone."""
        return put_out(self._template.blocks[name](self._context(names)))

    def _context(self, names: Mapping[str, Any]) -> Context:
        """What Jinja's `new_context` makes, without the chain of mappings it goes through each time."""
        template = self._template
        return Context(template.environment, {**self._globals, **names}, template.name, template.blocks)


def environment(markup: Speaks, folders: Sequence[Path] = ()) -> Environment:
    """A sandbox that escapes as the markup says; templates may include files from the folders."""
    return Environment(markup, folders)


def compile_template(text: str, within: Environment) -> Program:
    """The text ready to run, or TemplateError."""
    try:
        return Program(within.from_string(text))
    except RENDER_ERRORS as error:
        raise TemplateError(reason(error)) from error


def check_template(text: str, extra_names: Collection[str] = WORDS) -> tuple[str, ...]:
    """Everything wrong with a template that can be known before there is an event."""
    return template_problems(text, Environment(AsIs()), extra_names)


def template_problems(
    text: str, within: Environment, extra_names: Collection[str] = WORDS
) -> tuple[str, ...]:
    try:
        tree = within.parse(text)
        problems = problems_of(tree, within, extra_names)
        if not problems:
            within.from_string(text)
    except RENDER_ERRORS as error:
        return (reason(error),)
    return problems


def compile_text(text: str) -> Callable[[Event], str]:
    """A template that no service shows, such as a message key: nothing is escaped."""
    _refuse_problems(check_template(text, ()))
    program = compile_template(text, Environment(AsIs()))
    return lambda event: program(names_of(event))


def compile_condition(text: str) -> Callable[[Event], bool]:
    """One expression over an event's fields. TemplateError now for wrong names, later for wrong values."""
    if len(text) > MAX_SOURCE:
        raise TemplateError(f"longer than {MAX_SOURCE:,} characters")
    if "{{" in text or "{%" in text:
        raise TemplateError("a condition is one expression, without {{ }}")
    within = Environment(AsIs())
    try:
        _refuse_problems(problems_of(_expression_tree(text, within), within, ()))
        expression = within.compile_expression(text, undefined_to_none=False)
    except RENDER_ERRORS as error:
        raise TemplateError(reason(error)) from error

    def condition(event: Event) -> bool:
        with metered():
            try:
                return bool(expression(names_of(event)))
            except RENDER_ERRORS as error:
                raise TemplateError(reason(error)) from error

    return condition


def fields_of_condition(text: str) -> tuple[str, ...]:
    """The fields that a condition which compiles names."""
    return fields_in(_expression_tree(text, Environment(AsIs())))


def _expression_tree(text: str, within: Environment) -> nodes.Template:
    parsed = Parser(within, text, state="variable").parse_expression()
    tree = nodes.Template([nodes.Output([parsed], lineno=1)], lineno=1)
    tree.set_environment(within)
    return tree


def _refuse_problems(problems: Collection[str]) -> None:
    if problems:
        raise TemplateError("; ".join(problems))
