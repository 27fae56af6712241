"""Makes test/parity/fixtures/tensorboard.json: events of metrics as TensorBoard's own writer frames them.

Run from the root of the repository, with the packages of requirements.txt.
"""

import base64
import io
import json
from pathlib import Path

from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

TRAIN = {
    "kind": "train",
    "step": 300,
    "seconds": 12.5,
    "loss": 0.7,
    "parts": {"match": 0.5, "align": 2},
    "learningRate": 1e-3,
    "gradientNorm": "NaN",
    "samplesPerSecond": 410,
}
VALIDATION = {"kind": "validation", "step": 300, "seconds": 12.5, "values": {"accuracy": 0.75, "f1": "-Infinity"}}
SAMPLES = {
    "kind": "samples",
    "step": 301,
    "seconds": 13,
    "samples": [{"question": "What\nis it?", "expected": "猫", "generated": "a cat"}, {"question": "Who", "generated": ""}],
}
TABLE = "| question | expected | generated |\n| --- | --- | --- |\n| What is it? | 猫 | a cat |\n| Who |  |  |"
# Seconds since 1970.
WALL = 1795680559.25


def framed(event: event_pb2.Event) -> str:
    stream = io.BytesIO()
    stream.close = lambda: None
    RecordWriter(stream).write(event.SerializeToString(deterministic=True))
    return base64.b64encode(stream.getvalue()).decode()


def scalars(step: int, values: dict) -> str:
    summary = summary_pb2.Summary(
        value=[summary_pb2.Summary.Value(tag=tag, simple_value=float(value)) for tag, value in values.items()]
    )
    return framed(event_pb2.Event(wall_time=WALL, step=step, summary=summary))


def samples() -> str:
    tensor = tensor_pb2.TensorProto(
        dtype=types_pb2.DT_STRING,
        tensor_shape=tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=1)]),
        string_val=[TABLE.encode()],
    )
    metadata = summary_pb2.SummaryMetadata(plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name="text"))
    value = summary_pb2.Summary.Value(tag="samples", tensor=tensor, metadata=metadata)
    return framed(event_pb2.Event(wall_time=WALL, step=301, summary=summary_pb2.Summary(value=[value])))


def main() -> None:
    single = {
        "train/loss": 0.7,
        "train/learning_rate": 1e-3,
        "train/gradient_norm": "nan",
        "train/samples_per_second": 410,
        "train/parts/match": 0.5,
        "train/parts/align": 2,
    }
    fixture = {
        "wallTime": WALL,
        "version": framed(event_pb2.Event(wall_time=WALL, file_version="brain.Event:2")),
        "events": [
            {"record": TRAIN, "bytes": scalars(300, single)},
            {"record": VALIDATION, "bytes": scalars(300, {"validation/accuracy": 0.75, "validation/f1": "-inf"})},
            {"record": SAMPLES, "bytes": samples()},
        ],
    }
    path = Path("test/parity/fixtures/tensorboard.json")
    path.write_text(json.dumps(fixture, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
