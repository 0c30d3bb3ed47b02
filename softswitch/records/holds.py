"""Calls under a legal hold: their records and recordings are kept until somebody lifts it."""

from sqlalchemy import Connection, delete, select

from softswitch.records.database import Database, insert_once, storable
from softswitch.records.tables import call_events, call_records, holds


class HoldStore:
    """The list of holds."""

    def __init__(self, database: Database) -> None:
        """Use an open database."""
        self._database = database

    async def hold(self, call: str, reason: str, now: float) -> bool:
        """Hold a call, since wall time `now`; False when there is no such call. A second hold changes nothing."""
        row = {"call": call, "since": now, "reason": storable(reason)}

        def work(connection: Connection) -> bool:
            if not any(
                connection.execute(select(table.c.call).where(table.c.call == call).limit(1)).first()
                for table in (call_records, call_events)
            ):
                return False
            connection.execute(insert_once(holds), [row])
            return True

        return await self._database.write(work)

    async def lift(self, call: str) -> bool:
        """Lift the hold of a call; False when it had none."""
        query = delete(holds).where(holds.c.call == call)
        return await self._database.write(lambda connection: connection.execute(query).rowcount > 0)

    async def calls(self) -> frozenset[str]:
        """The calls that are held."""
        query = select(holds.c.call)
        return await self._database.read(lambda connection: frozenset(connection.execute(query).scalars()))
