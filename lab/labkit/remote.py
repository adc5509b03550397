"""ssh to the hosts. The keeper holds one connection to each host open; commands go through it.

A login costs a second or more under emulation, a command over an open connection a tenth of that.
Commands need no network namespace: they reach the open connection by its socket in the state folder.
"""
import shlex
import subprocess
import time

from labkit import config, keys
from labkit.report import LabError

# Cheap in software; nobody listens inside the lab's own namespace.
_OPTIONS = (
    "BatchMode=yes", "IdentitiesOnly=yes", "UserKnownHostsFile=/dev/null", "StrictHostKeyChecking=no", "LogLevel=ERROR",
    "PreferredAuthentications=publickey", "KexAlgorithms=curve25519-sha256", "HostKeyAlgorithms=ssh-ed25519",
    "Ciphers=aes128-gcm@openssh.com,aes128-ctr", "AddressFamily=inet", "ConnectTimeout=15",
    "ServerAliveInterval=5", "ServerAliveCountMax=6",
)


def socket_path(state, host):
    return state / f"{host}.ssh"


def _base(state, host):
    argv = ["ssh", "-F", "/dev/null", "-S", str(socket_path(state, host))]
    for option in _OPTIONS:
        argv += ["-o", option]
    return argv


def command(state, host, argv, terminal=False):
    """The ssh command that runs exactly argv on the host, over the open connection or not at all."""
    words = [*_base(state, host), "-o", "ProxyCommand=/bin/false"]
    if terminal:
        words.append("-tt")
    return [*words, f"root@{host}", "--", shlex.join(argv)]


class Connection:
    """The open connection to one host, and its renewal when the host starts again."""

    def __init__(self, state, index):
        self._host = f"h{index}"
        self._state = state
        self._argv = [*_base(state, self._host), "-i", str(keys.ssh_key()), "-N", "-M", f"root@{config.control_address(index)}"]
        self._process = None

    def open(self, deadline, alive):
        """Tries until the connection stands. alive() says whether trying on makes sense."""
        while time.monotonic() < deadline and alive():
            if self._attempt(deadline, alive):
                return
            time.sleep(0.2)
        raise LabError(f"host '{self._host}' cannot be reached by ssh")

    def _attempt(self, deadline, alive):
        self.close()
        socket_path(self._state, self._host).unlink(missing_ok=True)
        self._process = subprocess.Popen(self._argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while self._process.poll() is None and time.monotonic() < deadline and alive():
            if socket_path(self._state, self._host).exists():
                return True
            time.sleep(0.05)
        return False

    def stands(self):
        return self._process is not None and self._process.poll() is None

    def close(self):
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def run(self, argv, what, timeout=120):
        """Runs argv on the host and gives its output."""
        try:
            done = subprocess.run(command(self._state, self._host, argv), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise LabError(f"cannot {what} on host '{self._host}': no answer in {timeout} s") from None
        if done.returncode:
            raise LabError(f"cannot {what} on host '{self._host}': {(done.stderr or done.stdout).strip()}")
        return done.stdout
