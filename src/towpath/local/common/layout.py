"""Paths of a local stack, and the names of its parts outside of its folder (bridge, cgroup, subnet)."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from towpath.errors import MissingPartError

DEFAULT_HOME = Path("~/.local/share/towpath")
_SOCKET_PATH_LIMIT = 107
"""Bytes that a Unix socket's path may have."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths below `root`, which is `<TOWPATH_HOME>/local`."""

    root: Path

    @property
    def data(self) -> Path:
        """Databases, images, certificates. `down` keeps them, `down --purge` removes them."""
        return self.root / "data"

    @property
    def run(self) -> Path:
        """Sockets, generated configuration, finished steps of this boot. `down` removes them."""
        return self.root / "run"

    @property
    def log(self) -> Path:
        """One log per component."""
        return self.root / "log"

    @property
    def credentials(self) -> Path:
        """Certificates and kubeconfigs, each readable by its owner alone."""
        return self.root / "credentials"

    @property
    def git(self) -> Path:
        """Bare repositories."""
        return self.root / "git"

    @property
    def settings(self) -> Path:
        """File of the variables that other verbs read from the running stack."""
        return self.root / "settings.json"

    @property
    def options(self) -> Path:
        """File of the options that the stack was started with."""
        return self.root / "stack.json"

    @property
    def lock(self) -> Path:
        """Lock file that `up` and `down` hold."""
        return self.root / "lock"

    @property
    def keys(self) -> Path:
        """Private keys of the agents, each in a folder of its own. `down` keeps them, too."""
        return self.credentials / "keys"

    def signing_key(self, pool: str) -> Path:
        """The private key of a pool's agent."""
        return self.keys / pool / pool

    @property
    def trusted_keys(self) -> Path:
        """The public keys that all agents trust."""
        return self.keys / "allowed_signers"

    def kubeconfig(self, account: str) -> Path:
        """Kubeconfig of `admin` or of an environment."""
        return self.credentials / account / "kubeconfig"

    def home_of(self, name: str) -> Path:
        """The home folder of a component."""
        return self.data / "home" / name

    @property
    def opened(self) -> Path:
        """Folders outside of the stack that its users were let through."""
        return self.root / "opened.json"

    @property
    def git_config(self) -> Path:
        """Git's configuration for the agents, which do not own the repositories."""
        return self.run / "gitconfig"

    def user(self, role: str) -> str:
        """Name of the operating-system user of a role."""
        return f"towpath-{self.identity}-{role}"

    def socket(self, component: str) -> Path:
        """Unix socket of a component."""
        return self.run / f"{component}.sock"

    @property
    def identity(self) -> str:
        """Six characters that differ between two stacks on one machine."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:6]

    @property
    def is_default(self) -> bool:
        """Is this the stack of the default TOWPATH_HOME?"""
        return self.root == DEFAULT_HOME.expanduser() / "local"

    @property
    def bridge(self) -> str:
        """Network interface that connects the pods; a name has 15 characters at most."""
        return "towpath0" if self.is_default else f"towpath-{self.identity}"

    @property
    def cgroup(self) -> str:
        """Cgroup, in every hierarchy, above all containers of the stack."""
        return f"towpath-{self.identity}"

    @property
    def subnet(self) -> str:
        """Default network of the pods: each stack its own, away from common defaults."""
        return "10.244.77.0/24" if self.is_default else f"10.244.{80 + int(self.identity, 16) % 170}.0/24"

    def create(self) -> None:
        """Create the folders with mode 0700. MissingPartError when the path is too long for Unix sockets."""
        longest = len(str(self.run / "containerd" / "containerd.sock.ttrpc"))
        if longest > _SOCKET_PATH_LIMIT:
            raise MissingPartError(
                f"the path {self.root} is too long for Unix sockets by {longest - _SOCKET_PATH_LIMIT} bytes",
                remedy="Set TOWPATH_HOME to a folder with a shorter path.",
            )
        for folder in (self.root, self.data, self.run, self.log, self.credentials, self.git):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
