"""Profiles, changes and hashes of recipes."""

import dataclasses

import pytest

from audiolab.recipes.base import PROFILES, Recipe


@dataclasses.dataclass(frozen=True)
class Toy(Recipe):
    sizes = {"smoke": {"width": 1}}  # noqa: RUF012
    width: int = 8
    pair: tuple[int, int] = (1, 2)


def test_profiles_change_what_they_name():
    assert Toy().at("smoke").width == 1
    assert Toy().at("smoke").profile == "smoke"
    assert Toy().at("paper") == Toy()
    assert Toy(width=3).at("demo").width == 3
    with pytest.raises(ValueError, match="profile: expected one of"):
        Toy().at("tiny")


def test_unknown_change_is_named():
    assert Toy().but(width=2).width == 2
    with pytest.raises(ValueError, match=r"got \['heigth'\]"):
        Toy().but(heigth=2)


def test_hash_follows_every_field_and_the_class():
    class Other(Toy):
        pass

    hashes = [Toy().hash(), Toy(width=9).hash(), Toy(pair=(1, 3)).hash(), Other().hash(), Toy().at("demo").hash()]
    assert len(set(hashes)) == len(hashes)
    assert Toy(width=8).hash() == Toy().hash()
    assert set(PROFILES) == {"smoke", "demo", "study", "paper"}


def test_a_later_switch_leaves_recorded_runs_alone():
    @dataclasses.dataclass(frozen=True)
    class More(Toy):
        later = {"flag": False}  # noqa: RUF012
        flag: bool = True

    More.__name__ = "Toy"
    assert More(flag=False).hash() == Toy().hash()
    assert More().hash() != Toy().hash()
    assert More(flag=False, width=9).hash() == Toy(width=9).hash()
    assert More(flag=False).to_dict()["flag"] is False


def test_the_number_of_runs_is_not_what_a_run_is():
    @dataclasses.dataclass(frozen=True)
    class More(Toy):
        counts = ("n_main_seeds",)
        n_main_seeds: int = 5

    More.__name__ = "Toy"
    assert More().hash() == More(n_main_seeds=2).hash() == Toy().hash()
    assert More(width=9).hash() != Toy().hash()
