"""The configuration as typed values: one class for each table of the file, one attribute for each key.

The attribute names are the keys. Every value is frozen, so two configurations can be compared and handed around.
`config/example.toml` explains each key to the person who writes one.
"""

from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from config.calendar import Country, Day, DayOff, Days, IsoDate, TimeOfDay, Timezone
from config.scalars import (
    Address,
    CallerMatch,
    Count,
    DialKey,
    Dialled,
    FeatureCode,
    Key,
    Listen,
    Listener,
    Many,
    Name,
    Number,
    Pause,
    PortRange,
    Ports,
    Remote,
    Seconds,
    Text,
    Trusted,
    Where,
    wrong,
)

Language = Literal["en", "ru", "el", "ro", "zh"]
Strategy = Literal[
    "ring_all", "round_robin", "least_busy", "longest_idle", "random", "sequential", "priority"
]  # fmt: skip


Form = Literal["wav", "ulaw", "gsm", "flac", "ogg"]
Channels = Literal["stereo", "mixed"]
Code = Annotated[str, Field(pattern=r"^[0-9*#]{1,8}$")]
Gigabytes = Annotated[float, Field(ge=0, le=1_000_000)]
Share = Annotated[float, Field(gt=0, le=1)]


InsideTier = Literal["ring_all", "round_robin", "least_busy", "longest_idle", "random", "sequential"]

Encryption = Literal["off", "preferred", "required"]
KeyMode = Literal["auto", "info", "inband"]


class Section(BaseModel):
    """A table of the file: nothing unknown in it, nothing converted behind the writer's back."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PromptSection(Section):
    """Something to be said: a plain text in quotes, or a table that says more about it."""

    text: Text | None = None
    """To be spoken."""
    file: Text | None = None
    """The path of a sound file to be played."""
    prompt: Key | None = None
    """The name of a table under [prompts]."""
    language: Language | None = None
    """Of the text; None: the language of the place where the prompt is used."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        """Let a text alone stand for {text = ...}, "file:x.wav" and "prompt:name" for the other two."""
        if isinstance(value, str):
            kind, colon, rest = value.partition(":")
            return {kind: rest.strip()} if colon and kind in ("file", "prompt") else {"text": value}
        if not isinstance(value, dict | cls):
            raise wrong("a text to be spoken, or a table with text, file or prompt", value)
        return value

    @model_validator(mode="after")
    def _one_source(self) -> "PromptSection":
        if sum(source is not None for source in (self.text, self.file, self.prompt)) != 1:
            raise PydanticCustomError("wrong", "expected exactly one of text, file and prompt")
        return self


class SwitchSection(Section):
    """[switch]: the whole installation."""

    name: Name = "softswitch"
    data: Text = "./var"
    timezone: Timezone = "UTC"
    language: Language = "en"
    realm: Text = "localhost"
    domain: Text = "localhost"


class SipSection(Section):
    """[sip]: where SIP is spoken and how."""

    listen: Annotated[Many[Listen], Field(min_length=1, max_length=64)] = (
        Listener("udp", "127.0.0.1", 5060),
        Listener("tcp", "127.0.0.1", 5060),
    )
    external_address: Address | None = None
    min_registration: Annotated[int, Field(ge=1, le=86400)] = 60
    default_registration: Annotated[int, Field(ge=1, le=604800)] = 3600
    max_registration: Annotated[int, Field(ge=1, le=604800)] = 7200
    digest: Annotated[Many[Literal["SHA-256", "MD5"]], Field(min_length=1, max_length=2)] = ("SHA-256", "MD5")
    ring_timeout: Seconds = 30.0
    max_calls: Count = 10_000
    call_limit: Annotated[float, Field(gt=0, le=86400)] = 14400.0


class MediaSection(Section):
    """[media]: sound."""

    address: Address = "127.0.0.1"
    external_address: Address | None = None
    ports: Ports = PortRange(20000, 29999)
    workers: Annotated[int, Field(ge=0, le=64)] = 0
    backend: Literal["auto", "uring", "poll"] = "auto"
    codecs: Annotated[Many[Literal["PCMA", "PCMU", "G722", "OPUS", "L16", "GSM"]], Field(min_length=1)] = (
        "PCMA",
        "PCMU",
        "G722",
    )
    country: Annotated[str, Field(pattern=r"^[a-z]{2}$")] = "us"
    music: Text = "builtin"
    silence_timeout: Seconds = 20.0


class RecordsSection(Section):
    """[records]: what is written about calls."""

    heartbeat: Seconds = 5.0
    keep_days: Annotated[int, Field(ge=0, le=36500)] = 0


class RecordingsSection(Section):
    """[recordings]: sound files of calls."""

    folder: Text = "recordings"
    keep_days: Annotated[int, Field(ge=0, le=36500)] = 90
    keep_gb: Gigabytes = 0.0
    format: Form = "wav"
    channels: Channels = "stereo"
    start_code: Code = "*1"
    pause_code: Code = "*2"
    low_water_mb: Annotated[int, Field(ge=0, le=1_000_000_000)] = 100
    announcement: PromptSection | None = None
    not_recorded: PromptSection | None = None


class PhoneSection(Section):
    """[phones.101]: one extension and the telephones that register for it."""

    password: Annotated[str, Field(min_length=1, max_length=256)]
    name: Name = ""
    language: Language | None = None
    record: bool = False
    record_share: Share | None = None
    format: Form | None = None
    channels: Channels | None = None
    record_on_demand: bool = False
    dial_out: bool = True
    srtp: Encryption = "off"
    dtmf: KeyMode = "auto"
    caller_number: CallerMatch | None = None
    ring_timeout: Seconds | None = None
    on_busy: Where | None = None
    on_no_answer: Where | None = None
    on_unreachable: Where | None = None


class GroupSection(Section):
    """[groups.sales]: phones that ring for one number."""

    phones: Annotated[Many[Number], Field(min_length=1, max_length=200)]
    name: Name = ""
    strategy: Literal["ring_all", "sequential"] = "ring_all"
    timeout: Seconds = 30.0
    on_no_answer: Where | None = None


class TrunkSection(Section):
    """[trunks.provider]: a line to another telephone system."""

    peer: Remote
    transport: Literal["udp", "tcp"] = "udp"
    trusted: Many[Trusted] = ()
    caller_number: CallerMatch | None = None
    domain: Text | None = None
    max_calls: Count = 1000
    ring_timeout: Seconds = 60.0
    record: bool = False
    record_share: Share | None = None
    format: Form | None = None
    channels: Channels | None = None
    srtp: Encryption = "off"
    dtmf: KeyMode = "auto"
    detect_busy: bool = False
    detect_machine: bool = False


class AgentSection(Section):
    """One agent of a queue: a phone's number in quotes, or a table that says more."""

    phone: Number
    tier: Annotated[int, Field(ge=1, le=100)] = 1
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


class QueueSection(Section):
    """[queues.support]: callers who wait for an agent."""

    agents: Annotated[Many[AgentSection], Field(max_length=5000)]
    name: Name = ""
    strategy: Strategy = "round_robin"
    within: InsideTier = "longest_idle"
    measure: Literal["occupancy", "calls", "talk_time"] = "occupancy"
    progressive: Seconds | None = None
    tier_wait: Seconds | None = None
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


class MenuSection(Section):
    """[menus.main]: a voice menu."""

    greeting: PromptSection | None = None
    greeting_morning: PromptSection | None = None
    greeting_day: PromptSection | None = None
    greeting_evening: PromptSection | None = None
    greeting_night: PromptSection | None = None
    closed_greeting: PromptSection | None = None
    holiday_greeting: PromptSection | None = None
    name: Name = ""
    language: Language | None = None
    schedule: Key | None = None
    options: dict[DialKey, Where] = {}
    closed_options: dict[DialKey, Where] | None = None
    on_closed: Where | None = None
    dial_extensions: bool = False
    fallback: Where = "hangup"
    on_invalid: PromptSection | None = None
    on_no_input: PromptSection | None = None
    timeout: Seconds = 5.0
    inter_digit: Annotated[float, Field(gt=0, le=30)] = 2.0
    tries: Annotated[int, Field(ge=1, le=10)] = 2


class ScheduleSection(Section):
    """[schedules.office]: opening hours."""

    hours: dict[Days, Day]
    timezone: Timezone | None = None
    holidays: Many[DayOff] = ()
    country: Country | None = None
    subdivision: Text | None = None
    special: dict[IsoDate, Day] = {}
    force: Literal["open", "closed"] | None = None
    morning: TimeOfDay = 5 * 60
    day: TimeOfDay = 12 * 60
    evening: TimeOfDay = 18 * 60
    night: TimeOfDay = 23 * 60


class ConferenceSection(Section):
    """[conferences.lobby]: a room in which everybody hears everybody."""

    name: Name = ""
    pin: Annotated[str, Field(pattern=r"^[0-9]{1,16}$")] | None = None
    max_members: Annotated[int, Field(ge=2, le=1000)] = 100
    language: Language | None = None
    greeting: PromptSection | None = None
    record: bool = False


class SupervisionSection(Section):
    """[supervision]: who may be beside the calls of others, and what he dials before the extension."""

    supervisors: Many[Number] = ()
    listen: FeatureCode = "*21"
    whisper: FeatureCode = "*22"
    barge: FeatureCode = "*23"

    @property
    def codes(self) -> dict[str, str]:
        """What each role is dialled with; nothing where nobody is a supervisor."""
        return {role: getattr(self, role) for role in ("listen", "whisper", "barge") if self.supervisors}


class RouteSection(Section):
    """[[routes]]: what happens with a number that is no extension. The first route that fits is taken."""

    called: Dialled
    to: Where
    from_: Annotated[str, Field(alias="from")] = "any"
    caller: CallerMatch | None = None
    schedule: Key | None = None
    else_to: Where | None = None
    strip: Annotated[int, Field(ge=0, le=32)] = 0
    prepend: Annotated[str, Field(pattern=r"^\+?[0-9*#]{0,31}$")] = ""
    record: bool = False
    record_share: Share | None = None
    format: Form | None = None
    channels: Channels | None = None


class Config(Section):
    """Everything the file says, with the defaults filled in."""

    KINDS_OF_NAMES: ClassVar[dict[str, str]] = {
        "phone": "phones", "group": "groups", "trunk": "trunks", "queue": "queues", "menu": "menus",
        "conference": "conferences", "prompt": "prompts", "voicemail": "phones",
    }  # fmt: skip
    """Which table holds the names of a kind of destination."""

    switch: SwitchSection = SwitchSection()
    sip: SipSection = SipSection()
    media: MediaSection = MediaSection()
    records: RecordsSection = RecordsSection()
    recordings: RecordingsSection = RecordingsSection()
    prompts: dict[Key, PromptSection] = {}
    phones: dict[Number, PhoneSection] = {}
    groups: dict[Key, GroupSection] = {}
    trunks: dict[Key, TrunkSection] = {}
    queues: dict[Key, QueueSection] = {}
    menus: dict[Key, MenuSection] = {}
    schedules: dict[Key, ScheduleSection] = {}
    conferences: dict[Key, ConferenceSection] = {}
    supervision: SupervisionSection = SupervisionSection()
    routes: Many[RouteSection] = ()
    extensions: dict[Dialled, Where] = {}

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the installation."""
        return ZoneInfo(self.switch.timezone)
