#include "noisescope/verify/verify.h"

#include <algorithm>
#include <chrono>

#include "noisescope/core/error.h"
#include "noisescope/core/options.h"

namespace noisescope::verify {
namespace {

/// The checks that a request asks for, in the order of the table.
std::vector<Check> checks_of(const VerifyOptions& options) {
  std::vector<std::string> known;
  for (const Check& check : checks()) known.push_back(check.id);
  std::vector<std::string> wanted = chosen_checks(options.checks, known);
  if (!options.defect.empty()) wanted = {find_defect(options.defect).check};
  std::vector<Check> chosen;
  for (const Check& check : checks()) {
    if (std::find(wanted.begin(), wanted.end(), check.id) != wanted.end()) chosen.push_back(check);
  }
  return chosen;
}

}  // namespace

const std::vector<Check>& checks() {
  static const std::vector<Check> all = {{"trajectory_geometry", check_trajectory_geometry},
                                         {"evidence", check_evidence},
                                         {"u_turn", check_u_turn},
                                         {"decision_windows", check_decision_windows},
                                         {"information_map", check_information_map},
                                         {"guidance_information", check_guidance_information},
                                         {"guidance_anatomy", check_guidance_anatomy},
                                         {"counterfactual", check_counterfactual},
                                         {"rewind", check_rewind},
                                         {"posterior_uncertainty", check_posterior_uncertainty},
                                         {"noise_tests", check_noise_tests},
                                         {"noise_bands", check_noise_bands},
                                         {"prediction_tests", check_prediction_tests},
                                         {"guidance_windows", check_guidance_windows},
                                         {"guidance_sweep", check_guidance_sweep},
                                         {"read_out", check_read_out},
                                         {"conditioning_locality", check_conditioning_locality},
                                         {"noise_sobol", check_noise_sobol},
                                         {"seed_share", check_seed_share},
                                         {"noise_tiles", check_noise_tiles},
                                         {"noise_transplant", check_noise_transplant},
                                         {"spectral_emergence", check_spectral_emergence},
                                         {"inversion", check_inversion},
                                         {"faithfulness", check_faithfulness},
                                         {"infidelity", check_infidelity},
                                         {"localisation", check_localisation},
                                         {"randomisation", check_randomisation},
                                         {"sensitivity", check_sensitivity}};
  return all;
}

std::vector<std::string> chosen_checks(const std::vector<std::string>& wanted, const std::vector<std::string>& known) {
  for (const std::string& id : wanted) {
    if (std::find(known.begin(), known.end(), id) != known.end()) continue;
    const std::string nearest = nearest_name(id, known);
    throw ValueError("[verify] unknown check " + in_quotes(id) + "; " +
                     (nearest.empty() ? "there are " + join(known) : "did you mean '" + nearest + "'?"));
  }
  return wanted.empty() ? known : wanted;
}

void run_check(Verification& verification, const std::string& id, const std::function<VerifyRows()>& check,
               const CheckObserver& on_check) {
  const auto start = std::chrono::steady_clock::now();
  const VerifyRows rows = check();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  append(verification.rows, rows);
  verification.seconds += took.count();
  if (on_check) on_check(id, rows, took.count());
}

bool Verification::pass() const {
  return std::all_of(rows.begin(), rows.end(), [](const VerifyRow& row) { return row.pass(); });
}

Verification run_checks(const VerifyOptions& options, const Model* trained, const Control& control,
                        const CheckObserver& on_check) {
  return run_checks(options, options.defect.empty() ? Seams{} : find_defect(options.defect).seams, trained, control,
                    on_check);
}

Verification run_checks(const VerifyOptions& options, const Seams& seams, const Model* trained, const Control& control,
                        const CheckObserver& on_check) {
  const std::vector<Check> chosen = checks_of(options);
  Verification verification{options, {}, {}, 0};
  const WorldDenoiser demo{World(world_member("demo"))}, fine{World(world_member("fine"))};
  const auto seen = [&](Model model) { return seams.model ? seams.model(std::move(model)) : model; };
  const VerifyContext context{
      {options, seams, control, [&](VerifyPicture picture) { verification.pictures.push_back(std::move(picture)); }},
      seen(exact_model(demo)),
      seen(exact_model(fine)),
      trained ? std::make_shared<const Model>(seen(*trained)) : nullptr,
      demo,
      fine};
  for (const Check& check : chosen) {
    run_check(
        verification, check.id, [&] { return check.run(context); }, on_check);
  }
  return verification;
}

nlohmann::ordered_json to_json(const Verification& verification) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const VerifyRow& row : verification.rows) json.push_back(to_json(row));
  return json;
}

}  // namespace noisescope::verify
