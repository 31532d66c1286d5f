// Whole files as text, for tests.
#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace xylem {

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_text(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace xylem
