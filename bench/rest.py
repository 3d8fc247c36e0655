"""A mix of REST requests on one core, and a bare aiohttp handler with a response of usual size.

python -m bench.rest [--runs 3] [--secs 5] [--connections 32]

Of ten requests four list the caller's rooms, three read messages, two read the caller's account, one sends a
message. The generator is `wrk` (Debian's package of that name), on the other core with PostgreSQL.
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import textwrap
from contextlib import ExitStack
from pathlib import Path

from bench.environment import BenchEnvironment, RunningServers, free_port

USERS, ROOMS = 50, 10
BASELINE_SERVER = """
import sys
import uvloop
from aiohttp import web

body = b'{"data":[' + b"0," * 700 + b"0]}"
app = web.Application()
app.router.add_route("*", "/{tail:.*}", lambda _: respond())

async def respond():
    return web.Response(body=body, content_type="application/json")

web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None,
            loop=uvloop.new_event_loop())
"""
# Lua for wrk. A `client_id` consists of the thread's id and a count, so that each message is new.
WRK_SCRIPT = """
local users = { %s }
local n, thread = 0, 0
function setup(t) t:set("id", thread); thread = thread + 1 end
function request()
  n = n + 1
  local user = users[n %% #users + 1]
  local headers = { ["Authorization"] = "Bearer " .. user[1], ["Content-Type"] = "application/json" }
  local turn = n %% 10
  if turn < 4 then return wrk.format("GET", "/api/v1/rooms", headers) end
  if turn < 7 then return wrk.format("GET", "/api/v1/rooms/" .. user[2] .. "/messages?limit=5", headers) end
  if turn < 9 then return wrk.format("GET", "/api/v1/auth/me", headers) end
  local body = string.format('{"client_id":"%%08x-%s-4000-8000-%%012x","body":"hello"}', id, n)
  return wrk.format("POST", "/api/v1/rooms/" .. user[2] .. "/messages", headers, body)
end
function done(summary, latency, requests)
  local e = summary.errors
  print(string.format("RESULT %%f %%f %%f %%d", summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, e.status + e.read + e.timeout + e.connect))
end
"""


def _run_wrk(env: BenchEnvironment, port: int, script: Path, options: argparse.Namespace) -> list[float]:
    """Run wrk. Returns requests/s, p50 and p95 in ms, and errors."""
    command = ["taskset", "-c", str(env.load_core), "wrk", "-t1", f"-c{options.connections}"]
    command += [f"-d{options.secs}s", "-s", str(script), f"http://127.0.0.1:{port}"]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    match = re.search(r"RESULT (\S+) (\S+) (\S+) (\d+)", output)
    if match is None:
        sys.exit(f"Unexpected output of wrk: {output}")
    return [float(part) for part in match.groups()]


def _write_script(folder: Path, servers: RunningServers, turn: int) -> Path:
    assert servers.connections_path is not None
    lines = [line.split("\t") for line in servers.connections_path.read_text().splitlines()]
    connections = ", ".join(
        "{ " + json.dumps(token) + ", " + json.dumps(room) + " }" for token, room in lines
    )
    script = folder / f"mix{turn}.lua"
    script.write_text(WRK_SCRIPT % (connections, f"{turn:04x}"))
    return script


def main() -> None:
    """Run both in turn and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--secs", type=int, default=5)
    parser.add_argument("--connections", type=int, default=32)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is needed: apt-get install wrk.")
    rows: dict[str, list[list[float]]] = {"hubbub": [], "bare aiohttp": []}
    with tempfile.TemporaryDirectory(prefix="hubbub-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        env = stack.enter_context(BenchEnvironment(folder, folder, 0, 1))
        servers = stack.enter_context(env.run_hubbub(USERS, ROOMS, 1, {}))
        baseline_path = folder / "baseline.py"
        baseline_path.write_text(textwrap.dedent(BASELINE_SERVER))
        port = free_port()
        stack.enter_context(env.run_process([sys.executable, str(baseline_path), str(port)], port))
        for turn in range(options.runs):
            script = _write_script(folder, servers, turn)
            rows["hubbub"].append(_run_wrk(env, servers.ports[0], script, options))
            rows["bare aiohttp"].append(_run_wrk(env, port, script, options))
    print("| | requests/s | p50 | p95 | errors |\n| --- | ---: | ---: | ---: | ---: |")
    for server, runs in rows.items():
        per_s, p50, p95, errors = (statistics.median(column) for column in zip(*runs, strict=True))
        print(f"| {server} | {per_s:.0f} | {p50:.1f} ms | {p95:.1f} ms | {errors:.0f} |")


if __name__ == "__main__":
    main()
