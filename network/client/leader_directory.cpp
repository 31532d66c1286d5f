#include "network/client/leader_directory.h"

#include <utility>
#include <vector>

namespace xylem::network {

LeaderDirectory::LeaderDirectory(const ClientContext& context,
                                 ClientSession::Options options,
                                 std::uint64_t request_timeout_ms,
                                 std::function<void()> changed)
    : context_(context),
      options_(options),
      request_timeout_ms_(request_timeout_ms),
      changed_(std::move(changed)),
      backoff_(options_.backoff_ms, options_.backoff_max_ms),
      ask_timer_(context.loop),
      roaming_(context, std::move(options), handlers(true)) {
  roaming_.start();
}

ClientSession::Handlers LeaderDirectory::handlers(bool is_roaming) {
  ClientSession::Handlers handlers;
  handlers.ready = [this, is_roaming](const HelloAnswer&) {
    lost_.clear();
    if (is_roaming) ask_metadata();
    changed_();
  };
  handlers.lost = [this](const Error& why) { lost(roaming_.address(), why); };
  handlers.writable = [this] { changed_(); };
  return handlers;
}

ClientSession* LeaderDirectory::session_of(const std::string& topic, PartitionId partition) {
  const auto leader = metadata_.leader(topic, partition);
  if (!leader) refresh(topic);
  if (roaming_.is_ready() && (!leader || roaming_.address() == *leader)) return &roaming_;
  if (!leader) return nullptr;
  auto& session = leaders_[*leader];
  if (session == nullptr) {
    auto options = options_;
    options.brokers = {*leader};
    auto its_handlers = handlers(false);
    its_handlers.lost = [this, address = *leader](const Error& why) { lost(address, why); };
    session =
        std::make_unique<ClientSession>(context_, std::move(options), std::move(its_handlers));
    session->start();
  }
  return session->is_ready() ? session.get() : nullptr;
}

std::string LeaderDirectory::trouble(const std::string& topic, PartitionId partition) const {
  const auto leader = metadata_.leader(topic, partition);
  if (!leader)
    return roaming_.is_ready() ? "nobody is known to lead the partition" : "no broker was reached";
  const auto why = lost_.find(*leader);
  return "its leader, " + leader->text() + ", was not reached" +
         (why == lost_.end() ? std::string() : ": " + why->second.what());
}

void LeaderDirectory::refresh(const std::string& topic) {
  wanted_.insert(topic);
  if (known_.insert(topic).second) {
    ask_timer_.start(0, 0, [this] { ask_metadata(); });
  } else {
    ask_soon();
  }
}

void LeaderDirectory::lost(const Address& broker, const Error& why) {
  lost_.insert_or_assign(broker, why);
  metadata_.drop_hints(broker);
  wanted_.insert(known_.begin(), known_.end());
  ask_soon();
}

bool LeaderDirectory::moved(const std::string& topic,
                            PartitionId partition,
                            std::string_view hint) {
  refresh(topic);
  const auto leader = Address::parse(hint);
  if (!leader || metadata_.leader(topic, partition) == *leader) return false;
  metadata_.set_leader(topic, partition, *leader);
  return true;
}

void LeaderDirectory::drop_unused() {
  std::erase_if(leaders_, [this](const auto& entry) {
    return !metadata_.is_leader(entry.first) && !entry.second->is_waiting();
  });
}

void LeaderDirectory::ask_soon() {
  if (is_asking_ || ask_timer_.is_active()) return;
  ask_timer_.start(backoff_.next_ms(context_.random), 0, [this] { ask_metadata(); });
}

void LeaderDirectory::ask_metadata() {
  if (is_asking_ || wanted_.empty() || !roaming_.is_ready()) return;
  auto asked = std::exchange(wanted_, {});
  const MetadataRequest request{.topics = {asked.begin(), asked.end()}};
  is_asking_ = true;
  roaming_.request(
      FrameType::kMetadata, payload_of(request), request_timeout_ms_,
      [this, asked = std::move(asked)](const auto& answer) { on_metadata(asked, answer); });
}

void LeaderDirectory::on_metadata(const std::set<std::string>& asked, const Result<Frame>& answer) {
  is_asking_ = false;
  const auto metadata = answer_as<MetadataAnswer>(FrameType::kMetadata, answer);
  if (!metadata) {
    context_.logger.warn("client.metadata", {{"error", metadata.error().what()}});
    wanted_.insert(asked.begin(), asked.end());
  } else {
    metadata_.update(*metadata);
    for (const auto& topic : asked)
      if (metadata_.is_unknown(topic)) wanted_.insert(topic);
  }
  if (wanted_.empty()) {
    backoff_.reset();
  } else {
    ask_soon();
  }
  changed_();
}

}  // namespace xylem::network
