"""GitHub's Markdown, for comments."""

import re

from relay.markup.markdown import Markdown, MarkdownText

BREAK = "\u200b"


class GitHubText(MarkdownText):
    """Text that this markup made."""

    __slots__ = ()


class GitHub(Markdown):
    """GitHub's Markdown, for comments.

    After the Markdown GitHub looks for names, issues and addresses in what became of it, where a backslash no
    longer helps: https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting
    """

    name = "github"
    marked = GitHubText
    _reference = re.compile(r"(#|(?i:\bgh-)|:(?=//)|(?i:\bwww)(?=\.))")

    def escape(self, text: str) -> str:
        return self._reference.sub(rf"\1{BREAK}", super().escape(text)).replace("$", r"\$")

    def _link(self, text: str, url: str) -> str:
        """Without what would call somebody or end the bold around it."""
        return super()._link(text, url.replace("@", "%40").replace("*", "%2A"))
