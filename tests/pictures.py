"""Pictures and other files as people send them, drawn in code: nobody is on them."""

import base64
import struct
import zlib
from io import BytesIO

from PIL import Image, ImageDraw

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
MP3 = b"ID3\x04\x00\x00\x00\x00\x00\x00" + bytes(range(256)) * 20
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAb5tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA"
    "ADRpbG9jAAAAAERAAAIAAQAAAAAB4gABAAAAAAAAAEEAAgAAAAACIwABAAAAAAAAAHYAAAA4aWluZgAAAAAAAgAAABVpbmZlAgAA"
    "AAABAABodmMxAAAAABVpbmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAA"
    "kAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq"
    "5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xh"
    "cAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAA"
    "ABppcmVmAAAAAAAAAA5jZHNjAAIAAQABAAAAv21kYXQAAAA9KAGvGYCu3dJwLIq/enC0P+WEfQtCH4LvNAl4Pa8n0sluqfAupR9P"
    "MiaWEEupxV4EmTsjD90KVOS/2GFC2wAAAAZFeGlmAABNTQAqAAAACAACAQ8AAgAAABAAAAAmiCUABAAAAAEAAAA2AAAAAEludmVu"
    "dGVkIENhbWVyYQAAAgABAAIAAAACTgAAAAACAAUAAAADAAAAVAAAAAAAAAAeAAAAAQAAAB8AAAABAAAADAAAAAE="
)
"""A drawn picture as telephones write it, with where and by what it was taken; nothing here can write the format."""
DEADLY = HEIC[:176] + b"\xdd" + HEIC[177:311] + b"\x23" + HEIC[312:]
"""The same with two bytes of its boxes broken: the decoder reads where nothing is."""
HERE = {1: "N", 2: (30.0, 31.0, 12.0), 3: "E", 4: (114.0, 18.0, 30.0)}
"""Where a phone says it was: degrees, minutes, seconds."""


def photo(width: int = 640, height: int = 480, kind: str = "JPEG", *, turned: int = 1, located: bool = True) -> bytes:
    """Return a photo of a pipe, held as ``turned`` says, with where and by what camera it was taken."""
    picture = Image.new("RGB", (width, height), "#c8d2dc")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, width // 2, height // 2), fill="#8899aa")
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = turned, "Invented Camera"
    if located:
        exif.get_ifd(0x8825).update(HERE)
    made = BytesIO()
    picture.save(made, kind, exif=exif)
    return made.getvalue()


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """Return a few bytes that say they are a PNG of very many pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )
