#include "noisescope/report/report_run.h"

#include <cmath>

#include "noisescope/core/format.h"
#include "noisescope/data/data_options.h"
#include "noisescope/diffusion/trajectory_recorder.h"
#include "noisescope/io/config.h"
#include "noisescope/io/file.h"
#include "noisescope/io/json_file.h"
#include "noisescope/report/explain_report.h"
#include "noisescope/report/figures.h"
#include "noisescope/run/evaluate_run.h"
#include "noisescope/run/preview.h"
#include "noisescope/run/train_run.h"
#include "noisescope/train/metrics.h"
#include "noisescope/viz/animation.h"
#include "noisescope/viz/image_grid.h"
#include "noisescope/viz/report.h"
#include "noisescope/viz/text.h"

namespace noisescope::report {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kExplained = 3;

std::string interval(const ordered_json& e) {
  return format_text("95 %: {:.3f} to {:.3f}, n = {}", e.at("low").get<double>(), e.at("high").get<double>(),
                     e.at("n").get<int64_t>());
}

KeyNumber share(const std::string& label, const ordered_json& e, const std::string& meaning) {
  return {label, format_text("{:.1f} %", 100 * e.at("value").get<double>()), interval(e), meaning};
}

class ReportWriter {
 public:
  ReportWriter(const TextToImage& network, const RunConfig& config, const RunFolder& folder,
               const ReportRequest& request, const Control& control)
      : network_(network),
        model_(run_model(network, config, folder)),
        config_(config),
        folder_(folder),
        request_(request),
        control_(control) {
    if (request_.prompts.empty()) request_.prompts = example_prompts(config, network, kExplained);
  }

  Report operator()() {
    const ordered_json evaluation = std::filesystem::exists(folder_.evaluation())
                                        ? read_json_file(folder_.evaluation())
                                        : evaluate_run(network_, config_, folder_, control_);
    Report report{"What the noise says", lead(), {}};
    report.sections.push_back(results(evaluation));
    report.sections.push_back(films());
    if (config_.data.kind == DataKind::world) report.sections.push_back(evidence(6, 80));
    if (config_.data.kind == DataKind::emoji) report.sections.push_back(evidence(2, 40));
    report.sections.push_back(information());
    report.sections.push_back(learning());
    report.sections.push_back(encoder());
    report.sections.push_back(settings());
    return report;
  }

 private:
  std::string lead() const {
    const ordered_json training = read_json_file(folder_.training());
    const std::string busy = training.value("machine", ordered_json::object()).value("note", "");
    return format_text(
        "A text-to-image model of {:.1f} M parameters, trained on this machine in {:.0f} s on {} images, and what "
        "happens between its first noise and its last picture.{}",
        1e-6 * training.at("parameters").get<double>(), training.at("seconds").get<double>(),
        training.at("images").get<int64_t>(), busy.empty() ? "" : " While it was trained, " + busy + ".");
  }

  Section results(const ordered_json& evaluation) const {
    Section s{"Does it draw what is asked?", "", {}, {}, {}, {}};
    if (evaluation.contains("score")) {
      world_results(evaluation, s);
    } else {
      s.prose =
          "Scores in the feature space of an encoder that was trained apart from the one that "
          "conditions the model. Each stands beside its floors: what real pictures score "
          "against other real ones, and what shuffled captions score.";
      feature_results(evaluation, s);
    }
    const auto grid = folder_.samples() / "evaluation.png";
    if (std::filesystem::exists(grid)) {
      s.figures.push_back({png_tag(grid, "Generated pictures with their prompts"),
                           "The first pictures of the score, unselected. A tick: the picture shows "
                           "what its prompt asks for; a cross: it does not, or cannot be read."});
    }
    const auto nearest = folder_.samples() / "nearest.png";
    if (std::filesystem::exists(nearest)) {
      s.figures.push_back({png_tag(nearest, "Generated pictures beside the nearest trained on"),
                           "Each generated picture, and to its right the picture of the training set that is nearest "
                           "to it, with the root mean square distance of their pixels (black to white is 2)."});
    }
    return s;
  }

  void world_results(const ordered_json& evaluation, Section& s) const {
    s.prose =
        "Every picture was read by the exact parser of the two-object world, which knows no "
        "model and cannot be flattered. A picture that it cannot read counts as wrong. "
        "Chance is 1 in 396.";
    const bool has_strict = evaluation.contains("strict");
    const ordered_json& score = evaluation.at(has_strict ? "strict" : "score");
    s.numbers = {
        share(
            "scene accuracy", score.at("joint"),
            format_text("both shapes, both colours, both sides and the background as asked, with hardly a wrong pixel "
                        "at an edge, at guidance scale s = {:g} (w = s - 1 = {:g})",
                        evaluation.at("default_guidance").get<double>(),
                        evaluation.at("default_guidance").get<double>() - 1)),
        share("shapes", score.at("shapes"), "both shapes as asked"),
        share("colours", score.at("colours"), "both colours as asked"),
        share("sides", score.at("sides"), "the objects stand on the sides asked for"),
        share("background", score.at("background"), "as asked"),
        share("unreadable", score.at("rejected"), "farther from every picture of the world than the parser accepts"),
        {"drawing", format_text("{:.3f} s", evaluation.at("seconds_per_image").get<double>()), "",
         "for one picture; without prompt only where guidance acts"}};
    if (has_strict) {
      s.numbers.push_back(share("grainier pictures let through", evaluation.at("score").at("joint"),
                                format_text("scene accuracy of the same pictures where a residual of {:.3f} is allowed "
                                            "instead of {:.3f}",
                                            evaluation.at("parser_residual_bound").get<double>(),
                                            evaluation.at("strict_residual_bound").get<double>())));
    }
    s.figures.push_back(svg_figure(accuracy_over_guidance(evaluation),
                                   "The sweep has prompts and noise of its own. Bands are 95 % "
                                   "Wilson intervals."));
  }

  static void feature_results(const ordered_json& evaluation, Section& s) {
    Table table{"value, and what it would be by chance or at best", {"measure", "value", "detail"}, {}};
    for (const auto& [name, value] : evaluation.items()) {
      if (value.is_object() && value.contains("value")) {
        table.rows.push_back({name, format_text("{:.4f}", value.at("value").get<double>()),
                              value.contains("low") ? interval(value)
                              : value.contains("n") ? format_text("n = {}", value.at("n").get<int64_t>())
                                                    : ""});
      } else if (value.is_number()) {
        table.rows.push_back({name, format_text("{:.4g}", value.get<double>()), ""});
      } else if (value.is_string()) {
        table.rows.push_back({name, value.get<std::string>(), ""});
      }
    }
    s.tables.push_back(table);
    if (evaluation.contains("departure")) s.tables.push_back(departure_table(evaluation.at("departure")));
  }

  static Table departure_table(const ordered_json& departure) {
    Table table{
        "Learned or learned by heart: root mean square errors without prompt, by the network and by the exact "
        "model of the training pictures, on trained and on held-out pictures. Of held-out ones, what the "
        "network errs less is what it generalises",
        {"sigma", "trained: network", "exact", "apart", "held out: network", "exact", "apart"},
        {}};
    const auto cell = [&](const char* part, const char* what, size_t level) {
      if (!departure.contains(part)) return std::string("-");
      return format_text("{:.3f}", departure.at(part).at(what).at(level).get<double>());
    };
    for (size_t level = 0; level < departure.at("sigma").size(); ++level) {
      table.rows.push_back({format_text("{:g}", departure.at("sigma").at(level).get<double>())});
      for (const char* part : {"trained", "others"}) {
        for (const char* what : {"network", "exact", "apart"}) table.rows.back().push_back(cell(part, what, level));
      }
    }
    return table;
  }

  Section films() const {
    Section s{"From noise to picture",
              "Each film shows one sampling run, step by step: the noisy picture x_t as the network "
              "sees it, its estimate of the clean picture, the noise it sees with the prompt, the "
              "noise it sees without, and the difference of the two: what the prompt adds. Where the "
              "difference is large, the prompt is speaking.",
              {},
              {},
              {},
              {}};
    for (const std::string& prompt : request_.prompts) s.figures.push_back(film(prompt));
    return s;
  }

  Figure film(const std::string& prompt) const {
    const Trajectory trajectory = draw_trajectory(model_, {{prompt}, "", seed(), 0}, model_.sample);
    const Film film = trajectory_film(trajectory.steps({{}, control_.stop}), 0, prompt, model_.schedule);
    const std::string caption =
        "\"" + prompt + "\", seed " + std::to_string(config_.seed) + ". Noise falls from left to right.";
    const std::string alt = "Steps of a sampling run for the prompt " + prompt;
    if (request_.no_animation) return png_figure(film_strip(film), alt, caption);
    return film_figure(film_strip(film), encode_animation("gif", film_frames(film, 3)), "image/gif", alt, caption);
  }

  /// A method's page on the first prompt, the others beside it; written beside the report, too.
  Section explained(const char* id, int64_t paths, const nlohmann::ordered_json& settings) const {
    SubjectRequest request{request_.prompts.front()};
    request.compared.assign(request_.prompts.begin() + 1, request_.prompts.end());
    request.paths = paths;
    request.seed = seed();
    const Subject subject = make_subject(model_, request, control_);
    const ConfigNode options = config_from_json(settings, "report");
    Answers answers(subject, options, control_);
    const Method& method = find_method(id);
    Page page = answers.page(method);
    write_page(page, answers.of(method), id, folder_.explain());
    return std::move(page.section);
  }

  Section evidence(int64_t paths, int64_t steps) const {
    return explained("evidence", paths, {{"evidence", {{"steps", steps}}}});
  }

  Section information() const { return explained("guidance_information", 2, nlohmann::ordered_json::object()); }

  uint64_t seed() const { return static_cast<uint64_t>(config_.seed); }

  Section learning() const {
    Section s{"How it learned", "", {}, {}, {}, {}};
    s.figures.push_back(svg_figure(learning_curves(read_metrics(folder_.metrics())),
                                   "Training loss (means between records) and validation loss of the "
                                   "averaged weights on fixed noise."));
    if (std::filesystem::exists(folder_.validation())) {
      s.figures.push_back(svg_figure(loss_by_noise_level(read_json_file(folder_.validation())),
                                     "What is left to learn, by noise level: at high noise the "
                                     "picture cannot be known, at low noise the noise can hardly "
                                     "be seen."));
    }
    return s;
  }

  Section encoder() const {
    const ordered_json json = read_json_file(folder_.clip_report());
    const ordered_json& zero = json.at("zero_shot");
    Section s{"The encoder of the prompts",
              "A small CLIP, trained from nothing on the captions of this data.",
              {},
              {},
              {},
              {}};
    s.numbers = {
        share("zero-shot accuracy", zero,
              format_text("the best of {} captions is true of the picture", zero.at("captions").get<int64_t>())),
        {"image to text, recall at 1", format_text("{:.3f}", json.at("image_to_text").at("recall_at_1").get<double>()),
         "", "a true caption ranks first"}};
    if (json.contains("modality_gap")) {  // one pair has none
      const ordered_json& gap = json.at("modality_gap");
      s.numbers.push_back({"modality gap", format_text("{:.3f}", gap.at("distance").get<double>()),
                           format_text("pair cosine {:.2f}, unpaired {:.2f}", gap.at("pair_cosine").get<double>(),
                                       gap.at("unpaired_cosine").get<double>()),
                           "distance between the mean picture and the mean caption"});
    }
    return s;
  }

  Section settings() const {
    Section s{"Settings and machine", "", {}, {}, {}, {}};
    if (!request_.command_line.empty()) s.prose = "Made by: " + request_.command_line;
    Table machine{"This machine", {"what", "value"}, {}};
    const ordered_json environment = read_json_file(folder_.root / "env.json");
    for (const auto& [name, value] : environment.items()) {
      machine.rows.push_back({name, value.is_string() ? value.get<std::string>() : value.dump()});
    }
    s.tables.push_back(machine);
    s.preformatted = read_file(folder_.config());
    return s;
  }

  static std::string png_tag(const std::filesystem::path& path, const std::string& alt) {
    return "<img src=\"data:image/png;base64," + base64(read_file(path)) + "\" alt=\"" + escape_markup(alt) + "\">\n";
  }

  const TextToImage& network_;
  const Model model_;
  const RunConfig& config_;
  const RunFolder& folder_;
  ReportRequest request_;
  const Control& control_;
};

}  // namespace

void report_run(const TextToImage& model, const RunConfig& config, const RunFolder& folder,
                const ReportRequest& request, const Control& control) {
  write_file_atomic(folder.report(), to_html(ReportWriter(model, config, folder, request, control)()));
}

}  // namespace noisescope::report
