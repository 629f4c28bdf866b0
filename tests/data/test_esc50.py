"""The reader on a miniature of the official layout, and on the recordings where they are."""

import os

import numpy as np
import pytest
import soundfile

from audiolab.data import esc50

ROWS = [
    ("1-100-A-0.wav", 1, 0, "dog", True, 4000, 44100), ("1-101-A-10.wav", 1, 10, "rain", True, 5 * 44100, 44100),
    ("2-102-A-0.wav", 2, 0, "dog", True, 6 * 22050, 22050), ("2-103-A-49.wav", 2, 49, "hand_saw", False, 100, 44100),
]  # fmt: skip


@pytest.fixture
def miniature(tmp_path):
    folder = tmp_path / "ESC-50"
    (folder / "meta").mkdir(parents=True)
    (folder / "audio").mkdir()
    lines = ["filename,fold,target,category,esc10,src_file,take"]
    for name, fold, target, category, esc10, n_samples, rate in ROWS:
        lines.append(f"{name},{fold},{target},{category},{esc10},{name.split('-')[1]},A")
        tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(n_samples) / rate)
        soundfile.write(folder / "audio" / name, tone, rate, subtype="PCM_16")
    (folder / "meta" / "esc50.csv").write_text("\n".join(lines))
    return tmp_path


def test_reads_cuts_pads_and_resamples(miniature):
    clips = esc50.read_esc50(miniature, sample_rate=22050)
    assert clips.samples.shape == (4, 110250)
    assert clips.samples.dtype == np.float32
    assert clips.classes == ("dog", "rain", "hand_saw")
    assert clips.labels.tolist() == [0, 1, 0, 2]
    assert not clips.samples[0, 2100:].any()  # 4000 samples at 44.1 kHz are 2000 at 22.05 kHz
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(110250) / 22050)
    np.testing.assert_allclose(clips.samples[2], expected, atol=1e-4)
    np.testing.assert_allclose(clips.samples[1][500:-500], expected[500:-500], atol=2e-3)


def test_folds_classes_and_order(miniature):
    rows = esc50.list_esc50(miniature, folds=[2], classes=["hand_saw", "dog"])
    assert [row.path.name for row in rows] == ["2-102-A-0.wav", "2-103-A-49.wav"]
    clips = esc50.read_esc50(miniature, classes=["rain", "dog"], duration_s=0.1)
    assert clips.labels.tolist() == [1, 0, 1]


def test_environment_and_ogg(miniature, monkeypatch):
    monkeypatch.setenv("AUDIOLAB_DATA", str(miniature))
    wav = miniature / "ESC-50" / "audio" / "1-100-A-0.wav"
    soundfile.write(wav.with_suffix(".ogg"), np.zeros(100), 44100)
    assert esc50.list_esc50()[0].path == wav
    wav.unlink()
    assert esc50.list_esc50()[0].path == wav.with_suffix(".ogg")


def test_mistakes_are_named(miniature, tmp_path):
    with pytest.raises(FileNotFoundError, match="AUDIOLAB_DATA"):
        esc50.find_esc50(tmp_path / "ESC-50" / "audio")
    with pytest.raises(ValueError, match=r"folds: expected some of \[1, 2\], got \[5\]"):
        esc50.list_esc50(miniature, folds=[5])
    with pytest.raises(ValueError, match=r"classes: .* got \['cat'\]"):
        esc50.list_esc50(miniature, classes=["cat"])
    (miniature / "ESC-50" / "audio" / "2-102-A-0.wav").write_bytes(b"not sound")
    with pytest.raises(ValueError, match=r"2-102-A-0\.wav"):
        esc50.read_esc50(miniature)
    (miniature / "ESC-50" / "audio" / "2-102-A-0.wav").unlink()
    with pytest.raises(FileNotFoundError, match=r"no file 2-102-A-0\.wav"):
        esc50.list_esc50(miniature)
    (miniature / "ESC-50" / "meta" / "esc50.csv").write_text("filename,fold\n")
    with pytest.raises(ValueError, match="expected the columns"):
        esc50.list_esc50(miniature)


@pytest.mark.skipif("AUDIOLAB_DATA" not in os.environ, reason="AUDIOLAB_DATA is not set: no recordings to read")
def test_recordings():
    rows = esc50.list_esc50(folds=[1], classes=["dog", "rain"])
    assert len(rows) == 16
    assert esc50.read_clip(rows[0].path).shape == (110250,)
