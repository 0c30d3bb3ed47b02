"""How many choices of the queue engine fit into a second.

A decision is one caller brought to one agent: joined or freed, offered, answered, talk over. The office is full at all
times: every agent talks and so many callers wait, so that each freed agent must find his caller, and each caller his
agent, among all. The floor is a heapq push and pop of a tuple per decision, in the same process. In the largest office
the time of each single decision is measured, too: joining, being freed, answering; with a queue that asks for skills.
"""

import heapq
import random
import time
from collections import deque

from acd import events
from acd.agent import Agent
from acd.commands import Command, Connect, Offer
from acd.engine import Engine
from acd.queue import STRATEGIES, Member, QueueSettings

OFFICES = ((50, 200), (1000, 200), (1000, 10_000))
"""Agents and waiting callers."""
DECISIONS = 3000
STEP = 0.25
"""Seconds of engine time between two decisions."""
SKILLS = "a and level >= 3 or not level"
BARS = {0.5: 200, 0.99: 2000}
"""Microseconds that one decision may take, by share of the decisions."""


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
    times = _Office("longest_idle", *OFFICES[-1], requires=SKILLS).decide(DECISIONS)
    for share, bar in BARS.items():
        value = times[int(len(times) * share)] * 1e6
        rows.append(
            {
                "name": f"acd one decision, 1000 agents, 10000 waiting, p{share * 100:g} (bar {bar} us)",
                "unit": "us",
                "value": round(value, 1),
                "floor": round(1e6 / floor, 2),
                "ratio": round(value * floor / 1e6, 2),
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
    office = _Office(strategy, agents, callers)
    started = time.process_time()
    office.decide(DECISIONS)
    return DECISIONS / (time.process_time() - started)


class _Office:
    """Every agent who is able talks, and so many callers wait."""

    def __init__(self, strategy: str, agents: int, callers: int, requires: str = "") -> None:
        names = [str(1000 + number) for number in range(agents)]
        members = [Member(name, tier=1 + index % 3, weight=1 + index % 5) for index, name in enumerate(names)]
        queue = QueueSettings("support", agents=members, strategy=strategy, wrap_up=0, requires=requires)
        staff = [Agent(name, {"a": 1, "level": index % 5}, reachable=True) for index, name in enumerate(names)]
        self._engine = Engine([queue], staff, random.Random(1))
        self._offers: deque[Offer] = deque()
        self._talks: deque[tuple[str, str]] = deque()
        self._times: list[float] = []
        for number in range(agents + callers):
            self._tell(events.CallerJoined(f"first{number}", "support"), 0.0)
            self._answer_all(0.0)
        self._times.clear()

    def decide(self, decisions: int) -> list[float]:
        """Seconds that each fact took, in rising order."""
        for number in range(decisions):
            now = 1.0 + number * STEP
            self._tell(events.CallerJoined(f"c{number}", "support"), now)
            agent, caller = self._talks.popleft()
            self._tell(events.ContactEnded(agent, caller), now)
            self._answer_all(now)
        return sorted(self._times)

    def _answer_all(self, now: float) -> None:
        while self._offers:
            offer = self._offers.popleft()
            orders = self._tell(events.OfferAnswered(offer.lease), now)
            if any(isinstance(order, Connect) for order in orders):
                self._talks.append((offer.agent, offer.caller))

    def _tell(self, event: events.Event, now: float) -> list[Command]:
        started = time.perf_counter()
        orders = self._engine.handle(event, now)
        self._times.append(time.perf_counter() - started)
        self._offers.extend(order for order in orders if isinstance(order, Offer))
        return orders


if __name__ == "__main__":
    for row in run():
        print(row)
