#include "common/batch/compression.h"

#include "common/batch/batch_builder.h"
#include "common/random.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace xylem {
namespace {

constexpr std::array kCodecs{Compression::kGzip, Compression::kSnappy, Compression::kLz4,
                             Compression::kZstd};
constexpr std::size_t kMiB = 1024ULL * 1024;

Buffer text_like(std::size_t bytes, Random& random) {
  Buffer plain(bytes);
  for (auto& byte : plain) byte = static_cast<std::byte>('a' + random.below(4));
  return plain;
}

Buffer packed(Compression codec, Bytes plain) {
  auto out = compress(codec, plain);
  REQUIRE(out);
  return std::move(*out);
}

TEST_CASE("compression: names") {
  CHECK(compression_of("none") == Compression::kNone);
  for (const auto codec : kCodecs) CHECK(compression_of(to_string(codec)) == codec);
  const auto unknown = compression_of("brotli");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code() == Errc::kInvalidRequest);
}

TEST_CASE("compression: what was packed is unpacked, at every size") {
  Random random(3);
  for (const auto codec : kCodecs) {
    for (const std::size_t bytes : {0, 1, 100, 32'768, 32'769, 65'536, 200'000, 3'000'000}) {
      CAPTURE(to_string(codec));
      CAPTURE(bytes);
      const auto plain = text_like(bytes, random);
      const auto out = packed(codec, plain);
      CHECK(decompress(codec, out, bytes) == plain);
      if (bytes > 0) CHECK(decompress(codec, out, bytes - 1).error().code() == Errc::kCorrupt);
      if (bytes > 1'000) CHECK(out.size() < plain.size());
    }
  }
}

TEST_CASE("compression: none copies, within the limit") {
  const auto plain = bytes_of("abc");
  CHECK(decompress(Compression::kNone, packed(Compression::kNone, plain), 3));
  CHECK(decompress(Compression::kNone, plain, 2).error().code() == Errc::kCorrupt);
}

TEST_CASE("compression: an unknown codec is the caller's fault") {
  const auto unknown = static_cast<Compression>(5);
  CHECK(compress(unknown, {}).error().code() == Errc::kInvalidRequest);
  CHECK(decompress(unknown, {}, 10).error().code() == Errc::kInvalidRequest);
  CHECK(to_string(unknown) == "unknown");
}

TEST_CASE("compression: a cut stream is corrupt, never a shorter text") {
  Random random(4);
  const auto plain = text_like(300, random);
  for (const auto codec : kCodecs) {
    const auto whole = packed(codec, plain);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      CAPTURE(to_string(codec));
      CAPTURE(size);
      const auto out = decompress(codec, Bytes(whole).first(size), kMiB);
      const bool only_frame_header = codec == Compression::kSnappy && size == 16;
      if (only_frame_header) {
        CHECK(out == Buffer{});  // a xerial stream of no blocks
      } else {
        REQUIRE_FALSE(out);
        CHECK(out.error().code() == Errc::kCorrupt);
      }
    }
  }
}

TEST_CASE("compression: flipped bits and noise end in a value or an error, within the limit") {
  Random random(5);
  const auto plain = text_like(2'000, random);
  for (const auto codec : kCodecs) {
    const auto whole = packed(codec, plain);
    for (std::size_t bit = 0; bit < whole.size() * 8; bit += 3) {
      auto bad = whole;
      bad[bit / 8] ^= std::byte(1U << (bit % 8));
      const auto out = decompress(codec, bad, 4'000);
      if (out) CHECK(out->size() <= 4'000);
    }
    for (int round = 0; round < 200; ++round) {
      Buffer noise(random.below(200));
      for (auto& byte : noise) byte = static_cast<std::byte>(random.below(256));
      const auto out = decompress(codec, noise, kMiB);
      if (out) CHECK(out->size() <= kRatioFreeBytes);
    }
  }
}

TEST_CASE("compression: bombs are refused by ratio and by size") {
  const Buffer zeroes(16 * kMiB);
  for (const auto codec : kCodecs) {
    CAPTURE(to_string(codec));
    const auto bomb = packed(codec, zeroes);
    CHECK(decompress(codec, bomb, kMiB).error().code() == Errc::kCorrupt);
    const bool by_ratio = unpacked_bytes_max(bomb.size()) < zeroes.size();
    CHECK(by_ratio == (codec != Compression::kSnappy));  // snappy cannot reach the ratio
    CHECK(decompress(codec, bomb, zeroes.size()).has_value() == !by_ratio);
    const auto small = packed(codec, Bytes(zeroes).first(kRatioFreeBytes));
    CHECK(decompress(codec, small, kMiB));  // legitimate however well it packs
  }
}

TEST_CASE("compression: frames that follow each other are one text") {
  for (const auto codec : {Compression::kGzip, Compression::kLz4, Compression::kZstd}) {
    CAPTURE(to_string(codec));
    auto twice = packed(codec, bytes_of("first,"));
    append(packed(codec, bytes_of("second")), twice);
    const auto out = decompress(codec, twice, kMiB);
    REQUIRE(out);
    CHECK(text_of(*out) == "first,second");
    twice.push_back(std::byte{'x'});
    CHECK(decompress(codec, twice, kMiB).error().code() == Errc::kCorrupt);
  }
}

TEST_CASE("compression: snappy is read with and without the xerial framing") {
  const std::string bare("\x05\x10hello", 7);
  const std::string framed = std::string("\x82SNAPPY\0\0\0\0\1\0\0\0\1\0\0\0\7", 20) + bare;
  for (const auto& text : {bare, framed}) {
    const auto out = decompress(Compression::kSnappy, bytes_of(text), kMiB);
    REQUIRE(out);
    CHECK(text_of(*out) == "hello");
  }
  CHECK(text_of(packed(Compression::kSnappy, bytes_of("hello"))) == framed);
  auto negative = framed;
  negative[16] = '\xff';
  CHECK(decompress(Compression::kSnappy, bytes_of(negative), kMiB).error().code() ==
        Errc::kCorrupt);
  const std::string claims("\xff\xff\xff\xff\x0f\x00x", 7);  // 4 GiB in two bytes
  CHECK(decompress(Compression::kSnappy, bytes_of(claims), kMiB).error().code() == Errc::kCorrupt);
}

TEST_CASE("compression: a builder packs what shrinks and stores the rest plain") {
  for (const auto codec : kCodecs) {
    CAPTURE(to_string(codec));
    BatchBuilder builder(codec);
    const auto build = [&](const std::string& value) {
      REQUIRE(builder.add({"k", value, {}, 5}));
      auto batch = builder.build();
      REQUIRE(batch);
      const auto header = check_batch_deeply(*batch);
      REQUIRE(header);
      auto reader = BatchReader::open(*batch);
      REQUIRE(reader);
      const auto record = reader->next();
      REQUIRE(record.has_value());
      REQUIRE(record->has_value());
      CHECK((*record)->to_record().value == value);
      return *header->compression();
    };
    Random random(6);
    CHECK(build(std::string(text_of(text_like(5'000, random)))) == codec);
    CHECK(build("x") == Compression::kNone);
    const auto bomb = build(std::string(4 * kMiB, ' '));
    CHECK(bomb == (codec == Compression::kSnappy ? codec : Compression::kNone));
  }
}

TEST_CASE("compression: a packed batch that is not what it says is refused by the deep check") {
  BatchBuilder builder(Compression::kZstd);
  REQUIRE(builder.add({"k", std::string(500, 'v'), {}, 5}));
  auto batch = builder.build();
  REQUIRE(batch);
  for (const auto other : {Compression::kGzip, Compression::kSnappy, Compression::kLz4}) {
    auto header = read_batch_header(*batch);
    REQUIRE(header);
    header->attributes = static_cast<std::int16_t>(other);
    write_batch_header(*header, *batch);
    CHECK(check_batch(*batch));
    CHECK(check_batch_deeply(*batch).error().code() == Errc::kCorrupt);
    CHECK(BatchReader::open(*batch).error().code() == Errc::kCorrupt);
  }
}

}  // namespace
}  // namespace xylem
