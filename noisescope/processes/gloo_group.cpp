// Gloo's classes are torch's own and are linked from it. Its header, which the wheel comes without, is read for names
// alone (Debian: libgloo-dev; any version): nothing of it is called here.
#if __has_include(<gloo/context.h>)
#define USE_C10D_GLOO

#include <algorithm>
#include <chrono>

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/core/options.h"
#include "noisescope/processes/group.h"
#include "noisescope/processes/watcher.h"

namespace noisescope::processes {
namespace {

using namespace std::chrono_literals;
using StorePtr = c10::intrusive_ptr<c10d::Store>;

constexpr auto kJoinTimeout = 25s;
/// Of one transfer: who hangs is noticed by the watcher, and process 0 may take its time between two of them.
constexpr auto kTransferTimeout = std::chrono::hours(24);

StorePtr open_store(const Place& place) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(place.port);
  options.isServer = place.rank == 0 && !place.served;
  options.waitWorkers = false;
  options.timeout = kJoinTimeout;
  const std::string address = format_text("{}:{}", place.host, place.port);
  try {
    const auto store = c10::make_intrusive<c10d::TCPStore>(place.host, options);
    return c10::make_intrusive<c10d::PrefixStore>("noisescope/" + place.attempt, store);
  } catch (const c10::Error& error) {
    const std::string reason = error.what_without_backtrace();
    if (reason.find("EADDRINUSE") != std::string::npos) {
      throw ProcessError(
          format_text("[processes.join] process 0: expected a free port for the rendezvous, got {}, which is in use; "
                      "give torchrun another --master-port",
                      address));
    }
    throw ProcessError(format_text(
        "[processes.join] process {}: expected a rendezvous at {}, got none within {} s: is process 0 running, and "
        "MASTER_ADDR its machine?",
        place.rank, address, kJoinTimeout.count()));
  }
}

std::string here(int64_t rank) { return format_text("here/{}", rank); }

void wait_for_all(c10d::Store& store, const Place& place) {
  store.set(here(place.rank), std::vector<uint8_t>{1});
  const auto end = std::chrono::steady_clock::now() + kJoinTimeout;
  std::vector<std::string> missing;
  do {
    missing.clear();
    for (int64_t rank = 0; rank < place.size; ++rank) {
      if (!store.check({here(rank)})) missing.push_back(format_text("{}", rank));
    }
    if (missing.empty()) return;
    std::this_thread::sleep_for(50ms);
  } while (std::chrono::steady_clock::now() < end);
  throw ProcessError(
      format_text("[processes.join] process {}: expected {} processes at {}:{}, got none of number {} within {} s",
                  place.rank, place.size, place.host, place.port, noisescope::join(missing), kJoinTimeout.count()));
}

/// A transfer of c10d that names who is lost.
class Transfer : public Pending {
 public:
  Transfer(c10::intrusive_ptr<c10d::Work> work, const Watcher& watcher, std::vector<Tensor> alive)
      : work_(std::move(work)), watcher_(watcher), alive_(std::move(alive)) {}

  void wait() override {
    try {
      work_->wait();
    } catch (const std::exception&) {
      throw ProcessError(watcher_.who_is_lost());
    }
  }

 private:
  c10::intrusive_ptr<c10d::Work> work_;
  const Watcher& watcher_;
  std::vector<Tensor> alive_;
};

class GlooGroup : public Group {
 public:
  explicit GlooGroup(const Place& place) : place_(place), store_(open_store(place)) {
    wait_for_all(*store_, place);
    watcher_ = std::make_unique<Watcher>(store_, place.rank, place.size);
    const auto options = c10::make_intrusive<c10d::ProcessGroupGloo::Options>(kTransferTimeout);
    options->devices.push_back(c10d::ProcessGroupGloo::createDefaultDevice());
    gloo_ = c10::make_intrusive<c10d::ProcessGroupGloo>(c10::make_intrusive<c10d::PrefixStore>("gloo", store_),
                                                        static_cast<int>(place.rank), static_cast<int>(place.size),
                                                        options);
  }

  int64_t rank() const override { return place_.rank; }
  int64_t size() const override { return place_.size; }

  void share_first(const Tensor& tensor) override {
    const torch::NoGradGuard no_grad;
    Tensor here = tensor.detach().to(torch::kCPU).contiguous();
    broadcast(here);
    if (!leads()) tensor.detach().copy_(here);
  }

  std::string from_first(const std::string& bytes) override {
    Tensor length = torch::tensor({static_cast<int64_t>(leads() ? bytes.size() : 0)});
    broadcast(length);
    Tensor content = torch::empty({length.item<int64_t>()}, torch::kUInt8);
    if (leads()) std::copy(bytes.begin(), bytes.end(), content.mutable_data_ptr<uint8_t>());
    if (content.numel() > 0) broadcast(content);
    const auto* data = content.const_data_ptr<uint8_t>();
    return {data, data + content.numel()};
  }

  std::vector<std::string> from_each(const std::string& text) override {
    const Tensor lengths = gather(torch::tensor({static_cast<int64_t>(text.size())})).flatten();
    const auto longest = std::max<int64_t>(1, lengths.max().item<int64_t>());
    Tensor mine = torch::zeros({longest}, torch::kUInt8);
    std::copy(text.begin(), text.end(), mine.mutable_data_ptr<uint8_t>());
    const Tensor all = gather(mine);
    std::vector<std::string> texts;
    for (int64_t rank = 0; rank < size(); ++rank) {
      const auto* row = all.const_data_ptr<uint8_t>() + rank * longest;
      texts.emplace_back(row, row + lengths[rank].item<int64_t>());
    }
    return texts;
  }

  Tensor gather(const Tensor& mine) override {
    Tensor flat = mine.contiguous().flatten();
    Tensor out = torch::empty({size() * flat.numel()}, flat.options());
    begin_gather(out, flat)->wait();
    std::vector<int64_t> shape = mine.sizes().vec();
    shape.insert(shape.begin(), size());
    return out.view(shape);
  }

  std::unique_ptr<Pending> begin_gather(Tensor out, Tensor in) override {
    return begin([&] { return gloo_->_allgather_base(out, in); }, {out, in});
  }

  std::unique_ptr<Pending> begin_deal(Tensor out, Tensor in, std::vector<int64_t> out_counts,
                                      std::vector<int64_t> in_counts) override {
    return begin([&] { return gloo_->alltoall_base(out, in, out_counts, in_counts); }, {out, in});
  }

  void fail(const std::string& message) noexcept override { watcher_->fail(message); }
  void leave() override { watcher_->leave(); }

 private:
  void broadcast(Tensor& tensor) {
    std::vector<Tensor> tensors = {tensor};
    begin([&] { return gloo_->broadcast(tensors); }, tensors)->wait();
  }

  template <class Call>
  std::unique_ptr<Pending> begin(const Call& call, std::vector<Tensor> alive) {
    try {
      return std::make_unique<Transfer>(call(), *watcher_, std::move(alive));
    } catch (const std::exception&) {
      throw ProcessError(watcher_->who_is_lost());
    }
  }

  Place place_;
  StorePtr store_;
  std::unique_ptr<Watcher> watcher_;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo_;
};

}  // namespace

std::shared_ptr<Group> Group::join(const Place& place) { return std::make_shared<GlooGroup>(place); }

}  // namespace noisescope::processes

#else
#include "noisescope/processes/group.h"

namespace noisescope::processes {

std::shared_ptr<Group> Group::join(const Place&) {
  throw ProcessError(
      "[processes.join] this program was built without Gloo's headers and works alone: install them (Debian: "
      "libgloo-dev) "
      "and build again, or start one process without torchrun");
}

}  // namespace noisescope::processes

#endif
