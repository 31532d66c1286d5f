// A PipeClient that follows NOT_HERE: one conversation with the list of parents, and one with each
// leader that was named in it. So several brokers that share the partitions are one parent.
//
// The target is asked and told as by PipeClient, except that a NOT_HERE which names somebody else
// stays here: that log is asked for there (route_table.h says when). A leader that fails, is behind
// for long, or does not have a log either, gives it back to the list of parents. All logs return
// when another parent of the list answers than before: it may have them all. Where it does not,
// that cost a round trip.
//
// Owns: a session of its own at every leader, which ends with its last log.
// Threads: the loop's; the target is called there.
#pragma once

#include "pipe/pipe_client.h"

#include <memory>
#include <vector>

namespace xylem::pipe {

class RoutedClient {
 public:
  // A leader's session is `options.session`@leader in the metrics.
  RoutedClient(const PipeClient::Context& context,
               PipeConnector& connector,
               PipeTarget& target,
               PipeClient::Options options);
  ~RoutedClient();
  RoutedClient(const RoutedClient&) = delete;
  RoutedClient& operator=(const RoutedClient&) = delete;

  // As PipeClient's. Without any parent no leader is asked either.
  void set_parents(std::vector<Parent> parents);
  void set_cluster(const ClusterId& cluster);
  void add(const LogId& log);
  void remove(const LogId& log);
  void touch(const LogId& log);

  // The parent of the list; the worst health of all sessions; the sum of their counts.
  [[nodiscard]] PipeClient::View view() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xylem::pipe
