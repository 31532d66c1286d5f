#include "broker/cluster/quorum/quorum_store.h"

#include "broker/cluster/quorum/binary_fields.h"
#include "common/batch/crc32c.h"
#include "common/check.h"
#include "storage/disk.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace xylem::broker {
namespace {

using storage::Disk;

constexpr std::uint32_t kMagic = 0x5851524d;  // XQRM
constexpr std::size_t kHeadBytes = 20;
constexpr std::size_t kFrameBytesMax = 64UL * 1024 * 1024;
constexpr std::size_t kFileBytesMax = 1024UL * 1024 * 1024;
constexpr std::string_view kSuffix = ".quorum";
constexpr std::string_view kNewSuffix = ".new";

enum class Kind : std::uint8_t { kTerm = 1, kVote, kEntry, kCut, kSnapshot, kJoining };

void put(Kind kind, Buffer& out) { out.push_back(static_cast<std::byte>(kind)); }

void put_number(Kind kind, std::uint64_t number, Buffer& out) {
  put(kind, out);
  append_be(number, out);
}

void put_entry(std::uint64_t index, const QuorumEntry& entry, Buffer& out) {
  put_number(Kind::kEntry, index, out);
  append_be(entry.term, out);
  append_be(entry.type, out);
  append_field(entry.data, out);
}

void put_snapshot_record(const QuorumSnapshot& snapshot, Buffer& out) {
  put_number(Kind::kSnapshot, snapshot.index, out);
  append_be(snapshot.term, out);
  append_be(snapshot.configuration_index, out);
  append_field(snapshot.configuration, out);
  append_field(snapshot.state, out);
}

Buffer records_of(const QuorumContent& content) {
  Buffer records;
  if (content.snapshot) put_snapshot_record(*content.snapshot, records);
  put_number(Kind::kTerm, content.term, records);
  put_number(Kind::kVote, content.vote, records);
  if (content.is_joining) put_number(Kind::kJoining, 1, records);
  auto index = content.start_index;
  for (const auto& entry : content.entries) put_entry(index++, entry, records);
  return records;
}

bool apply_entry(BinaryFields& fields, QuorumContent& content) {
  std::uint64_t index = 0;
  QuorumEntry entry;
  if (!fields.take(index) || !fields.take(entry.term) || !fields.take(entry.type) ||
      !fields.take(entry.data))
    return false;
  const bool may_begin = content.entries.empty() && content.snapshot && index > 0 &&
                         index <= content.snapshot->index + 1;
  if (may_begin) content.start_index = index;
  if (index != content.next_index()) return false;
  content.entries.push_back(std::move(entry));
  return true;
}

bool apply_cut(BinaryFields& fields, QuorumContent& content) {
  std::uint64_t index = 0;
  if (!fields.take(index) || index < content.start_index || index > content.next_index())
    return false;
  content.entries.resize(index - content.start_index);
  return true;
}

bool apply_snapshot(BinaryFields& fields, QuorumContent& content) {
  QuorumSnapshot snapshot;
  const bool is_whole = fields.take(snapshot.index) && fields.take(snapshot.term) &&
                        fields.take(snapshot.configuration_index) &&
                        fields.take(snapshot.configuration) && fields.take(snapshot.state);
  if (!is_whole || snapshot.index == UINT64_MAX || content != QuorumContent{}) return false;
  content.start_index = snapshot.index + 1;
  content.snapshot = std::move(snapshot);
  return true;
}

bool apply_joining(BinaryFields& fields, QuorumContent& content) {
  std::uint64_t joins = 0;
  if (!fields.take(joins) || joins > 1) return false;
  content.is_joining = joins == 1;
  return true;
}

bool apply(BinaryFields& fields, QuorumContent& content) {
  std::uint8_t kind = 0;
  if (!fields.take(kind)) return false;
  switch (static_cast<Kind>(kind)) {
    case Kind::kTerm:
      content.vote = 0;
      return fields.take(content.term);
    case Kind::kVote:
      return fields.take(content.vote);
    case Kind::kEntry:
      return apply_entry(fields, content);
    case Kind::kCut:
      return apply_cut(fields, content);
    case Kind::kSnapshot:
      return apply_snapshot(fields, content);
    case Kind::kJoining:
      return apply_joining(fields, content);
  }
  return false;
}

// False: one is cut, unknown or does not fit the content.
bool apply(Bytes records, QuorumContent& content) {
  BinaryFields fields(records);
  while (!fields.is_empty()) {
    if (!apply(fields, content)) return false;
  }
  return true;
}

Buffer frame_of(std::uint64_t sequence, Bytes payload) {
  Buffer frame;
  frame.reserve(kHeadBytes + payload.size());
  append_be(kMagic, frame);
  append_be(sequence, frame);
  append_be(static_cast<std::uint32_t>(payload.size()), frame);
  append_be(crc32c(payload, crc32c(Bytes(frame).subspan(4))), frame);
  append(payload, frame);
  return frame;
}

struct Frame {
  std::uint64_t sequence = 0;
  Bytes payload;
};

// nullopt: no whole frame is there.
std::optional<Frame> frame_at(Bytes file, std::size_t at) {
  const auto left = file.subspan(at);
  if (left.size() < kHeadBytes || load_be<std::uint32_t>(left) != kMagic) return std::nullopt;
  const std::size_t bytes = load_be<std::uint32_t>(left.subspan(12));
  if (bytes > kFrameBytesMax || bytes > left.size() - kHeadBytes) return std::nullopt;
  const auto payload = left.subspan(kHeadBytes, bytes);
  const auto crc = crc32c(payload, crc32c(left.subspan(4, 12)));
  if (crc != load_be<std::uint32_t>(left.subspan(16))) return std::nullopt;
  return Frame{load_be<std::uint64_t>(left.subspan(4)), payload};
}

bool has_frame_behind(Bytes file, std::size_t at) {
  for (auto next = at + 1; next + kHeadBytes <= file.size(); ++next) {
    if (frame_at(file, next)) return true;
  }
  return false;
}

std::unexpected<Error> damaged(std::size_t at) {
  return fail(Errc::kCorrupt, "the quorum's file is damaged at byte " + std::to_string(at));
}

std::optional<std::uint64_t> number_of(std::string_view name) {
  if (!name.ends_with(kSuffix)) return std::nullopt;
  const auto digits = name.substr(0, name.size() - kSuffix.size());
  std::uint64_t number = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return std::nullopt;
  return number;
}

}  // namespace

Result<QuorumFile> decode_quorum_file(Bytes file) {
  QuorumFile found;
  while (found.end < file.size()) {
    const auto frame = frame_at(file, found.end);
    if (!frame) break;
    if (frame->sequence != found.next_sequence || !apply(frame->payload, found.content))
      return damaged(found.end);
    ++found.next_sequence;
    found.end += kHeadBytes + frame->payload.size();
  }
  // The first frame was whole before the file got its name.
  if (found.end == 0 || has_frame_behind(file, found.end)) return damaged(found.end);
  return found;
}

QuorumStore::QuorumStore(Disk& disk, std::string directory)
    : disk_(disk), directory_(std::move(directory)) {}

QuorumStore::~QuorumStore() = default;

std::string QuorumStore::path(std::uint64_t number) const {
  auto digits = std::to_string(number);
  digits.insert(0, 20 - digits.size(), '0');
  return directory_ + "/" + digits + std::string(kSuffix);
}

Result<std::unique_ptr<QuorumStore>> QuorumStore::open(Disk& disk, std::string directory) {
  auto store = std::unique_ptr<QuorumStore>(new QuorumStore(disk, std::move(directory)));
  if (auto loaded = store->load(); !loaded) return pass(loaded, "open " + store->directory_);
  return store;
}

Status QuorumStore::load() {
  if (auto made = storage::make_directories_durably(disk_, directory_); !made) return made;
  auto names = disk_.list(directory_);
  if (!names) return pass(names);
  std::vector<std::uint64_t> numbers;
  for (const auto& name : *names) {
    if (const auto number = number_of(name)) numbers.push_back(*number);
  }
  if (numbers.empty()) return begin_file(1, {});
  std::ranges::sort(numbers);
  if (auto loaded = load_file(numbers.back()); !loaded) return loaded;
  for (const auto number : numbers) {
    if (number == numbers.back()) continue;
    if (auto gone = disk_.remove(path(number)); !gone) return gone;
  }
  return {};
}

Status QuorumStore::load_file(std::uint64_t number) {
  auto file = disk_.open(path(number), Disk::Open::kWrite);
  if (!file) return pass(file);
  file_ = std::move(*file);
  // What is read is gone by from now on: it must not be lost with the power any more, nor must the
  // file's name. What a sync failed to store shows until it is forgotten, and no later one stores
  // it.
  if (auto synced = file_->sync(); !synced) return synced;
  if (auto synced = disk_.sync_directory(directory_); !synced) return synced;
  if (auto forgot = file_->forget_cached(); !forgot) return forgot;
  auto bytes = storage::read_file(disk_, path(number), kFileBytesMax);
  if (!bytes) return pass(bytes);
  auto found = decode_quorum_file(*bytes);
  if (!found) return pass(found);
  if (found->end < bytes->size()) {
    if (auto cut = file_->truncate(static_cast<std::int64_t>(found->end)); !cut) return cut;
    if (auto synced = file_->sync(); !synced) return synced;
  }
  content_ = std::move(found->content);
  sequence_ = found->next_sequence;
  end_ = static_cast<std::int64_t>(found->end);
  number_ = number;
  return {};
}

// Nothing is changed unless it succeeds, or the directory's sync fails.
Status QuorumStore::begin_file(std::uint64_t number, const QuorumContent& content) {
  const auto frame = frame_of(0, records_of(content));
  if (frame.size() > kFrameBytesMax)
    return fail(Errc::kMessageTooLarge, "a quorum's snapshot has at most 64 MiB");
  const auto temporary = path(number) + std::string(kNewSuffix);
  auto file = storage::create_fresh(disk_, temporary);
  if (!file) return pass(file);
  const Bytes piece(frame);
  if (auto wrote = (*file)->write_at(0, {&piece, 1}); !wrote) return wrote;
  if (auto synced = (*file)->sync(); !synced) return fenced(synced.error());
  if (auto named = disk_.rename(temporary, path(number)); !named) return fenced(named.error());
  if (auto synced = disk_.sync_directory(directory_); !synced) return fenced(synced.error());
  file_ = std::move(*file);
  content_ = content;
  sequence_ = 1;
  end_ = static_cast<std::int64_t>(frame.size());
  number_ = number;
  return {};
}

Status QuorumStore::fenced(Error error) {
  fenced_ = error;
  return std::unexpected(std::move(error));
}

Status QuorumStore::write(Bytes records) {
  if (fenced_) return std::unexpected(*fenced_);
  if (records.size() > kFrameBytesMax)
    return fail(Errc::kMessageTooLarge, "one append of a quorum has at most 64 MiB");
  const auto frame = frame_of(sequence_, records);
  const Bytes piece(frame);
  if (auto wrote = file_->write_at(end_, {&piece, 1}); !wrote) {
    if (wrote.error().code() != Errc::kDiskFull) return fenced(wrote.error());
    if (auto cut = file_->truncate(end_); !cut) return fenced(cut.error());
    return wrote;
  }
  if (auto synced = file_->sync(); !synced) return fenced(synced.error());
  ++sequence_;
  end_ += static_cast<std::int64_t>(frame.size());
  XYLEM_CHECK(apply(records, content_));  // as a start would
  return {};
}

Status QuorumStore::set_term(std::uint64_t term) {
  Buffer records;
  put_number(Kind::kTerm, term, records);
  return write(records);
}

Status QuorumStore::set_vote(std::uint64_t member) {
  Buffer records;
  put_number(Kind::kVote, member, records);
  return write(records);
}

Status QuorumStore::set_joining(bool is_joining) {
  Buffer records;
  put_number(Kind::kJoining, is_joining ? 1 : 0, records);
  return write(records);
}

Status QuorumStore::append(std::span<const QuorumEntry> entries) {
  Buffer records;
  auto index = content_.next_index();
  for (const auto& entry : entries) put_entry(index++, entry, records);
  return write(records);
}

Status QuorumStore::cut(std::uint64_t index) {
  if (index < content_.start_index || index > content_.next_index())
    return fail(Errc::kInvalidRequest, "no entry " + std::to_string(index) + " to cut");
  Buffer records;
  put_number(Kind::kCut, index, records);
  return write(records);
}

Status QuorumStore::put_snapshot(QuorumSnapshot snapshot, std::uint64_t trailing) {
  if (fenced_) return std::unexpected(*fenced_);
  auto next = content_;
  const auto end = snapshot.index + 1;
  if (trailing == 0 || end > next.next_index()) {
    next.entries.clear();
    next.start_index = end;
  } else if (end > next.start_index + trailing) {
    const auto gone = end - trailing - next.start_index;
    next.entries.erase(next.entries.begin(),
                       next.entries.begin() + static_cast<std::ptrdiff_t>(gone));
    next.start_index += gone;
  }
  next.snapshot = std::move(snapshot);
  const auto before = number_;
  if (auto begun = begin_file(before + 1, next); !begun) return begun;
  // A start takes the new one; that the old one goes may be lost.
  if (auto gone = disk_.remove(path(before)); !gone) return fenced(gone.error());
  return {};
}

}  // namespace xylem::broker
