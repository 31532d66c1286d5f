#include "broker/cluster/quorum/quorum.h"

#include "broker/cluster/quorum/raft_codec.h"
#include "broker/cluster/quorum/raft_io.h"
#include "broker/cluster/quorum/raft_library.h"

#include <utility>

namespace xylem::broker {
namespace {

raft_id id_of(ReplicaId member) { return static_cast<raft_id>(member.value()) + 1; }

Error error_of(int code, std::string_view doing) {
  const auto text = std::string(doing) + ": " + raft_strerror(code);
  switch (code) {
    case RAFT_NOTLEADER:
      return {Errc::kNotLeader, text};
    case RAFT_CANTBOOTSTRAP:
      return {Errc::kAlreadyExists, text};
    case RAFT_CORRUPT:
    case RAFT_MALFORMED:
      return {Errc::kCorrupt, text};
    case RAFT_CANCELED:
    case RAFT_SHUTDOWN:
      return {Errc::kCancelled, text};
    case RAFT_NOSPACE:
      return {Errc::kDiskFull, text};
    case RAFT_TOOBIG:
      return {Errc::kMessageTooLarge, text};
    case RAFT_IOERR:
      return {Errc::kIo, text};
    default:
      return {Errc::kUnavailable, text};
  }
}

std::unexpected<Error> failed(int code, std::string_view doing) {
  return std::unexpected(error_of(code, doing));
}

}  // namespace

struct Quorum::Raft {
  Raft(Machine machine_in, Seams seams, std::unique_ptr<QuorumStore> store)
      : machine(std::move(machine_in)), io(std::move(seams), std::move(store)) {
    fsm.version = 1;
    fsm.data = this;
    fsm.apply = [](raft_fsm* it, const raft_buffer* buffer, void** result) {
      return static_cast<Raft*>(it->data)->apply(*buffer, *result);
    };
    fsm.snapshot = [](raft_fsm* it, raft_buffer* buffers[], unsigned* count) {
      return static_cast<Raft*>(it->data)->take_snapshot(*buffers, *count);
    };
    fsm.restore = [](raft_fsm* it, raft_buffer* buffer) {
      return static_cast<Raft*>(it->data)->restore(*buffer);
    };
  }

  // What apply says goes to who proposed it, if that was here; libraft hands it over at once.
  int apply(const raft_buffer& buffer, void*& result) {
    applied = machine.apply({static_cast<const std::byte*>(buffer.base), buffer.len});
    result = nullptr;
    return 0;
  }

  int take_snapshot(raft_buffer*& buffers, unsigned& count) const {
    const auto state = machine.snapshot();
    buffers = static_cast<raft_buffer*>(raft_calloc(1, sizeof(raft_buffer)));
    if (buffers == nullptr) return RAFT_NOMEM;
    count = 1;
    return copy_to(state, *buffers) ? 0 : RAFT_NOMEM;
  }

  // The buffer is ours where this succeeds.
  int restore(raft_buffer& buffer) const {
    const auto done = machine.restore({static_cast<const std::byte*>(buffer.base), buffer.len});
    if (!done) return RAFT_CORRUPT;
    raft_free(buffer.base);
    return 0;
  }

  struct Proposal {
    struct raft_apply request{};
    Raft* raft = nullptr;
    std::function<void(Status)> done;
  };

  Machine machine;
  RaftIo io;
  raft_fsm fsm{};
  struct raft server{};
  Status applied;
  std::function<void()> closed;
};

Quorum::Quorum(std::unique_ptr<Raft> raft) : raft_(std::move(raft)) {}

Quorum::~Quorum() = default;

Result<std::unique_ptr<Quorum>> Quorum::open(const Options& options,
                                             Machine machine,
                                             Seams seams,
                                             std::unique_ptr<QuorumStore> store) {
  auto made = std::make_unique<Raft>(std::move(machine), std::move(seams), std::move(store));
  const auto id = id_of(options.self);
  const auto address = std::to_string(options.self.value());
  const int code = raft_init(&made->server, made->io.raw(), &made->fsm, id, address.c_str());
  if (code != 0) return failed(code, "open the quorum");
  made->server.data = made.get();
  raft_set_election_timeout(&made->server, options.election_timeout_ms);
  raft_set_heartbeat_timeout(&made->server, options.heartbeat_ms);
  raft_set_snapshot_threshold(&made->server, options.snapshot_entries);
  raft_set_snapshot_trailing(&made->server, options.trailing_entries);
  raft_set_install_snapshot_timeout(&made->server, options.snapshot_timeout_ms);
  raft_set_pre_vote(&made->server, true);
  return std::unique_ptr<Quorum>(new Quorum(std::move(made)));
}

Status Quorum::bootstrap(const std::vector<ReplicaId>& members) {
  raft_configuration configuration{};
  raft_configuration_init(&configuration);
  int code = 0;
  for (const auto member : members) {
    if (code != 0) break;
    code = raft_configuration_add(&configuration, id_of(member),
                                  std::to_string(member.value()).c_str(), RAFT_VOTER);
  }
  if (code == 0) code = raft_bootstrap(&raft_->server, &configuration);
  raft_configuration_close(&configuration);
  if (code != 0) return failed(code, "bootstrap the quorum");
  return {};
}

Status Quorum::join() { return raft_->io.join(); }

void Quorum::joined() { raft_->io.joined(); }

Status Quorum::start() {
  if (const int code = raft_start(&raft_->server); code != 0)
    return failed(code, "start the quorum");
  return {};
}

void Quorum::tick() { raft_->io.tick(); }

Status Quorum::receive(ReplicaId from, Bytes message) { return raft_->io.receive(from, message); }

void Quorum::propose(Bytes command, std::function<void(Status)> done) {
  if (raft_->io.has_failed()) return done(health());
  raft_buffer buffer{};
  if (!copy_to(command, buffer)) return done(failed(RAFT_NOMEM, "propose"));
  auto proposal = std::make_unique<Raft::Proposal>();
  proposal->raft = raft_.get();
  proposal->done = std::move(done);
  proposal->request.data = proposal.get();
  const int code = raft_apply(
      &raft_->server, &proposal->request, &buffer, 1,
      [](struct raft_apply* request, int status, void*) {
        const std::unique_ptr<Raft::Proposal> ended(static_cast<Raft::Proposal*>(request->data));
        ended->done(status == 0 ? ended->raft->applied : Status(failed(status, "propose")));
      });
  if (code == 0) {
    proposal.release();  // NOLINT(bugprone-unused-return-value): its callback owns it now
    return;
  }
  raft_free(buffer.base);
  proposal->done(failed(code, "propose"));
}

Status Quorum::health() const { return raft_->io.health(); }

bool Quorum::is_leader() const { return raft_state(&raft_->server) == RAFT_LEADER; }

std::optional<ReplicaId> Quorum::leader() const {
  raft_id id = 0;
  const char* address = nullptr;
  raft_leader(&raft_->server, &id, &address);
  if (id == 0) return std::nullopt;
  return ReplicaId(static_cast<std::int32_t>(id) - 1);
}

void Quorum::close(std::function<void()> done) {
  raft_->closed = std::move(done);
  raft_close(&raft_->server, [](struct raft* it) {
    const auto closed = std::move(static_cast<Raft*>(it->data)->closed);
    closed();
  });
}

}  // namespace xylem::broker
