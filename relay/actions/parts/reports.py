"""Small reports among artifacts, read for what people want to know: how much is covered, how many failed.

Texts are searched, never parsed as XML: whoever wrote the build wrote them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import re2

_SUITE = re2.compile(r"</?testsuite(\s[^<>]*)?>")
_SUITES = re2.compile(r"<testsuites(\s[^<>]*)>")
_ATTRIBUTE = re2.compile(r"""\b(tests|failures|errors|skipped)\s*=\s*["']([0-9]{1,9})["']""")
_COBERTURA = re2.compile(r"""<coverage\s[^<>]*\bline-rate\s*=\s*["']([0-9.]{1,20})["']""")
_JACOCO = re2.compile(r"""<counter type="LINE" missed="([0-9]{1,12})" covered="([0-9]{1,12})"\s*/>""")
_CLOVER = re2.compile(
    r"""<metrics\s[^<>]*\bstatements="([0-9]{1,12})"[^<>]*\bcoveredstatements="([0-9]{1,12})\""""
)
_LCOV = re2.compile(r"(?m)^(LF|LH):([0-9]{1,12})\s*$")
_TOTAL = re2.compile(
    r"(?mi)^\s*(?:total|all files|lines|coverage)\b.{0,200}?([0-9]{1,3}(?:\.[0-9]{1,6})?)\s*%"
)
_JSON_PLACES = (
    ("total", "lines", "pct"),  # istanbul
    ("totals", "percent_covered"),  # coverage.py
    ("result", "line"),  # simplecov
    ("result", "covered_percent"),
    ("metrics", "covered_percent"),
    ("coverage",),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """Results of tests."""

    tests: int = 0
    failures: int = 0
    errors: int = 0
    skipped: int = 0

    def plus(self, other: "Counts") -> "Counts":
        return Counts(
            tests=self.tests + other.tests,
            failures=self.failures + other.failures,
            errors=self.errors + other.errors,
            skipped=self.skipped + other.skipped,
        )


def may_tell(path: str) -> bool:
    """Whether it is worth reading, by its name."""
    name = PurePosixPath(path).name.lower()
    is_report = PurePosixPath(name).suffix in {".xml", ".json", ".txt", ".info"}
    return is_report and (name.endswith(".xml") or _is_about_coverage(path))


def counts_in(path: str, text: str) -> Counts | None:
    """The sums of a JUnit report, or None when it is none."""
    if not path.lower().endswith(".xml"):
        return None
    whole = _SUITES.search(text)
    if whole and _attributes(whole[1]).tests:
        return _attributes(whole[1])
    suites = [_attributes(attributes) for attributes in _outermost(text)]
    return _sum(suites) if suites else None


def coverage_in(path: str, text: str) -> float | None:
    """Percent of lines covered, or None when it does not say."""
    name = path.lower()
    if name.endswith(".json"):
        return _in_json(text) if _is_about_coverage(path) else None
    if name.endswith(".info"):
        return _in_lcov(text)
    if name.endswith(".xml"):
        return _in_xml(text)
    found = _TOTAL.search(text) if _is_about_coverage(path) else None
    return _percent(float(found[1])) if found else None


def _is_about_coverage(path: str) -> bool:
    return any(
        word in path.lower() for word in ("cover", "cobertura", "lcov", "jacoco", "clover", "last_run")
    )


def _attributes(text: str | None) -> Counts:
    found = {name: int(value) for name, value in _ATTRIBUTE.findall(text or "")}
    return Counts(**found)


def _outermost(text: str) -> list[str]:
    """The attributes of suites that are in no other suite, whose numbers include those inside."""
    depth, found = 0, []
    for tag in _SUITE.finditer(text):
        if tag[0].startswith("</"):
            depth = max(0, depth - 1)
            continue
        if depth == 0:
            found.append(tag[1] or "")
        depth += not tag[0].endswith("/>")
    return found


def _sum(suites: list[Counts]) -> Counts:
    total = Counts()
    for suite in suites:
        total = total.plus(suite)
    return total


def _in_json(text: str) -> float | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return next((found for place in _JSON_PLACES if (found := _number_at(value, place)) is not None), None)


def _number_at(value: Any, place: tuple[str, ...]) -> float | None:
    for key in place:
        value = value.get(key) if isinstance(value, Mapping) else None
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return _percent(float(value)) if is_number else None


def _in_lcov(text: str) -> float | None:
    sums = {"LF": 0, "LH": 0}
    for kind, count in _LCOV.findall(text):
        sums[kind] += int(count)
    return _share(sums["LH"], sums["LF"])


def _in_xml(text: str) -> float | None:
    cobertura = _COBERTURA.search(text)
    if cobertura:
        return _rate(cobertura[1])
    jacoco = _JACOCO.findall(text)
    if jacoco:
        missed, covered = map(int, jacoco[-1])  # the whole report's own counters come last
        return _share(covered, missed + covered)
    clover = _CLOVER.search(text)
    return _share(int(clover[2]), int(clover[1])) if clover else None


def _rate(text: str) -> float | None:
    try:
        return _percent(float(text) * 100)
    except ValueError:
        return None


def _share(part: int, whole: int) -> float | None:
    return _percent(100 * part / whole) if whole else None


def _percent(value: float) -> float | None:
    return round(value, 2) if 0 <= value <= 100 else None
