#include "cli/bench/probe_record.h"

#include "common/batch/crc32c.h"

#include <algorithm>

namespace xylem::cli {

std::string make_probe(const Probe& probe, std::size_t bytes, Random& random) {
  XYLEM_CHECK(bytes >= kProbeBytesMin);
  std::string value(bytes, 'x');
  const auto body = std::as_writable_bytes(std::span(value));
  const auto rest = body.subspan(kProbeBytesMin);
  for (auto left = rest.first(rest.size() / 2); !left.empty();) {
    const auto word = random.next();
    const auto count = std::min(left.size(), sizeof word);
    std::memcpy(left.data(), &word, count);
    left = left.subspan(count);
  }
  store_be(probe.run, body);
  store_be(probe.sequence, body.subspan(8));
  store_be(probe.intended_us, body.subspan(16));
  store_be(crc32c(rest), body.subspan(24));
  return value;
}

Result<Probe> read_probe(Bytes value) {
  if (value.size() < kProbeBytesMin) return fail(Errc::kCorrupt, "a record of another kind");
  if (load_be<std::uint32_t>(value.subspan(24)) != crc32c(value.subspan(kProbeBytesMin)))
    return fail(Errc::kCorrupt, "a record was changed on its way");
  return Probe{load_be<std::uint64_t>(value), load_be<std::int64_t>(value.subspan(8)),
               load_be<std::int64_t>(value.subspan(16))};
}

}  // namespace xylem::cli
