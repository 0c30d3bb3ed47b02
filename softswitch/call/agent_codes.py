"""Feature codes of agents: what a phone dials to log in, to take a break, to end its wrap-up, to name a result."""

from typing import TYPE_CHECKING, Any

from acd import events
from softswitch.call import services
from softswitch.call.destination import Destination, Hangup, Refuse, ToAgentCode

if TYPE_CHECKING:
    from softswitch.call.call import Call

STATUS_AFTER = {"log_in": "available", "unpause": "available", "log_out": "logged_out", "pause": "paused"}


async def agent_code(call: "Call", destination: ToAgentCode) -> Destination:
    """Do for the agent at this phone what the code means: a beep when it was done, congestion tone when not."""
    agent, queues = call.origin.name, call.exchange.queues
    before = queues.agent(agent) if call.origin.kind == "phone" else None
    if before is None:
        return Refuse(403)
    event = _event(agent, destination, before)
    if event is None:
        return Refuse(404)
    queues.handle(event)
    after = queues.agent(agent) or {}
    done = _is_done(destination, before, after)
    call.caller.answer()
    await services.say(call, [call.exchange.tone("beep" if done else "congestion")], "agent_code")
    return Hangup()


def _event(agent: str, code: ToAgentCode, state: dict[str, Any]) -> events.Event | None:
    match code:
        case ToAgentCode("log_in"):
            return events.AgentLoggedIn(agent)
        case ToAgentCode("log_out"):
            return events.AgentLoggedOut(agent)
        case ToAgentCode("pause", reason):
            return events.AgentPaused(agent, reason)
        case ToAgentCode("unpause"):
            return events.AgentUnpaused(agent)
        case ToAgentCode("done"):
            return events.WrapUpEnded(agent)
        case ToAgentCode("result", number):
            owed = state["owes_disposition"]
            index = int(number) - 1 if number.isdecimal() else -1
            return events.DispositionGiven(agent, owed[index]) if 0 <= index < len(owed) else None
    return None


def _is_done(code: ToAgentCode, before: dict[str, Any], after: dict[str, Any]) -> bool:
    if code.action == "done":
        return bool(before["state"] == "wrap_up" != after["state"])
    if code.action == "result":
        return not after["owes_disposition"]
    if code.action == "pause" and after["pause_reason"] != code.argument:
        return False
    return bool(after["status"] == STATUS_AFTER[code.action])
