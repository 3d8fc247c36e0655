"""A client that changes instances right after a change gets a correct `ready`, and each entry once (G14)."""

import asyncio
from collections.abc import AsyncIterator
from itertools import cycle
from pathlib import Path
from uuid import uuid4

import pytest

from tests.journeys.conftest import UNLIMITED
from tests.support.live_instance import ApiUser, RemoteInstances
from tests.support.moving_client import CHANGES, MovingClient, make_admin
from tests.support.server_process import ServerProcess, run_together
from tests.support.tcp_proxy import TcpProxy

pytestmark = pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
DELAYS_S = (0.0, 0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 0.6, 0.75, 1.0)
AT_ONCE = 60  # movers: more are late because the machine is busy


@pytest.fixture
async def proxy(redis_url: str) -> AsyncIterator[TcpProxy]:
    async with TcpProxy(redis_url) as made:
        yield made


@pytest.fixture
async def remote_instances(
    database_url: str, proxy: TcpProxy, tmp_path: Path
) -> AsyncIterator[RemoteInstances]:
    """Two instances of one deployment."""
    shared = {"database_url": database_url, "redis_url": proxy.url, "redis_prefix": f"t-{uuid4().hex}"}
    options = {**shared, "default_rooms": "", "bcrypt_rounds": 4, **UNLIMITED}
    async with (
        run_together(ServerProcess(tmp_path, **options), ServerProcess(tmp_path, **options)) as (one, other),
        RemoteInstances(one.url, other.url) as made,
    ):
        yield made
        assert one.error_lines() == other.error_lines() == []


async def moved(
    remote_instances: RemoteInstances,
    owner: ApiUser,
    delays: list[tuple[int, bool, float]],
    proxy: TcpProxy | None,
):
    """Register users, freeze Redis by `proxy`, change something for each and move them. Returns faults."""
    users = [await remote_instances.register(f"mover{uuid4().hex[:12]}") for _ in delays]
    movers = await asyncio.gather(*(MovingClient(remote_instances, owner, user).prepare() for user in users))
    if proxy is not None:
        proxy.freeze()

    async def one(mover: MovingClient, change: int, cursors: bool, delay_s: float) -> list[str]:
        await CHANGES[change](mover)
        faults = await mover.move(delay_s, cursors=cursors)
        return [f"{CHANGES[change].__name__}, {cursors=}, {delay_s} s: {each}" for each in faults]

    found = await asyncio.gather(
        *(one(*each) for each in zip(movers, *zip(*delays, strict=True), strict=True))
    )
    if proxy is not None:
        proxy.thaw()
    await asyncio.gather(*(mover.close() for mover in movers))
    return [fault for faults in found for fault in faults]


@pytest.mark.parametrize(
    "frozen",
    [
        False,
        pytest.param(True, marks=pytest.mark.slow("6 s: clients reconnect while a connection is frozen")),
    ],
)
async def test_a_client_moves_after_each_kind_of_change(
    remote_instances: RemoteInstances, proxy: TcpProxy, database_url: str, frozen: bool
):
    owner = await remote_instances.register("owner")
    await make_admin(database_url, owner)
    delays = cycle((0.0, 0.03, 0.0))
    cases = [(change, cursors, next(delays)) for change in range(len(CHANGES)) for cursors in (False, True)]

    faults = await moved(remote_instances, owner, cases, proxy if frozen else None)

    assert faults == []


@pytest.mark.soak
@pytest.mark.parametrize("frozen", [False, True])
async def test_clients_move_at_random_moments(
    remote_instances: RemoteInstances, proxy: TcpProxy, database_url: str, frozen: bool, figures
):
    owner = await remote_instances.register("owner")
    await make_admin(database_url, owner)
    cases = [
        (change, cursors, delay_s)
        for delay_s in DELAYS_S
        for change in range(len(CHANGES))
        for cursors in (False, True)
    ]

    faults = []
    for start in range(0, len(cases), AT_ONCE):
        faults += await moved(
            remote_instances, owner, cases[start : start + AT_ONCE], proxy if frozen else None
        )

    assert faults == []
    figures(f"{len(cases)} moves, frozen: {frozen}")
