"""How many choices of the queue engine fit into a second.

A decision is one caller brought to one agent: joined or freed, offered, answered, talk over. The office is full at all
times: every agent talks and so many callers wait, so that each freed agent must find his caller, and each caller his
agent, among all. The floor is a heapq push and pop of a tuple per decision, in the same process.
"""

import heapq
import random
import time
from collections import deque

from acd import events
from acd.agent import Agent
from acd.commands import Command, Offer
from acd.engine import Engine
from acd.queue import STRATEGIES, Member, QueueSettings

OFFICES = ((50, 200), (1000, 200), (1000, 10_000))
"""Agents and waiting callers."""
DECISIONS = 3000
STEP = 0.25
"""Seconds of engine time between two decisions."""


def run() -> list[dict[str, object]]:
    """One row per office and strategy."""
    rows: list[dict[str, object]] = []
    for agents, callers in OFFICES:
        floor = _heap_rate(agents)
        for strategy in STRATEGIES:
            value = _decision_rate(strategy, agents, callers)
            rows.append(
                {
                    "name": f"acd {strategy}, {agents} agents, {callers} waiting",
                    "unit": "decisions/s",
                    "value": round(value),
                    "floor": round(floor),
                    "ratio": round(value / floor, 4),
                }
            )
    return rows


def _heap_rate(size: int) -> float:
    """Push and pop of a tuple on a heap of so many, per second."""
    draw = random.Random(1)
    heap = [(1, draw.random(), number) for number in range(size)]
    heapq.heapify(heap)
    started = time.process_time()
    for number in range(100_000):
        heapq.heappush(heap, (1, draw.random(), number))
        heapq.heappop(heap)
    return 100_000 / (time.process_time() - started)


def _decision_rate(strategy: str, agents: int, callers: int) -> float:
    names = [str(1000 + number) for number in range(agents)]
    members = [Member(name, tier=1 + index % 3, weight=1 + index % 5) for index, name in enumerate(names)]
    queue = QueueSettings("support", agents=members, strategy=strategy, wrap_up=0)
    engine = Engine([queue], [Agent(name, reachable=True) for name in names], random.Random(1))
    offers: deque[Offer] = deque()
    talks: deque[tuple[str, str]] = deque()
    for number in range(agents + callers):
        _take(engine.handle(events.CallerJoined(f"first{number}", "support"), 0.0), offers)
        _answer_all(engine, offers, talks, 0.0)
    started = time.process_time()
    for number in range(DECISIONS):
        now = 1.0 + number * STEP
        _take(engine.handle(events.CallerJoined(f"c{number}", "support"), now), offers)
        agent, caller = talks.popleft()
        _take(engine.handle(events.ContactEnded(agent, caller), now), offers)
        _answer_all(engine, offers, talks, now)
    return DECISIONS / (time.process_time() - started)


def _take(orders: list[Command], offers: deque[Offer]) -> None:
    offers.extend(order for order in orders if isinstance(order, Offer))


def _answer_all(engine: Engine, offers: deque[Offer], talks: deque[tuple[str, str]], now: float) -> None:
    while offers:
        offer = offers.popleft()
        orders = engine.handle(events.OfferAnswered(offer.lease), now)
        if any(type(order).__name__ == "Connect" for order in orders):
            talks.append((offer.agent, offer.caller))
        _take(orders, offers)


if __name__ == "__main__":
    for row in run():
        print(row)
