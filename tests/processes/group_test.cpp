#include "noisescope/processes/group.h"

#include <cstdlib>
#include <map>
#include <mutex>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "tests/processes/joined.h"

namespace noisescope::processes {
namespace {

/// The environment of torchrun, for as long as it lives.
class Environment {
 public:
  explicit Environment(const std::map<std::string, std::string>& variables) : variables_(variables) {
    for (const auto& [name, value] : variables_) setenv(name.c_str(), value.c_str(), 1);
  }
  ~Environment() {
    for (const auto& entry : variables_) unsetenv(entry.first.c_str());
  }

 private:
  std::map<std::string, std::string> variables_;
};

std::string refusal_of(const std::map<std::string, std::string>& variables) {
  const Environment environment(variables);
  try {
    place_from_environment();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Place, IsReadFromTheEnvironmentOfTorchrun) {
  EXPECT_FALSE(place_from_environment());
  const Environment environment({{"RANK", "2"},
                                 {"WORLD_SIZE", "4"},
                                 {"LOCAL_WORLD_SIZE", "2"},
                                 {"MASTER_ADDR", "host"},
                                 {"MASTER_PORT", "29500"},
                                 {"TORCHELASTIC_USE_AGENT_STORE", "True"}});
  const Place place = place_from_environment().value();
  EXPECT_EQ(place.rank, 2);
  EXPECT_EQ(place.size, 4);
  EXPECT_EQ(place.local_size, 2);
  EXPECT_EQ(place.host, "host");
  EXPECT_EQ(place.port, 29500);
  EXPECT_TRUE(place.served);
}

TEST(Place, NamesTheVariableThatIsMissingOrWrong) {
  const std::map<std::string, std::string> whole = {
      {"RANK", "1"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "host"}, {"MASTER_PORT", "29500"}};
  EXPECT_EQ(refusal_of(whole), "");
  for (const auto& [name, wrong] : std::vector<std::pair<std::string, std::string>>{{"RANK", "2"},
                                                                                    {"RANK", ""},
                                                                                    {"RANK", "one"},
                                                                                    {"WORLD_SIZE", "-1"},
                                                                                    {"MASTER_PORT", "99999"},
                                                                                    {"MASTER_ADDR", ""}}) {
    auto changed = whole;
    changed[name] = wrong;
    EXPECT_NE(refusal_of(changed).find(name), std::string::npos) << name << "=" << wrong;
  }
  const Environment alone(std::map<std::string, std::string>{{"WORLD_SIZE", "1"}});
  EXPECT_FALSE(place_from_environment());
}

TEST(Group, HandsBytesTextsAndTensorsRound) {
  for (const int64_t size : {2, 3}) {
    const auto thrown = joined(size, [&](const std::shared_ptr<Group>& group) {
      const int64_t rank = group->rank();
      EXPECT_EQ(group->from_first(rank == 0 ? std::string("bytes\0of zero", 13) : "mine"),
                std::string("bytes\0of zero", 13));
      EXPECT_EQ(group->from_first(""), "");
      const std::vector<std::string> texts = group->from_each(std::string(static_cast<size_t>(rank), 'x'));
      ASSERT_EQ(static_cast<int64_t>(texts.size()), size);
      for (size_t k = 0; k < texts.size(); ++k) EXPECT_EQ(texts[k], std::string(k, 'x'));
      const Tensor turned = torch::full({2, 3}, static_cast<double>(rank)).t();  // not contiguous
      group->share_first(turned);
      EXPECT_TRUE(torch::equal(turned, torch::zeros({3, 2})));
      const Tensor all = group->gather(torch::full({2, 3}, static_cast<double>(rank), torch::kFloat64));
      EXPECT_TRUE(torch::equal(all, torch::arange(size, torch::kFloat64).view({-1, 1, 1}).expand({size, 2, 3})));
    });
    for (const std::string& words : thrown) EXPECT_EQ(words, "");
  }
}

TEST(Group, GathersRowsOfDifferentNumbers) {
  const auto thrown = joined(3, [](const std::shared_ptr<Group>& group) {
    const int64_t rank = group->rank();
    const Tensor mine = torch::full({rank, 2}, static_cast<double>(rank), torch::kFloat32);
    const Tensor all = gather_rows(*group, mine, {0, 1, 2});
    EXPECT_TRUE(torch::equal(all, torch::tensor({1.0f, 1.0f, 2.0f, 2.0f, 2.0f, 2.0f}).view({3, 2})));
  });
  for (const std::string& words : thrown) EXPECT_EQ(words, "");
}

TEST(Group, AgreesOrNamesTheProcessAndWhatDiffers) {
  const auto thrown = joined(3, [](const std::shared_ptr<Group>& group) {
    agree(*group, "version", {{"noisescope", "1"}});
    agree(*group, "configuration", {{"seed", "1"}, {"train.batch_size", group->rank() == 2 ? "16" : "32"}});
  });
  for (const std::string& words : thrown) {
    EXPECT_NE(
        words.find(
            "the same configuration in all 3 processes, got in process 2 train.batch_size 16 where process 0 has 32"),
        std::string::npos)
        << words;
  }
}

TEST(Group, SaysWhatAnotherProcessEndedWith) {
  const auto thrown = joined(3, [](const std::shared_ptr<Group>& group) {
    if (group->rank() == 1) throw DataError("[data] no such folder");
    group->gather(torch::zeros({1}));
  });
  EXPECT_EQ(thrown[1], "[data] no such folder");
  EXPECT_NE(thrown[0].find("process 1 of 3 ended with: [data] no such folder"), std::string::npos) << thrown[0];
  EXPECT_NE(thrown[2].find("process 1 of 3 ended with: [data] no such folder"), std::string::npos) << thrown[2];
}

TEST(Group, AloneAnswersForItself) {
  const auto group = Group::alone();
  EXPECT_TRUE(group->leads());
  EXPECT_TRUE(group->is_alone());
  EXPECT_EQ(group->from_first("a"), "a");
  EXPECT_EQ(group->from_each("a"), std::vector<std::string>{"a"});
  EXPECT_TRUE(torch::equal(group->gather(torch::ones({2})), torch::ones({1, 2})));
}

TEST(Group, NamesAPortInUse) {
  const Listener taken;
  try {
    Group::join({0, 2, 2, "127.0.0.1", taken.port(), false, ""});
    FAIL() << "joined at a port that is in use";
  } catch (const ProcessError& error) {
    EXPECT_NE(std::string(error.what()).find(std::to_string(taken.port()) + ", which is in use"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace noisescope::processes
