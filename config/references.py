"""Every place in a configuration where one thing names another: destinations, phones, prompts, schedules."""

from collections.abc import Iterator

from config.document import Path
from config.model import Config, PhoneSection, RouteSection, TrunkSection
from config.queue_model import QueueSection
from config.section import PromptSection
from ivr.digits import Pattern

CODE_ENDS = {"pause": ("", "x"), "result": ("x",)}
"""What may follow the code of an agent: the key of a break, the number of a result."""

Reference = tuple[Path, str]
"""Where it stands and what it says."""


def destinations(config: Config) -> Iterator[Reference]:
    """Give every destination, wherever calls can go."""
    for path, to in _named_destinations(config):
        if to is not None:
            yield path, to
    for name, queue in config.queues.items():
        yield from ((("queues", name, "exits", key), to) for key, to in queue.exits.items())
        yield from ((("queues", name, "overflow", index, "to"), entry.to) for index, entry in enumerate(queue.overflow))
    for name, menu in config.menus.items():
        yield from ((("menus", name, "options", key), to) for key, to in menu.options.items())
        yield from ((("menus", name, "closed_options", key), to) for key, to in (menu.closed_options or {}).items())
    yield from ((("extensions", number), to) for number, to in config.extensions.items())


def _named_destinations(config: Config) -> Iterator[tuple[Path, str | None]]:
    """Give the destinations that have a key of their own, set or not."""
    for number, phone in config.phones.items():
        yield ("phones", number, "on_busy"), phone.on_busy
        yield ("phones", number, "on_no_answer"), phone.on_no_answer
        yield ("phones", number, "on_unreachable"), phone.on_unreachable
    for name, group in config.groups.items():
        yield ("groups", name, "on_no_answer"), group.on_no_answer
    for name, queue in config.queues.items():
        yield ("queues", name, "on_timeout"), queue.on_timeout
        yield ("queues", name, "on_full"), queue.on_full
        yield ("queues", name, "on_empty"), queue.on_empty
    for number, agent in config.agents.items():
        yield ("agents", number, "mobile"), agent.mobile
    for name, menu in config.menus.items():
        yield ("menus", name, "on_closed"), menu.on_closed
        yield ("menus", name, "fallback"), menu.fallback if "fallback" in menu.model_fields_set else None
    for index, route in enumerate(config.routes):
        yield ("routes", index, "to"), route.to
        yield ("routes", index, "else_to"), route.else_to


def phone_lists(config: Config) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Give every list of phones."""
    for name, group in config.groups.items():
        yield ("groups", name, "phones"), group.phones
    for name, queue in config.queues.items():
        yield ("queues", name, "agents"), tuple(agent.phone for agent in queue.agents)
    for number, customer in config.customers.items():
        yield ("customers", number, "managers"), customer.managers
    yield ("supervision", "supervisors"), config.supervision.supervisors


def feature_codes(config: Config) -> Iterator[tuple[Path, Pattern]]:
    """Give what is dialled before an extension to be beside its call, as the numbers that this makes."""
    yield from ((("supervision", role), Pattern(f"{code}.")) for role, code in config.supervision.codes.items())


def schedules(config: Config) -> Iterator[Reference]:
    """Give every use of opening hours."""
    for name, menu in config.menus.items():
        if menu.schedule is not None:
            yield ("menus", name, "schedule"), menu.schedule
    for index, route in enumerate(config.routes):
        if route.schedule is not None:
            yield ("routes", index, "schedule"), route.schedule


def prompts(config: Config) -> Iterator[tuple[Path, PromptSection]]:
    """Give every prompt, wherever something is said."""
    for name, prompt in config.prompts.items():
        yield ("prompts", name), prompt
    for path, said in _single_prompts(config):
        if said is not None:
            yield path, said
    for name, queue in config.queues.items():
        yield from ((("queues", name, "periodic", index), prompt) for index, prompt in enumerate(queue.periodic))


def _single_prompts(config: Config) -> Iterator[tuple[Path, PromptSection | None]]:
    """Give the prompts that have a key of their own, set or not."""
    yield ("recordings", "announcement"), config.recordings.announcement
    yield ("recordings", "not_recorded"), config.recordings.not_recorded
    for name, queue in config.queues.items():
        yield ("queues", name, "greeting"), queue.greeting
    for name, room in config.conferences.items():
        yield ("conferences", name, "greeting"), room.greeting
    for name, menu in config.menus.items():
        for key in type(menu).model_fields:
            value = getattr(menu, key)
            if isinstance(value, PromptSection):
                yield ("menus", name, key), value


def recorded(config: Config) -> Iterator[tuple[Path, PhoneSection | QueueSection | TrunkSection | RouteSection]]:
    """Give everything whose calls may be recorded."""
    yield from ((("phones", number), phone) for number, phone in config.phones.items())
    yield from ((("queues", name), queue) for name, queue in config.queues.items())
    yield from ((("trunks", name), trunk) for name, trunk in config.trunks.items())
    yield from ((("routes", index), route) for index, route in enumerate(config.routes))


def numbers(config: Config) -> Iterator[tuple[Path, Pattern]]:
    """Give every number and pattern that can be dialled inside: the phones, then the other extensions."""
    yield from ((("phones", number), Pattern(number)) for number in config.phones)
    yield from ((("extensions", text), Pattern(text)) for text in config.extensions)


def agent_codes(config: Config) -> Iterator[tuple[Path, Pattern]]:
    """Give what agents dial, as the numbers that this makes."""
    if config.agent_codes is None:
        return
    for action in type(config.agent_codes).model_fields:
        code = getattr(config.agent_codes, action)
        yield from ((("agent_codes", action), Pattern(f"{code}{more}")) for more in CODE_ENDS.get(action, ("",)))
