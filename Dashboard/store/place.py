"""Where the store's database and its files lie, and what room they have."""

import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from Dashboard.config import MEBIBYTE, Config
from Dashboard.store.database import Database, postgresql_url, sqlite_url
from Dashboard.store.errors import StoreFull
from Dashboard.store.pictures import PictureFiles
from Dashboard.store.private_folder import PrivateFolder, parent_folder, remove_tree, take_lock

PREFIX = "skin-lesion-store-"
FOLDER = "store"
DATABASE, PICTURES, MAPS, SECRET = "store.sqlite3", "pictures", "maps", "secret"
# Of a place in memory that was given no bound, the store takes half, and at most so much.
MOST_MEMORY = 1024 * MEBIBYTE
# Room that is left for the database, so that what is there can be changed and deleted.
RESERVE = 8 * MEBIBYTE
SECRET_BYTES = 32


class Place:
    """Database, picture files and secret of one server.

    shared: the folder of a server whose processes do not come of this one; None: as `config` says.
    folder: holds them, readable by its user alone.
    maps: files of explanations.
    most_bytes: what they may take; None: as much as there is.
    secret: signs the sessions.
    """

    def __init__(self, config: Config, shared: Path | None = None) -> None:
        self._private: PrivateFolder | None = None
        if shared is not None:
            self.folder = shared
        elif config.data_dir is None:
            self._private = PrivateFolder(parent_folder(None), PREFIX)
            self.folder = self._private.folder
        else:
            self.folder = config.data_dir / FOLDER
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if config.database_url is None:
            url = sqlite_url(self.folder / DATABASE)
        else:
            url = postgresql_url(config.database_url)
        self.database = Database(url, durable=config.durable)
        self.pictures = PictureFiles(self.folder / PICTURES)
        self.maps = PictureFiles(self.folder / MAPS)
        self.secret = _secret(self.folder)
        self.most_bytes = self._most_bytes(config)

    def _most_bytes(self, config: Config) -> int | None:
        if config.store_mb is not None:
            return int(config.store_mb * MEBIBYTE)
        if config.data_dir is not None:
            return None
        return min(shutil.disk_usage(self.folder).total // 2, MOST_MEMORY)

    def require_room(self, size: int, pictures: Callable[[], int]) -> None:
        """Refuse a picture of `size` bytes where it has no room.

        pictures: bytes of the others; it looks at all of them, and is asked only where the store
            has a bound.

        Raises:
            StoreFull.
        """
        most = self.most_bytes
        if most is not None and pictures() + self.database.size() + size > most:
            raise StoreFull(
                f"the store is full: it holds at most {most // MEBIBYTE} MB "
                "(STORE_MB); delete assessments and try again"
            )
        if shutil.disk_usage(self.folder).free < size + RESERVE:
            raise StoreFull(
                "the store is full: there is no room left where it lies; "
                "delete assessments and try again"
            )

    def close(self) -> None:
        """Close the database; what is not durable is deleted."""
        self.database.close()
        if self._private is not None:
            self._private.close()
            remove_tree(self.folder)


def _secret(folder: Path) -> bytes:
    """Random bytes, the same for all processes and machines that share the folder, for good."""
    file = folder / SECRET
    lock = take_lock(folder / f"{SECRET}.lock", wait=True)
    try:
        if not file.exists():
            staging = file.with_suffix(".new")
            staging.unlink(missing_ok=True)
            handle = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as new:
                new.write(secrets.token_bytes(SECRET_BYTES))
            staging.replace(file)
        return file.read_bytes()
    finally:
        if lock is not None:
            os.close(lock)
