"""As whom PostgreSQL runs. It refuses root, so root hands over to `nobody` or hides in a user namespace."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import ConfigurationError

_UNSHARE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
_KEEP_DEATH_SIGNAL = ("setpriv", "--pdeathsig", "KILL")  # entering the namespace clears what `spawn` has set


@dataclass(frozen=True)
class Identity:
    """`prefix` goes before the command; `user` and `group` are ids to switch to, None to stay."""

    prefix: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None

    def own(self, path: Path) -> None:
        """Give a file or tree to this identity if it belongs to somebody else (root only)."""
        uid = self.user if self.user is not None else os.geteuid()
        gid = self.group if self.group is not None else os.getegid()
        if os.geteuid() != 0 or path.stat().st_uid == uid:
            return
        for folder, _, files in os.walk(path):
            for name in files:
                os.chown(Path(folder) / name, uid, gid, follow_symlinks=False)
            os.chown(folder, uid, gid)
        os.chown(path, uid, gid)

    def run(self, command: list[str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a short command as this identity; the caller looks at the return code."""
        return subprocess.run(
            [*self.prefix, *command],
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            user=self.user,
            group=self.group,
            extra_groups=None if self.user is None else [],
        )


def choose_identity(server: Path, home: Path) -> Identity:
    """The identity that can execute `server` (the postgres binary) and write below `home`, found by trying.

    Raises `ConfigurationError` when root has neither a usable `nobody` nor user namespaces.
    """
    if os.geteuid() != 0:
        return Identity()
    nobody = pwd.getpwnam("nobody")
    candidates = [Identity(user=nobody.pw_uid, group=nobody.pw_gid)]
    if shutil.which(_UNSHARE[0]) and shutil.which(_KEEP_DEATH_SIGNAL[0]):
        candidates.append(Identity(prefix=(*_UNSHARE, *_KEEP_DEATH_SIGNAL)))
    for identity in candidates:
        if _works(identity, server, home):
            return identity
    raise ConfigurationError(
        f"PostgreSQL does not run as root, and neither the user nobody can reach {server} and {home} nor does unshare "
        "work here. Run storyreel as an ordinary user, choose a data folder others may enter, or set DATABASE_URL."
    )


def _works(identity: Identity, server: Path, home: Path) -> bool:
    identity.own(home)
    try:
        runs = identity.run([str(server), "--version"], cwd=Path("/")).returncode == 0
        return runs and identity.run(["test", "-w", str(home), "-a", "-x", str(home)], cwd=Path("/")).returncode == 0
    except OSError:
        return False
