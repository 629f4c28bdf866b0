import subprocess
import sys

from audiolab import show


def test_every_listed_name_is_there():
    for name in show.__all__:
        assert getattr(show, name) is not None
    for name in ("player", "listen", "quiz", "strip", "comparison_gain", "use_style"):
        assert callable(getattr(show, name))


def test_looking_at_the_room_loads_no_torch_and_no_plots():
    code = "import sys, audiolab.show; assert not {'torch', 'matplotlib', 'librosa'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
