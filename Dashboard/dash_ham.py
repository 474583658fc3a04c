"""The server that gunicorn runs: `cd Dashboard && gunicorn dash_ham:server`.

Importing it builds the pages and the API; the model is compiled later, in each worker.
"""

import sys
from pathlib import Path

# gunicorn started in this folder finds this file, but not the packages beside the folder.
ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from Dashboard.app import create_app  # noqa: E402

try:
    app = create_app()
except ValueError as error:
    sys.exit(f"Dashboard: {error}")
server = app.server
