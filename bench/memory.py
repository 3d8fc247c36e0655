"""Memory of an instance: at its start, of a user who sends, and of a user who is idle (P15).

The latter are differences of two runs that differ in nothing else, so that pools and buffers do not count:
all users send, and a tenth of them sends as many messages; sockets of all users, and as many of a tenth.
"""

from bench import loads
from bench.environment import BenchEnvironment, RunningServers
from bench.loads import Generator, Row
from bench.processes import Program
from bench.scenarios import MESSAGE, Scenario

FEW = 10  # the divisor of the users in the second run of each pair
MESSAGES_PER_SENDER = 70.0  # more than the number of `client_id`s that hubbub remembers of each user
MESSAGES_PER_S = 4000.0
IDLE_S = 3.0
FAILURE_COUNTS = ("missing", "duplicated", "reordered", "late", "failed", "disconnected")


def run_memory(
    generator: Generator, scenario: Scenario, env: BenchEnvironment, program: Program | None = None
) -> Row:
    """Measure once, with three servers. Returns MB and kB (1024 bytes), and what was lost in all runs."""
    users, rooms = scenario.users, scenario.rooms
    few = users // FEW
    with env.run_hubbub(users, rooms, 1, scenario.settings, program=program) as servers:
        all_send = _run_sending(generator, servers, users, rooms, users)
    with env.run_hubbub(users, rooms, 1, scenario.settings, program=program) as servers:
        few_send = _run_sending(generator, servers, users, rooms, few)
    with env.run_hubbub(few, rooms // FEW, 1, scenario.settings, program=program) as servers:
        few_users = _run_idle(generator, servers, users)
    rows = (all_send, few_send, few_users)
    return {
        "start_mb": all_send["rss_kb"]["before"] / 1024,
        "kb_per_active_sender": _difference(all_send, few_send, "end") / (users - few),
        "kb_per_idle_user": _difference(all_send, few_users, "connected") / (users - few),
        "kb_per_socket": few_users["rss_per_conn_kb"],
        "sent": all_send["sent"],
        **{name: sum(row.get(name, 0) for row in rows) for name in FAILURE_COUNTS},
    }


def _difference(more: Row, less: Row, moment: str) -> float:
    return float(more["rss_kb"][moment] - less["rss_kb"][moment])


def _run_sending(generator: Generator, servers: RunningServers, users: int, rooms: int, senders: int) -> Row:
    """Send as many messages, whatever the number of senders."""
    seconds = users * MESSAGES_PER_SENDER / MESSAGES_PER_S
    load = ["-n", str(users), "--rooms", str(rooms), "--pubs", str(senders), "--msg", MESSAGE]
    load += ["--mark", '"body":"', "--rate", str(MESSAGES_PER_S), "--warmup", "0", "--secs", str(seconds)]
    return _run(generator, servers, [*load, "--settle", "5", "--drain", "30"])


def _run_idle(generator: Generator, servers: RunningServers, sockets: int) -> Row:
    return _run(generator, servers, ["-n", str(sockets), "--settle", "5", "--idle", str(IDLE_S)])


def _run(generator: Generator, servers: RunningServers, load: list[str]) -> Row:
    arguments = ["--pid", str(servers.pids[0]), *loads.hubbub_arguments(servers), *load]
    return loads.run_generator(generator.command(servers.ports, *arguments))
