"""Keys of the lab's own: one for ssh into hosts, one that signs the package mirror."""
import os

from labkit.cache import Entry
from labkit.command import run


def ssh_key():
    """The private key file; its public half is in the image of the hosts."""
    def make(folder):
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "vsd-lab", "-f", folder / "id_ed25519"], "make an ssh key")
    return Entry("key", "ssh", make).path() / "id_ed25519"


def archive_key():
    """A folder: `gnupg/` with the secret key, `keyring.gpg` with the public one."""
    def make(folder):
        home = folder / "gnupg"
        home.mkdir(mode=0o700)
        gpg(home, "--quick-generate-key", "vsd lab archive <lab@localhost>", "ed25519", "sign", "never")
        (folder / "keyring.gpg").write_bytes(b"")
        gpg(home, "--yes", "--output", folder / "keyring.gpg", "--export")
    return Entry("key", "archive", make).path()


def gpg(home, *arguments):
    """gpg with its own home; the agent it starts dies with the cage we are in."""
    argv = ["gpg", "--homedir", home, "--batch", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback", *arguments]
    return run(argv, "use the key of the package mirror", env=dict(os.environ, GNUPGHOME=str(home)))
