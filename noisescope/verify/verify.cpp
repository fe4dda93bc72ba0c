#include "noisescope/verify/verify.h"

#include <algorithm>
#include <chrono>

#include "noisescope/core/error.h"
#include "noisescope/core/options.h"

namespace noisescope {
namespace {

/// The subject with the planted defect, if it is one of a denoiser.
Model broken(Model subject, const std::string& defect) {
  if (defect.empty()) return subject;
  const Tensor null = subject.condition({""});
  if (defect == "shifted-prompt") subject.denoiser = shift_prompt(subject.denoiser, null, 3);
  if (defect == "prompt-on-the-other-side") {
    subject.denoiser = shift_prompt(subject.denoiser, null, kWorldHalfPx);
  }
  if (defect == "overstated-prompt") {
    subject.denoiser = amplify_prompt(subject.denoiser, null, 1.5);
  }
  if (defect == "misread-noise-level") {
    subject.denoiser = misread_noise_level(subject.denoiser, 0.5);
  }
  if (defect == "clipped-estimate") subject.denoiser = clip_estimate(subject.denoiser, 0.5);
  return subject;
}

/// The checks that a request asks for, in the order of the table.
std::vector<Check> checks_of(const VerifyOptions& options) {
  std::vector<std::string> known, wanted = options.checks;
  for (const Check& check : checks()) known.push_back(check.name);
  for (const std::string& name : wanted) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    throw ValueError("[verify] expected checks among " + join(known) + ", got '" + name + "'");
  }
  if (!options.defect.empty()) wanted = {find_defect(options.defect).check};
  std::vector<Check> chosen;
  for (const Check& check : checks()) {
    const bool asked = std::find(wanted.begin(), wanted.end(), check.name) != wanted.end();
    if (wanted.empty() || asked) chosen.push_back(check);
  }
  return chosen;
}

}  // namespace

const std::vector<Check>& checks() {
  static const std::vector<Check> all = {{"evidence filtering", check_evidence},
                                         {"information map", check_information},
                                         {"guidance information", check_guidance_information},
                                         {"u-turn", check_u_turn},
                                         {"counterfactual flip", check_flips},
                                         {"trajectory", check_trajectory},
                                         {"uncertainty", check_uncertainty},
                                         {"noise tests", check_noise},
                                         {"guidance windows", check_windows},
                                         {"inversion", check_inversion},
                                         {"spectral emergence", check_spectrum},
                                         {"commitment", check_commitment},
                                         {"word read-out", check_read_out},
                                         {"conditioning locality", check_locality},
                                         {"rewind", check_rewind},
                                         {"causes in the noise", check_noise_causes},
                                         {"seed share", check_seed_share},
                                         {"explanation metrics", check_metrics}};
  return all;
}

bool Verification::pass() const {
  return std::all_of(rows.begin(), rows.end(), [](const VerifyRow& row) { return row.pass(); });
}

Verification verify(const VerifyOptions& options, const Model* trained, const Control& control,
                    const CheckObserver& on_check) {
  const std::vector<Check> chosen = checks_of(options);
  Verification verification{options, {}, {}, 0};
  const WorldDenoiser demo{World(world_member("demo"))}, fine{World(world_member("fine"))};
  const auto subject = [&](Model whole) { return broken(std::move(whole), options.defect); };
  const VerifyContext context{
      options,
      subject(exact_model(demo)),
      subject(exact_model(fine)),
      trained ? std::make_shared<const Model>(subject(*trained)) : nullptr,
      demo,
      fine,
      control,
      [&](VerifyPicture picture) { verification.pictures.push_back(std::move(picture)); }};
  for (const Check& check : chosen) {
    const auto start = std::chrono::steady_clock::now();
    const std::vector<VerifyRow> rows = check.run(context);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    verification.rows.insert(verification.rows.end(), rows.begin(), rows.end());
    verification.seconds += took.count();
    if (on_check) on_check(check.name, rows, took.count());
  }
  return verification;
}

nlohmann::ordered_json to_json(const Verification& verification) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const VerifyRow& row : verification.rows) json.push_back(to_json(row));
  return json;
}

}  // namespace noisescope
