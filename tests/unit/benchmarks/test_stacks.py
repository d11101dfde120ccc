"""What a profile says costs most, and its picture."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from tests.benchmarks.stacks import Stacks, flame_graph, folded, shares, summary

LINES = [
    'process 7:"python -m api";main (api/__main__.py:3);decide (/x/lib/python3.11/site-packages/p/a.py:10) 30',
    'process 7:"python -m api";main (api/__main__.py:5);decide (/x/lib/python3.11/site-packages/p/a.py:11) 30',
    "main (api/__main__.py:3);encode (b.py:1) 40",
    "run (asyncio/base_events.py:1);EpollSelector.select (selectors.py:1) 900",
]


def test_waiting_is_no_work_and_lines_of_a_function_are_one() -> None:
    stacks = folded(LINES)
    assert stacks == {
        ("main (api/__main__.py)", "decide (p/a.py)"): 60,
        ("main (api/__main__.py)", "encode (b.py)"): 40,
    }


def test_shares_tell_own_time_from_that_of_the_called() -> None:
    own, within = shares(folded(LINES))
    assert own == {"decide (p/a.py)": 60.0, "encode (b.py)": 40.0}
    assert within["main (api/__main__.py)"] == 100.0


def test_a_function_that_calls_itself_counts_once() -> None:
    _, within = shares({("f", "f", "f"): 5, ("g",): 5})
    assert within["f"] == 50.0


def test_the_summary_begins_with_the_most_and_leaves_out_what_calls_everything() -> None:
    lines = summary(folded(LINES)).splitlines()
    assert lines[2] == "| 60.0 % | `decide (p/a.py)` | 60.0 % | `decide (p/a.py)` |"
    assert lines[3] == "| 40.0 % | `encode (b.py)` | 40.0 % | `encode (b.py)` |"
    assert not lines[4:]


def test_a_flame_graph_is_an_svg_with_a_box_for_each_function_wide_enough_to_see() -> None:
    stacks: Stacks = {("main", "often <&>"): 9_999, ("main", "rare"): 1}
    svg = ET.fromstring(flame_graph(stacks, "api"))
    titles = [title.text for title in svg.iter("{http://www.w3.org/2000/svg}title")]
    assert titles == ["main 100.0 %", "often <&> 100.0 %"]


def test_nothing_sampled_is_an_empty_picture() -> None:
    assert ET.fromstring(flame_graph({}, "api")).tag.endswith("svg")
