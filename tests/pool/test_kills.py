"""vsd killed at every step of its verbs on a real Debian 13 host, where contexts live in scopes of systemd."""
import unittest

from support.hosts import LabVsd
from support.kills import KillSteps


class Kills(KillSteps, unittest.TestCase):
    vsd = LabVsd("h2")

    @classmethod
    def setUpClass(cls):
        cls.archive = cls.vsd.need_busybox()

    def tearDown(self):
        self.vsd.spare()
        self.clear()
