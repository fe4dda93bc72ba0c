// A strict little reader of XML for the tests of figures and pages: it throws where a document is
// not well formed, and gives the elements in order. With `html`, <!DOCTYPE html> may come first and
// <meta>, <img> stand without an end tag.
#pragma once

#include <cctype>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace noisescope::markup {

struct Element {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::string text;  // its own characters, entities resolved
  int parent = -1;

  std::string attribute(const std::string& key) const {
    const auto found = attributes.find(key);
    return found == attributes.end() ? "" : found->second;
  }
  double number(const std::string& key) const { return std::stod(attribute(key)); }
  bool has_class(const std::string& wanted) const {
    return (" " + attribute("class") + " ").find(" " + wanted + " ") != std::string::npos;
  }
};

class Reader {
 public:
  Reader(std::string_view document, bool html) : text_(document), html_(html) {}

  std::vector<Element> read() {
    if (html_) expect("<!DOCTYPE html>\n");
    while (at_ < text_.size()) {
      if (text_[at_] == '<') {
        tag();
      } else {
        characters();
      }
    }
    if (!open_.empty()) fail("<" + elements_[open_.back()].name + "> is not closed");
    if (elements_.empty()) fail("no element");
    return elements_;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error("not well formed at byte " + std::to_string(at_) + ": " + what + " near '" +
                             std::string(text_.substr(at_ < 30 ? 0 : at_ - 30, 60)) + "'");
  }
  void expect(std::string_view wanted) {
    if (text_.substr(at_, wanted.size()) != wanted) fail("expected " + std::string(wanted));
    at_ += wanted.size();
  }
  std::string name() {
    const size_t from = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '-' || text_[at_] == ':')) {
      ++at_;
    }
    if (at_ == from) fail("expected a name");
    return std::string(text_.substr(from, at_ - from));
  }
  /// Characters up to one of `ends`, entities resolved.
  std::string characters_until(const char* ends) {
    static const std::map<std::string, std::string> kEntities = {
        {"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"#39", "'"}};
    std::string out;
    for (; at_ < text_.size() && std::string_view(ends).find(text_[at_]) == std::string_view::npos; ++at_) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c < 0x20 && c != '\n' && c != '\t' && c != '\r') fail("control character");
      if (c != '&') {
        out += text_[at_];
        continue;
      }
      const size_t end = text_.find(';', at_);
      if (end == std::string_view::npos) fail("bare &");
      const auto entity = kEntities.find(std::string(text_.substr(at_ + 1, end - at_ - 1)));
      if (entity == kEntities.end()) fail("unknown entity");
      out += entity->second;
      at_ = end;
    }
    return out;
  }
  void characters() {
    const std::string found = characters_until("<");
    if (!open_.empty()) {
      elements_[open_.back()].text += found;
    } else if (found.find_first_not_of(" \n") != std::string::npos) {
      fail("text outside of the root");
    }
  }
  void attribute(Element& element) {
    const std::string key = name();
    expect("=\"");
    const std::string value = characters_until("\"<");
    expect("\"");
    if (!element.attributes.emplace(key, value).second) fail("twice the attribute " + key);
  }
  void tag() {
    expect("<");
    if (text_.substr(at_, 1) == "/") {
      ++at_;
      const std::string closed = name();
      expect(">");
      if (open_.empty() || elements_[open_.back()].name != closed) fail("</" + closed + "> alone");
      open_.pop_back();
      return;
    }
    if (open_.empty() && !elements_.empty()) fail("a second root");
    Element element{.name = name(), .attributes = {}, .text = {}};
    element.parent = open_.empty() ? -1 : open_.back();
    while (text_.substr(at_, 1) == " ") ++at_, attribute(element);
    const bool ends_itself = text_.substr(at_, 1) == "/";
    expect(ends_itself ? "/>" : ">");
    const bool is_void = html_ && (element.name == "meta" || element.name == "img");
    elements_.push_back(element);
    if (!ends_itself && !is_void) open_.push_back(static_cast<int>(elements_.size()) - 1);
  }

  std::string_view text_;
  bool html_;
  size_t at_ = 0;
  std::vector<Element> elements_;
  std::vector<int> open_;
};

inline std::vector<Element> read_xml(std::string_view document) { return Reader(document, false).read(); }
inline std::vector<Element> read_html(std::string_view document) { return Reader(document, true).read(); }

/// The elements of this name, and of this class if one is given.
inline std::vector<Element> named(const std::vector<Element>& elements, const std::string& name,
                                  const std::string& css_class = "") {
  std::vector<Element> out;
  for (const Element& e : elements) {
    if (e.name == name && (css_class.empty() || e.has_class(css_class))) out.push_back(e);
  }
  return out;
}

/// The texts of these elements.
inline std::vector<std::string> texts(const std::vector<Element>& elements) {
  std::vector<std::string> out;
  for (const Element& e : elements) out.push_back(e.text);
  return out;
}

/// How many elements hold exactly this text.
inline int count_text(const std::vector<Element>& elements, const std::string& text) {
  int count = 0;
  for (const Element& e : elements) count += e.text == text;
  return count;
}

}  // namespace noisescope::markup
