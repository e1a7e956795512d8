"""What is wrong between signatures: ids that are there twice, shipped ones that do not exist, odd ratios."""

from collections.abc import Iterator

from relay.config.faults import Page
from relay.config.signatures import Signatures
from relay.config.suggestions import unknown
from relay.errors import Fault
from relay.failures.record import is_genuine, is_transient

TOO_SMALL = "a class that a retry may help wants an lr of at least 1; or name the class genuine.…"
TOO_LARGE = "a genuine class wants an lr of at most 1; or take a class without genuine. in its name"


def signature_faults(signatures: Signatures, page: Page) -> Iterator[Fault]:
    yield from _ids_written_twice(signatures, page)
    yield from _ratios(signatures, page)
    yield from _unknown_ids(signatures, page)


def _ids_written_twice(signatures: Signatures, page: Page) -> Iterator[Fault]:
    seen: set[str] = set()
    for name, at, signature in signatures.each():
        if signature.id in seen:
            path = ("signatures", "classes", name, "add", at, "id")
            yield page.fault(path, "another signature has this id; ids are unique")
        seen.add(signature.id)


def _ratios(signatures: Signatures, page: Page) -> Iterator[Fault]:
    for name, at, signature in signatures.each():
        path = ("signatures", "classes", name, "add", at, "lr")
        if signature.lr is not None and signature.lr < 1 and is_transient(name):
            yield page.fault(path, TOO_SMALL)
        if signature.lr is not None and signature.lr > 1 and is_genuine(name):
            yield page.fault(path, TOO_LARGE)


def _unknown_ids(signatures: Signatures, page: Page) -> Iterator[Fault]:
    """The catalogue is read only when somebody names one of its entries."""
    if not signatures.off:
        return
    from relay.failures.catalogue import shipped

    for at, id in enumerate(signatures.off):
        if id not in shipped().signatures:
            yield page.fault(
                ("signatures", "off", at), unknown("unknown signature", id, shipped().signatures)
            )
