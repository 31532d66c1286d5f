// Whole files as text, and a directory as a kill leaves it; for tests.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>

namespace xylem {

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_text(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

// Copies a directory that is in use: a journal that is gone when its turn comes is no part of it.
inline void copy_in_use(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::filesystem::create_directories(to);
  for (const auto& entry : std::filesystem::directory_iterator(from)) {
    const auto place = to / entry.path().filename();
    std::error_code error;
    if (entry.is_directory(error)) {
      copy_in_use(entry.path(), place);
    } else {
      std::filesystem::copy_file(entry.path(), place, error);
      if (error != std::errc::no_such_file_or_directory && error) throw std::system_error(error);
    }
  }
}

}  // namespace xylem
