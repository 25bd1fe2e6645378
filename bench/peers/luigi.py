"""Luigi: the central scheduler `luigid`, and a `luigi` command for what is triggered."""

import json
import time
from contextlib import contextmanager
from urllib.parse import quote

from bench.peers.contract import HOSTED, Peer, PeerError, Processes, as_json, ask, free_port, until

SETTINGS = """[core]
no_configure_logging=true
[worker]
wait_interval=0.01
wait_jitter=0.0
[scheduler]
prune_on_get_work=false
remove_delay=36000
"""


@contextmanager
def opened(place, workloads):
    home, port = place.directory, free_port()
    (home / "luigi.cfg").write_text(SETTINGS)
    (home / "output").mkdir()
    processes = Processes(home / "log", LUIGI_CONFIG_PATH=f"{home}/luigi.cfg", PYTHONPATH=str(HOSTED),
                          BENCH_OUTPUT=f"{home}/output")  # fmt: skip
    url, turns = f"http://127.0.0.1:{port}", iter(range(1_000_000))

    def done(turn):
        asked = {"status": "DONE", "upstream_status": "", "limit": False, "max_shown_tasks": 1_000_000}
        tasks = ask(f"{url}/api/task_list?data={quote(json.dumps(asked))}")["response"].values()
        return [task for task in tasks if task["params"].get("turn") == turn and task["name"] == "Node"]

    def run(workload):
        turn = f"t{next(turns)}"
        processes.environment["BENCH_WORKLOAD"] = as_json(workload)
        begin = time.time()
        processes.check(place.bin / "luigi", "--module", "in_luigi", "Runs", "--turn", turn, "--scheduler-url", url,
                        "--workers", 4 if workload.runs > 1 else 1)  # fmt: skip
        ended = done(turn)
        if len(ended) != workload.tasks:
            raise PeerError(f"{len(ended)} of {workload.tasks} tasks ended well")
        return max(task["last_updated"] for task in ended) - begin

    try:
        processes.start(place.bin / "luigid", "--port", port, "--address", "127.0.0.1", "--state-path", home / "state",
                        "--logdir", home)  # fmt: skip
        until(lambda: done(""), 60, "luigid answers")
        yield run, processes
    finally:
        processes.stop()


PEER = Peer(
    "luigi", ("luigi",), "none: luigid's memory and the output files",
    "a function in the luigi command's process (one run), or in a fork of it (several runs, 4 workers)", 20, opened,
)  # fmt: skip
