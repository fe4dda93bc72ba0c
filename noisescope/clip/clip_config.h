// ClipOptions <-> the JSON files of a Hugging Face model folder. Used by ClipModel alone.
#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "noisescope/clip/clip_model.h"
#include "noisescope/nn/module_state.h"

namespace noisescope {

nlohmann::json text_config_json(const ClipOptions& options, const Tokenizer& tokenizer);
nlohmann::json image_config_json(const ClipOptions& options);
/// CLIPConfig of a vit model; for a conv model the same with the conv tower as vision_config.
nlohmann::json clip_config_json(const ClipOptions& options, const Tokenizer& tokenizer);
nlohmann::json preprocessor_json(const ClipOptions& options);

/// Reads the configuration files of a folder written by ClipModel::save or by transformers.
/// Throws FormatError naming file and key for anything missing, mistyped or out of range, ModelError
/// if configuration and tokenizer contradict each other.
ClipOptions read_clip_config(const std::filesystem::path& folder, const Tokenizer& tokenizer);

/// Throws ModelError unless the weights have about the sizes that `options` claims, so that a lying
/// configuration cannot ask for memory that its weight file does not have.
void check_sizes_before_building(const ClipOptions& options, const Tokenizer& tokenizer,
                                 const NamedTensors& state, const std::string& name);

void write_json(const std::filesystem::path& path, const nlohmann::json& json);

}  // namespace noisescope
