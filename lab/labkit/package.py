"""Builds the Debian package of the checkout in the build root, again and again in the same place.

    ~/.cache/vsd-lab/build/HASH-OF-CHECKOUT/tree/   copy of the working tree, and what the build makes in it
    ~/.cache/vsd-lab/build/HASH-OF-CHECKOUT/files   what the copy consists of, with what each was copied from: so removed files go, changed ones come
    ~/.cache/vsd-lab/build/HASH-OF-CHECKOUT/checkout  whose copy it is (pruning.py)
    ~/.cache/vsd-lab/build/HASH-OF-CHECKOUT/built   in which build root the copy, as it is, was built; absent when it was not
    ~/.cache/vsd-lab/ccache/                        of all checkouts
"""
import json
import os
import pathlib
import shutil
import subprocess

from labkit import buildroot, cage, config
from labkit.cache import key_of, locked
from labkit.cage import CagedWork
from labkit.command import run
from labkit.report import LabError, last_lines, say

# debhelper notes a finished build and skips it next time: we want ninja to decide.
_SCRIPT = """set -e
rm -rf debian/.debhelper debian/debhelper-build-stamp debian/files debian/tmp debian/*.debhelper* debian/*.substvars
for package in $(sed -n 's/^Package: *//p' debian/control); do rm -rf "debian/$package"; done
rm -f ../*.deb ../*.buildinfo ../*.changes
dpkg-buildpackage --build=binary --no-sign --no-pre-clean --no-check-builddeps
"""


def build(checkout=config.CHECKOUT):
    """Builds and gives the path of the package in CHECKOUT/build/deb/."""
    checkout = pathlib.Path(checkout)
    root = buildroot.entry().path() / "root"
    place = config.CACHE / "build" / key_of(str(checkout))
    ccache = config.CACHE / "ccache"
    ccache.mkdir(parents=True, exist_ok=True)
    with locked(place.with_name(place.name + ".lock")):
        copy_tree(checkout, place)
        (place / "checkout").write_text(str(checkout))
        _find_packaging(place / "tree", checkout)
        built = place / "built"
        if not built.exists() or built.read_text() != str(root):
            say("building the package")
            CagedWork(lambda: _build_in(root, place, ccache, place / "log")).wait()
            built.write_text(str(root))
        return _collect(place, checkout / "build" / "deb")


def _find_packaging(tree, checkout):
    """dpkg wants debian/ at the top; a tree may keep it as packaging/debian."""
    if not os.path.lexists(tree / "debian") and (tree / "packaging/debian").is_dir():
        (tree / "debian").symlink_to("packaging/debian")
    if not (tree / "debian/control").exists():
        raise LabError(f"cannot build the package: '{checkout}' has neither debian/control nor packaging/debian/control")


def copy_tree(checkout, place):
    """Copies what git tracks or would track; a file that has not changed keeps its copy, and so its time.

    A copy has the time of its making: one with the time of an edit that was made while a build ran would be older than what that
    build made of the text before, and ninja would keep it.
    """
    listing = run(["git", "-C", checkout, "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                  f"list the files of '{checkout}'")
    names = sorted(name for name in set(listing.split("\0")) - {""} if _is_file_or_link(checkout / name))
    tree, record = place / "tree", place / "files"
    tree.mkdir(parents=True, exist_ok=True)
    before = _read_record(record)
    gone = [name for name in set(before) - set(names) if _is_file_or_link(tree / name)]
    sources = {name: _state_of(checkout / name) for name in names}
    changed = [name for name in names if sources[name] != before.get(name) or not os.path.lexists(tree / name)]
    if gone or changed:
        (place / "built").unlink(missing_ok=True)
    for name in gone:
        (tree / name).unlink()
    # Before the copies, too: what is copied is on record even if we are interrupted.
    record.write_text(json.dumps({name: before.get(name) if name not in changed else None for name in names}))
    for name in changed:
        _copy(checkout / name, tree / name)
    record.write_text(json.dumps(sources))


def _is_file_or_link(path):
    return path.is_symlink() or path.is_file()


def _state_of(source):
    found = os.lstat(source)
    return [found.st_size, found.st_mtime_ns, found.st_mode]


def _read_record(record):
    try:
        return json.loads(record.read_text())
    except (FileNotFoundError, ValueError):
        return {}


def _copy(source, copy):
    if os.path.lexists(copy):
        if copy.is_dir() and not copy.is_symlink():
            shutil.rmtree(copy)
        else:
            copy.unlink()
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, copy, follow_symlinks=False)


def _build_in(root, place, ccache, log):
    for kind, target in (("proc", "proc"), ("tmpfs", "tmp"), ("tmpfs", "run")):
        cage.mount(kind, root / target, kind)
    cage.bind("/dev", root / "dev")
    cage.bind(place, root / "build")
    cage.bind(ccache, root / "ccache")
    os.chroot(root)
    os.chdir("/build/tree")
    environment = {"PATH": "/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/build", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
                   "CCACHE_DIR": "/ccache", "DEB_BUILD_OPTIONS": f"nocheck noautodbgsym parallel={os.cpu_count()}", "DEBIAN_FRONTEND": "noninteractive",
                   # Symbols would only be stripped again.
                   "DEB_CXXFLAGS_APPEND": "-g0",
                   # Packages for the lab are unpacked once: smaller is not worth the time.
                   "DPKG_DEB_COMPRESSOR_TYPE": "gzip", "DPKG_DEB_COMPRESSOR_LEVEL": "1"}
    with open("/build/log", "w") as output:
        done = subprocess.run(["/bin/sh", "-c", _SCRIPT], env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    if done.returncode:
        raise LabError(f"the package does not build; the end of {log}:\n{last_lines('/build/log', 40)}")


def _collect(place, folder):
    folder.mkdir(parents=True, exist_ok=True)
    packages = [path for path in sorted(place.glob("*.deb")) if "-dbgsym_" not in path.name]
    if not packages:
        raise LabError(f"the build made no package; see {place / 'log'}")
    for old in folder.glob("*.deb"):
        old.unlink()
    for path in packages:
        shutil.copy2(path, folder / path.name)
    main = next((path for path in packages if path.name.startswith("vsd_")), packages[0])
    return folder / main.name
