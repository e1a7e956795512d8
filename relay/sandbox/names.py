"""Which names a template may use, and what somebody probably meant by another."""

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from jinja2 import meta, nodes

from relay.fields import ALL, FETCHED, FieldType, field_type
from relay.model import Event
from relay.sandbox.environment import TEXT_METHODS, TIME_ATTRIBUTES, Environment
from relay.sandbox.listed import listed

# What a message template may use besides the fields; computed where messages are rendered.
WORDS = listed(
    "button change_text count emoji events fact group_what level message now place reason relay_url"
    " since_text status_text summary_text tally timezone what where"
)
ROOTS = frozenset(name.split(".", 1)[0] for name in ALL)
_METHODS: Mapping[FieldType, Collection[str]] = {
    FieldType.TEXT: TEXT_METHODS,
    FieldType.TIME: TIME_ATTRIBUTES,
}
_DIRECT = tuple(sorted(ROOTS - {name.split(".", 1)[0] for name in FETCHED} - {"event"}))


def _nothing(root: str) -> Any:
    """What a fetched field is while nobody fetched it."""
    if ALL.get(root) in (FieldType.OBJECTS, FieldType.TEXTS):
        return ()
    below = (name.removeprefix(f"{root}.") for name in FETCHED if name.startswith(f"{root}."))
    leaves = {leaf: _nothing(f"{root}.{leaf}") for leaf in below if "." not in leaf}
    return leaves or ({} if ALL.get(root) is FieldType.MAPPING else None)


_UNFETCHED: Mapping[str, Any] = {root: _nothing(root) for root in {n.split(".", 1)[0] for n in FETCHED}}


def names_of(event: Event) -> dict[str, Any]:
    """The event's fields by the names that templates use."""
    names = {name: getattr(event, name) for name in _DIRECT}
    names["event"] = event.kind
    names.update(_UNFETCHED)
    names.update((root, event.notes[root]) for root in _UNFETCHED.keys() & event.notes.keys())
    return names


def problems_of(tree: nodes.Template, environment: Environment, extra: Collection[str]) -> tuple[str, ...]:
    """Everything named in the template that cannot exist."""
    uncallable = tuple(_filter_problems(tree, environment))
    if uncallable:
        return uncallable
    free = meta.find_undeclared_variables(tree) - environment.globals.keys() - set(extra)
    unknown = [problem_with(name, extra) for name in sorted(free - ROOTS)]
    paths = dict.fromkeys(_paths(tree, free & ROOTS))
    return (*unknown, *filter(None, map(_path_problem, paths)))


def fields_in(tree: nodes.Template) -> tuple[str, ...]:
    """The fields that are named, each as far as it is one: `author.known`, and `branch` of branch.upper."""
    roots = meta.find_undeclared_variables(tree) & ROOTS
    paths = [(root,) for root in roots] + list(_paths(tree, roots))
    whole = {".".join(path[:size]) for path in paths for size in range(1, len(path) + 1)}
    return tuple(sorted(name for name in whole if field_type(name) is not None))


def problem_with(name: str, extra: Collection[str] = ()) -> str:
    """`brnch` is not a field, did you mean branch?"""
    return f"`{name}` is not a field{suggestion(name, {*ROOTS, *ALL, *extra})}"


def suggestion(word: str, known: Collection[str]) -> str:
    close = get_close_matches(word, sorted(known), n=1)
    return f", did you mean {close[0]}?" if close else ""


def _paths(tree: nodes.Template, roots: Collection[str]) -> Iterator[tuple[str, ...]]:
    """Dotted names below a field, `author.known` as ("author", "known"); each step is a path of its own."""
    local = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}
    loops = dict(_loops(tree, roots))
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        path = _path(node)
        if path and path[0] in loops:
            yield (*loops[path[0]], *path[1:])
        elif path and path[0] in roots and path[0] not in local:
            yield path


def _loops(tree: nodes.Template, roots: Collection[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The variable of each loop over a list field, when nothing else has its name."""
    stored = [node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"]
    for loop in tree.find_all(nodes.For):
        path = _path(_unsliced(loop.iter))
        if (
            path
            and path[0] in roots
            and isinstance(loop.target, nodes.Name)
            and stored.count(loop.target.name) == 1
        ):
            yield loop.target.name, path


def _unsliced(node: nodes.Node) -> nodes.Node:
    return node.node if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice) else node


def _path(node: nodes.Node) -> tuple[str, ...]:
    """The dotted name, or () for anything else."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    name = _last_name(node)
    base = _path(node.node) if name and isinstance(node, (nodes.Getattr, nodes.Getitem)) else ()
    return (*base, name) if base and name else ()


def _last_name(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.Getattr):
        return node.attr
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        return node.arg.value if isinstance(node.arg.value, str) else None
    return None


def _path_problem(path: tuple[str, ...]) -> str | None:
    """What is wrong with the last step of a path; earlier steps are reported by their own."""
    above, name = ".".join(path[:-1]), ".".join(path)
    if _is_known(name) or not _is_known(above) or _is_open(path):
        return None
    kind = ALL.get(above)
    if kind is None or kind is FieldType.OBJECTS:
        return problem_with(name)
    if path[-1] in _METHODS.get(kind, ()):
        return None
    return f"`{name}` is not a field, and a {kind} has no {path[-1]}"


def _is_known(name: str) -> bool:
    return name in ALL or any(field.startswith(f"{name}.") for field in ALL)


def _is_open(path: tuple[str, ...]) -> bool:
    """Whether one of the names above may hold anything."""
    return any(ALL.get(".".join(path[:size])) is FieldType.MAPPING for size in range(1, len(path)))


def _filter_problems(tree: nodes.Template, environment: Environment) -> Iterator[str]:
    for word, known, found in (
        ("filter", environment.filters, tree.find_all(nodes.Filter)),
        ("test", environment.tests, tree.find_all(nodes.Test)),
    ):
        for name in dict.fromkeys(node.name for node in found):
            if name not in known:
                yield f"there is no {word} `{name}`{suggestion(name, known)}"
