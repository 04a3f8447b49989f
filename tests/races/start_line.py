"""Sixteen real processes that do one thing at the same instant, round after round.

They are forked before this process opens any connection: each opens its own database, as web workers do.
"""

from __future__ import annotations

import multiprocessing
import traceback
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier

RUNNERS = 16
WAIT_SECONDS = 50
"""For a runner that died: nobody waits for ever."""

Outcome = str
Act = Callable[[int], Outcome]
"""What a runner does in a round. Gives what came of it; an exception that it lets through is an outcome too."""
SetUp = Callable[[int], Act]
"""Called once in each process with the runner's number: opens what it needs."""

_fork = multiprocessing.get_context("fork")


def race(set_up: SetUp, rounds: int, runners: int = RUNNERS) -> list[list[Outcome]]:
    """The outcomes: one list a round, in the order of the runners."""
    barrier = _fork.Barrier(runners)
    ends = [_fork.Pipe(duplex=False) for _ in range(runners)]
    processes = [
        _fork.Process(target=_run, args=(set_up, number, rounds, barrier, ends[number][1])) for number in range(runners)
    ]
    for process in processes:
        process.start()
    try:
        columns = [_received(receiving) for receiving, _ in ends]
    finally:
        for process in processes:
            process.join(5)
            process.kill()
    return [list(outcomes) for outcomes in zip(*columns, strict=True)]


def counted(outcomes: list[Outcome]) -> dict[Outcome, int]:
    return dict(Counter(outcomes))


def _received(receiving: Connection) -> list[Outcome]:
    if not receiving.poll(WAIT_SECONDS):
        raise TimeoutError("a runner did not finish")
    found: list[Outcome] = receiving.recv()
    return found


def _run(set_up: SetUp, number: int, rounds: int, barrier: Barrier, sending: Connection) -> None:
    try:
        act = set_up(number)
        outcomes = []
        for each in range(rounds):
            barrier.wait(WAIT_SECONDS)
            outcomes.append(_outcome(act, each))
        sending.send(outcomes)
    except BaseException:
        barrier.abort()
        sending.send([traceback.format_exc()] * rounds)


def _outcome(act: Act, number: int) -> Outcome:
    try:
        return act(number)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
