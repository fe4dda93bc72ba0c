#include "noisescope/explain/subject.h"

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/explain/inversion.h"

namespace noisescope::explain {
namespace {

void check_request(const SubjectRequest& request) {
  if (request.pictures < 2 || request.paths < 2) {
    throw ValueError(format_text(
        "[explain.make_subject] expected at least 2 pictures and 2 paths, so that there are intervals, got {} and {}",
        request.pictures, request.paths));
  }
  if (request.record && request.picture.defined()) {
    throw ValueError("[explain.make_subject] expected a record or a picture, got both; pass one of them");
  }
  if (request.prompt.empty() && !request.record) {
    throw ValueError("[explain.make_subject] expected a prompt, got none; say what the picture shows");
  }
}

/// The words that a prompt asks about; refuses prompts and alternatives that the model cannot take.
std::vector<PromptContrast> asked_contrasts(const Model& model, const SubjectRequest& request,
                                            const std::string& prompt) {
  model.condition({prompt});
  if (!request.compared.empty()) model.condition(request.compared);
  std::vector<PromptContrast> contrasts = contrasts_of(model, prompt, request.words, request.alternatives);
  for (const PromptContrast& contrast : contrasts) model.condition(contrast.prompts);
  return contrasts;
}

PictureRequest pictures_of(const SubjectRequest& request, int64_t count) {
  return {std::vector<std::string>(static_cast<size_t>(count), request.prompt), "", request.seed, 0};
}

Subject recorded_subject(const Model& model, const SubjectRequest& request, const TrajectoryRecord& record,
                         const Control& control) {
  RecordedTrajectory read = read_trajectory(model, record, request.recorded, request.pictures, control);
  if (!request.prompt.empty() && request.prompt != read.prompt) {
    throw ValueError(
        format_text("[explain.make_subject] expected the prompt of picture {}, '{}', got '{}'; leave --prompt out, or "
                    "see 'noisescope rewind --help'",
                    request.recorded, read.prompt, request.prompt));
  }
  return {model,
          read.prompt,
          request.compared,
          TrajectoryOrigin::recorded,
          read.sample,
          std::move(read.trajectory),
          {},
          asked_contrasts(model, request, read.prompt),
          {},
          request.paths,
          request.seed,
          read.added};
}

Subject new_subject(const Model& model, const SubjectRequest& request, const Control& control) {
  std::vector<PromptContrast> contrasts = asked_contrasts(model, request, request.prompt);
  const bool inverted = request.picture.defined();
  SamplingOptions sample = model.sample;
  if (inverted) {
    sample.sampler = {.solver = Solver::ddpm};
    sample.guidance.clamp = 0;
  }
  Trajectory trajectory =
      inverted ? inverted_trajectory(model, pictures_of(request, request.paths), request.picture, sample, control)
               : draw_trajectory(model, pictures_of(request, request.pictures), sample);
  return {model,
          request.prompt,
          request.compared,
          inverted ? TrajectoryOrigin::inverted : TrajectoryOrigin::drawn,
          sample,
          std::move(trajectory),
          {},
          std::move(contrasts),
          {},
          request.paths,
          request.seed,
          0};
}

}  // namespace

Trajectory Subject::first(int64_t count) const {
  return trajectory.rows(sample_range(0, std::min(count, trajectory.count())));
}

Trajectory Subject::fresh(int64_t count) const {
  const NoiseSource noise{Random(seed), sample_range(0, count)};
  return {sampling_of(model, sample),
          {condition(count), null_condition(count), noise.initial(model.image_shape).to(model.device), noise}};
}

Trajectory Subject::fresh(const std::vector<std::string>& prompts, uint64_t stream) const {
  const Trajectory plain = draw_trajectory(model, {prompts, "", seed ^ stream, 0}, sample);
  const Tensor null = null_condition(plain.count());  // maybe a negative prompt
  Tensor condition = plain.condition().clone();
  for (size_t k = 0; k < prompts.size(); ++k) {
    const auto row = static_cast<int64_t>(k);
    if (prompts[k].empty()) condition[row] = null[row];
  }
  return {plain.sampling(), {condition, null, plain.initial(), plain.noise()}};
}

Tensor Subject::copies(int64_t count) const {
  return picture.to(model.device).unsqueeze(0).expand({count, -1, -1, -1}).contiguous();
}

Subject make_subject(const Model& model, const SubjectRequest& request, const Control& control) {
  check_request(request);
  FactorReader factors = factors_of(model, request.labels);
  Subject subject = request.record ? recorded_subject(model, request, *request.record, control)
                                   : new_subject(model, request, control);
  subject.factors = std::move(factors);
  subject.picture = subject.is_inverted() ? request.picture.to(torch::kCPU, torch::kFloat32)
                                          : subject.trajectory.pictures(control)[0].to(torch::kCPU, torch::kFloat32);
  return subject;
}

Subject subject_of(const Model& model, const Trajectory& trajectory, const SamplingOptions& sample,
                   const std::string& prompt, const SubjectRequest& request) {
  if (request.recorded < 0 || request.recorded >= trajectory.count()) {
    throw ValueError(format_text("[explain.subject_of] expected a picture from 0 to {}, got {}", trajectory.count() - 1,
                                 request.recorded));
  }
  std::vector<int64_t> rows = sample_range(0, trajectory.count());
  std::swap(rows.front(), rows[static_cast<size_t>(request.recorded)]);
  Trajectory first = trajectory.rows(rows);
  Tensor picture = first.pictures()[0].to(torch::kCPU, torch::kFloat32);
  return {model,
          prompt,
          {},
          TrajectoryOrigin::drawn,
          sample,
          std::move(first),
          std::move(picture),
          contrasts_of(model, prompt, request.words, request.alternatives),
          factors_of(model, request.labels),
          request.paths,
          request.seed,
          0};
}

ScorePictures word_margins(const Subject& subject) {
  if (!subject.model.reader) {
    throw ValueError("[explain.word_margins] expected a model that reads pictures, got " + subject.model.name +
                     ", which has no reader");
  }
  std::vector<std::pair<WordReader, int64_t>> words;  // a reader of the versions, and the true one
  for (const PromptContrast& contrast : subject.contrasts) {
    words.emplace_back(subject.model.reader(lone_words(subject.grammar(), contrast)), contrast.true_version);
  }
  return [words](const Tensor& pictures) {
    std::vector<Tensor> margins;
    for (const auto& [reader, own] : words) {
      const Tensor scores = reader(pictures);
      const Tensor others = (scores.sum(1) - scores.select(1, own)) / double(scores.size(1) - 1);
      margins.push_back(scores.select(1, own) - others);
    }
    return torch::stack(margins, 1);
  };
}

}  // namespace noisescope::explain
