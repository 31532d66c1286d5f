// The null view: `xylem-null-view LINES DIRECTORY [--group-bytes N] [--log]` puts the records of a
// file into SQLite, one transaction a group, and prints what that took as a line of JSON.
//
// A line is "key TAB value". The schema, the pragmas and the groups are the consumer-app's
// (consumer-app/view_schema.cpp); nothing else is: no broker, no batches, no cursors, no threads.
// With --log the bytes of each group are written to a file before, as the consumer-app's log is.
// Reading the lines is not measured.

#include <sqlite3.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr std::size_t kHeaderBytes = 20;  // of a record on the wire, beside its key and value

struct Options {
  std::string lines;
  std::string directory;
  std::size_t group_bytes = std::size_t{8} * 1024 * 1024;
  bool writes_log = false;
};

struct Line {
  std::string_view key;
  std::string_view value;
};

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "xylem-null-view: %s\n", what.c_str());
  std::exit(1);
}

std::optional<Options> options_of(int argc, char** argv) {
  if (argc < 3) return std::nullopt;
  Options options{.lines = argv[1], .directory = argv[2]};
  for (int i = 3; i < argc; ++i) {
    const std::string_view name(argv[i]);
    if (name == "--log") {
      options.writes_log = true;
    } else if (name == "--group-bytes" && i + 1 < argc) {
      const std::string_view value(argv[++i]);
      if (std::from_chars(value.begin(), value.end(), options.group_bytes).ptr != value.end())
        return std::nullopt;
    } else {
      return std::nullopt;
    }
  }
  return options;
}

std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto tab = text.find('\t');
    if (tab >= end) die("a line without a tab");
    lines.push_back({text.substr(0, tab), text.substr(tab + 1, end - tab - 1)});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

class View {
 public:
  explicit View(const std::string& directory) {
    if (sqlite3_open((directory + "/view.db").c_str(), &database_) != SQLITE_OK) fail("open");
    execute(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA mmap_size=0;"
        "PRAGMA cache_size=-16384; PRAGMA wal_autocheckpoint=4096;"
        "PRAGMA journal_size_limit=67108864;"
        "CREATE TABLE entries("
        "  copy INTEGER NOT NULL, key BLOB NOT NULL, partition INTEGER NOT NULL,"
        "  offset INTEGER NOT NULL, epoch INTEGER NOT NULL, timestamp INTEGER NOT NULL,"
        "  headers TEXT, value BLOB NOT NULL);"
        "CREATE UNIQUE INDEX entries_by_key ON entries(copy, key);");
    constexpr std::string_view kUpsert =
        "INSERT INTO entries(copy, key, partition, offset, epoch, timestamp, value) "
        "VALUES(1, ?1, 0, ?2, 0, ?3, ?4) ON CONFLICT(copy, key) DO UPDATE "
        "SET partition=0, offset=?2, epoch=0, timestamp=?3, headers=NULL, value=?4";
    if (sqlite3_prepare_v2(database_, kUpsert.data(), static_cast<int>(kUpsert.size()), &upsert_,
                           nullptr) != SQLITE_OK)
      fail("prepare");
  }

  ~View() {
    sqlite3_finalize(upsert_);
    sqlite3_close(database_);
  }

  View(const View&) = delete;
  View& operator=(const View&) = delete;

  void execute(const char* sql) {
    if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(sql);
  }

  void put(const Line& line, std::int64_t offset) {
    sqlite3_bind_blob(upsert_, 1, line.key.data(), static_cast<int>(line.key.size()),
                      SQLITE_STATIC);
    sqlite3_bind_int64(upsert_, 2, offset);
    sqlite3_bind_int64(upsert_, 3, 1'700'000'000'000);
    sqlite3_bind_blob(upsert_, 4, line.value.data(), static_cast<int>(line.value.size()),
                      SQLITE_STATIC);
    if (sqlite3_step(upsert_) != SQLITE_DONE) fail("upsert");
    sqlite3_reset(upsert_);
  }

 private:
  [[noreturn]] void fail(const std::string& doing) {
    die(doing + ": " + sqlite3_errmsg(database_));
  }

  sqlite3* database_ = nullptr;
  sqlite3_stmt* upsert_ = nullptr;
};

void write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = write(file, bytes.data(), bytes.size());
    if (written <= 0) die("the log cannot be written");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

double cpu_s() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

void load(const std::vector<Line>& lines, const Options& options, View& view) {
  const int file = open((options.directory + "/log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) die("no log in " + options.directory);
  for (std::size_t next = 0; next < lines.size();) {
    const auto first = next;
    std::size_t bytes = 0;
    for (; next < lines.size() && bytes < options.group_bytes; ++next)
      bytes += kHeaderBytes + lines[next].key.size() + lines[next].value.size();
    const auto& last = lines[next - 1].value;
    if (options.writes_log) write_all(file, {lines[first].key.data(), last.data() + last.size()});
    view.execute("BEGIN IMMEDIATE");
    for (auto i = first; i < next; ++i) view.put(lines[i], static_cast<std::int64_t>(i));
    view.execute("COMMIT");
  }
  close(file);
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = options_of(argc, argv);
  if (!options) {
    std::fputs("xylem-null-view LINES DIRECTORY [--group-bytes N] [--log]\n", stderr);
    return 2;
  }
  std::ifstream file(options->lines, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const auto lines = lines_of(text);
  if (lines.empty()) die("no lines in " + options->lines);
  const auto cpu_before_s = cpu_s();
  const auto began = std::chrono::steady_clock::now();
  {
    View view(options->directory);
    load(lines, *options, view);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("{\"records\":%zu,\"seconds\":%.6f,\"cpu_s\":%.6f}\n", lines.size(), took.count(),
              cpu_s() - cpu_before_s);
}
