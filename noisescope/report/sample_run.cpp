#include "noisescope/report/sample_run.h"

#include <algorithm>
#include <chrono>

#include "noisescope/core/format.h"
#include "noisescope/diffusion/trajectory_recorder.h"
#include "noisescope/io/array_file.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/config.h"
#include "noisescope/io/file.h"
#include "noisescope/io/image_tensor.h"
#include "noisescope/io/safetensors.h"
#include "noisescope/io/writable_folder.h"
#include "noisescope/model/trajectory_record.h"
#include "noisescope/report/figures.h"
#include "noisescope/viz/animation.h"
#include "noisescope/viz/image_grid.h"

namespace noisescope::report {
namespace {

/// Prompts in order, each `count` times.
std::vector<std::string> repeated(const std::vector<std::string>& prompts, int64_t count) {
  std::vector<std::string> all;
  for (const std::string& prompt : prompts) all.insert(all.end(), static_cast<size_t>(count), prompt);
  return all;
}

/// The prompts of a request as captions: texts, then the files of pictures.
std::vector<std::string> prompt_names(const SampleRequest& request) {
  std::vector<std::string> names = request.prompts;
  for (const auto& file : request.image_prompts) names.push_back(file.filename().string());
  return names;
}

/// The prompts of all pictures as a record names them.
std::vector<std::string> recorded_prompts(const SampleRequest& request) {
  std::vector<std::string> names = prompt_names(request);
  for (size_t k = request.prompts.size(); k < names.size(); ++k) names[k] = kPicturePrompt + names[k];
  return repeated(names, request.count);
}

/// Sample numbers restart with every prompt, so picture k of a prompt does not depend on the others.
std::vector<int64_t> sample_ids(const SampleRequest& request) {
  std::vector<int64_t> ids;
  for (size_t k = 0; k < prompt_names(request).size(); ++k) {
    for (int64_t id = 0; id < request.count; ++id) ids.push_back(request.first + id);
  }
  return ids;
}

/// The settings as they stand in a picture's text chunks.
std::map<std::string, std::string> settings(const RunConfig& config, const SampleRequest& request,
                                            const std::string& prompt) {
  return {{"prompt", prompt},
          {"negative_prompt", request.negative_prompt},
          {"seed", std::to_string(request.seed)},
          {"first_sample_number", std::to_string(request.first)},
          {"sample", to_json(config.sample).dump()}};
}

class Writer {
 public:
  Writer(const RunConfig& config, const SampleRequest& request, SampleResult& result)
      : config_(config), request_(request), result_(result) {}

  void grid(const std::vector<std::string>& captions) {
    const auto path = request_.out / "grid.png";
    ImageGridOptions layout;
    constexpr int64_t kLongestRow = 16;
    if (request_.count > 1) layout.group = request_.count;  // each prompt on rows of its own, or on one
    if (request_.count > 1 && request_.count <= kLongestRow && prompt_names(request_).size() > 1) {
      layout.columns = request_.count;
    }
    write_png(path, image_grid(result_.pictures, captions, layout),
              settings(config_, request_, join(prompt_names(request_), " | ")));
    result_.files.push_back(path);
  }

  void singles(const std::vector<std::string>& captions) {
    const std::vector<int64_t> numbers = sample_ids(request_);
    for (int64_t k = 0; k < result_.pictures.size(0); ++k) {
      const std::string name = format_text("picture-{:05}.png", request_.first + k);
      auto text = settings(config_, request_, captions[static_cast<size_t>(k)]);
      text.erase("first_sample_number");
      text["sample_number"] = std::to_string(numbers[static_cast<size_t>(k)]);
      write_png(request_.out / name, tensor_to_image(result_.pictures[k]), text);
      result_.files.push_back(request_.out / name);
    }
  }

  void array() {
    const auto path = request_.out / ("pictures." + request_.array);
    if (request_.array == "npy") {
      write_npy(path, result_.pictures);
    } else {
      write_safetensors(
          path, {{{"pictures", result_.pictures}}, settings(config_, request_, join(prompt_names(request_), " | "))});
    }
    result_.files.push_back(path);
  }

  void record(const TrajectoryRecorder& recorder, const TextToImage& model) {
    const auto path = request_.out / "record.safetensors";
    const nlohmann::ordered_json how = settings(config_, request_, join(prompt_names(request_), " | "));
    save_record(path, make_record(recorder,
                                  {recorded_prompts(request_), sample_ids(request_), weights_hash(model), how.dump()}));
    result_.files.push_back(path);
  }

  void film(const TrajectoryRecorder& recorder) {
    const Film film =
        trajectory_film(recorder.steps(), 0, prompt_names(request_).front(), config_.precondition.schedule);
    const auto path = request_.out / ("film." + request_.film);
    write_animation(path, film_frames(film));
    write_png(request_.out / "film-strip.png", film_strip(film));
    result_.files.push_back(path);
    result_.files.push_back(request_.out / "film-strip.png");
  }

 private:
  const RunConfig& config_;
  const SampleRequest& request_;
  SampleResult& result_;
};

/// Drawing jobs, one a prompt. Throws ValueError if there is none.
std::vector<PictureRequest> drawings_of(const SampleRequest& request) {
  const std::vector<std::string> names = prompt_names(request);
  if (names.empty()) {
    throw ValueError(
        "[report.sample_run] expected --prompt or --image-prompt, got neither; say what to draw: --prompt \"...\"");
  }
  std::vector<PictureRequest> drawings;
  for (size_t k = 0; k < names.size(); ++k) {
    drawings.push_back({repeated({names[k]}, request.count), request.negative_prompt, request.seed, request.first});
    if (k < request.prompts.size()) continue;
    const Image picture = read_image(request.image_prompts[k - request.prompts.size()]);
    drawings.back().images = image_to_tensor(picture).expand({request.count, -1, -1, -1});
  }
  return drawings;
}

Tensor draw_all(const TextToImage& model, const RunConfig& config, const SampleRequest& request,
                const SamplerObserver& observer, const Control& control) {
  SamplingOptions sample = config.sample;
  sample.guidance.both_branches = sample.guidance.both_branches || request.record == "full";
  std::vector<Tensor> pictures;
  for (const PictureRequest& drawing : drawings_of(request)) {
    pictures.push_back(sample_pictures(model, drawing, sample, observer, control));
  }
  return torch::cat(pictures);
}

/// Refuses, before anything is drawn, a record larger than its cap: the recorder itself sees one
/// batch at a time.
void check_record(const RunConfig& config, const SampleRequest& request, int64_t side) {
  if (request.record.empty()) return;
  const RecorderOptions cap;
  const auto pictures = static_cast<int64_t>(prompt_names(request).size()) * request.count;
  const int64_t needed = TrajectoryRecorder::required_bytes(cap, config.sample.grid.steps,
                                                            torch::empty({pictures, 3, side, side}, torch::kMeta));
  if (needed <= cap.max_bytes) return;
  throw ValueError(
      format_text("[report.sample_run] expected a record of at most {} MiB, got a run that needs {}; draw fewer "
                  "pictures, or without --record",
                  cap.max_bytes >> 20, needed >> 20));
}

/// Pictures and films in the folder that this call did not write.
std::vector<std::string> earlier_results(const SampleRequest& request, const SampleResult& result) {
  std::vector<std::string> earlier;
  for (const auto& entry : std::filesystem::directory_iterator(request.out)) {
    const std::string name = entry.path().filename().string();
    const bool is_result = name.starts_with("picture-") || name.starts_with("film");
    const bool is_new = std::find(result.files.begin(), result.files.end(), request.out / name) != result.files.end();
    if (is_result && !is_new) earlier.push_back(name);
  }
  std::sort(earlier.begin(), earlier.end());
  return earlier;
}

}  // namespace

SampleResult sample_run(const TextToImage& model, const RunConfig& config, const RunFolder& folder,
                        const SampleRequest& asked, const Control& control) {
  SampleRequest request = asked;
  if (request.out.empty()) request.out = folder.samples();
  check_record(config, request, model.image_size());
  const ResultFolder written(request.out);
  TrajectoryRecorder recorder{RecorderOptions{}};
  SampleResult result;
  const auto begin = std::chrono::steady_clock::now();
  result.pictures =
      draw_all(model, config, request, request.record.empty() ? SamplerObserver{} : recorder.observer(), control);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const std::vector<std::string> captions = repeated(prompt_names(request), request.count);
  Writer writer(config, request, result);
  writer.grid(captions);
  if (request.single) writer.singles(captions);
  if (!request.array.empty()) writer.array();
  if (!request.record.empty()) writer.record(recorder, model);
  if (!request.no_animation) {
    // The first picture again, alone, for its film: image k of a batch equals image k alone.
    SampleRequest first = request;
    first.prompts.resize(std::min<size_t>(request.prompts.size(), 1));
    first.image_prompts.resize(first.prompts.empty() ? 1 : 0);
    first.count = 1;
    TrajectoryRecorder alone{RecorderOptions{}};
    draw_all(model, config, first, alone.observer(), {{}, control.stop});
    writer.film(alone);
  }
  result.earlier = earlier_results(request, result);
  return result;
}

}  // namespace noisescope::report
