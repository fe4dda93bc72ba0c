// What a page asks of a live model, as JSON in and JSON out: branches of drawings and evidence, each computed one step
// a call. Names are those of docs/dev/studio.md. Numbers in bulk (pictures, maps) are handed out as bytes.
//
//   model       {}                                   the description in the file, with words and shape
//   words       {prompt}                             as /api/words
//   draw        a request of /api/branches           {branch}
//   change      {branch, ...a change}                {branch}: a child
//   advance     {branch}                             one step: {branch, more}
//   state       {branch, state}                      {scales}; bytes: uint8 [plane][picture][y][x][RGB]
//   remove      {branch}                             {deleted}: it and its children
//   why         {branch, picture, words, alternatives, paths}     {why, total}
//   why_advance {why}                                one noise level of one word: {done, more}
//   why_answer  {why}                                as /api/why/ID
//   why_map     {why, word, source, from, to}        {window}; bytes: float32 [2][y][x]
//   why_pixel   {why, x, y}                          as /api/why/ID/pixel
//   why_remove  {why}                                {}
#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/live/drawing.h"
#include "noisescope/live/evidence.h"
#include "noisescope/model/prompt_contrast.h"

namespace noisescope::live {

class LiveSession {
 public:
  using Json = nlohmann::ordered_json;

  /// `file` holds a whole live file. Throws as LiveModel::read.
  explicit LiveSession(std::string_view file) : model_(LiveModel::read(file, "the model of this page")) {}
  LiveSession(const LiveSession&) = delete;  // what it draws refers to its model

  /// Answers a request. Throws ValueError for requests that do not fit, and as what it asks.
  Json call(const std::string& what, const Json& request);
  /// The bytes of the last state or map.
  const std::string& bytes() const { return bytes_; }

 private:
  struct Branch {
    int64_t parent = 0;  // 0: none
    int64_t from = 0;
    std::string prompt, negative_prompt, what;
    Json recipe = Json::array();
    Drawing drawing;
  };
  struct Why {
    int64_t branch = 0, picture = 0, paths = 0;
    Floats image;
    std::vector<PromptContrast> contrasts;
    std::vector<EvidenceWalk> walks;  // one a contrast
  };

  Json model(const Json& request);
  Json words(const Json& request);
  Json draw(const Json& request);
  Json change(const Json& request);
  Json advance(const Json& request);
  Json state(const Json& request);
  Json remove(const Json& request);
  Json why(const Json& request);
  Json why_advance(const Json& request);
  Json why_answer(const Json& request);
  Json why_map(const Json& request);
  Json why_pixel(const Json& request);
  Json why_remove(const Json& request);

  Json enter(Branch branch);
  Json branch_json(int64_t id) const;
  Branch& branch_of(const Json& request);
  const Why& why_of(const Json& request) const;
  void check_room(int64_t steps, int64_t pictures) const;

  LiveModel model_;
  std::map<int64_t, Branch> branches_;
  std::map<int64_t, Why> whys_;
  int64_t last_branch_ = 0, last_why_ = 0;
  std::string bytes_;
};

}  // namespace noisescope::live
