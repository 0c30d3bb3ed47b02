"""The tables of queues and of the agents who serve them."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from acd.skills import MAX_LENGTH, MAX_LEVEL, is_skill
from config.scalars import Count, DialKey, FeatureCode, Key, Many, Name, Number, Pause, Seconds, Text, Where, wrong
from config.section import Channels, Form, Gigabytes, Language, PromptSection, Section, Share

Strategy = Literal[
    "ring_all", "round_robin", "least_busy", "longest_idle", "random", "sequential", "priority"
]  # fmt: skip
InsideTier = Literal["ring_all", "round_robin", "least_busy", "longest_idle", "random", "sequential"]


Miss = Literal["no_answer", "rejected", "busy", "unreachable"]
Tier = Annotated[int, Field(ge=1, le=100)]


class AgentSection(Section):
    """One agent of a queue: a phone's number in quotes, or a table that says more."""

    phone: Number
    tier: Tier = 1
    weight: Annotated[int, Field(ge=0, le=1000)] = 1
    record: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from_number(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"phone": value}
        if not isinstance(value, dict | cls):
            raise wrong('an agent like "101" or {phone = "101", tier = 2}', value)
        return value


def _flat(value: Any, before: str = "") -> Any:
    """Write `language.ro = 3`, which TOML reads as a table in a table, as one name again."""
    if not isinstance(value, dict):
        return value
    flat: dict[str, Any] = {}
    for name, inside in value.items():
        flat |= _flat(inside, f"{before}{name}.") if isinstance(inside, dict) else {f"{before}{name}": inside}
    return flat


def _check_skill(name: str) -> str:
    if not is_skill(name):
        raise wrong("the name of a skill: a letter, then letters, digits, _, - and dots", name)
    return name


Skill = Annotated[str, AfterValidator(_check_skill)]
Level = Annotated[int, Field(ge=0, le=MAX_LEVEL)]
Needed = Annotated[str, Field(max_length=MAX_LENGTH)]


class StaffSection(Section):
    """[agents.101]: what is to be known about an agent of queues."""

    name: Name = ""
    skills: Annotated[dict[Skill, Level], BeforeValidator(_flat), Field(max_length=100)] = {}
    wrap_up: Pause | None = None
    mobile: Where | None = None


class RelaxSection(Section):
    """One step of `relax`: after so many seconds of wait a queue asks for this instead."""

    after: Seconds
    requires: Needed = ""


class CustomerSection(Section):
    """[customers."+7495*"]: a customer, or all whose numbers begin so, as the queues are to treat them."""

    name: Name = ""
    priority: Annotated[int, Field(ge=0, le=100)] = 0
    managers: Annotated[Many[Number], Field(max_length=20)] = ()
    requires: Needed = ""


class PauseSection(Section):
    """[pauses.lunch]: a reason for a break."""

    key: Annotated[str, Field(pattern=r"^[0-9]$")] | None = None
    limit: Seconds | None = None
    at_once: Count | None = None


class AgentCodesSection(Section):
    """[agent_codes]: what agents dial at their phones. Without the table there are no such codes."""

    log_in: FeatureCode = "*30"
    log_out: FeatureCode = "*31"
    pause: FeatureCode = "*32"
    unpause: FeatureCode = "*33"
    done: FeatureCode = "*34"
    result: FeatureCode = "*35"


class OverflowSection(Section):
    """One entry of `overflow`: where callers go instead, and under which condition."""

    to: Where
    length: Count | None = None
    wait: Seconds | None = None
    estimated_wait: Seconds | None = None
    ratio: Annotated[float, Field(gt=0, le=1000)] | None = None

    @model_validator(mode="after")
    def _some_condition(self) -> "OverflowSection":
        if (self.length, self.wait, self.estimated_wait, self.ratio) == (None,) * 4:
            raise PydanticCustomError("wrong", "expected a condition: length, wait, estimated_wait or ratio")
        return self


class ReserveSection(Section):
    """One entry of `reserve`: a tier that opens when too many wait, or too long."""

    tier: Tier
    length: Count | None = None
    wait: Seconds | None = None
    close_length: Annotated[int, Field(ge=0, le=100_000)] | None = None
    close_wait: Seconds | None = None
    least: Pause = 60.0


class QueueSection(Section):
    """[queues.support]: callers who wait for an agent."""

    agents: Annotated[Many[AgentSection], Field(max_length=5000)]
    name: Name = ""
    strategy: Strategy = "round_robin"
    within: InsideTier = "longest_idle"
    measure: Literal["occupancy", "calls", "talk_time"] = "occupancy"
    progressive: Seconds | None = None
    tier_wait: Seconds | None = None
    priority_age: Seconds | Literal["strict"] = 60.0
    last_agent: Annotated[float, Field(gt=0, le=31_536_000)] | None = None
    preferred_wait: Pause = 0.0
    keep_place: Seconds | None = None
    overflow: Annotated[Many[OverflowSection], Field(max_length=20)] = ()
    reserve: Annotated[Many[ReserveSection], Field(max_length=20)] = ()
    requires: Needed = ""
    relax: Annotated[Many[RelaxSection], Field(max_length=20)] = ()
    language: Language | None = None
    record: bool = False
    record_share: Share | None = None
    format: Form | None = None
    channels: Channels | None = None
    unwritable: Literal["announce", "refuse", "go_on"] = "go_on"
    keep_days: Annotated[int, Field(ge=0, le=36500)] | None = None
    keep_gb: Gigabytes | None = None
    music: Text | None = None
    weight: Annotated[int, Field(ge=0, le=1000)] = 0
    ring_timeout: Seconds = 15.0
    retry: Pause = 5.0
    wrap_up: Pause = 10.0
    auto_pause: Count | None = None
    auto_pause_on: Annotated[Many[Miss], Field(min_length=1)] = ("no_answer",)
    dispositions: Annotated[Many[Key], Field(max_length=9)] = ()
    disposition_required: bool = False
    promise: Annotated[int, Field(ge=1, le=60)] | None = None
    callback_attempts: Annotated[int, Field(ge=1, le=20)] = 3
    callback_delay: Seconds = 300.0
    max_wait: Seconds | None = None
    max_length: Count | None = None
    join_empty: bool = True
    leave_empty: bool = False
    on_timeout: Where | None = None
    on_full: Where | None = None
    on_empty: Where | None = None
    one_more_chance: bool = True
    service_level: Seconds = 20.0
    short_abandon: Pause = 5.0
    greeting: PromptSection | None = None
    announce_position: bool = True
    announce_wait: bool = False
    announce_first: Pause = 10.0
    announce_every: Seconds = 30.0
    periodic: Many[PromptSection] = ()
    periodic_every: Seconds = 60.0
    exits: dict[DialKey, Where] = {}
