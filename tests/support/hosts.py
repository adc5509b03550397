"""A vsd to test against: one of its own on this machine below a prefix, or one on a real host of the lab.

Both run programs the same way: run(*argv) returns a CompletedProcess with bytes; vsctl(*words) is the same
for vsctl; ok(*words) also insists on exit code 0 and returns stdout as text.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("VSD_BUILD", f"{TOP}/build/native")

sys.path.append(f"{TOP}/lab")
from labkit import config, deployment, remote, report, state, target  # noqa: E402, F401


class Vsd:
    """What both kinds have in common."""

    def run(self, *argv, stdin=None, timeout=120):
        raise NotImplementedError

    def vsctl(self, *words, stdin=None, timeout=120):
        return self.run("vsctl", *words, stdin=stdin, timeout=timeout)

    def ok(self, *words, **options):
        done = self.vsctl(*words, **options)
        if done.returncode != 0:
            raise AssertionError(f"vsctl {' '.join(words)}: exit {done.returncode}: "
                                 f"{(done.stderr + done.stdout).decode(errors='replace')}")
        return done.stdout.decode(errors="replace")

    def json(self, *words, **options):
        return json.loads(self.ok("--format", "json", *words, **options))["items"]

    def show(self, name):
        return self.json("show", name)[0]

    def state(self, name):
        found = [c for c in self.json("list") if c["definition"]["name"] == name]
        return found[0]["state"] if found else None

    def wait_state(self, name, wanted, seconds=30):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            state = self.state(name)
            if state == wanted:
                return
            time.sleep(0.1)
        raise AssertionError(f"context '{name}' is {state}, not {wanted}, after {seconds} s")

    def differences(self):
        """But for cgroups: those of other tests on this machine are seen too."""
        done = self.vsctl("--format", "json", "reconcile")
        found = [item["difference"] for item in json.loads(done.stdout)["items"]]
        return [text for text in found if not text.startswith("the cgroup of")]

    def settled(self):
        deadline = time.monotonic() + 60
        while self.json("operation", "list") and time.monotonic() < deadline:
            time.sleep(0.05)


class LocalVsd(Vsd):
    """A daemon of its own on this machine, with its files below a prefix."""

    def __init__(self):
        self.prefix = tempfile.mkdtemp(prefix="vsd-test-")
        self.libexec = f"{self.prefix}/libexec"
        self.kill_at = f"{self.prefix}/kill-at"
        os.makedirs(self.libexec)
        os.symlink(f"{BUILD}/vsd/guest/vsd-guest", f"{self.libexec}/vsd-guest")
        os.symlink(f"{BUILD}/vsd/unpack/vsd-unpack", f"{self.libexec}/vsd-unpack")
        os.makedirs(f"{self.prefix}/etc/vsd")
        os.makedirs(f"{self.prefix}/usr/share/vsd")
        os.symlink(f"{TOP}/templates", f"{self.prefix}/usr/share/vsd/templates")
        self.socket = f"{self.prefix}/run/vsd/vsd.sock"
        self.process = None
        self.log = open(f"{self.prefix}/log", "ab")

    def start(self, wait=True):
        environment = dict(os.environ, VSD_KILL_AT=self.kill_at)
        self.process = subprocess.Popen([f"{BUILD}/vsd/vsd", "--prefix", self.prefix, "--libexec", self.libexec],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=environment)
        deadline = time.monotonic() + 20
        while wait and self.vsctl("info").returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("vsd does not come up: " + self.log_text()[-2000:])
            time.sleep(0.02)

    def die_at(self, point):
        """The daemon will kill itself when it comes to this "VERB/STEP"."""
        with open(self.kill_at, "w") as file:
            file.write(point + "\n")

    def died(self, seconds=30):
        try:
            return self.process.wait(seconds) == -signal.SIGKILL
        except subprocess.TimeoutExpired:
            return False

    def revive(self):
        self.start()

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        if self.process:
            self.process.wait()

    def restart(self, **options):
        self.kill()
        self.start(**options)

    def log_text(self):
        with open(f"{self.prefix}/log", errors="replace") as log:
            return log.read()

    def run(self, *argv, stdin=None, timeout=120):
        argv = list(argv)
        if argv[0] == "vsctl":
            argv[0] = f"{BUILD}/vsctl/vsctl"
        environment = dict(os.environ, VSD_SOCKET=self.socket)
        return subprocess.run(argv, input=stdin if stdin is not None else b"", capture_output=True, timeout=timeout,
                              env=environment)

    def close(self):
        """Removes every context, then the daemon and its files."""
        if self.process and self.process.poll() is not None:
            self.start()
        for context in self.json("list"):
            self.vsctl("remove", "--kill", "-y", context["definition"]["name"])
        self.kill()
        self.log.close()
        shutil.rmtree(self.prefix)


class LabVsd(Vsd):
    """The installed vsd of a host of the lab."""

    prefix = ""
    KILL_AT = deployment.KILL_AT

    def __init__(self, host="h1"):
        self.host = host

    def push(self, source, target):
        subprocess.run([f"{TOP}/lab/lab", "push", self.host, source, target], check=True)

    def need_busybox(self):
        """The template 'busybox' on this host; gives the path there of the archive it is made from."""
        archive = "/root/busybox.tar"
        with tempfile.TemporaryDirectory() as scratch:
            busybox_archive(f"{scratch}/busybox.tar")
            self.push(f"{scratch}/busybox.tar", archive)
        if self.vsctl("template", "show", "busybox").returncode != 0:
            self.ok("template", "import", "busybox", archive, "--init", "command", "--", *SLEEPER)
        return archive

    def shell(self, text):
        done = self.run("sh", "-ec", text)
        if done.returncode != 0:
            raise AssertionError(f"{self.host}: {text}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode(errors="replace")

    def die_at(self, point):
        """The daemon will kill itself when it comes to this "VERB/STEP"; systemd starts it again. At the end of the test: spare()."""
        self.doomed = self.shell(f"echo '{point}' >{self.KILL_AT}; systemctl show -P MainPID vsd.service").strip()

    def died(self, seconds=60):
        there = f"test -e {self.KILL_AT} || test -e /proc/{self.doomed}"
        return self.run("sh", "-c", f"for i in $(seq {10 * seconds}); do {there} || exit 0; sleep 0.1; done; exit 1").returncode == 0

    def revive(self):
        """systemd does it."""

    def spare(self):
        self.shell(f"rm -f {self.KILL_AT}")

    def run(self, *argv, stdin=None, timeout=600):
        """As `lab run` does it, without another interpreter each time."""
        try:
            state.ask(config.lab_name(), "reach", host=self.host)
        except report.LabError as error:
            return subprocess.CompletedProcess(argv, 1, b"", f"lab: {error}\n".encode())
        return subprocess.run(remote.command(state.folder(config.lab_name()), self.host, argv), input=stdin if stdin is not None else b"",
                              capture_output=True, timeout=timeout)


def busybox_archive(path, extra=None):
    """A small root file system as tar: Debian's static busybox with its applets and nothing else."""
    with tempfile.TemporaryDirectory() as tree:
        for folder in ("bin", "dev", "proc", "sys", "run", "etc", "tmp", "root"):
            os.mkdir(f"{tree}/{folder}")
        os.chmod(tree, 0o755)
        shutil.copy("/bin/busybox", f"{tree}/bin/busybox")
        os.chmod(f"{tree}/tmp", 0o1777)
        for applet in subprocess.check_output(["/bin/busybox", "--list"], text=True).split():
            if applet != "busybox":
                os.symlink("busybox", f"{tree}/bin/{applet}")
        with open(f"{tree}/etc/passwd", "w") as passwd:
            passwd.write("root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/tmp:/bin/sh\n")
        with open(f"{tree}/etc/group", "w") as group:
            group.write("root:x:0:\ndaemon:x:1:\n")
        if extra:
            extra(tree)
        subprocess.check_call(["tar", "-C", tree, "--numeric-owner", "--owner=0", "--group=0", "-cf", path, "."])


SLEEPER = ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1000 & wait; done"]
