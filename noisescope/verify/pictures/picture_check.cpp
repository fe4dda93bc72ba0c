#include "noisescope/verify/pictures/picture_check.h"

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::verify {
namespace {

void check_data(const VerifyOptions& options, const ImageDataset& data) {
  if (!options.defect.empty()) {
    throw ValueError("[verify] expected no planted defect with given pictures, got '" + options.defect +
                     "'; defects are planted in the checks of the two-object worlds");
  }
  if (data.captions().size() < 2) {
    throw ValueError(
        format_text("[verify] expected pictures with at least two different captions, got {} pictures with {}; every "
                    "method asks a caption against another one",
                    data.size(), data.captions().size()));
  }
}

}  // namespace

Tensor PictureContext::pictures(const std::vector<int64_t>& samples) const {
  const Tensor bytes = data->samples().pixels.index_select(0, torch::tensor(samples, torch::kInt64));
  return bytes.to(torch::kFloat64) / 127.5 - 1;
}

std::vector<std::string> PictureContext::captions(const std::vector<int64_t>& samples) const {
  std::vector<std::string> said;
  for (const int64_t sample : samples) {
    said.push_back(data->captions()[static_cast<size_t>(data->captions_of(sample).front())]);
  }
  return said;
}

std::vector<int64_t> PictureContext::shuffled(uint64_t number) const { return some(size(), number); }

std::vector<int64_t> PictureContext::some(int64_t count, uint64_t number) const {
  const Tensor order = random().permutation(Purpose::evaluation, number, size());
  std::vector<int64_t> samples;
  for (int64_t k = 0; k < count; ++k) samples.push_back(order[k % size()].item<int64_t>());
  return samples;
}

const std::vector<PictureCheck>& picture_checks() {
  static const std::vector<PictureCheck> all = {
      {"picture_denoiser", check_picture_denoiser},
      {"sampling", check_sampling_of_pictures},
      {"evidence", check_evidence_of_pictures},
      {"u_turn", check_u_turn_of_pictures},
      {"decision_windows", check_decision_windows_of_pictures},
      {"guidance_information", check_guidance_information_of_pictures},
      {"posterior_uncertainty", check_posterior_uncertainty_of_pictures},
      {"prediction_tests", check_prediction_tests_of_pictures},
  };
  return all;
}

Verification run_picture_checks(const VerifyOptions& options, std::shared_ptr<const ImageDataset> data,
                                const Seams& seams, const Control& control, const CheckObserver& on_check) {
  check_data(options, *data);
  std::vector<std::string> known;
  for (const PictureCheck& check : picture_checks()) known.push_back(check.id);
  const std::vector<std::string> chosen = chosen_checks(options.checks, known);
  Verification verification{options, {}, {}, 0};
  const PictureDenoiser truth(given_pictures(*data, sample_range(0, data->size())));
  const Model exact = exact_model(truth);
  const PictureContext context{
      {options, seams, control, [&](VerifyPicture picture) { verification.pictures.push_back(std::move(picture)); }},
      std::move(data),
      truth,
      seams.model ? seams.model(exact) : exact};
  for (const PictureCheck& check : picture_checks()) {
    if (std::find(chosen.begin(), chosen.end(), check.id) == chosen.end()) continue;
    run_check(
        verification, check.id, [&] { return check.run(context); }, on_check);
  }
  return verification;
}

}  // namespace noisescope::verify
