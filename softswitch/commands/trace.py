"""`softswitch trace`: what was said in one of the last calls, as a ladder, as JSON, or as a file for Wireshark."""

import json
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from softswitch.commands.common import DEFAULT, Json, Refused, Where, order
from softswitch.commands.ladder import draw
from softswitch.commands.pcap import write_pcap

Whom = Annotated[str, Parameter(help="A call as softswitch calls names it, or a number: then its last call.")]
Pcap = Annotated[Path | None, Parameter(name="--pcap", help="Write the messages into this file for Wireshark.")]
Full = Annotated[bool, Parameter(name="--full", help="Print the messages themselves below the ladder.")]


def trace(
    call: Whom, path: Where = DEFAULT, /, *, as_json: Json = False, pcap: Pcap = None, full: Full = False
) -> None:
    """Show the messages of all legs of a call with times; credentials are masked."""
    found = order(path, "trace", call=call)
    if pcap is not None:
        events = found["events"]
        offset = events[0]["wall"] - events[0]["at"] if events else 0.0
        try:
            pcap.write_bytes(write_pcap(found["messages"], offset))
        except OSError as error:
            raise Refused(f"{pcap} cannot be written: {error.strerror}.") from error
    if as_json:
        print(json.dumps(found))
        return
    print("\n".join(draw(found)))
    if full:
        for one in found["messages"]:
            print(f"\n--- {'to' if one['sent'] else 'from'} {one['peer']} (leg {one['leg']})\n{one['text']}")
    if pcap is not None:
        print(f"{len(found['messages'])} messages are in {pcap}.")
