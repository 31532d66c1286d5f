#include "bench/micro/samples.h"

#include "common/batch/batch_builder.h"
#include "common/check.h"
#include "common/random.h"

namespace xylem::bench {

Buffer random_bytes(std::size_t bytes) {
  Random random(1);
  Buffer all(bytes);
  for (auto& byte : all) byte = static_cast<std::byte>(random.next());
  return all;
}

std::string half_random_text(std::size_t bytes) {
  return std::string(text_of(random_bytes(bytes / 2))) + std::string(bytes - bytes / 2, 'x');
}

Buffer batch_of(std::int64_t record_bytes) {
  BatchBuilder builder;
  Record record;
  record.value = half_random_text(static_cast<std::size_t>(record_bytes));
  for (std::int64_t i = 0; i < records_in_16_kib(record_bytes); ++i)
    XYLEM_CHECK(builder.add(record));
  return builder.build().value();
}

}  // namespace xylem::bench
