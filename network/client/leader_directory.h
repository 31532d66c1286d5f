// Finds the leader of a partition and keeps a session to it.
//
// One session roams over the configured brokers and asks METADATA for the topics that are wanted;
// each leader that it or a NOT_LEADER hint names gets a session of its own, unless the roaming one
// is there already.
//
// Threads: the loop's. `changed` and `writable` run on the loop, never inside a call.
#pragma once

#include "network/client/client_session.h"
#include "network/client/context.h"
#include "network/client/metadata_cache.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace xylem::network {

class LeaderDirectory {
 public:
  // `changed`: a question that had no answer may have one now.
  LeaderDirectory(const ClientContext& context,
                  ClientSession::Options options,
                  std::uint64_t request_timeout_ms,
                  std::function<void()> changed);

  // Null: not connected yet. While the leader is not known it is the roaming session: that broker's
  // NOT_LEADER may name it.
  ClientSession* session_of(const std::string& topic, PartitionId partition);

  [[nodiscard]] const MetadataCache& metadata() const { return metadata_; }

  // Why session_of() is null.
  [[nodiscard]] std::string trouble(const std::string& topic, PartitionId partition) const;

  // Asks for `topic` again, soon; at once when it has never been asked for.
  void refresh(const std::string& topic);

  // A broker said that it does not lead the partition. True: `hint` names somebody new, so trying
  // again at once makes sense.
  bool moved(const std::string& topic, PartitionId partition, std::string_view hint);

  // Closes idle sessions to brokers that lead nothing any more. Not inside a callback of theirs.
  void drop_unused();

 private:
  ClientSession::Handlers handlers(bool is_roaming);
  void ask_metadata();
  void on_metadata(const std::set<std::string>& asked, const Result<Frame>& answer);
  void ask_soon();
  void lost(const Address& broker, const Error& why);

  ClientContext context_;
  ClientSession::Options options_;
  std::uint64_t request_timeout_ms_;
  std::function<void()> changed_;
  MetadataCache metadata_;
  std::map<Address, Error> lost_;  // why, where nothing was reached since
  std::set<std::string> known_;    // asked for at least once
  std::set<std::string> wanted_;   // to be asked for
  Backoff backoff_;
  Timer ask_timer_;
  bool is_asking_ = false;
  ClientSession roaming_;
  std::map<Address, std::unique_ptr<ClientSession>> leaders_;
};

}  // namespace xylem::network
