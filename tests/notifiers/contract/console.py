"""What is printed where the relay runs."""

from tests.fakes.sink import Request
from tests.notifiers.contract.contract import Contract, Reading


def read(_request: Request) -> Reading:
    """A terminal makes nothing of printable text."""
    return Reading()


CONTRACTS = (Contract(name="printed", options=lambda _url: {}, read=read, over="screen", has_links=False),)
