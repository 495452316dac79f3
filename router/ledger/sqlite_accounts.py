"""Teams, keys and budgets in the embedded ledger: changes by its writer, look-ups by its reader."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from router.ledger.accounts import KeyScopes, NewKey, Scope, StoredBudget, StoredKey, Team
from router.ledger.reader import Reader
from router.ledger.statements import accounts
from router.ledger.writer import Writer


class SqliteAccounts:
    """The `Accounts` of one SQLite file."""

    def __init__(self, writer: Writer, reader: Reader, now: Callable[[], float]) -> None:
        self._writer = writer
        self._reader = reader
        self._now = now

    async def find_key(self, hashed: str) -> StoredKey | None:
        """A key by its hash."""
        return await self._reader.do(lambda db: accounts.find_key(db, hashed))

    async def find_team(self, team: str) -> Mapping[str, Any] | None:
        """A team's defaults, or None."""
        return await self._reader.do(lambda db: accounts.find_team(db, team))

    async def find_budget(self, scope: Scope, name: str) -> StoredBudget | None:
        """A team's or key's budget, or None."""
        return await self._reader.do(lambda db: accounts.find_budget(db, scope, name))

    async def has_keys(self) -> bool:
        """Is any key there?"""
        row = await self._reader.do(lambda db: db.execute("select 1 from keys limit 1").fetchone())
        return row is not None

    async def put_team(self, team: Team, actor: str) -> None:
        """Creates or changes a team and its budget."""
        await self._writer.do(lambda db: accounts.put_team(db, team, self._now(), actor))

    async def delete_team(self, team: str, actor: str) -> int:
        """Forgets a team and ends its keys: how many. Raises BadRequest if there is no such team."""
        return await self._writer.do(lambda db: accounts.delete_team(db, team, self._now(), actor))

    async def put_budget(self, budget: StoredBudget, actor: str) -> None:
        """Sets a team's or key's budget. Raises BadRequest if there is no such team or key."""
        await self._writer.do(lambda db: accounts.set_budget(db, budget, self._now(), actor))

    async def insert_key(self, new: NewKey, scopes: KeyScopes, actor: str) -> None:
        """Stores a key's hash. Raises BadRequest for an unknown team."""
        await self._writer.do(lambda db: accounts.insert_key(db, new, scopes, self._now(), actor))

    async def revoke_key(self, key_id: str, actor: str) -> None:
        """Ends a key. Raises BadRequest if there is no active one."""
        await self._writer.do(lambda db: accounts.revoke_key(db, key_id, self._now(), actor))

    async def rotate_key(self, key_id: str, secret: str, actor: str) -> NewKey:
        """Gives a key a new secret. Raises BadRequest if there is no active one."""
        return await self._writer.do(lambda db: accounts.rotate_key(db, key_id, secret, self._now(), actor))

    async def list_teams(self) -> Sequence[Mapping[str, Any]]:
        """All teams with their money in the window now."""
        return await self._reader.do(lambda db: accounts.list_teams(db, self._now()))

    async def list_keys(self, team: str | None = None) -> Sequence[Mapping[str, Any]]:
        """All keys of a team or of all, without their secrets."""
        return await self._reader.do(lambda db: accounts.list_keys(db, team))

    async def list_budgets(self) -> Sequence[Mapping[str, Any]]:
        """All budgets with their money in the window now."""
        return await self._reader.do(lambda db: accounts.list_budgets(db, self._now()))

    async def read_audit(self, limit: int = 200) -> Sequence[Mapping[str, Any]]:
        """The latest acts of admins, newest first."""
        return await self._reader.do(lambda db: accounts.read_audit(db, limit))
