// Who may ask: the address that is served, this server's own pages, and the token.
#pragma once

#include <string>

#include "noisescope/core/namespaces.h"

namespace noisescope::studio {

/// What a request says of itself; "" where a header is not there.
struct Visitor {
  std::string host, origin, cookie, authorization;
};

class Door {
 public:
  /// `host` and `port` as they are served; without a token one of 32 hexadecimal digits is drawn from the system.
  Door(const std::string& host, int port, const std::string& token = {});

  const std::string& token() const { return token_; }
  /// "127.0.0.1:8431", as a browser says it.
  std::string name() const;
  std::string cookie() const;  // NAME=VALUE; HttpOnly ...

  /// Whether the request was meant for this address, and by its own pages: against rebinding of names and foreign
  /// pages.
  bool is_addressed(const Visitor& visitor) const;
  /// Whether it carries the token, by cookie or Authorization.
  bool is_known(const Visitor& visitor) const;
  /// Whether `text` is the token; takes as long for any text.
  bool is_token(const std::string& text) const;

 private:
  std::string cookie_name() const;

  std::string host_;
  int port_;
  std::string token_;
};

}  // namespace noisescope::studio
