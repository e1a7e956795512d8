"""Which names a template uses, found by reading it: the sections that count, whatever file they are from."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from jinja2 import meta, nodes

from relay.errors import TemplateError
from relay.render import files
from relay.render.sections import SECTIONS, Wording, texts_of
from relay.sandbox import AsIs, Environment, environment
from relay.sandbox.environment import RENDER_ERRORS

Names = frozenset[str]


def names_in(sources: Iterable[str], wordings: Iterable[Wording], folders: Sequence[Path]) -> Names:
    """The names that are used when these sources, and over them these wordings, are layered.

    Sources come the most general first. One that cannot be read uses nothing: it cannot be rendered either.
    """
    within = environment(AsIs(), folders)
    sections: dict[str, Names] = {}
    for source in sources:
        sections |= _of_file(source, within, folders)
    for wording in wordings:
        sections |= _of_wording(wording)
    return frozenset().union(*sections.values())


def names_in_text(text: str) -> Names:
    return _used(lambda: environment(AsIs()).parse(text))


def _of_file(source: str, within: Environment, folders: Sequence[Path]) -> dict[str, Names]:
    """By block. One that includes other files may use whatever any file uses."""
    try:
        tree = within.parse(source)
    except (*RENDER_ERRORS, TemplateError):
        return {}
    blocks = {block.name: block for block in tree.find_all(nodes.Block) if block.name in SECTIONS}
    return {name: _of_block(block, within, folders) for name, block in blocks.items()}


def _of_block(block: nodes.Block, within: Environment, folders: Sequence[Path]) -> Names:
    tree = nodes.Template(block.body, lineno=block.lineno)
    tree.set_environment(within)
    used = _used(lambda: tree)
    if next(block.find_all(nodes.Include), None) is None:
        return used
    return used.union(*(names_in_text(text) for text in _all_files(folders)))


def _all_files(folders: Sequence[Path]) -> Iterator[str]:
    for folder in folders:
        for path in sorted(folder.glob("*.j2")):
            try:
                yield files.text_of(path)
            except TemplateError:
                continue


def _of_wording(wording: Wording) -> dict[str, Names]:
    found: dict[str, Names] = {}
    for place, text in texts_of(wording):
        section = place.partition(".")[0].partition("[")[0]
        found[section] = found.get(section, frozenset()) | names_in_text(text)
    return found


def _used(tree: Callable[[], nodes.Template]) -> Names:
    """Names at the beginning of an expression, after a dot and in quotes, and those of filters.

    `events` have the fields of an event too, and filters may be told a field's name.
    """
    try:
        read = tree()
        after_dots = (node.attr for node in read.find_all(nodes.Getattr))
        in_quotes = (node.value for node in read.find_all(nodes.Const) if isinstance(node.value, str))
        filters = (node.name for node in read.find_all(nodes.Filter))
        return frozenset((*after_dots, *in_quotes, *filters, *meta.find_undeclared_variables(read)))
    except (*RENDER_ERRORS, TemplateError):
        return frozenset()
