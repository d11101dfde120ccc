"""Benchmarks of the product: `make bench`, or `python -m tests.benchmarks --only accepts,single --runs 3`.

A part is a module here that is named in `tests.benchmarks.registry.PARTS` and has

    async def measure(options: Options) -> list[Figure]

It starts what it needs (a stack of its own), measures `options.runs` times (fewer or smaller when `options.quick`), prints
what helps to follow it with `options.say`, and stops everything. `Figure` and `Options` are in `tests.benchmarks.figures`:
a figure has one value for every run, its median is shown, and limit and baseline judge it:

    Figure(name="growth", unit="MB", runs=[3.1, 2.9], limit=50, better="less")               # value <= 50
    Figure(name="accepts", unit="/s", runs=[500], baseline=[160], limit=3.0, of_baseline=True)  # value / baseline >= 3
    Figure(name="load of the client", unit="%", runs=[40])                                   # shown, not judged

Runs of the product and of a baseline alternate, so that both meet the same neighbours. A part that cannot be measured
here raises `CannotMeasureError` with the reason; the reason is shown instead of figures. The parts run one after another,
each in a process of its own.
"""
