"""Conversations: which messages belong together, and what one message about all of them has to tell. Pure."""

from collections.abc import Iterable

from relay.model import Conversation, Event


def subject(event: Event, conversation: Conversation, state_key: str) -> str | None:
    """Names what a message is about, the same for all messages of its conversation; None outside of one."""
    match conversation:
        case Conversation.PIPELINE:
            return event.pipeline.id or event.workflow.id or f"{event.project.slug}#{_root(event)}"
        case Conversation.STATE:
            return state_key
        case Conversation.COMMIT:
            return f"{event.project.slug}@{event.commit.sha}" if event.commit.sha else None
    return None


def current(events: Iterable[Event]) -> tuple[Event, ...]:
    """The newest result of each workflow and job, in the order in which they first came."""
    newest: dict[tuple[str | None, ...], Event] = {}
    for event in events:
        what = (event.project.slug, event.kind.value, event.workflow.name, event.job.name)
        before = newest.get(what)
        if before is None or _age(before) <= _age(event):
            newest[what] = event
    return tuple(newest.values())


def _root(event: Event) -> int | str:
    """The build that this one repeats, else its own number."""
    return event.build.retry_of or event.number or event.id


def _age(event: Event) -> tuple[int, float, str]:
    """Later attempts are newer, then later ends."""
    ended = event.finished_at or event.received_at
    return event.workflow.attempt or 1, ended.timestamp(), event.id
