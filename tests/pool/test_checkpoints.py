"""Checkpoints: memory and data of a running context together, gone back to more than once, and kills at every step."""
import unittest

from pool.test_suspend import COUNTER, Counting
from support.on_disk import OnDisk

CREATE = ("create", "a", "--template", "busybox", "--storage", "fast", *COUNTER)
START = ("start", "a")
KILL = ("stop", "--kill", "a")
TAKE = ("checkpoint", "create", "a", "--name", "p")
GO_BACK = ("checkpoint", "restore", "-y", "a", "p")
DROP = ("checkpoint", "remove", "-y", "a", "p")


class Checkpoints(OnDisk, Counting, unittest.TestCase):
    SNAPSHOTS = True
    CREATE = CREATE

    def test_it_goes_back_as_often_as_one_likes(self):
        self.begin()
        init = self.init("a")
        self.vsd.ok("exec", "a", "--", "sh", "-c", "echo then >/root/data")
        before = self.count()
        self.assertIn("take the snapshot 'p'", self.vsd.ok("-n", *TAKE))
        self.vsd.ok(*TAKE)
        self.assertEqual(self.init("a"), init)
        after = self.count()
        self.count_reaches(after + 20)
        self.vsd.ok("exec", "a", "--", "sh", "-c", "echo now >/root/data")
        listed = self.vsd.json("checkpoint", "list", "a")
        self.assertEqual([(c["name"], c["troubles"]) for c in listed], [("p", [])])
        self.assertGreater(listed[0]["memory"], 100_000)
        self.assertEqual([s["name"] for s in self.vsd.json("snapshot", "list", "a")], ["p"])
        for words, said in ((TAKE, b"has a checkpoint 'p' already"), (GO_BACK, b"it is running"),
                            (("snapshot", "remove", "-y", "a", "p"), b"belongs to its checkpoint"),
                            (("checkpoint", "show", "a", "q"), b"has no checkpoint 'q'")):
            refused = self.vsd.vsctl(*words)
            self.assertNotEqual(refused.returncode, 0, words)
            self.assertIn(said, refused.stderr)
        for end in (KILL, ("suspend", "a")):
            self.vsd.ok(*end)
            self.vsd.ok(*GO_BACK)
            now = self.count()
            self.assertGreaterEqual(now, before)
            self.assertLess(now, after + 20)
            self.assertEqual(self.vsd.ok("exec", "a", "--", "cat", "/root/data"), "then\n")
            self.count_reaches(now + 20)
        self.vsd.ok(*DROP)
        self.assertEqual(self.census()["checkpoints"], [])
        self.assertEqual(self.vsd.json("snapshot", "list", "a"), [])

    def test_it_follows_its_context(self):
        self.begin()
        self.vsd.ok(*TAKE)
        self.vsd.ok(*KILL)
        self.vsd.ok("rename", "a", "b")
        self.assertEqual([c["troubles"] for c in self.vsd.json("checkpoint", "list", "b")], [[]])
        self.vsd.ok("checkpoint", "restore", "-y", "b", "p")
        self.assertEqual(self.vsd.state("b"), "running")
        self.vsd.ok("remove", "--kill", "-y", "b")
        self.assertEqual(self.census()["checkpoints"], [])

    def test_what_has_no_snapshots_has_no_checkpoints(self):
        self.prepare([("create", "a", "--template", "busybox", *COUNTER), START])
        refused = self.vsd.vsctl(*TAKE)
        self.assertIn(b"has no snapshots", refused.stderr)
        self.assertEqual(self.vsd.state("a"), "running")

    def test_kill_at_each_step(self):
        self.drive("checkpoint create", [CREATE, START], TAKE)
        # The others are those of a start and of a resume.
        steps = ["put its volume back", "put its memory in place", "look at its memory", "restore its processes", "let it go on", "drop what it was resumed from"]
        self.drive("checkpoint restore", [CREATE, START, TAKE, KILL], GO_BACK, only=steps)
        self.drive("checkpoint remove", [CREATE, START, TAKE, KILL], DROP)
