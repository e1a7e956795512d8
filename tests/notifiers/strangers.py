"""What strangers write into commits, for the tests of notifiers."""

from dataclasses import replace

from relay.model import Author, Button, Event, Fact, FailedStep, Level, Message
from tests.factories import make_commit
from tests.notifiers.factories import make_broken

EVIL = "evil.example.com"
HOSTILE = (
    "<!channel> @everyone @here @**all** @_**Bob Baker** #**general** <users/all> <at>alice</at>"
    f" [x](http://{EVIL}) https://{EVIL}/p.png {EVIL} *b* _i_ ~~s~~ `c` ``` $$x$$ :smile: &#64; &amp;"
    " <b>&\"'</b> <a href='x'>\r\n# h\n- l\n> q\x1b[2J\x00\u202e\u2066\ud800"
)


def make_hostile() -> Event:
    """The usual event with every text of the commit's turned against us."""
    step = FailedStep(name=HOSTILE, exit_code=1)
    return replace(
        make_broken(),
        branch=HOSTILE,
        commit=make_commit(subject=HOSTILE, body=HOSTILE),
        author=Author(name=HOSTILE),
        failed_steps=(step,),
    )


def make_endless(unit: str) -> Message:
    """A message that is too long in each of its parts, and says the unit over and over."""
    long = unit * (10_000 // len(unit))
    return Message(
        title=long,
        body="\n".join(f"- {unit * 60} {number}" for number in range(500)),
        facts=tuple(Fact(name=long, value=long) for _ in range(30)),
        buttons=tuple(Button(text=long, url="https://example.com/" + "x" * 400) for _ in range(30)),
        footer=long,
        url="https://example.com/" + "x" * 400,
        level=Level.WARNING,
        fallback=long,
    )
