"""The Jinja environment of the relay: attributes, methods and nodes by allow-list, work by meter."""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn, Protocol

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateSyntaxError, Undefined, nodes
from jinja2 import TemplateError as JinjaError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context
from jinja2.visitor import NodeTransformer

from relay.errors import TemplateError
from relay.sandbox.filters import allowed_filters, allowed_tests
from relay.sandbox.limits import (
    CALL_COST,
    INCLUDE_COST,
    MAX_DEPTH,
    MAX_OUTPUT,
    MAX_RANGE,
    MAX_SOURCE,
    TEXT_UNIT,
    charge,
    check_length,
    check_size,
    cost_of,
    metered,
)
from relay.sandbox.listed import listed

TEXT_METHODS = listed(
    "capitalize count endswith find isalnum isalpha isdigit islower isupper lower lstrip removeprefix"
    " removesuffix rstrip split splitlines startswith strip title upper"
)
TIME_ATTRIBUTES = listed("day hour isoformat minute month second weekday year")
LOOP_ATTRIBUTES = listed("first index index0 last length nextitem previtem revindex revindex0")
ALLOWED_NODES = listed(
    "Template Output TemplateData Block For If Assign AssignBlock With Include Name Const Tuple List Dict"
    " Pair Keyword CondExpr Filter Test Call Getitem Getattr Slice Concat Compare Operand Mul Div FloorDiv"
    " Add Mod Sub Not And Or Neg Pos"
)
REFUSED_NODES = {
    "Pow": "** is not available in templates",
    "Macro": "macros are not available in templates",
    "Import": "imports are not available in templates",
    "FromImport": "imports are not available in templates",
    "Extends": "a template cannot extend another; blocks it leaves out come from the standard one",
    "NSRef": "namespaces are not available in templates",
}
JINJA_OPTIONS = ("_block_vars", "_loop_vars")  # what Jinja adds to calls for functions that take a context
MODEL = "relay.model"  # where the dataclasses live whose fields templates may read
RENDER_ERRORS = (
    JinjaError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
)
LONGEST_REASON = 300  # characters


class Speaks(Protocol):
    """What a markup gives to an environment."""

    @property
    def marked(self) -> type[str]: ...
    def text(self, value: object) -> str: ...
    def json(self, value: Any) -> str: ...
    def cut(self, text: str, limit: int) -> str: ...
    def functions(self) -> Mapping[str, Callable[..., str]]: ...


class Environment(ImmutableSandboxedEnvironment):
    """One per markup. `finalize` escapes what is put out, unless the markup made it."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, markup: Speaks, folders: Sequence[Path] = ()) -> None:
        super().__init__(
            undefined=StrictUndefined,
            optimized=False,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=pass_context(lambda _context, value: self._put_out(value)),
            loader=FileSystemLoader([str(folder) for folder in folders]) if folders else None,
        )
        self.markup = markup
        self.filters = dict(allowed_filters())
        self.tests = dict(allowed_tests())
        self._fields: dict[type, frozenset[str] | None] = {}
        self.globals = {"range": bounded_range, **markup.functions()}

    def _put_out(self, value: Any) -> str:
        if isinstance(value, Undefined):
            return str(value)  # raises, and names what is missing
        text = self.markup.text(value)
        charge(cost_of(text))
        return text

    # compiling

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        if len(source) > MAX_SOURCE:
            raise TemplateSyntaxError(f"longer than {MAX_SOURCE:,} characters", 1, name, filename)
        return super()._parse(source, name, filename)

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        check_nodes(source)
        Metering().visit(source)
        return super()._generate(source, name, filename, defer_init)

    def get_template(self, *args: Any, **options: Any) -> Template:
        charge(INCLUDE_COST)
        return super().get_template(*args, **options)

    # reading values

    def getattr(self, obj: Any, attribute: str) -> Any:
        allowed = self._model_fields(type(obj))
        if allowed is None:
            return self._read(obj, attribute)
        return getattr(obj, attribute) if attribute in allowed else self._missing(obj, attribute)

    def _model_fields(self, kind: type) -> frozenset[str] | None:
        """Field names of our own dataclasses; None for any other type."""
        if kind not in self._fields:
            is_ours = kind.__module__ == MODEL and is_dataclass(kind)
            self._fields[kind] = frozenset(field.name for field in fields(kind)) if is_ours else None
        return self._fields[kind]

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, str):
            return self.getattr(obj, argument)
        if not isinstance(obj, (str, tuple, list, Mapping)):
            return self._missing(obj, argument)
        try:
            return obj[argument]
        except (TypeError, LookupError):
            return self._missing(obj, argument)

    def _read(self, obj: Any, name: str) -> Any:
        """Keys of mappings, fields of the things in a list, and the few methods that are allowed."""
        if isinstance(obj, Mapping):
            return obj[name] if name in obj else self._missing(obj, name)
        if isinstance(obj, (tuple, list)) and not name.startswith("_"):
            charge(len(obj))
            return tuple(self.getattr(item, name) for item in obj)
        if isinstance(obj, Undefined):
            obj._fail_with_undefined_error()
        return getattr(obj, name) if name in _attributes(obj) else self._missing(obj, name)

    def _missing(self, obj: Any, name: Any) -> Undefined:
        return self.undefined(obj=obj, name=name)

    # working on values

    def call(self, context: Context, function: Any, /, *args: Any, **options: Any) -> Any:
        for name in JINJA_OPTIONS:
            options.pop(name, None)
        owner = getattr(function, "__self__", None)
        if owner is self:
            return function(*args, **options)  # loops and `~`, which charge for themselves
        charge(CALL_COST + (cost_of(owner) if isinstance(owner, str) else 0) + sum(map(cost_of, args)))
        result = function(*args, **options)
        check_size(result)
        return result

    def call_binop(self, context: Context, symbol: str, left: Any, right: Any) -> Any:
        if symbol == "**":
            raise TemplateError(REFUSED_NODES["Pow"])
        if symbol == "+":
            return self._add(left, right)
        if not (_is_number(left) and _is_number(right)):
            raise TemplateError(f"{symbol} is for numbers; join texts with ~")
        result = (operator.mul if symbol == "*" else operator.mod)(left, right)
        check_size(result)
        return result

    def _add(self, left: Any, right: Any) -> Any:
        if isinstance(left, str) and isinstance(right, str):
            return self.join_text(left, right)
        result = operator.add(left, right)
        charge(check_size(result))
        return result

    def join_text(self, *parts: Any) -> str:
        """The parts as one text: marked when one of them is, and then the others are escaped."""
        marked = self.markup.marked
        if any(isinstance(part, marked) for part in parts):
            texts = [self.markup.text(part) for part in parts]
        else:
            texts = ["" if part is None else str(part) for part in parts]
        length = sum(map(len, texts))
        check_length(length)
        charge(1 + length // TEXT_UNIT)
        joined = "".join(texts)
        return marked(joined) if any(isinstance(part, marked) for part in parts) else joined

    def made(self, value: Any) -> Any:
        """A list or mapping written in a template, when it is not too big."""
        charge(check_size(value))
        return value

    def loop_over(self, items: Any, weight: int) -> tuple[Any, ...]:
        """What a loop goes over, paid in advance; nothing when it is missing."""
        if items is None:
            return ()
        turns = tuple(items)
        charge((1 + len(turns)) * weight)
        return turns


def bounded_range(*bounds: int) -> range:
    """`range`, but short."""
    made = range(*bounds)
    if len(made) > MAX_RANGE:
        raise TemplateError(f"a range of more than {MAX_RANGE:,} numbers")
    return made


def _attributes(obj: Any) -> frozenset[str]:
    if isinstance(obj, str):
        return TEXT_METHODS
    if isinstance(obj, datetime):
        return TIME_ATTRIBUTES
    return LOOP_ATTRIBUTES if isinstance(obj, LoopContext) else frozenset()


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float))


def check_nodes(tree: nodes.Node) -> None:
    """Refuses what templates may not say."""
    for node, depth in _walk(tree):
        name = type(node).__name__
        if name not in ALLOWED_NODES:
            refuse(node, REFUSED_NODES.get(name, f"{name} is not available in templates"))
        if depth > MAX_DEPTH:
            refuse(node, f"nested more than {MAX_DEPTH} deep")
        if isinstance(node, nodes.For) and node.recursive:
            refuse(node, "recursive loops are not available in templates")
        if isinstance(node, nodes.Include) and not isinstance(node.template, nodes.Const):
            refuse(node, "include wants a file name in quotes")


def refuse(node: nodes.Node, problem: str) -> NoReturn:
    raise TemplateSyntaxError(problem, node.lineno)


def _walk(tree: nodes.Node) -> Iterator[tuple[nodes.Node, int]]:
    """Every node with its depth, without recursion."""
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting.extend((child, depth + 1) for child in node.iter_child_nodes())


class Metering(NodeTransformer):
    """Makes loops, lists and `~` go through the environment, which counts them."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 – Jinja calls it so
        weight = _weight(node)
        self.generic_visit(node)
        node.iter = _environment_call("loop_over", node.iter, nodes.Const(weight))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 – Jinja calls it so
        self.generic_visit(node)
        return _environment_call("join_text", *node.nodes)

    def visit_List(self, node: nodes.List) -> nodes.Node:  # noqa: N802 – Jinja calls it so
        return self._counted(node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:  # noqa: N802 – Jinja calls it so
        return self._counted(node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:  # noqa: N802 – Jinja calls it so
        return self._counted(node) if node.ctx == "load" else node

    def _counted(self, node: nodes.Node) -> nodes.Node:
        self.generic_visit(node)
        return _environment_call("made", node)


def _environment_call(name: str, *args: nodes.Node) -> nodes.Call:
    line = args[0].lineno
    return nodes.Call(nodes.EnvironmentAttribute(name, lineno=line), list(args), [], None, None, lineno=line)


def _weight(loop: nodes.For) -> int:
    """Units of work that one turn of the loop takes besides what is counted inside it."""
    inside: list[nodes.Node] = [node for node, _ in _walk(loop)]
    fixed = sum(len(node.data) for node in inside if isinstance(node, nodes.TemplateData))
    return len(inside) + fixed // TEXT_UNIT


def put_out(pieces: Iterator[str]) -> str:
    """All pieces of a rendering, metered and within the limit of output."""
    kept: list[str] = []
    left = MAX_OUTPUT
    with metered():
        try:
            for piece in pieces:
                kept.append(piece)
                left -= len(piece)
                if left < 0:
                    raise TemplateError(f"the template puts out more than {MAX_OUTPUT:,} characters")
        except RENDER_ERRORS as error:
            raise TemplateError(reason(error)) from error
    return "".join(kept)


def reason(error: BaseException) -> str:
    """What went wrong, as one short line."""
    said = error.message if isinstance(error, TemplateSyntaxError) else str(error)
    text = " ".join((said or "").split()) or type(error).__name__
    line = getattr(error, "lineno", None)
    placed = f"line {line}: {text}" if isinstance(line, int) and line > 1 else text
    return placed[:LONGEST_REASON]
