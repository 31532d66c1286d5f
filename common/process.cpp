#include "common/process.h"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <malloc.h>
#include <optional>
#include <pthread.h>
#include <string_view>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

namespace xylem {
namespace {

struct Pages {
  std::int64_t all = 0;
  std::int64_t resident = 0;
};

std::optional<Pages> memory_pages() {
  std::ifstream statm("/proc/self/statm");
  Pages pages;
  if (!(statm >> pages.all >> pages.resident)) return std::nullopt;
  return pages;
}

void append_figure(std::string_view name,
                   std::string_view kind,
                   const std::string& value,
                   std::string& out) {
  out.append("# TYPE ").append(name).append(" ").append(kind).append("\n");
  out.append(name).append(" ").append(value).append("\n");
}

std::string cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto microseconds = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1'000'000 +
                            usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
  return std::to_string(static_cast<double>(microseconds) / 1e6);
}

std::optional<std::int64_t> open_descriptors() {
  std::error_code error;
  std::int64_t count = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
       !error && entry != end; entry.increment(error))
    ++count;
  if (error) return std::nullopt;
  return count - 1;  // the listing itself
}

// Boot time plus the process's start in ticks since boot: proc(5), /proc/stat and /proc/self/stat.
std::optional<std::int64_t> start_seconds() {
  std::ifstream machine("/proc/stat");
  std::string word;
  std::int64_t boot = 0;
  while (machine >> word && word != "btime") {
  }
  machine >> boot;
  std::ifstream self("/proc/self/stat");
  std::string line;
  std::getline(self, line);
  const auto name_end = line.rfind(')');  // the name may hold anything
  if (!machine || name_end == std::string::npos) return std::nullopt;
  std::size_t at = name_end + 1;
  for (int field = 3; field < 22 && at != std::string::npos; ++field) at = line.find(' ', at + 1);
  if (at == std::string::npos) return std::nullopt;
  return boot + std::strtoll(line.c_str() + at, nullptr, 10) / sysconf(_SC_CLK_TCK);
}

}  // namespace

std::int64_t resident_bytes() {
  const auto pages = memory_pages();
  return pages ? pages->resident * sysconf(_SC_PAGESIZE) : 0;
}

std::string host_name() {
  constexpr std::size_t kNameMax = 256;
  std::array<char, kNameMax> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

void raise_descriptor_limit() noexcept {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

void keep_freed_memory() noexcept {
  constexpr int kKeptBytes = 4 << 20;     // at the heap's end
  constexpr int kHeapBytesMax = 1 << 20;  // what is larger has pages of its own
  mallopt(M_TRIM_THRESHOLD, kKeptBytes);
  mallopt(M_MMAP_THRESHOLD, kHeapBytesMax);
}

void append_process_metrics(std::string& exposition) {
  append_figure("process_cpu_seconds_total", "counter", cpu_seconds(), exposition);
  if (const auto pages = memory_pages()) {
    const auto page = sysconf(_SC_PAGESIZE);
    append_figure("process_virtual_memory_bytes", "gauge", std::to_string(pages->all * page),
                  exposition);
    append_figure("process_resident_memory_bytes", "gauge", std::to_string(pages->resident * page),
                  exposition);
  }
  if (const auto count = open_descriptors())
    append_figure("process_open_fds", "gauge", std::to_string(*count), exposition);
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0)
    append_figure("process_max_fds", "gauge", std::to_string(files.rlim_cur), exposition);
  if (const auto start = start_seconds())
    append_figure("process_start_time_seconds", "gauge", std::to_string(*start), exposition);
}

void name_this_thread(const std::string& name) noexcept {
  pthread_setname_np(pthread_self(), name.substr(0, kThreadNameMax).c_str());
}

void lower_this_thread() noexcept {
  constexpr int kNice = 10;
  constexpr int kIoOfThread = 1;          // IOPRIO_WHO_PROCESS; 0 is the caller
  constexpr int kIoLast = (2 << 13) | 7;  // best effort, the last of its eight levels
  const auto thread = static_cast<id_t>(syscall(SYS_gettid));
  (void)setpriority(PRIO_PROCESS, thread, kNice);
  (void)syscall(SYS_ioprio_set, kIoOfThread, 0, kIoLast);
}

}  // namespace xylem
