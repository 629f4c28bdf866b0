"""One file per paper: the grid of runs, and how to run one."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=[
        "base",
        "cache",
        "composer_scores",
        "composer_worlds",
        "drawn",
        "global_and_local",
        "instrument_worlds",
        "local_prototypes",
        "musical_concepts",
        "prototype_explanations",
        "prototype_worlds",
        "raw_rivals",
        "raw_silence",
        "raw_systems",
        "raw_waveform",
        "realism",
        "sound_effects",
        "visual_attention",
    ],
    submod_attrs={
        "base": ["Result", "Run", "execute"],
    },
)
