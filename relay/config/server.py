"""The parts of the file about the relay itself: its address, CircleCI, and the defaults."""

from pydantic import Field

from relay.config.section import Section
from relay.config.values import (
    BindAddress,
    Branches,
    Duration,
    FieldNames,
    Flag,
    OptionalSecret,
    OptionalWebAddress,
    StatusWord,
    Timezone,
    WebAddress,
)
from relay.model import Status
from relay.secret import Secret

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR
STATE_KEY = ("project.slug", "branch", "workflow.name", "job.name")
IGNORED = (Status.CANCELED, Status.NOT_RUN, Status.UNAUTHORIZED)
RETRIES = (5.0, 30.0, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, 2 * HOUR)


class Server(Section):
    """How the relay is reached."""

    public_url: OptionalWebAddress = Field(
        default=None, description="Where people reach the relay; messages link back to it."
    )
    bind: BindAddress | None = Field(
        default=None,
        description="Host and port to listen on, such as `127.0.0.1:8080`. `relay serve --bind` wins.",
    )
    admin_password: OptionalSecret = Field(
        default=None, description="Password of the pages. Without one the pages answer only on loopback."
    )
    insecure: Flag = Field(
        default=False,
        description="Accept webhooks without a signature or URL token. For trying things on one machine.",
    )


class Hooks(Section):
    """How webhooks prove that CircleCI sent them."""

    secrets: tuple[Secret, ...] = Field(
        default=(),
        description="Secrets of signed webhooks; any one may match, so that they can be changed one by one.",
    )
    url_tokens: tuple[Secret, ...] = Field(
        default=(),
        description="Tokens for classic unsigned webhooks, which are posted to `/hooks/circleci/<token>`.",
    )


class CircleCI(Section):
    """The CircleCI that sends the webhooks."""

    url: WebAddress = Field(
        default="https://circleci.com", description="CircleCI itself, or your own CircleCI Server."
    )
    token: OptionalSecret = Field(
        default=None,
        description="A personal API token. Only needed for actions, and to ask CircleCI for what a webhook"
        " leaves out.",
    )
    ca_bundle: str | None = Field(
        default=None,
        description="A file or folder of certificates to trust instead of the usual, for CircleCI Server.",
    )
    proxy: OptionalSecret = Field(
        default=None,
        description="The proxy to CircleCI, `http://user:password@host:3128`; else the environment's.",
    )
    enrich_within: Duration = Field(
        default=10.0,
        gt=0,
        description="How long a message may wait for what CircleCI is asked about it.",
    )
    hooks: Hooks = Field(default=Hooks(), description="How webhooks prove where they come from.")


class Delivery(Section):
    """How stubbornly messages are sent."""

    timeout: Duration = Field(default=10.0, gt=0, description="How long one try may take.")
    retries: tuple[Duration, ...] = Field(
        default=RETRIES, description="Waits between tries. The last one repeats until `give_up_after`."
    )
    give_up_after: Duration = Field(default=24 * HOUR, gt=0, description="When a message is declared dead.")


class State(Section):
    """What counts as one thing that can break and be fixed."""

    key: FieldNames = Field(
        default=STATE_KEY,
        description="Fields that together name it. Each combination has a state of its own.",
    )
    ignore_status: tuple[StatusWord, ...] = Field(
        default=IGNORED, description="Results that say nothing about the code and leave the state as it was."
    )


class Defaults(Section):
    """What holds unless a notifier or a route says otherwise."""

    timezone: Timezone = Field(default="UTC", description="The timezone of times in messages and rules.")
    template: str = Field(default="standard", description="The template of messages.")
    dedupe: Duration = Field(
        default=24 * HOUR,
        description="How long the same result of one run is told to a target only once; `0s`: each time.",
    )
    prune: Flag = Field(
        default=True, description="Forget by itself, about once an hour, what is older than `keep`."
    )
    keep: Duration = Field(
        default=90 * DAY,
        gt=0,
        description="How long events and their deliveries are kept. What is still owed stays, and so does the"
        " last result of everything.",
    )
    delivery: Delivery = Field(default=Delivery(), description="How stubbornly messages are sent.")
    unknown_author: str | None = Field(
        default=None,
        description="Who under `people` is mentioned or written to instead of an author who is not there.",
    )
    state: State = Field(default=State(), description="What counts as one thing that can break and be fixed.")
    trunk: Branches = Field(
        default=(),
        description="The branches that others come from, such as `main`. While one of them fails, other"
        " branches that fail the same way stay quiet. Exact names; without any, no branch does.",
    )
