"""Everything that a process can hold must survive being suspended: programs that check themselves (tests/workloads), and stock Debian
systems, again and again. With VSD_WRITE_DOCS=1 the matrix in docs/WORKLOADS.md is written anew."""
import json
import os
import shutil
import tempfile
import time
import unittest

from pool.test_system import need_template
from support.hosts import TOP, LabVsd, busybox_archive

ROUNDS = 10
SYSTEM_ROUNDS = 10 if os.environ.get("VSD_WRITE_DOCS") else 4
BUILD = os.environ.get("VSD_BUILD", f"{TOP}/build/native")
# As process 1: begins all of them, and takes in what is orphaned.
BEGIN = "mkdir -p /root/w; for each in $(vsload list); do vsload $each /root/w & done; while :; do sleep 1000 & wait $!; done"


def add_program(tree):
    shutil.copy(f"{BUILD}/tests/workloads/vsload", f"{tree}/bin/vsload")


def write_matrix(section, rows):
    """`rows` replaces what docs/WORKLOADS.md says between the lines of this section."""
    if not os.environ.get("VSD_WRITE_DOCS"):
        return
    path = f"{TOP}/docs/WORKLOADS.md"
    with open(path, encoding="utf-8") as file:
        text = file.read()
    begin, end = f"<!-- {section} -->\n", f"<!-- end of {section} -->\n"
    before, rest = text.split(begin)
    table = "| workload | rounds | result |\n|---|---|---|\n" + "".join(f"| {name} | {rounds} | {result} |\n" for name, rounds, result in rows)
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + begin + table + end + rest.split(end)[1])


class Rounds:
    vsd = LabVsd("h1")

    def round(self, name):
        self.vsd.ok("suspend", name, timeout=300)
        self.assertEqual(self.vsd.state(name), "suspended")
        self.vsd.ok("resume", name, timeout=300)
        self.assertEqual(self.vsd.state(name), "running")


class SelfChecking(Rounds, unittest.TestCase):
    name = "load"

    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as scratch:
            busybox_archive(f"{scratch}/load.tar", add_program)
            cls.vsd.push(f"{scratch}/load.tar", "/root/load.tar")
        cls.vsd.ok("template", "import", "workloads", "/root/load.tar", "--init", "sysv")
        cls.vsd.ok("create", cls.name, "--template", "workloads", "--memory", "512M", "--start", "--", "/bin/sh", "-c", BEGIN)

    @classmethod
    def tearDownClass(cls):
        cls.vsd.ok("remove", "--kill", "-y", cls.name)
        cls.vsd.ok("template", "remove", "-y", "workloads")

    def inside(self, text):
        return self.vsd.ok("exec", self.name, "--", "sh", "-c", text)

    def results(self):
        """What has ended, and how."""
        lines = self.inside("cd /root/w; for f in *.result; do test -e $f && echo ${f%.result} $(cat $f); done; true").splitlines()
        return dict(line.split(" ", 1) for line in lines)

    def wait_for(self, condition, seconds):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, self.results())
            time.sleep(1)

    def test_all_of_them_ten_times(self):
        names = self.inside("vsload list").split()
        self.wait_for(lambda: self.inside("ls /root/w").count(".ready") == len(names), 60)
        for _ in range(ROUNDS):
            self.round(self.name)
            time.sleep(1)
            self.assertEqual(self.results(), {})
        self.inside("for p in /proc/[0-9]*; do case $(tr '\\0' ' ' <$p/cmdline) in vsload*/root/w*) kill -TERM ${p#/proc/};; esac; done")
        self.wait_for(lambda: len(self.results()) == len(names), 120)
        results = self.results()
        write_matrix("programs", [(name, ROUNDS, results[name]) for name in names])
        self.assertEqual(results, {name: "PASS" for name in names})

    def test_connections_can_be_closed_instead(self):
        self.inside("mkdir -p /root/closed; vsload tcp /root/closed >/dev/null 2>&1 </dev/null & while ! test -e /root/closed/tcp.ready; do sleep 0.1; done")
        time.sleep(1)
        self.vsd.ok("suspend", self.name, timeout=300)
        self.vsd.ok("resume", "--close-connections", self.name, timeout=300)
        result = self.inside("for i in $(seq 100); do test -e /root/closed/tcp.result && break; sleep 0.2; done; cat /root/closed/tcp.result")
        self.assertRegex(result, "FAIL (send|receive) on a connection")


    def begin_inside(self, directory, *words):
        """A program of its own, not of this session; `words` are those of vsload."""
        self.inside(f"mkdir -p {directory}; vsload {' '.join(words)} {directory} >/dev/null 2>&1 </dev/null &")

    def come(self, path):
        self.wait_for(lambda: self.vsd.vsctl("exec", self.name, "--", "test", "-e", path).returncode == 0, 30)

    def end_inside(self, directory):
        """Also one whose main thread has ended, which has no command line."""
        self.inside(f"for p in /proc/[0-9]*; do case $(cat $p/comm):$(tr '\\0' ' ' <$p/cmdline) in vsload:vsload*{directory}*|vsload:) kill -KILL ${{p#/proc/}};; "
                    f"esac; done; rm -f /dev/mqueue/*; for each in $(cut -d' ' -f2 /proc/mounts | grep ^{directory}/ | sort -r); do umount -l $each; done; true")

    def test_a_suspend_that_is_cut_off_costs_no_connection(self):
        self.begin_inside("/root/cut", "tcp")
        self.come("/root/cut/tcp.ready")
        self.vsd.die_at("suspend/seal its memory")
        self.vsd.vsctl("suspend", self.name, timeout=300)
        self.assertTrue(self.vsd.died())
        self.vsd.revive()
        self.vsd.settled()
        self.assertEqual(self.vsd.state(self.name), "running")
        time.sleep(3)
        self.inside("for p in /proc/[0-9]*; do case $(tr '\\0' ' ' <$p/cmdline) in vsload*/root/cut*) kill -TERM ${p#/proc/};; esac; done")
        self.come("/root/cut/tcp.result")
        self.assertEqual(self.inside("cat /root/cut/tcp.result"), "PASS\n")
        self.assertEqual(self.results(), {})

    # What `vsload hold` can hold and what is said of it; TRIED: criu is asked too, and refuses (of an overlay only what it has saved).
    IN_THE_WAY = {
        "message-queue": "lies on no mount", "left-message-queue": "the POSIX message queue '/left' is there", "own-terminal": "has /dev/tty open",
        "traced": "traces it", "dead-main-thread": "its main thread has ended", "mptcp-socket": "the protocol MPTCP",
        "covered-file": "lies below another mount", "unmounted-file": "'/file\\x1b[2J\\xff' lies on no mount", "ramfs": "of type ramfs", "overlay": "of type overlay",
        "supervisor": "a descriptor of seccomp", "thread-descriptor": "of a single thread", "packet-pipe": "keeps packets apart",
        "empty-packet-pipe": "keeps packets apart", "netlink-queue": "messages of the kernel", "credentials-in-queue": "messages with credentials",
        "connections-in-queue": "connections wait", "corked-datagram": "UDP_CORK", "multicast": "the multicast group 224.0.0.251 on lo",
        "watch-of-deleted-file": "watches a file", "watch-of-proc": "watches a file", "shared-memory-space": "shares its memory",
        "shared-descriptors": "or working directory"}
    NOT_TRIED = ("overlay", "multicast")
    NOT_GIVEN = ("crypto-socket", "vm-socket", "ping-socket", "io-uring", "user-faults", "secret-memory", "file-events")

    def obstacles(self):
        done = self.vsd.vsctl("--format", "json", "check", "--move", self.name)
        found = json.loads(done.stdout)["items"]
        self.assertEqual(done.returncode, 1 if found else 0, done.stderr)
        return [obstacle["found"] for obstacle in found]

    def test_what_is_in_the_way_is_known_beforehand(self):
        self.assertEqual(self.obstacles(), [])
        for name, said in self.IN_THE_WAY.items():
            with self.subTest(name=name):
                place = f"/root/held-{name}"
                self.begin_inside(place, "hold", name)
                self.come(f"{place}/{name}.held")
                found = self.obstacles()
                self.assertTrue(any(said in one for one in found), found)
                if name not in self.NOT_TRIED:
                    tried = self.vsd.vsctl("suspend", "--try", self.name, timeout=300)
                    self.assertEqual((tried.returncode, self.vsd.state(self.name)), (1, "running"), tried.stderr)
                if name == "overlay":
                    refused = self.vsd.vsctl("suspend", self.name)
                    self.assertIn(said, refused.stderr.decode())
                    self.vsd.ok("show", self.name)
                    self.assertEqual(self.vsd.show(self.name)["movable"], "no")
                self.end_inside(place)
        self.wait_for(lambda: self.obstacles() == [], 10)

    def test_what_is_not_in_the_way_is_not(self):
        """All of it together, also what is rare."""
        place = "/root/held"
        self.inside(f"mkdir -p {place}; for each in $(vsload held); do case ' {' '.join(self.IN_THE_WAY)} ' in *\" $each \"*) ;; "
                    f"*) vsload hold $each {place} >/dev/null 2>&1 </dev/null & esac; done")
        held = set(self.inside("vsload held").split()) - set(self.IN_THE_WAY) - set(self.NOT_GIVEN)
        self.wait_for(lambda: {each[:-5] for each in self.inside(f"ls {place}").split() if each.endswith(".held")} == held, 30)
        for name in self.NOT_GIVEN:
            self.assertIn("FAIL", self.inside(f"cat {place}/{name}.result"))
        self.assertEqual(self.obstacles(), [])
        self.round(self.name)
        self.assertEqual({line.split(" hold ")[1].split()[0] for line in self.inside("ps").splitlines() if " hold " in line}, held)
        self.end_inside(place)


# One connection, a line there and back at a time, and the longest that one has taken.
CLIENT = """
import os, socket, time
connection = socket.create_connection(("10.0.9.17", 7000), 20)
connection.settimeout(120)
file = connection.makefile("rw")
count, longest = 0, 0.0
while True:
    begin, count = time.monotonic(), count + 1
    file.write(f"{count}\\n")
    file.flush()
    assert file.readline() == f"{count}\\n"
    longest = max(longest, time.monotonic() - begin)
    with open("/root/client.new", "w") as told:
        told.write(f"{count} {longest:.2f}")
    os.rename("/root/client.new", "/root/client.count")
    time.sleep(0.02)
"""
# perl is in every Debian.
SERVER = """
my $door = IO::Socket::INET->new(LocalPort => 7000, Listen => 9, ReuseAddr => 1) or die;
while (my $guest = $door->accept) { $guest->autoflush(1); while (my $line = <$guest>) { print $guest $line } }
"""


class StockDebian13(Rounds, unittest.TestCase):
    """Its own systemd, dbus and logind, and a TCP connection into it that is never lost."""
    name = "stock"
    template = "debian13"

    @classmethod
    def setUpClass(cls):
        need_template(cls.vsd, cls.template)
        cls.forwarded = cls.vsd.shell("cat /proc/sys/net/ipv4/ip_forward").strip()
        cls.vsd.ok("network", "add", "lan", "--nat", "--subnet", "10.0.9.0/24", "--gateway", "10.0.9.1")
        cls.vsd.ok("create", cls.name, "--template", cls.template, "--memory", "512M", "--address", "10.0.9.17")
        cls.vsd.run("sh", "-c", "cat >/root/rules", stdin=b"allow to any\nallow from any\n")
        cls.vsd.ok("fw", "set", cls.name, "/root/rules")
        cls.vsd.ok("start", cls.name, "--wait", timeout=900)
        cls.vsd.ok("exec", cls.name, "--", "systemd-run", "-q", "--unit", "echo", "perl", "-MIO::Socket::INET", "-e", SERVER)

    @classmethod
    def tearDownClass(cls):
        cls.vsd.run("systemctl", "stop", "client")
        cls.vsd.ok("remove", "--kill", "-y", cls.name)
        cls.vsd.ok("network", "remove", "-y", "lan")
        cls.vsd.shell(f"echo {cls.forwarded} >/proc/sys/net/ipv4/ip_forward; rm -f /root/client.count /root/rules")

    def inside(self, *words):
        return self.vsd.ok("exec", self.name, "--", *words)

    def processes(self):
        """Those that last: not this look itself, nor what systemd starts again."""
        lines = self.inside("ps", "-eo", "pid,comm", "--no-headers").splitlines()
        return [line.split() for line in lines if line.split()[1] not in ("ps", "agetty")]

    def count(self):
        """Lines that the client has had back, when it still runs."""
        self.vsd.shell("systemctl is-active -q client")
        return int(self.vsd.shell("cat /root/client.count").split()[0])

    def goes_on(self, before):
        deadline = time.monotonic() + 60
        while self.count() <= before:
            self.assertLess(time.monotonic(), deadline, "its connection does not go on")
            time.sleep(0.5)

    def test_again_and_again_under_a_client(self):
        self.vsd.run("systemd-run", "-q", "--unit", "client", "python3", "-c", CLIENT)
        deadline = time.monotonic() + 30
        while self.vsd.run("test", "-e", "/root/client.count").returncode != 0:
            self.assertLess(time.monotonic(), deadline, "the client did not come to its first line")
            time.sleep(0.5)
        processes = self.processes()
        for _ in range(SYSTEM_ROUNDS):
            self.round(self.name)
            self.goes_on(self.count())
            self.assertEqual(self.inside("sh", "-c", "systemctl is-system-running; systemctl --failed --no-legend --plain"), "running\n")
        self.assertEqual(self.processes(), processes)
        self.assertEqual(self.vsd.differences(), [])
        write_matrix("systems", [("Debian 13 with systemd, a server with a TCP connection open", SYSTEM_ROUNDS, "PASS")])
