"""vsd killed with SIGKILL at every step of a verb, on any kind of host: afterwards all is as before it or as after it.

Killing, KillSteps or MoreKillSteps is mixed into a TestCase with a `vsd` (support.hosts) that holds no contexts but 'a', 'b', 'keeper', has a
template 'busybox', and finds the `archive` it was made from on its host.
"""
import json
import subprocess

from support.hosts import TOP

# Runs on the host of the vsd, with its prefix: everything that could be left behind there.
CENSUS = r"""
import json, os, re, shutil, subprocess, sys
prefix = sys.argv[1]
ours = re.compile(r"vs-(a|b|keeper)\.scope")
def names(path):
    return sorted(os.listdir(path)) if os.path.isdir(path) else []
def text(path):
    try:
        with open(path, "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
unified = "/sys/fs/cgroup/unified"
root = unified if os.path.exists(unified + "/cgroup.procs") else "/sys/fs/cgroup"
processes = []
for pid in filter(str.isdigit, os.listdir("/proc")):
    command = text(f"/proc/{pid}/cmdline")
    # Without a command line it is a zombie: the first process of a test machine may take its time.
    helper = re.match(r"(\S*/)?vsd-(guest|unpack) ", command) and prefix in command
    if command and (ours.search(text(f"/proc/{pid}/cgroup")) or helper):
        processes.append(command)
print(json.dumps({
    "scopes": [name for name in names(root + "/vs.slice") if ours.fullmatch(name)],
    "mounts": [line for line in text("/proc/self/mounts").split("\n")
               if prefix + "/var/lib/vsd" in line or prefix + "/run/vsd" in line],
    "memories": names(prefix + "/var/lib/vsd/memories"),
    "checkpoints": [each for name in names(prefix + "/var/lib/vsd/checkpoints") for each in names(prefix + "/var/lib/vsd/checkpoints/" + name)],
    "volumes": names(prefix + "/var/lib/vsd/volumes"),
    "templates": names(prefix + "/var/lib/vsd/templates"),
    "run": names(prefix + "/run/vsd/contexts"),
    "devices": [name for name in names("/dev/mapper") if name.startswith("vsd.")],
    "logical volumes": sorted(subprocess.run(["lvs", "--noheadings", "-o", "lv_name", "-S", "lv_tags=vsd"],
                                             capture_output=True, text=True).stdout.split()) if shutil.which("lvs") else [],
    "network": [name for name in names("/sys/class/net") if name.startswith("vs") or name.startswith("trunk0.")]
               + (re.findall("vsd-.*", subprocess.run(["nft", "list", "tables"], capture_output=True, text=True).stdout) if shutil.which("nft") else []),
    "machines": [name for name in names("/run/systemd/machines") if name in ("a", "b", "keeper")],
    "processes": processes,
}))
"""

CREATE = ("create", "a", "--template", "busybox")
START = ("start", "a")


class Killing:
    SNAPSHOTS = False  # its contexts can have snapshots
    file = None  # on its host: what the verb writes

    def clear(self, all=True):
        """Removes what a test made; the context 'keeper' only with all."""
        if self.file:
            self.vsd.run("sh", "-c", f"rm -f {self.file} {self.file}.*.part")
        there = [context["definition"]["name"] for context in self.vsd.json("list")]
        for name in ("a", "b", "keeper") if all else ("a", "b"):
            if name in there:
                self.vsd.ok("remove", "--kill", "-y", name)
        for template in self.vsd.json("template", "list"):
            if template["name"] == "t":
                self.vsd.ok("template", "remove", "-y", "t")

    def census(self):
        done = self.vsd.run("python3", "-c", CENSUS, self.vsd.prefix)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def picture(self):
        """What a user sees of 'a' and 'b' and of the template 't'."""
        found = {c["definition"]["name"]: (c["state"], c["definition"]["hostname"], c["definition"].get("tags"),
                                           c["definition"].get("schedule"))
                 for c in self.vsd.json("list") if c["definition"]["name"] != "keeper"}
        for name in [name for name in found if self.SNAPSHOTS]:
            found[name] += tuple(s["name"] for s in self.vsd.json("snapshot", "list", name) if s["by"] != "schedule")
        if self.file:
            found["files"] = self.vsd.run("sh", "-c", f"ls {self.file} {self.file}.*.part").stdout.split()
        found["templates"] = [t["name"] for t in self.vsd.json("template", "list") if t["name"] == "t" and "created" in t]
        return found

    def init(self, name):
        """The pid of its init with its start time: the same only as long as it is the same process."""
        pid = self.vsd.show(name)["pid"]
        return pid, self.vsd.run("cat", f"/proc/{pid}/stat").stdout.rsplit(b")", 1)[1].split()[19]

    def prepare(self, words):
        for each in words:
            self.vsd.ok(*each)

    def keep(self):
        """Another context, which runs on through everything."""
        self.vsd.ok("create", "keeper", "--template", "busybox", "--start")

    def drive(self, verb, prepared, act, only=None):
        """`prepared` are the calls of vsctl before, `act` is the one that is killed at each of its steps, or at those in `only`."""
        self.clear()
        self.keep()
        keeper, empty = self.init("keeper"), self.census()
        self.prepare(prepared)
        before = self.picture()
        self.vsd.ok(*act)
        after = self.picture()
        newest = [o for o in self.vsd.json("operation", "list", "--all") if o["verb"] == verb][0]
        steps = [step["name"] for step in newest["steps"]]
        self.assertGreater(len(steps), 0)
        self.assertLessEqual(set(only or ()), set(steps))
        steps = only or steps
        for step in steps:
            with self.subTest(verb=verb, step=step):
                self.clear(all=False)
                self.prepare(prepared)
                self.vsd.die_at(f"{verb}/{step}")
                self.vsd.vsctl(*act)
                self.assertTrue(self.vsd.died(), "vsd was not killed at this step")
                self.vsd.revive()
                self.vsd.settled()
                self.assertIn(self.picture(), (before, after))
                self.assertEqual(self.init("keeper"), keeper, "another context was touched")
                self.assertEqual(self.vsd.differences(), [])
                self.clear(all=False)
                self.assertEqual(self.census(), empty)


class RandomKills(Killing):
    """On a storage with snapshots; CREATE makes the context 'a' there."""
    ROUNDS, SECONDS = 6, 0.3  # between the moments of two rounds

    def cut(self, seconds, *words):
        """vsd is killed `seconds` after vsctl has begun with it."""
        killer = subprocess.Popen([f"{TOP}/lab/lab", "run", self.vsd.host, "sh", "-c",
                                   f"sleep {seconds}; systemctl kill -s KILL vsd.service"])
        self.vsd.vsctl(*words)
        killer.wait()
        self.vsd.settled()

    def test_kill_at_random_moments(self):
        """Between steps too, where volumes are renamed and tags written: whole calls of lvm are cut off."""
        self.vsd.ok(*self.CREATE)
        self.clear()
        self.keep()
        empty = self.census()
        for round in range(self.ROUNDS):
            self.prepare([self.CREATE, ("snapshot", "create", "a", "--name", "s")])
            verb = (("snapshot", "restore", "-y", "a", "s"), ("rename", "a", "b"), ("clone", "a", "b"),
                    ("resize", "a", "--disk", "1G"))[round % 4]
            self.cut(round * self.SECONDS + 0.2, *verb)
            self.assertEqual(self.vsd.differences(), [], verb)
            found = sorted(c["definition"]["name"] for c in self.vsd.json("list"))
            self.assertIn(found, (["a", "keeper"], ["b", "keeper"], ["a", "b", "keeper"]), verb)
            for name in found[:-1]:
                self.vsd.ok("start", name)
                self.assertEqual(self.vsd.ok("exec", name, "--", "cat", "/etc/hostname").strip(), name)
            self.clear(all=False)
            self.assertEqual(self.census(), empty, verb)


class KillSteps(Killing):
    def test_kill_at_each_step_of_start(self):
        self.drive("start", [CREATE], START)

    def test_kill_at_each_step_of_stop(self):
        self.drive("stop", [CREATE, START], ("stop", "a"))

    def test_kill_at_each_step_of_remove(self):
        self.drive("remove", [CREATE, START], ("remove", "--kill", "-y", "a"))


class MoreKillSteps(KillSteps):
    """The verbs that ask systemd for nothing, or nothing new, too: on a lab host each step takes seconds."""

    def test_kill_at_each_step_of_create(self):
        self.drive("create", [], CREATE)

    def test_kill_at_each_step_of_restart(self):
        self.drive("restart", [CREATE, START], ("restart", "a"))

    def test_kill_at_each_step_of_rename(self):
        self.drive("rename", [CREATE], ("rename", "a", "b"))

    def test_kill_at_each_step_of_clone(self):
        self.drive("clone", [CREATE], ("clone", "a", "b"))

    def test_kill_at_each_step_of_export_and_import(self):
        self.file, kept = f"{self.vsd.prefix}/exported", f"{self.vsd.prefix}/kept"
        self.prepare([CREATE, ("export", "a", "--file", kept)])
        self.drive("export", [CREATE], ("export", "a", "--file", self.file))
        self.drive("import", [], ("import", kept, "--name", "b"))
        self.vsd.run("rm", kept)

    def test_kill_at_each_step_of_set(self):
        self.drive("set", [CREATE], ("set", "a", "--tag", "new", "--hostname", "other"))

    def test_kill_at_each_step_of_template_import_and_remove(self):
        import_it = ("template", "import", "t", self.archive, "--init", "command", "--", "/bin/sh")
        self.drive("template import", [], import_it)
        self.drive("template remove", [import_it], ("template", "remove", "-y", "t"))

    def test_kill_at_each_step_of_freeze_and_thaw(self):
        self.drive("freeze", [CREATE, START], ("freeze", "a"))
        self.drive("thaw", [CREATE, START, ("freeze", "a")], ("thaw", "a"))
