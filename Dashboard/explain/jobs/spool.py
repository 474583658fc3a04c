"""The private folder of one server: its queue, and what its jobs hold for a while."""

from pathlib import Path

from Dashboard.explain.jobs.room import BoundedStore
from Dashboard.store.private_folder import SERVER_LOCK, PrivateFolder

PREFIX = "skin-lesion-jobs-"
SUPERVISOR_LOCK = "supervisor"
VALUES = "values"
FOLDERS = (VALUES, "queue", "taken", "control", "tmp")


class Spool(PrivateFolder):
    """A folder of this server, which a supervisor deletes once the server is gone.

    parent: where to make it.

    Raises:
        OSError: it cannot be made there.
    """

    def __init__(self, parent: Path) -> None:
        super().__init__(parent, PREFIX, (SERVER_LOCK, SUPERVISOR_LOCK))
        for name in FOLDERS:
            (self.folder / name).mkdir(mode=0o700)
        self.store = BoundedStore(self.folder / VALUES)
