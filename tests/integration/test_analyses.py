"""Analyses on PostgreSQL, Redis, and separate worker and server processes, with networks of a few nodes."""

from __future__ import annotations

import itertools
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.command_line import wait_until
from tests.core.loopback_web import WebServer, answer
from tests.credits.exactness import Installation
from tests.credits.load import run_script
from tests.deepfake.engine.clips import scene, write_clip
from tests.deepfake.engine.networks import slow_network, write_bundle
from tests.integration.claiming import Claimers
from tests.integration.conftest import Site, installation, redis_behind
from tests.integration.gate import Gate

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]

#: Prints the id and a key of a new user who has five credits.
MAKE_OWNER = """
from accounts.models import Tier, User
from apikeys.services import create_key
from credits.ledger import grant_credits
user = User.objects.create_user({email!r}, "x", tier=Tier.PRO)
grant_credits(user_id=user.pk, amount=5, reason="a test", actor="command")
print(json.dumps([user.pk, create_key(user_id=user.pk, title="tests")[1]]))
"""
_owners = itertools.count(1)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation that analyses, with a model that finds what is bright and one that takes a minute."""
    with installation(tmp_path_factory, "housekeeping", FETCH_ALLOWED_NETWORKS="127.0.0.1/32") as site:
        write_bundle(_models(site) / "bright")
        write_bundle(_models(site) / "slow", {"video.onnx": slow_network(side=6000)})
        _use(site, "bright")
        yield site


@pytest.fixture
def worker(site: Site) -> Iterator[None]:
    """A worker of the queue; another one for each test, which may have ended it."""
    _use(site, "bright")
    site.start_worker("deepfake")
    yield
    if "deepfake" in site.processes:
        site.kill("deepfake")


def _models(site: Site) -> Path:
    return Path(site.environment["DATA_DIR"], "models")


def _use(site: Site, model: str) -> None:
    (_models(site) / "ACTIVE").write_text(model)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", scene(16, level=200, size=(128, 96)))


@dataclass
class Caller:
    """Somebody with an API key, who asks for analyses of one clip."""

    site: Site
    web: httpx.Client
    clip: Path
    user_id: int
    key: str

    def post(self, *, web: httpx.Client | None = None, url: str = "", **headers: str) -> httpx.Response:
        given: dict[str, Any] = (
            {"json": {"url": url}} if url else {"files": {"file": ("clip.mp4", self.clip.read_bytes())}}
        )
        own = {"Authorization": f"Bearer {self.key}", **headers}
        return (web or self.web).post("/api/v1/analyze", headers=own, timeout=90, **given)

    def begin(self) -> str:
        """Ask for an analysis that nobody waits for; returns its id."""
        accepted = self.post(Prefer="respond-async")
        assert accepted.status_code == 202, accepted.text
        return str(accepted.json()["analysis_id"])

    def ask(self, method: str, public_id: str) -> dict[str, Any]:
        response = self.web.request(
            method, f"/api/v1/analysis/{public_id}", headers={"Authorization": f"Bearer {self.key}"}
        )
        assert response.status_code == 200, response.text
        told: dict[str, Any] = response.json()["analysis"]
        return told

    def state(self) -> dict[str, Any]:
        """Credits and admissions; every balance agrees with its ledger."""
        return Installation(self.site.environment).state(self.user_id)

    def paid(self) -> tuple[int, list[list[Any]], list[str]]:
        """The balance, what was taken and given back, and how each admission ended."""
        state = self.state()
        return state["balance"], [each for each in state["ledger"] if each[0] != "grant"], state["statuses"]


@pytest.fixture
def caller(site: Site, web: httpx.Client, clip: Path) -> Caller:
    email = f"owner{next(_owners)}@example.com"
    user_id, key = run_script(site.environment, MAKE_OWNER.format(email=email))
    return Caller(site, web, clip, user_id, key)


def _rows(site: Site, query: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(site.environment["DATABASE_URL"]) as database:
        return database.execute(query, values).fetchall()


def _row(site: Site, public_id: str) -> tuple[str, int, str]:
    """Status, attempts and the worker of an analysis."""
    query = "SELECT status, attempts, worker FROM deepfake_analysis WHERE public_id = %s"
    ((status, attempts, worker),) = _rows(site, query, public_id)
    return status, attempts, worker


def _wait_until_judged(site: Site, public_id: str, attempt: int = 1) -> None:
    """Wait until a worker is in the middle of an attempt."""
    query = (
        "SELECT 1 FROM deepfake_analysis"
        " WHERE public_id = %s AND attempts = %s AND status = 'running' AND stage <> ''"
    )

    def is_judged() -> bool:
        return bool(_rows(site, query, public_id, attempt))

    wait_until(is_judged, f"a worker judges the video {site.log('deepfake')[-2000:]}")


def _let_lease_run_out(site: Site, public_id: str) -> None:
    """As if a minute had passed; what follows from that is for the site's own sweep."""
    query = (
        "UPDATE deepfake_analysis SET leased_until = now() - interval '1 second'"
        " WHERE public_id = %s AND status = 'running' RETURNING 1"
    )
    assert _rows(site, query, public_id) == [(1,)]


def _files(site: Site) -> list[Path]:
    return [path for path in Path(site.environment["DATA_DIR"], "analyses").rglob("*") if path.is_file()]


def test_videos_that_are_sent_and_linked_are_analysed_by_a_worker(
    site: Site, worker: None, caller: Caller
) -> None:
    server = WebServer()
    server.replies["/a.mp4"] = answer(caller.clip.read_bytes(), "Content-Type: video/mp4")
    for response in (caller.post(), caller.post(url=server.url("/a.mp4"))):
        assert response.status_code == 200, response.text + site.log("deepfake")
        told = response.json()
        assert (told["result"], told["model"]["name"]) == ("ai_generated", "Bright")
        assert told["evidence"]["looked_at"] == {"whole": True, "stretches": [{"from_s": 0.0, "to_s": 2.0}]}
        status, attempts, by = _row(site, told["analysis_id"])
        assert (status, attempts) == ("done", 1)
        assert by.endswith(f":{site.processes['deepfake'].pid}")
    server.close()
    assert caller.paid() == (3, [["charge", -1]] * 2, ["settled"] * 2)
    assert _files(site) == []


def test_analysis_of_a_killed_worker_is_done_once_by_the_next(
    site: Site, worker: None, caller: Caller
) -> None:
    _use(site, "slow")
    public_id = caller.begin()
    _wait_until_judged(site, public_id)
    site.kill("deepfake")
    assert _row(site, public_id)[:2] == ("running", 1)
    _use(site, "bright")
    site.start_worker("deepfake")
    _let_lease_run_out(site, public_id)
    wait_until(lambda: _row(site, public_id)[0] == "done", "the next worker has it done")
    assert _row(site, public_id)[1] == 2
    assert caller.ask("GET", public_id)["result"] == "ai_generated"
    assert caller.paid() == (4, [["charge", -1]], ["settled"])
    assert _files(site) == []


def test_analysis_that_kills_every_worker_fails_and_is_refunded_once(
    site: Site, worker: None, caller: Caller
) -> None:
    _use(site, "slow")
    public_id = caller.begin()
    for attempt in (1, 2, 3):
        _wait_until_judged(site, public_id, attempt)
        site.kill("deepfake")
        if attempt < 3:
            site.start_worker("deepfake")
        _let_lease_run_out(site, public_id)
    wait_until(lambda: _row(site, public_id)[0] == "failed", "housekeeping gives it up")
    told = caller.ask("GET", public_id)
    assert (told["result"], told["error"]["code"]) == (None, "INTERNAL_ERROR")
    assert caller.paid() == (5, [["charge", -1], ["refund", 1]], ["refunded"])
    # The sweep comes again and again.
    for _ in range(2):
        run_script(site.environment, "from deepfake.tasks import recover; recover(); print(1)")
    assert caller.paid() == (5, [["charge", -1], ["refund", 1]], ["refunded"])
    assert _files(site) == []


def test_worker_that_is_told_to_stop_gives_its_analysis_back(
    site: Site, worker: None, caller: Caller
) -> None:
    _use(site, "slow")
    public_id = caller.begin()
    _wait_until_judged(site, public_id)
    process = site.processes.pop("deepfake")
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert _row(site, public_id)[:2] == ("queued", 0)
    _use(site, "bright")
    site.start_worker("deepfake")
    wait_until(lambda: _row(site, public_id)[0] == "done", "the next worker has it done")
    assert _row(site, public_id)[1] == 1
    assert caller.paid() == (4, [["charge", -1]], ["settled"])


def test_running_analysis_is_cancelled_and_refunded_and_its_worker_goes_on(
    site: Site, worker: None, caller: Caller
) -> None:
    _use(site, "slow")
    public_id = caller.begin()
    _wait_until_judged(site, public_id)
    assert caller.ask("DELETE", public_id)["status"] == "cancelled"
    assert caller.paid() == (5, [["charge", -1], ["refund", 1]], ["refunded"])
    assert _files(site) == []
    _use(site, "bright")
    before = site.processes["deepfake"].pid
    assert caller.post().status_code == 200, site.log("deepfake")
    assert site.processes["deepfake"].pid == before
    assert _row(site, public_id)[:2] == ("cancelled", 1)
    assert caller.paid() == (4, [["charge", -1]] * 2 + [["refund", 1]], ["refunded", "settled"])


def test_request_that_nobody_answers_in_time_is_refunded(site: Site, caller: Caller) -> None:
    """No worker serves the queue."""
    impatient = site.start_server("impatient", DEEPFAKE_DEADLINE_S="1")
    response = caller.post(web=impatient)
    assert (response.status_code, response.json()["error"]["code"]) == (500, "INTERNAL_ERROR")
    assert caller.paid() == (5, [["charge", -1], ["refund", 1]], ["refunded"])
    assert _files(site) == []


def test_nothing_is_begun_or_charged_while_redis_is_away(
    site: Site, worker: None, caller: Caller, gate: Gate
) -> None:
    web = site.start_server("gated", REDIS_URL=redis_behind(gate, site))
    assert caller.post(web=web).status_code == 200, site.log("deepfake")
    before, analyses = caller.state(), _rows(site, "SELECT count(*) FROM deepfake_analysis")
    gate.shut()
    asks: list[Callable[[], httpx.Response]] = [
        lambda: caller.post(web=web),
        lambda: caller.post(web=web, url="https://videos.example/a.mp4"),
        lambda: caller.post(web=web, Prefer="respond-async"),
    ]
    for ask in asks:
        started = time.monotonic()
        response = ask()
        assert response.status_code == 503, response.text
        assert response.json()["error"]["code"] == "INTERNAL_ERROR"
        assert int(response.headers["Retry-After"]) > 0
        assert time.monotonic() - started < 10
    after = caller.state()
    assert (after["balance"], _files(site)) == (before["balance"], [])
    assert "reserved" not in after["statuses"]
    assert _rows(site, "SELECT count(*) FROM deepfake_analysis") == analyses
    gate.open()
    wait_until(lambda: caller.post(web=web).status_code == 200, "analyses work again", patience_s=20)


def test_of_many_processes_each_analysis_is_claimed_by_one(site: Site) -> None:
    """Claimed on PostgreSQL, where transactions of several processes do run at the same time; no worker runs."""
    script = (
        "import django, sys; django.setup()\n"
        "from deepfake.jobs import claim_analysis\n"
        "from deepfake.models import Analysis\n"
        "Analysis.objects.exists(); print('ready', flush=True); sys.stdin.readline()\n"
        "ids = list(Analysis.objects.filter(title='claim').values_list('pk', flat=True))\n"
        "print(sum(claim_analysis(analysis_id=pk) is not None for pk in ids))\n"
    )
    make = (
        "from core import clock\n"
        "from deepfake.models import Analysis\n"
        "Analysis.objects.bulk_create(Analysis(title='claim', source_type='url', created_at=clock.now(),"
        " source_url='https://videos.example/a.mp4') for _ in range(60))\n"
        "print(1)"
    )
    assert "deepfake" not in site.processes
    run_script(site.environment, make)
    assert Claimers(site, script).claim() == 60
    claimed = _rows(site, "DELETE FROM deepfake_analysis WHERE title = 'claim' RETURNING attempts")
    assert claimed == [(1,)] * 60
