"""`relay signatures`: what there is, and what a log comes to."""

import re

from tests.cli.desk import Desk
from tests.cli.judged import SHADOW, judged_desk

LOG = b"""npm ci
2026-11-23T12:00:01Z npm ERR! code ECONNRESET
Exited with code exit status 1
"""
OWN = """\
version: 1
circleci: { token: personal-token-of-alice }
notifiers: { console: { type: console } }
signatures:
  off: [net.reset]
  classes:
    device:
      add:
        - { id: device.offline, lr: 8, re: 'adb: device .* offline' }
routes: [{ notify: console }]
"""


def test_a_log_is_recognised_without_any_configuration(desk: Desk) -> None:
    desk.save("build.log", LOG)
    (desk.folder / "relay.yaml").unlink(missing_ok=True)

    result = desk.run(
        "signatures", "test", "build.log", "--step", "npm ci", "--exit-code", "1", "--job", "unit"
    )

    lines = result.output.splitlines()
    assert lines[:-1] == [
        "line  signature    lr  text",
        "2     net.reset    10  npm ERR! code ECONNRESET",
        "2     reg.npm_net  14  npm ERR! code ECONNRESET",
        "",
        "class registry",
        "decided by   reg.npm_net",
        "evidence     npm ERR! code ECONNRESET",
        "odds         14 : 1 that it is transient, by the log alone (14 × 1)",
        "step         npm ci (deps)",
    ]
    assert lines[-1].startswith("fingerprint  ")
    assert result.exit_code == 0


def test_lines_are_numbered_as_in_the_whole_log(desk: Desk) -> None:
    result = desk.run("signatures", "test", "-", given=b"fine\n" * 5_000 + LOG)

    assert "5002  net.reset" in result.output


def test_what_is_not_recognised_is_a_no(desk: Desk) -> None:
    result = desk.run("signatures", "test", "-", given=b"all is well\n")

    assert result.output.startswith("not recognised: no signature was found\n")
    assert result.exit_code == 1


def test_own_signatures_are_used(desk: Desk) -> None:
    desk.write(OWN)

    result = desk.run("signatures", "test", "-", given=b"adb: device emulator-1 offline\n" + LOG)

    assert "device.offline" in result.output
    assert "net.reset" not in result.output


def test_secrets_and_escapes_are_not_printed(desk: Desk) -> None:
    desk.write(OWN)

    result = desk.run(
        "signatures",
        "test",
        "-",
        "--json",
        given=b"\x1b[31mno space left on device personal-token-of-alice\x1b[0m\x07\n",
    )

    assert "personal-token" not in result.output
    assert "\x1b" not in result.output
    assert '"class": "disk"' in result.output


def test_json_has_the_record_and_what_was_found(desk: Desk) -> None:
    desk.save("build.log", LOG)

    record = desk.json("signatures", "test", "build.log")

    assert (record["class"], record["signature"]) == ("registry", "reg.npm_net")
    assert [(hit["line"], hit["signature"], hit["lr"]) for hit in record["found"]] == [
        (2, "net.reset", 10.0),
        (2, "reg.npm_net", 14.0),
    ]


def test_the_list_shows_own_ones_and_none_that_are_off(desk: Desk) -> None:
    desk.write(OWN)

    listed = desk.run("signatures", "list").output

    assert "device  " in listed
    assert "net.reset" not in listed
    assert "net.dns" in listed


def test_the_list_of_one_class(desk: Desk) -> None:
    assert [each["id"] for each in desk.json("signatures", "list", "--class", "quota")] == [
        "docker.rate_limit",
        "quota.api",
        "quota.plan",
        "quota.token_refresh",
    ]
    assert desk.run("signatures", "list", "--class", "x").output == "no signatures of class x\n"


def test_a_log_that_cannot_be_read_is_said(desk: Desk) -> None:
    result = desk.run("signatures", "test", "nowhere.log")

    assert (result.output, result.exit_code) == (
        "nowhere.log: cannot be read: No such file or directory\n",
        2,
    )


def test_a_configuration_that_was_asked_for_must_be_there(desk: Desk) -> None:
    result = desk.run("--config", "nowhere.yaml", "signatures", "list")

    assert result.output.startswith("nowhere.yaml:1:1 no such file")
    assert result.exit_code == 2


def test_the_list_counts_the_failures_of_the_ledger(desk: Desk) -> None:
    with judged_desk(desk) as judged:
        judged.fail(SHADOW)
        judged.fail(SHADOW, number=42)

        listed = desk.run("signatures", "list", "--class", "registry").output.splitlines()
        records = desk.json("signatures", "list", "--class", "registry")

    hit = next(each for each in records if each["id"] == "reg.npm_net")
    assert listed[0].split()[:6] == ["class", "id", "lr", "hits", "last", "hit"]
    assert re.search(r"reg\.npm_net +14 +2 +\d+ s ago ", "\n".join(listed))
    assert (hit["hits"], hit["last_hit"] is not None) == (2, True)
    assert {each["hits"] for each in records if each is not hit} == {0}


def test_without_a_ledger_hits_are_not_known(desk: Desk) -> None:
    assert {each["hits"] for each in desk.json("signatures", "list")} == {None}
