"""What strangers write, and how to tell that it did no harm."""

import unicodedata
from urllib.parse import urlsplit

from tests.notifiers.contract.contract import EVIL

HOSTILE = {
    "pings": "<!channel> <!here> <@U99> <@80351110> <users/all> @everyone @here @channel @room @all @alice",
    "marked pings": "@**all** @*team* @_**Alice** <at>Bob</at> <!subteam^S9> *@all* `@all` _@here_ (@all)",
    "links": f"[x](http://{EVIL}) <http://{EVIL}|x> [x][1]\n[1]: http://{EVIL}\n![x](http://{EVIL}/i.png)",
    "elements": f"<a href='http://{EVIL}'>x</a><b>x<img src=x onerror=y></b></p><script>x</script>&lt;b&gt;",
    "marks": "*b* _i_ ~s~ **b** __u__ ~~s~~ || # h\n> q\n- l\n1. n\n===\n---\n| a | b |\n$x$ \\ {x} :smile:",
    "fences": f"``` ` ```` x ``` [y](http://{EVIL}) ```\n```\n@all\n~~~\n`` ` @here ` ``",
    "escapes": f"\\[x](http://{EVIL}) \\\\[x](http://{EVIL}) \\@all \\<!channel> &#91;x&#93; &commat;all",
    "lines": f"x\r\nBcc: e@{EVIL}\r\n\r\nx\n.\nMAIL FROM:<e@{EVIL}>\u2028\u2029\x0b\x0c\x85",
    "controls": "\x00\x07\x08\x1b[2J\x1b]0;x\x07\x7f\x9b31m\u202e\u2066\u200f\ufeff\ud800 \U000e0041",
    "templates": "{{ 7 * 7 }} {% for x in y %} ${HOME} {{DATE(2026-01-01T00:00:00Z, SHORT)}} %s {0}",
}
LONG = {
    "letters": "x" * 10_000,
    "words": "word " * 2000,
    "wide": "\U0001f534" * 10_000,
    "escaped": "&<>\"'" * 2000,
    "marked": "`[*_~|](#@\\" * 1000,
    "lines": "a line\n" * 1500,
    "ideographs": "\u4e2d" * 10_000,
}
UNSAFE = ("Cc", "Cs")  # control characters and halves of characters
REORDERING = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def is_harmless(text: str) -> bool:
    """Without what drives a terminal, reorders a line or breaks UTF-8."""
    return not any(
        each in REORDERING or (unicodedata.category(each) in UNSAFE and each not in "\n\t\r") for each in text
    )


def leads_astray(shown: str, url: str) -> bool:
    """A link to the stranger's place that does not say so."""
    host = urlsplit(url).hostname or ""
    return host.endswith(EVIL) and shown.rstrip("/") != url.rstrip("/")
