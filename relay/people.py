"""Who an author is: from a git identity to a name in the configuration, and whom a message mentions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from relay import patterns
from relay.model import Author
from relay.patterns import Regex

AUTHOR = "author"  # the mention that stands for the commit's author


@dataclass(frozen=True, kw_only=True)
class PersonSpec:
    """A person, or a group when it has members. Letter case does not matter in e-mails and logins."""

    key: str
    emails: tuple[str, ...] = ()  # addresses or globs
    logins: Mapping[str, str] = field(default_factory=dict)  # "github", "gitlab", "bitbucket" -> login
    ids: Mapping[str, str] = field(default_factory=dict)  # notifier type -> how that service names them
    members: tuple[str, ...] = ()  # keys of people

    def has_email(self, address: str) -> bool:
        lowered = address.lower()
        return lowered in self._addresses or any(glob.found_in(lowered) for glob in self._globs)

    def has_login(self, login: str) -> bool:
        return login.lower() in {own.lower() for own in self.logins.values()}

    @cached_property
    def _addresses(self) -> frozenset[str]:
        return frozenset(email.lower() for email in self.emails if patterns.is_plain(email))

    @cached_property
    def _globs(self) -> tuple[Regex, ...]:
        globs = [email.lower() for email in self.emails if not patterns.is_plain(email)]
        return tuple(Regex(patterns.glob_source(glob)) for glob in globs)


def identify(author: Author, people: Mapping[str, PersonSpec]) -> Author:
    """The author with `known` set to the first person that has the e-mail, else the login; else None."""
    persons = [person for person in people.values() if not person.members]
    by_email = (p.key for p in persons if author.email and p.has_email(author.email))
    by_login = (p.key for p in persons if author.login and p.has_login(author.login))
    return replace(author, known=next(by_email, None) or next(by_login, None))


def resolve_mentions(
    mentions: Iterable[str],
    author: Author,
    people: Mapping[str, PersonSpec],
    substitute: str | None = None,
) -> tuple[str, ...]:
    """Keys of the people and groups to mention, each once; the substitute stands in for an unknown author."""
    keys = ((author.known or substitute) if mention == AUTHOR else mention for mention in mentions)
    return tuple(dict.fromkeys(key for key in keys if key is not None and key in people))
