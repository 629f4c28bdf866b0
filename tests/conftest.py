"""What all tests share: one thread, matplotlib without a window, and a miniature of a data set."""

import json
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np
import pytest
import soundfile


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    """The folder where studies keep arrays and weights while the tests of a module run: not the build's cache."""
    import importlib
    import pkgutil

    from audiolab import studies

    folder = tmp_path_factory.mktemp("cache")
    modules = [importlib.import_module(f"audiolab.studies.{m.name}") for m in pkgutil.iter_modules(studies.__path__)]
    patch = pytest.MonkeyPatch()
    for module in modules:
        if hasattr(module, "cache_folder"):
            patch.setattr(module, "cache_folder", lambda: folder)
    yield folder
    patch.undo()


@pytest.fixture(scope="session")
def tone():
    """A tone of 440 Hz (n_samples, channels); the second channel is an octave higher."""

    def make(n_samples, rate, *, channels=1, level=0.5):
        time = np.arange(n_samples) / rate
        return np.stack([level * np.sin(2 * np.pi * 440 * (1 + k) * time) for k in range(channels)], axis=1)

    return make


@pytest.fixture
def urban_sed(tmp_path, tone):
    """Two soundscapes a split as URBAN-SED keeps them, one of them without a foreground event."""
    folder = tmp_path / "URBAN-SED_v2.0.0"
    for split in ("train", "validate", "test"):
        for kind in ("audio", "annotations"):
            (folder / kind / split).mkdir(parents=True)
        for number in range(2):
            name = f"soundscape_{split}_bimodal{number}"
            soundfile.write(folder / "audio" / split / f"{name}.wav", tone(441000, 44100), 44100, subtype="PCM_16")
            text = "3.2\t4.0\tdog_bark\n0.5\t3.7\tsiren\n" if number == 0 else ""
            (folder / "annotations" / split / f"{name}.txt").write_text(text)
            (folder / "annotations" / split / f"{name}.jams").write_text("{}")
    return tmp_path


@pytest.fixture
def miniature_openmic(tmp_path, tone):
    """The data folder with six clips of OpenMIC-2018 in its own layout, with sound."""
    from audiolab.data import openmic

    folder = tmp_path / "openmic-2018"
    (folder / "partitions").mkdir(parents=True)
    classes = ["accordion", "guitar", "flute"]
    (folder / "class-map.json").write_text(json.dumps({name: i for i, name in enumerate(classes)}))
    keys = [f"00000{i}_0" for i in range(6)]
    lines = ["sample_key,instrument,relevance,num_responses"]
    lines += [f"{key},{classes[(i + k) % 3]},{k},3" for i, key in enumerate(keys) for k in (0, 1)]
    (folder / openmic.LABELS).write_text("\n".join(lines))
    (folder / "partitions" / "split01_train.csv").write_text("\n".join(keys[:4]) + "\n")
    (folder / "partitions" / "split01_test.csv").write_text("\n".join(keys[4:]) + "\n")
    (folder / "audio" / "000").mkdir(parents=True)
    for i, key in enumerate(keys):
        sound = tone(160_000, 16_000, level=0.1 * (i + 1))
        soundfile.write(folder / "audio" / "000" / f"{key}.ogg", sound, 16_000, format="OGG", subtype="VORBIS")
    return tmp_path


@pytest.fixture(scope="module")
def band_recipe():
    """Visual attention's recipe on a handful of clips."""
    from audiolab.recipes.visual_attention import VisualAttention

    return VisualAttention().at("smoke").but(n_train_clips=6, n_validation_clips=4, n_test_clips=4)


@pytest.fixture(scope="module")
def band_world(apart, band_recipe):
    """The bands of sampled instruments by that recipe."""
    from audiolab.studies.instrument_worlds import instrument_world

    return instrument_world(band_recipe)
