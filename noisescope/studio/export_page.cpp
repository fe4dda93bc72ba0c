#include "noisescope/studio/export_page.h"

#include <openssl/sha.h>

#include <regex>
#include <sstream>

#include "noisescope/core/format.h"
#include "noisescope/studio/page_files.h"
#include "noisescope/viz/text.h"

namespace noisescope::studio {
namespace {

std::string file_of_page(const std::string& path) {
  const auto file = page_file(path);
  if (file) return std::string(file->bytes);
  throw ModelError("[studio.live_page] expected a program with the studio's page, got one without " + path +
                   "; build it from a checkout that has web/dist");
}

/// The file that index.html names for an attribute: src="./assets/index-1a2b.js".
std::string named_by_index(const std::string& pattern) {
  const std::string index = file_of_page("index.html");
  std::smatch found;
  if (std::regex_search(index, found, std::regex(pattern))) return file_of_page(found[1].str());
  throw ModelError("[studio.live_page] expected index.html to name its " + pattern + ", got none");
}

/// Code that may stand between <script> tags: what would end them is written otherwise, which strings and patterns read
/// as the same.
std::string inside_script(const std::string& code) {
  const std::string open = std::regex_replace(code, std::regex("</(script)", std::regex::icase), "<\\/$1");
  return std::regex_replace(open, std::regex("<!--"), "<\\!--");
}

/// 'sha256-...' as a policy names code.
std::string hash_source(const std::string& text) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return "'sha256-" + base64(digest) + "'";
}

/// Text that the browser does not run.
std::string held(const std::string& id, const std::string& text) {
  return "<script type=\"text/plain\" id=\"" + id + "\">" + text + "</script>\n";
}

}  // namespace

std::string live_page(const Studio& studio, LiveNumbers numbers) {
  std::ostringstream model;
  write_safetensors(model, live_file(studio.model, {numbers, model_json(studio).dump()}));
  const std::string code = inside_script(named_by_index(R"re(src="\./(assets/[^"]+\.js)")re"));
  const std::string style = named_by_index(R"re(href="\./(assets/[^"]+\.css)")re");
  const std::string worker = inside_script(file_of_page("live/worker.js"));
  const std::string policy = "default-src 'none'; script-src " + hash_source(code) +
                             " blob: 'wasm-unsafe-eval'; style-src " + hash_source(style) +
                             "; img-src blob:; worker-src blob:; base-uri 'none'; form-action 'none'";
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"" +
         policy +
         "\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n<title>Noisescope studio</title>\n<style>" +
         style + "</style>\n</head>\n<body>\n<div id=\"app\"></div>\n" + held("live-worker", worker) +
         held("live-wasm", base64(file_of_page("live/engine.wasm"))) + held("live-model", base64(model.str())) +
         "<script type=\"module\">" + code + "</script>\n</body>\n</html>\n";
}

}  // namespace noisescope::studio
