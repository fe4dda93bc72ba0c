#include "noisescope/studio/door.h"

#include <array>
#include <random>

#include "noisescope/core/format.h"

namespace noisescope::studio {
namespace {

std::string random_token() {
  std::random_device device;  // the system's
  std::string token;
  for (int i = 0; i < 4; ++i) token += format_text("{:08x}", device());
  return token;
}

bool is_loopback(const std::string& host) { return host == "127.0.0.1" || host == "::1" || host == "localhost"; }

/// The value of a cookie among "a=b; c=d"; "" where it is not.
std::string cookie_value(const std::string& cookies, const std::string& name) {
  size_t begin = 0;
  while (begin < cookies.size()) {
    size_t end = cookies.find(';', begin);
    if (end == std::string::npos) end = cookies.size();
    const std::string one = cookies.substr(begin, end - begin);
    const size_t start = one.find_first_not_of(' ');
    if (start != std::string::npos && one.compare(start, name.size() + 1, name + "=") == 0) {
      return one.substr(start + name.size() + 1);
    }
    begin = end + 1;
  }
  return "";
}

}  // namespace

Door::Door(const std::string& host, int port, const std::string& token)
    : host_(host), port_(port), token_(token.empty() ? random_token() : token) {}

std::string Door::name() const {
  const bool is_v6 = host_.find(':') != std::string::npos;
  return format_text("{}:{}", is_v6 ? "[" + host_ + "]" : host_, port_);
}

std::string Door::cookie_name() const { return format_text("noisescope-{}", port_); }

std::string Door::cookie() const { return cookie_name() + "=" + token_ + "; HttpOnly; SameSite=Strict; Path=/"; }

bool Door::is_addressed(const Visitor& visitor) const {
  std::string served = visitor.host;
  if (is_loopback(host_) && served == format_text("localhost:{}", port_)) served = name();
  // Whoever asked for all addresses is reached by many names; the token still counts, and pages of other names are
  // told by their origin.
  const bool is_everywhere = host_ == "0.0.0.0" || host_ == "::";
  if (!is_everywhere && served != name()) return false;
  return visitor.origin.empty() || visitor.origin == "http://" + visitor.host;
}

bool Door::is_token(const std::string& text) const {
  unsigned char differs = text.size() != token_.size();
  for (size_t i = 0; i < token_.size(); ++i) {
    differs |= static_cast<unsigned char>(token_[i] ^ (i < text.size() ? text[i] : 0));
  }
  return differs == 0;
}

bool Door::is_known(const Visitor& visitor) const {
  constexpr std::string_view kBearer = "Bearer ";
  if (is_token(cookie_value(visitor.cookie, cookie_name()))) return true;
  return visitor.authorization.starts_with(kBearer) && is_token(visitor.authorization.substr(kBearer.size()));
}

}  // namespace noisescope::studio
