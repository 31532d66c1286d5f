#include "broker/cluster/quorum/raft_codec.h"

#include "broker/cluster/quorum/binary_fields.h"

#include <cstring>
#include <string>

namespace xylem::broker {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kEntryBytesMin = 14;  // term, type, length
constexpr std::uint32_t kServersMax = 64;

std::unexpected<Error> bad(std::string_view what) {
  return fail(Errc::kInvalidRequest, "a quorum's message: " + std::string(what));
}

Bytes view_of(const raft_buffer& buffer) {
  return {static_cast<const std::byte*>(buffer.base), buffer.len};
}

void put(unsigned long long number, Buffer& out) {
  append_be(static_cast<std::uint64_t>(number), out);
}

void put(bool flag, Buffer& out) { append_be(static_cast<std::uint8_t>(flag), out); }

void encode_fields(const raft_request_vote& it, Buffer& out) {
  put(it.term, out);
  put(it.candidate_id, out);
  put(it.last_log_index, out);
  put(it.last_log_term, out);
  put(it.disrupt_leader, out);
  put(it.pre_vote, out);
}

void encode_fields(const raft_request_vote_result& it, Buffer& out) {
  put(it.term, out);
  put(it.vote_granted, out);
  append_be(static_cast<std::uint8_t>(it.pre_vote), out);
}

void encode_fields(const raft_append_entries& it, Buffer& out) {
  put(it.term, out);
  put(it.prev_log_index, out);
  put(it.prev_log_term, out);
  put(it.leader_commit, out);
  append_be(static_cast<std::uint32_t>(it.n_entries), out);
  for (unsigned i = 0; i < it.n_entries; ++i) {
    put(it.entries[i].term, out);
    append_be(static_cast<std::uint16_t>(it.entries[i].type), out);
    append_field(view_of(it.entries[i].buf), out);
  }
}

void encode_fields(const raft_append_entries_result& it, Buffer& out) {
  put(it.term, out);
  put(it.rejected, out);
  put(it.last_log_index, out);
}

void encode_fields(const raft_install_snapshot& it, Buffer& out) {
  put(it.term, out);
  put(it.last_index, out);
  put(it.last_term, out);
  append_field(encode(it.conf), out);
  put(it.conf_index, out);
  append_field(view_of(it.data), out);
}

void encode_fields(const raft_timeout_now& it, Buffer& out) {
  put(it.term, out);
  put(it.last_log_index, out);
  put(it.last_log_term, out);
}

bool take(BinaryFields& fields, unsigned long long& number) {
  std::uint64_t value = 0;
  const bool is_there = fields.take(value);
  number = value;
  return is_there;
}

bool take(BinaryFields& fields, bool& flag) {
  std::uint8_t value = 0;
  const bool is_there = fields.take(value) && value <= 1;
  flag = value == 1;
  return is_there;
}

bool take(BinaryFields& fields, raft_buffer& buffer) {
  Bytes bytes;
  return fields.take(bytes) && copy_to(bytes, buffer);
}

bool decode_fields(BinaryFields& fields, raft_request_vote& it) {
  return take(fields, it.term) && take(fields, it.candidate_id) &&
         take(fields, it.last_log_index) && take(fields, it.last_log_term) &&
         take(fields, it.disrupt_leader) && take(fields, it.pre_vote);
}

bool decode_fields(BinaryFields& fields, raft_request_vote_result& it) {
  std::uint8_t pre_vote = 0;
  if (!take(fields, it.term) || !take(fields, it.vote_granted) || !fields.take(pre_vote) ||
      pre_vote > raft_tribool_false)
    return false;
  it.pre_vote = static_cast<raft_tribool>(pre_vote);
  return true;
}

// All entries of a message share one piece of memory: libraft drops those that it has already by
// keeping the others.
bool decode_fields(BinaryFields& fields, raft_append_entries& it) {
  std::uint32_t count = 0;
  const bool is_there = take(fields, it.term) && take(fields, it.prev_log_index) &&
                        take(fields, it.prev_log_term) && take(fields, it.leader_commit) &&
                        fields.take(count);
  if (!is_there || count > fields.left() / kEntryBytesMin) return false;
  if (count == 0) return true;
  it.entries = static_cast<raft_entry*>(raft_calloc(count, sizeof(raft_entry)));
  if (it.entries == nullptr) return false;
  auto* room = static_cast<std::byte*>(raft_malloc(fields.left()));
  it.entries[0].batch = room;
  if (room == nullptr) return false;
  for (auto* entry = it.entries; entry != it.entries + count; ++entry) {
    std::uint16_t type = 0;
    Bytes data;
    const bool is_whole = take(fields, entry->term) && fields.take(type) && fields.take(data);
    if (!is_whole || type < RAFT_COMMAND || type > RAFT_CHANGE) return false;
    entry->type = type;
    entry->buf = {room, data.size()};
    entry->batch = it.entries[0].batch;
    if (!data.empty()) std::memcpy(room, data.data(), data.size());
    room += data.size();
  }
  it.n_entries = count;
  return true;
}

bool decode_fields(BinaryFields& fields, raft_append_entries_result& it) {
  return take(fields, it.term) && take(fields, it.rejected) && take(fields, it.last_log_index);
}

bool decode_fields(BinaryFields& fields, raft_install_snapshot& it) {
  raft_configuration_init(&it.conf);
  Bytes configuration;
  return take(fields, it.term) && take(fields, it.last_index) && take(fields, it.last_term) &&
         fields.take(configuration) && decode(configuration, it.conf).has_value() &&
         take(fields, it.conf_index) && take(fields, it.data);
}

bool decode_fields(BinaryFields& fields, raft_timeout_now& it) {
  return take(fields, it.term) && take(fields, it.last_log_index) && take(fields, it.last_log_term);
}

// Calls `visit` with the part of `message` that its type names. False: the type is unknown.
template <class Message, class Visit>
bool visit_part(Message& message, const Visit& visit) {
  switch (message.type) {
    case RAFT_IO_APPEND_ENTRIES:
      return visit(message.append_entries);
    case RAFT_IO_APPEND_ENTRIES_RESULT:
      return visit(message.append_entries_result);
    case RAFT_IO_REQUEST_VOTE:
      return visit(message.request_vote);
    case RAFT_IO_REQUEST_VOTE_RESULT:
      return visit(message.request_vote_result);
    case RAFT_IO_INSTALL_SNAPSHOT:
      return visit(message.install_snapshot);
    case RAFT_IO_TIMEOUT_NOW:
      return visit(message.timeout_now);
    default:
      return false;
  }
}

}  // namespace

bool copy_to(Bytes bytes, raft_buffer& buffer) {
  buffer.base = raft_malloc(bytes.size() + 1);
  if (buffer.base == nullptr) return false;
  buffer.len = bytes.size();
  if (!bytes.empty()) std::memcpy(buffer.base, bytes.data(), bytes.size());
  return true;
}

Buffer encode(const raft_message& message) {
  Buffer out;
  append_be(kVersion, out);
  append_be(static_cast<std::uint8_t>(message.type), out);
  visit_part(message, [&](const auto& part) {
    encode_fields(part, out);
    return true;
  });
  return out;
}

Status decode(Bytes bytes, raft_message& message) {
  BinaryFields fields(bytes);
  message = raft_message{};
  std::uint8_t version = 0;
  std::uint8_t type = 0;
  if (!fields.take(version) || !fields.take(type)) return bad("it is cut");
  if (version != kVersion) return bad("version " + std::to_string(version));
  message.type = type;
  const bool is_whole =
      visit_part(message, [&](auto& part) { return decode_fields(fields, part); });
  if (is_whole && fields.is_empty()) return {};
  free_memory(message);
  return bad(is_whole ? "more than it says" : "type " + std::to_string(type) + ", cut or wrong");
}

void free_memory(raft_message& message) {
  if (message.type == RAFT_IO_APPEND_ENTRIES) {
    auto* entries = message.append_entries.entries;
    if (entries != nullptr) raft_free(entries[0].batch);
    raft_free(entries);
  } else if (message.type == RAFT_IO_INSTALL_SNAPSHOT) {
    raft_configuration_close(&message.install_snapshot.conf);
    raft_free(message.install_snapshot.data.base);
  }
  message = raft_message{};
}

Buffer encode(const raft_configuration& configuration) {
  Buffer out;
  append_be(static_cast<std::uint32_t>(configuration.n), out);
  for (unsigned i = 0; i < configuration.n; ++i) {
    const auto& server = configuration.servers[i];
    put(server.id, out);
    append_be(static_cast<std::uint8_t>(server.role), out);
    append_field(bytes_of(server.address), out);
  }
  return out;
}

Status decode(Bytes bytes, raft_configuration& configuration) {
  raft_configuration_init(&configuration);
  BinaryFields fields(bytes);
  std::uint32_t count = 0;
  bool is_good = fields.take(count) && count <= kServersMax;
  for (std::uint32_t i = 0; is_good && i < count; ++i) {
    raft_id id = 0;
    std::uint8_t role = 0;
    Bytes address;
    is_good = take(fields, id) && fields.take(role) && fields.take(address) &&
              !text_of(address).contains('\0') &&
              raft_configuration_add(&configuration, id, std::string(text_of(address)).c_str(),
                                     role) == 0;
  }
  if (is_good && fields.is_empty()) return {};
  raft_configuration_close(&configuration);
  raft_configuration_init(&configuration);
  return bad("its configuration");
}

}  // namespace xylem::broker
