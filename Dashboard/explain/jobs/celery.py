"""`celery -A Dashboard.explain.jobs worker`: a worker of a queue in Redis, on any machine."""

import sys

from Dashboard.config import Config
from Dashboard.explain.jobs.queue import make_celery, register
from Dashboard.explain.jobs.store import RedisStore
from Dashboard.explain.jobs.work import EXPLAINER

_config = Config.from_env()
if _config.redis_url is None:
    sys.exit(
        "REDIS_URL is not set: a worker of its own needs a queue in Redis. "
        "Without one the dashboard keeps a worker itself."
    )
app = make_celery(redis_url=_config.redis_url)
register(app, RedisStore(_config.redis_url), EXPLAINER)
