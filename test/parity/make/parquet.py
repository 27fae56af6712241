"""Makes test/parity/fixtures/parquet: small files as Hugging Face's datasets writes them, and hostile ones.

Run from the root of the repository, with the packages of requirements.txt.
"""

import gzip
import io
import struct
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

FOLDER = Path("test/parity/fixtures/parquet")
COLOURS = ["red", "green", "blue", "black", "white", "yellow", "gray"]

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def png(colour: str, width: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, 3), colour).save(out, "PNG")
    return out.getvalue()


def image(i: int) -> dict:
    return {"bytes": png(COLOURS[i], i + 1), "path": f"{i}.png"}


def conversations() -> pa.Table:
    turn = pa.struct([("from", pa.string()), ("value", pa.string())])
    return pa.table(
        {
            "id": pa.array([f"row-{i}" for i in range(7)]),
            "image": pa.array([image(i) if i != 3 else None for i in range(7)], IMAGE),
            "conversations": pa.array(
                [
                    [
                        {"from": "human", "value": ("<image>\n" if i != 3 else "") + f"Which colour, {i}?"},
                        {"from": "gpt", "value": COLOURS[i]},
                    ]
                    for i in range(7)
                ],
                pa.list_(turn),
            ),
            "data_source": pa.array(["made"] * 7),
        }
    )


def texts() -> pa.Table:
    pair = pa.struct([("user", pa.string()), ("assistant", pa.string()), ("source", pa.string())])
    return pa.table(
        {
            "images": pa.array([[image(0), image(1)], [image(2)]], pa.list_(IMAGE)),
            "texts": pa.array(
                [
                    [{"user": "Left?", "assistant": "red", "source": "made"}, {"user": "Right?", "assistant": "green", "source": "made"}],
                    [{"user": "Which?", "assistant": "blue", "source": "made"}],
                ],
                pa.list_(pair),
            ),
        }
    )


def questions() -> pa.Table:
    return pa.table(
        {
            "question_id": pa.array([7, 8], pa.int64()),
            "photo": pa.array([image(0), image(1)], IMAGE),
            "question": pa.array(["Which colour?", "Which one?"]),
            "answers": pa.array([["red", "dark red", "red"], ["green"]], pa.list_(pa.string())),
            "embedding": pa.array([[0.5] * 8, [0.25] * 8], pa.list_(pa.float32())),
        }
    )


class Thrift:
    """As much of Thrift's compact protocol as a page header needs."""

    def __init__(self) -> None:
        self.out = bytearray()
        self.last = 0

    def varint(self, value: int) -> None:
        while value > 127:
            self.out.append(value & 127 | 128)
            value >>= 7
        self.out.append(value)

    def i32(self, field: int, value: int) -> "Thrift":
        self.out.append((field - self.last) << 4 | 5)
        self.last = field
        self.varint(value << 1 ^ value >> 63)
        return self

    def struct(self, field: int, inner: "Thrift") -> "Thrift":
        self.out.append((field - self.last) << 4 | 12)
        self.last = field
        self.out += inner.out + b"\0"
        return self


def page(values: int, body: bytes, claimed: int) -> bytes:
    """A data page that says it has `values` values and `claimed` bytes."""
    data = Thrift().i32(1, values).i32(2, 0).i32(3, 3).i32(4, 3)
    return bytes(Thrift().i32(1, 0).i32(2, claimed).i32(3, len(body)).struct(5, data).out) + b"\0" + body


def replaced(name: str, codec: str, values: int, body: bytes, claimed: int) -> None:
    """A file whose only page is replaced, the rest of its place being zeros."""
    table = pa.table({"caption": pa.array(["".join(sha256(bytes([i])).hexdigest() for i in range(12))])})
    out = io.BytesIO()
    pq.write_table(table, out, compression=codec, use_dictionary=False, write_statistics=False, store_schema=False)
    whole = bytearray(out.getvalue())
    meta = pq.read_metadata(io.BytesIO(whole)).row_group(0).column(0)
    start, length = meta.data_page_offset, meta.total_compressed_size
    new = page(values, body, claimed)
    assert len(new) <= length, (name, len(new), length)
    whole[start : start + length] = new + bytes(length - len(new))
    (FOLDER / f"{name}.parquet").write_bytes(whole)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    pq.write_table(conversations(), FOLDER / "conversations.parquet", row_group_size=3, compression="snappy")
    pq.write_table(texts(), FOLDER / "texts.parquet", compression="zstd")
    pq.write_table(questions(), FOLDER / "questions.parquet", compression="gzip", data_page_version="2.0")
    # Two billion definition levels in one run, of which the heap would be full.
    run = Thrift()
    run.varint((2**31 - 1) << 1 & 0xFFFFFFFF)
    body = struct.pack("<I", len(run.out) + 1) + bytes(run.out) + b"\1"
    replaced("bomb-run", "none", 2**31 - 1, body, len(body))
    # A page that says it unpacks to two gigabytes.
    replaced("bomb-size", "gzip", 1, bytes(20), 2**31 - 1)
    # 256 KiB that say they are a hundred bytes.
    replaced("bomb-gzip", "gzip", 1, gzip.compress(bytes(1 << 18)), 100)


if __name__ == "__main__":
    main()
