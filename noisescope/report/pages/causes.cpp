#include "noisescope/world/parser.h"
#include "noisescope/explain/noise_sobol.h"
#include "noisescope/explain/noise_tiles.h"
#include "noisescope/explain/noise_transplant.h"
#include "noisescope/explain/seed_share.h"
#include "noisescope/report/pages/explainers.h"
#include "noisescope/viz/panels.h"

namespace noisescope {
namespace {

constexpr const char* kCausesProse =
    "What did the noise decide? What a picture shows is read as one number a word: its cosine with the word in "
    "the run's CLIP, less that of the alternatives. Indices and shares are of new runs of the prompt, tiles of the "
    "explained one.\n\n"
    "Sobol indices: of the variance of that number over runs of this prompt, the share that the first noise, or "
    "the noise injected in a window of steps, decides alone (first order) and with all interactions (total). With "
    "a deterministic sampler all belongs to the first noise.\n\n"
    "Seed and prompt: of its variance over a grid of seeds and versions of the first word, the shares of seed, "
    "prompt and interaction; a share that is truly 0 is estimated below 0 half of the time.\n\n"
    "Tiles: one tile of the first noise is drawn anew, everything else stays: how much of the picture changes. On "
    "the exact fine world tiles of 4 px under the object change most (AUC .76 to .78); where objects fill most of "
    "the picture, as on the demo world (.58), this says little. Here tiles are larger and pictures few.\n\n"
    "Transplant (two-object world): the block of first noise under the left object of one run is pasted into another "
    "run at the same place. Does the object move there? A random block of the same size is the control; on the exact "
    "fine world an object follows its own block several times as often.";

constexpr int64_t kSeeds = 12, kMostPrompts = 5, kTilePictures = 2, kPairs = 24;

NoiseTilesOptions tile_options(const ExplainContext& context) {
  return {.tile_px = context.picture.size(1) / 4, .redraws = 3};
}

int64_t sobol_runs(const ExplainContext& context) { return 3 * context.request.pictures; }

int64_t steps_of(const ExplainContext& context) {
  return static_cast<int64_t>(context.sigmas().size()) - 1;
}

NoiseSobolOptions sobol_options(const ExplainContext& context) {
  return {.windows = std::min<int64_t>(3, steps_of(context))};
}

Tensor prompt_rows(const ExplainContext& context, int64_t count) {
  return context.model.condition({context.request.prompt}).expand({count, -1});
}

Estimate with_error(const Tensor& value, const Tensor& error, int64_t n) {
  const double v = value.item<double>(), half = 1.96 * error.item<double>();
  return {v, v - half, v + half, n};
}

std::string cell(const Estimate& e) { return text_of("%.2f [%.2f, %.2f]", e.value, e.low, e.high); }

void add_sobol(const ExplainContext& context, Explained& out) {
  const int64_t runs = sobol_runs(context);
  const RunNoise seeds = seed_noise(context, runs);
  const NoiseSobol found =
      noise_sobol(drawer_of(context), word_margins(context), seeds.initial,
                  prompt_rows(context, runs), seeds.noise, steps_of(context), sobol_options(context),
                  context.control);
  Table table{text_of("Total Sobol indices over %lld runs with 95 %% intervals.",
                      static_cast<long long>(runs)), {"word", "first noise"}, {}};
  for (size_t w = 0; w + 1 < found.first_steps.size(); ++w) {
    table.header.push_back(text_of("steps %lld to %lld", static_cast<long long>(found.first_steps[w]),
                                   static_cast<long long>(found.first_steps[w + 1] - 1)));
  }
  for (size_t f = 0; f < context.contrasts.size(); ++f) {
    const auto at = static_cast<int64_t>(f);
    std::vector<std::string> cells = {context.contrasts[f].word};
    nlohmann::ordered_json json = {{"word", context.contrasts[f].word}};
    for (int64_t k = 0; k < found.indices.total.size(0); ++k) {
      const SobolIndices& s = found.indices;
      const Estimate total = with_error(s.total[k][at], s.total_error[k][at], runs);
      json["first"].push_back(to_json(with_error(s.first[k][at], s.first_error[k][at], runs)));
      json["total"].push_back(to_json(total));
      cells.push_back(cell(total));
    }
    out.json["sobol"].push_back(std::move(json));
    table.rows.push_back(std::move(cells));
  }
  out.section.tables.push_back(std::move(table));
  out.tensors.tensors["sobol.first"] = found.indices.first;
  out.tensors.tensors["sobol.total"] = found.indices.total;
}

/// Versions of the first word that has at least three.
std::vector<std::string> grid_prompts(const ExplainContext& context) {
  for (const PromptContrast& contrast : context.contrasts) {
    if (contrast.prompts.size() < 3) continue;
    const size_t count = std::min(contrast.prompts.size(), static_cast<size_t>(kMostPrompts));
    return {contrast.prompts.begin(), contrast.prompts.begin() + static_cast<long>(count)};
  }
  return {};
}

void add_shares(const ExplainContext& context, Explained& out) {
  const std::vector<std::string> prompts = grid_prompts(context);
  if (prompts.empty()) return;
  const RunNoise seeds = seed_noise(context, kSeeds);
  const VarianceShares shares =
      seed_shares(attribute_grid(drawer_of(context), word_margins(context), seeds.initial,
                                 context.model.condition(prompts), seeds.noise, context.control));
  Table table{text_of("Shares of the variance over %lld seeds and %zu prompts (from \"%s\"), with 95 %% "
                      "intervals.", static_cast<long long>(kSeeds), prompts.size(), prompts[0].c_str()),
              {"word", "seed", "prompt", "interaction"}, {}};
  for (size_t f = 0; f < context.contrasts.size(); ++f) {
    const auto at = static_cast<int64_t>(f);
    const Estimate seed = with_error(shares.seed[at], shares.seed_error[at], kSeeds);
    const Estimate prompt = with_error(shares.prompt[at], shares.prompt_error[at], kSeeds);
    const Estimate both = with_error(shares.interaction[at], shares.interaction_error[at], kSeeds);
    table.rows.push_back({context.contrasts[f].word, cell(seed), cell(prompt), cell(both)});
    out.json["shares"].push_back({{"word", context.contrasts[f].word}, {"seed", to_json(seed)},
                                  {"prompt", to_json(prompt)}, {"interaction", to_json(both)}});
  }
  out.section.tables.push_back(std::move(table));
}

void add_tiles(const ExplainContext& context, Explained& out) {
  const RunNoise seeds = run_noise(context, kTilePictures);
  const NoiseTiles tiles = noise_tiles(drawer_of(context), seeds.initial,
                                       prompt_rows(context, kTilePictures), seeds.noise,
                                       tile_options(context), context.control);
  const Tensor map = tiles.importance()
                         .repeat_interleave(tile_options(context).tile_px, 1)
                         .repeat_interleave(tile_options(context).tile_px, 2);
  std::vector<PanelRow> rows;
  for (int64_t b = 0; b < kTilePictures; ++b) {
    rows.push_back({"", {picture_panel(tiles.pictures[b].cpu(), "picture"),
                         map_panel(map[b], "tiles of its noise", "squared change")}});
  }
  const Tensor locality = tiles.locality().flatten();
  const Estimate own = mean_estimate(locality.index({~locality.isnan()}));
  out.json["tile_locality"] = to_json(own);
  out.section.numbers.push_back(key_number(
      "change inside the tile", own, "", "share of the change that lands where the noise was redrawn"));
  out.tensors.tensors["tiles.effect"] = tiles.effect;
  out.add_png("tiles.png", panel_rows(rows), "How much of the picture each tile of the first noise decides",
              text_of("%lld redraws a tile; brighter: more of the picture changes.",
                      static_cast<long long>(tile_options(context).redraws)));
}

bool has_parser(const ExplainContext& context) {
  return context.config.data.kind == DataKind::world;
}

/// The pixels of the left object; none where the picture cannot be read.
FindObject left_object(const ExplainContext& context) {
  const World world(context.config.data.world);
  return [world, parser = WorldParser(world)](const Tensor& pictures) {
    std::vector<Scene> scenes;
    std::vector<bool> rejected;
    for (const ParsedScene& read : parser.parse(pictures.to(torch::kCPU))) {
      scenes.push_back(read.scene);
      rejected.push_back(read.rejected);
    }
    Tensor masks = world.object_masks(scenes).select(1, 0).clone();
    for (size_t i = 0; i < rejected.size(); ++i) {
      if (rejected[i]) masks[static_cast<int64_t>(i)].fill_(false);
    }
    return masks;
  };
}

void add_transplant(const ExplainContext& context, Explained& out) {
  if (!has_parser(context)) return;
  const RunNoise all = seed_noise(context, 2 * kPairs);
  const Transplant found = transplant_blocks(
      drawer_of(context), left_object(context), all.initial.slice(0, kPairs),
      all.initial.slice(0, 0, kPairs), prompt_rows(context, kPairs),
      rows_of(all.noise, sample_range(0, kPairs)), {});
  const Tensor moved = found.moved(), control = found.moved_by_control();
  const int64_t n = moved.size(0);
  out.json["transplant"]["eligible_pairs"] = n;
  if (n == 0) return;
  const Estimate own = wilson(moved.sum().item<int64_t>(), n);
  const Estimate random = wilson(control.sum().item<int64_t>(), n);
  out.json["transplant"]["own_block"] = to_json(own);
  out.json["transplant"]["random_block"] = to_json(random);
  out.section.tables.push_back(
      {text_of("Share of %lld pairs of runs in which the left object came to the donor's place (IoU at least .5), "
               "with 95 %% intervals.", static_cast<long long>(n)),
       {"block pasted", "object came"}, {{"the donor's", cell(own)}, {"a random one", cell(random)}}});
}

Explained explain_causes(const ExplainContext& context) {
  Explained out{{"What the noise decided", kCausesProse, {}, {}, {}, {}}};
  add_sobol(context, out);
  add_shares(context, out);
  add_tiles(context, out);
  add_transplant(context, out);
  return out;
}

int64_t causes_cost(const ExplainContext& context) {
  const int64_t steps = steps_of(context), side = context.picture.size(1);
  const auto prompts = static_cast<int64_t>(grid_prompts(context).size());
  return branches_of(context) *
         (sobol_options(context).cost(sobol_runs(context), steps) + kSeeds * prompts * steps +
          tile_options(context).cost(kTilePictures, side, side, steps) +
          (has_parser(context) ? TransplantOptions{}.cost(kPairs, steps) : 0));
}

}  // namespace

Explainer causes_explainer() {
  return {"causes", "What did the noise decide, and which part of it?", {.run = true, .words = true}, causes_cost,
          explain_causes};
}

}  // namespace noisescope
