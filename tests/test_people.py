"""Authors and the people of the configuration."""

import pytest

from relay.model import Author
from relay.people import PersonSpec, identify, resolve_mentions

PEOPLE = {
    person.key: person
    for person in (
        PersonSpec(
            key="alice",
            emails=("Alice@example.com", "*+alice@users.noreply.github.com"),
            logins={"github": "Alice"},
        ),
        PersonSpec(key="bob", emails=("bob@example.com",), logins={"gitlab": "bob", "bitbucket": "bobby"}),
        PersonSpec(key="platform", members=("alice", "bob"), emails=("team@example.com",)),
        PersonSpec(key="anyone", emails=("*@corp.example.com",)),
    )
}


@pytest.mark.parametrize(
    ("author", "known"),
    [
        (Author(email="alice@example.com"), "alice"),
        (Author(email="ALICE@EXAMPLE.COM"), "alice"),
        (Author(email="123+Alice@users.noreply.github.com"), "alice"),
        (Author(email="xalice@example.com"), None),
        (Author(email="alice@example.com.evil.test"), None),
        (Author(login="ALICE"), "alice"),
        (Author(login="bobby"), "bob"),
        (Author(email="stranger@example.com", login="bob"), "bob"),
        (Author(email="alice@example.com", login="bob"), "alice"),
        (Author(email="team@example.com"), None),
        (Author(email="carol@corp.example.com"), "anyone"),
        (Author(email="*", login=""), None),
        (Author(), None),
        (Author(known="bob"), None),
    ],
    ids=str,
)
def test_author_is_known_by_email_then_by_login(author: Author, known: str | None) -> None:
    assert identify(author, PEOPLE).known == known


def test_identified_author_keeps_the_rest() -> None:
    author = Author(name="Alice Archer", email="alice@example.com", login="x", bot=True)

    assert identify(author, PEOPLE) == Author(
        name="Alice Archer", email="alice@example.com", login="x", bot=True, known="alice"
    )


def test_first_person_listed_wins() -> None:
    people = {key: PersonSpec(key=key, emails=("*@example.com",)) for key in ("first", "second")}

    assert identify(Author(email="a@example.com"), people).known == "first"


@pytest.mark.parametrize(
    ("mentions", "author", "names"),
    [
        (("author",), Author(known="alice"), ("alice",)),
        (("author",), Author(), ()),
        (("platform", "author", "alice"), Author(known="alice"), ("platform", "alice")),
        (("nobody", "bob"), Author(), ("bob",)),
        ((), Author(known="alice"), ()),
    ],
    ids=str,
)
def test_mentions_become_keys_of_people_and_groups(
    mentions: tuple[str, ...], author: Author, names: tuple[str, ...]
) -> None:
    assert resolve_mentions(mentions, author, PEOPLE) == names
