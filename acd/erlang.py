"""Erlang B, C and A: how many agents a load needs, and what a number of agents does with it.

Calls come by chance (Poisson), handle times and patience are exponential. Loads are in erlangs (calls under way at
once), times in seconds, rates in calls a second, shares from 0 to 1.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

PANELS = 512
"""Of Simpson's rule; the density of the wait is smooth."""
MOST_AGENTS = 100_000
NEGLIGIBLE = 1e-15
"""States rarer than this, compared with the likeliest, are left out."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a number of agents does with a load."""

    agents: int
    waits: float
    """Share of callers who find nobody free."""
    service_level: float
    """Share of all offered calls that are answered within the threshold: SL_offered."""
    asa: float
    """Mean wait of those who were answered; infinite when the line only grows."""
    abandoned: float
    """Share of callers who hang up."""
    occupancy: float
    """Share of the agents' time that is handle time."""


def load_of(calls: float, handle_time: float, seconds: float = 3600.0) -> float:
    """Erlangs of so many calls within so many seconds."""
    return calls * handle_time / seconds


def erlang_b(load: float, lines: int) -> float:
    """Share of calls that find every line taken and are turned away."""
    _check(load, lines)
    blocked = 1.0
    for line in range(1, lines + 1):
        blocked = load * blocked / (line + load * blocked)
    return blocked


def lines_for(load: float, blocking: float) -> int:
    """The fewest lines that turn away at most this share."""
    if not 0 < blocking <= 1:
        raise ValueError(f"a share of blocked calls is above 0 and at most 1, not {blocking}")
    _check(load, 0)
    blocked, line = 1.0, 0
    while blocked > blocking:
        line += 1
        if line > MOST_AGENTS:
            raise ValueError(f"{MOST_AGENTS} lines are not enough for {load:g} erlangs")
        blocked = load * blocked / (line + load * blocked)
    return line


def erlang_c(load: float, agents: int) -> float:
    """Share of callers who wait when nobody ever hangs up; 1 when the agents cannot keep up."""
    _check(load, agents)
    if agents <= load:
        return 1.0 if load > 0 else 0.0
    blocked = erlang_b(load, agents)
    return agents * blocked / (agents - load * (1 - blocked))


def forecast_c(load: float, agents: int, handle_time: float, threshold: float) -> Forecast:
    """With callers who wait for ever."""
    waits = erlang_c(load, agents)
    if load > 0 and agents <= load:
        return Forecast(agents, 1.0, 0.0, math.inf, 0.0, 1.0)
    late = waits * math.exp(-(agents - load) * threshold / handle_time)
    asa = waits * handle_time / (agents - load) if load > 0 else 0.0
    return Forecast(agents, waits, 1 - late, asa, 0.0, load / agents if agents else 0.0)


def forecast_a(load: float, agents: int, handle_time: float, patience: float, threshold: float) -> Forecast:
    """With callers who hang up after `patience` seconds in the mean.

    The wait that a caller with endless patience would have is 0 with the probability of fewer than N calls, and has
    the density lambda * pi(N-1) * exp(lambda * H(t) - N * mu * t) with H(t) = (1 - exp(-theta * t)) / theta (Zeltyn and
    Mandelbaum 2005); a caller is answered when his patience is longer than that.
    """
    _check(load, agents)
    if not (handle_time > 0 and patience > 0):
        raise ValueError("handle time and patience are above 0 seconds")
    if load == 0:
        return Forecast(agents, 0.0, 1.0, 0.0, 0.0, 0.0)
    rate, leave = load / handle_time, 1 / patience
    states = _states(load, agents, handle_time * leave)
    free, waiting = math.fsum(states[:agents]), math.fsum(k * share for k, share in enumerate(states[agents:]))
    abandoned = min(1.0, leave * waiting / rate)
    if agents == 0:
        return Forecast(0, 1.0, 0.0, math.inf, 1.0, 0.0)
    head = math.log(rate) + _log_of_last_free(states, load, agents, handle_time * leave)

    def density(t: float) -> float:
        """Of being answered after t seconds."""
        grown = rate * -math.expm1(-leave * t) / leave
        return math.exp(head + grown - (agents / handle_time + leave) * t)

    horizon = _horizon(rate, leave, agents / handle_time)
    in_time = min(1.0, free + _simpson(density, min(threshold, horizon)))
    answered_wait = _simpson(lambda t: t * density(t), horizon)
    answered = 1 - abandoned
    asa = answered_wait / answered if answered > 0 else math.inf
    return Forecast(agents, 1 - free, in_time, asa, abandoned, load * answered / agents)


def agents_for(load: float, handle_time: float, threshold: float, target: float, patience: float | None = None) -> int:
    """The fewest agents who answer the target share within the threshold; without patience nobody hangs up."""
    if not 0 <= target < 1:
        raise ValueError(f"a service level is from 0 to below 1, not {target}")

    def reached(agents: int) -> bool:
        if patience is None:
            return forecast_c(load, agents, handle_time, threshold).service_level >= target
        return forecast_a(load, agents, handle_time, patience, threshold).service_level >= target

    high = max(1, math.ceil(load))
    while not reached(high):
        high *= 2
        if high > MOST_AGENTS:
            raise ValueError(f"{MOST_AGENTS} agents are not enough for {load:g} erlangs")
    low = -1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def _check(load: float, servers: int) -> None:
    if not 0 <= load < math.inf:
        raise ValueError(f"a load is 0 erlangs or more, not {load}")
    if servers < 0:
        raise ValueError(f"a number of agents is 0 or more, not {servers}")


def _states(load: float, agents: int, leaving: float) -> list[float]:
    """Shares of the time with 0, 1, ... calls in the house, from the likeliest outwards so that nothing overflows.

    `leaving` is the rate at which one caller gives up, in handle times.
    """

    def deaths(k: int) -> float:
        return min(k, agents) + max(0, k - agents) * leaving

    top = round(load) if load < agents else agents + max(0, round((load - agents) / leaving))
    above, share = [1.0], 1.0
    while share > NEGLIGIBLE or len(above) + top <= agents:
        share *= load / deaths(top + len(above))
        above.append(share)
    below, share = [], 1.0
    for k in range(top, 0, -1):
        share *= deaths(k) / load
        below.append(share)
    states = [*reversed(below), *above]
    total = math.fsum(states)
    return [one / total for one in states]


def _log_of_last_free(states: list[float], load: float, agents: int, leaving: float) -> float:
    """Logarithm of the share of the time with one agent free, also where the share itself is too small for a float."""
    top = max(range(len(states)), key=states.__getitem__)
    if top < agents:
        share = states[agents - 1]
        return math.log(share) if share > 0 else -math.inf
    falls = (math.log((agents + (k - agents) * leaving) / load) for k in range(agents, top + 1))
    return math.log(states[top]) + math.fsum(falls)


def _horizon(rate: float, leave: float, serve: float) -> float:
    """Seconds of wait that next to nobody is answered after: the density has fallen by exp(-40) from its top."""
    top = max(0.0, math.log(rate / (serve + leave)) / leave) if rate > serve + leave else 0.0

    def height(t: float) -> float:
        return rate * -math.expm1(-leave * t) / leave - (serve + leave) * t

    step = end = 1 / (serve + leave)
    while height(top + end) > height(top) - 40:
        step *= 1.5
        end += step
    return top + end


def _simpson(function: Callable[[float], float], end: float) -> float:
    if end <= 0:
        return 0.0
    width = end / PANELS
    values = [function(index * width) for index in range(PANELS + 1)]
    odd, even = math.fsum(values[1:-1:2]), math.fsum(values[2:-1:2])
    return width / 3 * (values[0] + 4 * odd + 2 * even + values[-1])
