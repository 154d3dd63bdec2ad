"""Queues a job in the transaction of what it is for: both are there, or neither is."""

from typing import Final

import orjson

from db.engine import Transaction

# Procrastinate's own function, which its defer() calls too; it notifies the workers on commit.
DEFER: Final = """
    SELECT procrastinate_defer_jobs_v1(ARRAY[
        ROW(%(queue)s, %(task)s, 0, %(lock)s, NULL, %(arguments)s::jsonb, NULL)
    ]::procrastinate_job_to_defer_v1[])
"""


async def queue_job(tx: Transaction, *, queue: str, task: str, lock: str, **arguments: object) -> None:
    """Queue a job by its task's full name; jobs of one `lock` never run side by side."""
    await tx.tuples(DEFER, queue=queue, task=task, lock=lock, arguments=orjson.dumps(arguments).decode())
