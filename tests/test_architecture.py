"""The shape of the code, kept by reading it: imports go down, nothing but constants at import."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "relay"

LAYERS = (
    {
        "model",
        "errors",
        "fields",
        "secret",
        "ids",
        "clock",
        "rejections",
        "durations",
        "moments",
        "schedules",
        "patterns",
        "logs",
        "lifeline",
        "lean",
        "named",
        "lastgood",
        "terminal",
    },
    {
        "signature",
        "payloads",
        "changes",
        "people",
        "cards",
        "accounts",
        "notices",
        "watching",
        "routing",
        "planning",
        "failures",
        "odds",
        "quieting",
        "retries",
        "markup",
        "sandbox",
        "runs",
    },
    {"policy"},
    {"judging"},
    {"config", "render", "transport", "store", "circleci", "notifiers", "actions", "samples"},
    {"enriching"},
    {"pipeline", "retrying"},
    {"acting", "preparing", "pruning", "telling"},
    {"troubles", "refusals"},
    {"expecting"},
    {"lookout"},
    {"worker", "wiring", "supervisor", "checking"},
    {"backtest"},
    {"web", "cli", "__main__"},
)
MAY_IMPORT_BESIDE = {
    "planning": {"routing", "cards", "people"},
    "quieting": {"changes", "planning", "routing", "people"},
    "odds": {"failures"},
    "notifiers": {"transport"},
    "actions": {"transport", "circleci"},
    "worker": {"wiring"},
    "checking": {"wiring"},
    "cli": {"web"},
    "__main__": {"cli"},
}

FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def part_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def layer_of(part: str) -> int:
    return next(number for number, parts in enumerate(LAYERS) if part in parts)


def imported_parts(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "relay":
            inner = node.module.split(".")[1:]
            names.update([inner[0]] if inner else [alias.name for alias in node.names])
        elif isinstance(node, ast.Import):
            names.update(a.name.split(".")[1] for a in node.names if a.name.startswith("relay."))
    return names - {"__version__"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_only(path: Path) -> None:
    part = part_of(path)
    allowed = {part} | MAY_IMPORT_BESIDE.get(part, set())

    wrong = {
        name
        for name in imported_parts(path) - allowed
        if layer_of(name) >= layer_of(part) and not (layer_of(name) == layer_of(part) == 0)
    }

    assert not wrong


def test_every_part_stands_in_a_layer() -> None:
    assert {part_of(path) for path in FILES} <= set().union(*LAYERS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_happens_at_import(path: Path) -> None:
    body = ast.parse(path.read_text()).body
    calls = [node for node in body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]

    assert not calls or path.name in ("__main__.py", "tables.py")  # to run; to declare a schema
