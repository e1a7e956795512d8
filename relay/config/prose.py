"""The words of docs/configuration.md that no model can know."""

from collections.abc import Mapping

from relay.fields import FieldType

TYPES: Mapping[FieldType, str] = {
    FieldType.TEXT: "text",
    FieldType.NUMBER: "number",
    FieldType.DURATION: "duration",
    FieldType.TIME: "time; for `when` and templates",
    FieldType.FLAG: "true or false",
    FieldType.TEXTS: "list",
    FieldType.OBJECTS: "list of things; for `when` and templates",
    FieldType.MAPPING: "anything below it",
}

BEFORE = """\
# Configuration

This page is written by `python -m relay.config.reference > docs/configuration.md` from the same models
that check your file. Do not edit it by hand.

The relay reads one YAML file, `relay.yaml` unless you name another with `--config` or `RELAY_CONFIG`. The
smallest useful one:

```yaml
version: 1
notifiers:
  slack: { type: slack, webhook: "${SLACK_WEBHOOK_URL}" }
routes:
  - match: { change: [broke, fixed] }
    notify: slack
```

`config.example.yaml` is a longer one with comments. `relay check` shows everything that is wrong with a
file, with line and column. `relay schema` prints a JSON Schema for your editor.

## How values are written

**YAML.** Only `true` and `false` are true and false; `on`, `yes`, `22:00` and `0123456` are texts. A key may
be written once. Anchors, aliases, tags and merge keys are refused. Write a text in quotes when it begins
with `*`, `!`, `{`, `[`, `@` or `%`. Regular expressions go best into 'single quotes', where a backslash is
just a backslash.

**Secrets and variables.** Inside any text:

| Written | Means |
|---|---|
| `${NAME}` | the environment variable; it must be set and not empty |
| `${NAME:-default}` | the same, or `default` when it is not set or empty; the default may be empty |
| `${file:/run/secrets/name}` | what the file holds, without its last line break |
| `$${` | a plain `${` |

An item of a list that comes out empty is dropped, so `["${NEW:-}", "${OLD:-}"]` holds what there is. Values
from variables and files, and everything the tables below call a secret, are shown as `***` wherever the relay
prints something.

**Durations** are numbers with units: `30s`, `2m`, `1h30m`, `1d`.

**Templates** are Jinja templates in a sandbox: `{{ project.name }} on {{ branch or tag }}`. A **condition**
is one such expression without the braces: `author.known and not author.bot`. Names that do not exist are
faults when the file is loaded.
"""

NOTIFIERS_INTRO = """\
## `notifiers.NAME`

A place the relay can speak to. `type` says which service it is and which keys there are;
[notifiers.md](notifiers.md) tells more of each. Every type has:
"""

ACTIONS_INTRO = """\
## `actions.NAME`

Something done through an API when a route says `act: NAME`; see docs/actions.md. Every type has:
"""

FIELDS_INTRO = """\
## Fields of an event

These names are the keys of `match`, and the names that `when`, templates, `group.by` and `state.key` use.

All keys of a `match` must hold; of a list one item must.

| Pattern | Matches |
|---|---|
| `main` | exactly this text, case-sensitive |
| `release/*` | `*` is any text, slashes too; `?` is one character |
| `"!release/*"` | everything but this; of a list no such item may match, whatever the others say |
| `["*", "!main"]` | the field must be there, and not be `main` |
| `'/^v\\d+\\.\\d+$/'` | a regular expression, found anywhere unless you anchor it; `/…/i` ignores case |
| `"> 20m"`, `">= 3"`, `"!= 0"` | numbers and durations compared |
| `{ every: … }`, `{ none: … }` | for lists: every item, or no item, matches |

`any:`, `all:` and `not:` take lists of matches. A missing field never matches a pattern; a list of only
`!` patterns lets it pass.

`failed_jobs`, `failed_tests`, `log`, `failure` and `artifacts` are in no webhook. With a `circleci.token`
they are fetched once per event, when a route that applies or its message uses them, within
`circleci.enrich_within`. If that fails, the message goes without them and says so. They cannot be part of
`group.by` or `state.key`. `failure` is what the logs come to; see docs/failures.md.
"""
