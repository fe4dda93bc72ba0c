#include "apps/noisescope/model_argument.h"

#include <algorithm>

#include "noisescope/core/device.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/data/data_options.h"
#include "noisescope/explain/method.h"
#include "noisescope/io/codec/yaml.h"
#include "noisescope/model/shared_network.h"
#include "noisescope/run/train_run.h"

namespace noisescope::cli {
namespace {

constexpr const char* kWorld = "world";

bool is_method(const std::string& override_text) {
  const std::string id = override_text.substr(0, override_text.find('.'));
  return std::any_of(methods().begin(), methods().end(), [&](const Method& method) { return method.id == id; });
}

/// The member of "world" or "world:member"; nothing where it is a run folder.
std::optional<std::string> member_of(const std::string& text) {
  if (std::filesystem::exists(RunFolder{text}.config())) return std::nullopt;
  if (text == kWorld) return "demo";
  const std::string prefix = std::string(kWorld) + ":";
  if (text.starts_with(prefix)) return text.substr(prefix.size());
  return std::nullopt;
}

Model opened_world(const std::string& member, const std::vector<std::string>& overrides) {
  Model model = exact_model(WorldDenoiser{World(world_member(member))});
  read_options(parse_overrides(overrides),
               [&](Describer& d) { d.section("sample", model.sample, "how pictures are sampled", "draw"); });
  return model;
}

constexpr const char* kData = "data:";

/// The exact model of the pictures that "data:emoji" or "data:PATH" names.
Model opened_data(const Session& session, const std::string& text, const std::vector<std::string>& overrides) {
  DataOptions data = data_named(text.substr(std::string_view(kData).size()));
  const ConfigNode settings = parse_overrides(overrides);
  SamplingOptions unused;
  const auto read = [&](SamplingOptions& sample) {
    read_options(settings, [&](Describer& d) {
      d.section("data", data, "the pictures");
      d.section("sample", sample, "how pictures are sampled", "draw");
    });
  };
  read(unused);  // refused before the pictures are read
  LoadReport report;
  Model model = exact_model(data, session.control, report);
  for (const std::string& note : load_notes(report)) session.notice(note);
  read(model.sample);
  return model;
}

}  // namespace

const char* const kModelHelp =
    "run folder; or, with nothing to train, 'world', 'world:fine': the exact world; 'data:FOLDER', 'data:emoji': the "
    "exact model of these captioned pictures";

OpenedModel open_model(const Session& session, const std::string& text, const std::vector<std::string>& overrides) {
  std::vector<std::string> of_methods, of_config;
  for (const std::string& one : overrides) (is_method(one) ? of_methods : of_config).push_back(one);
  ConfigNode settings = parse_overrides(of_methods);
  check_settings(settings);
  if (const auto member = member_of(text)) {
    return {opened_world(*member, of_config), std::nullopt, std::move(settings), session.common.seed.value_or(0)};
  }
  if (text.starts_with(kData)) {
    return {opened_data(session, text, of_config), std::nullopt, std::move(settings), session.common.seed.value_or(0)};
  }
  if (!std::filesystem::exists(text)) {
    const std::string nearest = nearest_name(text, {"world", "world:fine", "world:demo", "data:emoji"});
    throw DataError(format_text(
        "[cli.open_model] expected a run folder, 'world', 'world:fine' or 'data:FOLDER', got '{}', which does not "
        "exist; {}",
        text, nearest.empty() ? "'noisescope train --out FOLDER' makes a run" : "did you mean '" + nearest + "'?"));
  }
  const RunFolder folder{text};
  const RunConfig config = load_run_config_of(folder, of_config);
  const TextToImage network = share_network(load_run_model(folder, parse_device(session.common.device),
                                                           [&](const std::string& note) { session.notice(note); }),
                                            session.group);
  return {run_model(network, config, folder), folder, std::move(settings),
          session.common.seed.value_or(static_cast<uint64_t>(config.seed))};
}

}  // namespace noisescope::cli
