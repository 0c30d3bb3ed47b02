"""The engine and its naive twin make the same offers at the same times in the same order."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd import events
from acd.agent import Agent
from acd.commands import Offer
from acd.queue import QueueSettings
from tests.acd.naive import NaiveCaller, NaiveEngine, place_of
from tests.acd.office import Office

SKILLS = [frozenset[str](), frozenset({"billing"}), frozenset({"billing", "romanian"})]


class Twins:
    """An office and its naive twin, told the same."""

    def __init__(self, seed: int, strategy: str, positions: bool) -> None:
        self.draw = random.Random(seed)
        self.positions = positions
        agents = {str(101 + index): self.draw.choice(SKILLS) for index in range(4)}
        queues = [self._queue(name, strategy, list(agents)) for name in ("support", "sales")[: 1 if positions else 2]]
        self.office = Office(*queues, agents=[Agent(name, skills) for name, skills in agents.items()])
        self.naive = NaiveEngine(queues, agents)
        self.joined = 0

    def _queue(self, name: str, strategy: str, agents: list[str]) -> QueueSettings:
        return QueueSettings(
            name,
            agents=self.draw.sample(agents, self.draw.randint(2, 4)),
            strategy=strategy,
            weight=self.draw.choice([0, 1, 2]),
            ring_timeout=self.draw.choice([7.03, 15.01]),
            retry_delay=self.draw.choice([2.11, 5.07]),
            wrap_up=self.draw.choice([0.0, 9.13]),
        )

    def step(self) -> None:
        """One more thing happens to both, a little later."""
        until = self.office.now + self.draw.uniform(0.01, 4.0)
        self.office.wait(until - self.office.now)
        self.office.now = until
        self.naive.wait(until)
        happens = self.draw.choices(
            [self._join, self._leave, self._answer, self._reject, self._hang_up, self._pause, self._unpause],
            [45, 8, 22, 5, 22, 2, 5],
        )[0]
        happens()
        assert offers_of(self.office) == [(caller, agent) for _, caller, agent in self.naive.offers]

    def _join(self) -> None:
        self.joined += 1
        name, queue = f"c{self.joined}", self.draw.choice(list(self.naive.queues))
        priority, needs = self.draw.choice([0, 0, 0, 3]), self.draw.choice([SKILLS[0], SKILLS[0], SKILLS[1]])
        position = self.draw.choice([None, 1, 2, 5]) if self.positions else None
        self.office.tell(events.CallerJoined(name, queue, priority, position, tuple(needs)))
        self.naive.join(name, queue, priority, needs, position)

    def _leave(self) -> None:
        name = f"c{self.draw.randint(max(0, self.joined - 6), self.joined)}"
        if self.naive.waiting(name) is not None:
            self.office.tell(events.CallerLeft(name))
            self.naive.leave(name)

    def _answer(self) -> None:
        agent = self._one_of(sorted(self.office.rung()))
        if agent is not None:
            self.office.answer(agent)
            self.naive.answer(agent)

    def _reject(self) -> None:
        agent = self._one_of(sorted(self.office.rung()))
        if agent is not None:
            self.office.reject(agent)
            self.naive.reject(agent)

    def _hang_up(self) -> None:
        agent = self._one_of(sorted(self.office.talks))
        if agent is not None:
            self.office.hang_up(agent)
            self.naive.hang_up(agent)

    def _pause(self) -> None:
        agent = self.draw.choice(list(self.naive.agents))
        self.office.tell(events.AgentPaused(agent))
        self.naive.pause(agent)

    def _unpause(self) -> None:
        agent = self.draw.choice(list(self.naive.agents))
        self.office.tell(events.AgentUnpaused(agent))
        self.naive.unpause(agent)

    def _one_of(self, names: list[str]) -> str | None:
        return self.draw.choice(names) if names else None


def offers_of(office: Office) -> list[tuple[str, str]]:
    return [(order.caller, order.agent) for order in office.log if isinstance(order, Offer)]


@pytest.mark.parametrize("positions", [False, True])
@pytest.mark.parametrize("strategy", ["round_robin", "longest_idle", "sequential"])
@pytest.mark.parametrize("seed", range(6))
def test_the_engine_offers_whom_its_naive_twin_offers(seed: int, strategy: str, positions: bool) -> None:
    twins = Twins(seed, strategy, positions)
    for _ in range(250):
        twins.step()
    assert len(twins.naive.offers) > 20


@given(st.lists(st.tuples(st.integers(0, 3), st.one_of(st.none(), st.integers(1, 12))), max_size=40))
def test_callers_stand_as_in_a_naive_list(joins: list[tuple[int, int | None]]) -> None:
    queue = QueueSettings("support")
    office, line = Office(queue), list[NaiveCaller]()
    for number, (priority, position) in enumerate(joins):
        caller = NaiveCaller(f"c{number}", queue, priority, frozenset(), 0.0, number)
        line.insert(place_of(line, priority, position), caller)
        office.call(caller.name, priority=priority, position=position)
        office.wait(0.5)
    assert office.line() == [caller.name for caller in line]


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 2), st.one_of(st.none(), st.integers(1, 6)), st.integers(0, 30)),
        max_size=60,
    )
)
def test_callers_stand_as_in_a_naive_list_while_others_leave(
    steps: list[tuple[bool, int, int | None, int]],
) -> None:
    queue = QueueSettings("support")
    office, line = Office(queue), list[NaiveCaller]()
    for number, (joins, priority, position, index) in enumerate(steps):
        office.wait(1.0)
        if not joins and line:
            office.tell(events.CallerLeft(line.pop(index % len(line)).name))
        else:
            caller = NaiveCaller(f"c{number}", queue, priority, frozenset(), 0.0, number)
            line.insert(place_of(line, priority, position), caller)
            office.call(caller.name, priority=priority, position=position)
        assert office.line() == [caller.name for caller in line]
