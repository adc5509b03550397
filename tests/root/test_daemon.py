"""The daemon on this machine's own kernel: life of a context, exec, faults and bad input."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from support.hosts import BUILD, SLEEPER, LocalVsd, busybox_archive
from support.kills import CREATE, KillSteps


class DaemonTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vsd = LocalVsd()
        cls.vsd.start()
        cls.archive = f"{cls.vsd.prefix}/busybox.tar"
        busybox_archive(cls.archive)
        cls.vsd.ok("template", "import", "busybox", cls.archive, "--init", "command", "--", *SLEEPER)

    @classmethod
    def tearDownClass(cls):
        cls.vsd.close()

    def setUp(self):
        if self.vsd.process.poll() is not None:
            self.vsd.start()

    def tearDown(self):
        for context in self.vsd.json("list"):
            self.vsd.vsctl("remove", "--kill", "-y", context["definition"]["name"])

    def context(self, name, *flags):
        self.vsd.ok("create", name, "--template", "busybox", "--start", *flags)

    def initStart(self, name):
        pid = self.vsd.show(name)["pid"]
        return pid, pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]


class Life(DaemonTest):
    def test_create_start_stop_remove(self):
        self.vsd.ok("create", "a", "--template", "busybox")
        self.assertEqual(self.vsd.state("a"), "stopped")
        self.vsd.ok("start", "a")
        self.assertEqual(self.vsd.state("a"), "running")
        self.vsd.ok("stop", "a")
        self.assertEqual(self.vsd.state("a"), "stopped")
        self.vsd.ok("remove", "-y", "a")
        self.assertIsNone(self.vsd.state("a"))
        self.assertEqual(os.listdir(f"{self.vsd.prefix}/var/lib/vsd/volumes"), [])

    def test_dry_run_changes_nothing_and_shows_the_plan(self):
        self.assertIn("make the volume 'a'", self.vsd.ok("-n", "create", "a", "--template", "busybox"))
        self.assertIsNone(self.vsd.state("a"))
        self.vsd.ok("create", "a", "--template", "busybox")
        for verb in (["start"], ["remove", "-y"], ["set", "--tag", "x"], ["rename"], ["clone"]):
            words = ["-n", *verb, "a"] + (["b"] if verb[0] in ("rename", "clone") else [])
            self.assertTrue(self.vsd.ok(*words).strip(), words)
        self.assertEqual(self.vsd.state("a"), "stopped")
        self.assertIsNone(self.vsd.state("b"))

    def test_freeze_stops_every_task_and_thaw_lets_them_go_on(self):
        self.context("a")
        self.vsd.ok("freeze", "a")
        self.assertEqual(self.vsd.state("a"), "frozen")
        done = self.vsd.vsctl("exec", "a", "--", "true")
        self.assertEqual(done.returncode, 125)
        self.assertIn(b"vsctl thaw a", done.stderr)
        self.vsd.ok("thaw", "a")
        self.assertEqual(self.vsd.vsctl("exec", "a", "--", "true").returncode, 0)

    def test_stop_kills_what_does_not_listen(self):
        self.vsd.ok("create", "a", "--template", "busybox", "--start", "--", "/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done")
        began = time.monotonic()
        self.vsd.ok("stop", "a", "--stop-timeout", "1s")
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(self.vsd.state("a"), "stopped")

    def test_rename_and_clone_keep_the_data_and_split_the_identity(self):
        self.context("a")
        self.vsd.ok("exec", "a", "--", "sh", "-c", "echo data >/root/file")
        self.vsd.ok("stop", "a")
        uuid = self.vsd.show("a")["definition"]["uuid"]
        self.vsd.ok("rename", "a", "b")
        self.vsd.ok("clone", "b", "c")
        self.vsd.ok("start", "b", "c")
        for name in ("b", "c"):
            self.assertEqual(self.vsd.ok("exec", name, "--", "cat", "/root/file"), "data\n")
            self.assertEqual(self.vsd.ok("exec", name, "--", "hostname"), f"{name}\n")
        b, c = self.vsd.show("b")["definition"], self.vsd.show("c")["definition"]
        self.assertEqual(b["uuid"], uuid)
        self.assertNotEqual(c["uuid"], uuid)
        self.assertNotEqual(b["idBase"], c["idBase"])

    def test_restart_policy_brings_back_what_failed(self):
        self.vsd.ok("create", "a", "--template", "busybox", "--restart", "onFailure", "--start")
        pid, _ = self.initStart("a")
        self.vsd.run("kill", "-9", str(pid))
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            shown = self.vsd.show("a")
            if shown["state"] == "running" and shown["pid"] != pid:
                return
            time.sleep(0.1)
        self.fail(f"not back: {shown}")

    def test_an_end_by_itself_is_told_and_cleaned_up(self):
        self.vsd.ok("create", "a", "--template", "busybox", "--start", "--", "/bin/sh", "-c", "sleep 0.5; exit 7")
        self.vsd.wait_state("a", "failed")
        self.assertEqual(self.vsd.show("a")["ended"], "exited 7")
        self.assertEqual(os.listdir(f"{self.vsd.prefix}/run/vsd/contexts"), [])

    def test_console_output_is_logged(self):
        self.vsd.ok("create", "a", "--template", "busybox", "--start", "--", "/bin/sh", "-c", "echo hello from inside; sleep 1000")
        deadline = time.monotonic() + 10
        while "hello from inside" not in self.vsd.ok("log", "a") and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertIn("hello from inside", self.vsd.ok("log", "a"))

    def test_a_limit_without_its_controller_is_refused_by_name(self):
        controllers = pathlib.Path("/sys/fs/cgroup/cgroup.controllers")
        if controllers.exists() and controllers.read_text().strip():
            self.skipTest("this machine's cgroup v2 has controllers")
        done = self.vsd.vsctl("create", "a", "--template", "busybox", "--memory", "64M")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"controller 'memory'", done.stderr)
        self.assertIsNone(self.vsd.state("a"))


class Exec(DaemonTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.vsd.ok("create", "x", "--template", "busybox", "--start")

    def tearDown(self):
        pass

    def run_in(self, *words, **options):
        return self.vsd.vsctl("exec", *words, **options)

    def test_exit_codes_are_the_programs_own(self):
        for code in (0, 1, 42, 255):
            self.assertEqual(self.run_in("x", "--", "sh", "-c", f"exit {code}").returncode, code)
        self.assertEqual(self.run_in("x", "--", "sh", "-c", "kill -9 $$").returncode, 137)
        self.assertEqual(self.run_in("x", "--", "no-such-program").returncode, 127)
        self.assertEqual(self.run_in("x", "--", "/etc/passwd").returncode, 126)
        self.assertEqual(self.run_in("nobody-there", "--", "true").returncode, 125)

    def test_pipes_are_binary_clean(self):
        data = os.urandom(3 << 20)
        done = self.run_in("x", "--", "cat", stdin=data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout == data)

    def test_stdout_and_stderr_stay_apart(self):
        done = self.run_in("x", "--", "sh", "-c", "echo out; echo err >&2")
        self.assertEqual((done.stdout, done.stderr), (b"out\n", b"err\n"))

    def test_user_environment_and_directory(self):
        done = self.run_in("--user", "daemon", "--env", "A=b c", "--cwd", "/etc", "x", "--", "sh", "-c", 'echo "$(id -u):$A:$(pwd)"')
        self.assertEqual(done.stdout, b"1:b c:/etc\n", done.stderr)

    def test_impossible_users_and_environments_are_refused(self):
        for user in ("4294967295", "4294967296", "-1", "0x0", "1:", "nobody-here", "../root"):
            done = self.run_in(f"--user={user}", "x", "--", "id")
            self.assertEqual(done.returncode, 125, (user, done.stdout, done.stderr))
        for entry in ("A=1\nB=2", "=x", "novalue"):
            self.assertNotEqual(self.run_in("--env", entry, "x", "--", "env").returncode, 0, entry)

    def test_only_stdio_reaches_the_inside(self):
        listed = self.run_in("x", "--", "ls", "/proc/self/fd").stdout.split()
        self.assertEqual([fd for fd in listed if fd not in (b"0", b"1", b"2", b"3")], [])  # 3: ls's own directory

    def test_a_terminal_is_a_terminal_of_the_context(self):
        done = subprocess.run(["script", "-qec", f"{BUILD}/vsctl/vsctl --socket {self.vsd.socket} exec -t x -- sh -c 'tty; test -t 0 && echo yes'", "/dev/null"],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
        self.assertIn(b"/dev/pts/", done.stdout)
        self.assertIn(b"yes", done.stdout)

    def test_signals_are_passed_on(self):
        process = subprocess.Popen([f"{BUILD}/vsctl/vsctl", "--socket", self.vsd.socket, "exec", "x", "--", "sh", "-c",
                                    "trap 'echo got it; exit 9' USR1; echo ready; while :; do sleep 0.1; done"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(process.stdout.read(), b"got it\n")
        self.assertEqual(process.wait(20), 9)

    def test_sessions_outlive_the_daemon(self):
        process = subprocess.Popen([f"{BUILD}/vsctl/vsctl", "--socket", self.vsd.socket, "exec", "x", "--", "sh", "-c",
                                    "echo ready; read line; echo \"$line\"; exit 5"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        self.vsd.restart()
        out, _ = process.communicate(b"still here\n", timeout=20)
        self.assertEqual((out, process.returncode), (b"still here\n", 5))


class Kills(KillSteps, DaemonTest):
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
