"""Ask for a picture, follow it, fetch it: STORYREEL_API and STORYREEL_KEY in the environment, a prompt as argument."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import httpx

ENDS = {"task.completed", "task.failed", "task.cancelled", "task.expired"}


def generate(api: httpx.Client, path: str, body: dict[str, Any], key: str) -> Any:
    """POST under a key of our own until there is an answer: nothing is made or charged twice."""
    while (answer := api.post(path, json=body, headers={"Idempotency-Key": key})).status_code == 503:
        time.sleep(int(answer.headers.get("Retry-After", "2")))
    if answer.is_error:
        raise SystemExit(f"{answer.status_code} {answer.json()['code']}: {answer.json()['error']}")
    return answer.json()


def follow(api: httpx.Client, task_id: str) -> None:
    """Print what happens until the task ends; a connection that breaks is taken up after the last event seen."""
    last, ended = "", False
    while not ended:
        try:
            with api.stream("GET", f"tasks/{task_id}/stream", headers={"Last-Event-ID": last}) as frames:
                for line in frames.iter_lines():
                    field, _, value = line.partition(": ")
                    if field == "id":
                        last = value
                    elif field == "event" and value != "progress":
                        print(last, value)
                        ended = ended or value in ENDS
        except httpx.TransportError as error:
            print("once more after", repr(error))
            time.sleep(2)


def main(prompt: str) -> None:
    """From a prompt to a file in the current folder."""
    headers = {"Authorization": f"Bearer {os.environ['STORYREEL_KEY']}"}
    with httpx.Client(base_url=os.environ["STORYREEL_API"], headers=headers, timeout=60) as api:
        task = generate(api, "images/generate", {"prompt": prompt, "seed": 7}, f"picture of {prompt}".replace(" ", "-"))
        follow(api, task["task_id"])
        result = api.get(f"tasks/{task['task_id']}").json()["result"]
        if result is None:
            raise SystemExit("the task did not complete")
        target = Path(f"{task['task_id']}.png")
        target.write_bytes(httpx.get(result["url"]).raise_for_status().content)
        print(target, result["width"], result["height"])


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
