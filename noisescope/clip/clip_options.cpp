#include "noisescope/clip/clip_options.h"

#include "noisescope/core/format.h"

namespace noisescope::clip {

void describe(Describer& d, EncoderOptions& options) {
  d("width", options.width, "width of the transformer", {.min = 8, .max = 8192});
  d("layers", options.layers, "number of blocks", {.min = 1, .max = 128});
  d("heads", options.heads, "attention heads; they share the width", {.min = 1, .max = 256});
  d("mlp_width", options.mlp_width, "inner width of the MLPs; 0: four times the width", {.min = 0, .max = 65536});
  d("activation", options.activation, "activation of the MLPs; quick_gelu for OpenAI's weights");
}

void check_encoder(const char* where, const EncoderOptions& options) {
  check_options(where, options);
  if (options.width % options.heads != 0) {
    throw ValueError(format_text("[{}] expected a width that divides among the heads, got width {} and {} heads", where,
                                 options.width, options.heads));
  }
}

void describe(Describer& d, ImageTowerOptions& options) {
  d("kind", options.kind, "conv: small convolutional network; vit: CLIP's patch transformer");
  d("image_size", options.image_size, "side of the square images in pixels", {.min = 8, .max = 4096});
  d("channels", options.channels, "conv: channels of each convolution, multiples of 8", {.min = 8, .max = 4096});
  d("hidden", options.hidden, "conv: width of the head's hidden layer", {.min = 1, .max = 65536});
  d("patch_size", options.patch_size, "vit: side of a patch in pixels", {.min = 1, .max = 256});
  d.section("encoder", options.encoder, "vit: the transformer over patches");
}

void describe(Describer& d, ClipOptions& options) {
  d("embedding_dim", options.embedding_dim, "width of the shared embedding space", {.min = 2, .max = 8192});
  d.section("tokenizer", options.tokenizer, "how captions become tokens");
  d.section("text", options.text, "the text transformer");
  d.section("image", options.image, "the image tower");
  d("image_mean", options.image_mean, "per channel, of images in [0, 1], before the image tower", {.min = 0, .max = 1});
  d("image_std", options.image_std, "per channel, of images in [0, 1], before the image tower",
    {.min = 1e-3, .max = 10});
}

}  // namespace noisescope::clip
