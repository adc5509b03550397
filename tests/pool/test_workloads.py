"""Everything that a process can hold must survive being suspended: programs that check themselves (tests/workloads), and stock Debian
systems, ten rounds each. With VSD_WRITE_DOCS=1 the matrix in docs/WORKLOADS.md is written anew."""
import os
import shutil
import tempfile
import time
import unittest

from pool.test_system import need_template
from support.hosts import TOP, LabVsd, busybox_archive

ROUNDS = 10
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
