"""Packed AudioSet files and their index, from miniatures of PANNs' layout."""

import h5py
import numpy as np
import pytest

from audiolab.data.audioset import read_packed, read_packed_index

NAMES = np.array([b"Yone.wav", b"Ylost.wav", b"Ytwo.wav"], dtype="S20")


class Mapping(dict):
    """Arrays by name that can be closed, as a file."""

    closed = False

    def close(self):
        self.closed = True


def make(**changes):
    waveform = np.array([[0, 32767, -32767], [0, 0, 0], [1, 2, 3]], dtype=np.int16)
    target = np.zeros((3, 5), dtype=bool)
    target[0, 1] = target[2, 4] = True
    return Mapping({"audio_name": NAMES, "waveform": waveform, "target": target} | changes)


@pytest.fixture
def path(tmp_path):
    (tmp_path / "packed.h5").write_bytes(b"")
    return tmp_path / "packed.h5"


def test_rows_without_a_label_are_left_out(path):
    file = make()
    found = read_packed(path, open_file=lambda p: file)
    assert found.names == ("Yone.wav", "Ytwo.wav")
    assert found.n_left_out == 1
    np.testing.assert_allclose(found.samples[0], [0, 1, -1])
    assert found.y.tolist() == [[0, 1, 0, 0, 0], [0, 0, 0, 0, 1]]
    assert file.closed
    chosen = read_packed(path, rows=[2, 0], open_file=lambda p: make())
    assert chosen.names == ("Ytwo.wav", "Yone.wav")
    assert read_packed(path, rows=[1], open_file=lambda p: make()).samples.shape == (0, 3)


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"waveform": np.zeros((3, 4))}, "int16"), ({"target": np.zeros((2, 5))}, "target")],
)
def test_wrong_entries_are_named(path, changes, word):
    with pytest.raises(ValueError, match=word):
        read_packed(path, open_file=lambda p: make(**changes))


def test_other_mistakes_are_named(path, tmp_path):
    with pytest.raises(ValueError, match="rows"):
        read_packed(path, rows=[3], open_file=lambda p: make())
    with pytest.raises(ValueError, match="waveform"):
        read_packed(path, open_file=lambda p: Mapping(audio_name=NAMES))
    with pytest.raises(FileNotFoundError, match=r"none\.h5"):
        read_packed(tmp_path / "none.h5")


@pytest.fixture
def packed(tmp_path):
    """A packed file and its index, as PANNs' scripts write them."""
    (tmp_path / "waveforms").mkdir()
    with h5py.File(tmp_path / "waveforms" / "balanced.h5", "w") as file:
        for name, values in make().items():
            file.create_dataset(name, data=values)
    with h5py.File(tmp_path / "index.h5", "w") as file:
        for name in ("audio_name", "target"):
            file.create_dataset(name, data=make()[name])
        file.create_dataset("hdf5_path", data=np.array([b"waveforms/balanced.h5"] * 3, dtype="S200"))
        file.create_dataset("index_in_hdf5", data=np.arange(3, dtype=np.int32))
    return tmp_path


def test_hdf5(packed):
    found = read_packed(packed / "waveforms" / "balanced.h5")
    assert found.names == ("Yone.wav", "Ytwo.wav")
    assert found.n_left_out == 1
    (packed / "text.h5").write_text("no")
    for read in (read_packed, read_packed_index):
        with pytest.raises(ValueError, match="path: expected an HDF5 file"):
            read(packed / "text.h5")


def test_index(packed, tmp_path):
    index = read_packed_index(packed / "index.h5")
    assert index.names == ("Yone.wav", "Ytwo.wav")
    assert index.rows.tolist() == [0, 2]
    assert (index.y.sum(), index.n_left_out) == (2, 1)
    clip = read_packed(index.files[1], rows=[index.rows[1]])
    assert clip.names == ("Ytwo.wav",)
    assert np.array_equal(clip.y[0], index.y[1])
    # PANNs' layout, moved away from where it was packed
    (packed / "hdf5s" / "indexes").mkdir(parents=True)
    with h5py.File(packed / "index.h5") as old, h5py.File(packed / "hdf5s" / "indexes" / "full.h5", "w") as file:
        for name in ("audio_name", "target", "index_in_hdf5"):
            file.create_dataset(name, data=old[name])
        file.create_dataset("hdf5_path", data=np.array([b"./old/hdf5s/waveforms/part00.h5"] * 3, dtype="S200"))
    moved = read_packed_index(packed / "hdf5s" / "indexes" / "full.h5").files[0]
    assert moved == (packed / "hdf5s" / "waveforms" / "part00.h5").resolve()
    assert read_packed_index(packed / "index.h5", root="/elsewhere").files[0].as_posix().startswith("/elsewhere/wave")
    with pytest.raises(ValueError, match="hdf5_path"):
        read_packed_index(packed / "waveforms" / "balanced.h5")
    with pytest.raises(FileNotFoundError):
        read_packed_index(packed / "none.h5")
    with h5py.File(packed / "index.h5", "a") as file:
        del file["index_in_hdf5"]
        file.create_dataset("index_in_hdf5", data=np.arange(2))
    with pytest.raises(ValueError, match="rows in every entry"):
        read_packed_index(packed / "index.h5")
