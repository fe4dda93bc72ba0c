import sys

import matplotlib
import pytest
import torch

import noisescope as ns

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_curves_are_means_with_their_intervals():
    kept = torch.rand(3, 20, 2).double()
    ax = ns.Result("UTurns", {"log_snrs": [-2.0, 0.0, 1.0], "kept": kept}).plot()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("log-SNR (nats)", "share kept")
    for k, (line, band) in enumerate(zip(ax.lines, ax.collections, strict=True)):
        assert line.get_xdata().tolist() == [-2, 0, 1]
        assert torch.allclose(torch.tensor(line.get_ydata()), kept[:, :, k].mean(1))
        half = 1.96 * kept[0, :, k].std() / 20 ** 0.5
        low, high = kept[0, :, k].mean() - half, kept[0, :, k].mean() + half
        edges = torch.tensor([y for x, y in band.get_paths()[0].vertices if x == -2.0])
        assert edges.min().item() == pytest.approx(low.item()) and edges.max().item() == pytest.approx(high.item())
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["factor 0", "factor 1"]


def test_curves_of_cells_stand_at_their_middles_and_named_ones_in_their_places():
    ax = ns.Result("WindowAttribution", {"edges": [0.0, 2.0, 6.0], "shapley": torch.ones(1, 2)}).plot()
    assert ax.lines[0].get_xdata().tolist() == [1, 4]
    ax = ns.explain.test_noise(ns.initial_noise([4, 3, 8, 8])).plot()
    assert [text.get_text() for text in ax.get_xticklabels()][0] == "mean" and ax.get_ylabel() == "corrected p"


def test_errors_become_intervals():
    total, error = torch.tensor([[0.5], [0.25]]), torch.tensor([[0.1], [0.0]])
    ax = ns.Result("NoiseSobol", {"total": total, "total_error": error}).plot()
    ys = [y for x, y in ax.collections[0].get_paths()[0].vertices if x == 0]
    assert min(ys) == pytest.approx(0.5 - 0.196) and max(ys) == pytest.approx(0.5 + 0.196)


def test_maps_have_colour_bars_with_units():
    maps = torch.arange(24.0).reshape(2, 3, 4) - 20
    result = ns.Result("Evidence", {"compensated": maps, "realised": maps})
    figure, ax = plt.subplots()
    assert result.plot("compensated", ax, index=(1,)) is ax
    assert ax.images[0].get_array().tolist() == maps[1].tolist()
    assert figure.axes[1].get_ylabel() == "evidence (nats a pixel)" and ax.get_xlabel() == "x (px)"
    assert result.plot("realised").images[0].get_clim() == (-20, 20)


def test_what_has_no_figure_is_said():
    with pytest.raises(ValueError, match="compensated"):
        ns.Result("Evidence", {"compensated": torch.zeros(1, 2, 2)}).plot("entropy")
    with pytest.raises(ValueError, match="no field"):
        ns.Result("Encoding", {"ids": [1]}).plot()


def test_matplotlib_is_asked_for_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="pip install noisescope"):
        ns.Result("Rewound", {"change": torch.zeros(1, 2, 2)}).plot()
