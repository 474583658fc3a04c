"""Explanations as jobs: one Celery queue for the pages and the API, torch only in its worker.

Without `REDIS_URL` a supervisor, started at the first explanation, keeps one worker process over
Celery's filesystem broker in a private folder that goes when the server goes. With `REDIS_URL`
any number of `celery -A Dashboard.explain.jobs worker` processes on any machines take the jobs.

A broker's message holds a job's key and nothing else. Pictures and results lie under random keys
in a store, each for at most `KEEP_SECONDS`. The pages come by Dash's background callbacks, whose
manager is `Dashboard.ui.explain.callbacks`.
"""

KEEP_SECONDS = 15 * 60
"""How long a picture or a result of an explanation is kept at most."""
