// Makes the golden batches with librdkafka: a real producer writes to librdkafka's own mock broker,
// and one raw Fetch request (version 4) takes the stored bytes out. See README.md here.
#include <arpa/inet.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <span>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr const char* kTopic = "golden";

void require(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "make_batches: %s\n", what.c_str());
  std::exit(1);
}

template <class T>
void put(T value, std::string& out) {
  for (int shift = 8 * (static_cast<int>(sizeof value) - 1); shift >= 0; shift -= 8)
    out += static_cast<char>(static_cast<std::uint64_t>(value) >> shift & 0xffU);
}

void put_text(const std::string& text, std::string& out) {
  put(static_cast<std::int16_t>(text.size()), out);
  out += text;
}

std::string fetch_request() {
  std::string body;
  put(std::int16_t{1}, body);  // Fetch
  put(std::int16_t{4}, body);  // version
  put(std::int32_t{1}, body);  // correlation
  put_text("golden", body);
  put(std::int32_t{-1}, body);       // replica
  put(std::int32_t{1'000}, body);    // max wait, ms
  put(std::int32_t{1}, body);        // min bytes
  put(std::int32_t{1 << 20}, body);  // max bytes
  put(std::int8_t{0}, body);         // isolation
  put(std::int32_t{1}, body);        // topics
  put_text(kTopic, body);
  put(std::int32_t{1}, body);        // partitions
  put(std::int32_t{0}, body);        // partition
  put(std::int64_t{0}, body);        // offset
  put(std::int32_t{1 << 20}, body);  // max bytes
  std::string request;
  put(static_cast<std::int32_t>(body.size()), request);
  return request + body;
}

std::string receive(int socket, std::size_t bytes) {
  std::string out(bytes, '\0');
  for (std::size_t got = 0; got < bytes;) {
    const auto n = recv(socket, out.data() + got, bytes - got, 0);
    require(n > 0, "the broker closed");
    got += static_cast<std::size_t>(n);
  }
  return out;
}

std::int32_t number_at(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value = value << 8U | static_cast<unsigned char>(bytes.at(at + i));
  return static_cast<std::int32_t>(value);
}

// Everything the broker stores of partition 0, in one answer.
std::string fetch(const std::string& bootstrap) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port =
      htons(static_cast<std::uint16_t>(std::stoi(bootstrap.substr(bootstrap.rfind(':') + 1))));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  require(connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "connect");
  const auto request = fetch_request();
  require(send(socket, request.data(), request.size(), 0) == static_cast<ssize_t>(request.size()),
          "send");
  const auto answer = receive(socket, static_cast<std::size_t>(number_at(receive(socket, 4), 0)));
  close(socket);
  // correlation 4, throttle 4, topics 4, name, partitions 4, partition 4, error 2, ends 16, aborted
  const auto aborted_at = 4 + 4 + 4 + 2 + std::string(kTopic).size() + 4 + 4 + 2 + 8 + 8;
  require(number_at(answer, aborted_at) <= 0, "aborted transactions");
  const auto records = static_cast<std::size_t>(number_at(answer, aborted_at + 4));
  require(answer.size() == aborted_at + 8 + records, "unexpected answer");
  return answer.substr(aborted_at + 8);
}

void set(rd_kafka_conf_t* conf, const char* name, const char* value) {
  char error[256];
  require(rd_kafka_conf_set(conf, name, value, error, sizeof error) == RD_KAFKA_CONF_OK, error);
}

void produce(rd_kafka_t* producer,
             rd_kafka_vu_t key,
             rd_kafka_vu_t value,
             std::int64_t timestamp,
             bool headers) {
  rd_kafka_headers_t* list = headers ? rd_kafka_headers_new(3) : nullptr;
  if (headers) {
    rd_kafka_header_add(list, "source", -1, "golden", -1);
    rd_kafka_header_add(list, "empty", -1, "", 0);
    rd_kafka_header_add(list, "null", -1, nullptr, 0);
  }
  rd_kafka_vu_t topic{};
  topic.vtype = RD_KAFKA_VTYPE_TOPIC;
  topic.u.cstr = kTopic;
  rd_kafka_vu_t partition{};
  partition.vtype = RD_KAFKA_VTYPE_PARTITION;
  partition.u.i32 = 0;
  rd_kafka_vu_t time{};
  time.vtype = RD_KAFKA_VTYPE_TIMESTAMP;
  time.u.i64 = timestamp;
  rd_kafka_vu_t flags{};
  flags.vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  flags.u.i = RD_KAFKA_MSG_F_COPY;
  rd_kafka_vu_t fields[7] = {topic, partition, time, flags, key, value};
  std::size_t count = 6;
  if (headers) {
    fields[count].vtype = RD_KAFKA_VTYPE_HEADERS;
    fields[count++].u.headers = list;
  }
  auto* error = rd_kafka_produceva(producer, fields, count);
  require(error == nullptr, error != nullptr ? rd_kafka_error_string(error) : "");
}

rd_kafka_vu_t bytes(rd_kafka_vtype_t type, const char* text) {
  rd_kafka_vu_t field{};
  field.vtype = type;
  field.u.mem.ptr = const_cast<char*>(text);
  field.u.mem.size = text == nullptr ? 0 : std::string(text).size();
  return field;
}

// The records that batch_golden_test.cpp expects.
void produce_all(rd_kafka_t* producer) {
  const auto key = [](const char* text) { return bytes(RD_KAFKA_VTYPE_KEY, text); };
  const auto value = [](const char* text) { return bytes(RD_KAFKA_VTYPE_VALUE, text); };
  constexpr std::int64_t kTime = 1'700'000'000'000;
  const std::string long_value(300, 'v');
  produce(producer, key("plain"), value("a value"), kTime, false);
  produce(producer, key("with headers"), value("another"), kTime + 1, true);
  produce(producer, key(nullptr), value("no key"), kTime - 70'000, false);
  produce(producer, key("no value"), value(nullptr), kTime + 2, false);
  produce(producer, key("long"), value(long_value.c_str()), kTime + 100'000, false);
  produce(producer, key(""), value(""), kTime, false);
}

void make(const std::string& codec, bool idempotent, const std::string& path) {
  auto* conf = rd_kafka_conf_new();
  set(conf, "test.mock.num.brokers", "1");
  set(conf, "compression.codec", codec.c_str());
  set(conf, "linger.ms", "200");  // all records go into one batch
  set(conf, "enable.idempotence", idempotent ? "true" : "false");
  char error[256];
  auto* producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
  require(producer != nullptr, error);
  const auto* cluster = rd_kafka_handle_mock_cluster(producer);
  produce_all(producer);
  require(rd_kafka_flush(producer, 10'000) == RD_KAFKA_RESP_ERR_NO_ERROR, "flush");
  const auto batch = fetch(rd_kafka_mock_cluster_bootstraps(cluster));
  std::ofstream(path, std::ios::binary) << batch;
  rd_kafka_destroy(producer);
  std::printf("%s: %zu bytes, attributes %d\n", path.c_str(), batch.size(), batch.at(22));
}

}  // namespace

int main(int argc, char** argv) {
  require(argc == 2, "usage: make_batches DIRECTORY");
  const std::string directory = argv[1];
  for (const char* codec : {"none", "gzip", "snappy", "lz4", "zstd"})
    make(codec, false, directory + "/" + codec + ".batch");
  make("none", true, directory + "/idempotent.batch");
}
