// The refreshes of this broker: those that run, and the last that have ended.
//
// A refresh is on disk before any consumer hears of it, and goes on after a restart: all are told
// RESET again, under the same id. A newer one of a topic takes the place of the older one. Those
// that the broker begins itself, because its own copy is filled anew, wait a moment: several
// partitions that lose their history at about the same time are one refresh.
//
// What each consumer goes through is RefreshRun's; what it is sent, Replays'.
//
// Owns: state.db's rows of kind "refresh" (refresh_record.h). Threads: the loop's.
// Limits: Options; kNamesMax.
#pragma once

#include "broker/catalog/topic_catalog.h"
#include "broker/partitions/partition_table.h"
#include "broker/refresh/first_ready.h"
#include "broker/refresh/refresh_consumer.h"
#include "broker/refresh/refresh_run.h"
#include "broker/refresh/refresh_seat.h"
#include "broker/refresh/refresh_status.h"
#include "broker/refresh/replays.h"
#include "common/clock.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "common/random.h"
#include "common/result.h"
#include "common/timer.h"
#include "storage/state_store.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace xylem::broker {

class Refreshes {
 public:
  using Hook = std::function<void(const RefreshStatus&)>;
  using Key = RefreshRun::ConsumerKey;

  static constexpr std::size_t kNamesMax = 1'000;    // of consumers, remembered for each topic
  static constexpr std::size_t kNameBytesMax = 256;  // of a consumer
  static constexpr std::size_t kReasonBytesMax = 500;
  // An id is the time and kIdRandomBits. How far one from outside may lie ahead of this clock: no
  // later refresh could have a higher one than the highest.
  static constexpr unsigned kIdRandomBits = 20;
  static constexpr std::int64_t kIdAheadMaxMs = 24LL * 3'600'000;

  struct Options {
    RefreshRun::Timing timing;
    std::int64_t gather_ms = 1'000;    // for more partitions that lose their history
    std::int64_t rebuilt_ms = 30'000;  // for those to begin anew
    std::uint64_t tick_ms = 250;
    std::size_t running_max = 64;
    std::size_t ended_max = 64;
  };

  struct Context {
    Loop& loop;
    const Clock& clock;
    Random& random;
    Logger& logger;
    Metrics& metrics;
    PartitionTable& partitions;
    TopicCatalog& topics;
    storage::StateStore& state;
  };

  // A subscription that holds its topic whole.
  struct Sitting {
    RefreshConsumer& consumer;
    std::string name;  // the same when it comes back
    std::string topic;
    Incarnation incarnation;
    bool is_fresh = false;  // it has no copy yet
    std::vector<Offset> cursors;
    std::vector<Offset> high_watermarks;  // as it was told
  };

  Refreshes(const Context& context, const Options& options);
  ~Refreshes() = default;
  Refreshes(const Refreshes&) = delete;
  Refreshes& operator=(const Refreshes&) = delete;

  // Reads what state.db has. Until `done` nothing can be started.
  void load(std::function<void(Status)> done);

  // From now on topics that are begun anew are noticed.
  void watch();

  // Starts one, and is done with the older one of that topic, which ends ABORTED. `id`: the
  // caller's: above those of the topic's older ones, less than kIdAheadMaxMs ahead; one that is
  // known is answered as it stands. Without, the next one is taken. `by`: who wants it, for the
  // record. kUnknownTopicOrPartition, kInvalidRequest (a broker's own topic; a bad id),
  // kUnavailable (not all of the topic is here; just starting), kQuotaExceeded (too many run).
  Result<RefreshStatus> start(const std::string& topic,
                              const std::string& reason,
                              std::optional<std::uint64_t> id,
                              const std::string& by = {});

  // Ends it: consumers keep the copies they have. kNotFound: there is no such refresh;
  // kInvalidRequest: it has ended.
  Status abort(std::uint64_t id, const std::string& why);

  // The newest first.
  [[nodiscard]] std::vector<RefreshStatus> list() const;

  [[nodiscard]] std::optional<RefreshStatus> find(std::uint64_t id) const;

  // Told of every change of state, after it is on disk.
  void on_change(Hook hook) { hooks_.push_back(std::move(hook)); }

  // The partition's copy is going to be cut back or begun anew, which takes from consumers what
  // they may have been given. Where the topic is compacted they get a refresh. kUnavailable: that
  // is not on disk yet: ask again before anything is taken. Topics that are not compacted: always
  // well.
  Status may_rebuild(const Partition& partition, const std::string& why);

  // kUnavailable: how much of the topic there is to get is not known yet.
  [[nodiscard]] Status may_subscribe(const TopicDefinition& topic) const;

  // What a consumer must have before its copy is whole: where the broker's own copy is being filled
  // anew, more than there is here by now.
  [[nodiscard]] Offset high_watermark(const Partition& partition) const;

  // `sitting.consumer` stays where it is as long as the seat is there.
  RefreshSeat sit(const Sitting& sitting);

 private:
  friend class RefreshSeat;

  struct Seat {
    Sitting sitting;
    FirstReady first_ready;
    std::uint64_t refresh = 0;  // that it takes part in
  };

  struct Entry {
    RefreshRun run;
    std::optional<std::int64_t> ended_at_ms;
    std::int64_t begun_ms = 0;
    std::set<PartitionId> lost;  // are going to be rebuilt
    bool is_written = false;     // once
    bool is_writing = false;
    bool is_dirty = false;
    std::optional<RefreshState> written;   // with the next, last or now
    std::uint64_t written_unfinished = 0;  // of which version
  };

  using Entries = std::map<std::uint64_t, Entry>;

  // Of subscriptions.
  void leave(Key key);
  void acknowledged(Key key, const network::DeliveryAck& ack);
  void answered(Key key, network::FrameType type, const network::Refresh& refresh);

  void wake(Key key) { replays_.wake(key); }

  void restore_stalled();
  void join(Key key);
  void forget_elsewhere(const Seat& seat, std::uint64_t joined);

  [[nodiscard]] Result<const TopicDefinition*> topic_to_refresh(const std::string& name) const;
  Entry& begin(const TopicDefinition& topic, RefreshRun::Definition definition);
  void cancel_older(Entry& by);
  void owe_absent(const std::string& topic, RefreshRun& run);
  [[nodiscard]] Status check_id(std::uint64_t id) const;
  [[nodiscard]] std::uint64_t next_id() const;
  void begin_rebuild(const TopicDefinition& topic, const std::string& why);
  void on_topic(const TopicDefinition& topic, bool removed);
  void on_moved(const Partition& partition);

  void note_skipped(Key key, const std::vector<Offset>& replayed);
  void tick();
  void look_at(Entry& entry);
  void open_if_due(Entry& entry);
  void perform(Entry& entry, const RefreshRun::Acts& acts);
  void tell(const Entry& entry, Seat& seat, network::FrameType type) const;
  void tell_first_ready(Seat& seat) const;
  void after(Entry& entry);  // whatever has happened to it
  void ended(Entry& entry);
  void prune();
  void write(std::uint64_t id);
  void tell_hooks(Entry& entry);

  [[nodiscard]] RefreshStatus status_of(const Entry& entry) const;
  [[nodiscard]] Entry* entry_of(std::uint64_t id);
  [[nodiscard]] Entry* newest_of(const std::string& topic);
  [[nodiscard]] bool still_lacks(const RefreshRun& run) const;
  [[nodiscard]] const Entry* rebuilding(const Incarnation& incarnation) const;

  [[nodiscard]] std::int64_t now_ms() const { return context_.clock.monotonic_ms(); }

  Context context_;
  Options options_;
  bool is_loaded_ = false;
  Entries all_;
  std::map<Key, Seat> seats_;
  Key last_key_ = 0;
  // Who has had a topic whole since this broker started, and when it went: 0: it is here.
  std::map<std::string, std::map<std::string, std::int64_t>> names_;
  std::set<std::string> removed_;  // compacted topics; one that comes again is another
  // Topics whose rebuilding copy did not move; the newest refresh of each has stalled.
  std::set<std::string> stalled_;
  std::vector<Hook> hooks_;
  Replays replays_;
  Gauge& running_;
  Gauge& busy_consumers_;
  Counter& started_;
  Counter& completed_;
  Counter& aborted_;
  Timer tick_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // what callbacks hold
};

}  // namespace xylem::broker
