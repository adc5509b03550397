"""The package mirror inside the lab: a small signed Debian archive of two suites.

apt itself resolves the sets of lab/mirror-packages.txt against an empty system, downloads them, and its own
records of them become the Packages file; so the mirror holds what mmdebstrap will ask for, and no more.

    ENTRY/debian/pool/...                  as on the server that it came from
    ENTRY/debian/dists/SUITE/InRelease     signed with the lab's own key
"""
import email.utils
import gzip
import hashlib
import lzma
import os
import subprocess
import urllib.parse

from labkit import config, keys
from labkit.cache import Entry, key_of
from labkit.command import run
from labkit.report import LabError, say

SETS = config.LAB_DIR / "mirror-packages.txt"
DEBIAN_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# What every system starts from: mmdebstrap's variant minbase.
MINIMAL = ["?or(?essential,?priority(required))", "apt"]


def key():
    this_module = config.LAB_DIR / "labkit" / "mirror.py"
    return key_of(SETS, this_module, keys.archive_key() / "keyring.gpg")


def entry():
    return Entry("mirror", key(), _make)


def _sets():
    """[(suite, [package...])...]"""
    sets = []
    for words in config.listed(SETS):
        colon = next((n for n, word in enumerate(words) if word.endswith(":")), None)
        if colon is None:
            raise LabError(f"'{SETS}': no 'SUITE:' in the line '{' '.join(words)}'")
        sets += [(suite, words[colon + 1:]) for suite in " ".join(words[:colon + 1]).rstrip(":").split()]
    return sets


def _make(folder):
    say("making the package mirror")
    archive = folder / "debian"
    for suite in sorted({suite for suite, _ in _sets()}):
        apt = Apt(folder / f"apt-{suite}", suite)
        wanted = {}
        for packages in [[]] + [packages for of, packages in _sets() if of == suite]:
            wanted.update(apt.resolve(packages))
        _write_suite(archive, suite, apt.fetch(wanted, archive))
        apt.remove()
    say("the package mirror is made")


class Apt:
    """apt with a state of its own: one suite, nothing installed."""

    def __init__(self, folder, suite):
        self._folder = folder
        self._suite = suite
        for path in ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/trusted.gpg.d", "lists/partial", "archives/partial", "dpkg"):
            (folder / path).mkdir(parents=True)
        (folder / "dpkg/status").touch()
        (folder / "sources.list").write_text(f"deb [signed-by={DEBIAN_KEYRING}] {config.DEBIAN} {suite} main\n")
        (folder / "apt.conf").write_text(f'''
            Dir::Etc "{folder}/etc/apt"; Dir::Etc::sourcelist "{folder}/sources.list"; Dir::Etc::sourceparts "/dev/null";
            Dir::State "{folder}"; Dir::State::lists "{folder}/lists"; Dir::State::status "{folder}/dpkg/status";
            Dir::Cache "{folder}"; Dir::Cache::archives "{folder}/archives"; Dir::Log "{folder}";
            APT::Architecture "amd64"; APT::Architectures {{ "amd64"; }};
            APT::Install-Recommends "false"; APT::Sandbox::User "root"; Acquire::Languages "none"; Debug::NoLocking "true";
        ''')
        self._apt("apt-get", "update", what="read the package lists")

    def _apt(self, program, *arguments, what):
        return run([program, *arguments], f"{what} of {self._suite}", env=dict(os.environ, APT_CONFIG=str(self._folder / "apt.conf")))

    def resolve(self, packages):
        """{file name in apt's cache: (url, name, version)} of the packages and all that they need."""
        lines = self._apt("apt-get", "install", "-y", "-qq", "--print-uris", *MINIMAL, *packages,
                          what=f"resolve '{' '.join(packages) or 'the minimal system'}'").splitlines()
        files = {}
        for line in lines:
            url, file, *_ = line.split()
            name, version, _ = (urllib.parse.unquote(part) for part in file.split("_"))
            files[file] = (url.strip("'"), name, version)
        return files

    def fetch(self, files, archive):
        """Downloads the files to their places in the archive; gives their records, one text each."""
        names = [f"{name}={version}" for _, name, version in files.values()]
        downloads = self._folder / "archives"
        run(["apt-get", "download", "-qq", *names], f"download the packages of {self._suite}", cwd=downloads,
            env=dict(os.environ, APT_CONFIG=str(self._folder / "apt.conf")))
        records = self._apt("apt-cache", "show", "--no-all-versions", *names, what="read the records").strip().split("\n\n")
        by_identity = {(_field(record, "Package"), _field(record, "Version")): record for record in records}
        for file, (_, name, version) in files.items():
            place = archive / _field(by_identity[name, version], "Filename")
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(downloads / file, place)
        return sorted(by_identity.values())

    def remove(self):
        subprocess.run(["rm", "-rf", str(self._folder)], check=True)


def _field(record, name):
    for line in record.splitlines():
        if line.startswith(name + ": "):
            return line[len(name) + 2:]
    raise LabError(f"a package record without '{name}':\n{record}")


def _write_suite(archive, suite, records):
    dists = archive / "dists" / suite
    index = dists / "main/binary-amd64"
    index.mkdir(parents=True)
    packages = ("\n\n".join(records) + "\n\n").encode()
    (index / "Packages").write_bytes(packages)
    (index / "Packages.gz").write_bytes(gzip.compress(packages))
    (index / "Packages.xz").write_bytes(lzma.compress(packages))
    sums = "".join(f" {hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_size} {path.relative_to(dists)}\n"
                   for path in sorted(index.iterdir()))
    (dists / "Release").write_text(
        f"Origin: vsd-lab\nLabel: vsd-lab\nSuite: {suite}\nCodename: {suite}\nDate: {email.utils.formatdate(usegmt=True)}\n"
        f"Architectures: amd64\nComponents: main\nAcquire-By-Hash: no\nSHA256:\n{sums}")
    home = keys.archive_key() / "gnupg"
    keys.gpg(home, "--clearsign", "--output", dists / "InRelease", dists / "Release")
    keys.gpg(home, "--armor", "--detach-sign", "--output", dists / "Release.gpg", dists / "Release")
