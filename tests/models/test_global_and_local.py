"""GL-AT: the selection against a slow loop and golden starts, the cut, pooling, fusion, gradients, counts, errors."""

import pytest
import torch

from audiolab.features.augment import SpecAugment
from audiolab.features.panns_mel import PannsLogMel
from audiolab.losses.global_and_local import GlobalLocalLoss, TaggingLoss
from audiolab.models.global_and_local import (
    GlobalLocal,
    WholeClip,
    cut_windows,
    even_starts,
    fuse,
    pool_windows,
    select_windows,
)
from audiolab.models.panns import CNN10
from audiolab.models.talnet import TALNet
from audiolab.training import Batch

N = 320_000


def count(module):
    return sum(p.numel() for p in module.parameters())


def slow_windows(clip_probs, frame_probs, n_windows, window, n_samples, suppress=True):
    """One clip and one window at a time, in plain numbers: the paper's section 2.2 with the published suppression."""
    chosen = []
    for probs, scores in zip(clip_probs.tolist(), frame_probs, strict=True):
        n_frames = len(scores)
        order = sorted(range(len(probs)), key=lambda k: -probs[k])[:n_windows]
        rows = {k: scores[:, k].tolist() for k in order}
        quarter = int(int(window / n_samples * n_frames) / 4)
        found = []
        for rank, k in enumerate(order):
            peak = max(range(n_frames), key=lambda t: (rows[k][t], -t))
            centre = n_samples * peak // n_frames
            low, high = peak - quarter, peak + quarter
            start = centre - window // 2
            if centre + window // 2 >= n_samples:
                start, low, high = n_samples - window, n_frames - 2 * quarter, n_frames
            elif start < 0:
                start, low, high = 0, 0, 2 * quarter
            found.append((k, peak, start))
            if suppress:
                for later in order[rank + 1 :]:
                    for t in range(low, high):
                        rows[later][t] = 0.0
        chosen.append(found)
    return torch.tensor(chosen)


def peaks_at(frames, n_frames=62, clip_probs=None):
    """Frame scores with one peak per class, classes in the order given."""
    scores = torch.full((1, n_frames, len(frames)), 0.1)
    for k, frame in enumerate(frames):
        scores[0, frame, k] = 0.9
    return torch.linspace(0.9, 0.1, len(frames))[None], scores


@pytest.mark.parametrize("seconds", [1, 2, 3, 4, 5, 10])
@pytest.mark.parametrize("suppress", [True, False])
def test_selection_equals_the_slow_loop(seconds, suppress):
    generator = torch.Generator().manual_seed(seconds)
    for n_frames, n_windows in ((62, 1), (62, 5), (31, 7), (100, 7)):
        clip = torch.rand(6, 9, generator=generator)
        # Few levels, so that equal frames occur.
        scores = torch.randint(0, 12, (6, n_frames, 9), generator=generator) / 12
        options = {"n_windows": n_windows, "window": 32000 * seconds, "n_samples": N, "suppress": suppress}
        found = torch.stack(select_windows(clip, scores, **options), dim=2)
        assert torch.equal(found, slow_windows(clip, scores, n_windows, 32000 * seconds, N, suppress))
        assert found[..., 2].min() >= 0
        assert found[..., 2].max() <= N - 32000 * seconds


@pytest.mark.parametrize(("peak", "start"), [(0, 0), (9, 0), (10, 3612), (30, 106838), (61, 224000)])
def test_clamped_starts(peak, start):
    clip, scores = peaks_at([peak])
    assert select_windows(clip, scores, n_windows=1, window=96000, n_samples=N).starts.item() == start


def test_starts_of_the_published_demonstration():
    peaks = [19, 9, 24, 11, 5]
    clip, scores = peaks_at(peaks, n_frames=43)
    found = select_windows(clip, scores, n_windows=5, window=64000, n_samples=N, suppress=False)
    assert found.peaks[0].tolist() == peaks
    assert found.starts[0].tolist() == [109395, 34976, 146604, 49860, 5209]


@pytest.mark.parametrize(("seconds", "reach"), [(1, 1), (2, 3), (3, 4), (4, 6), (5, 7)])
def test_suppression_is_half_open(seconds, reach):
    for second, allowed in ((30 - reach - 1, True), (30 - reach, False), (30 + reach - 1, False), (30 + reach, True)):
        clip, scores = peaks_at([30, second])
        found = select_windows(clip, scores, n_windows=2, window=32000 * seconds, n_samples=N)
        assert (found.peaks[0, 1] == second) == allowed


def test_two_peaks_near_the_end_still_give_one_window():
    clip, scores = peaks_at([3, 9])
    assert select_windows(clip, scores, n_windows=2, window=96000, n_samples=N).starts[0].tolist() == [0, 0]


def test_true_centres_shift_by_at_most_75_ms():
    model = make_model(N, 3.0, sample_rate=32000)
    centres = model.frame_centres(62)
    assert centres[:2].tolist() == [2400, 7520]
    early = (centres - N * torch.arange(62) // 62) / 32000
    assert (early[0].item(), early[-1].item()) == pytest.approx((0.075, -0.0037), abs=1e-4)
    clip, scores = peaks_at([30])
    found = select_windows(clip, scores, n_windows=1, window=96000, n_samples=N, frame_centres=centres)
    assert found.starts.item() == 5120 * 30 + 2400 - 48000


def test_scores_are_not_changed():
    clip, scores = peaks_at([30, 31])
    before = scores.clone()
    select_windows(clip, scores, n_windows=2, window=96000, n_samples=N)
    assert torch.equal(scores, before)


@pytest.mark.parametrize("n_windows", [1, 5, 16, 17, 40])
def test_classes_come_in_the_order_of_a_stable_sort(n_windows):
    probs = torch.randint(0, 9, (50, 40), generator=torch.Generator().manual_seed(3)) / 8
    found = select_windows(probs, torch.rand(50, 7, 40), n_windows=n_windows, window=2, n_samples=14)
    assert torch.equal(found.classes, probs.argsort(dim=1, descending=True, stable=True)[:, :n_windows])


def test_cutting_into_memory_used_again():
    samples, starts = torch.randn(3, 5000), torch.tensor([[0, 10], [4001, 77], [1, 1]])
    memory = torch.full((3, 2, 999), 7.0)
    assert cut_windows(samples, starts, 999, out=memory).data_ptr() == memory.data_ptr()
    assert torch.equal(memory, cut_windows(samples, starts, 999))
    for wrong in (torch.empty(3, 2, 998), torch.empty(3, 999, 2).transpose(1, 2)):
        with pytest.raises(ValueError, match="out: expected"):
            cut_windows(samples, starts, 999, out=wrong)
    with pytest.raises(ValueError, match="B at least 1"):
        cut_windows(samples[:0], starts[:0], 999)


def test_windows_of_one_batch_do_not_reach_the_next():
    """The memory of the windows is kept; outputs and gradients are as if it were new each time."""
    model, fresh = make_model().eval(), make_model().eval()
    batches = [make_batch(n, seed=n) for n in (4, 4, 2)]
    with torch.inference_mode():  # whose tensors may not be written to outside it
        model(batches[0].x)
    outputs = [model(batch.x) for batch in batches]
    again = model._memory.data_ptr()
    model(batches[2].x)
    assert model._memory.data_ptr() == again
    for batch, output in zip(batches, outputs, strict=True):
        fresh._memory = None
        assert all(torch.equal(a, b) for a, b in zip(output[:6], fresh(batch.x)[:6], strict=True))
    for output, batch in zip(reversed(outputs), reversed(batches), strict=True):  # graphs of older outputs are whole
        GlobalLocalLoss()(output, batch).total.backward()
    assert "_memory" not in "".join(model.state_dict())
    learned = make_model()
    learned.front_end.gain = torch.nn.Parameter(torch.ones(()))
    learned(batches[0].x)
    assert learned._memory is None


def test_cut_equals_slicing():
    samples, starts = torch.randn(3, 5000), torch.tensor([[0, 10], [4001, 77], [1, 1]])
    found = cut_windows(samples, starts, 999)
    for b in range(3):
        for j in range(2):
            assert torch.equal(found[b, j], samples[b, starts[b, j] : starts[b, j] + 999])
    with pytest.raises(ValueError, match="starts"):
        cut_windows(samples, torch.tensor([[4002]] * 3), 999)
    with pytest.raises(ValueError, match="pad the clip"):
        cut_windows(samples, torch.zeros(3, 1, dtype=torch.long), 5001)


def test_pooling_and_fusion():
    probs = torch.rand(4, 5, 7, dtype=torch.float64)
    pooled = pool_windows(probs)
    expected = [[(max(probs[b, :, k]) + sum(probs[b, :, k]) / 5) / 2 for k in range(7)] for b in range(4)]
    torch.testing.assert_close(pooled, torch.tensor(expected, dtype=torch.float64))
    assert ((pooled >= probs.mean(1)) & (pooled <= probs.amax(1))).all()
    torch.testing.assert_close(pool_windows(probs[:, torch.randperm(5)]), pooled)
    torch.testing.assert_close(pool_windows(probs[:, :1]), probs[:, 0])
    g, l = probs[:, 0], probs[:, 1]
    paper = (torch.maximum(g, l) + (g + l) / 2) / 2
    torch.testing.assert_close(fuse(g, l), paper, rtol=0, atol=1e-7)
    torch.testing.assert_close(fuse(g, l), pool_windows(torch.stack([g, l], 1)))


def make_model(n_samples=16000, window_s=0.5, *, sample_rate=16000, n_classes=4, **options):
    seeds = iter((1, 2))

    def make_tagger():
        generator = torch.Generator().manual_seed(next(seeds))
        return CNN10(n_classes, n_mels=16, n_channels=(2, 3, 4, 6), augment=SpecAugment(), generator=generator)

    front_end = PannsLogMel(sample_rate=sample_rate, n_fft=512, hop_length=320 if sample_rate == 32000 else 80,
                            n_mels=16, f_max=7600)  # fmt: skip
    settings = {"n_windows": 3} | options
    return GlobalLocal(front_end, make_tagger, window_samples=round(window_s * sample_rate), **settings)


def make_batch(n=4, n_samples=16000, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Batch(torch.randn(n, n_samples, generator=generator), (torch.rand(n, 4, generator=generator) < 0.4).float())


def test_parameter_counts():
    with torch.device("meta"):
        two = GlobalLocal(torch.nn.Identity(), CNN10)
        tal = GlobalLocal(torch.nn.Identity(), TALNet)
    assert (count(two), count(tal)) == (10_438_558, 19_961_054)
    one = count(make_model(share="all"))
    assert count(make_model()) == 2 * one
    assert count(make_model(share="classifier")) == 2 * one - (6 * 6 + 6) - (4 * 6 + 4)


def test_output_is_consistent():
    model, batch = make_model().eval(), make_batch()
    output = model(batch.x)
    assert output.window_probs.shape == (4, 3, 4)
    assert [tuple(part.shape) for part in output.windows] == [(4, 3)] * 3
    torch.testing.assert_close(output.probs_local, pool_windows(output.window_probs))
    torch.testing.assert_close(output.probs, fuse(output.probs_global, output.probs_local))
    alone = WholeClip(model.front_end, model.global_stream)(batch.x)
    torch.testing.assert_close(alone.probs, output.probs_global)
    torch.testing.assert_close(alone.frame_probs, output.frame_probs)
    for b in range(4):
        for j, start in enumerate(output.windows.starts[b].tolist()):
            piece = model.local_stream(model.front_end(batch.x[b : b + 1, start : start + 8000]))
            torch.testing.assert_close(piece.probs[0], output.window_probs[b, j])


@pytest.mark.parametrize("n_windows", [1, 4])
def test_a_window_as_long_as_the_clip_is_the_clip(n_windows):
    model, batch = make_model(window_s=1.0, n_windows=n_windows).eval(), make_batch()
    output = model(batch.x)
    assert (output.windows.starts == 0).all()
    torch.testing.assert_close(output.probs_local, model.local_stream(model.front_end(batch.x)).probs)


def gradients(model, batch, term):
    model.zero_grad(set_to_none=True)
    GlobalLocalLoss()(model(batch.x), batch).terms[term].backward()
    return [p.grad for p in model.global_stream.parameters()]


def test_local_loss_reaches_the_global_stream_only_through_shared_weights():
    batch = make_batch()
    assert all(g is None or not g.any() for g in gradients(make_model(), batch, "local"))
    assert any(g is not None and g.any() for g in gradients(make_model(), batch, "global"))
    for share, reached in (("classifier", 4), ("all", len(list(make_model().global_stream.parameters())))):
        model = make_model(share=share)
        found = gradients(model, batch, "local")
        assert sum(g is not None and bool(g.any()) for g in found) == reached, share


def test_joint_training_leaves_the_global_stream_as_if_alone():
    """Bit for bit: no gradient crosses, and the draws of the local stream do not shift those of the global one."""
    two, batch = make_model(source="random"), make_batch()
    alone = WholeClip(two.front_end, CNN10(4, n_mels=16, n_channels=(2, 3, 4, 6), augment=SpecAugment(),
                                           generator=torch.Generator().manual_seed(1)))  # fmt: skip
    for model, criterion in ((two, GlobalLocalLoss()), (alone, TaggingLoss())):
        torch.manual_seed(5)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        for _ in range(4):
            optimizer.zero_grad()
            criterion(model(batch.x), batch).total.backward()
            optimizer.step()
    for a, b in zip(two.global_stream.state_dict().values(), alone.global_stream.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_frozen_global_stream_stays():
    model, batch = make_model(freeze_global=True), make_batch()
    before = {name: value.clone() for name, value in model.global_stream.state_dict().items()}
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    model.train()
    GlobalLocalLoss(only_local=True)(model(batch.x), batch).total.backward()
    optimizer.step()
    assert not model.global_stream.training
    assert model.local_stream.training
    assert all(torch.equal(before[name], value) for name, value in model.global_stream.state_dict().items())


def test_controls_move_the_windows_and_keep_the_classes():
    batch = make_batch()
    chosen, even, drawn = (make_model(source=s).eval()(batch.x).windows for s in ("selected", "even", "random"))
    assert torch.equal(chosen.classes, even.classes)
    assert even.starts.tolist() == [[0, 4000, 8000]] * 4
    assert torch.equal(drawn.starts, make_model(source="random").eval()(batch.x).windows.starts)
    assert not torch.equal(drawn.starts, make_model(source="random", source_seed=1).eval()(batch.x).windows.starts)
    assert drawn.starts.min() >= 0
    assert drawn.starts.max() <= 8000
    assert even_starts(2, 1, window=100, n_samples=300).tolist() == [[100], [100]]


def test_local_frame_classifier_uses_the_other_streams_layers():
    batch = make_batch()
    model = make_model(frame_classifier="local", suppress=False).eval()
    whole = model.global_stream(model.front_end(batch.x))
    scores = model.local_stream.classify_frames(whole.frames)
    expected = select_windows(whole.probs, scores, n_windows=3, window=8000, n_samples=16000, suppress=False)
    assert torch.equal(model(batch.x).windows.peaks, expected.peaks)
    shared = make_model(frame_classifier="local", share="classifier", suppress=False).eval()
    plain = make_model(share="classifier", suppress=False).eval()
    assert torch.equal(shared(batch.x).windows.peaks, plain(batch.x).windows.peaks)


def test_it_learns_four_clips_by_heart():
    model, time_s = make_model(n_windows=2), torch.arange(16000) / 16000
    tones = torch.stack([torch.sin(2 * torch.pi * hz * time_s) for hz in (200, 600, 1500, 4000)])
    batch = Batch(tones, torch.eye(4))
    for module in model.modules():
        if isinstance(module, SpecAugment):
            module.n_stripes = 0
    optimizer, criterion = torch.optim.Adam(model.parameters(), lr=3e-2), GlobalLocalLoss()
    model.eval()  # the dropout of the taggers would hide the trend
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = criterion(model(batch.x), batch).total
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.parametrize(
    ("options", "word"),
    [({"share": "some"}, "share"), ({"source": "best"}, "source"), ({"frame_classifier": "x"}, "frame_classifier"),
     ({"freeze_global": True, "share": "all"}, "freeze_global")],
)  # fmt: skip
def test_bad_switches(options, word):
    with pytest.raises(ValueError, match=word):
        make_model(**options)


def test_user_mistakes_are_named():
    with pytest.raises(ValueError, match="pad first"):
        make_model()(torch.zeros(2, 7999))
    with pytest.raises(ValueError, match="n_windows"):
        make_model(n_windows=5)(torch.zeros(2, 16000))
    with pytest.raises(ValueError, match="clip_probs"):
        select_windows(torch.zeros(2, 3), torch.zeros(2, 5, 4), n_windows=1, window=1, n_samples=5)
    silent = make_model().eval()(torch.zeros(2, 16000))
    assert torch.isfinite(silent.probs).all()
