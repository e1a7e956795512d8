"""What is odd in a configuration and yet no reason to refuse it."""

from collections.abc import Iterator

from relay.config.faults import Page
from relay.config.file import File
from relay.config.names import named_routes
from relay.config.templates import STANDARD
from relay.errors import Fault


def warnings_about(file: File, page: Page) -> tuple[Fault, ...]:
    """Things to have a second look at."""
    return (*_unused_notifiers(file, page), *_unused_templates(file, page))


def _unused_notifiers(file: File, page: Page) -> Iterator[Fault]:
    listed = [name for place in named_routes(file.routes) for name in place.route.notify or ()]
    used = {name.removeprefix("+") for name in (*listed, *file.unmatched.notify)}
    for name in file.notifiers:
        if name not in used:
            yield page.fault(("notifiers", name), "no route notifies it", at_key=True)


def _unused_templates(file: File, page: Page) -> Iterator[Fault]:
    by_routes = {place.route.template for place in named_routes(file.routes)}
    by_notifiers = {str(options.get("template")) for options in file.notifiers.values()}
    used = by_routes | by_notifiers | {file.defaults.template, STANDARD}
    for name in file.templates:
        if name not in used:
            yield page.fault(("templates", name), "nothing uses this template", at_key=True)
