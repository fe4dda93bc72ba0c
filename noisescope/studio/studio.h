// One model, served to one person: what has been drawn and asked, and the one thread that computes. The functions of
// drawing.h, asking.h and exports.h are what a page can do with it; http_server.h lets a browser do it.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "noisescope/model/model.h"
#include "noisescope/run/run_folder.h"
#include "noisescope/studio/ask.h"
#include "noisescope/studio/branch.h"
#include "noisescope/studio/sweep.h"
#include "noisescope/studio/why.h"

namespace noisescope::studio {

/// What is known of the model beside itself.
struct StudioOptions {
  Limits limits = {};
  std::optional<RunFolder> folder = {};       // of a run
  std::vector<std::string> examples = {};     // prompts that show what it draws
  std::vector<std::string> completions = {};  // whole captions
  std::string argument = {};                  // MODEL on the command line; "": it has no name there
  std::string version = {};                   // of the program
  std::string python = {};                    // an expression that makes it: ns.load("runs/demo")
  std::string waiting = {};                   // why nothing can be drawn yet (run_to_come.h); "": it can
};

/// What jobs answered, by job: the newest 64, of sweeps, which hold many pictures, 8. Used from any thread.
class Results {
 public:
  void keep(int64_t job, Why why) { keep_in(whys_, job, std::move(why)); }
  void keep(int64_t job, Sweep sweep) { keep_in(sweeps_, job, std::move(sweep), 8); }
  void keep(int64_t job, Asked asked) { keep_in(asked_, job, std::move(asked)); }
  void keep(int64_t job, Json json) { keep_in(jsons_, job, std::move(json)); }
  /// nullptr where the job has not answered, or is forgotten.
  std::shared_ptr<const Why> why(int64_t job) const { return find_in(whys_, job); }
  /// All about a branch, oldest first.
  std::vector<std::shared_ptr<const Why>> whys_of(int64_t branch) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<const Why>> found;
    for (const auto& [job, why] : whys_) {
      if (why->branch == branch) found.push_back(why);
    }
    return found;
  }
  std::shared_ptr<const Sweep> sweep(int64_t job) const { return find_in(sweeps_, job); }
  std::shared_ptr<const Asked> asked(int64_t job) const { return find_in(asked_, job); }
  std::shared_ptr<const Json> json(int64_t job) const { return find_in(jsons_, job); }

 private:
  template <class T>
  using ByJob = std::map<int64_t, std::shared_ptr<const T>>;

  template <class T>
  void keep_in(ByJob<T>& map, int64_t job, T value, size_t most = 64) {
    const std::lock_guard lock(mutex_);
    map[job] = std::make_shared<const T>(std::move(value));
    if (map.size() > most) map.erase(map.begin());
  }
  template <class T>
  std::shared_ptr<const T> find_in(const ByJob<T>& map, int64_t job) const {
    const std::lock_guard lock(mutex_);
    const auto found = map.find(job);
    return found == map.end() ? nullptr : found->second;
  }

  mutable std::mutex mutex_;
  ByJob<Why> whys_;
  ByJob<Sweep> sweeps_;
  ByJob<Asked> asked_;
  ByJob<Json> jsons_;
};

struct Studio {
  /// Measures what an evaluation costs, unless nothing can be drawn yet.
  Studio(Model served, StudioOptions how);

  const Model model;
  const StudioOptions options;
  const double seconds_per_evaluation;
  EventLog events;
  BranchTree tree;
  Results results;
  JobQueue jobs;  // the last member: its thread uses the others
};

/// `GET /api/model` (docs/dev/studio.md).
Json model_json(const Studio& studio);

/// Throws ValueError for a prompt that the model cannot take, as far as its text tells: unknown words, or what no
/// picture shows. Evaluates nothing.
void check_prompt(const Model& model, const std::string& prompt);

/// The words of a prompt, known or not, and those whose alternatives are known. Evaluates nothing.
Json words_json(const Studio& studio, const std::string& prompt);

}  // namespace noisescope::studio
