#include "noisescope/explain/answer.h"

#include <iterator>
#include <sstream>

namespace noisescope::explain {
namespace {

class Collector : public AnswerDescriber {
 public:
  void quantity(const Quantity& quantity, const std::function<Value()>& value) override {
    values.push_back({part_, quantity, value()});
  }
  void begin_part(const std::string& name) override { part_ = name; }
  void end_part() override { part_.clear(); }

  std::vector<Valued> values;

 private:
  std::string part_;
};

class Lister : public AnswerDescriber {
 public:
  void quantity(const Quantity& quantity, const std::function<Value()>&) override { list.push_back(quantity); }
  void begin_part(const std::string&) override {}
  void end_part() override {}

  std::vector<Quantity> list;
};

}  // namespace

std::vector<std::string> dims_of(const Quantity& quantity) {
  std::istringstream words(quantity.dims);
  return {std::istream_iterator<std::string>(words), {}};
}

std::vector<Valued> values_of(const Answer& answer) {
  Collector collector;
  answer.describe(collector);
  return std::move(collector.values);
}

std::vector<Quantity> quantities_of(const std::function<void(AnswerDescriber&)>& describe_empty) {
  Lister lister;
  describe_empty(lister);
  return std::move(lister.list);
}

}  // namespace noisescope::explain
