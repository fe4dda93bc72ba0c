// Everything that runs on several threads, in turns that a page and its reader would not take: the server with many
// tabs, its jobs and events, and inputs prepared ahead. Built with -fsanitize=thread (CMakeLists.txt); a race ends it.
#include <atomic>
#include <thread>
#include <vector>

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include "noisescope/studio/http_server.h"
#include "noisescope/studio/studio.h"
#include "noisescope/train/inputs.h"
#include "noisescope/world/denoiser.h"
#include "tests/train/tiny_problem.h"

namespace noisescope {
namespace {

constexpr const char* kBody =
    R"({"prompt": "a red square left of a blue disc on dark", "pictures": 1, "options": {"grid.steps": 4}})";
constexpr const char* kJson = "application/json";

/// One server of the exact world, while this lives.
class Served {
 public:
  Served() : thread_([this] { server_.run(); }) {}
  ~Served() {
    server_.stop();
    thread_.join();
  }

  httplib::Client client() const {
    const std::string address = server_.address();
    const size_t token = address.find("/?token=");
    httplib::Client client(address.substr(0, token));
    client.set_default_headers({{"Authorization", "Bearer " + address.substr(token + 8)}});
    client.set_read_timeout(30);
    return client;
  }
  Studio& studio() { return studio_; }

 private:
  Studio studio_{exact_model(WorldDenoiser{World(world_member("demo"))}),
                 {.limits = {.branches = 50, .pictures = 2, .steps = 20}, .argument = "world", .python = ""}};
  HttpServer server_{studio_, {}};
  std::thread thread_;
};

/// A tab that draws, changes, looks at what is there, cancels and removes.
void use(const Served& served, int tab, std::atomic<int>& answers) {
  httplib::Client client = served.client();
  for (int round = 0; round < 4; ++round) {
    const httplib::Result drawn = client.Post("/api/branches", kBody, kJson);
    ASSERT_TRUE(drawn);
    answers += drawn->status == 202;
    const auto branch = Json::parse(drawn->body);
    const std::string path = "/api/branches/" + branch.value("id", Json(1)).dump();
    client.Get("/api/branches");
    client.Get(path);
    client.Get(path + "/states/0");
    client.Post(path + "/change", R"({"step": 2, "guidance": 3})", kJson);
    client.Get("/api/jobs");
    if ((tab + round) % 2 == 0)
      client.Post("/api/jobs/" + branch.value("job", Json(1)).dump() + "/cancel", "{}", kJson);
    if ((tab + round) % 3 == 0) client.Delete(path);
  }
}

/// A tab that hears events, from the first or from now on, and stops hearing in the middle of them.
void listen(const Served& served, std::atomic<int>& heard) {
  httplib::Client client = served.client();
  for (int round = 0; round < 3; ++round) {
    const bool from_now = round == 1;
    const size_t enough = from_now ? 1 : 2000;
    size_t bytes = 0;
    client.Get(from_now ? "/api/events" : "/api/events?after=0", [&](const char*, size_t count) {
      bytes += count;
      return bytes < enough;
    });
    heard += bytes > 0;
  }
}

TEST(Threads, AServerWithManyTabs) {
  std::atomic<int> answers = 0, heard = 0;
  {
    Served served;
    std::vector<std::thread> tabs;
    for (int tab = 0; tab < 4; ++tab) tabs.emplace_back([&, tab] { use(served, tab, answers); });
    for (int tab = 0; tab < 2; ++tab) tabs.emplace_back([&] { listen(served, heard); });
    for (std::thread& tab : tabs) tab.join();
    EXPECT_FALSE(served.studio().jobs.list().empty());
  }
  EXPECT_GT(answers, 0);
  EXPECT_GT(heard, 0);
}

TEST(Threads, AServerThatEndsWhileItDraws) {
  for (int round = 0; round < 3; ++round) {
    Served served;
    ASSERT_TRUE(served.client().Post("/api/branches", kBody, kJson));
  }
}

TEST(Threads, InputsPreparedAhead) {
  InputOptions options;
  options.seed = 9;
  options.pass_size = 8;
  InputQueue queue(tiny_batch, options, true);
  for (int64_t pass = 0; pass < 50; ++pass) {
    if (pass == 20) queue.set_noise_levels({.mean = 1, .std = 0.5});
    EXPECT_EQ(queue.take(8 * pass, 8 * (pass + 1)).images.size(0), 8);
  }
}

}  // namespace
}  // namespace noisescope
