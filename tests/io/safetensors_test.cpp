#include "noisescope/io/safetensors.h"

#include <gtest/gtest.h>

#include "noisescope/io/file.h"
#include "noisescope/io/safetensors_header.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;

fs::path test_path(const std::string& name) {
  return fs::path(::testing::TempDir()) / ("noisescope_" + name + ".safetensors");
}

/// Length, header text and data as a file.
std::string file_of(const std::string& json, size_t data_bytes) {
  std::string bytes;
  for (size_t i = 0; i < 8; ++i) bytes += static_cast<char>((json.size() >> (8 * i)) & 255);
  return bytes + json + std::string(data_bytes, '\0');
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

TEST(Safetensors, EveryDtypeComesBack) {
  TensorFile file;
  for (const auto type : {torch::kBool, torch::kUInt8, torch::kInt8, torch::kInt16, torch::kInt32, torch::kInt64,
                          torch::kFloat16, torch::kBFloat16, torch::kFloat32, torch::kFloat64}) {
    file.tensors[std::string("t") + torch::toString(type)] = torch::arange(-3, 3).remainder(2).reshape({2, 3}).to(type);
  }
  file.tensors["complex"] = torch::complex(torch::ones({2}), torch::arange(2).to(torch::kFloat32));
  file.tensors["scalar"] = torch::tensor(2.5);
  file.tensors["empty"] = torch::empty({0, 4});
  file.tensors["transposed"] = torch::arange(6).reshape({2, 3}).t();
  file.metadata = {{"step", "12"}, {"text", "caf\xc3\xa9 \"quoted\"\n"}};
  const fs::path path = test_path("round_trip");
  write_safetensors(path, file);
  const TensorFile back = read_safetensors(path);
  ASSERT_EQ(back.tensors.size(), file.tensors.size());
  for (const auto& [name, tensor] : file.tensors) {
    EXPECT_EQ(back.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(back.at(name).is_contiguous()) << name;
    EXPECT_TRUE(torch::equal(back.at(name), tensor)) << name;
  }
  EXPECT_EQ(back.metadata, file.metadata);
  EXPECT_EQ(read_safetensors_metadata(path), file.metadata);
}

TEST(Safetensors, EqualContentGivesEqualFilesWithAlignedTensors) {
  TensorFile file;
  file.tensors = {{"a", torch::ones({3}, torch::kUInt8)}, {"b", torch::ones({2}, torch::kFloat64)}};
  write_safetensors(test_path("first"), file);
  file.tensors["b"] = torch::ones({4}, torch::kFloat64).slice(0, 0, 4, 2);
  write_safetensors(test_path("second"), file);
  EXPECT_EQ(read_file(test_path("first")), read_file(test_path("second")));
  const std::string bytes = read_file(test_path("first"));
  EXPECT_EQ(safetensors_header_length(bytes, bytes.size(), "f") % 8, 0u);
  EXPECT_NE(bytes.find("\"b\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]}"), std::string::npos);
}

TEST(Safetensors, MissingTensorsAreNamedWithTheNearest) {
  TensorFile file;
  file.tensors["unet.in.weight"] = torch::zeros({1});
  try {
    file.at("unet.in.weigth");
    FAIL();
  } catch (const ModelError& error) {
    EXPECT_NE(std::string(error.what()).find("nearest name is 'unet.in.weight'"), std::string::npos);
  }
}

TEST(Safetensors, RefusesWhatItCannotWrite) {
  TensorFile file;
  file.tensors["undefined"] = Tensor();
  EXPECT_THROW(write_safetensors(test_path("bad"), file), ValueError);
  file.tensors = {{"bad\xff", torch::zeros({1})}};
  EXPECT_THROW(write_safetensors(test_path("bad"), file), ValueError);
  EXPECT_FALSE(fs::exists(test_path("bad")));
  EXPECT_THROW(read_safetensors(test_path("absent")), IoError);
}

TEST(Safetensors, EveryTruncationIsDetected) {
  TensorFile file;
  file.tensors["a"] = torch::arange(5);
  write_safetensors(test_path("whole"), file);
  const std::string bytes = read_file(test_path("whole"));
  for (size_t length = 0; length < bytes.size(); ++length) {
    write_file_atomic(test_path("cut"), std::string_view(bytes).substr(0, length));
    EXPECT_THROW(read_safetensors(test_path("cut")), FormatError) << length;
  }
  write_file_atomic(test_path("cut"), bytes + "x");
  EXPECT_THROW(read_safetensors(test_path("cut")), FormatError);
}

struct HostileCase {
  const char* what;
  std::string bytes;
  const char* message;
};

TEST(Safetensors, HostileHeadersAreRefused) {
  const std::string good = entry("a", "F32", "[2]", "[0,8]");
  const std::string max = "18446744073709551615";
  std::string many_ones = "[1";
  for (int i = 0; i < 64; ++i) many_ones += ",1";
  many_ones += "]";
  const std::vector<HostileCase> cases = {
      {"huge length", std::string(7, '\xff') + '\x7f' + "{}", "expected a header of at most 2"},
      {"no JSON", file_of("{oops", 0), "byte 9: [io.safetensors] expected a JSON header"},
      {"list", file_of("[1]", 0), "got a list"},
      {"trailing text", file_of("{} x", 0), "expected a JSON header"},
      {"deep nesting", file_of(std::string(100'000, '['), 0), "got a list"},
      {"overlap", file_of("{" + good + "," + entry("b", "F32", "[2]", "[4,12]") + "}", 12),
       "expected tensor 'b' at data bytes 8 + 8"},
      {"gap", file_of("{" + good + "," + entry("b", "F32", "[1]", "[12,16]") + "}", 16),
       "expected tensor 'b' at data bytes 8 + 4"},
      {"out of range", file_of("{" + entry("a", "F32", "[4]", "[0,16]") + "}", 8), "of 8, got 0 to 16"},
      {"backwards", file_of("{" + entry("a", "F32", "[2]", "[8,0]") + "}", 8), "got 8 to 0"},
      {"wrong size", file_of("{" + entry("a", "F32", "[3]", "[0,8]") + "}", 8), "0 + 12"},
      {"unused bytes", file_of("{" + good + "}", 9), "1 bytes that belong to no tensor"},
      {"huge offsets", file_of("{" + entry("a", "U8", "[1]", "[" + max + "," + max + "]") + "}", 8),
       "of 8, got 18446744073709551615"},
      {"overflowing shape", file_of("{" + entry("a", "F32", "[4294967296,4294967296]", "[0,0]") + "}", 0), "overflow"},
      {"overflow hidden by zero", file_of("{" + entry("a", "U8", "[0,4294967296,4294967296]", "[0,0]") + "}", 0),
       "overflow"},
      {"negative size", file_of("{" + entry("a", "F32", "[-2]", "[0,8]") + "}", 8), "the number -2"},
      {"fraction", file_of("{" + entry("a", "F32", "[2.0]", "[0,8]") + "}", 8), "the number '2.0'"},
      {"dtype", file_of("{" + entry("a", "F31", "[2]", "[0,8]") + "}", 8), "got 'F31'"},
      {"duplicate", file_of("{" + good + "," + good + "}", 8), "the key 'a' twice"},
      {"duplicate field", file_of("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}", 0), "'dtype' twice"},
      {"missing field", file_of("{\"a\":{\"dtype\":\"U8\"}}", 0), "an incomplete tensor"},
      {"one offset", file_of("{" + entry("a", "F32", "[2]", "[8]") + "}", 8), "an incomplete tensor"},
      {"three offsets", file_of("{" + entry("a", "F32", "[2]", "[0,8,8]") + "}", 8), "the number 8"},
      {"unknown field", file_of("{\"a\":{\"type\":\"U8\"}}", 0), "unknown field 'type'"},
      {"metadata number", file_of("{\"__metadata__\":{\"a\":1}}", 0), "the number 1"},
      {"many dimensions", file_of("{" + entry("a", "U8", many_ones, "[0,1]") + "}", 1), "beyond all limits"},
      {"null tensor", file_of("{\"a\":null}", 0), "got null"},
  };
  for (const HostileCase& c : cases) {
    write_file_atomic(test_path("hostile"), c.bytes);
    try {
      read_safetensors(test_path("hostile"));
      ADD_FAILURE() << c.what << ": accepted";
    } catch (const FormatError& error) {
      EXPECT_NE(std::string(error.what()).find(c.message), std::string::npos) << c.what << ": " << error.what();
      EXPECT_NE(std::string(error.what()).find("hostile.safetensors, byte"), std::string::npos);
    }
  }
}

TEST(Safetensors, ABoolThatIsNoBoolIsRefused) {
  std::string bytes = file_of("{" + entry("a", "BOOL", "[2]", "[0,2]") + "}", 2);
  bytes.back() = 7;
  write_file_atomic(test_path("bool"), bytes);
  EXPECT_THROW(read_safetensors(test_path("bool")), FormatError);
}

}  // namespace
}  // namespace noisescope
