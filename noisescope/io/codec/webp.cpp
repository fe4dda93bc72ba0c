// WebP by libwebp: stills, and the first frame of animations.
#include <webp/decode.h>
#include <webp/demux.h>

#include <cstdlib>
#include <memory>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/codec/image_codec.h"

namespace noisescope::io {
namespace {

constexpr int kBytesPerPixel = 4;  // of a composed frame: RGBA

struct DemuxDeleter {
  void operator()(WebPDemuxer* demux) const { WebPDemuxDelete(demux); }
};
struct AnimationDeleter {
  void operator()(WebPAnimDecoder* decoder) const { WebPAnimDecoderDelete(decoder); }
};

[[noreturn]] void fail_damaged(const std::string& name, size_t size) {
  fail_decode(name, size, "a whole WebP image, got one that does not decode; the file is truncated or damaged");
}

WebPData data_of(std::string_view bytes) { return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}; }

/// Refuses a size beyond the limits before anything of it is allocated.
Image checked_image(const WebPBitstreamFeatures& features, const std::string& name, const DecodeLimits& limits) {
  return make_checked_image(static_cast<uint64_t>(features.width), static_cast<uint64_t>(features.height),
                            features.has_alpha != 0 ? 4 : 3, name, limits);
}

Image decode_still(const WebPData& data, const WebPBitstreamFeatures& features, const std::string& name,
                   const DecodeLimits& limits) {
  Image image = checked_image(features, name, limits);
  const auto stride = static_cast<int>(image.width * image.channels);
  const auto decode = image.channels == 4 ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
  if (decode(data.bytes, data.size, image.pixels.data(), image.pixels.size(), stride) == nullptr) {
    fail_damaged(name, data.size);
  }
  return image;
}

Image decode_first_frame(const WebPData& data, const WebPBitstreamFeatures& features, const std::string& name,
                         const DecodeLimits& limits) {
  WebPBitstreamFeatures canvas = features;
  canvas.has_alpha = 1;
  Image image = checked_image(canvas, name, limits);
  WebPAnimDecoderOptions options;
  WebPAnimDecoderOptionsInit(&options);
  const std::unique_ptr<WebPAnimDecoder, AnimationDeleter> decoder(WebPAnimDecoderNew(&data, &options));
  uint8_t* pixels = nullptr;  // owned by the decoder
  int timestamp = 0;
  if (!decoder || WebPAnimDecoderGetNext(decoder.get(), &pixels, &timestamp) == 0) fail_damaged(name, data.size);
  image.pixels.assign(pixels, pixels + image.width * image.height * kBytesPerPixel);
  return image;
}

/// The orientation and the number of frames that the container states.
void read_container(const WebPData& data, StoredImage& stored) {
  const std::unique_ptr<WebPDemuxer, DemuxDeleter> demux(WebPDemux(&data));
  if (!demux) return;
  stored.frames = std::max<int64_t>(WebPDemuxGetI(demux.get(), WEBP_FF_FRAME_COUNT), 1);
  WebPChunkIterator chunk;
  if (WebPDemuxGetChunk(demux.get(), "EXIF", 1, &chunk) != 0) {
    std::string_view exif(reinterpret_cast<const char*>(chunk.chunk.bytes), chunk.chunk.size);
    constexpr std::string_view kLabel("Exif\0\0", 6);  // some writers keep the label of JPEG
    if (exif.starts_with(kLabel)) exif.remove_prefix(kLabel.size());
    stored.orientation = exif_orientation(exif);
  }
  WebPDemuxReleaseChunkIterator(&chunk);
}

}  // namespace

bool is_webp(std::string_view bytes) { return bytes.starts_with("RIFF") && bytes.substr(0, 12).ends_with("WEBP"); }

StoredImage decode_webp(std::string_view bytes, const std::string& name, const DecodeLimits& limits) {
  const WebPData data = data_of(bytes);
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(data.bytes, data.size, &features) != VP8_STATUS_OK) fail_damaged(name, data.size);
  StoredImage stored;
  stored.image = features.has_animation != 0 ? decode_first_frame(data, features, name, limits)
                                             : decode_still(data, features, name, limits);
  stored.mode = stored.image.channels == 4 ? PixelMode::rgba : PixelMode::rgb;
  read_container(data, stored);
  return stored;
}

}  // namespace noisescope::io
