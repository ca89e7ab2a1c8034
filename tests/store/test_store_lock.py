"""One process writes; a second one is told at once who does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from monitor.errors import DatabaseLocked
from monitor.store.lock import WriteLock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLD = """
import sys, time
from pathlib import Path
from monitor.store.lock import WriteLock
with WriteLock(Path(sys.argv[1]), "monitor run"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Yield a process that holds the lock."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_within_a_second_and_told_who_writes(
    path: Path, holder: subprocess.Popen[str]
) -> None:
    """The message names pid, command and start of the first."""
    began = time.monotonic()
    told = rf"desk\.db is being written by process {holder.pid} \(monitor run, since 20.*Z\)"
    with pytest.raises(DatabaseLocked, match=told):
        WriteLock(path, "monitor sync").acquire()
    assert time.monotonic() - began < 1


def test_a_killed_holder_leaves_no_lock(path: Path, holder: subprocess.Popen[str]) -> None:
    """The kernel frees the lock with its process, whatever the file still says."""
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with WriteLock(path, "monitor sync") as lock:
        note = json.loads(lock.path.read_text())
    assert (note["pid"], note["command"]) == (os.getpid(), "monitor sync")


def test_a_link_to_the_database_shares_its_lock(path: Path, tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    """Two names of one file are one database."""
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with pytest.raises(DatabaseLocked, match=str(holder.pid)):
        WriteLock(link, "monitor sync").acquire()


def test_a_holder_that_left_no_name_is_still_a_holder(path: Path) -> None:
    """The lock counts, not the text in its file."""
    with WriteLock(path, "first") as lock:
        lock.path.write_text("")
        with pytest.raises(DatabaseLocked, match="another process that did not leave its name"):
            WriteLock(path, "second").acquire()


def test_a_released_lock_names_nobody(path: Path) -> None:
    """The file stays, empty: removing it would let two processes lock two files."""
    with WriteLock(path, "first") as lock:
        pass
    assert lock.path.read_text() == ""
