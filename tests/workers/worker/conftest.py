"""Workers that stop at the end of a test, and limits of a kind of jobs."""

import pytest

from hubbub.schemas.jobs import EraseAccount
from hubbub.services.jobs import kinds
from hubbub.workers import worker as module
from hubbub.workers.worker import Worker
from tests.workers.worker.jobs import ERASE, MAIL


@pytest.fixture
async def start(container, monkeypatch):
    """Starts workers: `start(work)` or `start({EraseAccount: work}, queues)`."""
    started = []

    def begin(handlers, *queues):
        worker = Worker(container, {EraseAccount: handlers} if callable(handlers) else handlers, *queues)
        worker.start()
        started.append(worker)
        return worker

    yield begin
    monkeypatch.setattr(module, "STOP_TIMEOUT_S", 0.1)  # for the jobs that never end
    for worker in started:
        await worker.close()


@pytest.fixture
def limits(monkeypatch):
    """Changes the limits of the kind `account.erase`."""

    def change(**values):
        monkeypatch.setattr(kinds, "KINDS", (MAIL, ERASE._replace(**values)))

    return change
