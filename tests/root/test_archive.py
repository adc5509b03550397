"""Contexts as archives, on this machine's own kernel: there and back, and every way in which an archive can be bad."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

from support.archives import archive_of, changes, fill, frame, listing, packed, parts
from support.daemon import DaemonTest
from support.hosts import BUILD, LocalVsd


class ArchiveTest(DaemonTest):
    def setUp(self):
        super().setUp()
        self.file = f"{self.vsd.prefix}/a.tar.zst"

    def tearDown(self):
        super().tearDown()
        for name in os.listdir(self.vsd.prefix):
            if ".zst" in name:
                os.unlink(f"{self.vsd.prefix}/{name}")

    def tree(self, name):
        return f"{self.vsd.prefix}/var/lib/vsd/volumes/{name}/root"

    def definition(self, name):
        return self.vsd.show(name)["definition"]

    def exported(self):
        """The bytes of an archive of a context 'a' that is there no more."""
        self.vsd.ok("create", "a", "--template", "busybox", "--tag", "one")
        self.vsd.ok("export", "a", "--file", self.file)
        self.vsd.ok("remove", "-y", "a")
        return pathlib.Path(self.file).read_bytes()

    def refused(self, archive, code, said, *words):
        """Nothing is left of it."""
        before = self.vsd.json("list")
        done = self.vsd.vsctl("import", "-", *words, stdin=archive)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(said, done.stderr.decode())
        self.assertEqual(self.vsd.json("list"), before)
        self.assertEqual(os.listdir(f"{self.vsd.prefix}/var/lib/vsd/volumes"), [c["definition"]["name"] for c in before])


class RoundTrip(ArchiveTest):
    def test_everything_comes_back_as_it_was(self):
        self.maxDiff = None
        self.vsd.ok("create", "a", "--template", "busybox", "--tag", "one", "--dns", "192.0.2.1", "--env", "A=b", "--restart", "always")
        fill(self.tree("a"))
        tree, definition = listing(self.tree("a")), self.definition("a")
        self.assertGreater(len(tree), 300)
        self.vsd.ok("export", "a", "--file", self.file)
        self.assertEqual(os.stat(self.file).st_mode & 0o777, 0o600)
        self.assertLess(os.stat(self.file).st_size, 8 << 20)
        self.assertEqual(changes(tree, listing(self.tree("a"))), {})
        self.vsd.ok("remove", "-y", "a")
        self.vsd.ok("import", self.file)
        self.assertEqual(changes(tree, listing(self.tree("a"))), {})
        self.assertEqual(self.definition("a"), definition)
        self.vsd.ok("start", "a")
        self.assertEqual(self.vsd.ok("exec", "a", "--", "cat", "/srv/linked"), "two names")

    def test_another_name_gives_another_identity_and_the_same_data(self):
        self.vsd.ok("create", "a", "--template", "busybox")
        pathlib.Path(f"{self.tree('a')}/root/file").write_text("data")
        self.vsd.ok("export", "a", "--file", self.file)
        self.assertIn("context 'a' has its uuid", self.vsd.vsctl("import", self.file, "--name", "b", "--start").stderr.decode())
        self.assertEqual(self.vsd.ok("exec", "b", "--", "cat", "/root/file"), "data")
        self.assertEqual(self.vsd.ok("exec", "b", "--", "hostname"), "b\n")
        a, b = self.definition("a"), self.definition("b")
        self.assertNotEqual((a["uuid"], a["idBase"]), (b["uuid"], b["idBase"]))
        self.assertNotEqual(a["idBase"], b["idBase"])
        self.vsd.ok("remove", "-y", "a")
        self.vsd.ok("import", self.file, "--name", "c")
        self.assertEqual((self.definition("c")["uuid"], self.definition("c")["hostname"]), (a["uuid"], "c"))

    def test_a_context_becomes_a_template(self):
        self.vsd.ok("create", "a", "--template", "busybox", "--start")
        create = ("template", "create", "made", "--from", "a")
        self.assertIn(b"storage 'dir' has no snapshots", self.vsd.vsctl(*create).stderr)
        self.vsd.ok("exec", "a", "--", "sh", "-c", "echo data >/root/file; ln /root/file /root/linked")
        self.vsd.ok("stop", "a")
        self.assertIn("unpack it as template 'made'", self.vsd.ok("-n", *create))
        self.assertEqual([t["name"] for t in self.vsd.json("template", "list") if t["name"] == "made"], [])
        try:
            self.vsd.ok(*create, "--description", "with data")
            self.assertEqual(self.vsd.vsctl(*create).returncode, 4)
            made = self.vsd.json("template", "show", "made")[0]
            self.assertEqual((made["description"], made["init"], made["source"]), ("with data", "command", "context a"))
            self.assertFalse(os.path.exists(f"{self.vsd.prefix}/var/lib/vsd/templates/made/root/etc/hostname"))
            self.vsd.ok("create", "b", "--template", "made", "--start")
            self.assertEqual(self.vsd.ok("exec", "b", "--", "cat", "/root/linked", "/etc/hostname"), "data\nb\n")
            self.assertEqual(os.listdir(f"{self.vsd.prefix}/var/lib/vsd/build"), [])
        finally:
            self.vsd.vsctl("template", "remove", "-y", "made")
        self.assertIn(b"has no snapshots", self.vsd.vsctl("template", "create", "x", "--from", "a@s").stderr)
        self.assertEqual(self.vsd.vsctl("template", "create", "x", "--from", "nobody").returncode, 3)

    def test_it_is_a_tar_for_programs_that_know_zstd(self):
        self.exported()
        listed = subprocess.check_output(["tar", "--zstd", "-tf", self.file], text=True).split("\n")
        self.assertIn("./bin/busybox", listed)

    def test_it_goes_through_pipes_and_in_the_background(self):
        self.vsd.ok("create", "a", "--template", "busybox")
        archive = self.vsd.vsctl("-q", "export", "a", "--file", "-").stdout
        self.assertGreater(len(archive), 100_000)
        self.assertEqual(self.vsd.vsctl("import", "-", "--name", "b", stdin=archive).returncode, 0)
        pathlib.Path(self.file).write_bytes(archive)
        operation = self.vsd.ok("--async", "import", self.file, "--name", "c").strip()
        self.vsd.ok("operation", "wait", operation)
        self.assertEqual((self.vsd.state("b"), self.vsd.state("c")), ("stopped", "stopped"))

    def test_a_running_context_must_stand_still_where_there_are_no_snapshots(self):
        self.context("a")
        done = self.vsd.vsctl("export", "a", "--file", self.file)
        self.assertEqual(done.returncode, 1)
        for said in (b"cannot export context 'a': it is running", b"vsctl stop a", b"vsctl freeze a"):
            self.assertIn(said, done.stderr)
        self.assertIn(b"has no snapshots", self.vsd.vsctl("export", "a@s", "--file", self.file).stderr)
        self.assertFalse(os.path.exists(self.file) or [name for name in os.listdir(self.vsd.prefix) if name.endswith(".part")])
        self.vsd.ok("freeze", "a")
        self.vsd.ok("export", "a", "--file", self.file)
        self.assertEqual(self.vsd.state("a"), "frozen")
        self.vsd.ok("import", self.file, "--name", "b", "--start")

    def test_a_dry_run_tells_and_changes_nothing(self):
        self.vsd.ok("create", "a", "--template", "busybox")
        self.assertIn("pack the tree", self.vsd.ok("-n", "export", "a", "--file", self.file))
        self.assertEqual([name for name in os.listdir(self.vsd.prefix) if ".zst" in name], [])
        self.vsd.ok("export", "a", "--file", self.file)
        plan = self.vsd.ok("-n", "import", self.file, "--name", "b")
        self.assertIn("make the empty volume 'b' (dir)", plan)
        self.assertIn("record context 'b'", plan)
        self.assertIsNone(self.vsd.state("b"))

    def test_what_exists_is_not_overwritten(self):
        self.vsd.ok("create", "a", "--template", "busybox")
        pathlib.Path(self.file).write_text("precious")
        done = self.vsd.vsctl("export", "a", "--file", self.file)
        self.assertEqual((done.returncode, pathlib.Path(self.file).read_text()), (4, "precious"))
        os.unlink(self.file)
        self.vsd.ok("export", "a", "--file", self.file)
        self.refused(pathlib.Path(self.file).read_bytes(), 4, "context 'a' exists already")
        self.assertEqual(self.vsd.vsctl("export", "none", "--file", self.file + "2").returncode, 3)
        self.assertEqual(sorted(n for n in os.listdir(self.vsd.prefix) if ".zst" in n), ["a.tar.zst"])

    def test_of_two_exports_to_one_file_one_has_it(self):
        for name in ("a", "b"):
            self.vsd.ok("create", name, "--template", "busybox")
            pathlib.Path(f"{self.tree(name)}/root/large").write_bytes(os.urandom(4 << 20))
        both = [subprocess.Popen([f"{BUILD}/vsctl/vsctl", "--socket", self.vsd.socket, "export", name, "--file", self.file],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for name in ("a", "b")]
        said = [process.communicate(timeout=60)[1] for process in both]
        self.assertEqual(sorted(process.returncode for process in both), [0, 4], said)
        self.assertIn(b"exists", b"".join(said))
        self.assertEqual(sorted(n for n in os.listdir(self.vsd.prefix) if ".zst" in n), ["a.tar.zst"])
        self.vsd.ok("import", self.file, "--name", "c")

    def test_a_volume_of_no_context_is_spared(self):
        whole = self.exported()
        volume = pathlib.Path(f"{self.vsd.prefix}/var/lib/vsd/volumes/a")
        (volume / "root").mkdir(parents=True)
        (volume / "root" / "file").write_text("precious")
        for words in (("import", "-"), ("create", "a", "--template", "busybox")):
            done = self.vsd.vsctl(*words, stdin=whole)
            self.assertEqual(done.returncode, 4, done.stderr)
            self.assertIn(b"has a volume 'a' already", done.stderr)
            self.assertEqual((volume / "root" / "file").read_text(), "precious")
        shutil.rmtree(volume)

    def test_an_export_that_nobody_reads_can_be_aborted(self):
        self.vsd.ok("create", "a", "--template", "busybox")
        pathlib.Path(f"{self.tree('a')}/root/large").write_bytes(os.urandom(4 << 20))
        process = subprocess.Popen([f"{BUILD}/vsctl/vsctl", "--socket", self.vsd.socket, "-q", "export", "a", "--file", "-"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 20
        while not self.vsd.json("operation", "list") and time.monotonic() < deadline:
            time.sleep(0.02)
        running = self.vsd.json("operation", "list")
        self.assertEqual([o["verb"] for o in running], ["export"])
        self.assertIn(b"is busy", self.vsd.vsctl("start", "a").stderr)
        self.vsd.ok("operation", "abort", running[0]["id"])
        self.assertIn(b"cancelled", process.communicate(timeout=30)[1])
        self.vsd.ok("start", "a")


class BadArchives(ArchiveTest):
    def test_one_that_was_cut_off_is_refused_wherever_that_was(self):
        whole = self.exported()
        manifest, tree = parts(whole)
        head = len(whole) - len(tree) - 146
        for length in (0, 4, 20, 100, head - 1, head, head + 1000, head + len(tree) // 2, head + len(tree) - 1,
                       head + len(tree), len(whole) - 64, len(whole) - 1):
            with self.subTest(length=length, of=len(whole)):
                self.refused(whole[:length], 2, "archive")
        self.assertEqual(self.vsd.vsctl("import", "-", stdin=whole).returncode, 0)

    def test_one_that_was_edited_is_refused_wherever_that_was(self):
        whole = self.exported()
        manifest, tree = parts(whole)
        head = len(whole) - len(tree) - 146
        places = [5, 10, 40, 90, head - 5, *range(head, len(whole) - 146, len(tree) // 8), len(whole) - 147,
                  len(whole) - 146, len(whole) - 140, len(whole) - 100, len(whole) - 20, len(whole) - 1]
        for place in places:
            with self.subTest(place=place, of=len(whole)):
                self.refused(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1:], 2, "archive")
        self.refused(whole + b"x", 2, "archive")
        self.refused(whole + frame(b"one more"), 2, "archive")
        other = archive_of({**json.loads(manifest), "host": "other"}, tree)
        self.refused(other[:len(other) - len(tree) - 146] + tree + whole[-146:], 2, "checksum")

    def test_what_it_wishes_is_checked_as_a_users_wish(self):
        manifest, tree = parts(self.exported())
        manifest = json.loads(manifest)

        def wish(**fields):
            return archive_of({**manifest, "definition": {**manifest["definition"], **fields}}, tree)

        for fields, said in (({"privileged": True}, "field 'privileged' is unknown"), ({"name": "../etc"}, "'../etc'"),
                             ({"hostname": "-x"}, "hostname '-x'"), ({"uuid": "none"}, "uuid 'none'"),
                             ({"template": "/x"}, "template name"), ({"command": ["sh"]}, "absolute path"),
                             ({"environment": ["=x"]}, "NAME=VALUE"), ({"limits": {"pids": 1}}, "pids"),
                             ({"restart": "maybe"}, "'maybe'"), ({"dns": ["x"]}, "name server"), ({"tags": "x"}, "tags"),
                             ({"profile": "privileged"}, "'privileged' is unknown"), ({"profile": "nesting"}, "--profile nesting")):
            with self.subTest(fields=fields):
                self.refused(wish(**fields), 2, said)
        for words, profile in ((("--profile", "nesting"), "nesting"), (("--profile", "system"), "system")):
            self.assertEqual(self.vsd.vsctl("import", "-", *words, stdin=wish(profile="nesting")).returncode, 0)
            self.assertEqual(self.definition("a")["profile"], profile)
            self.vsd.ok("remove", "-y", "a")
        self.refused(wish(), 3, "'nowhere'", "--storage", "nowhere")
        done = self.vsd.vsctl("import", "-", stdin=wish(storage="fast", size=1 << 30, idBase=5))
        self.assertIn(b"no storage 'fast'", done.stderr)
        self.assertIn(b"its size of 1.0G is no limit", done.stderr)
        made = self.definition("a")
        self.assertEqual((made["storage"], made.get("size"), made["idBase"] >= 0x80000), ("dir", None, True))

    def test_a_manifest_that_lies_is_refused(self):
        manifest, tree = parts(self.exported())
        manifest = json.loads(manifest)
        sizes = manifest["sizes"]

        def claims(**fields):
            return archive_of({**manifest, "sizes": {**sizes, **fields}}, tree)

        for archive, code, said in (
                (claims(bytes=1 << 60, disk=1 << 60), 1, "not enough space on storage 'dir'"),
                (claims(disk=(1 << 64) - 1), 1, "not enough space"),
                (claims(bytes=1 << 40), 2, "contradict"),
                (claims(bytes=sizes["bytes"] - 1), 2, "which is the most accepted"),
                (claims(entries=5), 2, "more than 5 entries"),
                (claims(largest=100), 2, "beyond the bound of 100 bytes"),
                (claims(inodes=1), 2, "unknown field 'inodes'"),
                (archive_of({**manifest, "hook": "/bin/sh"}, tree), 2, "unknown field 'hook'"),
                (archive_of({k: v for k, v in manifest.items() if k != "sizes"}, tree), 2, "'sizes'"),
                (archive_of(b"[" * 100_000, tree), 2, "nested"),
                (archive_of(b"\xff", tree), 2, "not valid JSON"),
                (archive_of(manifest, tree, form="2"), 1, "a newer vsd"),
                (archive_of(manifest, b""), 2, "archive")):
            with self.subTest(said=said):
                self.refused(archive, code, said)

    def test_a_hostile_tree_is_refused_or_made_harmless(self):
        manifest, _ = parts(self.exported())
        manifest = json.loads(manifest)
        manifest["sizes"] = {"entries": 1000, "bytes": 16 << 20, "disk": 16 << 20, "largest": 16 << 20}
        with tempfile.TemporaryDirectory() as tree:
            os.mknod(f"{tree}/zero", 0o020666, os.makedev(1, 5))
            done = self.vsd.vsctl("import", "-", stdin=archive_of(manifest, packed(tree)))
            self.assertIn(b"left out 1 entries, the first: ./zero: device node", done.stderr)
            self.assertEqual(sorted(os.listdir(self.tree("a"))), ["dev", "proc", "run", "sys", "tmp"])
            self.vsd.ok("remove", "-y", "a")
            os.symlink("/etc", f"{tree}/dev")
            self.refused(archive_of(manifest, packed(tree)), 2, "'/dev' of the tree is no plain directory")
            outside = subprocess.check_output(["tar", "-C", tree, "--transform", "s,^,../../,", "-cPf", "-", "zero"])
            self.refused(archive_of(manifest, subprocess.check_output(["zstd", "-qc"], input=outside)), 2, "is refused")

    def test_archives_of_templates_and_of_contexts_are_told_apart(self):
        whole = self.exported()
        for archive in (pathlib.Path(self.archive).read_bytes(), packed("/etc/default"), b"", b"text" * 1000):
            self.refused(archive, 2, "vsctl template import")
        before = self.vsd.json("template", "list")
        done = self.vsd.vsctl("template", "import", "t", "-", stdin=whole)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(b"'vsctl import' makes the context again", done.stderr)
        self.assertEqual(self.vsd.json("template", "list"), before)

    def test_a_full_disk_leaves_nothing(self):
        self.vsd.ok("create", "a", "--template", "busybox")
        pathlib.Path(f"{self.tree('a')}/root/large").write_bytes(os.urandom(8 << 20))
        self.vsd.ok("export", "a", "--file", self.file)
        with open("/dev/full", "wb") as full:
            done = subprocess.run([f"{BUILD}/vsctl/vsctl", "--socket", self.vsd.socket, "-q", "export", "a", "--file", "-"],
                                  stdout=full, stderr=subprocess.PIPE)
        self.assertIn(b"No space left on device", done.stderr)
        other = LocalVsd()
        state = f"{other.prefix}/var/lib/vsd"
        os.makedirs(state)
        subprocess.check_call(["mount", "-t", "tmpfs", "-o", "size=70m", "tmpfs", state])
        try:
            other.start()
            done = other.vsctl("import", self.file)
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"cannot import context 'a': not enough space on storage 'dir'", done.stderr)
            self.assertEqual((os.listdir(f"{state}/volumes"), other.json("list")), ([], []))
            subprocess.check_call(["mount", "-o", "remount,size=4m", state])
            done = self.vsd.vsctl("export", "a", "--file", f"{state}/a.tar.zst")
            self.assertIn(b"No space left on device", done.stderr)
            self.assertEqual([name for name in os.listdir(state) if "zst" in name], [])
        finally:
            other.kill()
            subprocess.call(["umount", state])
            other.close()


if __name__ == "__main__":
    unittest.main()
