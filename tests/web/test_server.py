"""The web side under its real gunicorn: two processes, one database, real sockets."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from relay.store import Store
from relay.web.gevent_worker import SLACK
from tests.processes import wait_for
from tests.web.bodies import modern, signed
from tests.web.served import WORKERS

TIMEOUT_S = 20.0
MIB = 1024 * 1024
ESTABLISHED = "01"


@dataclass(kw_only=True)
class Served:
    """A running web side."""

    process: subprocess.Popen[str]
    address: str

    @property
    def hook(self) -> str:
        return f"{self.address}/hooks/circleci"

    def children(self) -> list[int]:
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def stop(self) -> tuple[int, str]:
        """Its exit status and what it wrote to stderr."""
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=TIMEOUT_S)
        return self.process.returncode, said


def start(folder: Path) -> Served:
    url = f"sqlite:///{folder}/relay.db"
    store = Store.open(url)
    store.upgrade()
    store.close()
    command = [sys.executable, "-m", "tests.web.served", url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return Served(process=process, address=process.stdout.readline().strip())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = start(tmp_path_factory.mktemp("served"))
    yield served
    served.stop()


def post(served: Served, body: bytes) -> requests.Response:
    """One request on a connection of its own."""
    return requests.post(served.hook, body, headers=signed(body), timeout=TIMEOUT_S)


def talk(served: Served, sent: bytes, *, ends: bool = False) -> bytes:
    """Everything the server says to these bytes until it hangs up or has answered once."""
    with socket.create_connection(address_of(served), timeout=TIMEOUT_S) as peer:
        peer.sendall(sent)
        if ends:
            peer.shutdown(socket.SHUT_WR)
        answer = b""
        while part := peer.recv(65536):
            answer += part
            if answer.endswith(b"}"):
                break
    return answer


def head(*lines: str) -> bytes:
    given = ("POST /hooks/circleci HTTP/1.1", "Host: x", "Content-Type: application/json", *lines)
    return "\r\n".join(given).encode() + b"\r\n\r\n"


def test_two_processes_recognise_each_others_duplicates(served: Served) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: post(served, modern("shared")), range(32)))

    assert sorted(answer.status_code for answer in answers) == [200] * 31 + [202]


def test_many_at_once_are_all_accepted_and_counted(served: Served) -> None:
    before = accepted(served)
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda number: post(served, modern(f"many-{number}")), range(300)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 300
    assert accepted(served) - before == 300


def accepted(served: Served) -> float:
    """The counter, from whichever process answers."""
    lines = requests.get(f"{served.address}/metrics", timeout=TIMEOUT_S).text.splitlines()
    return float(next(line for line in lines if 'result="accepted"' in line).split()[1])


def test_a_body_announced_too_large_is_refused_before_it_is_sent(served: Served) -> None:
    answer = talk(served, head("Content-Length: 1000000000000"))

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b'{"error": "the body is larger than 5242880 bytes"}')


def test_who_sends_too_much_gets_to_read_why(served: Served) -> None:
    answer = requests.post(served.hook, b"x" * (8 * MIB), timeout=TIMEOUT_S)

    assert answer.status_code == 413


def test_who_never_stops_sending_is_hung_up_on(served: Served) -> None:
    sent = 0
    with socket.create_connection(address_of(served), timeout=3 * TIMEOUT_S) as peer:
        peer.sendall(head("Content-Length: 1000000000000"))
        with suppress(ConnectionError):
            while sent < 200 * MIB:
                sent += peer.send(b"x" * MIB)

    assert sent < 60 * MIB


def test_an_idle_connection_does_not_hold_up_the_end(tmp_path: Path) -> None:
    served = start(tmp_path)
    with requests.Session() as session:
        session.get(f"{served.address}/healthz", timeout=TIMEOUT_S)
        began = time.monotonic()
        served.stop()

    assert time.monotonic() - began < 5


def test_a_webhook_on_a_new_connection_is_still_answered_when_the_end_has_begun(tmp_path: Path) -> None:
    served = start(tmp_path)
    wait_until_all_accept(served)
    body = modern("late")
    headers = (f"{name}: {value}" for name, value in signed(body).items() if name != "Content-Type")
    with socket.create_connection(address_of(served), timeout=TIMEOUT_S) as peer:
        wait_for(lambda: sum(shares(served)) == 1, TIMEOUT_S, "the connection to be taken")
        served.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        peer.sendall(head(f"Content-Length: {len(body)}", *headers) + body)
        answer = peer.recv(65536)
    served.process.communicate(timeout=TIMEOUT_S)

    assert answer.startswith(b"HTTP/1.1 202 ")


def test_a_chunked_body_is_taken(served: Served) -> None:
    body = modern("chunked")

    answer = requests.post(served.hook, iter([body[:20], body[20:]]), headers=signed(body), timeout=TIMEOUT_S)

    assert answer.status_code == 202


def test_a_chunked_body_over_the_limit_is_refused(served: Served) -> None:
    answer = requests.post(served.hook, iter([b"x" * MIB] * 6), timeout=TIMEOUT_S)

    assert answer.status_code == 413


def test_malformed_chunks_are_refused(served: Served) -> None:
    answer = talk(served, head("Transfer-Encoding: chunked") + b"zz\r\nabc\r\n")

    assert answer.startswith(b"HTTP/1.1 400 ")


def test_a_body_that_ends_early_is_refused(served: Served) -> None:
    answer = talk(served, head("Content-Length: 500") + b'{"id": "1"', ends=True)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"the body ended before its announced length" in answer


def test_a_body_that_never_arrives_is_not_waited_for(served: Served) -> None:
    answer = talk(served, head("Content-Length: 500") + b'{"id": "1"')

    assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_connection_serves_one_webhook_after_the_other(served: Served) -> None:
    with requests.Session() as session:
        codes = [
            session.post(served.hook, body, headers=signed(body), timeout=TIMEOUT_S).status_code
            for body in (modern("one"), b"nonsense", modern("one"), modern("two"))
        ]

    assert codes == [202, 400, 200, 202]


def test_each_process_keeps_to_a_core_where_there_are_enough(served: Served) -> None:
    cores = os.sched_getaffinity(0)
    kept = sorted(sorted(os.sched_getaffinity(child)) for child in served.children())

    one_each = [[core] for core in sorted(cores)][:WORKERS]
    assert kept == (one_each if len(cores) >= WORKERS else [sorted(cores)] * WORKERS)


def test_connections_are_shared_out_between_the_processes(tmp_path: Path) -> None:
    served = start(tmp_path)
    wait_until_all_accept(served)
    with ExitStack() as held:
        for _ in range(20):
            held.enter_context(socket.create_connection(address_of(served), timeout=TIMEOUT_S))
        wait_for(lambda: sum(shares(served)) == 20, TIMEOUT_S, "all connections")
        fewest, most = sorted(shares(served))
        served.stop()

    assert most - fewest <= 2 * (SLACK + 1)


def wait_until_all_accept(served: Served) -> None:
    """Until each process has taken a connection; the first that is up takes all until then."""
    with ExitStack() as held:

        def is_shared() -> bool:
            held.enter_context(socket.create_connection(address_of(served), timeout=TIMEOUT_S))
            return len(shares(served)) == WORKERS and all(shares(served))

        wait_for(is_shared, TIMEOUT_S, "each process to take a connection")
    wait_for(lambda: not any(shares(served)), TIMEOUT_S, "the connections to end")


def shares(served: Served) -> list[int]:
    """How many connections each process holds."""
    taken = established(address_of(served)[1])
    return [len(taken & inodes(child)) for child in served.children()]


def established(port: int) -> set[str]:
    """The inodes of the connections to this port, at its end; see proc(5)."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {line[9] for line in lines if line[1].endswith(f":{port:04X}") and line[3] == ESTABLISHED}


def inodes(pid: int) -> set[str]:
    """Those of its sockets."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found.add(str(link.readlink()).removeprefix("socket:[").removesuffix("]"))
    return found


def address_of(served: Served) -> tuple[str, int]:
    at = urlsplit(served.address)
    return at.hostname or "", at.port or 0


def test_a_killed_process_is_replaced_and_the_count_goes_on(tmp_path: Path) -> None:
    served = start(tmp_path)
    post(served, modern("before"))
    old = served.children()
    for child in old:
        os.kill(child, signal.SIGKILL)
    wait_for_new_children(served, old)

    again = post(served, modern("before"))

    assert (again.status_code, accepted(served)) == (200, 1.0)
    assert served.stop()[0] == 0


def wait_for_new_children(served: Served, old: list[int]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while len(set(served.children()) - set(old)) < WORKERS:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_it_starts_works_and_stops_without_a_word(tmp_path: Path) -> None:
    served = start(tmp_path)
    answer = post(served, modern())

    status, said = served.stop()

    assert (answer.status_code, status, said) == (202, 0, "")


def test_nothing_stays_behind_but_the_database(tmp_path: Path) -> None:
    served = start(tmp_path)
    post(served, modern())
    served.stop()

    assert {path.name.partition(".db")[0] for path in tmp_path.iterdir()} == {"relay"}
