#include "noisescope/processes/group.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/core/options.h"

namespace noisescope::processes {
namespace {

class Done : public Pending {
 public:
  void wait() override {}
};

class Alone : public Group {
 public:
  int64_t rank() const override { return 0; }
  int64_t size() const override { return 1; }
  void share_first(const Tensor&) override {}
  std::string from_first(const std::string& bytes) override { return bytes; }
  std::vector<std::string> from_each(const std::string& text) override { return {text}; }
  Tensor gather(const Tensor& mine) override { return mine.unsqueeze(0); }
  std::unique_ptr<Pending> begin_gather(Tensor out, Tensor in) override {
    out.copy_(in);
    return std::make_unique<Done>();
  }
  std::unique_ptr<Pending> begin_deal(Tensor out, Tensor in, std::vector<int64_t>, std::vector<int64_t>) override {
    out.copy_(in);
    return std::make_unique<Done>();
  }
  void fail(const std::string&) noexcept override {}
  void leave() override {}
};

/// The variable's number in [least, most].
int64_t number_of(const char* variable, int64_t least, int64_t most) {
  const char* text = std::getenv(variable);
  int64_t number = 0;
  const std::string_view digits = text ? text : "";
  const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = error == std::errc() && rest == digits.data() + digits.size();
  if (whole && number >= least && number <= most) return number;
  throw ConfigError(format_text(
      "[processes] expected {} in the environment as a whole number from {} to {} beside WORLD_SIZE, got {}; "
      "start the processes with torchrun, or unset WORLD_SIZE",
      variable, least, most, text ? in_quotes(text) : "none"));
}

std::string text_of(const char* variable) {
  const char* text = std::getenv(variable);
  return text ? text : "";
}

/// "data.batch_size 16 where process 0 has 32"
std::vector<std::string> differences(const nlohmann::json& first, const nlohmann::json& other) {
  std::vector<std::string> found;
  for (const auto& [name, value] : other.items()) {
    const std::string there = first.value(name, "nothing");
    if (there != value)
      found.push_back(format_text("{} {} where process 0 has {}", name, value.get<std::string>(), there));
  }
  return found;
}

}  // namespace

std::optional<Place> place_from_environment() {
  if (!std::getenv("WORLD_SIZE")) return std::nullopt;
  Place place;
  place.size = number_of("WORLD_SIZE", 1, 65536);
  if (place.size == 1) return std::nullopt;
  place.rank = number_of("RANK", 0, place.size - 1);
  place.port = number_of("MASTER_PORT", 1, 65535);
  place.local_size = std::getenv("LOCAL_WORLD_SIZE") ? number_of("LOCAL_WORLD_SIZE", 1, place.size) : place.size;
  place.host = text_of("MASTER_ADDR");
  if (place.host.empty()) {
    throw ConfigError(
        "[processes] expected MASTER_ADDR in the environment beside WORLD_SIZE, got none; start the "
        "processes with torchrun, or unset WORLD_SIZE");
  }
  place.served = text_of("TORCHELASTIC_USE_AGENT_STORE") == "True";
  place.attempt = text_of("TORCHELASTIC_RESTART_COUNT");
  return place;
}

std::shared_ptr<Group> Group::alone() { return std::make_shared<Alone>(); }

Tensor gather_rows(Group& group, const Tensor& mine, const std::vector<int64_t>& counts) {
  if (mine.size(0) != counts.at(static_cast<size_t>(group.rank()))) {
    throw ShapeError(format_text("[processes.gather_rows] expected {} rows, got {}",
                                 counts.at(static_cast<size_t>(group.rank())), describe_tensor(mine)));
  }
  if (group.is_alone()) return mine.to(torch::kCPU);
  std::vector<int64_t> shape = mine.sizes().vec();
  shape[0] = *std::max_element(counts.begin(), counts.end());
  const Tensor padded = torch::zeros(shape, mine.options().device(torch::kCPU).requires_grad(false));
  padded.slice(0, 0, mine.size(0)).copy_(mine);
  const Tensor all = group.gather(padded);
  std::vector<Tensor> rows;
  for (size_t rank = 0; rank < counts.size(); ++rank)
    rows.push_back(all[static_cast<int64_t>(rank)].slice(0, 0, counts[rank]));
  return torch::cat(rows);
}

void agree(Group& group, const std::string& what, const std::vector<std::pair<std::string, std::string>>& facts) {
  if (group.is_alone()) return;
  nlohmann::json mine = nlohmann::json::object();
  for (const auto& [name, value] : facts) mine[name] = value;
  const std::vector<std::string> all = group.from_each(mine.dump());
  const auto first = nlohmann::json::parse(all.front());
  for (size_t rank = 1; rank < all.size(); ++rank) {
    const std::vector<std::string> found = differences(first, nlohmann::json::parse(all[rank]));
    if (found.empty()) continue;
    throw ModelError(
        format_text("[processes.agree] expected the same {} in all {} processes, got in process {} {}; start all with "
                    "the same command on the same data",
                    what, group.size(), rank, noisescope::join(found)));
  }
}

}  // namespace noisescope::processes
