"""Counts stay few and right, whatever callers send."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry, Histogram

from runtime.batched_counts import PUBLISH_SECONDS
from runtime.metrics import BUCKETS, Metrics


def test_invented_methods_make_no_series_of_their_own() -> None:
    metrics = Metrics()
    for method in ("BREW", "PROPFIND", "GET", "GET"):
        metrics.count(method, "/livez", 200, 0.01)
    text = metrics.text().decode()

    assert 'matinee_http_requests_total{method="OTHER",route="/livez",status="200"} 2.0' in text
    assert 'matinee_http_requests_total{method="GET",route="/livez",status="200"} 2.0' in text
    assert "BREW" not in text


def test_seconds_fall_into_the_bucket_of_their_size() -> None:
    metrics = Metrics()
    metrics.count("GET", "/livez", 200, 0.02)
    text = metrics.text().decode()

    bucket = 'matinee_http_request_seconds_bucket{le="%s",method="GET",route="/livez"} %s'
    assert bucket % ("0.01", "0.0") in text
    assert bucket % ("0.025", "1.0") in text


def test_apps_of_one_process_count_for_themselves() -> None:
    first, second = Metrics(), Metrics()
    first.count("GET", "/livez", 200, 0.01)

    assert b'route="/livez"' not in second.text()


def test_counts_each_duration_in_the_bucket_that_the_library_chooses() -> None:
    seconds = [0.0, *BUCKETS, *(bound * 1.5 for bound in BUCKETS), 60.0]
    metrics, expected = Metrics(), Histogram("expected", "", buckets=BUCKETS, registry=CollectorRegistry())
    for each in seconds:
        metrics.count("GET", "/livez", 200, each)
        expected.observe(each)
    metrics.publisher.publish_all()
    metrics.publisher.publish_all()

    (family,) = [each for each in metrics.registry.collect() if each.name == "matinee_http_request_seconds"]
    (right,) = expected.collect()
    found = {(each.name.rpartition("_")[2], each.labels.get("le")): each.value for each in family.samples}
    wanted = {(each.name.rpartition("_")[2], each.labels.get("le")): each.value for each in right.samples}
    del found["created", None], wanted["created", None]
    assert found.pop(("sum", None)) == pytest.approx(wanted.pop(("sum", None)))
    assert found == wanted


async def test_publishes_counts_without_being_asked() -> None:
    metrics = Metrics()
    metrics.count("GET", "/livez", 200, 0.01)
    labels = {"method": "GET", "route": "/livez", "status": "200"}

    def read() -> float | None:
        return metrics.registry.get_sample_value("matinee_http_requests_total", labels)

    assert read() == 0
    await asyncio.sleep(PUBLISH_SECONDS * 1.5)
    assert read() == 1
