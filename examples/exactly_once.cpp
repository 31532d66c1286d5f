// Counts units sold in SQLite, each sale once: example_exactly_once HOST:PORT TOPIC FILE
//
// A batch and the cursor behind it are one transaction, so whatever kills the program, it goes on
// where its data ends. (It blocks the loop while SQLite syncs: a busy program has a thread for it.)
#include "common/clock.h"
#include "common/random.h"
#include "common/signals.h"
#include "network/client/delivered_records.h"
#include "network/serializer/serializer.h"

#include <sqlite3.h>

#include <cstdio>

namespace network = xylem::network;
using network::Consumer;
using xylem::Status;

namespace {

Status run(sqlite3* db, const char* format, auto... values) {
  char* sql = sqlite3_mprintf(format, values...);  // its %Q quotes
  const int code = sqlite3_exec(db, sql, nullptr, nullptr, nullptr);
  sqlite3_free(sql);
  if (code == SQLITE_OK) return {};
  return xylem::fail(xylem::Errc::kIo, sqlite3_errmsg(db));
}

Status count(sqlite3* db, const network::Serializer& json, const xylem::RecordView& record) {
  const auto sale = json.decode(record.value.value_or(xylem::Bytes()));
  const auto* sku = sale ? sale->get<std::string>("sku") : nullptr;
  const auto* units = sale ? sale->get<std::int64_t>("units") : nullptr;
  if (sku == nullptr || units == nullptr) return {};  // no sale: nothing to count
  return run(db, "INSERT INTO sold VALUES(%Q, %lld) ON CONFLICT DO UPDATE SET units = units + %lld",
             sku->c_str(), *units, *units);
}

Status apply(sqlite3* db, const network::Serializer& json, const network::DeliveredBatch& batch) {
  auto done = run(db, "BEGIN IMMEDIATE");
  if (done) done = each_record(batch, [&](const auto& sale) { return count(db, json, sale); });
  if (done)
    done = run(db, "REPLACE INTO cursors VALUES(%d, %Q, %u, %lld)", batch.partition.value(),
               batch.incarnation.topic.text().c_str(), batch.incarnation.generation,
               batch.next_offset.value());
  if (done) done = run(db, "COMMIT");
  if (!done) (void)run(db, "ROLLBACK");
  return done;
}

std::optional<network::Cursor> cursor(sqlite3* db, xylem::PartitionId partition) {
  std::optional<network::Cursor> found;
  sqlite3_stmt* query = nullptr;
  sqlite3_prepare_v2(db, "SELECT * FROM cursors WHERE part = ?", -1, &query, nullptr);
  sqlite3_bind_int(query, 1, partition.value());
  if (sqlite3_step(query) == SQLITE_ROW) {
    const auto* topic = reinterpret_cast<const char*>(sqlite3_column_text(query, 1));
    found = {.offset = xylem::Offset(sqlite3_column_int64(query, 3)),
             .incarnation = {.topic = *xylem::Uuid::parse(topic),
                             .generation = static_cast<unsigned>(sqlite3_column_int64(query, 2))}};
  }
  sqlite3_finalize(query);
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  const auto broker = network::Address::parse(argc == 4 ? argv[1] : "");
  if (!broker) return std::fputs("usage: example_exactly_once HOST:PORT TOPIC FILE\n", stderr), 2;
  sqlite3* db = nullptr;
  sqlite3_open(argv[3], &db);        // a failure shows in the first statement
  sqlite3_busy_timeout(db, 20'000);  // ms: somebody may be reading it
  const auto opened = run(db,
                          "CREATE TABLE IF NOT EXISTS sold(sku PRIMARY KEY, units);"
                          "CREATE TABLE IF NOT EXISTS cursors"
                          "(part PRIMARY KEY, topic, generation, next)");
  if (!opened) return std::fprintf(stderr, "%s\n", opened.error().what().c_str()), 1;
  const xylem::SystemClock clock;
  xylem::Random random(xylem::system_seed());
  xylem::Loop loop;
  const auto tcp = network::make_tcp_client(loop, {});
  const auto json = network::make_json_serializer();

  Consumer::Options options{.brokers = {*broker}, .topics = {argv[2]}};
  options.commit = Consumer::Commit::kOwnCursors;
  Consumer::Handlers handlers;
  handlers.cursor = [&](auto, auto partition) { return cursor(db, partition); };
  handlers.batch = [&](const auto& batch) { return apply(db, *json, batch); };
  handlers.error = [](const auto& why) { std::fprintf(stderr, "%s\n", why.what().c_str()); };
  // A replay would be counted again. Not acknowledged, the refresh ends without one.
  handlers.reset = [](const auto&) { std::fputs("a refresh is not accepted\n", stderr); };
  Consumer consumer({loop, *tcp, clock, random, xylem::Logger::none()}, options, handlers);
  consumer.start();
  const xylem::StopSignals signals(loop, [&] { loop.stop(); });
  loop.run();
  return sqlite3_close(db);
}
