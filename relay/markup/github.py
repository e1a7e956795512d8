"""GitHub's Markdown, for comments."""

from relay.markup.markdown import Markdown, MarkdownText


class GitHubText(MarkdownText):
    """Text that this markup made."""

    __slots__ = ()


class GitHub(Markdown):
    """GitHub's Markdown, for comments."""

    name = "github"
    marked = GitHubText
