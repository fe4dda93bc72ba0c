#include "noisescope/explain/methods.h"

#include "noisescope/core/error.h"

namespace noisescope::explain {
namespace {

using Json = nlohmann::ordered_json;

/// Options as the list shows them.
class OptionLister : public Describer {
 public:
  void field(const Field& f, bool& v) override { add(f, "bool", v); }
  void field(const Field& f, int64_t& v) override { add(f, "int", v); }
  void field(const Field& f, double& v) override { add(f, "float", std::isfinite(v) ? Json(v) : Json(number_text(v))); }
  void field(const Field& f, std::string& v) override { add(f, "text", v); }
  void field(const Field& f, std::vector<int64_t>& v) override { add(f, "list", v); }
  void field(const Field& f, std::vector<double>& v) override { add(f, "list", v); }
  void field(const Field& f, std::vector<std::string>& v) override { add(f, "list", v); }
  void begin_section(const char* name, const char*, const char*) override { path_.push_back(name); }
  void end_section() override { path_.pop_back(); }

  Json list = Json::array();

 private:
  void add(const Field& f, const char* type, const Json& value) {
    std::vector<std::string> name = path_;
    name.emplace_back(f.name);
    Json option = {{"name", join(name, ".")}, {"type", type}, {"default", value}, {"help", f.help}};
    const Range& range = f.range;
    if (std::isfinite(range.min)) option[range.above_min ? "above" : "min"] = range.min;
    if (std::isfinite(range.max)) option[range.below_max ? "below" : "max"] = range.max;
    if (!range.only.empty()) option["choices"] = range.only;
    if (!range.choices.empty()) option["choices"] = range.choices;
    list.push_back(std::move(option));
  }

  std::vector<std::string> path_;
};

Json needs_json(const MethodNeeds& needs) {
  Json list = Json::array();
  const auto add = [&](bool needed, const char* name) {
    if (needed) list.push_back(name);
  };
  add(needs.trajectory, "trajectory");
  add(needs.words, "words");
  add(needs.factors, "factors");
  add(needs.branches, "branches");
  add(needs.reader, "reader");
  add(needs.world, "world");
  add(needs.posterior_mean, "posterior_mean");
  return list;
}

Json field_json(const Quantity& q) {
  Json json = {{"name", q.name}, {"dims", q.dims}, {"unit", q.unit}, {"help", q.help}};
  if (!std::isnan(q.notes.null)) json["null"] = q.notes.null;
  if (*q.notes.higher) json["higher"] = q.notes.higher;
  if (*q.notes.x) json["x"] = q.notes.x;
  if (*q.notes.names) json["names"] = q.notes.names;
  if (*q.notes.error) json["error"] = q.notes.error;
  if (q.notes.is_signed) json["signed"] = true;
  return json;
}

Json method_json(const Method& method) {
  Json fields = Json::array();
  for (const Quantity& quantity : quantities_of(method.describe_answer)) fields.push_back(field_json(quantity));
  return {{"id", method.id},
          {"question", method.question},
          {"needs", needs_json(method.needs)},
          {"named", method.is_named},
          {"options", options_json(method.describe_options)},
          {"fields", fields}};
}

}  // namespace

const std::vector<Method>& methods() {
  static const std::vector<Method> all = {trajectory_geometry_method(),
                                          evidence_method(),
                                          u_turn_method(),
                                          decision_windows_method(),
                                          information_map_method(),
                                          guidance_information_method(),
                                          guidance_anatomy_method(),
                                          counterfactual_method(),
                                          rewind_method(),
                                          posterior_uncertainty_method(),
                                          noise_tests_method(),
                                          noise_bands_method(),
                                          prediction_tests_method(),
                                          guidance_windows_method(),
                                          guidance_sweep_method(),
                                          read_out_method(),
                                          conditioning_locality_method(),
                                          noise_sobol_method(),
                                          seed_share_method(),
                                          noise_tiles_method(),
                                          noise_transplant_method(),
                                          spectral_emergence_method(),
                                          inversion_method()};
  return all;
}

const Method& find_method(const std::string& id) {
  std::vector<std::string> ids;
  for (const Method& method : methods()) {
    if (method.id == id) return method;
    ids.push_back(method.id);
  }
  const std::string nearest = nearest_name(id, ids);
  throw ValueError("[explain.find_method] unknown method " + in_quotes(id) + "; " +
                   (nearest.empty() ? "there are " + join(ids) : "did you mean '" + nearest + "'?"));
}

void check_settings(const ConfigNode& settings) {
  read_options(settings, [](Describer& d) {
    for (const Method& method : methods()) {
      d.begin_section(method.id.c_str(), method.question.c_str(), nullptr);
      method.describe_options(d);
      d.end_section();
    }
  });
}

const ConfigNode& settings_of(const ConfigNode& settings, const Method& method) {
  static const ConfigNode kNone;
  const ConfigNode* found = settings.find(method.id);
  return found ? *found : kNone;
}

std::string obstacle(const Method& method, const Subject& subject) {
  const MethodNeeds& needs = method.needs;
  if (needs.posterior_mean && !subject.model.is_posterior_mean) {
    return "it needs a denoiser that estimates the mean of the clean picture, and this model's does not";
  }
  if (needs.world && !subject.model.world) return "its objects are found by the exact parser of a two-object world";
  if (needs.reader && !subject.model.reader) return "nothing reads words off the pictures of this model";
  if (needs.branches && !subject.trajectory.has_both_branches()) {
    return "the record lacks the estimates with or without prompt at some steps; make one with "
           "'noisescope sample --record full'";
  }
  if (needs.words && subject.contrasts.empty()) return "name a word with --word and others with --alternatives";
  if (needs.factors && subject.factors.factors.empty()) {
    return "nothing reads the factors of these pictures; name labels with --labels";
  }
  if (needs.factors && (subject.factors.read(subject.picture.unsqueeze(0)) < 0).any().item<bool>()) {
    return "the picture cannot be read by " + subject.factors.reader + "; name labels with --labels";
  }
  return "";
}

Json options_json(const std::function<void(Describer&)>& describe_all) {
  OptionLister lister;
  describe_all(lister);
  return lister.list;
}

Json list_methods() {
  Json list = Json::array();
  for (const Method& method : methods()) list.push_back(method_json(method));
  return {{"methods", list}};
}

}  // namespace noisescope::explain
