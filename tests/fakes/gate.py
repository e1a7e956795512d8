"""A gate in front of PostgreSQL: it can be shut, and it can lose the server's answer to a commit."""

import socket
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from sqlalchemy import make_url

COMMIT = b"COMMIT\0"
PIECE = 65536


class Gate:
    """Listens on 127.0.0.1 and passes on to the server of `url`. Use it in a `with` block."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self._server = str(Path(str(parsed.query["host"])) / f".s.PGSQL.{parsed.port or 5432}")
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = f"postgresql://{parsed.username}:@127.0.0.1:{port}/{parsed.database}"
        self.is_shut = False
        self.loses_answers = False  # to commits, which the server makes all the same
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def shut(self) -> None:
        self.is_shut = True
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> "Gate":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shut()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.is_shut:
                client.close()
            else:
                self._pass_on(client)

    def _pass_on(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._server)
        self._open += [client, server]
        is_lost = threading.Event()
        threading.Thread(target=self._from_client, args=(client, server, is_lost), daemon=True).start()
        threading.Thread(target=self._from_server, args=(server, client, is_lost), daemon=True).start()

    def _from_client(self, client: socket.socket, server: socket.socket, is_lost: threading.Event) -> None:
        with suppress(OSError):
            while piece := client.recv(PIECE):
                if self.loses_answers and COMMIT in piece:
                    is_lost.set()
                server.sendall(piece)
        _close(server)

    def _from_server(self, server: socket.socket, client: socket.socket, is_lost: threading.Event) -> None:
        with suppress(OSError):
            while (piece := server.recv(PIECE)) and not is_lost.is_set():
                client.sendall(piece)
        _close(client)


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
