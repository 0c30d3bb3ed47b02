"""The configuration as typed values: one class for each table of the file, one attribute for each key.

The attribute names are the keys. Every value is frozen, so two configurations can be compared and handed around.
`config/example.toml` explains each key to the person who writes one.
"""

from typing import Annotated, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from config.calendar import Country, Day, DayOff, Days, IsoDate, TimeOfDay, Timezone
from config.queue_model import AgentCodesSection, CustomerSection, PauseSection, QueueSection, StaffSection
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
    PortRange,
    Ports,
    Remote,
    Seconds,
    Text,
    Trusted,
    Where,
)
from config.section import Channels, Code, Form, Gigabytes, Language, PromptSection, Section, Share

Encryption = Literal["off", "preferred", "required"]
KeyMode = Literal["auto", "info", "inband"]


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
    certificate: Text | None = None
    key: Text | None = None
    client_ca: Text | None = None
    ca: Text | None = None
    origins: Many[Text] = ()
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
    transport: Literal["udp", "tcp", "tls"] = "udp"
    trusted: Many[Trusted] = ()
    caller_number: CallerMatch | None = None
    domain: Text | None = None
    user: Text | None = None
    password: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    realm: Text | None = None
    register_there: Annotated[bool, Field(alias="register")] = False
    register_for: Annotated[int, Field(ge=60, le=86400)] = 600
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
    agents: dict[Number, StaffSection] = {}
    customers: Annotated[dict[CallerMatch, CustomerSection], Field(max_length=100_000)] = {}
    pauses: Annotated[dict[Key, PauseSection], Field(max_length=50)] = {}
    agent_codes: AgentCodesSection | None = None
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
