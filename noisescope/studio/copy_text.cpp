#include "noisescope/studio/copy_text.h"

#include <algorithm>

#include "noisescope/core/format.h"

namespace noisescope::studio {
namespace {

/// For a POSIX shell.
std::string quoted(const std::string& text) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-/:,=").find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// A Python literal: JSON's, but for true, false and null.
std::string literal(const Json& value) {
  if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
  if (value.is_null()) return "None";
  return value.dump();
}

const Json& first_of(const Branch& branch) { return branch.recipe.front(); }

std::string set_text(const Branch& branch) {
  std::string text;
  const Json options = first_of(branch).value("options", Json::object());
  for (const auto& [name, value] : options.items()) {
    const std::string plain = value.is_string() ? value.get<std::string>() : value.dump();
    text += " --set " + quoted("sample." + name + "=" + plain);
  }
  return text;
}

/// The flags of `noisescope rewind` for a change; "" where it has none.
std::string rewind_flags(const ChangeRequest& change) {
  if (change.move || change.swap || change.turn_seed || change.window) return "";
  if (change.noise && change.remaining_seed && change.noise->seed != *change.remaining_seed) return "";
  std::string flags = format_text(" --out rewound --step {}", change.step);
  if (change.prompt) flags += " --to-prompt " + quoted(*change.prompt);
  if (change.guidance) flags += " --scale " + number_text(*change.guidance);
  if (change.noise) {
    const Box& box = change.noise->box;
    flags +=
        format_text(" --block {},{},{},{} --noise-seed {}", box.y, box.x, box.height, box.width, change.noise->seed);
  }
  if (change.remaining_seed) flags += format_text(" --new-noise --noise-seed {}", *change.remaining_seed);
  return flags;
}

/// The keywords of Trajectory.changed for a change; "" where it has none.
std::string changed_keywords(const ChangeRequest& change) {
  if (change.move || change.swap || change.turn_seed) return "";
  std::string text = format_text("{}", change.step);
  if (change.prompt) text += ", prompts=" + Json(*change.prompt).dump();
  if (change.guidance && change.window) {
    text += format_text(", window=({}, {}, {})", number_text((*change.window)[0]), number_text((*change.window)[1]),
                        number_text(*change.guidance));
  } else if (change.guidance) {
    text += ", scale=" + number_text(*change.guidance);
  }
  if (change.noise) {
    const Box& box = change.noise->box;
    text +=
        format_text(", block=({}, {}, {}, {}), block_seed={}", box.y, box.x, box.height, box.width, change.noise->seed);
  }
  if (change.remaining_seed) text += format_text(", remaining_noise={}", *change.remaining_seed);
  return text;
}

/// Options nested as Python's keywords take them: {"grid.steps": 20} -> grid={"steps": 20}.
std::string option_keywords(const Branch& branch) {
  Json sections = Json::object();
  const Json options = first_of(branch).value("options", Json::object());
  for (const auto& [name, value] : options.items()) {
    const size_t dot = name.find('.');
    if (dot == std::string::npos) {
      sections[name] = value;
    } else {
      sections[name.substr(0, dot)][name.substr(dot + 1)] = value;
    }
  }
  std::string text;
  for (const auto& [name, value] : sections.items()) text += ", " + name + "=" + literal(value);
  return text;
}

}  // namespace

std::string command_text(const Branch& branch, const std::string& argument) {
  const size_t changes = branch.recipe.size() - 1;
  if (argument.empty() || changes > 1) return "";
  const DrawRequest& request = branch.request;
  const std::string common = quoted(argument) + " --prompt " + quoted(request.prompt) +
                             format_text(" --pictures {} --seed {}", request.pictures, request.seed);
  if (changes == 0) {
    const bool is_run = argument != "world" && !argument.starts_with("world:") && !argument.starts_with("data:");
    if (!is_run) return "";
    const std::string negative =
        request.negative_prompt.empty() ? "" : " --negative-prompt " + quoted(request.negative_prompt);
    return "noisescope sample " + common + negative + set_text(branch);
  }
  const std::string flags = rewind_flags(*branch.change());
  if (flags.empty() || !request.negative_prompt.empty()) return "";
  return "noisescope rewind " + common + flags + set_text(branch);
}

std::string python_text(const Branch& branch, const std::string& model) {
  if (model.empty()) return "";
  const DrawRequest& request = branch.request;
  std::string text = "import noisescope as ns\n\nmodel = " + model + "\nrun = model.trajectory([" +
                     Json(request.prompt).dump() + format_text("] * {}, seed={}", request.pictures, request.seed);
  if (!request.negative_prompt.empty()) text += ", negative_prompt=" + Json(request.negative_prompt).dump();
  text += option_keywords(branch) + ")\n";
  for (size_t k = 1; k < branch.recipe.size(); ++k) {
    const std::string keywords = changed_keywords(branch.changes[k - 1]);
    if (keywords.empty()) return "";
    text += "run = run.changed(" + keywords + ")\n";
  }
  return text + "pictures = run.pictures\n";
}

}  // namespace noisescope::studio
