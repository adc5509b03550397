"""Stock Debian systems as contexts on a real Debian 13 host: built from the mirror of the lab, booted, shut down."""
import json
import tempfile
import time
import unittest

from support.hosts import LabVsd

MIRROR = "http://10.77.0.1:8000/debian"


def need_template(vsd, name):
    """Takes minutes under emulation. What is there already (a lab that is used again) is taken as it is."""
    if vsd.vsctl("template", "show", name).returncode != 0:
        vsd.ok("template", "build", name, timeout=1500)


class Debian13(unittest.TestCase):
    vsd = LabVsd("h1")
    name = "web1"
    template = "debian13"
    release = "13"

    @classmethod
    def setUpClass(cls):
        need_template(cls.vsd, cls.template)
        cls.vsd.ok("create", cls.name, "--template", cls.template, "--memory", "768M", "--pids", "600", "--dns", "10.77.0.1")
        cls.vsd.ok("start", cls.name, "--wait", timeout=900)

    @classmethod
    def tearDownClass(cls):
        cls.vsd.ok("remove", "--kill", "-y", cls.name)

    def inside(self, *words, **options):
        return self.vsd.ok("exec", self.name, "--", *words, **options)

    def test_its_systemd_is_running_with_no_failed_unit(self):
        self.assertEqual(self.inside("systemctl", "is-system-running"), "running\n")
        self.assertEqual(self.inside("systemctl", "--failed", "--no-legend", "--plain"), "")
        self.assertEqual(self.inside("cat", "/proc/1/comm"), "systemd\n")
        self.assertTrue(self.inside("cat", "/etc/debian_version").startswith(self.release))

    def test_its_root_is_nobody_on_the_host(self):
        base = self.vsd.show(self.name)["definition"]["idBase"]
        self.assertGreaterEqual(base, 524288)
        self.assertEqual(self.inside("cat", "/proc/self/uid_map").split(), ["0", str(base), "65536"])
        pid = self.vsd.show(self.name)["pid"]
        status = self.vsd.run("cat", f"/proc/{pid}/status").stdout.decode()
        self.assertIn(f"Uid:\t{base}\t{base}", status)
        self.assertIn("Seccomp:\t2", status)

    def test_limits_are_in_force(self):
        scope = f"/sys/fs/cgroup/vs.slice/vs-{self.name}.scope/payload"
        self.assertEqual(self.vsd.run("cat", f"{scope}/memory.max").stdout.strip(), str(768 << 20).encode())
        self.assertEqual(self.vsd.run("cat", f"{scope}/pids.max").stdout.strip(), b"600")
        self.vsd.ok("set", self.name, "--pids", "500")
        self.assertEqual(self.vsd.run("cat", f"{scope}/pids.max").stdout.strip(), b"500")
        self.assertNotEqual(self.vsd.vsctl("exec", self.name, "--", "sh", "-c",
                                           "echo max >/sys/fs/cgroup/memory.max").returncode, 0)

    def test_systemd_of_the_host_knows_it(self):
        listed = self.vsd.run("machinectl", "list", "--no-legend").stdout.decode()
        self.assertIn(self.name, listed)
        self.assertEqual(self.vsd.run("systemctl", "is-active", f"vs-{self.name}.scope").stdout, b"active\n")

    def test_its_journal_works(self):
        self.inside("logger", "hello-from-the-test")
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if "hello-from-the-test" in self.inside("journalctl", "-n", "200", "--no-pager"):
                return
            time.sleep(1)
        self.fail("not in its journal")

    def test_only_the_files_that_were_asked_for_differ_from_the_template(self):
        fresh = "fresh"
        self.vsd.ok("create", fresh, "--template", self.template, "--dns", "10.77.0.1")
        try:
            root = "/var/lib/vsd"
            diff = self.vsd.run("diff", "-rq", "--no-dereference", f"{root}/templates/{self.template}/root",
                                f"{root}/volumes/{fresh}/root", timeout=600).stdout.decode()
            changed = set()
            for line in diff.splitlines():
                if "which is" in line or " is a " in line:
                    continue  # FIFOs and the like cannot be compared
                changed.add(line.split(f"{fresh}/root")[-1].split(" differ")[0].replace(": ", "/").strip())
            self.assertLessEqual(changed, {"/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/etc/machine-id"}, diff)
        finally:
            self.vsd.ok("remove", "-y", fresh)

    def test_killing_the_daemon_does_not_touch_it(self):
        def identity():
            pid = self.vsd.show(self.name)["pid"]
            return pid, self.vsd.run("cat", f"/proc/{pid}/stat").stdout.split(b")")[-1].split()[19]
        before = identity()
        for signal in ("KILL", "TERM"):
            self.vsd.run("systemctl", "kill", "-s", signal, "vsd.service")
            deadline = time.monotonic() + 60
            while self.vsd.vsctl("info").returncode != 0 and time.monotonic() < deadline:
                time.sleep(0.5)
            self.assertEqual(identity(), before)
        self.assertEqual(self.inside("echo", "well"), "well\n")

    def test_z_it_shuts_down_cleanly(self):
        self.vsd.ok("stop", self.name, "--stop-timeout", "120s", timeout=300)
        shown = self.vsd.show(self.name)
        self.assertEqual((shown["state"], shown["ended"]), ("stopped", "powered off"))
        self.assertEqual(self.vsd.json("operation", "list", "--all")[0]["notes"], [])
        self.assertNotEqual(self.vsd.run("test", "-e", f"/sys/fs/cgroup/vs.slice/vs-{self.name}.scope").returncode, 0)


class Debian12(Debian13):
    vsd = LabVsd("h2")
    name = "old1"
    template = "debian12"
    release = "12"


# A definition of the host's own: Debian with the init of old.
SYSV = """description = "Debian 13, sysvinit"
distribution = "debian"
release = "trixie"
mirror = "http://deb.debian.org/debian"
keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
components = ["main"]
variant = "minbase"
packages = ["sysvinit-core", "initscripts"]
init = "sysv"
"""


class Sysv(unittest.TestCase):
    vsd = LabVsd("h1")

    @classmethod
    def setUpClass(cls):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(SYSV)
            file.flush()
            cls.vsd.shell("mkdir -p /etc/vsd/templates/sysv13")
            cls.vsd.push(file.name, "/etc/vsd/templates/sysv13/template.toml")
        need_template(cls.vsd, "sysv13")
        cls.vsd.ok("create", "sysv1", "--template", "sysv13", "--start")

    @classmethod
    def tearDownClass(cls):
        cls.vsd.ok("remove", "--kill", "-y", "sysv1")

    def runlevel(self):
        return self.vsd.run("vsctl", "exec", "sysv1", "runlevel").stdout

    def wait_up(self):
        deadline = time.monotonic() + 180
        while self.runlevel() != b"N 2\n":
            self.assertLess(time.monotonic(), deadline, self.vsd.ok("log", "sysv1"))
            time.sleep(1)

    def test_it_boots_reboots_and_powers_off(self):
        self.assertEqual(self.vsd.show("sysv1")["definition"]["init"], "sysv")
        self.wait_up()
        self.assertEqual(self.vsd.ok("exec", "sysv1", "cat", "/proc/1/comm"), "init\n")
        pid = self.vsd.show("sysv1")["pid"]
        self.vsd.run("vsctl", "exec", "sysv1", "reboot")
        deadline = time.monotonic() + 180
        while self.vsd.show("sysv1").get("pid") in (pid, None):
            self.assertLess(time.monotonic(), deadline, self.vsd.ok("log", "sysv1"))
            time.sleep(1)
        self.wait_up()
        self.vsd.ok("stop", "sysv1", "--stop-timeout", "120s", timeout=300)
        shown = self.vsd.show("sysv1")
        self.assertEqual((shown["state"], shown["ended"]), ("stopped", "powered off"))
        self.assertEqual(self.vsd.json("operation", "list", "--all")[0]["notes"], [])


class Host(unittest.TestCase):
    vsd = LabVsd("h1")

    def test_check_finds_nothing_missing(self):
        findings = self.vsd.json("check")
        self.assertGreater(len(findings), 20)
        self.assertEqual([f for f in findings if f["state"] == "missing"], [])
        self.assertEqual([f for f in findings if f["area"] in ("cgroup", "move") and f["state"] != "ok"], [])

    def test_varlinkctl_can_introspect_and_call_it(self):
        socket = "/run/vsd/vsd.sock"
        described = self.vsd.run("varlinkctl", "introspect", socket, "io.vsd")
        self.assertEqual(described.returncode, 0, described.stderr)
        self.assertIn(b"method Create", described.stdout)
        info = self.vsd.run("varlinkctl", "info", socket)
        self.assertIn(b"vsd context isolator", info.stdout)
        listed = self.vsd.run("varlinkctl", "--json=short", "call", socket, "io.vsd.List", "{}")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertIn("contexts", json.loads(listed.stdout))
        wrong = self.vsd.run("varlinkctl", "call", socket, "io.vsd.Show", '{"name":"nobody"}')
        self.assertNotEqual(wrong.returncode, 0)
        self.assertIn(b"io.vsd.NotFound", wrong.stderr)

    def test_a_mirror_signed_by_somebody_else_is_refused(self):
        self.vsd.run("sh", "-c", "printf '[templates]\\nkeyring = \"/usr/share/keyrings/debian-archive-keyring.gpg\"\\n'"
                     " >/etc/vsd/vsd.toml.d/90-test.toml; systemctl restart vsd.service")
        try:
            done = self.vsd.vsctl("template", "build", "forged", "--definition", "busybox", "--mirror", MIRROR, timeout=600)
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertNotIn("forged", [t["name"] for t in self.vsd.json("template", "list") if "created" in t])
        finally:
            self.vsd.run("sh", "-c", "rm /etc/vsd/vsd.toml.d/90-test.toml; systemctl restart vsd.service")


if __name__ == "__main__":
    unittest.main()
