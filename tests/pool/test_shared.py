"""Tier `shared` on two hosts and their one LUN: one writer at a time, from host to host, a host's death, a cut path."""
import re
import subprocess
import threading
import time
import unittest

from support.hosts import TOP, config, state, target
from support.kills import Killing
from support.on_lun import HOST_DEAD, LUN, OnLun, at_once

CREATE = ("create", "web", "--template", "busybox", "--storage", "pool1")


def lab(*words):
    subprocess.run([f"{TOP}/lab/lab", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def allow_writes(allow):
    target.allow_writes(state.folder(config.lab_name()), allow)


class Shared(OnLun, unittest.TestCase):
    def test_a_host_that_is_not_ready_is_told_all_it_lacks(self):
        self.assertEqual(self.refused.returncode, 1)
        for said in (b"service wdmd does not run", b"service sanlock", b"service lvmlockd", b"use_lvmlockd = 1", b"host_id = N",
                     b"lvmlockctl_kill_command"):
            self.assertIn(said, self.refused.stderr)
        self.h2.shell("echo 30 >/sys/class/iscsi_session/session1/recovery_tmo")
        try:
            done = self.h2.vsctl("storage", "add", "other", "--tier", "shared", "--vg", "vsd-pool1")
            self.assertIn(b"iSCSI holds writes back for 30 s", done.stderr)
        finally:
            self.h2.shell("echo 15 >/sys/class/iscsi_session/session1/recovery_tmo")
        done = self.h2.vsctl("storage", "add", "other", "--tier", "shared", "--vg", "vsd-pool1")
        self.assertIn(b"is that of storage 'pool1'", done.stderr)
        self.assertIn(b"part of something else", self.h2.vsctl("storage", "add", "other", "--tier", "shared", "--device", LUN).stderr)

    def test_a_context_lives_in_a_pool_of_its_own(self):
        self.h1.ok(*CREATE)
        self.assertEqual(self.volumes(), ["vc-web", "vp-web", "vt-busybox"])
        self.assertEqual(self.in_use(self.h1), [])
        busy = self.h1.vsctl("template", "remove", "-y", "busybox")
        self.assertIn(b"context 'web' lies above it", busy.stderr)
        self.h1.ok("start", "web")
        self.h1.ok("exec", "web", "--", "sh", "-c", "echo first >/root/file; sync")
        self.h1.ok("snapshot", "create", "web", "--name", "early")
        # More than its pool had at first: it grows in time.
        self.h1.ok("exec", "web", "--", "sh", "-c", "echo second >/root/file; dd if=/dev/zero of=/root/big bs=1M count=400; sync")
        self.assertIn("has grown by", self.h1.shell("journalctl -u vsd.service -n 20 --no-pager"))
        self.h1.ok("resize", "web", "--disk", "12G")
        self.assertGreater(int(self.h1.ok("exec", "web", "--", "df", "-k", "/").split("\n")[1].split()[1]), 11 << 20)
        self.h1.ok("stop", "web")
        self.assertEqual(self.in_use(self.h1), [])
        self.h1.ok("snapshot", "restore", "-y", "web", "early")
        self.h1.ok("rename", "web", "www")
        self.assertEqual(self.in_use(self.h1), [])
        self.assertEqual(self.volumes(), ["vc-www", "vc-www.early", "vp-www", "vt-busybox"])
        self.h1.ok("start", "www")
        self.assertEqual(self.h1.ok("exec", "www", "--", "cat", "/root/file"), "first\n")
        found = self.h1.json("storage", "check", "pool1")
        self.assertEqual([f for f in found if f["state"] != "ok"], [])
        self.assertIn(LUN, [f["name"] for f in found])

    def test_a_copy_has_a_pool_of_its_own(self):
        self.h1.ok(*CREATE, "--start")
        self.h1.ok("exec", "web", "--", "sh", "-c", "dd if=/dev/urandom of=/root/data bs=1M count=40; md5sum /root/data >/root/sum; sync")
        self.h1.ok("clone", "web", "copy")
        self.assertEqual(self.volumes(), ["vc-copy", "vc-web", "vp-copy", "vp-web", "vt-busybox"])
        self.h1.ok("exec", "web", "--", "sh", "-c", "echo other >/root/data; sync")
        self.h1.ok("stop", "web")
        # On the other host, as what it is: nothing of the first is needed.
        self.h1.ok("remove", "-y", "web")
        self.h2.ok("take", "copy")
        self.h2.ok("start", "copy")
        self.h2.ok("exec", "copy", "--", "md5sum", "-c", "/root/sum")
        self.assertIn("nothing is wrong", self.h2.vsctl("fsck", "copy").stderr.decode())
        self.h2.ok("stop", "copy")
        self.h2.ok("resize", "copy", "--disk", "1G")
        self.h2.ok("start", "copy")
        self.h2.ok("exec", "copy", "--", "md5sum", "-c", "/root/sum")

    def test_snapshots_and_archives_of_a_context_on_the_lun(self):
        """A schedule, a comparison, an export while it runs; its import lies above no template, is copied, and goes to the other host."""
        inside = ("exec", "web", "--", "sh", "-c")
        self.h1.ok(*CREATE, "--start")
        self.h1.ok(*inside, "dd if=/dev/urandom of=/root/data bs=1M count=20; md5sum /root/data >/root/sum; sync")
        self.h1.ok("snapshot", "schedule", "web", "monthly=1")
        deadline = time.monotonic() + 60
        while not (taken := [s["name"] for s in self.h1.json("snapshot", "list", "web")]):
            self.assertLess(time.monotonic(), deadline, "the schedule took no snapshot")
            time.sleep(0.5)
        self.h1.settled()
        self.assertEqual(self.volumes(), ["vc-web", f"vc-web.{taken[0]}", "vp-web", "vt-busybox"])
        self.h1.ok(*inside, "echo later >/root/later")
        self.assertEqual([d["path"] for d in self.h1.json("snapshot", "diff", "web", taken[0], "--filter", "path=/root/*")], ["/root/later"])
        try:
            self.h1.ok("export", "web", "--file", "/root/web.archive")
            self.assertEqual(self.h1.state("web"), "running")
            self.h1.ok("remove", "--kill", "-y", "web")
            self.h1.ok("import", "/root/web.archive", "--name", "again", "--storage", "pool1")
        finally:
            self.h1.shell("rm -f /root/web.archive")
        self.assertEqual(self.volumes(), ["vc-again", "vp-again", "vt-busybox"])
        self.h1.ok("clone", "again", "copy")
        self.assertEqual(self.in_use(self.h1), [])
        self.h1.ok("remove", "-y", "again")
        self.h2.ok("take", "copy")
        self.h2.ok("start", "copy")
        self.h2.ok("exec", "copy", "--", "sh", "-c", "md5sum -c /root/sum && cat /root/later")

    def test_one_host_at_a_time(self):
        self.h1.ok(*CREATE, "--start")
        taken = self.h2.vsctl("take", "web")
        self.assertEqual(taken.returncode, 5)
        self.assertIn(b"in use on host 'h1'", taken.stderr)
        self.assertIn(b"exists on storage 'pool1' and belongs to host 'h1'", self.h2.vsctl(*CREATE).stderr)
        self.assertIn(b"is running on this host", self.h1.vsctl("take", "web").stderr)
        self.h1.ok("exec", "web", "--", "sh", "-c", "echo h1 >/root/file; sync")
        self.h1.ok("stop", "web")
        self.h2.ok("take", "web")
        refused = self.h1.vsctl("start", "web")
        self.assertEqual(refused.returncode, 5)
        self.assertIn(b"belongs to host 'h2' (epoch 2)", refused.stderr)
        # Both know it, both are told at once: the storage decides.
        for _ in range(3):
            given = at_once(lambda: self.h1.vsctl("take", "web"), lambda: self.h2.vsctl("take", "web"))
            self.assertIn(0, [done.returncode for done in given], [done.stderr for done in given])
            given = at_once(lambda: self.h1.vsctl("start", "web"), lambda: self.h2.vsctl("start", "web"))
            self.assertEqual(sorted(done.returncode for done in given), [0, 5], [done.stderr for done in given])
            runs, other = (self.h1, self.h2) if given[0].returncode == 0 else (self.h2, self.h1)
            self.assertIn(f"host '{runs.host}'".encode(), given[0].stderr + given[1].stderr)
            self.assertEqual(runs.ok("exec", "web", "--", "cat", "/root/file"), "h1\n")
            runs.ok("stop", "web")
        # Whose it is not can only forget it.
        other.ok("remove", "-y", "web")
        runs.ok("start", "web")
        self.assertEqual(runs.ok("exec", "web", "--", "cat", "/root/file"), "h1\n")

    def test_a_volume_goes_over_under_a_frozen_context(self):
        self.h1.ok(*CREATE, "--start")
        writer = self.write(self.h1)
        try:
            time.sleep(2)
            self.h1.ok("freeze", "web")
            self.handover(self.h1, "release")
            self.assertEqual([d for d in self.in_use(self.h1) if d != "vsd.pool1.vc-web"], [])
            tree = re.search(rb"its tree is (\S+)", self.handover(self.h2, "take").stderr)[1].decode()
            # The other host does what it likes, and gives up: the source sees nothing of it.
            self.h2.shell(f"rm {tree}/root/log; echo garbage >{tree}/etc/hostname; sync")
            self.handover(self.h1, "take-back", 5)
            self.handover(self.h2, "give-up")
            self.handover(self.h1, "take-back")
            self.h1.ok("thaw", "web")
            time.sleep(2)
            first = self.numbers(self.h1)
            # And now in earnest.
            self.h1.ok("freeze", "web")
            self.handover(self.h1, "release")
            self.handover(self.h2, "take")
            self.handover(self.h2, "commit")
            self.handover(self.h1, "take-back", 5)
            self.handover(self.h2, "give-up", 1)
            self.handover(self.h2, "finish")
            self.h1.ok("remove", "--kill", "-y", "web")
            self.h2.ok("take", "web")
            self.h2.ok("start", "web")
            said = writer.communicate(timeout=30)[0].split()
            self.assertGreater(first, 1)
            self.assertGreaterEqual(self.numbers(self.h2), max(first, int(said[-1])))
            self.h2.ok("stop", "web")
            self.assertEqual(self.volumes(), ["vc-web", "vp-web", "vt-busybox"])
            self.h2.shell("lvchange -aey -K vsd-pool1/vc-web; e2fsck -fn /dev/vsd-pool1/vc-web; "
                          "lvchange -an vsd-pool1/vc-web vsd-pool1/vp-web")
        finally:
            writer.kill()
            writer.communicate()

    def cut_off(self, host, step, seconds):
        """One step, with vsd killed some time after its beginning."""
        def kill():
            time.sleep(seconds)
            host.shell("systemctl kill -s KILL vsd.service")
        done = at_once(lambda: host.vsctl("storage", "handover", "web", step), kill)[0]
        host.settled()
        return done.returncode == 0

    def test_kill_while_it_goes_over(self):
        """vsd is killed in the middle of each step: the context is on one of the hosts, whole, and can go on."""
        self.h1.ok(*CREATE, "--start")
        self.h1.ok("exec", "web", "--", "sh", "-c", "echo kept >/root/file; sync")
        for steps, seconds in ((["release"], 0.6), (["release", "take"], 0.7), (["release", "take"], 1.8),
                               (["release", "take", "give-up", "take-back"], 1.0)):
            with self.subTest(steps=steps, seconds=seconds):
                self.h1.ok("freeze", "web")
                for step in steps[:-1]:
                    self.handover(self.h2 if step in ("take", "give-up") else self.h1, step)
                self.cut_off(self.h2 if steps[-1] in ("take", "give-up") else self.h1, steps[-1], seconds)
                self.assertEqual(self.h2.vsctl("storage", "handover", "web", "give-up").returncode, 0)
                self.handover(self.h1, "take-back")
                self.h1.ok("thaw", "web")
                self.assertEqual(self.h1.ok("exec", "web", "--", "sh", "-c", "cat /root/file; echo more >/root/more; sync"), "kept\n")
        self.h1.ok("freeze", "web")
        self.handover(self.h1, "release")
        self.handover(self.h2, "take")
        self.cut_off(self.h2, "commit", 0.5)
        if b"epoch 2" not in self.h2.vsctl("-n", "storage", "handover", "web", "finish").stdout:
            self.handover(self.h2, "take")
            self.handover(self.h2, "commit")
        self.cut_off(self.h2, "finish", 0.7)
        self.handover(self.h2, "finish")
        self.h1.ok("remove", "--kill", "-y", "web")
        self.h2.ok("take", "web")
        self.h2.ok("start", "web")
        self.assertEqual(self.h2.ok("exec", "web", "--", "cat", "/root/file", "/root/more"), "kept\nmore\n")
        self.assertEqual(self.volumes(), ["vc-web", "vp-web", "vt-busybox"])

    def test_the_death_of_a_host(self):
        self.h1.ok(*CREATE, "--start")
        writer = self.write(self.h1)
        time.sleep(4)
        lab("crash", "h1")
        died = time.monotonic()
        try:
            self.taken_over(writer, died)
        finally:
            lab("boot", "h1")
        self.assertIn(b"belongs to host 'h2'", self.h1.vsctl("start", "web").stderr)

    def test_a_host_that_loses_the_lun_stops_before_another_begins(self):
        self.h1.ok(*CREATE, "--start")
        writer = self.write(self.h1)
        time.sleep(4)
        lab("cut", "h1", "lun")
        cut = time.monotonic()
        try:
            seconds = self.taken_over(writer, cut)
            log = self.h1.run("sh", "-c", "dmsetup table vsd.pool1.vc-web; journalctl -t vsd-fence -o short-unix --no-pager; date +%s",
                              timeout=60).stdout.decode()
            # Either it has cut itself off, and stands, or the watchdog has reset it.
            if "is cut off" in log:
                said = [float(line.split()[0]) for line in log.split("\n") if "is cut off" in line]
                after = seconds - (time.monotonic() - cut) + float(log.split()[-1]) - said[-1]
                print(f"h1 had cut itself off {after:.0f} s before")
                self.assertGreater(after, 0)
                self.assertNotIn("linear", log.split("\n")[0])
                self.assertEqual(self.h1.state("web"), "failed")
            else:
                uptime = float(self.h1.shell("cat /proc/uptime").split()[0])
                self.assertLess(uptime, time.monotonic() - cut)
                print("the watchdog had reset h1")
        finally:
            lab("heal", "h1", "lun")
            lab("crash", "h1")
            lab("boot", "h1")

    def wait(self, what, condition, seconds):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(1)

    def test_a_lun_that_can_only_be_read(self):
        """What runs is cut off and nothing is lost; when the LUN can be written again, the host comes back without a boot."""
        self.h1.ok(*CREATE, "--start")
        writer = self.write(self.h1)
        time.sleep(4)
        allow_writes(False)
        try:
            refused = self.h1.vsctl("create", "other", "--template", "busybox", "--storage", "pool1")
            self.assertNotEqual(refused.returncode, 0)
            self.assertRegex(refused.stderr, b"cannot create|cannot write|lease|lock")
            self.wait("it is cut off", lambda: self.h1.state("web") == "failed", 2 * HOST_DEAD)
        finally:
            allow_writes(True)
        said = writer.communicate(timeout=60)[0].split()
        self.wait("its leases are there again", lambda: self.h1.vsctl("storage", "check", "pool1").returncode == 0, 120)
        self.assertIsNone(self.h1.state("other"))
        self.h1.ok("start", "web")
        self.assertGreaterEqual(self.numbers(self.h1), int(said[-2]))
        self.assertEqual(self.volumes(), ["vc-web", "vp-web", "vt-busybox"])

    def test_power_is_lost_in_the_middle_of_everything(self):
        """Each is as before or as after it, and its volume can be used. The LUN may come after vsd."""
        on_lun = ("--template", "busybox", "--storage", "pool1")
        for name in ("snap", "back", "large", "gone"):
            self.h1.ok("create", name, *on_lun)
        self.h1.ok("set", "large", "--autostart")
        self.h1.ok("snapshot", "create", "back", "--name", "s")
        self.h1.shell("rm -f /root/kept")
        self.h1.ok("export", "snap", "--file", "/root/kept")
        verbs = (("create", "new", *on_lun), ("snapshot", "create", "snap", "--name", "s"), ("snapshot", "restore", "-y", "back", "s"),
                 ("resize", "large", "--disk", "12G"), ("import", "/root/kept", "--name", "brought"), ("remove", "-y", "gone"))
        threads = [threading.Thread(target=self.h1.vsctl, args=words) for words in verbs]
        self.h1.shell("sync")
        for thread in threads:
            thread.start()
        time.sleep(4)
        lab("crash", "h1")
        for thread in threads:
            thread.join()
        lab("boot", "h1")
        self.h1.wait_state("large", "running", 180)  # its lease of before the crash lasts a while
        self.h1.settled()
        self.assertEqual(self.h1.differences(), [])
        found = {c["definition"]["name"]: c["definition"] for c in self.h1.json("list")}
        print("after the loss of power:", ", ".join(sorted(found)))
        self.assertEqual(set(found) - {"new", "brought", "gone"}, {"snap", "back", "large"})
        size = found["large"].get("size", 8 << 30)
        self.assertIn(size, (8 << 30, 12 << 30))
        for name in ("snap", "back"):
            self.assertIn([s["name"] for s in self.h1.json("snapshot", "list", name)], ([], ["s"]) if name == "snap" else (["s"],))
        wanted = ["vt-busybox", *(f"v{kind}-{name}" for name in found for kind in "cp"), "vc-back.s"]
        self.assertEqual([v for v in self.volumes() if v != "vc-snap.s"], sorted(wanted))
        for name in found:
            self.assertIn("nothing is wrong", self.h1.vsctl("fsck", name).stderr.decode())
            if name != "large":
                self.h1.ok("start", name)
            self.assertEqual(self.h1.ok("exec", name, "--", "cat", "/etc/hostname").strip(), name)
        blocks = int(self.h1.ok("exec", "large", "--", "df", "-k", "/").split("\n")[1].split()[1])
        self.assertGreater(blocks, size / 1024 * 0.9)
        self.h1.shell("rm /root/kept")

    def taken_over(self, writer, since):
        """h2 gets the context when the lease of h1 has expired, with all that was said to be on the disk."""
        refused = 0
        while True:
            done = self.h2.vsctl("take", "web")
            if done.returncode == 0:
                break
            self.assertEqual(done.returncode, 5, done.stderr)
            self.assertIn(b"host 'h1'", done.stderr)
            self.assertLess(time.monotonic() - since, 3 * HOST_DEAD)
            refused += 1
        seconds = time.monotonic() - since
        self.assertGreater(refused, 0, "h2 had it at once")
        print(f"h2 had it {seconds:.0f} s after; {refused} attempts were refused")
        self.h2.ok("start", "web")
        writer.kill()
        said = writer.communicate()[0].split()
        self.assertGreater(len(said), 5)
        # The last line may have been cut off.
        self.assertGreaterEqual(self.numbers(self.h2), int(said[-2]))
        return seconds


class SharedKills(OnLun, Killing, unittest.TestCase):
    """vsd killed at the steps that are different on a shared storage."""
    SNAPSHOTS = True
    CREATE = ("create", "a", "--template", "busybox", "--storage", "pool1")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.vsd = cls.h1  # not before: these tests are of no single host

    def tearDown(self):
        self.vsd.spare()
        self.clear()

    def test_kill_at_steps(self):
        self.vsd.ok(*self.CREATE)
        self.drive("create", [], self.CREATE, ["make its volume", "record it"])
        self.drive("remove", [self.CREATE], ("remove", "-y", "a"), ["remove its volume", "forget it"])
        for size in ("12G", "7G"):
            self.drive("resize", [self.CREATE], ("resize", "a", "--disk", size), ["record it"])
        self.prepare([self.CREATE, ("export", "a", "--file", "/kept")])
        self.drive("import", [], ("import", "/kept", "--name", "b"), ["unpack it in a cage", "record it"])
        self.vsd.run("rm", "/kept")

    def test_kill_while_a_copy_is_made(self):
        self.vsd.ok(*self.CREATE)
        self.clear()
        empty = self.census()
        for seconds in (4,):  # its pool is made, or its blocks are copied
            self.vsd.ok(*self.CREATE)
            at_once(lambda: self.vsd.vsctl("clone", "a", "b"),
                    lambda: (time.sleep(seconds), self.vsd.shell("systemctl kill -s KILL vsd.service")))
            self.vsd.settled()
            self.assertEqual(self.vsd.differences(), [], seconds)
            for context in self.vsd.json("list"):
                name = context["definition"]["name"]
                if name != "keeper":
                    self.vsd.ok("start", name)
                    self.assertEqual(self.vsd.ok("exec", name, "--", "cat", "/etc/hostname").strip(), name)
            self.clear()
            self.assertEqual(self.census(), empty, seconds)


if __name__ == "__main__":
    unittest.main()
