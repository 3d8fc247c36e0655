"""A live instance under some attacks at once: the short version of `make attack`, without its time bounds."""

import pytest

from bench.attacks.accounts import SMALL_TEMPLATE
from bench.attacks.figures import KINDS, MAX_MEMORY_GROWTH_MIB, Result, percentile
from bench.attacks.instance import AttackEnvironment
from bench.attacks.measuring import measure
from bench.attacks.table import ATTACKS

SECONDS = 2.0
SOON_S = 2.0  # other tests run on the same cores. `make attack` compares with the quiet value


@pytest.mark.slow("24 s: an instance, honest clients and an attacker in processes of their own")
def test_other_clients_are_served_during_several_attacks(tmp_path, figures):
    with AttackEnvironment("sqlite", tmp_path, size=SMALL_TEMPLATE) as env:
        result: Result = measure(env, ATTACKS["at-once"], 1, SECONDS, 1, quiet=False)

    during = result.under_attack[0]
    p99 = {kind: percentile(during.latencies(kind), 0.99) for kind in KINDS}
    figures(
        f"p99 beside an attacker of {during.attacker['connections']} connections: "
        + ", ".join(f"{kind} {took * 1000:.0f} ms" for kind, took in p99.items())
        + f"; memory {result.peak_mib:+.0f} MiB"
    )
    assert during.attacker["connections"] > 100
    assert result.failures() == {}
    assert {kind: took for kind, took in p99.items() if took > SOON_S} == {}
    assert result.memory_growth_mib <= MAX_MEMORY_GROWTH_MIB
