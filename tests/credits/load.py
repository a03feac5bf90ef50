"""One of several processes that use metering at the same time: started by tests, and told by them when to begin.

``python -m tests.credits.load '{"user_id": 5, "threads": 10, "calls": 50}'`` prints ``ready``, waits for a line
on its standard input, and prints as JSON how often each thing happened.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.command_line import PATIENCE_S, PROJECT

#: Longer than all processes of a test take to begin.
HELD_S = 3.0


@dataclass(frozen=True, slots=True)
class Load:
    """What a process does.

    Attributes:
        does: ``search``: calls that are admitted and settled; ``hang``: one that never ends; ``hold``: calls
            that take ``HELD_S`` seconds, of which only some are let in at a time;
            ``sweep``: refunds of what processes left that died; ``grant``: gives one credit;
            ``key``: makes an API key.
        calls: how many calls there are, over all threads.
        until: go on until this time (seconds since 1970) instead.
        clock_s: seconds that this process's clock is ahead.
        fail_every: of so many searches, one fails and is given back.
        name: of the request, or of the cause of the grant.
    """

    user_id: int | None = None
    tier: str = "free"
    address: str = "203.0.113.1"
    product: str = "whatanime"
    does: str = "search"
    threads: int = 10
    calls: int = 50
    until: float = 0.0
    clock_s: float = 0.0
    fail_every: int = 0
    name: str = ""


class LoadProcess:
    """A process that is ready to begin."""

    def __init__(self, environment: dict[str, str], load: Load) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.credits.load", json.dumps(asdict(load))],
            cwd=PROJECT,
            env={**environment, "DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": str(PROJECT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def begin(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def finish(self) -> Counter[str]:
        output, _ = self.process.communicate(timeout=PATIENCE_S)
        return Counter(json.loads(output))


def run_loads(environment: dict[str, str], loads: Sequence[Load]) -> Counter[str]:
    """Run a process for each load, all from one moment on; returns how often each thing happened in them."""
    processes = [LoadProcess(environment, load) for load in loads]
    try:
        for process in processes:
            assert process.read() == "ready"
        for process in processes:
            process.begin()
        return sum((process.finish() for process in processes), Counter())
    finally:
        for process in processes:
            process.process.kill()
            process.process.wait()


def run_script(environment: dict[str, str], script: str) -> Any:
    """Run Python with the project set up; returns the JSON that it prints."""
    done = subprocess.run(
        [sys.executable, "-c", f"import django, json; django.setup()\n{script}"],
        cwd=PROJECT,
        env={**environment, "DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def seconds_to_midnight() -> float:
    """How long it is until the next day of the real clock begins."""
    moment = datetime.now(UTC)
    midnight = datetime.combine(moment.date() + timedelta(days=1), datetime.min.time(), tzinfo=UTC)
    return (midnight - moment).total_seconds()


def main(load: Load) -> Counter[str]:
    """Carry a load out."""
    _set_clock(load.clock_s)
    import django

    django.setup()
    from django.db import connection

    action = _actions(load)[load.does]
    connection.ensure_connection()
    print("ready", flush=True)
    sys.stdin.readline()
    done: Counter[str] = Counter()
    lock = threading.Lock()

    def work(numbers: range) -> None:
        mine: Counter[str] = Counter()
        if load.until:
            number = 0
            while time.time() < load.until:
                mine[action(number)] += 1
                number += 1
                time.sleep(0.02)
        else:
            for number in numbers:
                mine[action(number)] += 1
        connection.close()
        with lock:
            done.update(mine)

    with ThreadPoolExecutor(load.threads) as pool:
        list(pool.map(work, [range(start, load.calls, load.threads) for start in range(load.threads)]))
    return done


def _set_clock(ahead_s: float) -> None:
    """Set the project's clock, before anything has taken it."""
    from core import clock

    ahead = timedelta(seconds=ahead_s)
    clock.now = lambda: datetime.now(UTC) + ahead


def _actions(load: Load) -> dict[str, Any]:
    from accounts.principal import Principal, PrincipalKind
    from apikeys.services import create_key
    from core.errors import DomainError
    from credits import services
    from credits.idempotency import NamedRequest
    from credits.ledger import grant_credits
    from credits.policies import Product

    principal = Principal.guest(load.address)
    if load.user_id is not None:
        principal = Principal(
            kind=PrincipalKind.USER, user_id=load.user_id, address=load.address, tier=load.tier
        )
    request = NamedRequest.of(load.name or None, b"picture")

    def search(number: int) -> str:
        try:
            with services.admitted(
                principal=principal, product=Product(load.product), request=request
            ) as ticket:
                if ticket.replay is not None:
                    return "replayed"
                if load.fail_every:
                    _fail_if(number % load.fail_every == 0)
                ticket.answer = {"found": os.getpid()}
        except DomainError as error:
            return error.code
        except TimeoutError:
            return "failed"
        return "in"

    def hang(_: int) -> str:
        with services.admitted(principal=principal, product=Product(load.product)):
            print("charged", flush=True)
            time.sleep(PATIENCE_S)
        return "in"

    def hold(_: int) -> str:
        try:
            with services.admitted(
                principal=principal, product=Product(load.product), limit_concurrency=True
            ):
                time.sleep(HELD_S)
        except DomainError as error:
            return error.code
        return "in"

    def sweep(_: int) -> str:
        return "refunded" if services.refund_expired() else "nothing"

    def grant(_: int) -> str:
        entry = grant_credits(
            user_id=principal.account_id, amount=1, reason="a test", actor="command", key=load.name
        )
        return "granted" if entry else "known"

    def key(_: int) -> str:
        try:
            create_key(user_id=principal.account_id, title="a test")
        except DomainError as error:
            return error.code
        return "made"

    return {"search": search, "hang": hang, "hold": hold, "sweep": sweep, "grant": grant, "key": key}


def _fail_if(failed: bool) -> None:
    if failed:
        raise TimeoutError


if __name__ == "__main__":
    print(json.dumps(main(Load(**json.loads(sys.argv[1])))))
