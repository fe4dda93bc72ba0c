// JPEG by libjpeg-turbo. Its errors leave by longjmp, which runs no destructors: so the functions that
// call setjmp own nothing; all C++ objects live in their callers.
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <utility>

#include <jpeglib.h>

#include <jerror.h>  // its codes need jpeglib.h

#include "noisescope/core/error.h"
#include "noisescope/io/codec/image_codec.h"

namespace noisescope::io {
namespace {

constexpr int kExifMarker = JPEG_APP0 + 1;

/// What libjpeg's callbacks share with us. The managers come first: libjpeg hands back their address.
struct Decoder {
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  jpeg_decompress_struct info{};
  std::jmp_buf escape{};
  char message[JMSG_LENGTH_MAX] = "";
  int max_scans = 0;

  Decoder() { info.err = jpeg_std_error(&errors); }
  ~Decoder() { jpeg_destroy_decompress(&info); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
};

[[noreturn]] void leave(j_common_ptr info) {
  auto* decoder = static_cast<Decoder*>(info->client_data);
  info->err->format_message(info, decoder->message);
  std::longjmp(decoder->escape, 1);
}

/// libjpeg decodes damaged data to gray or smeared blocks and calls that a warning. Warnings that
/// change no pixel (extra bytes before a marker, odd version numbers) stay warnings.
void judge_message(j_common_ptr info, int level) {
  if (level >= 0) return;  // a trace
  switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_ARITH_BAD_CODE:
      leave(info);
    default:
      return;
  }
}

void limit_scans(j_common_ptr info) {
  auto* decoder = static_cast<Decoder*>(info->client_data);
  if (decoder->info.input_scan_number <= decoder->max_scans) return;
  std::snprintf(decoder->message, sizeof decoder->message, "more than %d scans", decoder->max_scans);
  std::longjmp(decoder->escape, 1);
}

/// Everything up to the size of the picture. False: see decoder.message.
bool read_header(Decoder& decoder, const unsigned char* bytes, size_t size) {
  if (setjmp(decoder.escape) != 0) return false;
  jpeg_create_decompress(&decoder.info);
  decoder.info.client_data = &decoder;
  decoder.errors.error_exit = leave;
  decoder.errors.emit_message = judge_message;
  decoder.info.progress = &decoder.progress;
  decoder.progress.progress_monitor = limit_scans;
  jpeg_save_markers(&decoder.info, kExifMarker, 0xFFFF);
  jpeg_mem_src(&decoder.info, bytes, size);
  jpeg_read_header(&decoder.info, TRUE);
  // Gray stays one channel and CMYK four: both are converted as Pillow does, not as libjpeg would.
  const J_COLOR_SPACE space = decoder.info.jpeg_color_space;
  if (space == JCS_GRAYSCALE) {
    decoder.info.out_color_space = JCS_GRAYSCALE;
  } else if (space == JCS_CMYK || space == JCS_YCCK) {
    decoder.info.out_color_space = JCS_CMYK;
  } else {
    decoder.info.out_color_space = JCS_RGB;
  }
  return true;
}

int64_t channels_of(const Decoder& decoder) {
  switch (decoder.info.out_color_space) {
    case JCS_GRAYSCALE:
      return 1;
    case JCS_CMYK:
      return 4;
    default:
      return 3;
  }
}

/// The pixels into `image`. False: see decoder.message.
bool read_rows(Decoder& decoder, Image& image) {
  if (setjmp(decoder.escape) != 0) return false;
  jpeg_start_decompress(&decoder.info);
  if (decoder.info.output_components != static_cast<int>(image.channels)) {
    std::snprintf(decoder.message, sizeof decoder.message, "odd number of channels");
    return false;
  }
  while (decoder.info.output_scanline < decoder.info.output_height) {
    const auto y = static_cast<int64_t>(decoder.info.output_scanline);
    unsigned char* row = image.at(y, 0);
    jpeg_read_scanlines(&decoder.info, &row, 1);
  }
  jpeg_finish_decompress(&decoder.info);
  return true;
}

/// The EXIF data among the saved markers; "" if there are none.
std::string_view exif_of(const Decoder& decoder) {
  constexpr std::string_view kLabel("Exif\0\0", 6);
  for (auto* marker = decoder.info.marker_list; marker != nullptr; marker = marker->next) {
    const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
    if (marker->marker == kExifMarker && data.starts_with(kLabel)) return data.substr(kLabel.size());
  }
  return {};
}

StoredImage stored(Image image, int orientation) {
  switch (image.channels) {
    case 1:
      return {std::move(image), PixelMode::gray, orientation};
    case 4:  // CMYK files store inverted ink, so 255 is no ink
      for (uint8_t& value : image.pixels) value = static_cast<uint8_t>(255 - value);
      return {std::move(image), PixelMode::cmyk, orientation};
    default:
      return {std::move(image), PixelMode::rgb, orientation};
  }
}

}  // namespace

bool is_jpeg(std::string_view bytes) { return bytes.substr(0, 3) == "\xff\xd8\xff"; }

StoredImage decode_jpeg(std::string_view bytes, const std::string& name, const DecodeLimits& limits) {
  Decoder decoder;
  decoder.max_scans = static_cast<int>(limits.max_scans);
  const auto fail = [&] {
    const uint64_t left = decoder.info.src ? decoder.info.src->bytes_in_buffer : bytes.size();
    fail_decode(name, left <= bytes.size() ? bytes.size() - left : bytes.size(),
                std::string("a whole JPEG image, got '") + decoder.message + "'; the file is truncated or damaged");
  };
  if (!read_header(decoder, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size())) fail();
  Image image =
      make_checked_image(decoder.info.image_width, decoder.info.image_height, channels_of(decoder), name, limits);
  const int orientation = exif_orientation(exif_of(decoder));  // decoding frees the markers
  if (!read_rows(decoder, image)) fail();
  return stored(std::move(image), orientation);
}

}  // namespace noisescope::io
