"""A file system of a few MiB in memory, to be filled up."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


class SmallDisk:
    """A tmpfs at `folder`; needs root, or sudo without a password."""

    def __init__(self, folder: Path, mib: int) -> None:
        self.folder = folder
        folder.mkdir()
        self._as_root: list[str] = [] if os.geteuid() == 0 else ["sudo", "-n"]
        done = self._run("mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=0777", "tmpfs", str(folder))
        if done.returncode != 0:
            why = f"a small file system cannot be mounted here (only root may): {done.stderr.strip()}"
            if os.environ.get("CI") == "true":
                pytest.fail(why, pytrace=False)
            pytest.skip(why)

    def grow(self, mib: int) -> None:
        """Gives it another size."""
        done = self._run("mount", "-o", f"remount,size={mib}m", str(self.folder))
        assert done.returncode == 0, done.stderr

    def free(self) -> int:
        """Bytes that are free."""
        return shutil.disk_usage(self.folder).free

    def close(self) -> None:
        """Takes it away, even while somebody has files open."""
        self._run("umount", "-l", str(self.folder))

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self._as_root, *command], capture_output=True, text=True, check=False, timeout=30)
