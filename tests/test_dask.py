"""runner=dask: the same bytes as on this machine alone, also when a worker is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from cpdiffusion.cli import main
from cpdiffusion.errors import InputError
from cpdiffusion.runner.carry_out import carry_out
from cpdiffusion.runner.crew import local_crew
from cpdiffusion.runner.shards import Shards
from planted_work import Squares

pytest.importorskip("distributed", reason="the dask extra is not installed")

from cpdiffusion.runner.dask_crew import ClusterAsked, dask_crew

HERE = Path(__file__).parent
MODEL = HERE.parent / "model"


def asked(**changes: object) -> ClusterAsked:
    default = {"address": None, "cluster": "local", "jobs": 1, "cores": 1, "memory": "1GB", "walltime": "1",
               "queue": None, "account": None, "options": [], "wait_seconds": 60.0}  # fmt: skip
    return ClusterAsked(**{**default, **changes})  # type: ignore[arg-type]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Cluster(NamedTuple):
    """A scheduler and workers as processes."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler and two workers of this machine, each a process of its own."""
    address, started = f"tcp://127.0.0.1:{free_port()}", []
    environment = {
        **os.environ,
        "PYTHONPATH": f"{MODEL}{os.pathsep}{HERE}",
        "DASK_DISTRIBUTED__DASHBOARD__LINK": "",
    }

    def start(*words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:]]
        started.append(subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL))
        return started[-1]

    port = address.rpartition(":")[2]
    scheduler = start("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
    workers = [start("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard") for _ in range(2)]
    yield Cluster(address, scheduler, workers)
    for process in started:
        process.kill()
        process.wait()


def merged(shards: Shards) -> bytes:
    path = shards.folder / "all"
    shards.merged_into(path)
    return path.read_bytes()


def test_a_killed_worker_costs_its_chunk_and_no_byte(cluster: Cluster, tmp_path: Path) -> None:
    work = Squares(60, (3, 59), seconds=0.03)
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    carry_out(work, Shards(here), partial(local_crew, workers=1), lambda units: None)
    done: list[int] = []

    def told(units: int) -> None:
        done.append(units)
        if len(done) == 8:
            cluster.workers[0].send_signal(signal.SIGKILL)

    crew = partial(dask_crew, asked=asked(address=cluster.address), local_workers=2)
    carry_out(work, Shards(there), crew, told)
    assert sum(done) == 60
    assert cluster.workers[0].wait(10) == -signal.SIGKILL
    assert merged(Shards(there)) == merged(Shards(here))


def test_a_sweep_on_a_cluster_has_the_bytes_of_one_on_this_machine(cluster: Cluster, tmp_path: Path) -> None:
    address = cluster.address
    words = ["study=sweep", "parameters.firms_per_region=200", "horizon_years=5", "sweep.replicates=5",
             "factors.levers.cohort_size=[5,20]", "sweep.design=grid", "progress=false", "figures=false",
             "sweep.outcomes=[adopters]"]  # fmt: skip
    assert main([*words, "workers=1", f"out={tmp_path}/here"]) == 0
    assert main([*words, "runner=dask", f"dask.address={address}", f"out={tmp_path}/there"]) == 0
    here, there = (tmp_path / where / "runs.parquet" for where in ("here", "there"))
    assert here.read_bytes() == there.read_bytes()


def test_a_cluster_of_this_machine_is_started_and_ended(tmp_path: Path) -> None:
    before = threading.active_count()
    crew = partial(dask_crew, asked=asked(), local_workers=2)
    carry_out(Squares(6), Shards(tmp_path), crew, lambda units: None)
    assert Shards(tmp_path).to_do(6) == []
    deadline = time.monotonic() + 20
    while threading.active_count() > before + 4 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert threading.active_count() <= before + 4


def test_a_scheduler_without_workers_is_one_sentence(tmp_path: Path) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1",
               "--port", address.rpartition(":")[2], "--no-dashboard"]  # fmt: skip
    scheduler = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        with pytest.raises(InputError, match="no worker came within 1 seconds"):
            wait_then_open(address)
    finally:
        scheduler.kill()
        scheduler.wait()


def wait_then_open(address: str) -> None:
    host, port = address.removeprefix("tcp://").split(":")
    for _ in range(200):
        with socket.socket() as attempt:
            if attempt.connect_ex((host, int(port))) == 0:
                break
        time.sleep(0.1)
    with dask_crew(Squares(1), asked(address=address, wait_seconds=1.0), 1):
        pass


def test_a_scheduler_that_goes_away_is_one_sentence_and_what_was_done_stays(
    cluster: Cluster, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"went away|no Dask scheduler|no worker came"):
        carry_out(
            Squares(200, seconds=0.05), Shards(tmp_path),
            partial(dask_crew, asked=asked(address=cluster.address, wait_seconds=5.0), local_workers=2),
            lambda units: cluster.scheduler.kill(),
        )  # fmt: skip
    assert Shards(tmp_path).chunks()
