#include "consumer-app/query_api.h"

#include "common/url.h"
#include "tests/support/delivered_batches.h"
#include "tests/unit/consumer-app/served.h"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

namespace xylem::consumer_app {
namespace {

TEST_CASE("queries: a key's value, where it came from, and 404") {
  Served daemon;
  daemon.world.first.add_topic("t", 1);
  publish(daemon, "t",
          {{"plain", "v\"1"}, {"a/b c%", "slashes"}, {"bin", "\xFF\x01"}, {"gone", "x"}});
  publish(daemon, "t", {{"gone", std::nullopt}, {"", "empty key"}});
  daemon.serve();
  REQUIRE(daemon.world.until([&] { return daemon.current().records == 6; }));
  REQUIRE(daemon.until_whole());
  const auto plain = daemon.json("/api/query/key/plain");
  CHECK(plain.at("topic") == "t");
  CHECK(plain.at("key") == "plain");
  CHECK(plain.at("value") == "v\"1");
  CHECK(plain.at("partition") == 0);
  CHECK(plain.at("offset") == 0);
  CHECK(plain.at("epoch") == 3);
  CHECK(plain.at("timestamp") == 1'000);
  CHECK(plain.at("headers") == Json::object());
  CHECK(daemon.json("/api/query/key/a%2Fb%20c%25").at("value") == "slashes");
  CHECK(daemon.json("/api/query/key/a/b%20c%25").at("value") == "slashes");
  const auto binary = daemon.json("/api/query/key/bin");
  CHECK(binary.at("value") == "/wE=");
  CHECK(binary.at("encoding") == "base64");
  CHECK(daemon.json("/api/query/key/gone", 404).at("code") == "NOT_FOUND");
  CHECK(daemon.json("/api/query/key/never", 404).at("status") == 404);
  CHECK(daemon.json("/api/query/key/plain?topic=other", 404).at("code") == "NOT_FOUND");
}

TEST_CASE("queries: a value has an entity tag, and is not told again to who has it") {
  Served daemon;
  daemon.world.first.add_topic("t", 1);
  publish(daemon, "t", {{"a", "1"}, {"b", "1"}});
  daemon.serve();
  REQUIRE(daemon.until_whole());
  const auto first = daemon.get("/api/query/key/a");
  const std::string etag(first.header("etag"));
  CHECK(etag == R"("00000000000000010000000000000002.0.0.0")");
  CHECK(daemon.get("/api/query/key/b").header("etag") != etag);
  for (const auto& known : {etag, R"("x", W/)" + etag, std::string("*")}) {
    const auto again = daemon.get("/api/query/key/a", {{"If-None-Match", known}});
    CHECK(again.status == 304);
    CHECK(again.header("etag") == etag);
    CHECK(again.body.empty());
  }
  CHECK(daemon.get("/api/query/key/never", {{"If-None-Match", "*"}}).status == 404);
  publish(daemon, "t", {{"a", "1"}});
  REQUIRE(daemon.world.until([&] { return daemon.current().records == 3; }));
  const auto changed = daemon.get("/api/query/key/a", {{"If-None-Match", etag}});
  CHECK(changed.status == 200);
  CHECK(changed.header("etag") != etag);
}

TEST_CASE("queries: of a copy that is not whole, the view answers nothing and says why") {
  Served daemon;
  auto& topic = daemon.world.first.add_topic("t", 2);
  topic.partitions[1].end = Offset(1);  // a record that is not sent yet
  publish(daemon, "t", {{"a", "1"}});
  daemon.serve();
  REQUIRE(daemon.until_value("a", "1"));
  for (const auto* target : {"/api/query/key/a", "/api/query/key/never", "/api/query/keys"}) {
    const auto refused = daemon.json(target, 503);
    CHECK(refused.at("code") == "UNAVAILABLE");
    CHECK(refused.at("detail").get<std::string>().find("filled from the broker") !=
          std::string::npos);
  }
  CHECK(daemon.json("/api/query/offset/0?partition=0").at("value") == "1");
  topic.partitions[1].batches.push_back(make_batch(0, {{"b", "1"}}));
  daemon.world.first.push_all();
  REQUIRE(daemon.until_whole());
  CHECK(daemon.json("/api/query/key/a").at("value") == "1");
  CHECK(daemon.json("/api/query/keys").at("keys").size() == 2);
}

TEST_CASE("queries: a view that is made again from the log is not shown before it is whole") {
  Served daemon;
  daemon.world.first.add_topic("t", 1);
  publish(daemon, "t", {{"a", "1"}});
  daemon.start();
  REQUIRE(daemon.until_whole());
  daemon.stop();
  daemon.world.first.stop();
  daemon.lose_view();
  daemon.serve();
  const SystemClock clock;
  const auto end_ms = clock.monotonic_ms() + static_cast<std::int64_t>(testing::kGiveUpMs);
  auto status = daemon.get("/api/query/key/a").status;
  while (status == 503 && clock.monotonic_ms() < end_ms)
    status = daemon.get("/api/query/key/a").status;
  CHECK(status == 200);
  CHECK(daemon.json("/api/query/key/a").at("value") == "1");
  CHECK(daemon.get("/api/query/key/never").status == 404);
}

TEST_CASE("queries: keys page by page") {
  Served daemon;
  daemon.world.first.add_topic("t", 1);
  publish(daemon, "t", {{"p/3", "v"}, {"p/1", "v"}, {"p/2", "v"}, {"q", "v"}, {"\xFF", "v"}});
  daemon.serve();
  REQUIRE(daemon.world.until([&] { return daemon.current().records == 5; }));
  REQUIRE(daemon.until_whole());
  std::vector<std::string> all;
  std::string target = "/api/query/keys?prefix=p/&limit=1";
  while (all.size() < 10) {
    const auto page = daemon.json(target);
    for (const auto& key : page.at("keys")) all.push_back(key);
    if (page.at("next").is_null()) break;
    target = "/api/query/keys?prefix=p/&limit=1&after=" + page.at("next").get<std::string>();
  }
  CHECK(all == std::vector<std::string>{"p/1", "p/2", "p/3"});
  CHECK(daemon.json("/api/query/keys").at("keys").size() == 5);
  CHECK(daemon.json("/api/query/keys?after=q").at("keys") == Json::parse(R"([{"base64":"/w=="}])"));
  for (const auto* bad : {"limit=0", "limit=1001", "limit=x"})
    CHECK(daemon.json(std::string("/api/query/keys?") + bad, 400).at("code") == "INVALID_REQUEST");
}

// As a client does it: what `next` says is escaped and asked for.
std::vector<std::string> all_pages(Served& daemon, const std::string& query, std::size_t limit) {
  std::vector<std::string> all;
  std::string after;
  for (int pages = 0; pages < 20; ++pages) {
    const auto page =
        daemon.json("/api/query/keys?" + query + "limit=" + std::to_string(limit) + after);
    CHECK(page.at("keys").size() <= limit);
    for (const auto& key : page.at("keys")) all.push_back(key);
    if (page.at("next").is_null()) return all;
    CHECK(page.at("keys").size() == limit);
    const auto& next = page.at("next");
    after = next.is_object()
                ? "&afterBase64=" + percent_encode(next.at("base64").get<std::string>())
                : "&after=" + percent_encode(next.get<std::string>());
  }
  return all;
}

TEST_CASE("queries: pages of keys meet at their borders, whatever the keys are made of") {
  Served daemon;
  daemon.world.first.add_topic("t", 1);
  const std::vector<std::string> keys = {"",    "%",     "%2F",   "%41", "+",  "a b",  "a&after=z",
                                         "a+b", "a/b/c", "a?b#c", "p",   "p%", "p%25", "p\xC3\xA4"};
  std::vector<KeyValue> records;
  for (const auto& key : keys) records.push_back({key, "v"});
  publish(daemon, "t", records);
  daemon.serve();
  REQUIRE(daemon.until_whole());
  for (std::size_t limit = 1; limit <= keys.size() + 1; ++limit)
    CHECK(all_pages(daemon, "", limit) == keys);
  CHECK(all_pages(daemon, "prefix=p&", 1) == std::vector<std::string>(keys.end() - 4, keys.end()));
  CHECK(all_pages(daemon, "prefix=p%25&", 1) == std::vector<std::string>{"p%", "p%25"});
  CHECK(all_pages(daemon, "prefix=q&", 3).empty());
  const auto beyond = daemon.json("/api/query/keys?after=zzz");
  CHECK(beyond.at("keys").empty());
  CHECK(beyond.at("next").is_null());
  CHECK(daemon.json("/api/query/keys?prefix=p&after=q").at("keys").empty());
  for (const auto& key : keys)
    CHECK(daemon.json("/api/query/key/" + percent_encode(key)).at("key") == key);
}

TEST_CASE("queries: keys that no URL can hold are paged over all the same") {
  Served daemon;
  daemon.world.first.add_topic("t", 1);
  const std::string zero(1, '\0');
  publish(daemon, "t",
          {{"a" + zero, "v"}, {"a" + zero + "b", "v"}, {"b", "v"}, {"\xFE", "v"}, {"\xFF", "v"}});
  daemon.serve();
  REQUIRE(daemon.until_whole());
  std::string after;
  std::vector<Json> pages;
  for (; pages.size() < 10;
       after = "&afterBase64=" +
               percent_encode(pages.back().at("next").at("base64").get<std::string>())) {
    pages.push_back(daemon.json("/api/query/keys?limit=2" + after));
    if (pages.back().at("next").is_null()) break;
  }
  REQUIRE(pages.size() == 3);
  CHECK(pages[0].at("keys") == Json({"a" + zero, "a" + zero + "b"}));
  CHECK(pages[1].at("keys") == Json({"b", {{"base64", "/g=="}}}));
  CHECK(pages[2].at("keys") == Json::array({Json{{"base64", "/w=="}}}));
  CHECK(daemon.json("/api/query/keys?afterBase64=%3F", 400).at("code") == "INVALID_REQUEST");
}

TEST_CASE("queries: a topic without keys has one empty page") {
  Served daemon;
  daemon.world.first.add_topic("t", 1);
  daemon.serve();
  REQUIRE(daemon.until_whole());
  const auto page = daemon.json("/api/query/keys");
  CHECK(page.at("keys").empty());
  CHECK(page.at("next").is_null());
}

TEST_CASE("queries: stored records by offset, by range, by key") {
  Served daemon;
  daemon.world.first.add_topic("t", 1);
  publish(daemon, "t", {{"a", "1"}, {"b", "1"}, {"a", "2"}});
  publish(daemon, "t", {{"a", std::nullopt}, {"c", "1"}});
  daemon.serve();
  REQUIRE(daemon.world.until([&] { return daemon.current().records == 5; }));

  CHECK(daemon.json("/api/query/offset/2").at("value") == "2");
  CHECK(daemon.json("/api/query/offset/3").at("value").is_null());
  CHECK(daemon.json("/api/query/offset/5", 404).at("code") == "NOT_FOUND");
  CHECK(daemon.json("/api/query/offset/-1", 400).at("code") == "INVALID_REQUEST");
  CHECK(daemon.json("/api/query/offset/1x", 400).at("code") == "INVALID_REQUEST");
  CHECK(daemon.json("/api/query/offset/2?partition=7", 404).at("code") == "NOT_FOUND");

  const auto range = daemon.json("/api/query/range?from=1&to=4");
  REQUIRE(range.at("records").size() == 3);
  CHECK(range.at("records")[0].at("key") == "b");
  CHECK(range.at("records")[2].at("offset") == 3);
  CHECK(range.at("next").is_null());
  CHECK(range.at("end") == 5);
  const auto part = daemon.json("/api/query/range?limit=2");
  CHECK(part.at("records").size() == 2);
  CHECK(part.at("next") == 2);
  CHECK(daemon.json("/api/query/range?from=4&to=2").at("records").empty());
  CHECK(daemon.json("/api/query/range?from=x", 400).at("code") == "INVALID_REQUEST");

  const auto history = daemon.json("/api/query/history/a");
  REQUIRE(history.at("records").size() == 3);
  CHECK(history.at("records")[1].at("value") == "2");
  CHECK(history.at("records")[2].at("value").is_null());
  CHECK(history.at("next").is_null());
  const auto first = daemon.json("/api/query/history/a?limit=1");
  CHECK(first.at("records").size() == 1);
  CHECK(first.at("next") == "0:1");
  const auto second = daemon.json("/api/query/history/a?limit=2&after=0:1");
  CHECK(second.at("records")[0].at("offset") == 2);
  CHECK(daemon.json("/api/query/history/never").at("records").empty());
  CHECK(daemon.json("/api/query/history/a?after=7", 400).at("code") == "INVALID_REQUEST");
}

TEST_CASE("queries: several topics and partitions have to be told apart") {
  Served daemon({"t", "u"});
  daemon.world.first.add_topic("t", 2);
  daemon.world.first.add_topic("u", 1).incarnation = kSecond;
  daemon.world.first.append("t", 1, {"second"});
  publish(daemon, "t", {{"both", "of t"}});
  publish(daemon, "u", {{"both", "of u"}, {"only u", "x"}});
  daemon.serve();
  REQUIRE(daemon.world.until(
      [&] { return daemon.current("t").records == 2 && daemon.current("u").records == 2; }));
  REQUIRE((daemon.until_whole("t") && daemon.until_whole("u")));
  CHECK(daemon.json("/api/query/key/both").at("value") == "of t");
  CHECK(daemon.json("/api/query/key/both?topic=u").at("value") == "of u");
  CHECK(daemon.json("/api/query/key/only%20u").at("topic") == "u");
  CHECK(daemon.json("/api/query/keys", 400).at("code") == "INVALID_REQUEST");
  CHECK(daemon.json("/api/query/keys?topic=u").at("keys").size() == 2);
  CHECK(daemon.json("/api/query/offset/0?topic=t", 400).at("code") == "INVALID_REQUEST");
  CHECK(daemon.json("/api/query/offset/0?topic=t&partition=1").at("value") == "second");
  CHECK(daemon.json("/api/query/offset/0?topic=u").at("key") == "both");
}

TEST_CASE("queries: stats, segments, health, metrics") {
  Served daemon;
  daemon.serve();
  CHECK(daemon.get("/healthz").status == 200);
  CHECK(daemon.json("/readyz", 503).at("ready") == false);
  CHECK(daemon.json("/api/query/health").at("status") == "DEGRADED");
  CHECK(daemon.json("/api/query/range", 404).at("code") == "NOT_FOUND");
  CHECK(daemon.json("/api/query/stats").at("keys") == 0);

  daemon.world.first.add_topic("t", 1);
  publish(daemon, "t", {{"a", "1"}, {"b", "1"}, {"a", std::nullopt}});
  REQUIRE(daemon.world.until([&] { return daemon.current().whole; }));
  const auto stats = daemon.json("/api/query/stats");
  CHECK(stats.at("keys") == 1);
  CHECK(stats.at("records") == 3);
  CHECK(stats.at("cursor") == Json::parse(R"({"t":{"0":3}})"));
  CHECK(stats.at("segments") == daemon.json("/api/query/segments").at("segments").size());
  CHECK(stats.at("bytes") == daemon.log->bytes());
  CHECK(stats.at("topics").at("t").at("whole") == true);
  CHECK(stats.at("topics").at("t").at("lag") == 0);
  CHECK(stats.at("topics").at("t").at("refresh") ==
        Json::parse(R"({"state":"SERVING","refreshId":0,"records":0})"));
  CHECK(stats.at("connected") == true);
  CHECK(stats.at("appliedRecords") == 3);
  CHECK(stats.at("uptimeSeconds").get<double>() >= 0);
  CHECK(stats.at("changeStreams") == 0);
  CHECK(stats.at("snapshots") == 0);
  CHECK(daemon.json("/readyz").at("ready") == true);
  const auto health = daemon.json("/api/query/health");
  CHECK(health.at("status") == "HEALTHY");
  CHECK(health.at("topics").at("t").at("lag") == 0);
  CHECK(text_of(daemon.get("/metrics").body).find("xylem_consumer_queries_total") !=
        std::string_view::npos);
}

TEST_CASE("queries: stats tell of a refresh, of streams, and how fast records are applied") {
  CopyState current{.incarnation = kFirst, .refresh_id = 4, .whole = true, .records = 7};
  const CopyState shadow{.incarnation = kFirst, .refresh_id = 9, .records = 3};
  const Activity doing{.connected = false,
                       .uptime_ms = 2'000,
                       .records_applied = 500,
                       .change_streams = 2,
                       .snapshots = 1,
                       .lag = {{"t", 12}}};
  const auto stats_of = [&](const TopicCopies& copies) {
    return Json::parse(stats_json({"t"}, {{"t", copies}}, {}, doing));
  };
  const auto refresh_of = [&](const TopicCopies& copies) {
    return stats_of(copies).at("topics").at("t").at("refresh").dump();
  };
  const auto stats = stats_of({.current = current, .shadow = shadow});
  CHECK(stats.at("appliedPerSecond") == 250);
  CHECK(stats.at("changeStreams") == 2);
  CHECK(stats.at("snapshots") == 1);
  CHECK(stats.at("topics").at("t").at("lag") == 12);
  CHECK(refresh_of({.current = current, .shadow = shadow}) ==
        R"({"records":3,"refreshId":9,"state":"REPLAYING"})");
  CHECK(refresh_of({.current = current, .shadow = {}}) ==
        R"({"records":0,"refreshId":4,"state":"SERVING"})");
  CHECK(refresh_of({}) == R"({"records":0,"refreshId":0,"state":"FILLING"})");
}

TEST_CASE("queries: a topic whose log failed is named, and the other one is served") {
  Served daemon({"t", "u"});
  daemon.storage = std::make_unique<BrokenTopicEngine>(std::move(daemon.storage), "u");
  daemon.world.first.add_topic("t", 1);
  daemon.world.first.add_topic("u", 1);
  publish(daemon, "u", {{"a", "1"}});
  daemon.serve();
  REQUIRE(daemon.world.until([&] { return !daemon.applier->health("u").has_value(); }));
  publish(daemon, "t", {{"b", "1"}});
  REQUIRE(daemon.until_value("b", "1"));
  const auto health = daemon.json("/api/query/health", 503);
  CHECK(health.at("status") == "UNHEALTHY");
  CHECK(health.at("failure").get<std::string>().starts_with("topic u: "));
  CHECK(health.at("topics").at("u").at("failure") != "");
  CHECK(health.at("topics").at("t").at("failure") == "");
}

TEST_CASE("queries: an end with queries under way is clean") {
  Served daemon;
  daemon.world.first.add_topic("t", 1);
  publish(daemon, "t", {{"a", "1"}});
  daemon.serve();
  REQUIRE(daemon.until_value("a", "1"));
  std::thread asker([port = daemon.port] {
    auto client = HttpClient::create({.base_url = "http://127.0.0.1:" + std::to_string(port)});
    (void)(*client)->exchange({.target = "/api/query/key/a", .timeout_ms = 200});
  });
  daemon.world.turn(5);
  daemon.api.reset();
  daemon.snapshots.reset();
  daemon.changes.reset();
  daemon.server.reset();
  daemon.world.turn(5);
  asker.join();
}

}  // namespace
}  // namespace xylem::consumer_app
