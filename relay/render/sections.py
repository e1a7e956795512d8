"""The parts of a message template, each ready to run, whichever place they came from."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from relay.errors import TemplateError
from relay.markup import Markup, one_line, safe_url
from relay.model import Button, Fact
from relay.sandbox import AsIs, Environment, Program, compile_template, environment

SECTIONS = ("title", "body", "facts", "buttons", "footer", "summary", "line")
MOST_FACTS = 20
MOST_BUTTONS = 10

Section = Callable[[Mapping[str, Any]], str]


class ButtonText(Protocol):
    @property
    def text(self) -> str: ...
    @property
    def url(self) -> str: ...


class Wording(Protocol):
    """What the configuration says under `templates.<name>`, or there for one service."""

    @property
    def title(self) -> str | None: ...
    @property
    def body(self) -> str | None: ...
    @property
    def footer(self) -> str | None: ...
    @property
    def summary(self) -> str | None: ...
    @property
    def line(self) -> str | None: ...
    @property
    def facts(self) -> Mapping[str, str] | None: ...
    @property
    def buttons(self) -> Sequence[ButtonText] | None: ...


@dataclass(slots=True)
class Collector:
    """Takes the facts and buttons a template names; gives nothing to put out."""

    markup: Markup
    facts: list[Fact] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)

    def fact(self, name: object, value: object) -> str:
        """Left out when the value says nothing: empty, or a sign alone such as "#"."""
        text = one_line(self.markup.text(value))
        if any(character.isalnum() for character in text) and len(self.facts) < MOST_FACTS:
            self.facts.append(Fact(name=one_line(self.markup.text(name)), value=text))
        return ""

    def button(self, text: object, url: object) -> str:
        """Left out when there is no URL that is safe to open."""
        target = safe_url(None if url is None else str(url))
        if target and len(self.buttons) < MOST_BUTTONS:
            self.buttons.append(Button(text=one_line(self.markup.text(text)), url=target))
        return ""


def from_file(source: str, within: Environment) -> dict[str, Section]:
    """The blocks of a template file."""
    program = compile_template(source, within)
    unknown = [name for name in program.blocks() if name not in SECTIONS]
    if unknown:
        raise TemplateError(f"unknown block {unknown[0]}; a message has {', '.join(SECTIONS)}")
    return {name: _block(program, name) for name in program.blocks()}


def _block(program: Program, name: str) -> Section:
    return lambda names: program.block(name, names)


def from_wording(wording: Wording, markup: Markup, within: Environment) -> dict[str, Section]:
    """What the configuration gives."""
    sections: dict[str, Section] = {}
    for name, text in _plain_texts(wording):
        if text is not None:
            sections[name] = compile_template(text, within)
    if wording.facts is not None:
        sections["facts"] = _facts(wording.facts, markup, within)
    if wording.buttons is not None:
        sections["buttons"] = _buttons(wording.buttons, markup, within)
    return sections


def _facts(facts: Mapping[str, str], markup: Markup, within: Environment) -> Section:
    programs = [(name, compile_template(text, within)) for name, text in facts.items()]

    def section(names: Mapping[str, Any]) -> str:
        return "".join(names["fact"](name, markup.marked(program(names))) for name, program in programs)

    return section


def _buttons(buttons: Sequence[ButtonText], markup: Markup, within: Environment) -> Section:
    """URLs are not escaped for the markup: `safe_url` encodes them, and each notifier quotes them."""
    unescaped = environment(AsIs())
    programs = [(compile_template(b.text, within), compile_template(b.url, unescaped)) for b in buttons]

    def section(names: Mapping[str, Any]) -> str:
        return "".join(names["button"](markup.marked(text(names)), url(names)) for text, url in programs)

    return section


def _plain_texts(wording: Wording) -> tuple[tuple[str, str | None], ...]:
    return (
        ("title", wording.title),
        ("body", wording.body),
        ("footer", wording.footer),
        ("summary", wording.summary),
        ("line", wording.line),
    )


def texts_of(wording: Wording) -> Iterator[tuple[str, str]]:
    """Every template text in the wording with its place."""
    for name, text in _plain_texts(wording):
        if text is not None:
            yield name, text
    yield from ((f"facts.{name}", text) for name, text in (wording.facts or {}).items())
    for index, button in enumerate(wording.buttons or ()):
        yield from ((f"buttons[{index}].text", button.text), (f"buttons[{index}].url", button.url))
