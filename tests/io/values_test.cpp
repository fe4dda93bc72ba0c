// Images as tensors, .npy arrays and CSV.
#include <limits>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/io/array_file.h"
#include "noisescope/io/csv.h"
#include "noisescope/io/file.h"
#include "noisescope/io/image_tensor.h"

namespace noisescope {
namespace {

std::string array_path(const std::string& name) { return ::testing::TempDir() + "noisescope_" + name; }

TEST(ImageTensor, EveryByteComesBackAndTheEndsAreExact) {
  Image image{.width = 16, .height = 16, .channels = 3, .pixels = {}};
  for (int i = 0; i < 16 * 16 * 3; ++i) image.pixels.push_back(static_cast<uint8_t>(i % 256));
  const Tensor values = image_to_tensor(image);
  EXPECT_EQ(values.sizes(), (std::vector<int64_t>{3, 16, 16}));
  EXPECT_EQ(values.min().item<float>(), -1.0f);
  EXPECT_EQ(values.max().item<float>(), 1.0f);
  EXPECT_EQ(values[1][0][0].item<float>(), 1 / 127.5f - 1);  // channels come apart
  EXPECT_EQ(tensor_to_image(values).pixels, image.pixels);
}

TEST(ImageTensor, RoundsAndClamps) {
  const float infinity = std::numeric_limits<float>::infinity();
  const Tensor values = torch::tensor({-infinity, -1.2f, 2.0f, 0.6f / 127.5f - 1, 0.4f / 127.5f - 1});
  EXPECT_TRUE(torch::equal(values_to_bytes(values), torch::tensor({0, 0, 255, 1, 0}, torch::kUInt8)));
  EXPECT_THROW(values_to_bytes(torch::tensor({0.0f, std::nanf("")})), NumericError);
  EXPECT_THROW(values_to_bytes(torch::zeros({2}, torch::kInt64)), ShapeError);
  EXPECT_THROW(tensor_to_image(torch::zeros({2, 4, 4})), ShapeError);
  EXPECT_THROW(tensor_to_image(torch::zeros({4, 4})), ShapeError);
  EXPECT_THROW(image_to_bytes(Image{.width = 2, .height = 2, .channels = 3, .pixels = {1}}), ValueError);
}

TEST(Npy, TensorsComeBack) {
  for (const Tensor& tensor :
       {torch::arange(6, torch::kFloat32).reshape({2, 3}), torch::tensor(2.5, torch::kFloat64), torch::empty({0, 4}),
        torch::tensor({true, false}), torch::arange(5), torch::arange(6).reshape({2, 3}).t()}) {
    write_npy(array_path("array.npy"), tensor);
    const Tensor back = read_npy(array_path("array.npy"));
    EXPECT_EQ(back.scalar_type(), tensor.scalar_type());
    EXPECT_TRUE(torch::equal(back, tensor));
  }
  write_npy(array_path("array.npy"), torch::ones({2}, torch::kBFloat16));
  EXPECT_EQ(read_npy(array_path("array.npy")).scalar_type(), torch::kFloat32);
}

TEST(Npy, BadFilesAreRefused) {
  write_npy(array_path("good.npy"), torch::arange(6).reshape({2, 3}));
  const std::string good = read_file(array_path("good.npy"));
  EXPECT_EQ(good.size(), 128 + 48u);
  const auto refused = [&](const std::string& bytes) {
    write_file_atomic(array_path("bad.npy"), bytes);
    EXPECT_THROW(read_npy(array_path("bad.npy")), FormatError);
  };
  for (size_t length = 0; length < good.size(); length += 5) refused(good.substr(0, length));
  refused(good + "x");
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{{"'<i8'", "'>i8'"},
                                                                                 {"'<i8'", "'<i3'"},
                                                                                 {"(2, 3)", "(3, 3)"},
                                                                                 {"(2, 3)", "(2,-3)"},
                                                                                 {"False", "Maybe"},
                                                                                 {"NUMPY\x01", "NUMPY\x09"}}) {
    std::string bytes = good;
    refused(bytes.replace(bytes.find(from), from.size(), to));
  }
  std::string huge = good;  // 2^32 * 2^32 elements
  const std::string shape = "(4294967296, 4294967296)";
  huge.replace(huge.find("(2, 3), }"), 9 + shape.size() - 6, shape + ", }");
  refused(huge);
  EXPECT_THROW(read_npy(array_path("absent.npy")), IoError);
}

std::vector<std::vector<std::string>> fields_of(const std::string& text) {
  std::vector<std::vector<std::string>> all;
  for (const CsvRecord& record : parse_csv(text, "a.csv")) all.push_back(record.fields);
  return all;
}

TEST(Csv, ReadsWhatRfc4180Says) {
  using Rows = std::vector<std::vector<std::string>>;
  EXPECT_EQ(fields_of(""), Rows{});
  EXPECT_EQ(fields_of("a,b\r\n1,2"), (Rows{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(fields_of("\xef\xbb\xbf"
                      "a,\n\n,b\n"),
            (Rows{{"a", ""}, {"", "b"}}));
  EXPECT_EQ(fields_of("\"a,\"\"b\"\"\nc\",\" d\"\n"), (Rows{{"a,\"b\"\nc", " d"}}));
  EXPECT_EQ(fields_of("a,b\r1,\"2\r3\"\r"), (Rows{{"a", "b"}, {"1", "2\r3"}}));  // CR alone
  EXPECT_EQ(fields_of("a,b\n  \n1,2\n"), (Rows{{"a", "b"}, {"1", "2"}}));        // a blank line
  EXPECT_EQ(fields_of("a\n\" \"\n"), (Rows{{"a"}, {" "}}));
  const auto records = parse_csv("x\n\"1\n2\"\n\n3\n", "a.csv");
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[1].line, 2);
  EXPECT_EQ(records[2].line, 5);
}

TEST(Csv, RefusesBrokenRecords) {
  for (const char* text : {"a,b\n1\n", "a,b\n1,2,3\n", "a\n\"open\n", "a\n\"b\"c\n"}) {
    EXPECT_THROW(parse_csv(text, "a.csv"), FormatError) << text;
  }
}

TEST(Csv, WhatIsWrittenComesBack) {
  const std::vector<std::string> fields = {"", "plain", "a,b", "say \"hi\"", "two\r\nlines", " x "};
  EXPECT_EQ(fields_of(csv_line(fields) + csv_line(fields)), (std::vector<std::vector<std::string>>{fields, fields}));
  EXPECT_EQ(fields_of(csv_line({""})), (std::vector<std::vector<std::string>>{{""}}));
  EXPECT_EQ(csv_line({"a", "b c"}), "a,b c\n");
  const std::string marked =
      "\xef\xbb\xbf"
      "a";
  EXPECT_EQ(fields_of(csv_line({marked})), (std::vector<std::vector<std::string>>{{marked}}));
}

}  // namespace
}  // namespace noisescope
