"""Makes the plain nouns of the menu and queue packages from the configuration, so that those need not know it."""

from collections.abc import Mapping
from datetime import date
from zoneinfo import ZoneInfo

from acd.agent import Agent, PauseReason
from acd.queue import NOBODY_AT_WORK, Member, Overflow, QueueSettings, Relaxed, Reserve
from config import references
from config.model import Config, MenuSection, ScheduleSection
from config.queue_model import QueueSection, StaffSection
from config.section import PromptSection
from ivr import phrases
from ivr.announcements import QueueVoice
from ivr.digits import DialPlan
from ivr.menu import NOWHERE, Menu
from ivr.prompts import Prompt
from ivr.schedule import DAYS, Hours, PartOfDay, Schedule, always_open, parse_days


def passwords(config: Config) -> dict[str, str]:
    """Give the password of each phone."""
    return {number: phone.password for number, phone in config.phones.items()}


def extensions(config: Config) -> DialPlan:
    """Give every number that can be dialled inside and its destination, the phones among them."""
    return DialPlan.build(_extensions(config))


def inside(config: Config) -> DialPlan:
    """Give every number that a phone may dial: the extensions, and feature codes before one."""
    codes = {pattern.text: f"{path[1]}:*" for path, pattern in references.feature_codes(config)}
    return DialPlan.build({**_extensions(config), **codes, **_agent_codes(config)})


def _agent_codes(config: Config) -> dict[str, str]:
    """What agents dial: each code alone, a break also with the key of its reason, a result with its number."""
    codes = {pattern.text: f"{path[1]}:" for path, pattern in references.agent_codes(config) if pattern.literal}
    if config.agent_codes is not None:
        code = config.agent_codes.pause
        codes |= {f"{code}{pause.key}": f"pause:{name}" for name, pause in config.pauses.items() if pause.key}
        codes[f"{config.agent_codes.result}x"] = "result:*"
    return codes


def _extensions(config: Config) -> dict[str, str]:
    return {**{number: f"phone:{number}" for number in config.phones}, **config.extensions}


def prompt(config: Config, section: PromptSection, language: str | None = None) -> Prompt:
    """Give what is to be said; a named prompt is looked up, and without a language of its own takes the given one."""
    named = config.prompts[section.prompt] if section.prompt is not None else section
    spoken = section.language or named.language or language or config.switch.language
    return Prompt(text=named.text, file=named.file, language=spoken)


def prompts(config: Config) -> dict[str, Prompt]:
    """Give the named prompts, for `prompt:` destinations."""
    return {name: prompt(config, section) for name, section in config.prompts.items()}


def schedules(config: Config) -> dict[str, Schedule]:
    """Give the opening hours by name."""
    return {name: schedule(section, config.zone) for name, section in config.schedules.items()}


def schedule(section: ScheduleSection, zone: ZoneInfo) -> Schedule:
    """Give one table of opening hours; the zone counts when the table names none."""
    week: list[tuple[Hours, ...]] = [()] * len(DAYS)
    for days, hours in section.hours.items():
        for day in parse_days(days):
            week[day] = hours
    yearly = [date.fromisoformat(f"2000-{day}") for day in section.holidays if isinstance(day, str)]
    return Schedule(
        zone=ZoneInfo(section.timezone) if section.timezone else zone,
        week=tuple(week),
        holidays=frozenset(day for day in section.holidays if isinstance(day, date)),
        yearly=frozenset((day.month, day.day) for day in yearly),
        country=section.country,
        subdivision=section.subdivision,
        special=section.special,
        force=None if section.force is None else section.force == "open",
        morning=section.morning,
        day=section.day,
        evening=section.evening,
        night=section.night,
    )


def menus(config: Config) -> dict[str, Menu]:
    """Give the voice menus by name."""
    plan, hours = extensions(config), schedules(config)
    return {name: _menu(config, name, section, plan, hours) for name, section in config.menus.items()}


def _menu(config: Config, name: str, section: MenuSection, plan: DialPlan, hours: Mapping[str, Schedule]) -> Menu:
    language = section.language or config.switch.language

    def said(prompt_section: PromptSection | None) -> tuple[Prompt, ...]:
        return () if prompt_section is None else (prompt(config, prompt_section, language),)

    salutations = {
        PartOfDay.MORNING: said(section.greeting_morning),
        PartOfDay.DAY: said(section.greeting_day),
        PartOfDay.EVENING: said(section.greeting_evening),
        PartOfDay.NIGHT: said(section.greeting_night),
    }
    return Menu(
        name=name,
        greeting=said(section.greeting) or (phrases.phrase("welcome", language),),
        fallback=section.fallback,
        salutations={part: prompts for part, prompts in salutations.items() if prompts},
        closed_greeting=said(section.closed_greeting),
        holiday_greeting=said(section.holiday_greeting),
        schedule=hours[section.schedule] if section.schedule else always_open(config.zone),
        options=section.options,
        closed_options=section.closed_options,
        on_closed=section.on_closed,
        extensions=plan if section.dial_extensions else NOWHERE,
        on_invalid=said(section.on_invalid) or (phrases.phrase("invalid", language),),
        on_no_input=said(section.on_no_input),
        timeout=section.timeout,
        inter_digit=section.inter_digit,
        tries=section.tries,
    )


def agents(config: Config) -> list[Agent]:
    """Give every phone that is an agent of some queue, once."""
    ids = dict.fromkeys(agent.phone for queue in config.queues.values() for agent in queue.agents)
    plain = StaffSection()
    return [_agent(phone, config.agents.get(phone, plain)) for phone in ids]


def _agent(number: str, section: StaffSection) -> Agent:
    return Agent(number, skills=section.skills, wrap_up=section.wrap_up)


def pauses(config: Config) -> list[PauseReason]:
    """Give the reasons for breaks."""
    return [PauseReason(name, section.limit, section.at_once) for name, section in config.pauses.items()]


def queues(config: Config) -> list[QueueSettings]:
    """Give the queues, in the order of the file."""
    return [_queue(config, name, section) for name, section in config.queues.items()]


def _queue(config: Config, name: str, section: QueueSection) -> QueueSettings:
    return QueueSettings(
        name=name,
        agents=tuple(Member(agent.phone, agent.tier, agent.weight) for agent in section.agents),
        strategy=section.strategy,
        within=section.within,
        measure=section.measure,
        progressive=section.progressive,
        tier_wait=section.tier_wait,
        priority_age=None if section.priority_age == "strict" else section.priority_age,
        last_agent=section.last_agent,
        preferred_wait=section.preferred_wait,
        keep_place=section.keep_place,
        overflows=tuple(Overflow(str(o.to), o.length, o.wait, o.estimated_wait, o.ratio) for o in section.overflow),
        reserves=tuple(
            Reserve(r.tier, r.length, r.wait, r.close_length, r.close_wait, r.least) for r in section.reserve
        ),
        requires=section.requires,
        relax=tuple(Relaxed(step.after, step.requires) for step in section.relax),
        weight=section.weight,
        ring_timeout=section.ring_timeout,
        retry_delay=section.retry,
        wrap_up=section.wrap_up,
        auto_pause=section.auto_pause,
        auto_pause_on=section.auto_pause_on,
        dispositions=section.dispositions,
        disposition_required=section.disposition_required,
        promise=section.promise,
        callback_attempts=section.callback_attempts,
        callback_delay=section.callback_delay,
        max_wait=section.max_wait,
        one_more_chance=section.one_more_chance,
        max_length=section.max_length,
        join_empty=() if section.join_empty else NOBODY_AT_WORK,
        leave_empty=NOBODY_AT_WORK if section.leave_empty else (),
        on_timeout=section.on_timeout,
        on_full=section.on_full,
        on_empty=section.on_empty,
        music=section.music or config.media.music,
        announce_first=section.announce_first,
        announce_every=section.announce_every,
        announce_position=section.announce_position,
        announce_wait=section.announce_wait,
        periodic=tuple(str(index) for index in range(len(section.periodic))),
        periodic_every=section.periodic_every,
        service_level=section.service_level,
        short_abandon=section.short_abandon,
    )


def queue_voices(config: Config) -> dict[str, QueueVoice]:
    """Give what each queue says."""
    return {name: _queue_voice(config, section) for name, section in config.queues.items()}


def _queue_voice(config: Config, section: QueueSection) -> QueueVoice:
    language = section.language or config.switch.language
    announcement = config.recordings.announcement if section.record else None
    return QueueVoice(
        language=language,
        greeting=prompt(config, section.greeting, language) if section.greeting else None,
        periodic=tuple(prompt(config, said, language) for said in section.periodic),
        recorded=prompt(config, announcement, language) if announcement else None,
        not_recorded=_not_recorded(config, language) if section.unwritable == "announce" else None,
    )


def _not_recorded(config: Config, language: str) -> Prompt:
    said = config.recordings.not_recorded
    return prompt(config, said, language) if said is not None else phrases.phrase("not_recorded", language)


def all_prompts(config: Config) -> list[Prompt]:
    """Give every sentence that can be known beforehand, so that it can be spoken before the first call needs it."""
    found: list[Prompt] = [*prompts(config).values()]
    for menu in menus(config).values():
        found += [said for part in menu.salutations.values() for said in part]
        found += (*menu.greeting, *menu.closed_greeting, *menu.holiday_greeting, *menu.on_invalid, *menu.on_no_input)
    for name, voice in queue_voices(config).items():
        found += [voice.count(second) for second in range(config.queues[name].promise or 0, 0, -1)]
        found += [
            said for said in (voice.greeting, voice.recorded, voice.not_recorded, *voice.periodic) if said is not None
        ]
        found += [voice.position(place) for place in range(1, 6)]
    for room in config.conferences.values():
        if room.greeting is not None:
            found.append(prompt(config, room.greeting, room.language))
    return list(dict.fromkeys(found))
