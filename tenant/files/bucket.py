"""Files in a bucket of any store that speaks S3; the keys to it come from the environment, as its clients read them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tenant.files.store import CHUNK, FileGone, Stored, StoreDown, checked
from tenant.settings import Bucket

GONE: Final = frozenset({"NoSuchKey", "404"})
ANY_REGION: Final = "us-east-1"
"""What a store with an address of its own takes for a region where none is said."""
PATIENCE: Final = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "max_attempts": 3},
    # a checksum of its own with each file is what many stores but Amazon's do not know
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


class BucketStore:
    """A store in ``bucket``."""

    def __init__(self, bucket: Bucket) -> None:
        """Make the client; nothing is asked of the bucket yet."""
        style = {"addressing_style": "path" if bucket.endpoint else "auto"}
        self.bucket = bucket
        self.place = f"s3://{bucket.name}/{bucket.prefix}"
        try:
            self.client: Any = boto3.client(
                "s3",
                endpoint_url=bucket.endpoint,
                region_name=bucket.region or (ANY_REGION if bucket.endpoint else None),
                config=PATIENCE.merge(Config(s3=style)),
            )
        except (BotoCoreError, ValueError) as error:
            raise StoreDown(f"对象存储 {self.place} 的设置不完整（{type(error).__name__}）。") from error

    def put(self, key: str, content: bytes, media_type: str) -> None:
        """Keep ``content`` under ``key``; the store takes a file whole or not at all."""
        with self._answering():
            self.client.put_object(**self._at(key), Body=content, ContentType=media_type)

    def read(self, key: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Return the bytes of a file in pieces."""
        part = {"Range": f"bytes={start}-{'' if stop is None else stop - 1}"} if start or stop is not None else {}
        with self._answering():
            try:
                body = self.client.get_object(**self._at(key), **part)["Body"]
            except ClientError as error:
                if error.response["Error"]["Code"] in GONE:
                    raise FileGone(key) from None
                raise
        pieces: Iterator[bytes] = body.iter_chunks(CHUNK)
        return pieces

    def remove(self, key: str) -> None:
        """Remove a file."""
        with self._answering():
            self.client.delete_object(**self._at(key))

    def listed(self) -> Iterator[Stored]:
        """Yield everything in the bucket below our prefix that has a name as we give them."""
        pages = self.client.get_paginator("list_objects_v2")
        with self._answering():
            for page in pages.paginate(Bucket=self.bucket.name, Prefix=self.bucket.prefix):
                for found in page.get("Contents", ()):
                    name = found["Key"].removeprefix(self.bucket.prefix)
                    if _is_ours(name):
                        yield Stored(name, found["LastModified"])

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket.name, "Key": f"{self.bucket.prefix}{checked(key)}"}

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
            raise StoreDown(f"对象存储 {self.place} 不可用（{code}）。") from error


def _is_ours(name: str) -> bool:
    try:
        return bool(checked(name))
    except FileGone:
        return False
