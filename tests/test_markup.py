"""What strangers write stays text, and a cut never ends inside anything."""

import html
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.markup import MARKUPS, Json, Markup, clean, cut_list, html_to_plain, safe_url

PLAIN, HTML, SLACK, MARKDOWN = (MARKUPS[name] for name in ("plain", "html", "slack", "markdown"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\x1b[2Jgone", "␛[2Jgone"),
        ("bell\x07", "bell␇"),
        ("\x9b31m", "\ufffd31m"),
        ("abc\u202egpj.exe", "abc\ufffdgpj.exe"),
        ("\u2066x\u2069", "\ufffdx\ufffd"),
        ("half \ud83d pair", "half \ufffd pair"),
        ("one\r\ntwo\rthree\x00", "one\ntwo three␀"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("naïve 🟢 日本", "naïve 🟢 日本"),
    ],
    ids=[
        "clear screen",
        "bell",
        "c1",
        "bidi override",
        "bidi isolate",
        "surrogate",
        "line ends",
        "kept",
        "letters",
    ],
)
def test_plain_text_cannot_drive_a_terminal(text: str, said: str) -> None:
    assert PLAIN.text(text) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("<@U012ABCDE> & co", "&lt;@U012ABCDE&gt; &amp; co"),
        ("<https://evil.example.com|Sign in>", "&lt;https://evil.example.com|Sign in&gt;"),
        ("*bold* _it_ `code` snake_case", "*bold* _it_ `code` snake_case"),
        ("```fence", "`\u200b`\u200b`fence"),
        ("&lt;already&gt;", "&amp;lt;already&amp;gt;"),
    ],
)
def test_slack_text_cannot_ping_or_link(text: str, said: str) -> None:
    assert SLACK.text(text) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@everyone", "@\u200beveryone"),
        ("@**all**", "@\u200b\\*\\*all\\*\\*"),
        ("[sign in](https://evil.example.com)", "\\[sign in\\]\\(https://evil.example.com\\)"),
        ("<@&123>", "\\<@\u200b\\&123\\>"),
        ("# title", "\\# title"),
        ("- item\n1. one\n2) two", "\\- item\n1\\. one\n2\\) two"),
        ("```fence```", "\\`\\`\\`fence\\`\\`\\`"),
        ("fix-login 1.2", "fix-login 1.2"),
    ],
)
def test_markdown_text_cannot_ping_link_or_format(text: str, said: str) -> None:
    assert MARKDOWN.text(text) == said


def test_html_text_cannot_hold_elements_or_leave_an_attribute() -> None:
    assert HTML.text("<img src=x onerror='a'>&\"") == "&lt;img src=x onerror=&#x27;a&#x27;&gt;&amp;&quot;"


@pytest.mark.parametrize(
    ("markup", "said"),
    [
        (PLAIN, "a & <b> (https://example.com/?a=1&b=2)"),
        (HTML, '<a href="https://example.com/?a=1&amp;b=2">a &amp; &lt;b&gt;</a>'),
        (SLACK, "<https://example.com/?a=1&amp;b=2|a &amp; &lt;b&gt;>"),
        (MARKDOWN, "[a \\& \\<b\\>](https://example.com/?a=1&b=2)"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_link_escapes_its_text(markup: Markup, said: str) -> None:
    assert markup.link("a & <b>", "https://example.com/?a=1&b=2") == said


@pytest.mark.parametrize("markup", MARKUPS.values(), ids=lambda markup: markup.name)
def test_marked_text_is_not_escaped_again(markup: Markup) -> None:
    link = markup.link("a < b", "https://example.com/")

    assert markup.text(link) == link


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "data:text/html,x", "//example.com", "example.com", "https://", "", "file:///etc/passwd",
        "https://github.com@evil.example.com/", "https://[::1", "mailto:", None, 7,
    ],
)  # fmt: skip
def test_other_urls_make_no_link(url: object) -> None:
    assert SLACK.link("text", url) == "text"


def test_a_url_cannot_end_its_link_early() -> None:
    assert safe_url('https://example.com/a|b>c)d" e\n') == "https://example.com/a%7Cb%3Ec%29d%22%20e"


def test_code_cannot_be_left() -> None:
    assert SLACK.code("a`b <c>\n```") == "`a'b &lt;c&gt; '''`"
    assert MARKDOWN.code("a`b @all") == "`a'b @\u200ball`"
    assert HTML.code("</code><b>") == "<code>&lt;/code&gt;&lt;b&gt;</code>"


def test_json_text_is_escaped_for_the_service_and_for_json() -> None:
    inside = Json(SLACK).text('say "<!here>"\n\\')

    assert json.loads(f'"{inside}"') == 'say "&lt;!here&gt;"\n\\'


def test_a_json_value_has_its_texts_escaped() -> None:
    assert json.loads(Json(SLACK).json({"a": ["<!here>", 1, None]})) == {"a": ["&lt;!here&gt;", 1, None]}


# cutting


@pytest.mark.parametrize(
    ("markup", "text", "limit", "said"),
    [
        (SLACK, "ab &amp; cd", 8, "ab…"),
        (SLACK, "ab &amp; cd", 9, "ab &amp;…"),
        (SLACK, "see <https://example.com|here> now", 20, "see…"),
        (SLACK, "a `code span` b", 8, "a…"),
        (SLACK, "```\nlong code in a fence\n```", 15, "```\nlong c\n```…"),
        (HTML, "ab &lt; cd", 5, "ab…"),
        (HTML, '<a href="https://x.y">words in a link</a>', 35, '<a href="https://x.y">words in</a>…'),
        (HTML, "<b>bold</b> and more", 9, "<b>b</b>…"),
        (MARKDOWN, "ab \\* cd", 5, "ab…"),
        (MARKDOWN, "see [here](https://example.com) now", 20, "see…"),
        (PLAIN, "abcdef", 4, "abc…"),
        (PLAIN, "cafe\u0301s", 5, "caf…"),
        (PLAIN, "ab", 2, "ab"),
        (PLAIN, "abc", 0, ""),
    ],
)  # fmt: skip
def test_a_cut_leaves_escapes_links_and_letters_whole(
    markup: Markup, text: str, limit: int, said: str
) -> None:
    assert markup.cut(text, limit) == said


@given(st.text(alphabet="a &<>`*|é\u0301\n", max_size=60), st.integers(0, 60))
def test_a_cut_of_slack_text_fits_and_is_whole(text: str, limit: int) -> None:
    said = SLACK.cut(SLACK.text(text), limit)

    assert len(said) <= max(limit, 0)
    assert re.sub("&(amp|lt|gt);", "", said).find("&") == -1


@given(st.text(alphabet="a &<>\"'b\n", max_size=60), st.integers(0, 90))
def test_a_cut_of_html_fits_and_is_balanced(text: str, limit: int) -> None:
    said = HTML.cut(HTML.bold(text) + HTML.link(text, "https://x.example.com") + HTML.text(text), limit)

    assert len(said) <= max(limit, 0)
    assert said.count("<b>") == said.count("</b>")
    assert said.count("<a ") == said.count("</a>")
    assert html.escape(html.unescape(re.sub("<[^>]*>", "", said))) == re.sub("<[^>]*>", "", said)


def test_ten_thousand_hostile_characters_are_cut_quickly_by_every_markup() -> None:
    for markup in MARKUPS.values():
        for text in (
            "[" * 10_000,
            "`" * 10_001,
            "<" * 10_000,
            "&" * 10_000,
            "\\" * 10_000,
            "\u0301" * 10_000,
        ):
            assert len(markup.cut(markup.text(text), 300)) <= 300


def test_a_list_that_fits_is_whole() -> None:
    assert cut_list(["one", "two"], 7) == ("one", "two")


def test_a_list_is_cut_in_the_middle() -> None:
    items = [f"item {number:03}" for number in range(100)]

    assert cut_list(items, 50) == ("item 000", "item 001", "item 002", "… and 96 more", "item 099")


def test_a_list_is_cut_to_a_number_of_items() -> None:
    assert cut_list(list("abcdef"), 100, at_most=3) == ("a", "b", "… and 3 more", "f")


@given(st.lists(st.text("ab", max_size=9), max_size=30), st.integers(20, 80))
def test_a_cut_list_fits(items: list[str], limit: int) -> None:
    assert len("\n".join(cut_list(items, limit))) <= limit


def test_html_is_told_in_plain_text() -> None:
    said = '<b>a</b> &amp; <a href="https://example.com/?a=1&amp;b=2">link</a><br>next &lt;line&gt;'

    assert html_to_plain(said) == "a & link (https://example.com/?a=1&b=2)\nnext <line>"


@given(st.text())
def test_clean_text_is_utf8_and_stays_as_it_is(text: str) -> None:
    once = clean(text)

    assert once.encode("utf-8").decode("utf-8") == once
    assert clean(once) == once


def test_a_cut_before_a_backtick_leaves_the_escape_before_it_whole() -> None:
    assert MARKUPS["slack"].cut("ab&amp;`<", 8) == "ab&amp;…"
