"""Counts stay few and right, whatever callers send."""

from runtime.metrics import Metrics


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
