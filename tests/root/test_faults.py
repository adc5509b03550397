"""The daemon on this machine's own kernel: killed, faulty and badly asked."""
import os
import pathlib
import signal
import socket
import subprocess
import time
import unittest

from support.daemon import DaemonTest
from support.hosts import BUILD, SLEEPER, LocalVsd
from support.kills import CREATE, MoreKillSteps


class Kills(MoreKillSteps, DaemonTest):
    pass


class Faults(DaemonTest):
    def test_contexts_run_on_over_kills_of_the_daemon(self):
        self.context("a")
        before = self.initStart("a")
        for _ in range(5):
            self.vsd.restart()
            self.assertEqual(self.vsd.state("a"), "running")
        self.assertEqual(self.initStart("a"), before)
        self.assertEqual(self.vsd.ok("exec", "a", "--", "echo", "well"), "well\n")

    def test_a_context_that_ended_while_the_daemon_was_away_is_cleaned_up(self):
        self.context("a")
        pid, _ = self.initStart("a")
        self.vsd.kill()
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.5)
        self.vsd.start()
        self.vsd.wait_state("a", "failed")
        self.assertEqual(self.vsd.differences(), [])

    def test_a_lost_monitor_takes_its_context_with_it(self):
        self.context("a")
        text = pathlib.Path(f"{self.vsd.prefix}/run/vsd/contexts/a/running").read_text()
        record = dict(line.split("=", 1) for line in text.split("\n") if "=" in line)
        os.kill(int(record["guest"]), signal.SIGKILL)
        self.vsd.wait_state("a", "failed")
        self.vsd.ok("start", "a")

    def test_the_operation_goes_on_when_its_client_goes(self):
        process = subprocess.Popen([f"{BUILD}/vsctl/vsctl", "--socket", self.vsd.socket, *CREATE],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not self.vsd.json("operation", "list") and self.vsd.state("a") is None and time.monotonic() < deadline:
            time.sleep(0.005)
        process.kill()
        process.wait()
        self.vsd.settled()
        self.assertEqual(self.vsd.state("a"), "stopped")

    def test_a_full_disk_stops_a_create_without_remains(self):
        other = LocalVsd()
        try:
            os.makedirs(f"{other.prefix}/var/lib/vsd")
            subprocess.check_call(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", f"{other.prefix}/var/lib/vsd"])
            other.start()
            other.ok("template", "import", "busybox", self.archive, "--init", "command", "--", *SLEEPER)
            for number in range(5):
                done = other.vsctl("create", f"c{number}", "--template", "busybox")
                if done.returncode != 0:
                    break
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"space", done.stderr)
            volumes = os.listdir(f"{other.prefix}/var/lib/vsd/volumes")
            self.assertEqual(sorted(volumes), [c["definition"]["name"] for c in other.json("list")])
        finally:
            for context in other.json("list"):
                other.vsctl("remove", "-y", context["definition"]["name"])
            other.kill()
            subprocess.call(["umount", f"{other.prefix}/var/lib/vsd"])
            other.log.close()
            subprocess.call(["rm", "-rf", other.prefix])


class BadInput(DaemonTest):
    def refused(self, code, text, *words):
        done = self.vsd.vsctl(*words)
        self.assertEqual(done.returncode, code, (words, done.stderr))
        self.assertIn(text, done.stderr.decode())
        self.assertEqual(self.vsd.json("list"), self.before)

    def test_each_is_refused_by_name_and_changes_nothing(self):
        self.vsd.ok(*CREATE)
        self.before = self.vsd.json("list")
        busybox = ("--template", "busybox")
        self.refused(2, "'Web_1'", "create", "Web_1", *busybox)
        self.refused(2, "not usable", "create", "x" * 42, *busybox)
        self.refused(2, "not usable", "create", "../etc", *busybox)
        self.refused(4, "'a' exists", "create", "a", *busybox)
        self.refused(3, "'none'", "create", "b", "--template", "none")
        self.refused(2, "'10.0.0.300'", "create", "b", *busybox, "--dns", "10.0.0.300")
        self.refused(2, "unknown unit", "create", "b", *busybox, "--memory", "5X")
        self.refused(2, "too small", "create", "b", *busybox, "--memory", "1")
        self.refused(2, "pids", "create", "b", *busybox, "--pids", "1")
        self.refused(2, "'-x'", "create", "b", *busybox, "--hostname=-x")
        self.refused(1, "enforces none", "create", "b", *busybox, "--size", "1G")
        self.refused(1, "has no snapshots", "create", "b", *busybox, "--disk", "undoable")
        self.refused(2, "choose from ask, keep, discard", "create", "b", *busybox, "--at-stop", "never")
        self.refused(1, "has no snapshots", "set", "a", "--disk", "undoable")
        self.refused(1, "not started with an undoable disk", "undo", "a", "keep")
        self.refused(2, "neither keep nor discard", "undo", "a", "maybe")
        self.refused(1, "it lies there already", "storage", "move", "a", "--to", "dir")
        self.refused(3, "no storage 'slow'", "storage", "move", "a", "--to", "slow")
        self.refused(2, "--to", "storage", "move", "a")
        self.refused(3, "'b'", "start", "b")
        self.refused(1, "is stopped", "stop", "a")
        self.refused(1, "is stopped", "freeze", "a")
        self.refused(4, "'a' exists", "clone", "a", "a")
        self.refused(3, "77777", "operation", "show", "77777")

    def test_a_damaged_template_is_told(self):
        self.vsd.ok("template", "import", "broken", self.archive, "--init", "command", "--", *SLEEPER)
        path = f"{self.vsd.prefix}/var/lib/vsd/templates/broken/template.json"
        pathlib.Path(path).write_text("{ not json")
        done = self.vsd.vsctl("create", "b", "--template", "broken")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"'broken'", done.stderr)
        self.assertIsNone(self.vsd.state("b"))
        subprocess.check_call(["rm", "-rf", os.path.dirname(path)])

    def test_a_damaged_store_is_refused_and_can_be_rebuilt(self):
        self.context("a")
        pid, _ = self.initStart("a")
        self.vsd.kill()
        store = f"{self.vsd.prefix}/var/lib/vsd/vsd.db"
        for suffix in ("-wal", "-shm"):
            if os.path.exists(store + suffix):
                os.unlink(store + suffix)
        pathlib.Path(store).write_bytes(b"damaged" * 5000)
        mark = len(self.vsd.log_text())
        self.vsd.start(wait=False)
        self.assertEqual(self.vsd.process.wait(20), 1)
        self.assertIn("vsd --rebuild", self.vsd.log_text()[mark:])
        os.rename(store, store + ".damaged")
        subprocess.check_call([f"{BUILD}/vsd/vsd", "--prefix", self.vsd.prefix, "--libexec", self.vsd.libexec, "--rebuild"],
                              stdout=subprocess.DEVNULL)
        self.vsd.start()
        self.assertEqual((self.vsd.state("a"), self.vsd.show("a")["pid"]), ("running", pid))

    def test_configuration_errors_are_all_listed(self):
        path = f"{self.vsd.prefix}/etc/vsd/vsd.toml"
        pathlib.Path(path).write_text("[daemon]\ngroup = 5\n[defaults]\ncolour = \"red\"\n")
        try:
            done = subprocess.run([f"{BUILD}/vsd/vsd", "--prefix", self.vsd.prefix, "--check-config"], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"{path}:2:9: 'group' must be a text in quotes", done.stderr)
            self.assertIn(f"{path}:4:10: there is no setting 'colour' in [defaults]", done.stderr)
        finally:
            os.unlink(path)

    def test_garbage_on_the_socket_hurts_nobody_else(self):
        sockets = []
        for i in range(50):
            s = socket.socket(socket.AF_UNIX)
            s.connect(self.vsd.socket)
            s.sendall(b"\xff\xfe{garbage" if i % 2 else b'{"method":"io.vsd.List"')
            sockets.append(s)
        self.vsd.ok("list")
        for s in sockets:
            s.close()


if __name__ == "__main__":
    unittest.main()
