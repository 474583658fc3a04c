"""A PostgreSQL of the tests' own, and stores over it and over SQLite."""

import itertools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from Dashboard.config import Config
from Dashboard.store.store import Store
from tests.dashboard.conftest import Assessed as Assessed

MakeStore = Callable[..., Store]
START_SECONDS = 60


def program(name: str) -> str | None:
    """Where a program of PostgreSQL is; Debian puts them beside the path."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or next((str(path) for path in reversed(installed)), None)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a server that holds nothing, without the database's name.

    It listens on a socket in its own folder alone, and runs as a user without rights where the
    tests run as root, for which it would not start.
    """
    initdb, postgres = program("initdb"), program("postgres")
    if initdb is None or postgres is None:
        pytest.skip("no PostgreSQL found: install Debian's postgresql")
    # Its socket's path must be short, and other users must reach the folder.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    user: dict[str, Any] = {}
    if os.getuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
        user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    options = ["--auth=trust", "--username=tests", "--no-sync", "--no-locale", "--encoding=UTF8"]
    data = str(folder / "data")
    command = [initdb, "-D", data, *options]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, **user)
    command = [postgres, "-D", data, "-F", "-k", str(folder), "-c", "listen_addresses="]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, **user)
    try:
        address = f"postgresql://tests@/{{}}?host={folder}"
        end = time.monotonic() + START_SECONDS
        while not _answers(address.format("postgres")):
            assert server.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < end, "PostgreSQL did not start"
            time.sleep(0.05)
        yield address
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)


def _answers(address: str) -> bool:
    try:
        psycopg.connect(address).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture
def new_database(postgresql: str) -> Callable[[], str]:
    """Makes an empty database and gives its address."""
    numbers = itertools.count()

    def make() -> str:
        name = f"tests_{os.getpid()}_{time.monotonic_ns()}_{next(numbers)}"
        with psycopg.connect(postgresql.format("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
        return postgresql.format(name)

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Config:
    """Settings of a durable store over each database."""
    address = None
    if request.param == "postgresql":
        address = request.getfixturevalue("new_database")()
    return Config(model="plain", data_dir=tmp_path / "data", database_url=address)


@pytest.fixture
def store(config: Config) -> Iterator[Store]:
    made = Store(config)
    yield made
    made.close()
