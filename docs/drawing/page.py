"""The page docs/notifiers.md: a section for each type, with a configuration, a table and a picture."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from relay import notifiers, wiring
from relay.config.wording import default_of, kind_of
from relay.notifiers.base import Notifier

DOCS = Path(__file__).parents[1]
PAGE = DOCS / "notifiers.md"
PICTURES = DOCS / "pictures"
SHARED = "all"  # the table of what every type has

_HEADING = re.compile(r"(?m)^## (\w+)$")
_YAML = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
_TABLE = re.compile(r"(?s)(<!-- options of (\w+):.*?-->\n).*?(<!-- end -->)")
HEAD = ("| Key | Type | Default | Meaning |", "|---|---|---|---|")

# What the configurations of the page take from the environment: of the right form, and good for nothing.
ENVIRON: Mapping[str, str] = {
    "SLACK_TOKEN": "xoxb-0000",
    "MATTERMOST_WEBHOOK": "https://chat.example.com/hooks/0000",
    "DISCORD_WEBHOOK": "https://discord.com/api/webhooks/1/0000",
    "TEAMS_WORKFLOW": "https://example.logic.azure.com/workflows/1/triggers/manual/paths/invoke?sig=0000",
    "GOOGLE_CHAT_WEBHOOK": "https://chat.googleapis.com/v1/spaces/AAAA/messages?key=0000&token=0000",
    "TELEGRAM_TOKEN": "123456:0000",
    "ZULIP_KEY": "0000",
    "MATRIX_TOKEN": "syt_0000",
    "PAGERDUTY_KEY": "0000",
    "GITHUB_TOKEN": "github_pat_0000",
    "SMTP_PASSWORD": "0000",
    "WEBHOOK_SECRET": "0000",
    "NTFY_TOPIC": "0000",
}


def sections(page: str) -> Mapping[str, str]:
    """The text of each section by its heading, of those that are named as a type."""
    pieces = _HEADING.split(page)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def configuration(section: str) -> str:
    """The first YAML in a section: a whole file."""
    found = _YAML.search(section)
    if found is None:
        raise ValueError("the section has no YAML")
    return found[1]


def notifier_in(section: str) -> Notifier:
    """The notifier that the section's configuration sets up. ConfigError when it has faults."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "relay.yaml"
        path.write_text(configuration(section))
        found = wiring.notifiers_of(wiring.load_config(str(path), ENVIRON))
    return next(iter(found.values()))


def with_tables(page: str) -> str:
    """The page with its tables as the models are now."""
    return _TABLE.sub(lambda found: f"{found[1]}\n{table(found[2])}\n\n{found[3]}", page)


def table(kind: str) -> str:
    """The keys of one type besides those that every type has; or of all types."""
    rows = tuple(_rows(kind))
    return "\n".join((*HEAD, *rows)) if rows else "No options of its own."


def _rows(kind: str) -> Iterator[str]:
    own = Notifier if kind == SHARED else notifiers.types()[kind]
    for name, field in own.model_fields.items():
        is_own = kind == SHARED or field.description != _described(name)
        if is_own and name != "type":
            cells = (f"`{field.alias or name}`", kind_of(field.annotation, field.metadata), default_of(field))
            yield f"| {' | '.join(map(_cell, (*cells, field.description or '')))} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _described(name: str) -> str | None:
    """What every type says of a key, if it has it."""
    shared = Notifier.model_fields.get(name)
    return shared.description if shared else None
