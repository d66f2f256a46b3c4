"""Frames of cases for frames.mjs.

A frame is the length of its head (four bytes, little endian), the length of its columns, the head (JSON) and the columns one
after another; in the head a column is `{"f8": [offset, count]}` or `{"u1": [offset, count]}`.
"""

import json
import struct
import sys

import numpy as np


class Frame:
    def __init__(self):
        self.parts, self.size = [], 0

    def pack(self, value):
        """Converts a value for the head; arrays go to the columns."""
        if isinstance(value, np.ndarray):
            kind = "u1" if value.dtype == bool else "f8"
            content = np.ascontiguousarray(value, dtype=kind).tobytes()
            content += bytes(-len(content) % 8)
            offset, self.size = self.size, self.size + len(content)
            self.parts.append(content)
            return {kind: [offset, len(value)]}
        if isinstance(value, dict):
            return {key: self.pack(item) for key, item in value.items()}
        return [self.pack(item) for item in value] if isinstance(value, list) else value

    def write(self, head):
        head = json.dumps(self.pack(head), allow_nan=False).encode()
        out = sys.stdout.buffer
        out.write(struct.pack("<II", len(head), self.size) + head)
        for part in self.parts:
            out.write(part)
        out.flush()
