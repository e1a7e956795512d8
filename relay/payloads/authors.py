"""Who wrote a commit, and whether that is a machine."""

from relay.model import Author, Commit, Person

NOBODY = "none"  # the login CircleCI writes for a user it does not know
_NOREPLY = "users.noreply."  # e-mail addresses of GitHub hosts that hold a login: 123+alice@users.noreply.…

_BOTS = {
    "dependabot",
    "dependabot-preview",
    "github-actions",
    "greenkeeper",
    "pre-commit-ci",
    "renovate",
    "renovate bot",
    "renovate-bot",
    "snyk bot",
    "snyk-bot",
    "whitesource-renovate",
}


def author(commit: Commit, user: Person) -> Author:
    """The commit's author, else its committer, else the user who triggered.

    Pushing and writing are two things: the user lends the login only to an author of the same name.
    """
    writer = next((one for one in (commit.author, commit.committer) if one != Person()), user)
    login = writer.login or login_of(writer.email) or _lent_login(writer, user)
    return Author(
        name=writer.name or login,
        email=writer.email,
        login=login,
        bot=is_bot(login) or is_bot(writer.name),
    )


def person(name: str | None, email: str | None, login: str | None) -> Person:
    """A person from what is there; the unknown user is nobody."""
    return Person(name=name, email=email, login=None if login == NOBODY else login)


def login_of(email: str | None) -> str | None:
    """The login in a no-reply address of a GitHub host."""
    local, _, domain = (email or "").rpartition("@")
    if not domain.lower().startswith(_NOREPLY):
        return None
    return local.rpartition("+")[2] or None


def is_bot(name: str | None) -> bool:
    """Whether a login or a name is that of a machine."""
    text = (name or "").lower()
    return text.endswith("[bot]") or text in _BOTS


def _lent_login(writer: Person, user: Person) -> str | None:
    is_same = bool(writer.name and user.name) and str(writer.name).lower() == str(user.name).lower()
    return user.login if is_same else None
