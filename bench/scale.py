"""Cost of a delivery as rooms grow, and of a message as the number of rooms grows.

python -m bench.scale [--only sizes,near,far] [--sizes 10,10000] [--rooms 0,100000] [--secs 5]

`sizes`: 10,000 sockets in rooms of 10 to 10,000; the CPU time of a delivery. `near`: 5,000 sockets, whose
users are members of additional rooms (100 each for 100,000 rooms); the CPU time and the latency of 500
messages per second. `far`: the same rooms, with members who are not connected. Server on one core, load
generator and PostgreSQL on the other.
"""

import argparse
import asyncio
import sys
from dataclasses import replace

import asyncpg

from bench import measuring, ratios
from bench.environment import RunningServers
from bench.loads import Row
from bench.measuring import Bench
from bench.scenarios import MESSAGE, SCENARIOS, Scenario

SOCKETS = 10_000
USERS = 5000
DEFAULT_ROOM_SIZES = "10,100,1000,10000"
DELIVERIES_PER_S = 20_000
DEFAULT_EXTRA_ROOMS = "0,10000,100000"
CONNECTS_PER_S = 400
CONNECTS_PER_S_MANY_ROOMS = 150  # `ready` has the 100 rooms of each user
READY_PAUSE_S = 8.0  # until all clients received `ready`
ROOM_MEMBERS = 5

# Private rooms with an empty log; their members are assigned in turn.
_INSERT_ROOMS = """
INSERT INTO rooms
  (id, kind, topic, created_at, last_seq, first_seq, member_count, member_version, last_entry_at)
SELECT gen_random_uuid(), 'private', '', now(), 0, 1, $2, 0, now() FROM generate_series(1, $1)
RETURNING id
"""
_INSERT_MEMBERS = """
INSERT INTO memberships (id, room_id, user_id, role, joined_at, joined_seq, last_read_seq, muted)
SELECT gen_random_uuid(), r.id, ($2::uuid[])[1 + ((r.n * $3 + k) % array_length($2::uuid[], 1))], 'member',
  now(), 0, 0, false
FROM unnest($1::uuid[]) WITH ORDINALITY AS r(id, n), generate_series(0, $3 - 1) AS k
ON CONFLICT DO NOTHING
"""
_INSERT_UNCONNECTED_USERS = """
INSERT INTO users (id, username, email, display_name, role, created_at, updated_at)
SELECT gen_random_uuid(), 'far' || n, 'far' || n || '@example.com', 'Far', 'user', now(), now()
FROM generate_series(1, 1000) AS n RETURNING id
"""


async def _add_rooms(url: str, rooms: int, *, near: bool) -> None:
    connection = await asyncpg.connect(url, command_timeout=300)
    try:
        query = "SELECT id FROM users ORDER BY id" if near else _INSERT_UNCONNECTED_USERS
        user_ids = [row["id"] for row in await connection.fetch(query)]
        room_ids = [row["id"] for row in await connection.fetch(_INSERT_ROOMS, rooms, ROOM_MEMBERS)]
        await connection.execute(_INSERT_MEMBERS, room_ids, user_ids, ROOM_MEMBERS)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


def _run_load(bench: Bench, scenario: Scenario, servers: RunningServers) -> Row:
    row = bench.load(scenario, ratios.HUBBUB, servers)
    if ratios.failures([row]) or not row["latency_ms"]["n"]:
        sys.exit(f"A message was lost, duplicated or out of order: {row}")
    return row


def measure_room_sizes(bench: Bench, room_sizes: list[int]) -> None:
    """Measure the CPU time of a delivery, at a constant number of deliveries per second."""
    print("\n| room of | messages/s | deliveries/s | CPU | µs per delivery | kB per socket |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for size in room_sizes:
        rooms = SOCKETS // size
        load = ("-n", str(SOCKETS), "--rooms", str(rooms), "--pubs", str(min(rooms, 500)))
        load += ("--rate", str(DELIVERIES_PER_S / size), "--connect-rate", str(CONNECTS_PER_S))
        scenario = Scenario(
            "sizes",
            "",
            (),
            (),
            load,
            hubbub_load=("--msg", MESSAGE),
            users=SOCKETS,
            rooms=rooms,
            settle_s=READY_PAUSE_S,
        )
        with bench.start_hubbub(scenario) as servers:
            row = _run_load(bench, scenario, servers)
        cost = row["server_cpu"] * 1e4 / row["deliveries_per_s"]
        print(
            f"| {size:,} | {row['sent_per_s']:.0f} | {row['deliveries_per_s']:.0f} | "
            f"{row['server_cpu']:.0f} % | {cost:.1f} | {row['rss_per_conn_kb']:.1f} |",
            flush=True,
        )


def measure_extra_rooms(bench: Bench, room_counts: list[int], *, near: bool) -> None:
    """Measure 500 messages per second in 200 rooms, with additional rooms in the database."""
    description = "of connected users" if near else "of users who are not connected"
    print(f"\n| rooms {description} | CPU | p50 | p99 |\n| ---: | ---: | ---: | ---: |")
    load = ("-n", str(USERS), "--rooms", str(USERS // ROOM_MEMBERS), "--pubs", "200", "--rate", "500")
    load += ("--connect-rate", str(CONNECTS_PER_S_MANY_ROOMS))
    loaded_rooms = USERS // ROOM_MEMBERS
    scenario = replace(SCENARIOS["P6"], load=load, users=USERS, rooms=loaded_rooms, targets=())
    scenario = replace(scenario, settle_s=READY_PAUSE_S)
    for rooms in room_counts:
        with bench.start_hubbub(scenario) as servers:
            asyncio.run(_add_rooms(servers.database_url, rooms, near=near))
            row = _run_load(bench, scenario, servers)
        latency = row["latency_ms"]
        print(
            f"| {rooms + scenario.rooms:,} | {row['server_cpu']:.0f} % | {latency['p50']:.1f} ms | "
            f"{latency['p99']:.1f} ms |",
            flush=True,
        )


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def main() -> None:
    """Run the selected measurements and print a table for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="sizes,near,far")
    parser.add_argument("--sizes", default=DEFAULT_ROOM_SIZES)
    parser.add_argument("--rooms", default=DEFAULT_EXTRA_ROOMS)
    measuring.add_options(parser)
    options = parser.parse_args()
    with measuring.open_bench(options) as bench:
        for each in options.only.split(","):
            if each == "sizes":
                measure_room_sizes(bench, _numbers(options.sizes))
            elif each in ("near", "far"):
                measure_extra_rooms(bench, _numbers(options.rooms), near=each == "near")
            else:
                sys.exit(f"There is no measurement {each}.")


if __name__ == "__main__":
    main()
