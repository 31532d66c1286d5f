#include "common/process.h"

#include <unistd.h>

#include <array>
#include <fstream>

namespace xylem {

std::int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t virtual_pages = 0;
  std::int64_t resident_pages = 0;
  if (!(statm >> virtual_pages >> resident_pages)) return 0;
  return resident_pages * sysconf(_SC_PAGESIZE);
}

std::string host_name() {
  constexpr std::size_t kNameMax = 256;
  std::array<char, kNameMax> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

}  // namespace xylem
