"""The reader on a miniature of the official layout."""

import hashlib
import json
import pathlib

import numpy as np
import pytest
import torch

from audiolab.data import openmic
from audiolab.models.attention_mic import AttentionMIC
from audiolab.models.vggish import VGGish

CLASSES = ["accordion", "banjo", "bass"]
ROWS = [("000046_3840", "banjo", 0.8), ("000046_3840", "bass", 0.2), ("000135_483840", "bass", 0.5),
        ("178_10", "accordion", 0.49)]  # fmt: skip


@pytest.fixture
def miniature(tmp_path):
    folder = tmp_path / "openmic-2018"
    (folder / "partitions").mkdir(parents=True)
    (folder / "class-map.json").write_text(json.dumps({name: i for i, name in enumerate(CLASSES)}))
    lines = ["sample_key,instrument,relevance,num_responses"] + [f"{a},{b},{c},3" for a, b, c in ROWS]
    (folder / openmic.LABELS).write_text("\n".join(lines))
    (folder / "partitions" / "split01_train.csv").write_text("000046_3840\n178_10\n")
    (folder / "partitions" / "split01_test.csv").write_text("000135_483840\n")
    return tmp_path


def test_labels_masks_and_splits(miniature):
    found = openmic.read_openmic(miniature)
    assert found.keys == ("000046_3840", "000135_483840", "178_10")
    assert found.classes == tuple(CLASSES)
    nan = np.nan
    np.testing.assert_array_equal(found.y, [[nan, 1, 0], [nan, nan, 1], [0, nan, nan]])
    assert found.train.tolist() == [0, 2]
    assert found.test.tolist() == [1]
    assert found.audio_path("000046_3840").parts[-3:] == ("audio", "000", "000046_3840.ogg")
    with pytest.raises(ValueError, match="key"):
        found.audio_path("1")


def test_other_names_of_the_parts_and_environment(miniature, monkeypatch):
    folder = miniature / "openmic-2018" / "partitions"
    for name in ("train", "test"):
        (folder / f"split01_{name}.csv").rename(folder / f"{name}01.txt")
    monkeypatch.setenv("AUDIOLAB_DATA", str(miniature))
    assert openmic.read_openmic().test.tolist() == [1]


def test_validation_has_the_predecessors_sizes():
    train, validation = openmic.split_validation(np.arange(14_915), seed=0)
    assert (len(train), len(validation)) == (12_678, 2237)
    assert sorted([*train, *validation]) == list(range(14_915))
    assert 14_915 + 5085 == 20_000


def test_mistakes_are_named(miniature, tmp_path):
    folder = miniature / "openmic-2018"
    with pytest.raises(FileNotFoundError, match="Zenodo record 1432913"):
        openmic.find_openmic(folder / "partitions")
    with pytest.raises(ValueError, match="share"):
        openmic.split_validation(np.arange(3), seed=0, share=1)
    (folder / "partitions" / "split01_test.csv").write_text("178_10\n")
    with pytest.raises(ValueError, match="1 twice and 1 nowhere"):
        openmic.read_openmic(miniature)
    (folder / "partitions" / "split01_test.csv").unlink()
    with pytest.raises(FileNotFoundError, match="split01_test"):
        openmic.read_openmic(miniature)
    text = (folder / openmic.LABELS).read_text()
    (folder / openmic.LABELS).write_text(text.replace("banjo", "kazoo"))
    with pytest.raises(ValueError, match="kazoo"):
        openmic.read_openmic(miniature)
    (folder / openmic.LABELS).write_text("sample_key,instrument\n")
    with pytest.raises(ValueError, match="relevance"):
        openmic.read_openmic(miniature)


def named_file(folder, content):
    """A file whose name ends in its checksum, as the public one's."""
    path = folder / "vggish.pth"
    torch.save(content, path)
    return path.rename(folder / f"vggish-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.pth")


def test_published_weights_are_checked_before_they_are_read(tmp_path):
    named = named_file(tmp_path, {"features.0.weight": torch.ones(2)})
    assert openmic.read_vggish_weights(named)["features.0.weight"].tolist() == [1, 1]
    wrong = named.rename(tmp_path / "vggish-10086976.pth")
    with pytest.raises(ValueError, match="SHA-256"):
        openmic.read_vggish_weights(wrong)
    with pytest.raises(FileNotFoundError, match="torchvggish"):
        openmic.read_vggish_weights(tmp_path / "none.pth")
    with pytest.raises(ValueError, match=r"ends in its checksum.*got weights\.pth"):
        openmic.read_vggish_weights(wrong.rename(tmp_path / "weights.pth"))
    with pytest.raises(ValueError, match="file of tensors"):
        openmic.read_vggish_weights(named_file(tmp_path, {"features.0.weight": pathlib.Path("x")}))
    with pytest.raises(ValueError, match="tensors by name"):
        openmic.read_vggish_weights(named_file(tmp_path, [torch.ones(2)]))


# Names and shapes of the public port's file: its list of layers and the shapes printed where it was converted.
PUBLIC = {
    "features.0": (64, 1, 3, 3), "features.3": (128, 64, 3, 3), "features.6": (256, 128, 3, 3),
    "features.8": (256, 256, 3, 3), "features.11": (512, 256, 3, 3), "features.13": (512, 512, 3, 3),
    "embeddings.0": (4096, 12288), "embeddings.2": (4096, 4096), "embeddings.4": (128, 4096),
}  # fmt: skip


def test_a_file_in_the_public_layout_reaches_the_network_and_its_split_layer(tmp_path):
    content = {}
    for i, (name, shape) in enumerate(PUBLIC.items()):  # one stored number each: the shapes are real, the file is small
        content[f"{name}.weight"] = torch.full((1,), i + 1.0).expand(shape)
        content[f"{name}.bias"] = torch.full((1,), -i - 1.0).expand(shape[:1])
    # The one layer whose order of columns matters: (time, frequency, channel), channel fastest.
    content["embeddings.0.weight"] = torch.arange(12288.0).expand(4096, -1)
    path = named_file(tmp_path, content)
    assert path.stat().st_size < 200_000
    network = VGGish()
    network.load_published(openmic.read_vggish_weights(path))
    assert sum(p.numel() for p in network.parameters()) == 72_141_184
    for i, layer in enumerate([*network.cnn.layers, *network.fc]):
        assert (layer.bias == -i - 1).all()
        assert i == 6 or (layer.weight == i + 1).all()
    assert torch.equal(network.fc[0].weight[7], torch.arange(12288.0))
    attention = AttentionMIC("AttTF")
    attention.load_first_layer(network.fc[0].weight, network.fc[0].bias)
    f, c = 2, 5
    expected = np.mean([tau * 2048 + f * 512 + c for tau in range(6)])
    assert attention.first_weight[0, f, 9, c].item() == pytest.approx(expected)
    assert (attention.first_bias == -7).all()
