"""A real Matrix homeserver, Synapse, as a process of its own: users, rooms, and what a room shows."""

import base64
import hashlib
import hmac
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

START_S = 45.0
STOP_S = 20.0
CALL_S = 20.0
SERVER_NAME = "hs.example.com"
FAST = {"per_second": 1000, "burst_count": 1000}


class Homeserver:
    """Listens on 127.0.0.1 and keeps everything in the folder. Stop it when done."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shared = secrets.token_hex(16)
        self.url = f"http://127.0.0.1:{_free_port()}"
        self._process = self._start()
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_S)

    def make_user(self, name: str, *, is_admin: bool = False) -> str:
        """Registers by the shared secret; the user's access token."""
        url = "/_synapse/admin/v1/register"
        nonce = self.call("GET", url)["nonce"]
        said = (nonce, name, "password", "admin" if is_admin else "notadmin")
        mac = hmac.new(self._shared.encode(), "\0".join(said).encode(), hashlib.sha1).hexdigest()
        user = {"nonce": nonce, "username": name, "password": "password", "admin": is_admin, "mac": mac}
        return str(self.call("POST", url, json=user)["access_token"])

    def make_room(self, token: str, alias: str | None = None) -> str:
        """The room's id; its alias, if any, is `#<alias>:hs.example.com`."""
        wanted = {"preset": "public_chat", **({"room_alias_name": alias} if alias else {})}
        return str(self.call("POST", "/_matrix/client/v3/createRoom", token, json=wanted)["room_id"])

    def event(self, token: str, room: str, event: str) -> dict[str, Any]:
        return self.call("GET", f"/_matrix/client/v3/rooms/{quote(room)}/event/{quote(event)}", token)

    def related(self, token: str, room: str, event: str, how: str) -> list[dict[str, Any]]:
        """What stands in this relation to an event, the newest first."""
        path = f"/_matrix/client/v1/rooms/{quote(room)}/relations/{quote(event)}/{how}"
        return list(self.call("GET", path, token)["chunk"])

    def messages(self, token: str, room: str) -> list[dict[str, Any]]:
        """The room's messages, the oldest first, edits and answers too."""
        path = f"/_matrix/client/v3/rooms/{quote(room)}/messages"
        said = self.call("GET", f"{path}?dir=f&limit=500", token)["chunk"]
        return [each for each in said if each["type"] == "m.room.message"]

    def delete(self, token: str, room: str, event: str) -> None:
        path = f"/_matrix/client/v3/rooms/{quote(room)}/redact/{quote(event)}/{secrets.token_hex(8)}"
        self.call("PUT", path, token, json={})

    def slow_down(self, admin: str, user: str) -> None:
        """From now on the user may send one message a second."""
        path = f"/_synapse/admin/v1/users/@{user}:{SERVER_NAME}/override_ratelimit"
        self.call("POST", path, admin, json={"messages_per_second": 1, "burst_count": 1})

    def call(self, method: str, path: str, token: str = "", json: Any = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        said = requests.request(method, self.url + path, headers=headers, json=json, timeout=CALL_S)
        assert said.status_code == 200, said.text
        answer: dict[str, Any] = said.json()
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        settings = self._folder / "homeserver.yaml"
        settings.write_text(json.dumps(self._settings()))  # JSON is YAML
        (self._folder / "log.yaml").write_text(json.dumps(_log_settings(self._folder / "homeserver.log")))
        key = base64.b64encode(os.urandom(32)).decode().rstrip("=")
        (self._folder / "signing.key").write_text(f"ed25519 a_relay {key}\n")
        with (self._folder / "output.txt").open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "synapse.app.homeserver", "--config-path", str(settings)],
                cwd=self._folder,
                stdout=output,
                stderr=output,
            )

    def _settings(self) -> Mapping[str, Any]:
        listener = {
            "port": int(self.url.rpartition(":")[2]),
            "bind_addresses": ["127.0.0.1"],
            "type": "http",
            "tls": False,
            "resources": [{"names": ["client"], "compress": False}],
        }
        return {
            "server_name": SERVER_NAME,
            "listeners": [listener],
            "database": {"name": "sqlite3", "args": {"database": str(self._folder / "homeserver.db")}},
            "log_config": str(self._folder / "log.yaml"),
            "media_store_path": str(self._folder / "media"),
            "signing_key_path": str(self._folder / "signing.key"),
            "registration_shared_secret": self._shared,
            "report_stats": False,
            "trusted_key_servers": [],
            "suppress_key_server_warning": True,
            "rc_message": FAST,
            "rc_room_creation": FAST,
        }

    def _wait(self) -> None:
        until = time.monotonic() + START_S
        while not self._answers():
            output = (self._folder / "output.txt").read_text()
            assert self._process.poll() is None, f"the homeserver ended: {output}"
            assert time.monotonic() < until, f"the homeserver does not answer: {output}"
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/_matrix/client/versions", timeout=CALL_S).ok
        except requests.ConnectionError:
            return False


def _log_settings(file: Path) -> Mapping[str, Any]:
    handler = {"class": "logging.FileHandler", "filename": str(file)}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"file": handler},
        "root": {"level": "WARNING", "handlers": ["file"]},
    }


def _free_port() -> int:
    """Synapse cannot choose one by itself. Systems give away only higher ones until it listens."""
    while True:
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", 20_000 + secrets.randbelow(10_000)))
            return int(tried.getsockname()[1])
