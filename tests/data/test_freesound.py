"""Sets drawn from Freesound, on miniatures of their official layouts that the test writes."""

import pytest

from audiolab.data.freesound import Row, read_fsd50k, read_rows, remove_shared


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


@pytest.fixture
def root(tmp_path):
    urban = tmp_path / "UrbanSound8K"
    touch(urban / "audio" / "fold3" / "100032-3-0-0.wav")
    touch(urban / "audio" / "fold5" / "200-1-0-0.wav")
    (urban / "metadata").mkdir()
    (urban / "metadata" / "UrbanSound8K.csv").write_text(
        "slice_file_name,fsID,start,end,salience,fold,classID,class\n"
        "100032-3-0-0.wav,100032,0.0,0.3,1,3,3,dog_bark\n200-1-0-0.wav,200,0.0,0.3,1,5,1,car_horn\n"
    )
    noisy = tmp_path / "FSDnoisy18k"
    for part, number in (("train", 200), ("test", 300)):
        touch(noisy / f"FSDnoisy18k.audio_{part}" / f"{number}.wav")
        (noisy / "FSDnoisy18k.meta").mkdir(exist_ok=True)
        (noisy / "FSDnoisy18k.meta" / f"{part}.csv").write_text(
            f"fname,label,aso_id,manually_verified,noisy_small\n{number}.wav,Rain,/m/06mb1,0,1\n"
        )
    fsd = tmp_path / "FSD50K"
    for short, number in (("dev", 400), ("eval", 500)):
        touch(fsd / f"FSD50K.{short}_audio" / f"{number}.wav")
        folder = fsd / "FSD50K.metadata" / "collection"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"collection_{short}.csv").write_text(
            f'fname,labels,mids\n{number},Bark,/m/05tny_\n{number + 1},"Bark,Rain","/m/05tny_,/m/06mb1"\n'
        )
    esc = tmp_path / "ESC-50"
    touch(esc / "audio" / "1-300-A-10.wav")
    (esc / "meta").mkdir()
    (esc / "meta" / "esc50.csv").write_text(
        "filename,fold,target,category,esc10,src_file,take\n1-300-A-10.wav,1,10,rain,True,300,A\n"
    )
    return tmp_path


def test_every_set_is_read(root):
    found = {name: [row[1:] for row in read_rows(name, root)] for name in ("urbansound8k", "fsdnoisy18k", "fsd50k")}
    assert found == {
        "urbansound8k": [("dog_bark", "3", "100032"), ("car_horn", "5", "200")],
        "fsdnoisy18k": [("Rain", "test", "300"), ("Rain", "train", "200")],
        "fsd50k": [("Bark", "train", "400"), ("Bark", "test", "500")],
    }
    assert [row[1:] for row in read_rows("esc50", root)] == [("rain", "1", "300")]
    inside = read_rows("urbansound8k", root / "UrbanSound8K")
    assert inside == read_rows("urbansound8k", root)


def test_shared_recordings_stay_in_the_first_set(root):
    names = ("esc50", "urbansound8k", "fsdnoisy18k")
    left = remove_shared({name: read_rows(name, root) for name in names})
    assert left.n_removed == {"esc50": 0, "urbansound8k": 0, "fsdnoisy18k": 2}
    ids = [{row.freesound_id for row in rows} for rows in left.rows.values()]
    assert not ids[0] & ids[1]
    assert not ids[1] & ids[2]
    twice = [Row(root / "a", "x", "1", "7"), Row(root / "b", "x", "1", "7")]
    assert remove_shared({"one": twice}).n_removed == {"one": 0}


def test_what_is_missing_is_named(root):
    with pytest.raises(ValueError, match="name: expected one of"):
        read_rows("audioset", root)
    (root / "UrbanSound8K" / "audio" / "fold5" / "200-1-0-0.wav").unlink()
    with pytest.raises(FileNotFoundError, match=r"200-1-0-0\.wav"):
        read_rows("urbansound8k", root)
    (root / "UrbanSound8K" / "metadata" / "UrbanSound8K.csv").write_text("slice_file_name,fold\n")
    with pytest.raises(ValueError, match="fsID"):
        read_rows("urbansound8k", root)
    with pytest.raises(FileNotFoundError, match=r"zenodo\.org/records/4060432"):
        read_rows("fsd50k", root / "nowhere")


@pytest.fixture
def weak(root):
    truth = root / "FSD50K" / "FSD50K.ground_truth"
    truth.mkdir()
    (truth / "vocabulary.csv").write_text("0,Bark,/m/05tny_\n1,Dog,/m/0bt9lr\n2,Rain,/m/06mb1\n")
    (truth / "dev.csv").write_text(
        'fname,labels,mids,split\n400,"Bark,Dog","/m/05tny_,/m/0bt9lr",train\n401,Rain,/m/06mb1,val\n'
    )
    (truth / "eval.csv").write_text('fname,labels,mids\n500,"Rain,Bark,Dog","/m/06mb1,/m/05tny_,/m/0bt9lr"\n')
    touch(root / "FSD50K" / "FSD50K.dev_audio" / "401.wav")
    return root


def test_all_labels_of_fsd50k(weak):
    found = read_fsd50k(weak)
    assert found.classes == ("Bark", "Dog", "Rain")
    assert [(path.name, part) for path, part in zip(found.paths, found.parts, strict=True)] == [
        ("400.wav", "train"), ("401.wav", "validation"), ("500.wav", "test"),
    ]  # fmt: skip
    assert found.y.tolist() == [[1, 1, 0], [0, 0, 1], [1, 1, 1]]
    assert read_fsd50k(weak / "FSD50K", parts=["validation"]).y.tolist() == [[0, 0, 1]]
    assert read_fsd50k(weak, parts=[]).y.shape == (0, 3)


def test_what_is_wrong_with_fsd50k_is_named(weak, tmp_path):
    with pytest.raises(ValueError, match="parts: expected"):
        read_fsd50k(weak, parts=["dev"])
    with pytest.raises(FileNotFoundError, match="FSD50K"):
        read_fsd50k(tmp_path / "nowhere")
    truth = weak / "FSD50K" / "FSD50K.ground_truth"
    (truth / "vocabulary.csv").write_text("0,Bark,/m/05tny_\n1,Dog,/m/0bt9lr\n")
    with pytest.raises(ValueError, match="'Rain' for 401"):
        read_fsd50k(weak)
    (weak / "FSD50K" / "FSD50K.dev_audio" / "400.wav").unlink()
    with pytest.raises(FileNotFoundError, match=r"400\.wav"):
        read_fsd50k(weak)
    (truth / "dev.csv").write_text("fname,labels\n")
    with pytest.raises(ValueError, match="split"):
        read_fsd50k(weak)
