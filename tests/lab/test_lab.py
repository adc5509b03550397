#!/usr/bin/python3
"""The lab tested through its own command line. Needs root; takes minutes, most of it one real boot.

    tests/lab/test_lab.py [-v] [CLASS[.TEST]]
"""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

LAB = pathlib.Path(__file__).resolve().parents[2] / "lab" / "lab"
STATE = pathlib.Path("/run/vsd-lab")


def lab(*words, name="selftest", data=b"", check=True):
    """Runs a command of the lab `name`; gives the finished process, with bytes in stdout and stderr."""
    done = subprocess.run([LAB, *words], env=dict(os.environ, LAB=name), input=data, capture_output=True, timeout=580)
    if check and done.returncode:
        raise AssertionError(f"lab {' '.join(map(str, words))}: {done.returncode}\n{done.stderr.decode()}")
    return done


def output(*words, **options):
    return lab(*words, **options).stdout.decode().strip()


def namespace_of(pid, kind):
    try:
        return os.readlink(f"/proc/{pid}/ns/{kind}")
    except OSError:
        return None


def processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def cages():
    """The PID namespaces other than ours that hold a process: every lab, and every image being made, is one."""
    return {namespace_of(pid, "pid") for pid in processes()} - {None, namespace_of("self", "pid")}


def taps():
    return {name for name in os.listdir("/sys/class/net") if name.startswith(("h1", "h2", "br-"))}


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.1)


def setUpModule():
    lab("up", "2")


def tearDownModule():
    lab("down")


class Commands(unittest.TestCase):
    def test_arguments_arrive_as_they_were_given(self):
        words = ["a b", "", "*", "$HOME", "'", '"', "\\", "a\nb", "-t", "--", "ü", ";", "~"]
        got = lab("run", "h1", "sh", "-c", 'printf "%s\\0" "$0" "$@"', *words).stdout
        self.assertEqual(got.decode().split("\0")[:-1], words)

    def test_the_exit_code_is_the_commands(self):
        for code in (0, 1, 7, 126, 200):
            self.assertEqual(lab("run", "h1", "sh", "-c", f"exit {code}", check=False).returncode, code)

    def test_an_unknown_command_exits_with_127(self):
        self.assertEqual(lab("run", "h1", "no-such-command", check=False).returncode, 127)

    def test_streams_are_binary_clean_and_apart(self):
        data = os.urandom(300_000)
        done = lab("run", "h2", "sh", "-c", "cat; echo problem >&2", data=data)
        self.assertEqual(done.stdout, data)
        self.assertEqual(done.stderr, b"problem\n")

    def test_a_terminal_is_given_when_asked_for(self):
        self.assertEqual(output("run", "-t", "h1", "sh", "-c", "test -t 1 && echo tty"), "tty")
        self.assertEqual(lab("run", "h1", "test", "-t", "1", check=False).returncode, 1)

    def test_the_client_has_its_own_address_and_reaches_hosts(self):
        self.assertIn("10.77.0.100", output("client", "ip", "-4", "address", "show", "mgmt0"))
        self.assertEqual(output("client", "bash", "-c", "exec 3<>/dev/tcp/10.77.0.11/22; head -c 7 <&3"), "SSH-2.0")

    def test_the_client_passes_arguments_and_exit_codes(self):
        self.assertEqual(lab("client", "sh", "-c", 'test "$0" = "a b" && exit 9', "a b", check=False).returncode, 9)
        self.assertEqual(lab("client", "no-such-command", check=False).returncode, 127)

    def test_wrong_words_are_usage_errors(self):
        for words in (["dance"], ["run"], ["run", "h1"], ["cut", "h1", "everything"], ["up", "many"]):
            self.assertEqual(lab(*words, check=False).returncode, 2, words)

    def test_a_host_that_is_not_there_is_named(self):
        done = lab("run", "h9", "true", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"no host 'h9' in this lab: it has h1 h2", done.stderr)

    def test_a_lab_that_is_not_up_is_named(self):
        done = lab("run", "h1", "true", name="selftest-none", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"lab 'selftest-none' is not up", done.stderr)


class Hosts(unittest.TestCase):
    def test_each_has_its_own_identity_and_the_true_time(self):
        machine_ids = set()
        for index, host in enumerate(("h1", "h2"), 1):
            self.assertEqual(output("run", host, "hostname"), host)
            self.assertIn(f"10.77.0.{10 + index}/", output("run", host, "ip", "-4", "-o", "address"))
            self.assertIn(f":{host}", output("run", host, "cat", "/etc/iscsi/initiatorname.iscsi"))
            self.assertLess(abs(float(output("run", host, "date", "+%s.%N")) - time.time()), 3)
            machine_ids.add(output("run", host, "cat", "/etc/machine-id"))
        self.assertEqual(len(machine_ids), 2)

    def test_the_lun_is_one_disk_of_all(self):
        name = f"mark {time.time()}"
        lab("run", "h1", "dd", "of=/dev/sda", "bs=4096", "seek=1000", "conv=sync", "oflag=direct", "status=none", data=name.encode())
        got = lab("run", "h2", "dd", "if=/dev/sda", "bs=4096", "skip=1000", "count=1", "iflag=direct", "status=none").stdout
        self.assertEqual(got.rstrip(b"\0").decode(), name)

    def test_the_trunk_carries_tagged_frames(self):
        for host, address in (("h1", "10.99.0.1/24"), ("h2", "10.99.0.2/24")):
            lab("run", host, "sh", "-c", f"ip link add link trunk0 name v99 type vlan id 99 && ip address add {address} dev v99 && ip link set v99 up")
        try:
            lab("run", "h1", "ping", "-c1", "-W5", "10.99.0.2")
        finally:
            for host in ("h1", "h2"):
                lab("run", host, "ip", "link", "delete", "v99")

    def test_the_package_mirror_answers_with_signed_lists(self):
        lab("run", "h1", "apt-get", "update", "-qq")
        self.assertIn("10.77.0.1:8000", output("run", "h1", "apt-cache", "policy", "busybox-static"))

    def test_a_watchdog_is_there(self):
        self.assertIn("i6300ESB", output("run", "h1", "cat", "/sys/class/watchdog/watchdog0/identity"))


class Copies(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        lab("run", "h1", "rm", "-rf", "/srv/copies")
        lab("run", "h1", "mkdir", "-p", "/srv/copies/inside")

    def test_a_file_keeps_content_and_mode_under_a_new_name(self):
        source = self.folder / "a file"
        source.write_bytes(os.urandom(50_000))
        source.chmod(0o751)
        lab("push", "h1", source, "/srv/copies/new name")
        lab("pull", "h1", "/srv/copies/new name", self.folder / "back")
        self.assertEqual((self.folder / "back").read_bytes(), source.read_bytes())
        self.assertEqual((self.folder / "back").stat().st_mode & 0o777, 0o751)

    def test_a_directory_destination_receives_the_source_under_its_name(self):
        tree = self.folder / "tree"
        (tree / "sub").mkdir(parents=True)
        (tree / "sub/file").write_text("x")
        (tree / "link").symlink_to("sub/file")
        lab("push", "h1", tree, "/srv/copies/inside")
        self.assertEqual(output("run", "h1", "readlink", "/srv/copies/inside/tree/link"), "sub/file")
        back = self.folder / "back"
        back.mkdir()
        lab("pull", "h1", "/srv/copies/inside/tree", back)
        self.assertEqual((back / "tree/sub/file").read_text(), "x")
        self.assertTrue((back / "tree/link").is_symlink())

    def test_what_is_missing_is_named_and_changes_nothing(self):
        self.assertIn(b"cannot push '/no/such'", lab("push", "h1", "/no/such", "/srv/copies/x", check=False).stderr)
        self.assertIn(b"cannot pull '/no/such'", lab("pull", "h1", "/no/such", self.folder / "x", check=False).stderr)
        self.assertFalse((self.folder / "x").exists())


class Packages(unittest.TestCase):
    PROJECT = {
        "debian/control": "Source: lab-selftest\nMaintainer: lab <lab@localhost>\nBuild-Depends: debhelper-compat (= 13), meson\n\n"
                          "Package: lab-selftest\nArchitecture: amd64\nDepends: ${shlibs:Depends}\nDescription: self test\n",
        "debian/changelog": "lab-selftest (1) unstable; urgency=low\n\n  * One.\n\n -- lab <lab@localhost>  Mon, 01 Jan 2024 00:00:00 +0000\n",
        "debian/rules": "#!/usr/bin/make -f\n%:\n\tdh $@ --buildsystem=meson\n",
        "meson.build": "project('selftest', 'cpp')\nexecutable('lab-selftest', 'main.cpp', install: true)\n",
        "main.cpp": "#include <cstdio>\nint main() { std::puts(TEXT); }\n".replace("TEXT", '"one"'),
        ".gitignore": "/build/\n",
    }

    def test_a_tree_is_built_again_after_a_change_and_deployed_to_all_hosts(self):
        tree = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, tree)
        subprocess.run(["git", "init", "-q", tree], check=True)
        for name, text in self.PROJECT.items():
            (tree / name).parent.mkdir(exist_ok=True)
            (tree / name).write_text(text)
        (tree / "debian/rules").chmod(0o755)
        lab("build-deb", tree)
        (tree / "main.cpp").write_text(self.PROJECT["main.cpp"].replace("one", "two"))
        deb = output("build-deb", tree)
        self.assertEqual(deb, f"{tree}/build/deb/lab-selftest_1_amd64.deb")
        lab("deploy", deb)
        for host in ("h1", "h2"):
            self.assertEqual(output("run", host, "lab-selftest"), "two")
            self.assertIn('mirror = "http://10.77.0.1:8000/debian"', output("run", host, "cat", "/etc/vsd/vsd.toml.d/50-lab.toml"))

    def test_a_package_that_does_not_build_shows_the_compilers_words(self):
        tree = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, tree)
        subprocess.run(["git", "init", "-q", tree], check=True)
        done = lab("build-deb", tree, check=False)
        self.assertIn(b"neither debian/control nor packaging/debian/control", done.stderr)
        for name, text in self.PROJECT.items():
            (tree / "packaging" / name if name.startswith("debian") else tree / name).parent.mkdir(exist_ok=True, parents=True)
            (tree / "packaging" / name if name.startswith("debian") else tree / name).write_text(text)
        (tree / "packaging/debian/rules").chmod(0o755)
        (tree / "main.cpp").write_text("int main() { return nonsense; }")
        done = lab("build-deb", tree, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"nonsense", done.stderr)


class Faults(unittest.TestCase):
    READ = ["dd", "if=/dev/sda", "of=/dev/null", "bs=4096", "count=1", "iflag=direct", "status=none"]

    def test_a_cut_net_stops_traffic_but_neither_ssh_nor_the_lun(self):
        lab("run", "h2", "ping", "-c1", "-W5", "10.77.0.11")
        lab("cut", "h1", "net")
        try:
            self.assertNotEqual(lab("run", "h2", "ping", "-c1", "-W2", "10.77.0.11", check=False).returncode, 0)
            self.assertEqual(output("run", "h1", "cat", "/sys/class/net/mgmt0/carrier", "/sys/class/net/trunk0/carrier"), "0\n0")
            lab("run", "h1", *self.READ)
            self.assertIn("cut: net", output("status"))
        finally:
            lab("heal", "h1", "net")
        lab("run", "h2", "ping", "-c1", "-W10", "10.77.0.11")

    def test_a_cut_lun_fails_reads_after_the_replacement_timeout_and_heals(self):
        lab("cut", "h2", "lun")
        try:
            self.assertNotEqual(lab("run", "h2", "timeout", "60", *self.READ, check=False).returncode, 0)
            lab("run", "h2", "ping", "-c1", "-W5", "10.77.0.11")
            lab("run", "h1", *self.READ)
        finally:
            lab("heal", "h2", "lun")
        wait_until(lambda: lab("run", "h2", "timeout", "5", *self.READ, check=False).returncode == 0, 60, "the LUN answers again")

    def test_a_crash_loses_what_was_not_flushed_and_keeps_what_was(self):
        lab("run", "h2", "sh", "-c", "echo kept > /root/flushed; sync; touch /run/gone; echo lost > /root/not-flushed")
        lab("crash", "h2")
        done = lab("run", "h2", "true", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"host 'h2' is down", done.stderr)
        self.assertIn("down", output("status").splitlines()[-1])
        self.assertEqual(lab("crash", "h2", check=False).returncode, 1)
        lab("boot", "h2")
        self.assertEqual(output("run", "h2", "cat", "/root/flushed"), "kept")
        self.assertEqual(lab("run", "h2", "test", "-e", "/run/gone", check=False).returncode, 1)
        self.assertEqual(lab("run", "h2", "test", "-s", "/root/not-flushed", check=False).returncode, 1)
        lab("run", "h2", *self.READ)


class Lives(unittest.TestCase):
    """Labs of their own, that come and go: nothing may be left of them."""

    def setUp(self):
        self.before = cages()

    def nothing_left(self, name):
        return cages() <= self.before and not taps() and not (STATE / name / "lab.json").exists()

    def test_two_labs_side_by_side_do_not_meet(self):
        lab("up", "1", name="selftest-b")
        try:
            self.assertFalse(cages() <= self.before, "a lab's processes cannot be seen, so their absence proves nothing")
            lab("run", "h1", "touch", "/run/only-here", name="selftest-b")
            self.assertEqual(lab("run", "h1", "test", "-e", "/run/only-here", check=False).returncode, 1)
            lab("run", "h1", "dd", "of=/dev/sda", "bs=4096", "seek=5", "conv=sync", "oflag=direct", "status=none", data=b"b", name="selftest-b")
            here = lab("run", "h1", "dd", "if=/dev/sda", "bs=4096", "skip=5", "count=1", "iflag=direct", "status=none").stdout
            self.assertEqual(here, b"\0" * 4096)
            self.assertLessEqual({"selftest", "selftest-b"}, set(output("list").split()))
        finally:
            lab("down", name="selftest-b")
        self.assertNotIn("selftest-b", output("list").split())
        wait_until(lambda: self.nothing_left("selftest-b"), 10, "nothing is left of a lab that was ended")
        lab("run", "h1", "true")

    def interrupted_up(self, number, after):
        name = "selftest-c"
        # Who runs us in the background may have Ctrl-C ignored, and that is inherited.
        up = subprocess.Popen([LAB, "up", "1"], env=dict(os.environ, LAB=name), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self.addCleanup(lab, "down", name=name, check=False)
        try:
            wait_until(lambda: (STATE / name / "lab.json").exists(), 30, "the keeper started")
            time.sleep(after)
            self.assertIsNone(up.poll(), "the lab was complete before it could be interrupted")
        finally:
            up.send_signal(number)
            code = up.wait(30)
        wait_until(lambda: self.nothing_left(name), 20, "nothing is left of an interrupted 'up'")
        self.assertIn("is not up", lab("status", name=name, check=False).stdout.decode())
        self.assertFalse((STATE / name).exists())
        return code

    def test_ctrl_c_leaves_nothing(self):
        self.assertEqual(self.interrupted_up(signal.SIGINT, 0.5), 130)

    def test_kill_9_at_once_leaves_nothing(self):
        self.interrupted_up(signal.SIGKILL, 0)

    def test_kill_9_while_a_host_starts_leaves_nothing(self):
        self.interrupted_up(signal.SIGKILL, 1)

    def test_kill_9_while_the_image_is_made_leaves_no_process(self):
        cache = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, cache)
        up = subprocess.Popen([LAB, "up", "1"], env=dict(os.environ, LAB="selftest-e", XDG_CACHE_HOME=cache), stdin=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: list(pathlib.Path(cache).glob("vsd-lab/image/*.tmp/root/etc")), 30, "mmdebstrap is at work")
            self.assertFalse(cages() <= self.before)
        finally:
            up.kill()
            up.wait()
        wait_until(lambda: cages() <= self.before, 20, "mmdebstrap and what it started are gone")

    def test_a_keeper_that_was_killed_leaves_files_that_any_command_removes(self):
        name = "selftest-d"
        lab("up", "1", name=name)
        keeper = int(output("status", name=name).split("keeper ")[1].split(",")[0])
        os.kill(keeper, signal.SIGKILL)
        wait_until(lambda: cages() <= self.before, 20, "its processes are gone")
        lab("list")
        self.assertFalse((STATE / name).exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
