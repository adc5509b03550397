"""The daemon on this machine's own kernel: the life of a context."""
import os
import pathlib
import time
import unittest

from support.daemon import DaemonTest


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


if __name__ == "__main__":
    unittest.main()
