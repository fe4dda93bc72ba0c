#include "noisescope/live/live_model.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "noisescope/core/format.h"
#include "noisescope/io/config.h"

namespace noisescope::live {
namespace {

using Json = nlohmann::ordered_json;

/// The options that a member of the description holds.
template <class T>
T options_in(const Json& description, const char* name) {
  T options;
  read_options_into(config_from_json(description.at(name), std::string("live file, ") + name), options);
  return options;
}

Tokenizer tokenizer_in(const Json& description) {
  const Json& json = description.at("tokenizer");
  if (json.at("kind") != "words") {
    throw ModelError("[live.LiveModel] expected a tokenizer of words, got one of kind " +
                     in_quotes(json.at("kind").get<std::string>()) + "; such a model needs the program itself");
  }
  TokenizerModel model;
  model.context_length = json.at("context_length").get<int64_t>();
  model.tokens = json.at("tokens").get<std::vector<std::string>>();
  return {std::move(model), "live file"};
}

EncoderOptions encoder_in(const Json& description) {
  EncoderOptions options = options_in<EncoderOptions>(description, "text");
  options.norm_eps = description.at("norm_eps").get<double>();
  return options;
}

struct LiveCoefficients {
  double skip, out, in, label;
};

/// diffusion/precondition.h.
LiveCoefficients coefficients_at(const PreconditionSettings& s, const LogSigmas& schedule, double sigma) {
  const double a = 1 / std::sqrt(1 + sigma * sigma), d = s.sigma_data;
  double label = std::log(sigma) / 4;
  if (s.noise_label == LiveLabel::log_snr) label = -2 * std::log(sigma);
  if (s.noise_label == LiveLabel::timestep) label = timestep_of(schedule, sigma);
  if (s.noise_label == LiveLabel::timestep_share) {
    label = (timestep_of(schedule, sigma) - 1) / static_cast<double>(schedule.size());
  }
  switch (s.parametrization) {
    case LiveParametrization::edm: {
      const double in = 1 / std::sqrt(sigma * sigma + d * d);
      return {in * d * in * d, sigma * d * in, in, label};
    }
    case LiveParametrization::eps:
      return {1, -sigma, a, label};
    case LiveParametrization::v:
      return {a * a, -sigma * a, a, label};
    case LiveParametrization::x0:
      break;
  }
  return {0, 1, a, label};
}

bool is_blank(const std::string& prompt) { return prompt.find_first_not_of(" \t\n\v\f\r") == std::string::npos; }

void check_words(const Tokenizer& tokenizer, const std::vector<UnknownWord>& found) {
  if (found.empty()) return;
  std::map<std::string, UnknownWord> words;
  for (const UnknownWord& entry : found) words.emplace(entry.word, entry);
  std::vector<UnknownWord> unknown;
  for (const auto& [word, entry] : words) unknown.push_back(entry);
  throw ValueError("[live.LiveModel.condition] expected words that the model was trained on, got " +
                   describe_unknown(tokenizer, unknown));
}

}  // namespace

LiveModel::LiveModel(const Json& description, const Weights& weights)
    : description_(description),
      precondition_(options_in<PreconditionSettings>(description, "precondition")),
      network_(options_in<UNetOptions>(description, "network"), weights, "network."),
      tokenizer_(tokenizer_in(description)),
      tower_(encoder_in(description), description.at("embedding_dim").get<int64_t>(), weights, "text."),
      unit_length_(description.at("unit_length").get<bool>()),
      modality_flag_(description.at("modality_flag").get<bool>()),
      null_condition_(weights.floats("network.null_condition", {network_.options().condition_width})),
      sample_(options_in<SamplingSettings>(description, "sample")),
      schedule_(weights.at("schedule.log_sigmas").values),
      log_snr_max_(description.at("log_snr_max").get<double>()),
      word_lists_(description.at("word_lists").get<std::vector<std::vector<std::string>>>()) {
  const auto width = description.at("embedding_dim").get<int64_t>();
  whitening_ = {weights.floats("whitening.mean", {width}),
                pack_weights(weights.floats("whitening.matrix", {width, width}), {}, width, width),
                weights.floats("whitening.clamp", {1}).front()};
  if (width + (modality_flag_ ? 1 : 0) != condition_width() || schedule_.empty()) {
    throw ModelError(
        format_text("[live.LiveModel] expected embeddings of width {} and a schedule, got {} and {} levels",
                    condition_width(), width, schedule_.size()));
  }
}

LiveModel LiveModel::read(std::string_view file, const std::string& name) {
  const Weights weights = Weights::read(file, name);
  try {
    const Json description = Json::parse(weights.text("live"));
    if (description.at("format") != kLiveFormat) {
      throw ModelError(format_text("[live.LiveModel] {}: expected a live file of format {}, got another; write it anew",
                                   name, kLiveFormat));
    }
    return {description, weights};
  } catch (const Json::exception& error) {
    throw FormatError("[live.LiveModel] " + name + ": expected the description of a live model, got: " + error.what());
  }
}

std::vector<float> LiveModel::condition(const std::string& prompt) const {
  if (is_blank(prompt)) return null_condition_;
  const Encoding encoding = tokenizer_.encode(prompt);
  check_words(tokenizer_, encoding.unknown);
  std::vector<float> embedding = tower_(encoding.ids);
  double squares = 0;
  for (const float value : embedding) squares += static_cast<double>(value) * static_cast<double>(value);
  const auto length = unit_length_ ? std::max(static_cast<float>(std::sqrt(squares)), 1e-12f) : 1.0f;
  for (size_t i = 0; i < embedding.size(); ++i) embedding[i] = embedding[i] / length - whitening_.mean[i];
  std::vector<float> row(embedding.size());
  multiply_rows(whitening_.matrix, embedding.data(), 1, row.data());
  for (float& value : row) value = std::clamp(value, -whitening_.clamp, whitening_.clamp);
  if (modality_flag_) row.push_back(-1);
  return row;
}

std::vector<float> LiveModel::denoise(const std::vector<float>& x, double sigma,
                                      const std::vector<float>& condition) const {
  const LiveCoefficients c = coefficients_at(precondition_, schedule_, sigma);
  const auto batch = static_cast<int64_t>(condition.size()) / condition_width();
  std::vector<float> scaled(x.size());
  for (size_t i = 0; i < x.size(); ++i) scaled[i] = x[i] * static_cast<float>(c.in);
  const std::vector<float> labels(static_cast<size_t>(batch), static_cast<float>(c.label));
  std::vector<float> out = network_({batch, scaled.data(), labels.data(), condition.data()});
  for (size_t i = 0; i < x.size(); ++i) {
    out[i] = x[i] * static_cast<float>(c.skip) + out[i] * static_cast<float>(c.out);
  }
  return out;
}

}  // namespace noisescope::live
