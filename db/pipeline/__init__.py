"""Reads over a few connections in libpq's pipeline mode, shared by all callers; their answers stay bytes."""

from db.pipeline.pooled import PooledReads
from db.pipeline.reads import CountEvent, PipelinedReads, ignore_event, open_pipeline, start_read
from db.pipeline.statement import Parameters, RawReads, RawRow, Statement

__all__ = [
    "CountEvent",
    "Parameters",
    "PipelinedReads",
    "PooledReads",
    "RawReads",
    "RawRow",
    "Statement",
    "ignore_event",
    "open_pipeline",
    "start_read",
]
