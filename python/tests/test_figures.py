import json
import sys

import matplotlib
import numpy
import pytest
import torch

import noisescope as ns

matplotlib.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def evidence(maps):
    curves = torch.zeros(3, len(maps))
    return ns.explain.Evidence(
        log_snrs=[0.0, 1.0, 2.0], decision=curves, map=maps, expected_total=curves[0], compensated=maps, realised=maps,
        profile=curves[1:], entropy=curves,
        entropy_rate=curves[1:], half_points=curves[0], realised_total=curves[0], completeness_gap=curves[0],
        log_posterior=curves[..., None], true_version=curves[0].long(),
        claimed_decision=curves, claimed_half_points=curves[0])


def test_curves_are_means_with_their_intervals():
    kept = torch.rand(3, 20, 2).double()
    ax = ns.explain.UTurns(log_snrs=[-2.0, 0.0, 1.0], kept=kept, retention=kept.mean(1), susceptibility=kept).plot()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("log-SNR (nats)", "kept (share)")
    for k, (line, band) in enumerate(zip(ax.lines, ax.collections, strict=True)):
        assert line.get_xdata().tolist() == [-2, 0, 1]
        assert torch.allclose(torch.tensor(line.get_ydata()), kept[:, :, k].mean(1))
        half = 1.96 * kept[0, :, k].std() / 20 ** 0.5
        low, high = kept[0, :, k].mean() - half, kept[0, :, k].mean() + half
        edges = torch.tensor([y for x, y in band.get_paths()[0].vertices if x == -2.0])
        assert edges.min().item() == pytest.approx(low.item()) and edges.max().item() == pytest.approx(high.item())
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["factor 0", "factor 1"]


def test_curves_of_cells_stand_at_their_middles_and_named_ones_in_their_places():
    one = torch.ones(1, 2)
    ax = ns.explain.WindowAttribution(edges=[0.0, 2.0, 6.0], shapley=one, knock_out=one, alone=one).plot()
    assert ax.lines[0].get_xdata().tolist() == [1, 4]
    ax = ns.explain.noise_tests(ns.initial_noise([4, 3, 8, 8])).plot()
    assert next(text.get_text() for text in ax.get_xticklabels()) == "mean" and ax.get_ylabel() == "corrected (p-value)"


def test_errors_become_intervals():
    total, error = torch.tensor([[0.5], [0.25]]), torch.tensor([[0.1], [0.0]])
    ax = ns.explain.SobolIndices(total=total, total_error=error, first=total, first_error=error).plot()
    ys = [y for x, y in ax.collections[0].get_paths()[0].vertices if x == 0]
    assert min(ys) == pytest.approx(0.5 - 0.196) and max(ys) == pytest.approx(0.5 + 0.196)


def test_maps_have_colour_bars_with_units():
    maps = torch.arange(24.0).reshape(2, 3, 4) - 20
    result = evidence(maps)
    figure, ax = plt.subplots()
    assert result.plot("compensated", ax, index=(1,)) is ax
    assert ax.images[0].get_array().tolist() == maps[1].tolist()
    assert figure.axes[1].get_ylabel() == "compensated (nats per pixel)" and ax.get_xlabel() == "x (px)"
    assert result.plot("realised").images[0].get_clim() == (-20, 20)


def test_what_has_no_figure_is_said():
    with pytest.raises(ValueError, match="compensated"):
        evidence(torch.zeros(1, 2, 2)).plot("entropie")
    with pytest.raises(ValueError, match="no field"):
        ns.explain.contrast_prompts("a red disc", "red", ["blue"]).plot()


def test_matplotlib_is_asked_for_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="pip install noisescope"):
        evidence(torch.zeros(1, 2, 2)).plot()


def test_curves_are_named_by_what_their_first_dimension_is():
    gain = torch.arange(12.0).reshape(2, 2, 3)
    ax = ns.explain.GuidanceSweep(scales=[2.0, 8.0], gain=gain, reference=gain[0]).plot()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["scale 2.0", "scale 8.0"]
    assert ax.get_xlabel() == "band" and ax.lines[1].get_ydata().tolist() == [7.5, 8.5, 9.5]


def test_answers_are_stored(tmp_path):
    maps = torch.rand(2, 3, 4)
    kept = evidence(maps)
    kept.save(tmp_path / "a.json")
    kept.save(tmp_path / "a.safetensors")
    kept.save(tmp_path / "a.npz")
    assert torch.tensor(json.loads((tmp_path / "a.json").read_text())["compensated"]).equal(maps)
    assert ns.load_safetensors(tmp_path / "a.safetensors")[0]["log_snrs"].tolist() == [0, 1, 2]
    assert torch.from_numpy(numpy.load(tmp_path / "a.npz")["compensated"]).equal(maps)
    with pytest.raises(ValueError, match=r"\.json"):
        kept.save(tmp_path / "a.txt")


def test_paths_of_a_picture_are_averaged():
    maps = torch.arange(4.0)[:, None, None].expand(4, 2, 2)
    mean = evidence(maps).average(2)
    assert mean.compensated[:, 0, 0].tolist() == [0.5, 2.5] and mean.true_version.shape == (2,)
    assert mean.decision.shape == (3, 2) and mean.log_posterior.shape == (3, 2, 1)
