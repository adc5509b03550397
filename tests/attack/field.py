"""Where the attacks take place: contexts of a small template on a host of the lab, and the two sides' points of view.

Inside, everything is tried as the context's root. What came of it is looked up on the host, by the host's root.
"""
import io
import os
import tarfile
import tempfile
import unittest

from support.hosts import BUILD, SLEEPER, LabVsd, busybox_archive

VSD = LabVsd("h1")
TEMPLATE = "attack"
SCOPES = "/sys/fs/cgroup/vs.slice"
VOLUMES = "/var/lib/vsd/volumes"


def install_probe(tree):
    with open(f"{BUILD}/tests/attack/vsprobe", "rb") as program, open(f"{tree}/bin/vsprobe", "wb") as copy:
        copy.write(program.read())
    os.chmod(f"{tree}/bin/vsprobe", 0o755)


def host(script):
    """What a shell script of the host's root prints."""
    done = VSD.run("sh", "-c", script)
    if done.returncode != 0:
        raise AssertionError(f"on the host: {script}: exit {done.returncode}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode(errors="replace")


def import_archive(name, data):
    return VSD.vsctl("template", "import", name, "-", "--init", "command", "--", *SLEEPER, stdin=data)


def clean():
    for context in VSD.json("list"):
        if context["definition"]["template"].startswith(TEMPLATE):
            VSD.vsctl("remove", "--kill", "-y", context["definition"]["name"])
    for template in VSD.json("template", "list"):
        if template["name"].startswith(TEMPLATE):
            VSD.vsctl("template", "remove", "-y", template["name"])


def begin():
    clean()
    with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
        busybox_archive(archive.name, install_probe)
        with open(archive.name, "rb") as bytes_:
            done = import_archive(TEMPLATE, bytes_.read())
    assert done.returncode == 0, done.stderr.decode()


def tree_with(members):
    """The usual archive with other members: a name to a link's target, to bytes, or to None for a directory."""
    with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
        busybox_archive(archive.name, install_probe)
        out = io.BytesIO()
        tops = {name.split("/")[0] for name in members if "/" not in name}
        with tarfile.open(archive.name) as usual, tarfile.open(fileobj=out, mode="w") as made:
            for member in usual:
                name = member.name.removeprefix("./")
                if name.split("/")[0] not in tops and name not in members:
                    made.addfile(member, usual.extractfile(member) if member.isreg() else None)
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                member.mode = 0o755
                if isinstance(content, str):
                    member.type, member.linkname = tarfile.SYMTYPE, content
                elif content is None:
                    member.type = tarfile.DIRTYPE
                else:
                    member.size = len(content)
                made.addfile(member, io.BytesIO(content) if isinstance(content, bytes) else None)
        return out.getvalue()


class Attack(unittest.TestCase):
    """c1 attacks, c2 must not notice."""
    vsd = VSD
    contexts = {"c1": (), "c2": ()}  # with their flags

    @classmethod
    def setUpClass(cls):
        for name, flags in cls.contexts.items():
            cls.make(name, *flags)

    @classmethod
    def tearDownClass(cls):
        VSD.ok("remove", "--kill", "-y", *cls.contexts)

    @classmethod
    def make(cls, name, *flags, template=TEMPLATE):
        VSD.ok("create", name, "--template", template, "--start", *flags)

    def extra(self, name, *flags, template=TEMPLATE):
        """One more context, for this test alone."""
        self.addCleanup(VSD.vsctl, "remove", "--kill", "-y", name)
        self.make(name, *flags, template=template)

    def inside(self, script, *flags, context="c1", **options):
        return VSD.vsctl("exec", *flags, context, "--", "sh", "-c", script, **options)

    def probe(self, *words, context="c1"):
        """The lines of vsprobe, as a list of (name, answer)."""
        text = VSD.ok("exec", context, "--", "vsprobe", *words)
        return [tuple(line.split(" ", 1)) for line in text.splitlines()]

    def init(self, context):
        return VSD.show(context)["pid"]

    def payload(self, context):
        return f"{SCOPES}/vs-{context}.scope/payload"

    def pids(self, context):
        return host(f"find {self.payload(context)} -name cgroup.procs -exec cat {{}} +").split()

    def status(self, pid, *fields):
        lines = dict(line.split(":\t", 1) for line in host(f"cat /proc/{pid}/status").splitlines() if ":\t" in line)
        return tuple(lines[field].strip() for field in fields)
