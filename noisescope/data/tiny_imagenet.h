// Tiny ImageNet in its original layout, as folder, tar or zip (Le & Yang 2015, "Tiny ImageNet Visual
// Recognition Challenge"):
//
//   wnids.txt                                    the classes, one WordNet id a line
//   words.txt                                    id <tab> synonyms separated by commas
//   train/<id>/images/<id>_<k>.JPEG              64 x 64, some gray
//   train/<id>/<id>_boxes.txt                    file <tab> left top right bottom, inclusive pixels
//   val/images/..., val/val_annotations.txt      file <tab> id <tab> box
//   test/images/...                              without labels: left out
//
// val/ may be rearranged in class folders, as tutorials do: val/<id>/[images/]..., boxes kept where the annotations
// are.
#pragma once

#include <string>
#include <vector>

#include "noisescope/data/image_loader.h"

namespace noisescope::data {

/// Which names of a class its captions use.
enum class Synonyms { first, all };
NOISESCOPE_ENUM(Synonyms, first, all)

/// How a class is captioned: its names in each of the templates ("a photo of a {}").
struct ClassCaptions {
  std::vector<std::string> templates;
  Synonyms synonyms = Synonyms::first;
};

/// Loads `path`, in which the layout may lie below one top folder ("tiny-imagenet-200/"). Classes
/// stand in the order of wnids.txt and are named by their first synonym; any subset of the classes
/// will do, box files are optional. Throws DataError if tables and images do not fit together,
/// FormatError for a line that cannot be read; see load_images for more.
ImageDataset load_tiny_imagenet(const std::filesystem::path& path, const ClassCaptions& captions,
                                const ImageLoadOptions& options, const Control& control, LoadReport& report);

}  // namespace noisescope::data
