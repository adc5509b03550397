"""suspend and resume on a real Debian 13 host: what they refuse, what they keep, and kills at every step and in between."""
import subprocess
import time
import unittest

from support.hosts import TOP, LabVsd
from support.kills import Killing

# An init of its own that counts: it never goes back, and stands still while nothing of it runs.
COUNTER = ("--init", "sysv", "--", "/bin/sh", "-c", "n=0; while :; do n=$((n+1)); echo $n >/root/n.new; mv /root/n.new /root/n; sleep 0.1; done")
CREATE = ("create", "a", "--template", "busybox", *COUNTER)
START = ("start", "a")
SUSPEND = ("suspend", "a")
RESUME = ("resume", "a")


class Counting(Killing):
    vsd = LabVsd("h2")
    CREATE = CREATE

    @classmethod
    def setUpClass(cls):
        cls.vsd.need_busybox()

    def setUp(self):
        self.clear()

    def tearDown(self):
        self.vsd.spare()
        self.clear()

    def begin(self):
        self.prepare([self.CREATE, START])
        self.count_reaches(3)

    def count(self):
        return int(self.vsd.ok("exec", "a", "--", "cat", "/root/n"))

    def count_reaches(self, wanted):
        deadline = time.monotonic() + 30
        while self.vsd.vsctl("exec", "a", "--", "sh", "-c", f"test $(cat /root/n) -ge {wanted}").returncode != 0:
            self.assertLess(time.monotonic(), deadline, "it does not go on")
            time.sleep(0.2)


class Suspend(Counting, unittest.TestCase):
    def test_it_goes_on_where_it_was(self):
        self.begin()
        init = self.init("a")
        before = self.count()
        self.vsd.ok(*SUSPEND)
        shown = self.vsd.show("a")
        self.assertEqual((shown["state"], shown.get("pid")), ("suspended", None))
        self.assertEqual(self.census()["scopes"], [])
        self.vsd.ok(*RESUME)
        self.assertNotEqual(self.init("a"), init)
        self.count_reaches(before + 3)
        self.assertEqual(self.vsd.show("a")["state"], "running")
        self.assertIn("\n", self.vsd.ok("exec", "a", "--", "ps"))
        self.assertEqual(self.census()["memories"], [])
        self.vsd.ok("stop", "--kill", "a")

    def test_what_is_not_possible_is_refused_and_changes_nothing(self):
        self.begin()
        self.assertIn(b"cannot resume context 'a': it is running", self.vsd.vsctl(*RESUME).stderr)
        session = subprocess.Popen([f"{TOP}/lab/lab", "run", self.vsd.host, "vsctl", "exec", "a", "--", "sleep", "30"])
        try:
            deadline = time.monotonic() + 20
            while b"sleep 30" not in self.vsd.vsctl("exec", "a", "--", "ps").stdout:
                self.assertLess(time.monotonic(), deadline)
            refused = self.vsd.vsctl(*SUSPEND)
            self.assertNotEqual(refused.returncode, 0)
            self.assertRegex(refused.stderr.decode(), r"sleep \(process \d+\): it was started from outside")
        finally:
            self.vsd.vsctl("exec", "a", "--", "killall", "sleep")
            session.wait()
        self.vsd.ok(*SUSPEND)
        for words, said in (((*SUSPEND,), b"cannot suspend context 'a': it is suspended"), (("start", "a"), b"suspended"),
                            (("rename", "a", "b"), b"suspended"), (("exec", "a", "--", "true"), b"suspended"),
                            (("remove", "-y", "a"), b"suspended")):
            refused = self.vsd.vsctl(*words)
            self.assertNotEqual(refused.returncode, 0, words)
            self.assertIn(said, refused.stderr, words)
        self.assertEqual(self.vsd.state("a"), "suspended")
        self.vsd.ok("stop", "a")
        self.assertEqual((self.vsd.state("a"), self.census()["memories"]), ("stopped", []))
        self.vsd.ok("create", "b", "--template", "busybox", "--start")
        self.assertIn(b"context 'b': it runs a single command", self.vsd.vsctl("suspend", "b").stderr)

    def test_a_damaged_memory_is_refused_and_stays(self):
        self.begin()
        self.vsd.ok(*SUSPEND)
        place = "/var/lib/vsd/memories/a"
        for damage, said in ((f"printf x | dd of={place}/core-1.img bs=1 seek=40 conv=notrunc 2>/dev/null", "'core-1.img' of the memory image is damaged"),
                             (f"truncate -s -1 {place}/pages-1.img", "'pages-1.img' of the memory image has"),
                             (f"rm {place}/pstree.img", "'pstree.img' of the memory image is missing"),
                             (f"rm {place}/pstree.img; ln -s /etc/shadow {place}/pstree.img", "pstree.img"),
                             (f"cp {place}/core-1.img {place}/core-99.img", "'core-99.img' does not belong to the memory image"),
                             (f"sed -i 's/\"kernel\": \"[^\"]*/\"kernel\": \"5.0/' {place}/manifest.json", "was saved on Linux 5.0, this host runs"),
                             (f"sed -i 's/\"fpu\"/\"avx999\"/' {place}/manifest.json", "the processor has no avx999"),
                             (f"sed -i 's/\"vendor\": \"[^\"]*/\"vendor\": \"Other/' {place}/manifest.json", "not Other")):
            with self.subTest(damage=damage):
                self.vsd.shell(f"rm -rf /root/kept; cp -a {place} /root/kept; {damage}")
                refused = self.vsd.vsctl(*RESUME)
                self.assertNotEqual(refused.returncode, 0)
                self.assertIn(said, refused.stderr.decode())
                self.assertEqual((self.vsd.state("a"), self.census()["scopes"]), ("suspended", []))
                self.vsd.shell(f"rm -rf {place}; mv /root/kept {place}")
        self.vsd.ok(*RESUME)
        self.count_reaches(self.count() + 3)

    def test_no_room_for_its_memory_lets_it_run_on(self):
        self.begin()
        self.vsd.shell("mkdir -p /var/lib/vsd/memories; mount -t tmpfs -o size=100k,mode=0700 tmpfs /var/lib/vsd/memories")
        try:
            refused = self.vsd.vsctl(*SUSPEND)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("there is no room for its memory image", refused.stderr.decode())
            self.assertEqual(self.vsd.state("a"), "running")
            self.count_reaches(self.count() + 3)
        finally:
            self.vsd.shell("umount /var/lib/vsd/memories")


class SuspendKills(Counting, unittest.TestCase):
    MOMENTS = (0.05, 0.4, 0.8, 1.2, 1.6, 2.0)  # seconds after the verb has begun

    def test_kill_at_each_step(self):
        self.drive("suspend", [CREATE, START], SUSPEND)
        self.drive("resume", [CREATE, START, SUSPEND], RESUME)

    def test_kill_while_criu_is_at_work(self):
        """It runs on or is suspended, never both, and never begins anew."""
        self.begin()
        empty = self.census()
        for moment in self.MOMENTS:
            for verb in (SUSPEND, RESUME):
                with self.subTest(moment=moment, verb=verb[0]):
                    before = self.count() if verb == SUSPEND else 0
                    killer = subprocess.Popen([f"{TOP}/lab/lab", "run", self.vsd.host, "sh", "-c",
                                               f"sleep {moment}; systemctl kill -s KILL vsd.service"])
                    self.vsd.vsctl(*verb)
                    killer.wait()
                    self.vsd.settled()
                    self.assertIn(self.vsd.state("a"), ("running", "suspended"))
                    self.assertEqual(self.vsd.differences(), [])
                    if self.vsd.state("a") == "suspended":
                        self.assertEqual(self.census()["scopes"], [])
                        self.vsd.ok(*RESUME)
                    self.count_reaches(before + 3)
                    self.assertEqual(self.census()["memories"], [])
                    if verb == SUSPEND:
                        self.vsd.ok(*SUSPEND)
        self.assertEqual(self.census()["scopes"], empty["scopes"])
