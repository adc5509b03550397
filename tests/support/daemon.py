"""What tests of the daemon on this machine's own kernel share."""
import pathlib
import unittest

from support.hosts import SLEEPER, LocalVsd, busybox_archive


class DaemonTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vsd = LocalVsd()
        cls.vsd.start()
        cls.archive = f"{cls.vsd.prefix}/busybox.tar"
        busybox_archive(cls.archive)
        cls.vsd.ok("template", "import", "busybox", cls.archive, "--init", "command", "--", *SLEEPER)

    @classmethod
    def tearDownClass(cls):
        cls.vsd.close()

    def setUp(self):
        if self.vsd.process.poll() is not None:
            self.vsd.start()

    def tearDown(self):
        for context in self.vsd.json("list"):
            self.vsd.vsctl("remove", "--kill", "-y", context["definition"]["name"])

    def context(self, name, *flags):
        self.vsd.ok("create", name, "--template", "busybox", "--start", *flags)

    def initStart(self, name):
        pid = self.vsd.show(name)["pid"]
        return pid, pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
