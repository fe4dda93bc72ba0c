// The studio over HTTP (docs/dev/studio.md): loopback unless told otherwise, one token, no foreign pages.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "noisescope/studio/studio.h"

namespace noisescope::studio {

struct ServeOptions {
  std::string host = "127.0.0.1";  // an address to listen on; others are asked for by name
  int port = 0;                    // 0: any that is free
  std::string token = {};          // "": a new one
  std::string page = {};           // a folder that is served in place of the page in the program; "": that one
};

class HttpServer {
 public:
  /// Listens at once, and answers as soon as run() is called. Throws IoError for a port or address that cannot be had.
  HttpServer(Studio& studio, const ServeOptions& options);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// "http://127.0.0.1:8431/?token=..."
  std::string address() const;
  /// What another server takes to be at the same address once this one is gone.
  ServeOptions again() const;
  /// Answers until stop().
  void run();
  /// From any thread.
  void stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace noisescope::studio
