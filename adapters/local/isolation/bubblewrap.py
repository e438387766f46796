"""Runs a script in a view of the machine that bubblewrap makes: only what it may use is in it (bwrap(1))."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import ClassVar

from adapters.local.isolation.base import Isolation

_SYSTEM = tuple(map(Path, ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")))
_ETC = (
    "alternatives", "ca-certificates", "ca-certificates.conf", "crypto-policies", "gai.conf", "gitconfig", "group",
    "host.conf", "hostname", "hosts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types",
    "nsswitch.conf", "os-release", "passwd", "pki/ca-trust", "pki/tls/cert.pem", "pki/tls/certs", "protocols",
    "resolv.conf", "services", "ssh/ssh_config", "ssh/ssh_config.d", "ssh/ssh_known_hosts", "ssl/certs",
    "ssl/openssl.cnf", "timezone",
)  # fmt: skip
"""What programs read of /etc. The rest may hold secrets that the server's user can read, such as Fabu's settings."""
_NAMESPACES = ("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
_PROBE_TIMEOUT = 10.0

Mount = tuple[Path, tuple[str, ...]]
"""Where something is seen, and the words that put it there."""


@dataclass(frozen=True, slots=True)
class Bubblewrap(Isolation):
    """Scripts see the system's programs, `paths`, and the folder of their run, where alone they can write and keep it.

    Of processes they see their own, which all end with the script; `private` is hidden even where it lies in what they
    see. `home` is empty but for what `paths` has of it. Without `network` they reach nothing but themselves.

    Variables are not among the words: everybody on the machine can read the command line of a process.
    """

    kind: ClassVar[str] = "bwrap"
    supervises: ClassVar[bool] = True

    program: str
    paths: tuple[Path, ...] = ()
    private: tuple[Path, ...] = ()
    network: bool = True

    def words(self, script: Path, work: Path, info: int) -> list[str]:
        """Return the words that make the view, with the script and its folder in the places that they have outside."""
        mounts: list[Mount] = [
            (Path("/proc"), ("--proc", "/proc")),
            (Path("/dev"), ("--dev", "/dev")),
            (Path("/tmp"), ("--tmpfs", "/tmp")),  # noqa: S108 - a new one, in memory
            *self._home(),
            *chain.from_iterable(_show(path) for path in (*_SYSTEM, *self._shown())),
            *self._hide(),
            (work, ("--bind", str(work), str(work))),
            (script, ("--ro-bind", str(script), str(script))),
        ]
        mounts.sort(key=lambda mount: len(mount[0].parts))  # the deeper one wins, and of two in one place the later
        return [
            self.program, *_NAMESPACES, *(() if self.network else ("--unshare-net",)), "--cap-drop", "ALL",
            "--die-with-parent", "--new-session", "--info-fd", str(info),
            *chain.from_iterable(words for _, words in mounts),
            "--remount-ro", "/", "--chdir", str(work), "--",
        ]  # fmt: skip

    def find_failure(self, script: Path, work: Path, command: Sequence[str]) -> str:
        """Run a command for a trial; return why that fails, or nothing. The kernel may forbid what bubblewrap does."""
        try:
            tried = subprocess.run(  # noqa: S603 - as scripts are run
                [*self.words(script, work, 1), *command], capture_output=True, env={}, timeout=_PROBE_TIMEOUT
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        lines = tried.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {tried.returncode}"]
        return lines[-1] if tried.returncode else ""

    def _shown(self) -> Iterator[Path]:
        """Yield what is shown beside the system's folders."""
        yield from (Path("/etc", name) for name in _ETC)
        yield from self.paths

    def _home(self) -> Iterator[Mount]:
        if self.home != Path("/") and not any(self.home.is_relative_to(folder) for folder in _SYSTEM):
            yield self.home, ("--tmpfs", str(self.home))

    def _hide(self) -> Iterator[Mount]:
        """Yield covers for what is private, in each place where it would be seen."""
        sources = [path.resolve() for path in self.private if path.exists()]
        for shown in (*_SYSTEM, *self._shown()):
            for source in sources:
                if source.is_relative_to(root := shown.resolve()):
                    place = shown / source.relative_to(root)
                    words = ("--tmpfs",) if source.is_dir() else ("--ro-bind", "/dev/null")
                    yield place, (*words, str(place))


def _show(path: Path) -> Iterator[Mount]:
    """Yield how a file or folder is shown, if there is one. Links of the system, such as /bin, stay links."""
    if path in _SYSTEM and path.is_symlink():
        yield path, ("--symlink", str(path.readlink()), str(path))
    elif path.exists():
        yield path, ("--ro-bind", str(path), str(path))
