"""From the failed steps of a job to the class of its failure."""

import time

import pytest

from relay.failures import (
    BadStep,
    Failure,
    OwnSignatures,
    Signature,
    StepKind,
    as_notes,
    from_notes,
    recognise,
    shipped,
    with_own,
)

RESET = "curl: (56) Recv failure: Connection reset by peer"
TYPE_ERROR = "src/a.ts(3,4): error TS2345: Argument of type 'string' is not assignable"
NO_MODULE = "ModuleNotFoundError: No module named 'cart'"
ASSERTION = "E       assert 3 == 4"
SUMMARY = "FAILED tests/test_cart.py::test_total"
TIMED_OUT_WORDS = "Too long with no output (exceeded 10m0s): context deadline exceeded"


def of(*lines: str, name: str = "Run tests", **fields: object) -> BadStep:
    return BadStep(**{"name": name, "exit_code": 1, "log": "\n".join(lines), **fields})  # type: ignore[arg-type]


def failure_of(*steps: BadStep, **given: object) -> Failure:
    return recognise(steps, catalogue=shipped(), **given)  # type: ignore[arg-type]  # by name, as in the tests


@pytest.mark.parametrize(
    ("lines", "failure_class"),
    [
        ([RESET], "net"),
        ([TYPE_ERROR], "genuine.compile"),
        (["all is well"], "unknown"),
        ([RESET, SUMMARY], "net"),
        ([RESET, ASSERTION], "genuine.test"),
        ([ASSERTION, RESET], "net"),
        ([RESET, NO_MODULE], "genuine.dep"),
        ([NO_MODULE, RESET], "net"),
        (["jest worker process was terminated by another process", ASSERTION], "flaky"),
        (["Permission denied (publickey).", "fatal: Could not read from remote repository."], "genuine.auth"),
        ([TYPE_ERROR, RESET], "genuine.compile"),
        ([ASSERTION], "genuine.test"),
        ([RESET, *["fine"] * 200, SUMMARY], "genuine.test"),
        ([RESET, *["fine"] * 50, SUMMARY], "net"),
        (["No such file or directory", *["fine"] * 200, RESET], "net"),
        ([RESET, "build was cancelled"], "cancel"),
        (["build was cancelled", RESET, RESET, RESET, RESET], "net"),
        (["2 flaky", "FAILED CONSISTENTLY"], "genuine.test"),
    ],
    ids=[
        "transient",
        "genuine",
        "nothing",
        "that a test failed does not say why",
        "what a test compares says it, and what it logged before was wanted",
        "what comes after a comparison was not",
        "the last one when they are about as strong",
        "the last one, the other way round",
        "one that is far stronger, wherever it stands",
        "a line that follows on everything",
        "a strong genuine sign outweighs it",
        "weak evidence alone",
        "what was survived fades",
        "what was not survived does not",
        "a genuine sign fades too",
        "cancelled at the end",
        "cancelled long ago",
        "failed on all tries",
    ],
)
def test_the_lines_give_the_class(lines: list[str], failure_class: str) -> None:
    assert failure_of(of(*lines)).failure_class == failure_class


@pytest.mark.parametrize(
    "lines",
    [
        [f"{RESET}, retrying"],
        [f"WARN {RESET}"],
        ["attempt 1 of 3: connection refused"],
        ["  reports a connection refused as offline"],
        ["+ grep -q 'connection refused' server.log"],
        [RESET, "retry 2/3: fetched"],
        ["database: connection refused", "database is ready"],
        [RESET, "========= test session starts =========", *["fine"] * 500],
        [RESET, *["fine"] * 500, "BUILD SUCCESSFUL in 40s"],
    ],
    ids=[
        "it says that it is tried again",
        "a warning",
        "not the last attempt",
        "the name of a test",
        "a command",
        "another try got through",
        "what was waited for came",
        "the tests began",
        "the build succeeded",
    ],
)
def test_what_was_survived_is_no_sign(lines: list[str]) -> None:
    failure = failure_of(of(*lines))

    assert (failure.failure_class, failure.signatures) == ("unknown", ())


def test_passing_tests_do_not_excuse_what_they_do_not_cover() -> None:
    failure = failure_of(of("FAIL Required test coverage of 85% not reached", "===== 7 passed in 1s ====="))

    assert failure.failure_class == "genuine.gate"


def test_a_network_error_after_an_earlier_success_counts() -> None:
    assert failure_of(of("Successfully installed cart-1.0", RESET)).failure_class == "net"


@pytest.mark.parametrize(
    ("step", "failure_class"),
    [
        ("Checkout code", "vcs"),
        ("Restoring cache", "cache"),
        ("npm ci", "registry"),
        ("Run tests", "net"),
    ],
)
def test_the_step_tells_what_the_network_kept_from_being_fetched(step: str, failure_class: str) -> None:
    assert failure_of(of(RESET, name=step)).failure_class == failure_class


def test_networks_give_way_to_what_ended_the_step() -> None:
    assert failure_of(of(RESET, "compile: signal: killed")).failure_class == "oom"


@pytest.mark.parametrize(
    ("steps", "status", "failure_class"),
    [
        ([], "failed", "agent"),
        ([of("fine")], "infrastructure_fail", "agent"),
        ([of("fine", status="infrastructure_fail")], "failed", "agent"),
        ([], "canceled", "cancel"),
        ([], "unauthorized", "genuine.auth"),
        ([], "not_run", "unknown"),
        ([of("fine", TIMED_OUT_WORDS, status="timedout")], "failed", "timeout"),
        ([of("no space left on device", status="timedout")], "timedout", "disk"),
        ([of(RESET, *["fine"] * 60, status="timedout")], "timedout", "timeout"),
        ([of("fine", exit_code=137)], "failed", "oom"),
        ([of("fine", exit_code=124)], "failed", "timeout"),
    ],
    ids=[
        "no failed step",
        "the job was lost",
        "the step was lost",
        "somebody stopped it",
        "its context was not allowed",
        "it never ran",
        "it took too long",
        "its last words say why it took too long",
        "what it said long before does not",
        "killed",
        "ended by timeout(1)",
    ],
)
def test_the_ending_gives_the_class(steps: list[BadStep], status: str, failure_class: str) -> None:
    assert failure_of(*steps, status=status).failure_class == failure_class


def test_failing_tests_alone_are_weak_evidence() -> None:
    failure = failure_of(of("something"), tests=["Door::opens", "Door::opens", "Door::closes"])

    assert (failure.failure_class, failure.lr_genuine) == ("genuine.test", 0.6)
    assert (failure.tests, failure.test_count) == (("Door::closes", "Door::opens"), 2)


def test_what_runs_after_a_failure_is_a_symptom() -> None:
    steps = of(ASSERTION), of("Unable to locate credentials", name="Publish report")

    assert failure_of(*steps).failure_class == "genuine.test"


def test_uploads_and_background_steps_are_symptoms_wherever_they_stand() -> None:
    steps = (
        of(RESET, name="Upload coverage"),
        of(RESET, name="Start database", background=True),
        of(TYPE_ERROR),
    )

    assert failure_of(*steps).failure_class == "genuine.compile"


def test_an_upload_that_fails_alone_is_the_cause() -> None:
    failure = failure_of(of(RESET, name="Upload coverage"))

    assert (failure.failure_class, failure.step, failure.step_kind) == (
        "net",
        "Upload coverage",
        StepKind.POST,
    )


def test_every_container_has_a_cause_of_its_own() -> None:
    failure = failure_of(of("fine", container=0), of(RESET, name="Checkout code", container=1))

    assert (failure.failure_class, failure.step) == ("vcs", "Checkout code")


def test_evidence_is_the_line_with_ten_around_it() -> None:
    log = [f"line {number}" for number in range(20)] + [RESET] + ["after"] * 20
    evidence = failure_of(of(*log)).evidence

    assert evidence is not None
    assert (evidence.signature, evidence.line, evidence.step) == ("net.reset", RESET, "Run tests")
    assert evidence.before == tuple(f"line {number}" for number in range(10, 20))
    assert evidence.after == ("after",) * 10


def test_secrets_are_masked_also_those_of_several_lines() -> None:
    secret = "hunter2hunter2"
    log = (f"token {secret}", "KEY-BEGIN", "KEY-END", f"{RESET} {secret}")

    failure = failure_of(
        of(*log), mask=lambda text: text.replace(secret, "***").replace("KEY-BEGIN\nKEY-END", "***")
    )

    assert secret not in repr(failure)
    assert "KEY" not in repr(failure)


def test_evidence_is_bounded() -> None:
    evidence = failure_of(of("y" * 5_000, f"{RESET} {'x' * 5_000}", "z" * 5_000)).evidence

    assert evidence is not None
    assert [len(part) for part in (evidence.line, *evidence.before)] == [500, 300]


def test_a_record_survives_being_kept() -> None:
    failure = failure_of(of(RESET, ASSERTION), job="e2e", tests=["a"])

    assert from_notes(as_notes(failure)) == failure


def test_own_signatures_add_replace_and_switch_off() -> None:
    own = OwnSignatures(
        signatures=(
            Signature(id="device.offline", failure_class="device", lr=5, pattern="adb: device .* offline"),
            Signature(id="gen.ts", failure_class="net", lr=50, pattern="error TS2345"),
        ),
        off=frozenset({"net.reset"}),
        passes=(("device", 0.6),),
    )
    catalogue = with_own(own)

    def recognised(*lines: str) -> str:
        return recognise([of(*lines)], catalogue=catalogue).failure_class

    assert recognised("adb: device emulator-5554 OFFLINE") == "device"
    assert recognised("x.ts: error TS2345") == "net"
    assert recognised("recv failure") == "unknown"
    assert (catalogue.passes("device"), catalogue.passes("net"), catalogue.passes("new")) == (0.6, 0.8, 0.2)


def test_the_ends_of_a_text_are_the_ends_of_a_line() -> None:
    own = Signature(id="door.shut", failure_class="door", lr=5, pattern=r"\Adoor shut\z")

    failure = recognise(
        [of("fine", "door shut", "fine")], catalogue=with_own(OwnSignatures(signatures=(own,)))
    )

    assert failure.failure_class == "door"


def test_what_must_not_be_in_a_line_keeps_a_signature_from_it() -> None:
    assert "net.refused_remote" in failure_of(of("partner.example: connection refused")).signatures
    assert "net.refused_remote" not in failure_of(of("127.0.0.1:5432: connection refused")).signatures


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Spin up environment", "setup"),
        ("Checkout code", "checkout"),
        ("Restoring cache", "cache"),
        ("npm ci", "deps"),
        ("Install test dependencies", "deps"),
        ("Run e2e tests", "test"),
        ("Build image", "build"),
        ("Build and deploy", "deploy"),
        ("Upload test results", "post"),
        ("Uploading artifacts", "post"),
        ("Say hello", "other"),
    ],
)
def test_a_step_is_known_by_its_name(name: str, kind: str) -> None:
    assert failure_of(of("x", name=name)).step_kind == kind


ORDINARY = (
    "[{n}/4000] Compiling src/cart/item_{n}.c",
    "test_adds_item_{n} (tests.cart.Cart) ... ok",
    "  GET /orders/{n} 200 in {n} ms",
    "Downloading https://files.example.com/pkg-{n}.whl ({n} kB)",
    "webpack: module ./src/view{n}.js built",
    "DEBUG handler finished request id={n} status=ok",
)


def test_four_thousand_lines_are_read_in_well_under_a_second() -> None:
    """`python -m benchmarks failures` measures it; here the bound is for slow and busy machines."""
    log = [ORDINARY[n % len(ORDINARY)].format(n=n) for n in range(4_000)]
    recognise([of("x")], catalogue=shipped())
    start = time.perf_counter()

    failure = failure_of(of(*log, RESET))

    assert failure.failure_class == "net"
    assert time.perf_counter() - start < 0.5


@pytest.mark.parametrize(
    "log",
    [
        " ".join(["pod container channel coverage failed to solve dial tcp"] * 40 + ["\n"]) * 120,
        "\x1b[31m" * 60_000,
        "\x1b]0;" * 60_000,
        "\r" * 300_000,
        "1:2026-" * 50_000,
        "\n" * 300_000,
        "ſ→é● " * 60_000,
        "a" * 300_000,
    ],
    ids=["words", "colours", "titles", "returns", "numbers", "empty", "letters", "one line"],
)
def test_hostile_logs_stay_cheap(log: str) -> None:
    start = time.perf_counter()

    failure_of(of(log))

    assert time.perf_counter() - start < 5
