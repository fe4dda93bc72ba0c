// A group of processes within one: threads that join it as processes would.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ATen/Parallel.h>

#include "noisescope/processes/group.h"

namespace noisescope::processes {

/// Listens on a free port of this machine as long as it lives.
class Listener {
 public:
  Listener();
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  int64_t port() const { return port_; }

 private:
  int descriptor_ = -1;
  int64_t port_ = 0;
};

inline Listener::Listener() : descriptor_(socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t length = sizeof(address);
  const bool listens = bind(descriptor_, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
                       listen(descriptor_, 1) == 0 &&
                       getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &length) == 0;
  if (!listens) throw std::runtime_error("no free port");
  port_ = ntohs(address.sin_port);
}

inline Listener::~Listener() { close(descriptor_); }

/// Calls `work` in `size` threads that have joined one group, and waits for all. What each threw, "" for nothing.
inline std::vector<std::string> joined(int64_t size, const std::function<void(const std::shared_ptr<Group>&)>& work) {
  const int64_t port = Listener().port();  // free again
  std::vector<std::string> thrown(static_cast<size_t>(size));
  std::vector<std::jthread> threads;
  for (int64_t rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      std::shared_ptr<Group> group;
      at::set_num_threads(1);  // of this thread: cores are shared
      try {
        group = Group::join({rank, size, size, "127.0.0.1", port, false, ""});
        work(group);
        group->leave();
      } catch (const std::exception& error) {
        thrown[static_cast<size_t>(rank)] = error.what();
        if (group) group->fail(error.what());
      }
    });
  }
  threads.clear();
  return thrown;
}

}  // namespace noisescope::processes
