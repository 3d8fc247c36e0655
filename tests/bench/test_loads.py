"""Where clients connect, and what CPU time counts for a run."""

import subprocess
import sys
import time
from collections import Counter, defaultdict

import pytest

from bench import cpu, loads
from bench.cpu import CpuMeter
from bench.crowd import OrderCheck, chat_figures
from bench.scenarios import SCENARIOS


def ports_by_room(scenario, ports):
    """The instances of the members and of the publishers of each room."""
    clients, rooms, publishers = (
        int(scenario.load[scenario.load.index(name) + 1]) for name in ("-n", "--rooms", "--pubs")
    )
    listed = loads.spread_ports(ports)
    members, senders = defaultdict(list), defaultdict(list)
    for number in range(clients):
        members[number % rooms].append(listed[number % len(listed)])
        if number >= clients - publishers:
            senders[number % rooms].append(listed[number % len(listed)])
    return members, senders


def test_the_members_of_each_room_are_on_both_instances_and_each_room_has_a_publisher():
    members, senders = ports_by_room(SCENARIOS["P4"], [1, 2])

    assert {frozenset(Counter(ports).values()) for ports in members.values()} == {frozenset({2, 3})}
    assert {len(ports) for ports in senders.values()} == {1}
    assert len(senders) == len(members) == 200
    assert Counter(port for ports in members.values() for port in ports) == {1: 504, 2: 496}
    assert Counter(port for ports in senders.values() for port in ports) == {1: 104, 2: 96}


def test_the_publishers_of_one_room_are_on_both_instances():
    members, senders = ports_by_room(SCENARIOS["P3"], [1, 2])

    assert min(Counter(members[0]).values()) >= 200
    assert len(senders[0]) == 4


def test_one_instance_has_all_clients():
    assert loads.spread_ports([7]) == [7]


def test_cpu_time_is_interpolated_between_samples():
    times, values = [1.0, 2.0, 4.0], [0.0, 1.0, 2.0]

    assert cpu.interpolate(times, values, 1.5) == 0.5
    assert cpu.interpolate(times, values, 3.0) == 1.5
    assert cpu.interpolate(times, values, 0.0) == 0.0
    assert cpu.interpolate(times, values, 9.0) == 2.0


BURN = "import time\nwhile time.process_time() < 0.3: pass\n"
IN_CHILD = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN!r}], check=True)\n"
FINISH = "print(flush=True)\ninput()"


@pytest.mark.parametrize("code", [BURN, IN_CHILD], ids=["own", "of an ended child"])
def test_the_cpu_time_of_a_process_includes_its_children(code):
    command = [sys.executable, "-c", code + FINISH]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        with CpuMeter({"server": [process.pid], "other": []}) as meter:
            process.stdout.readline()
            used_s = cpu.tree_cpu_s(process.pid)
            end = time.monotonic()
        process.stdin.close()

    assert 0.29 <= used_s < 5
    assert meter.used_s("server", 0.0, end + 1) == pytest.approx(used_s, abs=0.1)
    assert meter.used_s("other", 0.0, end) == 0


def test_the_order_of_messages_is_checked():
    check = OrderCheck()
    for seq in (5, 6, 8, 7, 9, 9, 12):
        check.add(seq)

    assert (check.missing, check.reordered, check.duplicated) == (3, 1, 1)


def test_latencies_count_by_the_time_at_which_a_message_was_scheduled():
    deliveries = [(second / 10, 0.5 if 40 <= second < 60 else 0.001) for second in range(100)]

    row = chat_figures({"deliveries": deliveries, "counts": {"missing": 2}}, 0.0, 4.0, 6.0)

    assert (row["p99_ms"], row["quiet_p99_ms"], row["deliveries_during"]) == (500.0, 1.0, 20)
    assert row["missing"] == 2
