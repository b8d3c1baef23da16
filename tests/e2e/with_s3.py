"""Runs a command beside an S3 server: `with_s3.py cargo test -p lake-table`.

The server is a fresh SeaweedFS with a bucket `lake`; its address is in PHAROS_TEST_S3, under which
the tests of the workspace look for it. The exit code is the command's.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rig.seaweed import Seaweed


def main(command: list[str]) -> int:
    """Starts the server, runs the command, ends the server."""
    with tempfile.TemporaryDirectory(prefix="pharos-s3-") as folder:
        server = Seaweed(Path(folder) / "server")
        try:
            server.wait_ready()
            server.s3.make_bucket("lake")
            environment = {**os.environ, "PHAROS_TEST_S3": server.s3.endpoint}
            return subprocess.run(command, env=environment, check=False).returncode
        finally:
            server.program.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
