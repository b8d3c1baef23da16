"""SeaweedFS: a real S3 server with signatures and conditional writes, on loopback."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.client import Config

from rig.places import missing
from rig.ports import free_port
from rig.programs import Program
from rig.waiting import until

# Known to the tests of the workspace that ask for PHAROS_TEST_S3.
KEY, SECRET, REGION = "k", "s", "us-east-1"


@dataclass(frozen=True)
class S3:
    """How to reach an S3 endpoint with one set of credentials."""

    endpoint: str

    def environment(self) -> dict[str, str]:
        """The variables that the AWS SDKs and object stores read."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": REGION,
            "AWS_ALLOW_HTTP": "true",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self) -> Any:
        """A boto3 client of this endpoint."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name=REGION,
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 2}),
        )

    def make_bucket(self, name: str) -> str:
        """Creates a bucket and returns its URL."""
        self.client().create_bucket(Bucket=name)
        return f"s3://{name}"


class Seaweed:
    """A server of its own in an empty directory; killed at the end, since a graceful stop takes 16 s."""

    def __init__(self, folder: Path) -> None:
        weed = Path(sys.executable).parent / "weed"
        if not weed.exists():
            missing("SeaweedFS (weed)")
        folder.mkdir(parents=True)
        data = folder / "data"
        data.mkdir()
        identity = {
            "name": "dev",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin"],
        }
        config = folder / "s3.json"
        config.write_text(json.dumps({"identities": [identity]}))
        # Each port is taken once more 10000 higher, for gRPC.
        master, volume, filer, s3 = (free_port(also_plus=10000) for _ in range(4))
        self.s3 = S3(f"http://127.0.0.1:{s3}")
        self.program = Program(
            [
                weed,
                "server",
                f"-dir={data}",
                "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1",
                f"-master.port={master}",
                f"-volume.port={volume}",
                f"-filer.port={filer}",
                "-s3",
                f"-s3.port={s3}",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
                f"-s3.config={config}",
                "-master.volumeSizeLimitMB=64",
                "-volume.max=2000",
                "-volume.preStopSeconds=1",
            ],
            log=folder / "weed.log",
            env={"HOME": os.fspath(folder)},
        )

    def wait_ready(self) -> None:
        """The port answers with errors before the volumes are there: only a stored object is proof."""

        def stored() -> bool:
            assert self.program.running(), self.program.tail()
            client = self.s3.client()
            if not any(b["Name"] == "ready" for b in client.list_buckets()["Buckets"]):
                client.create_bucket(Bucket="ready")
            client.put_object(Bucket="ready", Key="probe", Body=b"1")
            return True

        until("SeaweedFS to store an object", stored, 90, every=0.3)
