"""The daemon on this machine's own kernel: programs executed in a context, its console and log."""
import os
import pty
import select
import signal
import subprocess
import time
import unittest

from support.daemon import DaemonTest
from support.hosts import BUILD


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


class Console(DaemonTest):
    ECHO = ("/bin/sh", "-c", "echo up; while read line; do echo \"<$line>\"; done; exec sleep 1000")

    def vsctl_on_terminal(self, *words):
        """vsctl as a child with a terminal of its own; gives its process and the terminal's other side."""
        ours, its = pty.openpty()
        process = subprocess.Popen([f"{BUILD}/vsctl/vsctl", "--socket", self.vsd.socket, *words], stdin=its, stdout=its, stderr=its,
                                   start_new_session=True)
        os.close(its)
        self.addCleanup(os.close, ours)
        return process, ours

    def read_until(self, fd, wanted, seconds=10):
        text = b""
        deadline = time.monotonic() + seconds
        while wanted not in text:
            self.assertTrue(select.select([fd], [], [], max(0, deadline - time.monotonic()))[0], text)
            text += os.read(fd, 4096)
        return text

    def test_the_console_takes_input_and_is_left_with_a_key(self):
        self.vsd.ok("create", "a", "--template", "busybox", "--start", "--", *self.ECHO)
        process, terminal = self.vsctl_on_terminal("console", "--detach-key", "ctrl-a", "a")
        self.read_until(terminal, b"ctrl-a leaves it")
        os.write(terminal, b"typed\r")
        self.read_until(terminal, b"<typed>")
        os.write(terminal, b"\x01")
        self.assertEqual(process.wait(10), 0)
        self.assertEqual(self.vsd.state("a"), "running")
        self.assertIn("<typed>", self.vsd.ok("log", "a"))

    def test_the_console_ends_with_its_context(self):
        self.vsd.ok("create", "a", "--template", "busybox", "--start", "--", *self.ECHO)
        process, terminal = self.vsctl_on_terminal("console", "a")
        os.write(terminal, b"typed\r")
        self.read_until(terminal, b"<typed>")
        self.vsd.ok("stop", "--kill", "a")
        self.assertEqual(process.wait(10), 0)

    def test_a_followed_log_tells_what_comes(self):
        self.vsd.ok("create", "a", "--template", "busybox", "--start", "--", *self.ECHO)
        process = subprocess.Popen([f"{BUILD}/vsctl/vsctl", "--socket", self.vsd.socket, "log", "-f", "a"], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.read_until(process.stdout.fileno(), b"up")
        for number in range(3):
            self.vsd.ok("exec", "a", "--", "sh", "-c", f"echo line {number} >/dev/console")
            self.read_until(process.stdout.fileno(), f"line {number}".encode())
        process.terminate()
        process.wait(10)
        process.stdout.close()


if __name__ == "__main__":
    unittest.main()
