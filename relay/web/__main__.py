"""`python -m relay.web`: the web processes alone, as `relay serve` starts them.

Apart from the other commands because gevent must patch the standard library before anything uses it.
"""

from gevent import monkey

from relay import lifeline

lifeline.follow()  # on a thread of its own, which a patched one would not be
monkey.patch_all()

import click  # noqa: E402

from relay import logs, wiring  # noqa: E402
from relay.web.process import Builder  # noqa: E402
from relay.web.server import ServerSettings, serve  # noqa: E402


@click.command()
@click.option("--config", "path", required=True)
@click.option("--bind", required=True)
@click.option("--workers", type=int)
@click.option("--log-level", required=True)
def main(path: str, bind: str, workers: int | None, log_level: str) -> None:
    """Serve until SIGTERM; SIGHUP replaces the processes, which read the configuration anew."""
    settings = wiring.load_config(path)
    logs.configure(log_level, settings.masker)
    builder = Builder(settings, log_level)
    serve(ServerSettings(bind=bind, workers=workers, reloading=builder.refresh), builder)


if __name__ == "__main__":
    main()
