"""Give a role of PostgreSQL the rights of a worker, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg import sql

from ..errors import JournalError

if TYPE_CHECKING:
    import psycopg

__all__ = ["grant_worker"]

_MAKE: Final = "CREATE ROLE {role} LOGIN PASSWORD {password}"
_CHANGE: Final = "ALTER ROLE {role} LOGIN PASSWORD {password}"
_RIGHTS: Final = (
    "GRANT CONNECT ON DATABASE {database} TO {role}",
    "REVOKE ALL ON ALL TABLES IN SCHEMA flexiflow FROM {role}",
    "GRANT USAGE ON SCHEMA flexiflow TO {role}",
    "GRANT SELECT ON flexiflow.versions TO {role}",
    "GRANT SELECT ON flexiflow.executions, flexiflow.records TO {role}",
    "GRANT SELECT, INSERT ON flexiflow.kept_values TO {role}",
    "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA flexiflow TO {role}",
)
"""A worker adds executions and records by functions that see to the epochs; it may not
write to the tables themselves."""


def grant_worker(conn: psycopg.Connection, role: str, password: str) -> None:
    """Make a login role, or change its password, and give it its rights.

    Raises
    ------
    JournalError
        If it is a superuser's role.
    psycopg.Error
        If that is not allowed.
    """
    # As psql's \\password does: the server's log must not see a password.
    verifier = conn.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    ).decode()
    with conn.transaction():
        found = conn.execute(
            "SELECT rolsuper FROM pg_roles WHERE rolname = %s", [role]
        ).fetchone()
        if found is not None and found[0]:
            raise JournalError(
                f"The role '{role}' cannot be made a worker's",
                why="It is a superuser, whom no right can be kept from.",
                fix="Name another role; it is made when it is not there.",
                context={"role": role},
            )
        statement = _MAKE if found is None else _CHANGE
        conn.execute(
            sql.SQL(statement).format(
                role=sql.Identifier(role), password=sql.Literal(verifier)
            )
        )
        database = sql.Identifier(conn.info.dbname)
        for right in _RIGHTS:
            conn.execute(
                sql.SQL(right).format(role=sql.Identifier(role), database=database)
            )
