"""vsd killed at every step of its verbs on a real Debian 13 host, where contexts live in scopes of systemd."""
import tempfile
import unittest

from support.hosts import SLEEPER, LabVsd, busybox_archive
from support.kills import KillSteps


class Kills(KillSteps, unittest.TestCase):
    vsd = LabVsd("h2")
    archive = "/root/busybox.tar"

    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as scratch:
            busybox_archive(f"{scratch}/busybox.tar")
            cls.vsd.push(f"{scratch}/busybox.tar", cls.archive)
        if cls.vsd.vsctl("template", "show", "busybox").returncode != 0:
            cls.vsd.ok("template", "import", "busybox", cls.archive, "--init", "command", "--", *SLEEPER)

    def tearDown(self):
        self.vsd.revive()
        self.clear()
