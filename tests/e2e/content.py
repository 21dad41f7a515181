"""What a manager sends, and what became of it."""

import struct
import zlib


def picture(width=40, height=30):
    """Return a PNG that says how large it is."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b"")


def status_of(kommo, message_id):
    """Return the last status of a message with its code and words."""
    status = kommo.manager.message(message_id).statuses[-1]
    return status.code, status.error_code, status.error
