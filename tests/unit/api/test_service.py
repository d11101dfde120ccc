"""What the service says of itself: languages, its description, readiness and metrics."""

from __future__ import annotations

from schemas.ids import new_id
from tests.unit.api.helpers import ME
from tests.unit.api.support import Edge


def test_messages_come_in_the_callers_language(edge: Edge) -> None:
    with edge.client(ME) as client:
        zh = client.post("/api/v1/images/generate", json={"prompt": ""}, headers={"Accept-Language": "zh-CN"})
        gone = client.get("/api/v1/nowhere", headers={"Accept-Language": "zh"})
    assert "至少需要 1 个字符" in zh.json()["error"]
    assert gone.json()["error"] == "找不到所请求的对象"
    assert gone.headers["content-language"] == "zh"


def test_every_operation_is_described_and_the_page_needs_no_other_host(edge: Edge) -> None:
    with edge.client() as client:
        schema = client.get("/schema/openapi.json").json()
        page = client.get("/docs").text
    paths = schema["paths"]
    assert {"/api/v1/images/generate", "/api/v1/tasks/{task_id}/stream", "/api/v1/users"} <= set(paths)
    image = paths["/api/v1/images/generate"]["post"]
    assert image["requestBody"]["content"]["application/json"]["schema"]["$ref"] == "#/components/schemas/ImageBody"
    assert any(p["name"] == "Idempotency-Key" for p in image["parameters"])
    limits = schema["components"]["schemas"]["ImageBody"]["properties"]["width"]
    assert (limits["minimum"], limits["maximum"], limits["multipleOf"]) == (512, 2048, 8)
    assert "http://" not in page.replace("http://testserver.local", "")
    assert "https://" not in page


def test_readiness_tells_what_is_missing(edge: Edge) -> None:
    with edge.client() as client:
        assert client.get("/health/ready").status_code == 200
        edge.log.alive = False
        answer = client.get("/health/ready")
        assert client.get("/health/live").status_code == 200
    assert answer.status_code == 503
    assert answer.json()["checks"]["kafka"]["ok"] is False


def test_calls_are_counted_by_route_not_by_path(edge: Edge) -> None:
    with edge.client(ME) as client:
        for _ in range(3):
            client.get(f"/api/v1/tasks/{new_id()}")
        client.get("/nowhere")
        text = client.get("/metrics").text
    assert 'storyreel_http_requests_total{method="GET",route="/api/v1/tasks/{task_id}",status="404"} 3.0' in text
    assert 'route="unmatched",status="404"' in text


def test_rows_that_are_not_what_the_log_says_are_counted(edge: Edge) -> None:
    with edge.client(ME) as client:
        assert "storyreel_projection_drift_rows 0.0" in client.get("/metrics").text
        edge.model.drifted = ["tasks/1", "tasks/2"]
        assert "storyreel_projection_drift_rows 2.0" in client.get("/metrics").text
