"""Things that take long to make, kept under a hash of everything that they are made from.

    ~/.cache/vsd-lab/KIND/KEY        complete: it came here by rename
    ~/.cache/vsd-lab/KIND/KEY.tmp    being made, by who holds the lock
    ~/.cache/vsd-lab/KIND/KEY.lock   flock: one maker at a time
"""
import fcntl
import hashlib
import pathlib
import shutil

from labkit import config
from labkit.cage import CagedWork
from labkit.report import LabError, say


def key_of(*inputs):
    """A short hash over strings, bytes, files and folders (with names and modes)."""
    digest = hashlib.sha256()

    def add(data):
        digest.update(len(data).to_bytes(8, "little") + data)

    for item in inputs:
        if isinstance(item, pathlib.Path) and item.is_dir():
            for path in sorted(item.rglob("*")):
                if path.is_file():
                    add(str(path.relative_to(item)).encode())
                    add(oct(path.stat().st_mode & 0o111).encode())
                    add(path.read_bytes())
        elif isinstance(item, pathlib.Path):
            add(item.read_bytes())
        else:
            add(item if isinstance(item, bytes) else str(item).encode())
    return digest.hexdigest()[:16]


def locked(path):
    """An open file that holds the lock at path until it is closed. Says so when it has to wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = open(path, "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say(f"waiting for another command that holds '{path}'")
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


class Entry:
    """One thing of the cache, complete or being made in the background. path() waits for it."""

    def __init__(self, kind, key, make, caged=True):
        self._path = config.CACHE / kind / key
        self._work = None
        if self._path.exists():
            return
        self._lock = locked(self._path.with_name(key + ".lock"))
        if self._path.exists():
            self._lock.close()
            return
        self._partial = self._path.with_name(key + ".tmp")
        shutil.rmtree(self._partial, ignore_errors=True)
        self._partial.mkdir(parents=True)
        if caged:
            self._work = CagedWork(lambda: make(self._partial))
        else:
            self._finish(lambda: make(self._partial))

    def path(self):
        if self._work:
            self._finish(self._work.wait)
            self._work = None
        return self._path

    def _finish(self, work):
        with self._lock:
            try:
                work()
            except LabError:
                shutil.rmtree(self._partial, ignore_errors=True)
                raise
            self._partial.rename(self._path)
