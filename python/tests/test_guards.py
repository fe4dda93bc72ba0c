"""What a function of the user's can and cannot do, and numbers that would be meaningless."""

import numpy
import pytest
import torch
from PIL import Image

import noisescope as ns
from noisescope.pictures import tensor_of

SIGMAS = [10.0, 1.0, 0.1, 0.0]


def shrink(x, sigma, condition):
    return x / (1 + sigma[:, None, None, None] ** 2) + condition.mean()


def drawn(function, **more):
    x, condition = torch.ones(2, 3, 8, 8) * 10, torch.full((2, 4), 0.1)
    pictures = ns.sample(ns.denoiser(function), x, condition, sigmas=SIGMAS, **more)
    assert (x == 10).all() and (condition == 0.1).all()
    return pictures


def test_guidance_without_null_condition_is_refused():
    with pytest.raises(ns.errors.ConfigError, match="null_condition"):
        drawn(shrink, guidance={"scale": 3.0})
    null = torch.zeros(2, 4)
    assert not torch.equal(drawn(shrink, guidance={"scale": 3.0}, null_condition=null), drawn(shrink))
    assert torch.equal(drawn(shrink, guidance={"scale": 1.0}), drawn(shrink))


def test_a_function_may_change_what_it_gets():
    def careless(x, sigma, condition):
        answer = shrink(x, sigma, condition)
        for tensor in (x, sigma, condition):
            tensor.zero_()
        return answer
    assert torch.equal(drawn(careless), drawn(shrink))


def test_a_function_may_hand_out_one_buffer_again_and_again():
    buffer = torch.empty(2, 3, 8, 8)
    assert torch.equal(drawn(lambda *asked: buffer.copy_(shrink(*asked))), drawn(shrink))


def test_an_observer_cannot_change_the_run():
    def meddling(step):
        step.x.zero_()
        step.denoised.zero_()
    assert torch.equal(drawn(shrink, observer=meddling), drawn(shrink))


@pytest.mark.parametrize("mode", ["I;16", "I"])
def test_pictures_of_16_bits_keep_their_grey(mode):
    image = Image.fromarray(numpy.full((4, 5), 40000, numpy.uint16 if mode == "I;16" else numpy.int32))
    assert image.mode == mode
    assert torch.allclose(tensor_of(image), torch.full((1, 3, 4, 5), (40000 >> 8) / 127.5 - 1))
    with pytest.raises(ValueError, match="mode F"):
        tensor_of(image.convert("F"))


def test_photographs_of_a_turned_camera_stand_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (6, 4)).save(tmp_path / "a.jpg", exif=exif)
    with Image.open(tmp_path / "a.jpg") as image:
        assert tensor_of(image).shape == (1, 3, 6, 4)


def test_the_mass_of_a_signed_map_is_refused():
    maps, mask = torch.tensor([[[10.0, -9.5], [0.0, 0.0]]]), torch.tensor([[[True, False], [False, False]]])
    with pytest.raises(ValueError, match="negative"):
        ns.metric.relevance_mass(maps, mask)
    assert ns.metric.relevance_mass(maps.clamp(min=0), mask).item() == 1
    with pytest.raises(ValueError, match="NaN"):
        ns.metric.localisation_auc(maps * float("nan"), mask)


def test_cut_texts_are_said(run):
    with pytest.warns(UserWarning, match="1 of 2 texts are longer than the 32 tokens"):
        run.clip.encode_text(["a red square", "a red square " * 20])
