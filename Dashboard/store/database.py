"""The database of the store: SQLite in a folder, or PostgreSQL; two ways in, to read and to write.

A writer holds a lock from its first statement on, SQLite's of the whole database or, in PostgreSQL,
one of its own name, so that what it read stays true until it is through, files included.
"""

import errno
import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url, text
from sqlalchemy.orm import Session

from Dashboard.store.errors import StoreFull, StoreUnavailable

MIGRATIONS = Path(__file__).parent / "migrations"
# As many as a server process has threads: none waits for a connection.
CONNECTIONS = 32
# How long a writer waits for another one, and for a database on another machine to answer.
BUSY_SECONDS, CONNECT_SECONDS = 20, 5
SCRUB_SECONDS = 1
BETWEEN_TRIES = 0.02  # seconds
FULL = "the store is full"
NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
PRAGMAS = {
    "busy_timeout": str(BUSY_SECONDS * 1000),
    "foreign_keys": "ON",
    # What is deleted is overwritten, and what is sorted never lies in a file of its own.
    "secure_delete": "ON",
    "temp_store": "MEMORY",
}

logger = logging.getLogger(__name__)


class Database:
    """One database for all processes of a server, forked or not.

    url: as SQLAlchemy takes it.
    durable: whether what is acknowledged has to outlive the machine's power.
    """

    def __init__(self, url: URL, *, durable: bool) -> None:
        self.url = url
        self.durable = durable
        self._engine: Engine | None = None
        self._process = 0

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees the database as it is at its first statement.

        Raises:
            StoreUnavailable.
        """
        with in_words(), Session(self.engine) as session:
            yield session

    @contextmanager
    def writing(self, lock: str) -> Iterator[Session]:
        """A session that is committed at the end, and alone in its lock until then.

        lock: name of what must not change meanwhile; SQLite has one lock for all.

        Raises:
            StoreFull, StoreUnavailable.
        """
        engine = self.engine.execution_options(writes=True)
        with in_words(), Session(engine, expire_on_commit=False) as session, session.begin():
            if engine.dialect.name == "postgresql":
                session.execute(
                    text("select pg_advisory_xact_lock(hashtext(:lock))"), {"lock": lock}
                )
            yield session

    @property
    def engine(self) -> Engine:
        """This process's engine: a connection must not be used on both sides of a fork."""
        if self._engine is None or self._process != os.getpid():
            self._engine, self._process = self._make(), os.getpid()
        return self._engine

    def upgrade(self, revision: str = "head") -> None:
        """Bring the tables to this program's state, or to an earlier `revision`.

        Raises:
            StoreUnavailable: also where a newer program has made them.
        """
        with self.writing("migrations") as session:
            connection = session.connection()
            settings = migrations(connection)
            known = ScriptDirectory.from_config(settings)
            head = known.get_current_head() if revision == "head" else revision
            if MigrationContext.configure(connection).get_current_revision() == head:
                return
            try:
                command.upgrade(settings, revision)
            except CommandError:
                raise StoreUnavailable(
                    "the database was made by a newer version of this program"
                ) from None

    def scrub(self) -> None:
        """Leave nothing behind of what was deleted: SQLite's journal holds it until it is cut.

        Where others read or write for longer than this waits, or the disk has no room for it, the
        next time does it: what was to be deleted is.
        """
        if self.url.get_backend_name() == "sqlite":
            with in_words(), closing(self.engine.raw_connection()) as connection:
                cursor = connection.cursor()
                cursor.execute(f"PRAGMA busy_timeout = {SCRUB_SECONDS * 1000}")
                try:
                    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                except sqlite3.Error as error:  # SQLAlchemy does not see what this connection does
                    logger.warning("the store's journal was not cut: %s", error)
                finally:
                    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")

    def size(self) -> int:
        """Bytes of a database in a folder; 0 for one elsewhere."""
        if self.url.get_backend_name() != "sqlite":
            return 0
        path = Path(str(self.url.database))
        files = (path, path.with_name(f"{path.name}-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def close(self) -> None:
        """Close the connections of this process."""
        if self._engine is not None and self._process == os.getpid():
            self._engine.dispose()
        self._engine = None

    def _make(self) -> Engine:
        options: dict[str, Any] = {"pool_size": CONNECTIONS, "hide_parameters": True}
        if self.url.get_backend_name() == "sqlite":
            engine = create_engine(self.url, **options)
            event.listen(engine, "connect", self._prepare)
            event.listen(engine, "begin", _begin)
            return engine
        arguments = {"connect_timeout": CONNECT_SECONDS}
        return create_engine(self.url, **options, pool_pre_ping=True, connect_args=arguments)

    def _prepare(self, connection: Any, _record: Any) -> None:
        # Python's module would begin transactions by rules of its own, and none for a table.
        connection.isolation_level = None
        synchronous = {"synchronous": "FULL" if self.durable else "OFF"}
        for name, value in (PRAGMAS | synchronous).items():
            connection.execute(f"PRAGMA {name} = {value}")
        _write_ahead(connection)


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Readers go on while one writes.

    Of several processes that change a new database's journal at once all but one are refused
    without a wait, whatever the timeout: SQLite sees two that wait for each other.
    """
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > until:
                raise
            time.sleep(BETWEEN_TRIES)
        else:
            return


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def sqlite_url(file: Path) -> URL:
    """The address of a database file, which is made readable by its user alone."""
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    return URL.create("sqlite", database=str(file))


def postgresql_url(address: str) -> URL:
    """The address as SQLAlchemy takes it, by the driver that is installed.

    >>> postgresql_url("postgres://clinic@db/lesions").render_as_string()
    'postgresql+psycopg://clinic@db/lesions'
    """
    return make_url(address).set(drivername="postgresql+psycopg")


def migrations(connection: Connection | None = None) -> AlembicConfig:
    """Alembic's settings for the folder of migrations, over an open connection."""
    settings = AlembicConfig(attributes={"connection": connection})
    settings.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return settings


@contextmanager
def in_words() -> Iterator[None]:
    """Errors of database and files in the words of `Dashboard.store.errors`."""
    try:
        yield
    except (exc.IntegrityError, exc.ProgrammingError, exc.DataError):
        raise
    except exc.DBAPIError as error:
        # Only what the database says: neither the statement nor its values.
        logger.error("the store's database: %s", error.orig)
        raise _sentence(error) from None
    except OSError as error:
        if error.errno in NO_ROOM:
            raise StoreFull(FULL) from None
        raise StoreUnavailable(f"the store cannot use its files: {error.strerror}") from None


def _sentence(error: exc.DBAPIError) -> StoreFull | StoreUnavailable:
    code = getattr(error.orig, "sqlite_errorname", "") or getattr(error.orig, "sqlstate", "") or ""
    if code in ("SQLITE_FULL", "53100"):
        return StoreFull(FULL)
    if code == "SQLITE_BUSY":
        return StoreUnavailable("the store is busy; try again in a minute")
    return StoreUnavailable("the store's database cannot be used; the server's log says why")
