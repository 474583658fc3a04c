"""Explanations as jobs: rows of the store are the truth, Huey wakes a worker, torch is there alone.

A request puts a row (`Dashboard.store.explanation_rows`) and sends a message without content to the
queue of its lane. A worker that gets one takes the next row of the lane. What a message that was
lost or a worker that was killed leaves behind is found in the rows.

On one machine a supervisor, started at the first explanation, keeps one worker. Over PostgreSQL
`python -m Dashboard work` adds workers on any machines that share the pictures' folder. With
`REDIS_URL` the server's worker computes nothing itself: it hands pictures to such workers through
Redis (`remote.py`), and they need nothing else.
"""
