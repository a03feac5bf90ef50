"""Networks: loaded from bytes, run, and not believed."""

from __future__ import annotations

import threading

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from deepfake.engine.inputs import InputSpec, Layout
from deepfake.engine.session import EncoderWithHead, ModelError, OnnxEncoder, OnnxNetwork, OnnxVideoModel
from tests.deepfake.engine.networks import (
    constant_network,
    encoder_network,
    face_judge_network,
    head_network,
    video_network,
)

SPEC = InputSpec(width=32, height=32)
FLOATS = InputSpec(width=32, height=32, layout=Layout.NCHW, raw=False)


def grey(*levels: int) -> np.ndarray:
    return np.stack([np.full((40, 60, 3), level, np.uint8) for level in levels])


def video_model(content: bytes) -> OnnxVideoModel:
    return OnnxVideoModel(OnnxNetwork("video.onnx", content), SPEC)


def test_a_video_model_judges_all_frames_together_and_each_alone() -> None:
    view = video_model(video_network()).view(grey(112, 128, 160))
    assert view.frame_logits == pytest.approx([-1, 0, 2], abs=1e-3)
    assert view.logit == pytest.approx(1 / 3, abs=1e-3)
    assert view.attention.sum() == pytest.approx(1)
    assert view.attention.argmax() == 2
    assert view.heat is not None
    assert view.heat.shape == (3, 4, 4)
    assert view.heat[2] == pytest.approx(np.full((4, 4), 160), abs=1)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_any_number_of_frames_is_taken(count: int) -> None:
    assert len(video_model(video_network()).view(grey(*[128] * count)).frame_logits) == count


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_a_network_of_so_many_frames_judges_any_number(count: int) -> None:
    levels = [100 + 10 * number for number in range(count)]
    view = video_model(video_network(length=4)).view(grey(*levels))
    assert len(view.frame_logits) == len(view.attention) == count
    assert view.attention.sum() == pytest.approx(1)
    assert view.frame_logits[0] == pytest.approx((100 - 128) / 16, abs=1e-3)
    assert view.frame_logits[-1] == pytest.approx((levels[-1] - 128) / 16, abs=1e-3)


def test_an_encoder_and_its_head_judge_together() -> None:
    encoder = OnnxEncoder(OnnxNetwork("e", encoder_network()), FLOATS, wanted=["embedding"], batch=2)
    model = EncoderWithHead(encoder, OnnxNetwork("h", head_network()), {"embeddings": "embedding"})
    view = model.view(grey(0, 255, 255))
    assert view.frame_logits == pytest.approx([-8, 8, 8], abs=1e-3)
    assert view.heat is None


def test_what_nobody_asks_for_is_not_computed() -> None:
    encoder = OnnxEncoder(OnnxNetwork("e", encoder_network()), FLOATS, wanted=["embedding"])
    assert list(encoder.encode(grey(10))) == ["embedding"]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_no_judgement(value: float) -> None:
    with pytest.raises(ModelError, match="is not a number"):
        video_model(constant_network(value)).view(grey(1, 2))


def test_a_network_that_says_the_same_of_everything_says_it() -> None:
    assert video_model(constant_network(3.0)).view(grey(1, 2)).logit == 3.0


def test_bytes_that_are_no_network_do_not_load() -> None:
    for content in (b"", b"no network", video_network()[:200]):
        with pytest.raises(ModelError, match=r"video\.onnx is not a network"):
            OnnxNetwork("video.onnx", content)


def test_a_network_of_another_kind_is_not_run() -> None:
    with pytest.raises(ModelError):
        video_model(face_judge_network()).view(grey(1))
    with pytest.raises(ModelError, match="has no output"):
        OnnxNetwork("v", video_network()).run(["nothing"], {})


def test_a_network_with_weights_in_another_file_does_not_load() -> None:
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1])
    weight.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "/etc/hostname"), ("length", "4")):
        entry = weight.external_data.add()
        entry.key, entry.value = key, value
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])],
        "outside",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
        [weight],
    )
    content = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    assert isinstance(content, onnx.ModelProto)
    with pytest.raises(ModelError):
        OnnxNetwork("outside", content.SerializeToString())


def test_one_model_is_used_by_many_threads() -> None:
    model = video_model(video_network())
    found: dict[int, float] = {}

    def judge(level: int) -> None:
        for _ in range(5):
            found[level] = model.view(grey(level, level)).logit

    threads = [threading.Thread(target=judge, args=(level,)) for level in range(64, 192, 16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {level: pytest.approx((level - 128) / 16, abs=1e-3) for level in range(64, 192, 16)}
