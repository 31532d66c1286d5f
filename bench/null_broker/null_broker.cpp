#include "bench/null_broker/null_broker.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <sys/epoll.h>
#include <unistd.h>
#include <utility>

namespace xylem::bench {
namespace {

using network::FrameType;

constexpr int kEventsMax = 64;

void answer(FrameType type, std::uint64_t id, Bytes payload, Buffer& answers) {
  append(frame_head(static_cast<std::uint8_t>(type), id, payload.size()), answers);
  append(payload, answers);
}

Buffer hello() {
  return network::encode(network::HelloAnswer{.node = NodeId("null"),
                                              .role = "LOCAL",
                                              .payload_bytes_max = RecordLog::kWindowBytes / 2,
                                              .heartbeat_ms = 3'000});
}

}  // namespace

NullBroker::NullBroker(const Options& options)
    : listener_(listen_locally(options.port)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      log_(options.file, options.sync) {
  epoll_event event{.events = EPOLLIN, .data = {.ptr = &listener_}};
  if (epoll_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event)) die("epoll_ctl");
}

NullBroker::~NullBroker() {
  close(epoll_);
  close(listener_);
}

void NullBroker::watch(Client& client, std::uint32_t events) {
  if (events == client.events) return;
  epoll_event event{.events = events, .data = {.ptr = &client}};
  if (epoll_ctl(epoll_, client.events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, client.socket.fd(),
                &event))
    die("epoll_ctl");
  client.events = events;
}

void NullBroker::accept() {
  clients_.push_back({.socket = Socket::accept(listener_)});
  watch(clients_.back(), EPOLLIN);
}

void NullBroker::run() {
  std::array<epoll_event, kEventsMax> events{};
  while (true) {
    const int count = epoll_wait(epoll_, events.data(), kEventsMax, -1);
    if (count < 0 && errno != EINTR) die("epoll_wait");
    std::vector<Client*> gone;
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      if (event.data.ptr == &listener_) {
        accept();
        continue;
      }
      auto* client = static_cast<Client*>(event.data.ptr);
      if ((event.events & ~std::uint32_t{EPOLLOUT}) != 0 && !receive(*client))
        gone.push_back(client);
    }
    finish_turn();
    for (const auto* left : gone)
      clients_.remove_if([left](const Client& one) { return &one == left; });
  }
}

bool NullBroker::receive(Client& client) {
  const bool is_there = client.socket.receive();
  while (const auto frame = read_frame(client.socket.input())) {
    take(client, *frame);
    client.socket.take(frame->bytes);
  }
  return is_there;
}

void NullBroker::take(Client& client, const FrameIn& frame) {
  const auto type = static_cast<FrameType>(frame.type);
  switch (type) {
    case FrameType::kData:
      return take_data(client, frame);
    case FrameType::kHello:
      return answer(type, frame.id, hello(), client.answers);
    case FrameType::kSubscribe:
      return subscribe(client, frame);
    case FrameType::kMetadata:
      return answer(type, frame.id, describe(frame.payload), client.answers);
    case FrameType::kAdmin:
      return answer(type, frame.id, network::encode(network::Admin{.json = "{}"}), client.answers);
    case FrameType::kHeartbeat:
    case FrameType::kCommitOffset:
      return answer(type, frame.id, {}, client.answers);
    default:
      return;
  }
}

void NullBroker::take_data(Client& client, const FrameIn& frame) {
  std::uint32_t header_bytes = 0;  // a size-prefixed FlatBuffer; nothing in it matters here
  if (frame.payload.size() < sizeof header_bytes) die("a frame is bad");
  std::memcpy(&header_bytes, frame.payload.data(), sizeof header_bytes);
  const auto skipped = kFrameHeadBytes + sizeof header_bytes + header_bytes;
  if (skipped > frame.bytes) die("a frame is bad");
  const auto batch = client.socket.input().subspan(skipped, frame.bytes - skipped);
  const auto next = log_.add(batch);
  client.acks.push_back({frame.id, load_be<std::int64_t>(batch), next});
}

void NullBroker::subscribe(Client& client, const FrameIn& frame) {
  const auto request = network::decode<network::Subscribe>(frame.payload);
  if (!request) die("SUBSCRIBE is bad");
  const auto& wish = request->partitions.empty() ? request->every : request->partitions.front();
  const bool from_end = wish && wish->start == network::StartAt::kLatest;
  const auto from = from_end ? log_.end() : RecordLog::Place{};
  client.subscriber.emplace(Subscriber{.id = frame.id,
                                       .header = CannedDataHeader(request->topic),
                                       .cursor = from,
                                       .frame_end = from,
                                       .position = from.position});
  network::SubscribeAnswer told{request->topic, only_incarnation(), {}};
  told.partitions.push_back(
      {PartitionId(0), Offset(from.offset), Offset(0), Offset(log_.end().offset)});
  answer(FrameType::kSubscribe, frame.id, network::encode(told), client.answers);
}

Buffer NullBroker::describe(Bytes request) const {
  const auto asked = network::decode<network::MetadataRequest>(request);
  if (!asked) die("METADATA is bad");
  network::MetadataAnswer told;
  for (const auto& name : asked->topics) {
    network::PartitionMetadata partition{.partition = PartitionId(0),
                                         .leader = NodeId("null"),
                                         .leader_address = "127.0.0.1:" + std::to_string(port()),
                                         .epoch = Epoch(0),
                                         .high_watermark = Offset(log_.end().offset)};
    told.topics.push_back({name, only_incarnation(), {std::move(partition)}});
  }
  return network::encode(told);
}

void NullBroker::finish_turn() {
  log_.commit();
  for (auto& client : clients_) {
    for (const auto& ack : client.acks)
      answer(FrameType::kAck, ack.id, ack_.with(ack.base_offset, ack.next_offset), client.answers);
    client.acks.clear();
    watch(client, serve(client) ? EPOLLIN : EPOLLIN | EPOLLOUT);
  }
}

// One frame at most, so that clients take turns. True: nothing is left to send.
bool NullBroker::serve(Client& client) {
  auto& reader = client.subscriber;
  if (!reader || reader->position == reader->frame_end.position) {
    client.socket.queue(client.answers);
    client.answers.clear();
    if (!reader || reader->position == log_.end().position) return client.socket.flush();
    begin_frame(client);
  }
  const auto left = reader->frame_end.position - reader->position;
  const auto body = log_.in_memory(reader->position, left);
  reader->position += body.empty()
                          ? client.socket.send_after_queue(log_.fd(), reader->position, left)
                          : client.socket.send_after_queue(body);
  return reader->position == log_.end().position && client.answers.empty();
}

void NullBroker::begin_frame(Client& client) {
  auto& reader = *client.subscriber;
  reader.cursor = reader.frame_end;
  reader.frame_end = log_.after(reader.cursor);
  const auto header = reader.header.with(
      reader.cursor.offset, reader.frame_end.batches - reader.cursor.batches, log_.end().offset);
  const auto bytes = reader.frame_end.position - reader.position;
  client.socket.queue(frame_head(kDataFrame, reader.id, header.size() + bytes));
  client.socket.queue(header);
}

}  // namespace xylem::bench
