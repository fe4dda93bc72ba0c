// Makes the stand-in device known to torch, by the name "standin", when this library is loaded.
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include "tests/standin/counts.h"
#include "tests/standin/memory.h"

namespace noisescope::standin {
namespace {

const c10::Device kOnly{c10::kPrivateUse1, 0};
const c10::Stream kStream(c10::Stream::DEFAULT, kOnly);

/// One device with one stream, on which everything is done at once; who asks it to be done has waited for it.
struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return c10::kPrivateUse1; }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  c10::Device getDevice() const override { return kOnly; }
  c10::Device exchangeDevice(c10::Device) const override { return kOnly; }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}

  c10::Stream getStream(c10::Device) const override { return kStream; }
  c10::Stream getDefaultStream(c10::Device) const override { return kStream; }
  c10::Stream getNewStream(c10::Device, int) const override { return kStream; }
  c10::Stream exchangeStream(c10::Stream) const override { return kStream; }
  bool queryStream(const c10::Stream&) const override { return true; }
  void synchronizeStream(const c10::Stream&) const override { count_wait(); }
  void synchronizeDevice(c10::DeviceIndex) const override { count_wait(); }

  void record(void**, const c10::Stream&, c10::DeviceIndex, c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  void synchronizeEvent(void*) const override { count_wait(); }
};

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return 1; }
  c10::DeviceIndex getCurrentDevice() const override { return 0; }
  void setCurrentDevice(c10::DeviceIndex) const override {}
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex) const override { return 0; }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex) const override { return 0; }
  bool isPinnedPtr(const void* address) const override { return is_pinned(address); }
  c10::Allocator* getPinnedMemoryAllocator() const override { return &pinned_allocator(); }
  c10::Device getDeviceFromPtr(void*) const override { return kOnly; }
};

struct Registration {
  Registration() {
    c10::register_privateuse1_backend("standin");
    c10::SetAllocator(c10::kPrivateUse1, &device_allocator());
    at::RegisterPrivateUse1HooksInterface(new Hooks);
  }
} registration;

C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard)

}  // namespace
}  // namespace noisescope::standin

/// For Python (ctypes): launches, copies to the device and to the host, and waits.
extern "C" void standin_counts(int64_t* four) {
  const noisescope::standin::Counts now = noisescope::standin::counts();
  four[0] = now.launches;
  four[1] = now.to_device;
  four[2] = now.to_host;
  four[3] = now.waits;
}
