// What one topic's copies hold and what each event of the stream means for them: pure, no I/O.
//
// It keeps the cursors of what was *accepted* (pushed to the Applier in order, committed soon
// after). Two things rebuild a copy. The broker's refresh comes with RESET and READY (refresh.h).
// Our own begins when a subscription shows that the history behind our cursors is gone (another
// incarnation, or an oldest offset past our cursor or the end of our log): a shadow is filled from
// the log's start, and swapped in when it reaches the high watermark of that subscription.
//
// A gap, which a broker tells of topics with cleanup=delete alone, rebuilds nothing: their copy is
// what the records made of it, and goes on behind the gap.
#pragma once

#include "consumer-app/refresh.h"
#include "consumer-app/view_store.h"
#include "network/client/consumer.h"
#include "network/protocol/frame.h"
#include "network/protocol/messages.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xylem::consumer_app {

// What to do, in this order.
struct Effects {
  std::vector<Change> changes;
  bool swapped = false;      // a new current copy: logs of other incarnations may go
  bool resubscribe = false;  // at cursor(); batches are dropped until on_subscribed()
  bool dropped = false;      // the batch belongs to no copy
  std::optional<network::FrameType> acknowledge;  // once all of the changes are committed
};

// Told since the start.
struct Gaps {
  std::int64_t count = 0;
  std::int64_t records = 0;  // offsets that were skipped
};

class TopicState {
 public:
  TopicState(std::string topic, const TopicCopies& copies);

  // After a restart: a shadow that a broker's refresh half built is of no use, it starts anew.
  [[nodiscard]] Effects on_start() const;

  // `log_ends`: of our logs, where there are any.
  Effects on_subscribed(const network::SubscribeAnswer& answer, const Cursors& log_ends = {});
  Effects on_batch(const network::DeliveredBatch& batch);
  Effects on_gap(const network::Gap& gap);
  Effects on_reset(const network::Refresh& reset);
  Effects on_ready(const network::Refresh& ready);

  // Where to subscribe; nullopt: at the log's start.
  [[nodiscard]] std::optional<network::Cursor> cursor(PartitionId partition) const;

  // The incarnation of the copy that queries see.
  [[nodiscard]] std::optional<Incarnation> incarnation() const;

  // Where the partition's last gap ended: what is below and not stored is gone. 0: none was told.
  [[nodiscard]] Offset skipped_to(PartitionId partition) const;

  [[nodiscard]] const Gaps& gaps() const { return gaps_; }

  [[nodiscard]] bool is_whole() const { return whole_; }

  [[nodiscard]] bool is_rebuilding() const { return shadow_.has_value(); }

  // Records between the current copy and the newest high watermark seen.
  [[nodiscard]] std::int64_t lag() const;

 private:
  struct Accepted {
    Incarnation incarnation;
    Cursors cursors;
  };

  [[nodiscard]] const std::optional<Accepted>& subscribed_copy() const;
  [[nodiscard]] bool has_lost_history(const network::SubscribeAnswer& answer,
                                      const Cursors& log_ends) const;
  [[nodiscard]] bool has_reached(const std::optional<Accepted>& copy, const Cursors& barrier) const;
  Effects begin_own_refresh(const Incarnation& incarnation);
  Effects give_up_refresh();
  void note_progress(Effects& effects);
  void swap(const Cursors& barrier, Effects& effects);

  std::string topic_;
  Refresh refresh_;
  std::optional<Accepted> current_;
  std::optional<Accepted> shadow_;
  bool whole_ = false;        // the current copy has once held everything there was
  bool own_refresh_ = false;  // the shadow is ours, not a broker's refresh
  bool is_outrun_ = false;    // a broker's refresh took the place of ours: `current_` has a gap
  bool expects_subscription_ = false;
  Incarnation answered_;  // by the last subscription, as the next three
  Cursors barrier_;
  Cursors log_start_;
  Cursors high_watermark_;  // grows with every batch
  Cursors skipped_;         // of the copy that is subscribed: where gaps ended
  Gaps gaps_;
  Cursors live_;  // ends of ordinary batches that came since the last RESET
};

}  // namespace xylem::consumer_app
