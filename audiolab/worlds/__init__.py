"""Sound made here together with its truth: blocks, recording effects, recipes, events, backgrounds and scenes."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=[
        "backgrounds",
        "blocks",
        "brief",
        "composers",
        "effects",
        "esc10",
        "events",
        "foley",
        "hierarchy",
        "instruments",
        "libraries",
        "note_bank",
        "placed",
        "sampled_notes",
        "scenes",
        "small",
        "statistics",
        "urban",
    ],
    submod_attrs={
        "backgrounds": ["BACKGROUNDS", "make_background"],
        "brief": ["BRIEF_CLASSES", "clip_labels", "make_brief_event", "make_brief_scene"],
        "events": ["ESC10_CLASSES", "Sound", "URBAN_CLASSES", "make_clip", "make_event"],
        "instruments": ["known_labels", "make_instrument_clip", "make_instrument_clips"],
        "libraries": ["LIBRARIES", "classes_of", "make_library", "make_recording", "plan_library"],
        "placed": ["Placed", "SHORT_KINDS", "make_placed"],
        "sampled_notes": ["sampled_bank"],
        "scenes": ["Event", "Scene", "class_region", "make_scene", "make_scenes", "segment_labels"],
        "small": ["SMALL_CLASSES", "make_small_scene", "make_small_scenes"],
        "statistics": ["ClipStatistics", "clip_statistics"],
    },
)
