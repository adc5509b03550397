"""Archives of contexts for tests: taken apart and put together again with any lie in them and right checksums."""
import hashlib
import json
import os
import stat
import struct
import subprocess

MAGIC = 0x184D2A5C
TITLE = len("vsd-context 1 \n") + 64


def checksum(data):
    return hashlib.sha256(data).hexdigest()


def frame(content):
    return struct.pack("<II", MAGIC, len(content)) + content


def parts(archive):
    """(manifest as bytes, tree as compressed bytes) of a whole archive."""
    magic, length = struct.unpack("<II", archive[:8])
    assert magic == MAGIC
    return archive[8 + TITLE:8 + length], archive[8 + length:-146]


def archive_of(manifest, tree, form="1"):
    """A whole archive with right checksums."""
    if not isinstance(manifest, bytes):
        manifest = json.dumps(manifest).encode()
    return (frame(f"vsd-context {form} {checksum(manifest)}\n".encode() + manifest) + tree
            + frame(f"vsd-end {checksum(manifest)} {checksum(tree)}\n".encode()))


def packed(tree):
    """The files below a directory as a tree of an archive."""
    tar = subprocess.check_output(["tar", "-C", tree, "--numeric-owner", "-cf", "-", "."])
    return subprocess.check_output(["zstd", "-q", "-c"], input=tar)


def fill(tree):
    """Everything below `tree` that an archive could lose."""
    def path(name):
        return os.path.join(tree, name)

    def write(name, content=b"x", mode=0o644):
        with open(path(name), "wb") as file:
            file.write(content)
        os.chmod(path(name), mode)

    os.makedirs(path("srv/" + "d" * 200 + "/" + "e" * 200), mode=0o2750)
    write("srv/" + "d" * 200 + "/" + "e" * 200 + "/" + "f" * 255)
    write("srv/setuid", mode=0o4755)
    write("srv/setgid", mode=0o2711)
    write("srv/empty", b"", 0)
    write("srv/large", os.urandom(3 << 20))
    with open(path("srv/sparse"), "wb") as file:
        file.truncate(1 << 30)
        file.seek(500 << 20)
        file.write(b"middle")
    with open(path("srv/hole"), "wb") as file:
        file.truncate(64 << 20)
    write("srv/hole-behind", b"data" * 1024)
    os.truncate(path("srv/hole-behind"), 1 << 20)
    write("srv/\u00e4\n'\\ name")
    with open(os.fsencode(tree) + b"/srv/\xff-bytes", "wb"):
        pass
    write("srv/linked", b"two names")
    os.link(path("srv/linked"), path("etc/other-name"))
    os.link(path("srv/linked"), path("srv/" + "l" * 250))
    os.symlink("/etc/passwd", path("srv/absolute"))
    os.symlink("../" * 40 + "x" * 200, path("srv/relative"))
    os.symlink("nowhere", path("srv/dangling"))
    os.mkfifo(path("srv/fifo"), 0o620)
    os.mkdir(path("srv/sticky"))
    os.chmod(path("srv/sticky"), 0o1777)
    write("srv/owned")
    os.chown(path("srv/owned"), 1000, 65534)
    os.chown(path("srv/dangling"), 33, 33, follow_symlinks=False)
    write("srv/attributed")
    os.setxattr(path("srv/attributed"), "user.comment", b"bytes \0 and more")
    os.setxattr(path("srv/attributed"), "user.empty", b"")
    os.setxattr(path("srv/sticky"), "user.large", b"v" * 2000)
    write("srv/capable", mode=0o755)
    subprocess.check_call(["setcap", "cap_net_raw+ep", path("srv/capable")])
    subprocess.check_call(["setfacl", "-m", "u:33:rw,g:44:r", path("srv/attributed")])
    subprocess.check_call(["setfacl", "-d", "-m", "u:33:rwx", path("srv/sticky")])
    for name in ("srv/owned", "srv/fifo", "srv"):
        os.utime(path(name), ns=(1234567890_123456789, 987654321_987654321))
    os.utime(path("srv/dangling"), ns=(1, 10**18 + 7), follow_symlinks=False)


def content(path, size):
    """A checksum of a small file; what stands in the middle of a large one, which is sparse here."""
    with open(path, "rb") as file:
        if size <= 64 << 20:
            return hashlib.file_digest(file, "sha256").hexdigest()
        return os.lseek(file.fileno(), 0, os.SEEK_DATA), os.pread(file.fileno(), 6, 500 << 20)


def listing(tree):
    """All that is known of every file: to be compared as a whole."""
    found, first = {}, {}
    tree = os.fsencode(tree)
    for folder, folders, files in os.walk(tree):
        for path in [folder] + [os.path.join(folder, name) for name in files + [f for f in folders if os.path.islink(os.path.join(folder, f))]]:
            status = os.lstat(path)
            kind, name = stat.S_IFMT(status.st_mode), path[len(tree):]
            one = {"mode": oct(status.st_mode), "owner": (status.st_uid, status.st_gid), "time": status.st_mtime_ns,
                   "attributes": {a: os.getxattr(path, a, follow_symlinks=False) for a in os.listxattr(path, follow_symlinks=False)}}
            if kind == stat.S_IFLNK:
                one["target"] = os.readlink(path)
            if kind == stat.S_IFREG:
                one["size"] = status.st_size
                one["is sparse"] = status.st_blocks * 512 < status.st_size // 2
                one["same as"] = first.setdefault(status.st_ino, name)
                one["names"] = status.st_nlink
                one["content"] = content(path, status.st_size)
            found[name] = one
    return found


def changes(before, after):
    """Path, field and both values of each difference between two listings."""
    return {(path, field): (before.get(path, {}).get(field), after.get(path, {}).get(field))
            for path in before.keys() | after.keys() for field in before.get(path, after.get(path))
            if before.get(path, {}).get(field) != after.get(path, {}).get(field)}
