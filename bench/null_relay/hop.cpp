#include "bench/null_relay/hop.h"

#include "bench/null_relay/wire.h"
#include "common/batch/batch.h"

#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <unistd.h>
#include <utility>

namespace xylem::bench {
namespace {

constexpr int kEventsMax = 64;

}  // namespace

Hop::Hop(const Options& options)
    : options_(options),
      file_(options.file, options.producers >= 0),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) die("epoll_create1");
  if (options.producers >= 0) watch(options.producers, EPOLLIN, nullptr, true);
  watch(options.below, EPOLLIN, nullptr, true);
  if (options.poll_port == 0) return;
  parent_ = &link(Peer::kParent, Socket::connect(options.poll_port));
  parent_->socket.queue(poll_request(0));
  flush(*parent_);
}

Hop::~Hop() { close(epoll_); }

void Hop::watch(int fd, std::uint32_t events, Link* link, bool is_new) {
  epoll_event event{};
  event.events = events;
  if (link != nullptr)
    event.data.ptr = link;
  else
    event.data.ptr = fd == options_.below ? &options_.below : &options_.producers;
  if (epoll_ctl(epoll_, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event)) die("epoll_ctl");
}

Hop::Link& Hop::link(Peer peer, Socket socket) {
  auto& made = links_.emplace_back(Link{peer, std::move(socket)});
  if (peer == Peer::kConsumer) {
    made.cursor = file_.end();
    made.is_waiting = true;
  }
  made.events = EPOLLIN;
  watch(made.socket.fd(), made.events, &made, true);
  return made;
}

void Hop::run() {
  std::array<epoll_event, kEventsMax> events{};
  while (true) {
    const int count = epoll_wait(epoll_, events.data(), kEventsMax, -1);
    if (count < 0 && errno != EINTR) die("epoll_wait");
    std::vector<Link*> gone;
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      if (event.data.ptr == &options_.producers) {
        link(Peer::kProducer, Socket::accept(options_.producers));
      } else if (event.data.ptr == &options_.below) {
        link(options_.pushes ? Peer::kConsumer : Peer::kChild, Socket::accept(options_.below));
      } else {
        auto* ready = static_cast<Link*>(event.data.ptr);
        if ((event.events & EPOLLOUT) != 0) flush(*ready);
        if (!receive(*ready)) gone.push_back(ready);
      }
    }
    finish_turn();
    for (auto* left : gone) {
      if (left == parent_) die("the hop above is gone");
      links_.remove_if([left](const Link& one) { return &one == left; });
    }
  }
}

bool Hop::receive(Link& link) {
  const bool is_there = link.socket.receive();
  switch (link.peer) {
    case Peer::kProducer:
      take_frames(link);
      break;
    case Peer::kParent:
      take_answers(link);
      break;
    case Peer::kChild:
      take_polls(link);
      break;
    case Peer::kConsumer:
      link.socket.take(link.socket.input().size());
      break;
  }
  return is_there;
}

void Hop::take_frames(Link& link) {
  while (const auto frame = read_frame(link.socket.input())) {
    keep(frame->payload);
    link.acks.push_back(frame->id);
    link.socket.take(frame->bytes);
  }
}

void Hop::take_answers(Link& link) {
  while (const auto answer = read_answer(link.socket.input())) {
    keep(answer->body);
    is_answered_ = true;
    link.socket.take(answer->bytes);
  }
}

void Hop::take_polls(Link& link) {
  while (const auto poll = read_poll(link.socket.input())) {
    link.cursor = poll->cursor;
    link.is_waiting = true;
    link.socket.take(poll->bytes);
  }
}

void Hop::keep(Bytes batches) {
  while (!batches.empty()) {
    const auto header = check_batch(batches);
    if (!header) die("a batch is bad");
    file_.add(batches.first(header->bytes));
    batches = batches.subspan(header->bytes);
  }
}

void Hop::finish_turn() {
  file_.commit();
  for (auto& link : links_) {
    for (const auto id : std::exchange(link.acks, {}))
      link.socket.queue(frame_head(kAckFrame, id, 0));
    serve(link);
    if (&link == parent_ && std::exchange(is_answered_, false))
      link.socket.queue(poll_request(file_.end()));
    flush(link);
  }
}

void Hop::serve(Link& link) {
  if (!link.is_waiting || link.cursor >= file_.end()) return;
  const auto batches = file_.from(link.cursor);
  link.socket.queue(link.peer == Peer::kConsumer ? frame_head(kDataFrame, 0, batches.size())
                                                 : poll_answer_head(batches.size()));
  link.socket.queue(batches);
  link.cursor = file_.end();
  link.is_waiting = link.peer == Peer::kConsumer;
}

void Hop::flush(Link& link) {
  const std::uint32_t events = link.socket.flush() ? EPOLLIN : EPOLLIN | EPOLLOUT;
  if (events == link.events) return;
  link.events = events;
  watch(link.socket.fd(), events, &link, false);
}

}  // namespace xylem::bench
