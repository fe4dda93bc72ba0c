#include "noisescope/studio/http_server.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <sstream>
#include <thread>

#include <httplib.h>

#include "noisescope/core/format.h"
#include "noisescope/explain/method.h"
#include "noisescope/io/file.h"
#include "noisescope/studio/asking.h"
#include "noisescope/studio/door.h"
#include "noisescope/studio/drawing.h"
#include "noisescope/studio/exports.h"
#include "noisescope/studio/page_files.h"
#include "noisescope/studio/planes.h"
#include "noisescope/studio/refusal.h"
#include "noisescope/studio/training.h"
#include "noisescope/studio/why_report.h"

namespace noisescope::studio {
namespace {

using httplib::Request;
using httplib::Response;

constexpr const char* kJson = "application/json";
constexpr const char* kBytes = "application/octet-stream";
constexpr int kThreads = 128;  // an event stream holds one for as long as it is heard
constexpr size_t kMostBody = size_t{1} << 20;
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Of reports, which hold their style and pictures inside and no script.
constexpr const char* kReportPolicy =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox";

/// What is shown to who has a link but not the token.
constexpr const char* kDoorPage =
    "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Noisescope studio</title>"
    "<meta name=\"viewport\" content=\"width=device-width\"></head>\n<body><main>\n<h1>This studio is somebody's "
    "own</h1>\n"
    "<p>It answers to the whole address that <code>noisescope studio</code> printed, with its token.</p>\n"
    "<p>Did you follow a link that shows a drawing? It works in any studio of the same model: start one with "
    "<code>noisescope studio MODEL</code>, open the address that it prints, and paste the link under "
    "<b>Keep: Open a link</b>.</p>\n</main></body>\n</html>\n";

void answer_json(Response& response, const Json& json, int status = 200) {
  response.status = status;
  response.set_header("Cache-Control", "no-store");
  response.set_content(json.dump(-1, ' ', false, Json::error_handler_t::replace), kJson);
}

void answer_error(Response& response, int status, const std::string& text) {
  answer_json(response, {{"error", text}}, status);
}

/// What the errors of the library are to a browser.
void answer_exception(Response& response, const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const NotThere& error) {
    answer_error(response, 404, error.what());
  } catch (const NotNow& error) {
    answer_error(response, 409, error.what());
  } catch (const ValueError& error) {
    answer_error(response, 400, error.what());
  } catch (const std::exception& error) {
    answer_error(response, 500, error.what());
  }
}

Visitor visitor_of(const Request& request) {
  return {request.get_header_value("Host"), request.get_header_value("Origin"), request.get_header_value("Cookie"),
          request.get_header_value("Authorization")};
}

/// Somebody without the token: a page for who followed a link, an error for all else.
void answer_unknown(const Request& request, Response& response) {
  if (request.path != "/") {
    return answer_error(response, 401, "[studio] expected the token of the address that 'noisescope studio' printed");
  }
  response.status = 401;
  response.set_header("Cache-Control", "no-store");
  response.set_content(kDoorPage, "text/html; charset=utf-8");
}

/// A number of the path or a parameter; patterns let digits through only.
int64_t number_of(const std::string& digits) {
  if (digits.empty() || digits.size() > 15) throw NotThere("[studio] there is no number " + in_quotes(digits));
  return std::stoll(digits);
}

int64_t path_number(const Request& request, size_t group) { return number_of(request.matches[group].str()); }

int64_t whole_parameter(const Request& request, const char* name) {
  const std::string text = request.get_param_value(name);
  const bool is_whole = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  if (!is_whole)
    throw ValueError(format_text("[studio] expected a whole number as {}, got {}", std::string(name), in_quotes(text)));
  return number_of(text);
}

double number_parameter(const Request& request, const char* name, double otherwise) {
  if (!request.has_param(name)) return otherwise;
  const std::string text = request.get_param_value(name);
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end || !std::isfinite(value)) {
    throw ValueError(format_text("[studio] expected a number as {}, got {}", std::string(name), in_quotes(text)));
  }
  return value;
}

Json body_of(const Request& request) {
  Json body = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (body.is_discarded()) throw ValueError("[studio] expected JSON as the body, got something else");
  return body;
}

/// Events as they come, with a comment where none does.
class EventStream {
 public:
  EventStream(const EventLog& events, uint64_t last) : events_(events), last_(last) {}

  /// False where nobody hears it any more: its thread is then free for others.
  bool write(httplib::DataSink& sink) {
    constexpr int kLooks = 40;  // of a quarter of a second each, before a comment is due
    Missed missed;
    for (int look = 0; look < kLooks && missed.events.empty() && !missed.has_gap && !missed.is_closed; ++look) {
      missed = events_.after(last_, std::chrono::milliseconds(250));
      if (!sink.is_writable()) return false;
    }
    std::string text;
    if (missed.has_gap) text = format_text("id: {}\nevent: reset\ndata: {{}}\n\n", missed.last);
    for (const Event& event : missed.events) {
      text += format_text("id: {}\nevent: {}\ndata: {}\n\n", event.id, event.name, event.data);
    }
    if (text.empty()) text = ": still here\n\n";
    last_ = missed.last;
    if (missed.is_closed) {
      sink.done();
      return true;
    }
    return sink.write(text.data(), text.size());
  }

 private:
  const EventLog& events_;
  uint64_t last_;
};

/// Where a listener goes on: Last-Event-ID, else `after`, else from now.
uint64_t heard_until(const Request& request, const EventLog& events) {
  std::string text = request.get_header_value("Last-Event-ID");
  if (text.empty()) text = request.get_param_value("after");
  const bool is_whole = !text.empty() && text.size() < 19 && text.find_first_not_of("0123456789") == std::string::npos;
  return is_whole ? std::stoull(text) : events.last();
}

}  // namespace

struct HttpServer::Parts {
  Studio& studio;
  std::atomic<bool> is_stopping = false;
  ServeOptions options;
  httplib::Server server;
  std::unique_ptr<Door> door;
  std::jthread watcher;  // of a training

  Parts(Studio& served, ServeOptions how) : studio(served), options(std::move(how)) {}

  void limit();
  void guard();
  void route_model();
  void route_branches();
  void route_pictures();
  void route_questions();
  void route_training();
  void route_page();
  void serve_page(const Request& request, Response& response);
  void watch_training(const std::stop_token& stop);

  const RunFolder& folder() const {
    if (studio.options.folder) return *studio.options.folder;
    throw NotThere("[studio.training] this model has no run folder");
  }
};

void HttpServer::Parts::limit() {
  server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  server.set_payload_max_length(kMostBody);
  server.set_keep_alive_max_count(1000);
  server.set_keep_alive_timeout(1);  // an end waits for it, too
  server.set_read_timeout(5);
  server.set_write_timeout(5);
  server.set_tcp_nodelay(true);
  server.set_socket_options([](socket_t socket) {  // the library's own share a port with another server
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  });
  server.set_default_headers({{"Content-Security-Policy", kPolicy},
                              {"X-Content-Type-Options", "nosniff"},
                              {"Referrer-Policy", "no-referrer"},
                              {"Cross-Origin-Resource-Policy", "same-origin"},
                              {"Cross-Origin-Opener-Policy", "same-origin"}});
  server.set_exception_handler(
      [](const Request&, Response& response, std::exception_ptr thrown) { answer_exception(response, thrown); });
  server.set_error_handler([](const Request&, Response& response) {
    if (response.body.empty()) answer_error(response, response.status, format_text("[studio] {}", response.status));
  });
}

/// Addressed to us, with the token; the first visit brings it in the address and gets the cookie.
void HttpServer::Parts::guard() {
  server.set_pre_routing_handler([this](const Request& request, Response& response) {
    using Result = httplib::Server::HandlerResponse;
    const Visitor visitor = visitor_of(request);
    if (!door->is_addressed(visitor)) {
      answer_error(response, 403, "[studio] expected a request of this server's own page at " + door->name());
      return Result::Handled;
    }
    if (request.path == "/" && door->is_token(request.get_param_value("token"))) {
      response.status = 303;
      response.set_header("Location", "/");
      response.set_header("Set-Cookie", door->cookie());
      return Result::Handled;
    }
    if (door->is_known(visitor)) return Result::Unhandled;
    answer_unknown(request, response);
    return Result::Handled;
  });
}

void HttpServer::Parts::route_model() {
  server.Get("/api/model", [this](const Request&, Response& r) { answer_json(r, model_json(studio)); });
  server.Post("/api/words", [this](const Request& request, Response& r) {
    answer_json(r, words_json(studio, read_prompt(body_of(request), studio.options.limits)));
  });
  server.Get("/api/jobs", [this](const Request&, Response& r) { answer_json(r, {{"jobs", studio.jobs.list()}}); });
  server.Post(R"(/api/jobs/(\d+)/cancel)", [this](const Request& request, Response& r) {
    const int64_t job = path_number(request, 1);
    studio.jobs.cancel(job);
    answer_json(r, to_json(studio.jobs.of(job)));
  });
  server.Get("/api/events", [this](const Request& request, Response& response) {
    const auto stream = std::make_shared<EventStream>(studio.events, heard_until(request, studio.events));
    response.set_header("Cache-Control", "no-store");
    response.set_chunked_content_provider("text/event-stream",
                                          [stream](size_t, httplib::DataSink& sink) { return stream->write(sink); });
  });
}

void HttpServer::Parts::route_branches() {
  server.Get("/api/branches", [this](const Request&, Response& r) { answer_json(r, branches_json(studio)); });
  server.Post("/api/branches",
              [this](const Request& request, Response& r) { answer_json(r, draw(studio, body_of(request)), 202); });
  server.Get(R"(/api/branches/(\d+))", [this](const Request& request, Response& r) {
    answer_json(r, branch_json(studio, studio.tree.of(path_number(request, 1))));
  });
  server.Delete(R"(/api/branches/(\d+))", [this](const Request& request, Response& r) {
    answer_json(r, remove(studio, path_number(request, 1)));
  });
  server.Post(R"(/api/branches/(\d+)/change)", [this](const Request& request, Response& r) {
    answer_json(r, change(studio, path_number(request, 1), body_of(request)), 202);
  });
  server.Post(R"(/api/branches/(\d+)/name)", [this](const Request& request, Response& r) {
    answer_json(r, rename(studio, path_number(request, 1), body_of(request)));
  });
}

void HttpServer::Parts::route_pictures() {
  server.Get(R"(/api/branches/(\d+)/states/(\d+))", [this](const Request& request, Response& r) {
    const StateBytes state = state_bytes(studio.tree.of(path_number(request, 1)), path_number(request, 2));
    std::vector<std::string> scales;
    for (const double scale : state.scales) scales.push_back(number_text(scale));
    r.set_header("X-Scales", join(scales, ","));
    r.set_header("Cache-Control", "private, max-age=31536000, immutable");
    r.set_content(state.bytes, kBytes);
  });
  server.Get(R"(/api/branches/(\d+)/states/(\d+)/(\w+)/(\d+)\.png)", [this](const Request& request, Response& r) {
    r.set_content(png_of(studio, path_number(request, 1), path_number(request, 2), request.matches[3].str(),
                         path_number(request, 4)),
                  "image/png");
  });
  server.Get(R"(/api/branches/(\d+)/film\.webp)", [this](const Request& request, Response& r) {
    const int64_t picture = request.has_param("picture") ? whole_parameter(request, "picture") : 0;
    r.set_content(film_of(studio, path_number(request, 1), picture), "image/webp");
  });
  server.Get(R"(/api/branches/(\d+)/export\.json)", [this](const Request& request, Response& r) {
    answer_json(r, export_of(studio, path_number(request, 1)));
  });
  server.Get("/api/report", [this](const Request& request, Response& r) {
    std::vector<int64_t> branches;
    std::istringstream list(request.get_param_value("branches"));
    for (std::string one; std::getline(list, one, ',');) {
      if (one.find_first_not_of("0123456789") != std::string::npos)
        throw ValueError("[studio] expected branches=1,2,...");
      branches.push_back(number_of(one));
    }
    r.set_content(report_of(studio, branches), "text/html; charset=utf-8");
    r.headers.erase("Content-Security-Policy");
    r.set_header("Content-Security-Policy", kReportPolicy);
  });
}

void HttpServer::Parts::route_questions() {
  server.Get("/api/methods", [](const Request&, Response& r) { answer_json(r, list_methods()); });
  server.Post(R"(/api/branches/(\d+)/why)", [this](const Request& request, Response& r) {
    answer_json(r, start_why(studio, path_number(request, 1), body_of(request)), 202);
  });
  server.Post(R"(/api/branches/(\d+)/cost)", [this](const Request& request, Response& r) {
    answer_json(r, costs(studio, path_number(request, 1), body_of(request)));
  });
  server.Post(R"(/api/branches/(\d+)/ask)", [this](const Request& request, Response& r) {
    answer_json(r, start_ask(studio, path_number(request, 1), body_of(request)), 202);
  });
  server.Get(R"(/api/why/(\d+))", [this](const Request& request, Response& r) {
    answer_json(r, to_json(*why_answer(studio, path_number(request, 1))));
  });
  server.Get(R"(/api/why/(\d+)/why\.safetensors)", [this](const Request& request, Response& r) {
    std::ostringstream bytes;
    write_safetensors(bytes, why_arrays(*why_answer(studio, path_number(request, 1))));
    r.set_content(bytes.str(), kBytes);
  });
  server.Get(R"(/api/why/(\d+)/map)", [this](const Request& request, Response& r) {
    constexpr double kBeyond = 1e6;
    const ShownMap map =
        shown_map(*why_answer(studio, path_number(request, 1)), static_cast<size_t>(whole_parameter(request, "word")),
                  request.get_param_value("source"), number_parameter(request, "from", -kBeyond),
                  number_parameter(request, "to", kBeyond));
    r.set_header("X-Window", number_text(map.low) + "," + number_text(map.high));
    r.set_content(map.bytes, kBytes);
  });
  server.Get(R"(/api/why/(\d+)/pixel)", [this](const Request& request, Response& r) {
    answer_json(r, pixel_json(*why_answer(studio, path_number(request, 1)), whole_parameter(request, "x"),
                              whole_parameter(request, "y"), request.get_param_value("source")));
  });
  server.Post(R"(/api/branches/(\d+)/sweep)", [this](const Request& request, Response& r) {
    answer_json(r, start_sweep(studio, path_number(request, 1), body_of(request)), 202);
  });
  server.Get(R"(/api/sweeps/(\d+))", [this](const Request& request, Response& r) {
    answer_json(r, to_json(*sweep_answer(studio, path_number(request, 1))));
  });
  server.Get(R"(/api/sweeps/(\d+)/pictures)", [this](const Request& request, Response& r) {
    r.set_content(sweep_pictures(*sweep_answer(studio, path_number(request, 1))), kBytes);
  });
  server.Get(R"(/api/answers/(\d+))", [this](const Request& request, Response& r) {
    answer_json(r, asked_answer(studio, path_number(request, 1))->json);
  });
  const auto file = [this](const Request& request, Response& r) {
    const auto asked = asked_answer(studio, path_number(request, 1));
    const auto found = asked->files.find(request.matches[2].str());
    if (found == asked->files.end())
      throw NotThere("[studio.answers] the answer has no file " + in_quotes(request.matches[2].str()));
    r.set_content(found->second, type_of(found->first));
  };
  server.Get(R"(/api/answers/(\d+)/files/([\w. :-]+))", file);
  server.Get(R"(/api/answers/(\d+)/(answer\.safetensors))", file);
}

void HttpServer::Parts::route_training() {
  server.Get("/api/training", [this](const Request&, Response& r) {
    answer_json(r, studio.options.folder ? training_json(folder()) : Json());
  });
  server.Get(R"(/api/training/previews/([\w.-]+))", [this](const Request& request, Response& r) {
    r.set_content(preview_bytes(folder(), request.matches[1].str()), "image/png");
  });
  server.Post("/api/training/evidence", [this](const Request& request, Response& r) {
    answer_json(r, start_emergence(studio, body_of(request)), 202);
  });
  server.Get(R"(/api/training/evidence/(\d+))", [this](const Request& request, Response& r) {
    answer_json(r, *emergence_answer(studio, path_number(request, 1)));
  });
}

void HttpServer::Parts::serve_page(const Request& request, Response& response) {
  const std::string path = request.path == "/" ? "index.html" : request.path.substr(1);
  const bool has_hash = path.starts_with("assets/");
  response.set_header("Cache-Control", has_hash ? "public, max-age=31536000, immutable" : "no-cache");
  if (options.page.empty()) {
    const auto file = page_file(path);
    if (!file) throw NotThere("[studio] the page has no file " + in_quotes(path));
    return response.set_content(std::string(file->bytes), file->type);
  }
  const std::filesystem::path root = std::filesystem::weakly_canonical(options.page);
  const std::filesystem::path asked = std::filesystem::weakly_canonical(root / path);
  const bool is_inside = std::mismatch(root.begin(), root.end(), asked.begin(), asked.end()).first == root.end();
  if (!is_inside || !std::filesystem::is_regular_file(asked))
    throw NotThere("[studio] the page has no file " + in_quotes(path));
  response.set_content(read_file(asked), type_of(path));
}

void HttpServer::Parts::route_page() {
  server.Get("/.*", [this](const Request& request, Response& response) { serve_page(request, response); });
}

void HttpServer::Parts::watch_training(const std::stop_token& stop) {
  TrainingSize last;
  while (!stop.stop_requested()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    TrainingSize now = last;
    try {
      now = training_size(folder());
    } catch (const std::exception&) {  // a folder that is being moved or removed; the next look may find it
    }
    if (now == last) continue;
    last = now;
    studio.events.add("training", {{"rows", now.rows}, {"previews", now.previews}});
  }
}

HttpServer::HttpServer(Studio& studio, const ServeOptions& options) : parts_(std::make_unique<Parts>(studio, options)) {
  Parts& parts = *parts_;
  if (options.port < 0 || options.port > 65535) {
    throw ValueError(format_text("[studio.serve] expected a port from 0 to 65535, got {}", options.port));
  }
  parts.limit();
  const int port = options.port == 0 ? parts.server.bind_to_any_port(options.host)
                                     : (parts.server.bind_to_port(options.host, options.port) ? options.port : -1);
  if (port <= 0) {
    throw IoError(
        format_text("[studio.serve] expected to listen at {}:{}, the system refused; is the port taken? Choose "
                    "another --port, or 0 for a free one",
                    options.host, options.port));
  }
  parts.door = std::make_unique<Door>(options.host, port, options.token);
  parts.options.port = port;
  parts.guard();
  parts.route_model();
  parts.route_branches();
  parts.route_pictures();
  parts.route_questions();
  parts.route_training();
  parts.route_page();
  if (studio.options.folder) {
    parts.watcher = std::jthread([&parts](const std::stop_token& stop) { parts.watch_training(stop); });
  }
}

HttpServer::~HttpServer() = default;

std::string HttpServer::address() const {
  return "http://" + parts_->door->name() + "/?token=" + parts_->door->token();
}

ServeOptions HttpServer::again() const {
  ServeOptions options = parts_->options;
  options.token = parts_->door->token();
  return options;
}

void HttpServer::run() {
  // The library forgets a stop that comes before it listens, and only a stop closes its socket.
  const std::jthread closer([this](const std::stop_token& over) {
    while (!over.stop_requested() && !parts_->is_stopping) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    while (!over.stop_requested() && !parts_->server.is_running()) std::this_thread::yield();
    parts_->server.stop();
  });
  parts_->server.listen_after_bind();
}

void HttpServer::stop() {
  parts_->is_stopping = true;
  parts_->studio.events.close();
}

}  // namespace noisescope::studio
