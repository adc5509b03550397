"""Copying files and directories to and from hosts, as `cp -a` does: owners by number, modes, links, times.

DST that is a directory, or ends in '/', receives the source under its own name; else DST is the new name.
What stood there under that name is replaced.
"""
import os
import pathlib
import subprocess
import tempfile
import shutil

from labkit import remote
from labkit.report import LabError

# On the host: $1 destination, $2 name of the source, stdin a tar archive with that one entry
_RECEIVE = '''set -eu
case $1 in */) mkdir -p -- "$1"; into=1;; *) if [ -d "$1" ]; then into=1; else into=0; fi;; esac
if [ $into = 1 ]; then target=${1%/}/$2; else target=$1; fi
parent=$(dirname -- "$target"); mkdir -p -- "$parent"
temp=$(mktemp -d -- "$parent/.lab-push.XXXXXX"); trap 'rm -rf -- "$temp"' EXIT
tar -C "$temp" -xpf - --numeric-owner
rm -rf -- "$target"; mv -T -- "$temp/$2" "$target"
'''


def _tar_of(path):
    """tar of one file or directory, under its own name."""
    path = os.path.abspath(path)
    return ["tar", "-C", os.path.dirname(path), "--numeric-owner", "-cf", "-", "--", os.path.basename(path)]


def push(state, host, source, destination):
    if not os.path.lexists(source):
        raise LabError(f"cannot push '{source}': no such file or directory")
    name = os.path.basename(os.path.abspath(source))
    receive = remote.command(state, host, ["sh", "-c", _RECEIVE, "push", destination, name])
    with subprocess.Popen(_tar_of(source), stdout=subprocess.PIPE) as pack:
        done = subprocess.run(receive, stdin=pack.stdout, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        pack.stdout.close()
    if pack.returncode or done.returncode:
        raise LabError(f"cannot push '{source}' to '{destination}' on host '{host}': {done.stderr.strip()}")


def pull(state, host, source, destination):
    source = source.rstrip("/") or "/"
    into = destination.endswith("/") or os.path.isdir(destination)
    target = pathlib.Path(destination) / os.path.basename(source) if into else pathlib.Path(destination)
    target.parent.mkdir(parents=True, exist_ok=True)
    parent, name = os.path.split(source)
    send = remote.command(state, host, ["tar", "-C", parent or ".", "--numeric-owner", "-cf", "-", "--", name])
    with tempfile.TemporaryDirectory(prefix=".lab-pull.", dir=target.parent) as temp:
        with subprocess.Popen(send, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as pack:
            unpack = subprocess.run(["tar", "-C", temp, "-xpf", "-", "--numeric-owner"], stdin=pack.stdout, stderr=subprocess.PIPE, text=True)
            problem = pack.stderr.read().decode(errors="replace").strip()
        if pack.returncode or unpack.returncode:
            raise LabError(f"cannot pull '{source}' from host '{host}': {problem or unpack.stderr.strip()}")
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        os.replace(os.path.join(temp, name), target)
