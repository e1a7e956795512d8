"""The cache of a project's dependencies."""

from relay.cli.circleci import named
from relay.cli.circleci.command import V1, V1_1, call, of_project
from relay.cli.circleci.session import Session
from relay.cli.circleci.showing import show_words


@call(V1_1, V1, name="clear-cache")
@of_project
def clear_cache(session: Session, project: str | None) -> None:
    """Delete the caches of a project's dependencies, of all its branches.

    \b
      relay circleci clear-cache acme/api
    """
    slug = named.project(project)
    said = session.classic.clear_cache(slug)
    show_words(session, {"status": said}, f"cleared the cache of {slug}: {said}")
