"""The schema, as ordered files of SQL: forward only; a released one is never changed.

A step must be safe while workers of the version before still run: add first (tables, columns with defaults, functions
of a new name), take away only in the release after the one that stopped using it.
"""

from importlib.resources import files

from psycopg import AsyncConnection

LOCK = 0x6D616573
"""Of the advisory lock under which one process at a time brings the schema forward."""


def steps() -> list[tuple[str, str]]:
    """Name and SQL of every migration, in order."""
    folder = files(__package__) / "migrations"
    found = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(name.removesuffix(".sql"), (folder / name).read_text("utf-8")) for name in found]


async def bring_forward(connection: AsyncConnection) -> list[str]:
    """Runs the migrations that are missing, each in a transaction of its own; their names. Safe from many at once."""
    done = []
    for name, sql in steps():
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
            await connection.execute(
                "create table if not exists maestro_migrations (name text primary key, applied_at timestamptz not null)"
            )
            row = await (
                await connection.execute("select 1 from maestro_migrations where name = %s", (name,))
            ).fetchone()
            if row is None:
                await connection.execute(sql.encode())
                await connection.execute("insert into maestro_migrations values (%s, now())", (name,))
                done.append(name)
    return done
