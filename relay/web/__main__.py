"""`python -m relay.web`: the web processes alone, as `relay serve` starts them.

Apart from the other commands because gevent must patch the standard library before anything uses it.
"""

from gevent import monkey

from relay import lean, lifeline

lifeline.follow()  # on a thread of its own, which a patched one would not be
monkey.patch_all()
lean.load("structlog")

import sys  # noqa: E402

import click  # noqa: E402

from relay.errors import RelayError  # noqa: E402
from relay.web.process import Builder  # noqa: E402
from relay.web.server import ServerSettings, serve  # noqa: E402


@click.command()
@click.option("--config", "path", required=True)
@click.option("--bind", required=True)
@click.option("--workers", type=int)
@click.option("--log-level", required=True)
def main(path: str, bind: str, workers: int | None, log_level: str) -> None:
    """Serve until SIGTERM; SIGHUP replaces the processes, which read the configuration anew."""
    try:
        builder = Builder(path, log_level)
    except RelayError as error:
        sys.exit(str(error))
    serve(ServerSettings(bind=bind, workers=workers, reloading=builder.refresh), builder)


if __name__ == "__main__":
    main()
