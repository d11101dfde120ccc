"""Engines of packages from elsewhere, installed beside the platform: listed, asked for, rendered with, named in recipes."""

from __future__ import annotations

from typing import Any

from tests.e2e.conftest import Account

WHY = {
    "no-library": "No module named 'a_library_that_nobody_has'",
    "leaves": "cannot be imported: SystemExit: 3",
    "crashes": "signal SIGABRT",
}


async def test_a_task_is_rendered_by_an_installed_plugin_and_its_recipe_names_the_package(account: Account) -> None:
    body = {"prompt": "dawn", "engine": "gradient", "width": 512, "height": 640, "seed": 3}
    task = await account.finished((await account.accepted("images/generate", body))["task_id"])
    assert task["status"] == "completed", task["error"]
    [stage] = task["stages"]
    assert stage["engine"] == "gradient"
    assert stage["recipe"]["package"] == {"name": "storyreel-gradient", "version": "1.2"}
    other = await account.accepted("images/generate", {"prompt": "dawn", "engine": "sketch", "seed": 3})
    [stage] = (await account.finished(other["task_id"]))["stages"]
    assert stage["recipe"]["package"]["name"] == "storyreel"


async def test_plugins_are_listed_with_what_they_need_and_why_they_cannot_be_used(account: Account) -> None:
    answer = await account.http.get("engines")
    assert answer.status_code == 200, answer.text
    items: dict[str, dict[str, Any]] = {item["name"]: item for item in answer.json()["items"]}
    plugin = items["gradient"]
    assert (plugin["kind"], plugin["installed"], plugin["ready"]) == ("image", True, True)
    assert plugin["needs"] == ["3 bytes of memory a pixel"]
    assert {device["device_id"]: device["package"] for device in plugin["devices"]} == dict.fromkeys(
        ("cpu-0", "cpu-1"), "storyreel-gradient 1.2"
    )
    for name, words in WHY.items():
        assert (items[name]["installed"], items[name]["ready"]) == (True, False)
        assert [words in device["problem"] for device in items[name]["devices"]] == [True, True]
    for item in items.values():
        told = [(device["ready"], device["problem"] != "", device["package"] != "") for device in item["devices"]]
        assert told, item
        assert item["ready"] == any(ready for ready, _, _ in told)
        assert all(ready is not problem for ready, problem, _ in told)
        assert all(package for ready, _, package in told if ready)
    assert items["instantid/sd"]["needs"][-1] == "the model sd"
